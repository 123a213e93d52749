"""The final model made: trained on all patches, kept with its folds' models, its card and what new patches compare to.

A folder of tensors and text, no code: trunk.safetensors (what stayed frozen), final.safetensors and
fold<k>.safetensors (what was trained), reference.safetensors and .csv (training patches as points),
predictions.csv (cross-validated), card.json, README.md.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import safetensors.numpy
import safetensors.torch
import torch
from numpy.typing import NDArray

from ovcf.files import digest, placing_folder, write_text
from ovcf.models.arithmetic import FLOAT32, trunk_arithmetic
from ovcf.models.card import Origin, card_page, make_card
from ovcf.models.crossval import run, trained_state
from ovcf.models.features import features_of, trunk_features
from ovcf.models.final import damaged_parts, tensors_digest
from ovcf.models.jobs import Job, plan
from ovcf.models.recipe import Recipe
from ovcf.models.reference import Reference, make_reference
from ovcf.models.weights import load_network

FORMAT = 1  # of the folder


class _Made(NamedTuple):
    """What stands in the folder besides the trained tensors of each job."""

    key: str
    card: dict[str, Any]
    frozen: dict[str, torch.Tensor]
    reference: Reference


def train_final(
    images: NDArray[np.uint8],
    patches: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    recipe: Recipe,
    origin: Origin,
    cache: Path,
    out: Path,
    progress: bool = True,
) -> Path:
    """Train on all patches with the recipe of the cross-validation and write the model's folder.

    Parameters
    ----------
    images, patches, cache : as for `crossval.cross_validate`, whose folds are found in `cache`
    predictions : the cross-validated ones of the network to be trained, for card and calibration statement
    out : folder; replaced as a whole, or left alone where it already holds this very model

    Returns
    -------
    `out` as Path.
    """
    out, network = Path(out), str(predictions.network.iloc[0])
    folds = plan(images, patches, [network], recipe, cache)
    final = plan(images, patches, [network], recipe, cache, folds=[0])[0]
    jobs = [final, *folds]
    key = _key(jobs, predictions, origin)
    if _holds(out, key):
        return out
    run(jobs, images, cache, progress=progress)
    frozen, reference = _frozen(final), _reference(final, images, patches, cache)
    precision = trunk_arithmetic(network, final.path, recipe)
    about = {"recipe": recipe, "origin": origin, "precision": precision, "threshold": reference.threshold}
    made = _Made(key, make_card(patches, images, predictions, **about), frozen, reference)
    _write(out, made, patches, predictions, jobs)
    return out


def _frozen(final: Job) -> dict[str, torch.Tensor]:
    """The tensors that stayed as they were."""
    net, trained = _starting_network(final), trained_state(final)
    return {k: v.contiguous() for k, v in net.state_dict().items() if k not in trained and not k.startswith("head.")}


def _reference(final: Job, images: NDArray[np.uint8], patches: pd.DataFrame, cache: Path) -> Reference:
    """The reference made of the final model's features of all training patches."""
    if final.recipe.trainable == "head":
        features = trunk_features(final.network, images, final.recipe, path=final.path, cache=cache)[:, 0]
    else:
        net = _starting_network(final)
        net.load_state_dict(trained_state(final), strict=False)
        features = features_of(net, images, FLOAT32)
    return make_reference(features, patches.patient_id.to_numpy())


def _starting_network(job: Job):
    return load_network(job.network, job.recipe.weights, size=job.size, seed=job.recipe.seed, path=job.path)


# ---------------------------------------------------------------- the folder
def _key(jobs: list[Job], predictions: pd.DataFrame, origin: Origin) -> str:
    """Digest of all that the folder is made from."""
    tables = hashlib.sha256(pd.util.hash_pandas_object(predictions).to_numpy().tobytes()).hexdigest()
    parts = [FORMAT, [job.target.name for job in jobs], tables, origin.preprocessing, origin.called_from]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def _holds(folder: Path, key: str) -> bool:
    try:
        return json.loads((folder / "card.json").read_text())["key"] == key and not damaged_parts(folder)
    except (OSError, ValueError, KeyError):
        return False


def _write(out: Path, made: _Made, patches: pd.DataFrame, predictions: pd.DataFrame, jobs: list[Job]) -> None:
    """Write everything into a folder beside `out`, then swap the folders."""
    with placing_folder(out) as folder:
        if made.frozen:
            safetensors.torch.save_file(made.frozen, folder / "trunk.safetensors")
        for job in jobs:
            shutil.copyfile(job.target, folder / f"{f'fold{job.fold}' if job.fold else 'final'}.safetensors")
        arrays = {k: np.array(v, ndmin=1) for k, v in made.reference._asdict().items()}
        safetensors.numpy.save_file(arrays, folder / "reference.safetensors")
        columns = [c for c in ("patch_id", "patient_id", "label", "level") if c in patches]
        write_text(folder / "reference.csv", patches[columns].to_csv(index=False))
        write_text(folder / "predictions.csv", predictions.to_csv(index=False))
        write_text(folder / "README.md", card_page(made.card))
        files = {f.name: digest(f) for f in sorted(folder.iterdir())}
        about = {"key": made.key, "files": files, "tensors": tensors_digest(folder)}
        write_text(folder / "card.json", json.dumps(made.card | about, indent=1))
