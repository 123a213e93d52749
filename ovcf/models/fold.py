"""One job done: a network trained without one fold, which it then predicts."""

import json

import safetensors.torch
import torch
from filelock import FileLock
from numpy.typing import NDArray

from ovcf.files import kept, placing, seal, sweep
from ovcf.models.checkpoint import Checkpoint
from ovcf.models.feed import Rows
from ovcf.models.jobs import Job
from ovcf.models.networks import Network
from ovcf.models.progress import beat_file, heartbeat
from ovcf.models.threads import one_thread
from ovcf.models.training import head_probability, network_probability, train_head, train_network
from ovcf.models.weights import load_network
from ovcf.processes import end_with_parent


def run_job(job: Job, source: NDArray) -> None:
    """Train one network without one fold, predict the fold, and put the result in place when it is whole.

    One thread a job, so that the number of workers does not show in the last digits; many folds at once keep
    all cores busy instead. The fold is locked meanwhile: whoever comes second waits, and finds it done.
    """
    end_with_parent()
    job.target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(job.target.with_name(f".{job.target.stem}.lock")):
        if not kept(job.target):
            _do(job, source)


def _do(job: Job, source: NDArray) -> None:
    for path in (job.target, job.checkpoint, beat_file(job)):
        sweep(path)
    with one_thread():
        state, p_fresh = _train_and_predict(job, source)
    with placing(job.target) as partial:
        tensors = state | {"p_fresh": torch.from_numpy(p_fresh)}
        # in one entry: safetensors writes several in any order, and the same fold shall be the same bytes
        safetensors.torch.save_file(tensors, partial, metadata={"job": json.dumps(job.notes())})
    seal(job.target)
    Checkpoint(job.checkpoint).done()


def _train_and_predict(job: Job, source: NDArray) -> tuple[dict[str, torch.Tensor], NDArray]:
    rng, beat, fresh = job.rng(), heartbeat(job), job.fresh[job.train]
    if job.recipe.trainable == "head":
        state = train_head(Rows(source, job.train), fresh, job.recipe, rng, beat)
        return state, head_probability(source[job.test, 0], state)
    net = untrained(job)
    state = train_network(net, Rows(source, job.train), fresh, job.recipe, rng, beat, Checkpoint(job.checkpoint))
    return state, network_probability(net, Rows(source, job.test), job.recipe)


def untrained(job: Job) -> Network:
    """The network that a job starts from: trunk by the recipe's seed, a new head by the seed of training."""

    def start(seed: int) -> Network:
        return load_network(job.network, job.recipe.weights, size=job.size, seed=seed, path=job.path)

    net = start(job.recipe.seed)
    if job.recipe.draws != job.recipe.seed:
        net.head.load_state_dict(start(job.recipe.draws).head.state_dict())
    return net
