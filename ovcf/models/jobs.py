"""What is to be trained: one job per network and fold, each with a file named by all that goes into it."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ovcf.models.arithmetic import arithmetic
from ovcf.models.catalogue import RECIPE_VERSION, architecture, file_stem
from ovcf.models.features import weights_source
from ovcf.models.recipe import Recipe
from ovcf.models.sources import locate
from ovcf.models.tensors import images_digest
from ovcf.problems import InputError, Problem


class Job(NamedTuple):
    """One network on one fold: what goes in, and the file its result is kept in."""

    network: str
    fold: int  # 0: the final model, trained on all patches
    size: int  # side of the patches, px
    path: Path | None  # of the starting weights; None: random
    recipe: Recipe
    train: NDArray[np.intp]  # rows
    test: NDArray[np.intp]
    fresh: NDArray[np.int64]  # (n,) 1 fresh, 0 old
    target: Path

    def rng(self) -> np.random.Generator:
        """The job's own randomness: the same in any order and on any number of workers."""
        stream = [self.recipe.draws, architecture(self.network).seed_stream, self.fold]
        return np.random.default_rng(np.random.SeedSequence(stream))

    @property
    def checkpoint(self) -> Path:
        """The file that holds this job in the middle of its training."""
        return self.target.with_name(f".{self.target.stem}.checkpoint")

    def notes(self) -> dict[str, str]:
        """What stands in the result's header."""
        return {"network": self.network, "fold": str(self.fold), "recipe": json.dumps(self.recipe.training())}


def plan(
    images: NDArray[np.uint8],
    patches: pd.DataFrame,
    networks: Iterable[str],
    recipe: Recipe,
    cache: Path,
    folds: Iterable[int] | None = None,
    within: NDArray[np.bool_] | None = None,
) -> list[Job]:
    """List the jobs, network by network. A fold's file is named by a digest of all that goes into it.

    Parameters
    ----------
    images : (n, s, s) uint8, in the order of `patches`
    patches : with label and fold (1..k)
    folds : only these; fold 0 leaves no patch out
    within : (n,) which patches take part at all, in training and in test; None: every one

    Raises
    ------
    InputError : for starting weights that cannot be had.
    """
    networks = list(networks)
    paths = locate(networks, recipe.weights)
    fresh, fold = (patches.label.to_numpy() == "fresh").astype(np.int64), patches.fold.to_numpy()
    data, taking_part = images_digest(images), np.ones(len(patches), bool) if within is None else np.asarray(within)
    jobs = []
    for network in networks:
        source = f"{weights_source(paths[network], recipe.seed)}, {arithmetic(network, paths[network], recipe)}"
        for k in folds if folds is not None else np.unique(fold):
            train, test = np.flatnonzero((fold != k) & taking_part), np.flatnonzero((fold == k) & taking_part)
            rows = [hashlib.sha256(np.ascontiguousarray(a).data).hexdigest() for a in (train, test, fresh)]
            key = _key([data, network, int(k), source, recipe.training(), rows])
            target = Path(cache) / "folds" / f"{file_stem(network)}-fold{k}-{key[:20]}.safetensors"
            start = (network, int(k), images.shape[1], paths[network])
            jobs.append(Job(*start, recipe, train, test, fresh, target))
    return jobs


def _key(parts: list) -> str:
    return hashlib.sha256(json.dumps([RECIPE_VERSION, *parts, torch.__version__]).encode()).hexdigest()


def check_patches(images: NDArray[np.uint8], patches: pd.DataFrame, within: NDArray[np.bool_] | None = None) -> None:
    """Refuse what could not be trained on; the cohort's readers normally see to it long before.

    Parameters
    ----------
    within : (n,) which patches take part; None: every one

    Raises
    ------
    InputError : with every problem of number, labels and folds.
    """
    problems = []
    if len(images) != len(patches):
        problems.append(Problem("length", f"{len(images)} images but {len(patches)} rows of patches"))
    patches = patches if within is None else patches[within]
    if not set(patches.label) <= {"fresh", "old"}:
        found = ", ".join(map(str, set(patches.label) - {"fresh", "old"}))
        problems.append(Problem("label", "unknown label", column="label", found=found, allowed="fresh, old"))
    if "fold" not in patches or patches.fold.nunique() < 2:
        problems.append(Problem("folds", "cross-validation needs a column fold with at least two folds"))
    else:
        for k in np.unique(patches.fold):
            if patches.label[patches.fold != k].nunique() < 2:
                problems.append(Problem("one_class", f"without fold {k} only one class is left to train on"))
    if problems:
        raise InputError(problems)
