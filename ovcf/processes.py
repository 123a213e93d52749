"""What a process must know of processes: the memory it takes and keeps, and when to end because its parent has."""

import ctypes
import gc
import os
import platform
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

SCHEDULER = "OVCF_SCHEDULER"
"""Environment variable that holds the address of a Dask scheduler; `ovcf run --scheduler` sets it for its notebooks."""


def peak_memory() -> int:
    """Return the largest resident memory of this process and of any it waited for, in bytes.

    Unix counts in kilobytes, macOS in bytes; Windows knows of this process only. Linux's `getrusage` counts what this
    process was forked from as its own, so its own mark is read where the kernel keeps it.
    """
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return int(getattr(psutil.Process().memory_info(), "peak_wset", 0))
    unit = 1 if sys.platform == "darwin" else 1024
    own, waited = (resource.getrusage(kind).ru_maxrss for kind in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(_high_water() or own * unit, waited * unit)


def _high_water() -> int:
    """This process's own mark in bytes as Linux keeps it; 0 where there is none."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii", errors="replace").splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


@contextmanager
def memory_kept() -> Iterator[None]:
    """Let memory that is freed be used again meanwhile, where glibc manages it; it goes back to the system at the end.

    glibc hands every large array back as it is freed and has each page of the next one cleared anew, which takes up to
    half the time of a step of training; under Dask, which lowers the size that counts as large, more than half.
    """
    library = _glibc()
    if library is None:
        yield
        return
    _KEPT.append(None)
    for option, value in _KEEPING:
        library.mallopt(option, value)
    try:
        yield
    finally:
        _KEPT.pop()
        if not _KEPT:  # the outermost block ends
            for option, value in _USUAL:
                library.mallopt(option, value)
            library.malloc_trim(0)


_KEPT: list[None] = []  # one for each block that is open
_TRIM, _PAD, _MAPPED = -1, -2, -4  # M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX of malloc.h
_KEEPING = (_TRIM, 2**31 - 1), (_PAD, 2**26), (_MAPPED, 0)
_USUAL = (_TRIM, 2**26), (_PAD, 2**17), (_MAPPED, 2**16)  # the usual ones; of _TRIM what it grows to by itself


@cache
def _glibc() -> Any:
    """Return the C library where it is glibc, else None."""
    if platform.libc_ver()[0] != "glibc":
        return None
    return ctypes.CDLL(None)


@contextmanager
def only_new_garbage() -> Iterator[None]:
    """Let Python look for garbage only among what comes meanwhile.

    Each look goes through all that is alive, which is mostly modules: a fifth of the time of printing a report.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def end_with_parent(seconds: float = 1.0) -> None:
    """End this process soon after the one that started it; called first in each job that a pool's worker does.

    A pool notices a dead parent only between jobs, and a job may take an hour. In the parent itself nothing happens.
    """
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is None or any(t.name == _WATCH for t in threading.enumerate()):
        return
    # its number as this process was told when it began: the parent may be dead by now
    threading.Thread(target=_watch, args=(parent.pid, seconds), name=_WATCH, daemon=True).start()


_WATCH = "ovcf-end-with-parent"


def _watch(parent: int, seconds: float) -> None:
    while os.getppid() == parent:
        time.sleep(seconds)
    os._exit(1)
