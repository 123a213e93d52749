"""Training as the study does it, beside a bare loop of PyTorch and fastai's Learner, in turns within one run.

    python benchmarks/training.py [--rounds 3] [--size 224] [--steps 2] [--json FILE]

`trainable: all`: epochs of the same batches. Ours are those of `train_network` (drawing, flips, scaling, forward,
backward, SGD); the bare loop is forward, cross-entropy, backward and SGD on batches that lie ready; fastai's is the
training part of `fit` with its default callbacks, on batches that lie ready. All three train the same network,
channels-last, with the same number of threads. bfloat16 is mixed (autocast), where the processor multiplies it;
fastai's `to_bf16` casts on CUDA only, so on a processor it stays in float32.

`last_stage`: our own epochs of the last stage, from the stem's maps on disk, beside our epochs of everything. Random
weights; the least of the rounds counts.
"""

import argparse
import copy
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn
from turns import beside, in_turns, keep, lacking, show

from ovcf.models.arithmetic import FLOAT32, computing, native_bfloat16, training_arithmetic
from ovcf.models.features import run_trunk
from ovcf.models.feed import Rows, Source
from ovcf.models.networks import Network, build_network
from ovcf.models.random_weights import noise_patches
from ovcf.models.recipe import Recipe
from ovcf.models.tensors import to_tensor
from ovcf.models.training import _made_trainable, _Steps
from ovcf.processes import memory_kept
from ovcf.words import network_title

try:
    import fastai_epochs
except ModuleNotFoundError:
    fastai_epochs = None

BATCH = 16  # the recipe's
WHOLE = ("resnet50", "efficientnet_lite0")  # beside the peers
STAGES = ("resnet50", "resnet101", "alexnet", "vgg16", "googlenet", "efficientnet_lite0")
FASTER, BARE_SHARE, FIVE = 1.5, 0.95, 5.0  # limits: bfloat16 by float32, by the bare loop; last stage by all

CUDA_ONLY = "fastai trains in float32 on a processor always: its `to_bf16` casts on CUDA only"


def recipe(trainable: str, precision: str) -> Recipe:
    """The study's recipe in one arithmetic."""
    return Recipe(weights="none", trainable=trainable, precision=precision)


# ---------------------------------------------------------------- the competitors: seconds of an epoch
def ours(net: Network, source: Source, chosen: Recipe) -> Callable[[], float]:
    """Epochs as `train_network` goes through them."""
    _made_trainable(net, chosen)
    steps, rng = _Steps(net, source, np.arange(len(source)) % 2, chosen), np.random.default_rng(0)

    def job() -> float:
        for part in steps.parts.values():
            part.train()
        with memory_kept():
            started = time.perf_counter()
            steps.epoch(0, rng)
            return time.perf_counter() - started

    return job


def bare(net: Network, batches: list[tuple[torch.Tensor, torch.Tensor]], chosen: Recipe) -> Callable[[], float]:
    """Forward, cross-entropy, backward and SGD, and nothing else."""
    model = nn.Sequential(net.stem, net.stage, net.head).train()
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    arithmetic = training_arithmetic(chosen)

    def job() -> float:
        started = time.perf_counter()
        for x, y in batches:
            with computing(x.device, arithmetic):
                logits = model(x)
            loss = nn.functional.cross_entropy(logits.float(), y)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
        return time.perf_counter() - started

    return job


