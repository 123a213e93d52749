"""What a process must know of processes: the memory it took, and when to end because its parent has."""

import os
import sys
import threading
import time
from pathlib import Path

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


def end_with_parent(seconds: float = 1.0) -> None:
    """End this process soon after the one that started it; called first in each job that a pool's worker does.

    A pool notices a dead parent only between jobs, and a job may take an hour. In the parent itself nothing happens.
    """
    from multiprocessing import parent_process

    if parent_process() is None or any(t.name == _WATCH for t in threading.enumerate()):
        return
    threading.Thread(target=_watch, args=(os.getppid(), seconds), name=_WATCH, daemon=True).start()


_WATCH = "ovcf-end-with-parent"


def _watch(parent: int, seconds: float) -> None:
    while os.getppid() == parent:
        time.sleep(seconds)
    os._exit(1)
