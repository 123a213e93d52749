"""Cross-validation: one job per network and fold; a finished fold is kept and never computed twice."""

import dataclasses
import hashlib
import json
import os
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
import safetensors.torch
import torch
from tqdm import tqdm

from ovcf.models.catalogue import RECIPE_VERSION, check_choices, describe_weights
from ovcf.models.features import trunk_features, trunk_precision, weights_source
from ovcf.models.tensors import FLIPS, flip_states, images_digest
from ovcf.models.threads import one_thread
from ovcf.models.training import Recipe, head_probability, network_probability, train_head, train_network
from ovcf.models.weights import load_network, locate
from ovcf.problems import InputError, Problem
from ovcf.words import NETWORKS


def cross_validate(
    images: np.ndarray,
    patches: pd.DataFrame,
    *,
    cache,
    networks=tuple(NETWORKS),
    weights="imagenet",
    trainable="head",
    epochs=100,
    batch_size=16,
    learning_rate=0.001,
    momentum=0.9,
    decay=0.8,
    decay_every=30,
    flips=FLIPS,
    seed=0,
    split="patient",
    workers=1,
    progress=True,
) -> pd.DataFrame:
    """Train every network on every fold's complement and predict the fold, with the last epoch's weights.

    Parameters
    ----------
    images : (n, s, s) uint8, in the order of `patches`
    patches : with patch_id, patient_id, label ("fresh"/"old") and fold (1..k)
    networks, weights, trainable : see `catalogue`
    epochs ... flips : see `training.Recipe`
    seed : fixes everything, through (seed, network, fold)
    split : how the folds were made ("patient" or "patch"); only written into the table
    cache : folder of features and finished folds
    workers : folds trained at once (joblib; name a Dask backend with `joblib.parallel_config` for more
    machines).
        The numbers do not depend on it.

    Returns
    -------
    Table of n rows per network: network, split, fold, patch_id, patient_id, truth (1 fresh), p_fresh, seed,
    weights and trainable (in words).
    """
    networks = [networks] if isinstance(networks, str) else list(networks)
    check_choices(networks, weights, trainable)
    _check_patches(images, patches)
    recipe = Recipe(
        trainable,
        epochs,
        batch_size,
        learning_rate,
        momentum,
        decay,
        decay_every,
        sum(flip_states(flips)[1:3], ()),
        seed,
    )
    jobs = plan(images, patches, networks, weights, recipe, cache)
    run(jobs, images, cache, workers, progress)
    return predictions_table(jobs, patches, split)


# ---------------------------------------------------------------- what is to be done
class Job(NamedTuple):
    """One network on one fold: what goes in, and the file its result is kept in."""

    network: str
    fold: int
    size: int  # side of the patches, px
    weights: str
    path: Path | None  # of the starting weights; None: random
    recipe: Recipe
    train: np.ndarray  # rows
    test: np.ndarray
    fresh: np.ndarray  # (n,) 1 fresh, 0 old
    target: Path


def plan(images, patches, networks, weights: str, recipe: Recipe, cache, folds=None) -> list[Job]:
    """List the jobs, network by network. A fold's file is named by a digest of all that goes into it."""
    paths = locate(networks, weights)
    fresh, fold = (patches.label.to_numpy() == "fresh").astype(np.int64), patches.fold.to_numpy()
    data = images_digest(images)
    jobs = []
    for network in networks:
        source = f"{weights_source(paths[network], recipe.seed)}, {trunk_precision(network, paths[network])}"
        for k in folds if folds is not None else np.unique(fold):
            train, test = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
            key = _key(data, network, int(k), source, recipe, train, test, fresh)
            target = Path(cache) / "folds" / f"{network}-fold{k}-{key[:20]}.safetensors"
            start = (network, int(k), images.shape[1], weights, paths[network])
            jobs.append(Job(*start, recipe, train, test, fresh, target))
    return jobs


def _key(data, network, fold, source, recipe, train, test, fresh) -> str:
    rows = [hashlib.sha256(np.ascontiguousarray(a).data).hexdigest() for a in (train, test, fresh)]
    parts = [RECIPE_VERSION, data, network, fold, source, dataclasses.asdict(recipe), rows, torch.__version__]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _check_patches(images, patches) -> None:
    """Refuse what could not be trained on; the cohort's readers normally see to it long before."""
    problems = []
    if len(images) != len(patches):
        problems.append(Problem("length", f"{len(images)} images but {len(patches)} rows of patches"))
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


# ---------------------------------------------------------------- doing it
def run(jobs: list[Job], images, cache, workers: int = 1, progress: bool = True) -> None:
    """Do the jobs that no earlier run has finished: features first, then the folds side by side."""
    missing = [job for job in jobs if not job.target.is_file()]
    features = {}
    for job in missing:
        if job.network not in features and job.recipe.trainable != "all":
            part = "stage" if job.recipe.trainable == "head" else "stem"
            features[job.network] = trunk_features(
                job.network,
                images,
                cache=cache,
                weights=job.weights,
                path=job.path,
                part=part,
                flips=job.recipe.flips,
                seed=job.recipe.seed,
                progress=progress,
            )
    with _Progress(missing, progress), warnings.catch_warnings():
        # joblib replaces a worker whose memory has grown, as it does when features are read from disk; no job is lost
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        joblib.Parallel(n_jobs=min(workers, len(missing)) or 1)(
            joblib.delayed(run_job)(job, features.get(job.network, images)) for job in missing
        )


