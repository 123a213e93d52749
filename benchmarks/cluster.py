"""Ten jobs on one Dask worker and on two, beside this process's own; then a busy worker is killed.

    python benchmarks/cluster.py [--order 1 2] [--epochs 16] [--patches 100] [--size 64] [--json FILE]

A scheduler and its workers are started as the README says, each a process of its own (`dask scheduler`, `dask worker`
with one thread and its nanny). EfficientNet-Lite0 trains whole (`trainable: all`, packaged weights, random patches):
five folds from two seeds, ten jobs of equal length. Seconds are those of `cross_validate_each`: connection, data sent,
jobs, results written; the workers have imported torch before, since such a cluster is there already. `--order` says how
many workers each pass has, in turn (1 2 2 1 shows whether the order matters); of several passes of a kind the quickest
counts. `busy` is the share of that time in which a mean worker was at its jobs: what is missing is not the workers'. In
the last pass one of two workers is killed (SIGKILL) in the middle of a job, and its nanny brings it back. Exit status 1
where any predictions differ from those of this machine without a cluster.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import distributed
import numpy as np
import pandas as pd
from turns import keep

from ovcf.models.crossval import Version, cross_validate_each
from ovcf.models.random_weights import noise_patches
from ovcf.models.recipe import Recipe
from ovcf.processes import SCHEDULER

NETWORK, FOLDS, SEEDS = "efficientnet_lite0", 5, (0, 1)
KINDS = {1: "one worker", 2: "two workers"}


# ---------------------------------------------------------------- the cluster
@contextmanager
def cluster(workers: int, folder: Path) -> Iterator[str]:
    """Start a scheduler and so many workers, each in a process of its own; lends the scheduler's address."""
    file, started = folder / "scheduler.json", []

    def start(what: str, *options: str) -> None:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--scheduler-file", str(file), *options]
        with open(folder / f"{what}.log", "ab") as log:
            started.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=folder))

    file.unlink(missing_ok=True)
    start("scheduler", "--port", "0", "--no-dashboard")
    for _ in range(workers):
        start("worker", "--nthreads", "1", "--no-dashboard", "--local-directory", str(folder))
    try:
        yield ready(file, workers)
    finally:
        for process in reversed(started):
            ended(process)


def ended(process: subprocess.Popen) -> None:
    """End a process, a nanny with its worker; by force where it does not go."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ready(file: Path, workers: int) -> str:
    """Wait until all workers have come and imported torch; return the scheduler's address."""
    while not file.exists():
        time.sleep(0.1)
    with distributed.Client(scheduler_file=str(file), set_as_default=False, timeout=120) as client:
        client.wait_for_workers(workers, timeout=300)
        client.run(__import__, "ovcf.models.crossval")
        client.get_task_stream()  # the scheduler takes notes from now on
        return client.scheduler.address


def at_work(address: str) -> dict[str, list[float]]:
    """Seconds of each job that the workers have done."""
    with distributed.Client(address, set_as_default=False) as client:
        done: dict[str, list[float]] = {worker: [] for worker in client.scheduler_info(n_workers=-1)["workers"]}
        for task in client.get_task_stream():
            spans = [span["stop"] - span["start"] for span in task["startstops"] if span["action"] == "compute"]
            done.setdefault(task["worker"], []).extend(spans)
        return done


@contextmanager
def killing(address: str, after: float) -> Iterator[list[str]]:
    """Kill one worker (SIGKILL) so many seconds after it began a job; lends a list of what was killed."""
    killed, over = [], threading.Event()

    def watch() -> None:
        with distributed.Client(address, set_as_default=False) as client:
            processes = client.run(os.getpid)
            while not over.wait(0.02) and not killed:
                busy = [worker for worker, tasks in client.processing().items() if tasks]
                if busy and not over.wait(after):
                    os.kill(processes[busy[0]], signal.SIGKILL)
                    killed.append(busy[0])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


