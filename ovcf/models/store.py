"""Features that runs share: one folder of a chosen size, from which what was used longest ago goes first.

It is used only where OVCF_CACHE names it: features come from patients' films, and a run that is deleted shall leave
none behind unasked. A run holds its features itself (as hard links where the disk can), so nothing is lost with the
folder, and what goes from it stays with the runs that have it.
"""

import os
from pathlib import Path

from filelock import FileLock

from ovcf.files import SEAL, kept, link_or_copy, seal
from ovcf.problems import InputError, Problem

FOLDER, SIZE = "OVCF_CACHE", "OVCF_CACHE_GB"  # environment variables
USUAL_SIZE = "20"  # GB of 10^9 bytes


def fetch(target: Path) -> bool:
    """Give a run a file that another one left here, and say whether there is one; it counts as used now.

    Raises
    ------
    InputError : for a size that is no positive number; `offer` would come to it only after the work.
    """
    if (store := _folder()) is None:
        return False
    _size()
    with _alone(store):
        if not kept(source := store / target.name):
            return False
        os.utime(_seal_of(source))
        link_or_copy(source, target)
    seal(target)
    return True


def offer(made: Path) -> None:
    """Leave a finished file here for other runs, and drop the longest unused above the size."""
    if (store := _folder()) is None:
        return
    size = _size()
    with _alone(store):
        place = store / made.name
        if not kept(place):
            link_or_copy(made, place)
            seal(place)
        _shrink(store, size)


def _shrink(store: Path, size: float) -> None:
    """Drop files until those left take at most `size` bytes."""
    files = [seal_.with_name(seal_.name.removesuffix(SEAL)) for seal_ in store.glob(f"*{SEAL}")]
    files = sorted((f for f in files if f.is_file()), key=lambda f: _seal_of(f).stat().st_mtime_ns)
    left = sum(file.stat().st_size for file in files)
    for file in files:
        if left <= size:
            return
        left -= file.stat().st_size
        _seal_of(file).unlink()  # first: without it the file is no longer there
        file.unlink()


def _folder() -> Path | None:
    named = os.environ.get(FOLDER)
    if not named:
        return None
    store = Path(named).expanduser() / "features"
    store.mkdir(parents=True, exist_ok=True)
    return store


def _size() -> float:
    """Bytes that the folder may hold."""
    said = os.environ.get(SIZE) or USUAL_SIZE
    try:
        size = float(said) * 1e9
    except ValueError:
        size = -1.0
    if not 0 < size < float("inf"):
        words = "the size of the shared cache is no positive number of GB"
        raise InputError(Problem("cache_size", words, column=SIZE, found=said, allowed="for example 20"))
    return size


def _alone(store: Path) -> FileLock:
    return FileLock(store / ".lock")


def _seal_of(path: Path) -> Path:
    return path.with_name(path.name + SEAL)
