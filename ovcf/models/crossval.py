"""Cross-validation: one job per network and fold; a finished fold is kept and never computed twice."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
import safetensors.torch
import torch
from numpy.typing import NDArray

from ovcf.files import kept
from ovcf.models.catalogue import describe_weights
from ovcf.models.cluster import features_elsewhere, folds_elsewhere, scheduler
from ovcf.models.features import features_file, trunk_features
from ovcf.models.fold import run_job
from ovcf.models.jobs import Job, check_patches, plan
from ovcf.models.networks import Network
from ovcf.models.progress import Progress
from ovcf.models.recipe import Recipe
from ovcf.models.weights import load_network
from ovcf.problems import InputError, Problem
from ovcf.processes import end_with_parent


class Version(NamedTuple):
    """What one of several cross-validations is of; the fields are those of `cross_validate`."""

    patches: pd.DataFrame
    recipe: Recipe
    within: NDArray[np.bool_] | None = None


def cross_validate(
    images: NDArray[np.uint8],
    patches: pd.DataFrame,
    networks: Iterable[str],
    recipe: Recipe,
    *,
    cache: Path,
    workers: int = 1,
    progress: bool = True,
    within: NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Train every network on every fold's complement and predict the fold, with the last epoch's weights.

    Parameters
    ----------
    images : (n, s, s) uint8, in the order of `patches`
    patches : with patch_id, patient_id, label ("fresh"/"old") and fold (1..k)
    networks : see `catalogue`
    cache : folder of features and finished folds
    workers : folds trained at once; with a Dask scheduler (`cluster`) as many as its workers take. The numbers
        do not depend on it.
    within : (n,) which patches take part at all; None: every one. Features are shared with the whole cohort's.

    Returns
    -------
    Table of n rows (those within) per network: network, fold, patch_id, patient_id, truth (1 fresh), p_fresh, seed,
    weights and trainable (in words).

    Raises
    ------
    InputError : for patches that cannot be trained on, unknown networks, weights that cannot be had.
    """
    version = Version(patches, recipe, within)
    return cross_validate_each(images, [version], networks, cache=cache, workers=workers, progress=progress)[0]


def cross_validate_each(
    images: NDArray[np.uint8],
    versions: Sequence[Version],
    networks: Iterable[str],
    *,
    cache: Path,
    workers: int = 1,
    progress: bool = True,
) -> list[pd.DataFrame]:
    """Do several cross-validations on the same patches, with the folds of all of them side by side.

    Parameters
    ----------
    versions : what differs; their recipes leave the same part of a network frozen

    Returns
    -------
    The tables of `cross_validate`, in the order of `versions`; it says what else goes in and is raised.
    """
    networks, planned = list(networks), []
    for version in versions:
        check_patches(images, version.patches, version.within)
        planned.append(plan(images, version.patches, networks, version.recipe, cache, within=version.within))
    run([job for jobs in planned for job in jobs], images, cache, workers, progress)
    tables = [predictions_table(jobs, version.patches) for jobs, version in zip(planned, versions, strict=True)]
    return [table.dropna(subset=["p_fresh"]).reset_index(drop=True) for table in tables]


# ---------------------------------------------------------------- doing it
def run(jobs: list[Job], images: NDArray[np.uint8], cache: Path, workers: int = 1, progress: bool = True) -> None:
    """Do the jobs that no earlier run has finished: features first, then the folds side by side, here or elsewhere."""
    missing = list({job.target: job for job in jobs if not kept(job.target)}.values())
    sources = prepare_features(missing, images, cache, progress)
    with Progress(missing, progress), warnings.catch_warnings():
        # joblib replaces a worker whose memory has grown, as it does when features are read from disk; no job is lost
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        if missing and (address := scheduler()):
            folds_elsewhere(missing, sources, address)
            return
        # An initializer of its own begins a pool of its own: workers that have read films would grow by torch itself,
        # and be replaced after their first fold (4 of 24 s of the demo's training on two cores).
        joblib.Parallel(n_jobs=min(workers, len(missing)) or 1, initializer=end_with_parent)(
            joblib.delayed(run_job)(job, sources[job.network]) for job in missing
        )


def prepare_features(
    jobs: list[Job], images: NDArray[np.uint8], cache: Path, progress: bool = True
) -> dict[str, NDArray]:
    """Return what each job's network trains on: the frozen part's features, made where they are not yet, or patches."""
    first = {job.network: job for job in jobs}
    frozen = [job for job in first.values() if job.recipe.trainable != "all"]
    missing = [j for j in frozen if not kept(features_file(j.network, images, j.recipe, j.path, cache))]
    if missing and (address := scheduler()):
        features_elsewhere(missing, images, cache, address)
    return {network: images for network in first} | {
        job.network: trunk_features(job.network, images, job.recipe, path=job.path, cache=cache, progress=progress)
        for job in frozen
    }


# ---------------------------------------------------------------- what came of it
def trained_state(job: Job) -> dict[str, torch.Tensor]:
    """Read what a finished job trained, by the names of `Network`'s state dict."""
    state = safetensors.torch.load_file(job.target)
    return {name: tensor for name, tensor in state.items() if name != "p_fresh"}


def predictions_table(jobs: list[Job], patches: pd.DataFrame) -> pd.DataFrame:
    """Gather finished folds into the predictions table: networks as asked for, rows as in `patches`."""
    tables = []
    for network in dict.fromkeys(job.network for job in jobs):
        mine = [job for job in jobs if job.network == network]
        p_fresh = np.full(len(patches), np.nan)
        for job in mine:
            p_fresh[job.test] = safetensors.torch.load_file(job.target)["p_fresh"].numpy()
        columns = {
            "network": network,
            "fold": patches.fold.to_numpy(),
            "patch_id": patches.patch_id.to_numpy(),
            "patient_id": patches.patient_id.to_numpy(),
            "truth": mine[0].fresh,
            "p_fresh": p_fresh,
            "seed": mine[0].recipe.draws,
            "weights": describe_weights(network, mine[0].recipe.weights),
            "trainable": mine[0].recipe.trainable,
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def fold_network(
    images: NDArray[np.uint8], patches: pd.DataFrame, network: str, fold: int, recipe: Recipe, cache: Path
) -> Network:
    """Load the network that was trained without one fold, out of the cache of a cross-validation.

    Returns
    -------
    Network in float32, ready to run. Its probabilities are the cross-validation's up to the precision the
    features were made in (bfloat16 for random trunks).

    Raises
    ------
    InputError : where the cache does not hold this fold's network (the run was moved without its cache, or made
        by another version).
    """
    job = plan(images, patches, [network], recipe, cache, folds=[fold])[0]
    if not job.target.is_file():
        words = f"the run's cache does not hold {network} of fold {fold}"
        raise InputError(Problem("no_fold_model", words, str(cache)))
    net = load_network(network, recipe.weights, size=job.size, seed=recipe.seed, path=job.path)
    net.load_state_dict(trained_state(job), strict=False)
    return net.eval()