# ---------------------------------------------------------------- the jobs
class Work:
    """Ten jobs, always the same, each time in a cache of its own."""

    def __init__(self, patches: int, size: int, epochs: int):
        names = [f"v{i}" for i in range(patches)]
        self.images = noise_patches(patches, size, seed=3)
        self.patches = pd.DataFrame(
            {"patch_id": names, "patient_id": names, "label": ["fresh", "old"] * (patches // 2)}
        )
        self.patches["fold"] = np.arange(patches) * FOLDS // patches + 1
        recipe = {"weights": "packaged", "trainable": "all", "epochs": epochs, "precision": "float32"}
        self.versions = [Version(self.patches, Recipe(**recipe, training_seed=seed)) for seed in SEEDS]

    def done(self, address: str | None, workers: int = 1) -> tuple[list[pd.DataFrame], float]:
        """Do all jobs here or on a cluster; return the predictions of both seeds and the seconds."""
        os.environ[SCHEDULER] = address or ""
        with tempfile.TemporaryDirectory() as cache:
            began = time.perf_counter()
            options = {"cache": Path(cache), "workers": workers, "progress": False}
            tables = cross_validate_each(self.images, self.versions, [NETWORK], **options)
            return tables, time.perf_counter() - began


def equal(first: list[pd.DataFrame], second: list[pd.DataFrame]) -> bool:
    """Whether two answers have the same bits."""
    return all(a.equals(b) for a, b in zip(first, second, strict=True))


# ---------------------------------------------------------------- what is printed
def measure(work: Work, order: list[int], folder: Path) -> Iterator[dict]:
    """Yield a row a pass: here, on the clusters of `order`, and on two workers of which one is killed."""
    here, seconds = work.done(None, 2)
    yield {"what": "two processes here, no cluster", "seconds": seconds, "identical": True}
    for workers in order:
        with cluster(workers, folder) as address:
            said, seconds = work.done(address)
            spans = at_work(address).values()
        whole, jobs = sum(map(sum, spans)), [len(each) for each in spans]
        about = {"busy": whole / workers / seconds, "jobs": jobs, "job_seconds": whole / sum(jobs)}
        yield {"what": KINDS[workers], "seconds": seconds, "identical": equal(here, said)} | about
    with cluster(2, folder) as address, killing(address, about["job_seconds"] / 2) as killed:
        said, seconds = work.done(address)
    complete = len(killed) == 1 and equal(here, said)
    yield {"what": "two workers, one killed in a job", "seconds": seconds, "identical": complete}


def with_ratios(rows: list[dict]) -> list[dict]:
    """Add how many times as fast as one worker each pass was, by the quickest pass of one worker."""
    one = min((row["seconds"] for row in rows if row["what"] == KINDS[1]), default=None)
    return [row | {"ratio": one / row["seconds"] if one else None} for row in rows]


def main() -> None:
    """Print a line a pass and the ratio of the quickest passes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--order", type=int, nargs="+", default=[1, 2], choices=KINDS, help="workers of each pass")
    parser.add_argument("--patches", type=int, default=100)
    parser.add_argument("--size", type=int, default=64, help="px")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--json", type=Path, help="where to keep the rows")
    given = parser.parse_args()
    print(f"{FOLDS * len(SEEDS)} jobs: {given.epochs} epochs of {given.patches - given.patches // FOLDS} patches")
    rows: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        for row in measure(Work(given.patches, given.size, given.epochs), given.order, Path(folder)):
            rows = with_ratios([*rows, row])
            more = (
                f"; jobs of each {row['jobs']}, {row['job_seconds']:.1f} s, busy {row['busy']:.1%}"
                if "jobs" in row
                else ""
            )
            print(f"{row['what']}: {row['seconds']:.1f} s; identical: {row['identical']}{more}", flush=True)
            keep(rows, given.json)
    ratio = max(row["ratio"] for row in rows if row["what"] == KINDS[2])
    print(f"two workers are {ratio:.2f} times as fast as one")
    raise SystemExit(not all(row["identical"] for row in rows))


if __name__ == "__main__":
    main()
