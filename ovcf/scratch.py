"""Folders for what is needed for a while: they go with their owner, and after a kill with the next such folder.

Each holds a lock that a dead process does not hold (an uploaded film, say, must not lie in the temporary folder for
ever because the browser's kernel was killed).
"""

import os
import shutil
import tempfile
import time
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = "ovcf-scratch-"
HELD = ".held"
FRESH = 60.0  # seconds in which a folder counts as held: its lock may be about to be taken


class Scratch:
    """A temporary folder, held while this object lives; folders that dead processes left are removed first.

    Parameters
    ----------
    kind : what it is for, part of its name

    Attributes
    ----------
    path : of the folder, for its owner only (0700)
    """

    def __init__(self, kind: str):
        clear_abandoned()
        self._folder = tempfile.TemporaryDirectory(prefix=f"{PREFIX}{kind}-", ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        self._lock = FileLock(self.path / HELD)
        self._lock.acquire()

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        self._lock.release()
        self._folder.cleanup()


def clear_abandoned() -> int:
    """Remove this user's scratch folders that no process holds; return how many."""
    found = [path for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*") if _is_abandoned(path)]
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return len(found)


def _is_abandoned(folder: Path) -> bool:
    held = folder / HELD
    try:
        about, of_lock = folder.lstat(), held.lstat()
        mine = not hasattr(os, "getuid") or about.st_uid == of_lock.st_uid == os.getuid()  # not on Windows
        if not mine or folder.is_symlink() or held.is_symlink() or time.time() - of_lock.st_mtime < FRESH:
            return False
        with FileLock(held, timeout=0):
            return True
    except (OSError, Timeout):  # gone meanwhile, another's, or held
        return False
