"""Who may write into a run: one process at a time, and none for ever (a dead one holds nothing)."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ovcf.files import PARTIAL
from ovcf.problems import InputError, Problem
from ovcf.run_folder.record import read_record

LOCK = ".lock"
EXECUTES = "OVCF_EXECUTES"
"""Environment variable of a notebook that `ovcf run` executes: the run that its parent holds for it."""


class RunInUse(InputError):
    """Another process writes into this run."""


def executes(run: Path) -> bool:
    """Return whether this process is a notebook that `ovcf run` executes in this very run."""
    return os.environ.get(EXECUTES) == str(run)


@contextmanager
def hold(run: Path) -> Iterator[None]:
    """Hold a run for writing; within `ovcf run` its notebooks write under their parent's lock.

    Raises RunInUse, naming who holds it.
    """
    if executes(run):
        yield
        return
    try:
        lock = _lock(run)
        lock.acquire(timeout=0)
    except Timeout:
        record = read_record(run)
        process = record.get("process", {})
        who = f"process {process['pid']} on {process['host']}" if process else "a notebook that is open"
        since = f" since {record['started']}" if process else ""
        words = f"another process writes into this run: {who}{since}; wait for it, or make another run with --out"
        raise RunInUse(Problem("in_use", words, str(run))) from None
    try:
        yield
    finally:
        lock.release()


def _lock(run: Path) -> FileLock:
    # One lock a process and run, which counts: training holds it while a table within is written.
    return FileLock(run / LOCK, is_singleton=True, thread_local=False)


def clear_leftovers(run: Path) -> int:
    """Delete what dead processes left half written in a run that is held; return the bytes."""
    freed = 0
    for path in [*run.glob(".*"), *(p for part in ("tables", "figures", "notebooks") for p in (run / part).glob(".*"))]:
        if path.name.endswith(PARTIAL) or path.name.startswith(".model-"):
            freed += _delete(path)
    for path in (run / "cache").rglob("*"):  # nothing in the cache that is whole has such a name
        if path.is_file() and (path.name.startswith(".") or path.name.endswith(".tmp")):
            freed += _delete(path)
    return freed


def clear_cache(run: Path) -> int:
    """Delete a run's cache and what was set aside as damaged; return the bytes."""
    freed = clear_leftovers(run)
    for path in [run / "cache", *run.rglob("*.damaged")]:
        freed += _delete(path)
    return freed


def _delete(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        shutil.rmtree(path)
        return size
    size = path.stat().st_size if path.exists() else 0
    path.unlink(missing_ok=True)
    return size
