"""What bfloat16 does to the answers on chest films, the only real films at hand: frozen trunks, then all layers.

    python benchmarks/bfloat16.py [network ...] [--weights DIR] [--seeds 0 1 2] [--json FILE]
    python benchmarks/bfloat16.py --all [network ...] [--size 112] [--epochs 10]

First part: each network whose pretrained weights lie on this machine (in a package, in its library's cache, in DIR;
nothing is downloaded), trunk frozen, 224 px, 100 epochs, five folds by patient. `precision: auto` may let a pretrained
trunk run in bfloat16 (`Architecture.bfloat16_pretrained`) only where, at every seed, the out-of-fold AUC moves by less
than 0.001 and no probability by more than 0.01. Second part (`--all`): every layer trains, in float32 and in mixed
bfloat16, on the same folds and from the same seed; the AUCs shall lie within 0.005. With several seeds the range of
float32's own AUC is printed too: the difference cannot be told from less than what another seed does.

The films lie in ../shared/real beside the checkout (or in $OVCF_SHARED); pneumonia stands for fresh, no finding for
old. Intervals are DeLong's of the paired difference, patients as units. The processor must multiply bfloat16 itself.
Two quiet cores take a minute a network for the first part and about 12 minutes a seed for the second.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from own_case import chest
from turns import keep

from ovcf.cohort.folds import assign_folds
from ovcf.models.arithmetic import BFLOAT16, FLOAT32
from ovcf.models.catalogue import ARCHITECTURES, architecture, describe_weights, found
from ovcf.models.crossval import cross_validate
from ovcf.models.recipe import Recipe
from ovcf.problems import InputError
from ovcf.stats.versions import paired_versions
from ovcf.words import network_title

AUC_MOVES, PROBABILITY_MOVES = 0.001, 0.01  # of a frozen trunk
AUC_OF_ALL = 0.005
FOLDS = 5


class Task(NamedTuple):
    """What all trainings of one call have in common."""

    images: np.ndarray  # (n, s, s) uint8
    table: pd.DataFrame
    trainable: str
    epochs: int
    workers: int
    cache: Path


def films(size: int) -> tuple[np.ndarray, pd.DataFrame]:
    """The chest films at one size, with the folds of seed 0."""
    here = Path(__file__).resolve().parents[2] / "shared"
    real = Path(os.environ.get("OVCF_SHARED", here)) / "real"
    if not real.is_dir():
        raise SystemExit(f"no chest films at {real} (set OVCF_SHARED)")
    images, table = chest(real, {"image_size": size, "equalisation": "histogram"})
    return images, table.assign(fold=assign_folds(table, folds=FOLDS, split="patient", seed=0))


def at_hand(asked: list[str], folder: Path | None) -> dict[str, str]:
    """Networks whose pretrained weights lie on this machine, and the `weights` that finds them."""
    said = {}
    for name in asked or ARCHITECTURES:
        source = found(architecture(name).imagenet)
        if folder and any(p.stem == name or p.name == source.cached(name).name for p in folder.iterdir()):
            said[name] = str(folder)
        elif source.cached(name).is_file():
            said[name] = "imagenet"
    return said


def both(task: Task, network: str, weights: str, seed: int) -> dict:
    """Out-of-fold predictions in either precision from one seed; what lies between them."""
    said, seconds = [], []
    for precision in (FLOAT32, BFLOAT16):
        how = {"trainable": task.trainable, "epochs": task.epochs, "training_seed": seed, "precision": precision}
        options = {"cache": task.cache, "workers": task.workers, "progress": False}
        started = time.perf_counter()
        said.append(cross_validate(task.images, task.table, [network], Recipe(weights=weights, **how), **options))
        seconds.append(time.perf_counter() - started)
    auc = paired_versions(*said).query("metric == 'auc'").iloc[0]
    moved = float(np.abs(said[0].p_fresh.to_numpy() - said[1].p_fresh.to_numpy()).max())
    about = {"what": f"{network}, trainable: {task.trainable}", "weights": describe_weights(network, weights)}
    return about | {
        "size": task.images.shape[1],
        "epochs": task.epochs,
        "seed": seed,
        "auc_float32": auc["first"],
        "auc_bfloat16": auc["second"],
        "difference": auc["difference"],
        "low": auc["low"],
        "high": auc["high"],
        "largest_change": moved,
        "seconds_float32": seconds[0],
        "seconds_bfloat16": seconds[1],
        "within": bool(within(task.trainable, auc["difference"], moved)),
    }


def within(trainable: str, difference: float, moved: float) -> bool:
    """Whether a network keeps the limits of its part."""
    if trainable == "all":
        return abs(difference) <= AUC_OF_ALL
    return abs(difference) < AUC_MOVES and moved <= PROBABILITY_MOVES


def line(row: dict) -> str:
    """One comparison in words."""
    return (
        f"  seed {row['seed']}: AUC {row['auc_float32']:.4f} in float32, {row['auc_bfloat16']:.4f} in bfloat16: "
        f"{row['difference']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}]; no probability moves by more than "
        f"{row['largest_change']:.4f}; {row['seconds_float32']:.0f} s, {row['seconds_bfloat16']:.0f} s; "
        f"{'within' if row['within'] else 'NOT within'} the limits"
    )


def verdict(rows: list[dict], trainable: str) -> str:
    """What all seeds of one network say."""
    differences, aucs = ([row[name] for row in rows] for name in ("difference", "auc_float32"))
    if trainable == "head":
        kept = all(row["within"] for row in rows)
        return f"  {'may' if kept else 'may not'} run in bfloat16 by `precision: auto`"
    mean = f"  mean difference over {len(rows)} seeds {np.mean(differences):+.4f}"
    return f"{mean}; float32's AUC from {min(aucs):.4f} to {max(aucs):.4f}"


def main() -> None:
    """Take the options and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", help="by default every one whose pretrained weights are at hand")
    parser.add_argument("--all", action="store_true", help="train every layer, EfficientNet-Lite0 by default")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="folder of pretrained weights")
    parser.add_argument("--size", type=int, help="px; 224, with --all 112")
    parser.add_argument("--epochs", type=int, help="100, with --all 10")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cache", type=Path, help="keeps features and folds, so that a stopped comparison goes on")
    parser.add_argument("--json", type=Path, help="where to keep the rows")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(given, given.cache or Path(folder))


def compare(given: argparse.Namespace, cache: Path) -> None:
    """Print one line a seed and a verdict for each network."""
    trainable, size, epochs = ("all", 112, 10) if given.all else ("head", 224, 100)
    size, epochs, rows = given.size or size, given.epochs or epochs, []
    networks = at_hand(given.networks or (["efficientnet_lite0"] if given.all else []), given.weights)
    task = Task(*films(size), trainable, epochs, given.workers, cache)
    print(
        f"{len(task.table)} chest films, {size} px, {epochs} epochs, {FOLDS} folds by patient, trainable: {trainable}"
    )
    for network, weights in networks.items():
        print(f"{network_title(network)}, {describe_weights(network, weights)}", flush=True)
        for seed in given.seeds:
            rows.append(both(task, network, weights, seed))
            print(line(rows[-1]), flush=True)
            keep(rows, given.json)
        print(verdict(rows[-len(given.seeds) :], trainable), flush=True)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        raise SystemExit(str(error)) from None
