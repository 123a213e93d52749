"""The same jobs on other machines: a Dask cluster that somebody else started.

No disk is shared. Patches or features are sent once to each worker, results come back as bytes and are written here;
a killed worker's job is done again by another (Dask's own rule), and what was sent is sent again if nobody is left
who has it. Results are those of a local run where the workers have the same packages and kind of processor; a worker
that would compute in other arithmetic is refused. Dask is spoken to directly: joblib's backend would do all jobs in
this process where the cluster has one thread, and never give work to workers that come later.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ovcf.files import seal, write_bytes
from ovcf.models.arithmetic import arithmetic
from ovcf.models.features import features_file, trunk_features, weights_source
from ovcf.models.fold import run_job
from ovcf.models.jobs import Job
from ovcf.models.sources import locate
from ovcf.problems import InputError, Problem
from ovcf.processes import SCHEDULER, memory_kept
from ovcf.scratch import Scratch

ROUNDS = 4  # that end with no job done and all workers killed, before it is given up: jobs may need more memory
WAIT = 600.0  # seconds for a first worker to come
_ALONE = threading.Lock()  # torch's random generator is the process's: one job at a time in a worker of many threads


def scheduler() -> str | None:
    """Return the address of the Dask scheduler that jobs go to, None where they stay here."""
    return os.environ.get(SCHEDULER) or None


def features_elsewhere(jobs: Sequence[Job], images: NDArray[np.uint8], cache: Path, address: str) -> None:
    """Let workers run the frozen trunks of some jobs, one a network, and keep what comes back in `cache`."""
    targets = [features_file(job.network, images, job.recipe, job.path, cache) for job in jobs]
    images = np.asarray(images)
    calls = [(_features_there, *_spoken(job), images, target.name) for job, target in zip(jobs, targets, strict=True)]
    _gather(calls, [images], targets, address)


def folds_elsewhere(jobs: Sequence[Job], sources: dict[str, NDArray], address: str) -> None:
    """Let workers train the jobs, each on the source of its network, and keep each result as it comes."""
    arrays = {network: np.asarray(source) for network, source in sources.items()}
    calls = [(_fold_there, *_spoken(job), arrays[job.network]) for job in jobs]
    _gather(calls, list({id(a): a for a in arrays.values()}.values()), [job.target for job in jobs], address)


def _spoken(job: Job) -> tuple[Job, str, str]:
    """A job with what a worker must agree on: the weights' digest and the arithmetic."""
    said = weights_source(job.path, job.recipe.seed)
    return job, said, arithmetic(job.network, job.path, job.recipe)


def _gather(calls: list[tuple], shared: list[NDArray], targets: list[Path], address: str) -> None:
    """Send the calls to the workers, the shared arrays once to each, and write what returns."""
    left, vain = dict(zip(targets, calls, strict=True)), 0
    while left:
        before = len(left)
        try:
            with _client(address) as client:
                for target, data in _results(client, left, shared):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    write_bytes(target, data)
                    seal(target)
                    del left[target]
        except CancelledError:  # every worker that had the shared arrays is dead, or the scheduler was
            vain = vain + 1 if len(left) == before else 0
            if vain == ROUNDS:
                words = f"all workers were killed {ROUNDS} times before any of {len(left)} jobs was done"
                raise InputError(Problem("killed_workers", words, found=address)) from None


def _results(client: Any, left: dict[Path, tuple], shared: list[NDArray]) -> Iterator[tuple[Path, bytes]]:
    """Submit what is left and yield each result as it comes; CancelledError where what was sent is lost."""
    from distributed import KilledWorker, as_completed

    try:
        client.wait_for_workers(1, timeout=WAIT)
    except TimeoutError:
        words = f"the Dask scheduler has had no worker for {WAIT:.0f} s"
        raise InputError(Problem("no_worker", words, found=client.scheduler.address)) from None
    sent = dict(zip(map(id, shared), client.scatter(shared, broadcast=True, hash=False), strict=True))
    jobs = {
        client.submit(_there, *(sent.get(id(part), part) for part in call), pure=False): target
        for target, call in left.items()
    }
    try:
        for job in as_completed(list(jobs), loop=client.loop):
            yield jobs.pop(job), job.result()
    except KilledWorker as error:
        words = f"{error.allowed_failures + 1} workers were killed at one job; it may need more memory than they have"
        raise InputError(Problem("killed_workers", words, found=client.scheduler.address)) from None


@contextmanager
def _client(address: str) -> Iterator[Any]:
    """Connect to a scheduler; InputError where there is none or the package is missing."""
    try:
        from distributed import Client
    except ImportError:
        words = "a Dask scheduler needs the package distributed, which is not installed"
        raise InputError(Problem("no_dask", words, allowed="pip install 'ovcf[cluster]'")) from None
    try:
        client = Client(address, timeout=20, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        words = f"no Dask scheduler answers there ({str(error)[:120]})"
        raise InputError(Problem("no_scheduler", words, found=address)) from None
    with client:
        yield client


# ---------------------------------------------------------------- on the worker
def _there(work: Callable[..., bytes], *arguments: Any) -> bytes:
    with _ALONE, Scratch("job") as folder:
        return work(folder, *arguments)


def _features_there(folder: Path, job: Job, origin: str, how: str, images: NDArray[np.uint8], name: str) -> bytes:
    job = _here(job, origin, how, folder)
    with memory_kept():
        trunk_features(job.network, images, job.recipe, path=job.path, cache=folder, progress=False)
    target = features_file(job.network, images, job.recipe, job.path, folder)
    if target.name != name:
        raise InputError(Problem("other_worker", "a worker has another version of torch or ovcf than the driver"))
    return target.read_bytes()


def _fold_there(folder: Path, job: Job, origin: str, how: str, source: NDArray) -> bytes:
    job = _here(job, origin, how, folder)
    run_job(job, source)
    return job.target.read_bytes()


def _here(job: Job, origin: str, how: str, folder: Path) -> Job:
    """A job with this machine's paths; refused where it would start from other weights or compute otherwise."""
    path = job.path
    if path is not None and not path.is_file():
        path = locate([job.network], job.recipe.weights)[job.network]
    if weights_source(path, job.recipe.seed) != origin:
        raise InputError(Problem("other_weights", f"a worker has other starting weights of {job.network}"))
    if (mine := arithmetic(job.network, path, job.recipe)) != how:
        words = "a worker would compute in other arithmetic than the driver; say which with precision: float32"
        raise InputError(Problem("other_arithmetic", words, found=mine, allowed=how))
    return job._replace(path=path, target=folder / job.target.name)
