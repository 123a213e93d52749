"""The frozen study as a whole, beside epoch-wise frozen training in fastai.

    python benchmarks/frozen_study.py [--network resnet101] [--size 224] [--sample 16] [--batches 2] [--json FILE]

The study: 720 patches, five folds of 144, 100 epochs, batch 16. Ours: the trunk made ready (norms folded), features
of a sample of patches in four flips, extrapolated to all of them; the heads of all five folds for all epochs, timed
whole, one after the other in one thread. fastai: `freeze()` and `fit` for one epoch on a sample of batches,
extrapolated to the epochs, folds and patches of the study, with the validation of each epoch's held-out fold, as it
does by default. By default fastai trains a frozen trunk's norms, so gradients go through the whole trunk; a second row
is without (`train_bn=False`), where the trunk only runs forward. Float32 in fastai, whose `to_bf16` casts on CUDA only;
ours in float32 and in bfloat16, where the processor multiplies it. Random weights; both sides have the same threads.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn
from turns import beside, in_turns, keep, lacking, seconds_of, show

from ovcf.models.arithmetic import BFLOAT16, FLOAT32, native_bfloat16, prepared
from ovcf.models.features import features_of
from ovcf.models.networks import build_network
from ovcf.models.random_weights import noise_patches
from ovcf.models.recipe import Recipe
from ovcf.models.tensors import to_tensor
from ovcf.models.threads import one_thread
from ovcf.models.training import train_head
from ovcf.words import network_title

try:
    import fastai_epochs
except ModuleNotFoundError:
    fastai_epochs = None

PATCHES, FOLDS, EPOCHS, BATCH = 720, 5, 100, 16
LIMITS = {FLOAT32: 250, BFLOAT16: 500}  # of ResNet101 beside fastai as it is by default


def heads(width: int, epochs: int) -> float:
    """Seconds of the heads of all folds, one after the other in one thread."""
    rng, recipe = np.random.default_rng(0), Recipe(weights="none", epochs=epochs)
    train = PATCHES - PATCHES // FOLDS
    features = rng.normal(size=(train, len(recipe.states), width)).astype(np.float32)
    with one_thread():
        return sum(seconds_of(train_head, features, np.arange(train) % 2, recipe, rng) for _ in range(FOLDS))


def features_jobs(name: str, images: np.ndarray) -> tuple[dict, dict[str, float]]:
    """Jobs that make the features of a sample, by arithmetic; and the seconds that making the trunk ready takes."""
    jobs, ready = {}, {}
    for arithmetic in (FLOAT32, BFLOAT16) if native_bfloat16() else (FLOAT32,):
        net = build_network(name)
        ready[arithmetic] = seconds_of(prepared, net, arithmetic)
        jobs[arithmetic] = lambda net=net, a=arithmetic: seconds_of(features_of, net, images, a)
    return jobs, ready


def fastai_jobs(name: str, images: np.ndarray, spent: dict[str, list[tuple[float, float]]]) -> dict:
    """Jobs that fit one frozen epoch on the batches of a sample; `spent` takes its training and validation seconds."""
    jobs, x = {}, to_tensor(images)
    batches = [(each, torch.arange(len(each)) % 2) for each in x.split(BATCH)]
    for words, trains in (("fastai", True), ("fastai, train_bn=False", False)):
        net = build_network(name)
        learn = fastai_epochs.learner(nn.Sequential(net.stem, net.stage, net.head), batches, batches, train_bn=trains)
        learn.freeze()

        def job(learn=learn, words=words) -> float:
            spent.setdefault(words, []).append(fastai_epochs.epoch(learn))
            return sum(spent[words][-1])

        jobs[words] = job
    return jobs


def study_of_fastai(training: float, validation: float, images: int) -> float:
    """Seconds of the whole study from those of training and validating on `images`."""
    held_out = PATCHES // FOLDS
    return FOLDS * EPOCHS * (training * (PATCHES - held_out) + validation * held_out) / images


def measure(name: str, sample: np.ndarray, batches: np.ndarray, rounds: int, epochs: int) -> list[dict]:
    """Rows: ours in each arithmetic beside fastai, all in turns."""
    width, flips = build_network(name).width, len(Recipe().states)
    jobs, ready = features_jobs(name, np.concatenate([sample] * flips))
    spent: dict[str, list[tuple[float, float]]] = {}
    peers = fastai_jobs(name, batches, spent) if fastai_epochs else {}
    least = in_turns(jobs | peers, rounds)
    linear, rows = heads(width, epochs) * EPOCHS / epochs, []
    for arithmetic, folding in ready.items():
        features = least[arithmetic] * PATCHES / len(sample)
        whole = folding + features + linear
        what = f"{network_title(name)}, frozen study, {arithmetic}"
        said = f"{PATCHES} patches, {FOLDS} folds x {EPOCHS} epochs; ours: trunk ready {folding:.1f} s, "
        said += f"features {features:.0f} s (extrapolated), heads {linear:.1f} s"
        rows += [] if peers else [lacking(f"{what}, beside fastai", "fastai")]
        for words in peers:
            training, validation = (min(column) for column in zip(*spent[words][1:], strict=True))
            theirs = study_of_fastai(training, validation, len(batches))
            limit = {"at_least": LIMITS[arithmetic]} if (name, words) == ("resnet101", "fastai") else {}
            note = f"{said}; fastai extrapolated from epochs of {len(batches)} patches"
            rows.append(beside(what, whole, f"{words}, epoch by epoch", theirs, note=note, **limit))
    return rows


def main() -> None:
    """Print a line a comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="resnet101")
    parser.add_argument("--size", type=int, default=224, help="px")
    parser.add_argument("--sample", type=int, default=16, help="patches whose features are timed, in four flips")
    parser.add_argument("--batches", type=int, default=2, help="batches of 16 in an epoch of fastai")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of our heads; fewer are extrapolated")
    parser.add_argument("--json", type=Path, help="where to keep the rows")
    options = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, {options.size} px", flush=True)
    sample = noise_patches(options.sample, options.size, seed=1)
    batches = noise_patches(options.batches * BATCH, options.size, seed=2)
    keep(show(measure(options.network, sample, batches, options.rounds, options.epochs)), options.json)


if __name__ == "__main__":
    main()
