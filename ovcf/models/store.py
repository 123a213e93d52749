"""Features that runs share: one folder of a chosen size, from which what was used longest ago goes first.

It is used only where OVCF_CACHE names it: features come from patients' films, and a run that is deleted shall leave
none behind unasked. A run holds its features itself (as hard links where the disk can), so nothing is lost with the
folder, and what goes from it stays with the runs that have it.
"""

import logging
import os
from pathlib import Path

from filelock import FileLock

from ovcf.files import SEAL, kept, link_or_copy, seal, seal_of
from ovcf.problems import InputError, Problem

FOLDER, SIZE = "OVCF_CACHE", "OVCF_CACHE_GB"  # environment variables
PLACE = "the environment"
USUAL_SIZE = "20"  # GB of 10^9 bytes


def fetch(target: Path) -> bool:
    """Give a run a file that another one left here, and say whether there is one; it counts as used now."""
    if (store := folder()) is None:
        return False
    with _alone(store):
        if not kept(source := store / target.name):
            return False
        os.utime(seal_of(source))
        link_or_copy(source, target)
    seal(target)
    return True


def offer(made: Path) -> None:
    """Leave a finished file here for other runs, and drop the longest unused above the size.

    Where the folder cannot take it (a full disk, say) that is told, and the run goes on: it has its own.
    """
    if (store := folder()) is None:
        return
    try:
        with _alone(store):
            place = store / made.name
            if not kept(place):
                link_or_copy(made, place)
                seal(place)
            _shrink(store, size())
    except OSError as error:
        logging.getLogger("ovcf").warning("%s is not shared with other runs: %s", made.name, error.strerror or error)


def _shrink(store: Path, most: float) -> None:
    """Drop files until those left take at most so many bytes."""
    files = [seal_.with_name(seal_.name.removesuffix(SEAL)) for seal_ in store.glob(f"*{SEAL}")]
    files = sorted((f for f in files if f.is_file()), key=lambda f: seal_of(f).stat().st_mtime_ns)
    left = sum(file.stat().st_size for file in files)
    for file in files:
        if left <= most:
            return
        left -= file.stat().st_size
        seal_of(file).unlink()  # first: without it the file is no longer there
        file.unlink()


def folder() -> Path | None:
    """Return the folder, made where it is missing; None where none is named; InputError where it cannot be made."""
    named = os.environ.get(FOLDER)
    if not named:
        return None
    store = Path(named).expanduser() / "features"
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        words = f"the folder of the shared cache cannot be made: {error.strerror or error}"
        raise InputError(Problem("cache_folder", words, PLACE, column=FOLDER, found=named)) from None
    return store


def size() -> float:
    """Return the bytes that the folder may hold; InputError for what is no positive number."""
    said = os.environ.get(SIZE) or USUAL_SIZE
    try:
        held = float(said) * 1e9
    except ValueError:
        held = -1.0
    if not 0 < held < float("inf"):
        words = "the size of the shared cache is no positive number of GB"
        raise InputError(Problem("cache_size", words, PLACE, column=SIZE, found=said, allowed="for example 20"))
    return held


def _alone(store: Path) -> FileLock:
    return FileLock(store / ".lock")
