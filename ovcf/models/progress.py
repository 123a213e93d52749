"""How far the folds are: each leaves its number of epochs in a small file, and a bar gathers them.

A file, since it works alike for threads, processes and other machines with the same disk.
"""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from ovcf.files import write_text
from ovcf.models.jobs import Job
from ovcf.models.training import Report
from ovcf.progress import bar, into_a_log, tell

EVERY = 0.5  # seconds between two beats of a fold, and between two looks of the bar


def heartbeat(job: Job) -> Report:
    """Return a function that leaves the number of finished epochs in the fold's file, twice a second at most."""
    job.target.parent.mkdir(parents=True, exist_ok=True)
    path, last = beat_file(job), [0.0]

    def report(epoch: int) -> None:
        if time.monotonic() - last[0] > EVERY or epoch == job.recipe.epochs:
            write_text(path, str(epoch))
            last[0] = time.monotonic()

    return report


def beat_file(job: Job) -> Path:
    """Return the file that holds how many epochs of a fold are done."""
    return job.target.with_name(f".{job.target.stem}.epoch")


class Progress:
    """A bar over all epochs of all folds with the time left; its words name network, fold and epoch."""

    def __init__(self, jobs: Sequence[Job], show: bool):
        self.jobs, self.stop = jobs, threading.Event()
        total = sum(job.recipe.epochs for job in jobs)
        self.bar = bar(total=total, unit="epoch", show=show and bool(jobs))
        self.waiting = list(jobs) if show and into_a_log() else []
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop.set()
        self.thread.join()
        self.update()
        self.bar.close()
        for job in self.jobs:
            beat_file(job).unlink(missing_ok=True)

    def _watch(self) -> None:
        while not self.stop.wait(EVERY):
            self.update()

    def update(self) -> None:
        """Bring the bar to what the files say."""
        done, latest = 0, None
        for job in self.jobs:
            epoch = job.recipe.epochs if job.target.is_file() else _read_epoch(beat_file(job))
            done += epoch
            if 0 < epoch < job.recipe.epochs:
                latest = f"{job.network} {_part(job)} epoch {epoch}/{job.recipe.epochs}"
        for job in [job for job in self.waiting if job.target.is_file()]:
            self.waiting.remove(job)
            done_of = f"{len(self.jobs) - len(self.waiting)} of {len(self.jobs)}"
            tell(f"{job.network} {_part(job)} trained ({done_of})")
        if latest:
            self.bar.set_description(latest, refresh=False)
        self.bar.update(done - self.bar.n)


def _part(job: Job) -> str:
    return f"fold {job.fold}" if job.fold else "all patches"


def _read_epoch(path: Path) -> int:
    try:
        return int(path.read_text() or 0)
    except (FileNotFoundError, ValueError):  # not begun, or removed meanwhile
        return 0