def run_job(job: Job, source: np.ndarray) -> None:
    """Train one network without one fold, predict the fold, and put the result in place when it is whole.

    One thread a job, so that the number of workers does not show in the last digits; many folds at once keep
    all cores busy instead.
    """
    with one_thread():
        state, p_fresh = _train_and_predict(job, source)
    recipe = json.dumps(dataclasses.asdict(job.recipe))
    notes = {"network": job.network, "fold": str(job.fold), "recipe": recipe}
    _save({**state, "p_fresh": torch.from_numpy(p_fresh)}, job.target, notes)


def _train_and_predict(job: Job, source) -> tuple[dict, np.ndarray]:
    stream = [job.recipe.seed, list(NETWORKS).index(job.network), job.fold]
    rng = np.random.default_rng(np.random.SeedSequence(stream))
    beat, fresh = _heartbeat(job), job.fresh[job.train]
    if job.recipe.trainable == "head":
        state = train_head(source[job.train], fresh, job.recipe, rng, beat)
        return state, head_probability(source[job.test, 0], state)
    net = load_network(job.network, job.weights, size=job.size, seed=job.recipe.seed, path=job.path)
    state = train_network(net, _Rows(source, job.train), fresh, job.recipe, rng, beat)
    return state, network_probability(net, _Rows(source, job.test), job.recipe.trainable)


class _Rows:
    """Some rows of a large array, read from disk only when a batch asks for them."""

    def __init__(self, array: np.ndarray, rows: np.ndarray):
        self.array, self.rows, self.ndim = array, rows, array.ndim

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, key):
        rows, *more = key if isinstance(key, tuple) else (key,)
        return self.array[(self.rows[rows], *more)]


def _save(tensors: dict, target: Path, notes: dict[str, str]) -> None:
    """Write safetensors at once or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-")
    os.close(handle)
    try:
        safetensors.torch.save_file(tensors, partial, metadata=notes)
        os.replace(partial, target)
    finally:
        Path(partial).unlink(missing_ok=True)


def predictions_table(jobs: list[Job], patches: pd.DataFrame, split: str) -> pd.DataFrame:
    """Gather finished folds into the predictions table: networks as asked for, rows as in `patches`."""
    tables = []
    for network in dict.fromkeys(job.network for job in jobs):
        mine = [job for job in jobs if job.network == network]
        p_fresh = np.full(len(patches), np.nan)
        for job in mine:
            p_fresh[job.test] = safetensors.torch.load_file(job.target)["p_fresh"].numpy()
        recipe = mine[0].recipe
        tables.append(
            pd.DataFrame(
                {
                    "network": network,
                    "split": split,
                    "fold": patches.fold.to_numpy(),
                    "patch_id": patches.patch_id.to_numpy(),
                    "patient_id": patches.patient_id.to_numpy(),
                    "truth": mine[0].fresh,
                    "p_fresh": p_fresh,
                    "seed": recipe.seed,
                    "weights": describe_weights(network, mine[0].weights),
                    "trainable": recipe.trainable,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


# ---------------------------------------------------------------- progress
def _heartbeat(job: Job):
    """A function that leaves the number of finished epochs in a small file, twice a second at most.

    A file, since it works alike for threads, processes and other machines with the same disk.
    """
    job.target.parent.mkdir(parents=True, exist_ok=True)
    path, last = _beat_file(job), [0.0]

    def report(epoch: int) -> None:
        if time.monotonic() - last[0] > 0.5 or epoch == job.recipe.epochs:
            path.write_text(str(epoch))
            last[0] = time.monotonic()

    return report


def _beat_file(job: Job) -> Path:
    return job.target.with_name(f".{job.target.stem}.epoch")


class _Progress:
    """A bar over all epochs of all folds with the time left; its words name network, fold and epoch."""

    def __init__(self, jobs: list[Job], show: bool):
        self.jobs, self.stop = jobs, threading.Event()
        total = sum(job.recipe.epochs for job in jobs)
        self.bar = tqdm(total=total, unit="epoch", disable=not show or not jobs)
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        self._update()
        self.bar.close()
        for job in self.jobs:
            _beat_file(job).unlink(missing_ok=True)

    def _watch(self) -> None:
        while not self.stop.wait(0.5):
            self._update()

    def _update(self) -> None:
        done, latest = 0, None
        for job in self.jobs:
            epoch = job.recipe.epochs if job.target.is_file() else _read_epoch(_beat_file(job))
            done += epoch
            if 0 < epoch < job.recipe.epochs:
                part = f"fold {job.fold}" if job.fold else "all patches"
                latest = f"{job.network} {part} epoch {epoch}/{job.recipe.epochs}"
        if latest:
            self.bar.set_description(latest, refresh=False)
        self.bar.update(done - self.bar.n)


def _read_epoch(path: Path) -> int:
    try:
        return int(path.read_text() or 0)
    except (FileNotFoundError, ValueError):  # not begun, or just being written
        return 0