def of_fastai(net: Network, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> Callable[[], float]:
    """The training part of an epoch of `Learner.fit`, in float32."""
    learn = fastai_epochs.learner(nn.Sequential(net.stem, net.stage, net.head), batches, batches[:1])
    return lambda: fastai_epochs.epoch(learn)[0]


# ---------------------------------------------------------------- everything trains
def everything(name: str, images: np.ndarray, rounds: int) -> list[dict]:
    """Rows of one network trained whole: float32 beside the bare loop and fastai, bfloat16 beside both bare loops."""
    net, half = build_network(name), native_bfloat16()
    x, y = to_tensor(images), torch.arange(len(images)) % 2
    batches = [*zip(x.split(BATCH), y.split(BATCH), strict=True)]
    jobs = {}
    for precision in ("float32", "bfloat16") if half else ("float32",):
        chosen = recipe("all", precision)
        jobs[f"ours {precision}"] = ours(copy.deepcopy(net), images, chosen)
        jobs[f"bare {precision}"] = bare(copy.deepcopy(net), batches, chosen)
    if fastai_epochs:
        jobs["fastai"] = of_fastai(copy.deepcopy(net), batches)
    an_image = {job: seconds / len(images) for job, seconds in in_turns(jobs, rounds).items()}
    return list(_compared(name, an_image, half))


def _compared(name: str, an_image: dict[str, float], half: bool) -> Iterator[dict]:
    """Rows of the seconds an image that each job took."""
    title = f"{network_title(name)}, all, one image"
    plain = an_image["ours float32"]
    yield beside(f"{title}, float32", plain, "bare loop", an_image["bare float32"])
    if "fastai" in an_image:
        yield beside(f"{title}, float32", plain, "fastai", an_image["fastai"], at_least=1.0, note=CUDA_ONLY)
    else:
        yield lacking(f"{title}, beside fastai", "fastai")
    if half:
        limit = {"at_least": FASTER} if name == "resnet50" else {}
        mixed = an_image["ours bfloat16"]
        yield beside(f"{title}, bfloat16", mixed, "bare loop in float32", an_image["bare float32"], **limit)
        yield beside(f"{title}, bfloat16", mixed, "bare loop", an_image["bare bfloat16"], at_least=BARE_SHARE)


# ---------------------------------------------------------------- the last stage beside everything
def maps_file(net: Network, images: np.ndarray, states: int, folder: Path) -> np.ndarray:
    """The stem's maps (n, states, c, h, w) float16 as the study keeps them; one batch's, over and over."""
    maps = run_trunk(net, to_tensor(images[:BATCH]), "stem", FLOAT32).half().numpy()
    shape = (len(images), states, *maps.shape[1:])
    out = np.lib.format.open_memmap(folder / "maps.npy", "w+", np.float16, shape)
    for start in range(0, len(images), BATCH):
        out[start : start + BATCH] = maps[: len(images) - start, None]
    out.flush()
    return np.load(folder / "maps.npy", mmap_mode="r")


def last_stage(name: str, images: np.ndarray, rounds: int) -> dict:
    """Row of one network: an image's share of an epoch of the last stage, beside that of an epoch of everything."""
    net, every = build_network(name), np.arange(len(images))
    with tempfile.TemporaryDirectory() as folder:
        few = recipe("last_stage", "float32")
        maps = maps_file(net, images, len(few.states), Path(folder))
        jobs = {
            "last": ours(copy.deepcopy(net), Rows(maps, every), few),
            "all": ours(copy.deepcopy(net), images, recipe("all", "float32")),
        }
        with memory_kept():  # as throughout `train_network`, not anew in each of these short epochs
            seconds = in_turns(jobs, rounds)
    last, whole = (seconds[job] / len(images) for job in jobs)
    what = f"{network_title(name)}, last_stage, one image and epoch, float32"
    weights, own = (sum(p.numel() for p in part.parameters()) for part in (net, nn.Sequential(net.stage, net.head)))
    note = f"{own / weights:.0%} of the weights are the last stage's and the head's"
    return beside(what, last, "our `trainable: all`", whole, at_least=FIVE, note=note)


def main() -> None:
    """Print a line a comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=224, help="px")
    parser.add_argument("--steps", type=int, default=2, help="batches of 16 in an epoch")
    parser.add_argument("--whole", nargs="*", default=list(WHOLE), help="networks beside the peers")
    parser.add_argument("--stages", nargs="*", default=list(STAGES), help="networks whose last stage is timed")
    parser.add_argument("--json", type=Path, help="where to keep the rows")
    options = parser.parse_args()
    images = noise_patches(BATCH * options.steps, options.size, seed=1)
    print(f"{torch.get_num_threads()} threads on every side, {options.size} px, batch {BATCH}", flush=True)
    rows: list[dict] = []
    for name in options.whole:
        rows += show(everything(name, images, options.rounds))
    for name in options.stages:
        rows += show([last_stage(name, images, max(options.rounds - 1, 1))])
    keep(rows, options.json)


if __name__ == "__main__":
    main()
