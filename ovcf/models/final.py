"""The final model: trained on all patches, kept with its folds' models, its card and what new patches
compare to.

A folder of tensors and text, no code: trunk.safetensors (what stayed frozen), final.safetensors and
fold<k>.safetensors (what was trained), reference.safetensors and .csv (training patches as points),
predictions.csv (cross-validated), card.json, README.md.
"""

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import safetensors.numpy
import safetensors.torch
import torch

from ovcf.models import crossval
from ovcf.models.card import card_page, make_card
from ovcf.models.features import BATCH, at_precision, run_trunk, trunk_features, trunk_precision
from ovcf.models.networks import Network, empty_network
from ovcf.models.reference import FEWEST_GREYS, Reference, make_reference, nearest, neighbour_distance
from ovcf.models.tensors import FLIPS, flip_states, to_tensor
from ovcf.models.threads import one_thread
from ovcf.models.training import Recipe, head_probability
from ovcf.models.weights import load_network
from ovcf.problems import InputError, Problem

FORMAT = 1  # of the folder


def train_final(
    images: np.ndarray,
    patches: pd.DataFrame,
    *,
    network: str,
    predictions: pd.DataFrame,
    cache,
    out,
    preprocessing: dict,
    synthetic: bool,
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
    progress=True,
) -> Path:
    """Train on all patches with the recipe of the cross-validation and write the model's folder.

    Parameters
    ----------
    images, patches, weights ... seed, cache : as for `crossval.cross_validate`, whose folds are found in
    `cache` predictions : the cross-validated predictions of this network, for card and calibration statement
    preprocessing : how patches were cut (image_size, margin_mm, margin_px, equalisation)
    synthetic : whether the films were drawn by this software
    out : folder; replaced as a whole, or left alone where it already holds this very model

    Returns
    -------
    `out` as Path.
    """
    flips = sum(flip_states(flips)[1:3], ())
    recipe = Recipe(trainable, epochs, batch_size, learning_rate, momentum, decay, decay_every, flips, seed)
    folds = crossval.plan(images, patches, [network], weights, recipe, cache)
    final = crossval.plan(images, patches, [network], weights, recipe, cache, folds=[0])[0]  # fold 0: nobody
    key = _key([final, *folds], predictions, preprocessing)
    if _holds(Path(out), key):
        return Path(out)
    crossval.run([final, *folds], images, cache, progress=progress)
    parts = _parts(final, images, patches, cache)
    card = make_card(
        network,
        patches,
        images,
        predictions,
        dataclasses.asdict(recipe),
        weights,
        preprocessing=preprocessing,
        synthetic=synthetic,
        precision=_precision(final),
        threshold=parts["reference"].threshold,
    )
    _write(Path(out), key, card, parts, patches, predictions, [final, *folds])
    return Path(out)


def _precision(job) -> str:
    return "float32" if job.recipe.trainable == "all" else trunk_precision(job.network, job.path)


def _parts(final, images, patches, cache) -> dict:
    """The frozen tensors, and the reference made of the final model's features of all training patches."""
    net = load_network(final.network, final.weights, size=final.size, seed=final.recipe.seed, path=final.path)
    trained = safetensors.torch.load_file(final.target)
    frozen = {k: v.contiguous() for k, v in net.state_dict().items() if k not in trained and not k.startswith("head.")}
    if final.recipe.trainable == "head":
        features = trunk_features(
            final.network,
            images,
            cache=cache,
            weights=final.weights,
            path=final.path,
            flips=final.recipe.flips,
            seed=final.recipe.seed,
        )[:, 0]
    else:
        net.load_state_dict({k: v for k, v in trained.items() if k != "p_fresh"}, strict=False)
        features = features_of(net, images, "float32")
    return {"frozen": frozen, "reference": make_reference(features, patches.patient_id.to_numpy())}


def features_of(net: Network, images: np.ndarray, precision: str) -> np.ndarray:
    """Features (n, d) float32 of unflipped patches (n, s, s) uint8."""
    device = next(net.parameters()).device
    batches = (to_tensor(images[i : i + BATCH], device) for i in range(0, len(images), BATCH))
    return np.concatenate([run_trunk(net, x, "stage", precision).cpu().numpy() for x in batches])


# ---------------------------------------------------------------- the folder
def _key(jobs, predictions, preprocessing) -> str:
    """Digest of all that the folder is made from."""
    tables = hashlib.sha256(pd.util.hash_pandas_object(predictions).to_numpy().tobytes()).hexdigest()
    parts = [FORMAT, [job.target.name for job in jobs], tables, preprocessing]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def _holds(folder: Path, key: str) -> bool:
    try:
        return json.loads((folder / "card.json").read_text())["key"] == key and not damaged_parts(folder)
    except (OSError, ValueError, KeyError):
        return False


def damaged_parts(folder: Path) -> list[str]:
    """Name the files of a model's folder that are not those its card was written for."""
    try:
        files = json.loads((folder / "card.json").read_text())["files"].items()
    except (OSError, ValueError, KeyError, AttributeError):
        return ["card.json"]
    return [name for name, known in files if not (folder / name).is_file() or _sha256(folder / name) != known]


def _write(out: Path, key, card, parts, patches, predictions, jobs) -> None:
    """Write everything into a temporary folder beside `out`, then swap the folders."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        if parts["frozen"]:
            safetensors.torch.save_file(parts["frozen"], partial / "trunk.safetensors")
        for job in jobs:
            shutil.copyfile(job.target, partial / f"{f'fold{job.fold}' if job.fold else 'final'}.safetensors")
        arrays = {k: np.array(v, ndmin=1) for k, v in parts["reference"]._asdict().items()}
        safetensors.numpy.save_file(arrays, partial / "reference.safetensors")
        columns = [c for c in ("patch_id", "patient_id", "label", "level") if c in patches]
        patches[columns].to_csv(partial / "reference.csv", index=False)
        predictions.to_csv(partial / "predictions.csv", index=False)
        (partial / "README.md").write_text(card_page(card))
        files = {f.name: _sha256(f) for f in sorted(partial.iterdir())}
        (partial / "card.json").write_text(json.dumps(card | {"key": key, "files": files}, indent=1))
        _swap(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _swap(new: Path, out: Path) -> None:
    """Put a finished folder in place of another, which steps aside: folders cannot be replaced in one step."""
    os.chmod(new, 0o755)  # mkdtemp's are for the owner only
    aside = new.with_name(new.name + "-old")
    if out.exists():
        os.replace(out, aside)
    os.replace(new, out)
    shutil.rmtree(aside, ignore_errors=True)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---------------------------------------------------------------- using it
def load_final(folder) -> "FinalModel":
    """Load a final model from its folder.

    Raises
    ------
    InputError where files are missing, unreadable, or not those the card was written for.
    """
    folder = Path(folder)
    try:
        card = json.loads((folder / "card.json").read_text())
        wrong = [name for name, digest in card["files"].items() if _sha256(folder / name) != digest]
    except (OSError, ValueError, KeyError) as error:
        message = f"this folder holds no whole final model ({error})"
        raise InputError(Problem("no_model", message, file=str(folder))) from None
    if wrong:
        message = f"changed since the model was made: {', '.join(wrong)}"
        raise InputError(Problem("damaged_model", message, file=str(folder)))
    return FinalModel(folder, card)


class FinalModel:
    """A trained model: probabilities with their spread over folds, distances, similar patches.

    Attributes
    ----------
    card : dict, as in card.json
    digest : sha256 over the digests of the folder's files; names this very model
    network : name, one of NETWORKS
    net : Network in float32 with the final weights, for activation maps
    """

    def __init__(self, folder: Path, card: dict):
        self.folder, self.card, self.network = folder, card, card["network"]
        self.digest = hashlib.sha256(json.dumps(card["files"], sort_keys=True).encode()).hexdigest()
        self.patches = pd.read_csv(folder / "reference.csv", dtype=str, keep_default_na=False)
        self.predictions = pd.read_csv(folder / "predictions.csv", dtype={"patch_id": str, "patient_id": str})
        stored = safetensors.numpy.load_file(folder / "reference.safetensors")
        self._reference = Reference(**stored | {"threshold": float(stored["threshold"][0])})
        names = sorted(n for n in card["files"] if n.startswith("fold"))
        self._members = [self._trained(name) for name in ("final.safetensors", *names)]

    def _trained(self, name: str) -> dict:
        state = safetensors.torch.load_file(self.folder / name)
        return {k: v for k, v in state.items() if k != "p_fresh"}

    @cached_property
    def net(self) -> Network:
        """The whole network in float32, with the final weights."""
        state = dict(self._members[0])
        if (self.folder / "trunk.safetensors").is_file():
            state |= safetensors.torch.load_file(self.folder / "trunk.safetensors")
        return empty_network(self.network, state)

    @cached_property
    def _trunk(self) -> Network:
        """The network in the arithmetic its features were made in (bfloat16 for random trunks, say)."""
        if self._precision == "float32":
            return self.net
        return at_precision(empty_network(self.network, self.net.state_dict()), self._precision)

    @property
    def _precision(self) -> str:
        made = self.card["precision"]
        return made if made != "mixed float16" or torch.cuda.is_available() else "float32"

    def features(self, images: np.ndarray) -> np.ndarray:
        """Features (n, d) float32 of patches (n, s, s) uint8, prepared as `card["preprocessing"]` says."""
        return features_of(self._trunk, self._checked(images), self._precision)

    @one_thread()
    def predict(self, images: np.ndarray) -> pd.DataFrame:
        """Answer for patches (n, s, s) uint8, cut and equalised as `card["preprocessing"]` says.

        Returns
        -------
        p_fresh : of the final model
        low, high : lowest and highest P(fresh) among the models of the folds and the final one
            (`card.INTERVAL_NOTE`: a spread over training sets, no confidence interval)
        distance : mean distance to the nearest training patches, `reference` says in what unit
        unlike : whether that is farther than 99 % of the training patches are from other patients', or the patch
            is nearly blank (`reference.UNLIKE_RULE`)
        """
        images = self._checked(images)
        features = self.features(images)
        each = self._probabilities(images, features)  # (1 + folds, n)
        far = neighbour_distance(self._points(features), self._reference.points)
        blank = np.array([len(np.unique(image)) < FEWEST_GREYS for image in images])
        return pd.DataFrame(
            {
                "p_fresh": each[0],
                "low": each.min(0),
                "high": each.max(0),
                "distance": far,
                "unlike": (far > self._reference.threshold) | blank,
            }
        )

    @one_thread()
    def similar(self, image: np.ndarray, n: int = 6, *, exclude_patient: str | None = None) -> pd.DataFrame:
        """List the n training patches most like one patch (s, s): patch_id, patient_id, label, level, distance.

        `exclude_patient` leaves out one patient's own.
        """
        point = self._points(self.features(image[None]))[0]
        return nearest(point, self._reference.points, self.patches, n, exclude_patient=exclude_patient or None)

    def _points(self, features: np.ndarray) -> np.ndarray:
        return (features - self._reference.mean) / self._reference.scale

    def _checked(self, images: np.ndarray) -> np.ndarray:
        images = np.asarray(images)
        images = images[None] if images.ndim == 2 else images
        size = int(self.card["preprocessing"].get("image_size", images.shape[-1]))
        if images.shape[1:] != (size, size):
            raise ValueError(f"patches must be (n, {size}, {size}) for this model; found {images.shape}")
        return images

    @torch.inference_mode()
    def _probabilities(self, images, features) -> np.ndarray:
        """P(fresh), (1 + folds, n): the final model first."""
        if self.card["recipe"]["trainable"] == "head":
            return np.stack([head_probability(features, head) for head in self._members])
        out = np.empty((len(self._members), len(images)))
        for start in range(0, len(images), BATCH):
            x = to_tensor(images[start : start + BATCH])
            for row, state in enumerate(self._members):
                logits = torch.func.functional_call(self.net, state, x)
                out[row, start : start + len(x)] = torch.softmax(logits.double(), 1)[:, 1]
        return out


def calibration_statement(source, p: float, least: int = 20) -> str:
    """Say what became of the patches that cross-validation scored like this one.

    Parameters
    ----------
    source : FinalModel, or a predictions table of one network
    p : the patch's P(fresh)
    least : the band around p, a tenth wide at first, is widened until it holds so many patches

    Returns
    -------
    "Of the 31 patches scored between 0.60 and 0.70 in cross-validation, 20 were fresh."
    """
    table = getattr(source, "predictions", source)
    score, truth = table.p_fresh.to_numpy(), table.truth.to_numpy()
    low = min(np.floor(np.clip(p, 0, 1) * 10) / 10, 0.9)
    high = low + 0.1
    while True:
        inside = (score >= low - 1e-9) & ((score < high - 1e-9) | (high > 1 - 1e-9))
        if inside.sum() >= min(least, len(score)):
            break
        low, high = max(low - 0.05, 0.0), min(high + 0.05, 1.0)
    return (
        f"Of the {inside.sum()} patches scored between {low:.2f} and {high:.2f} in cross-validation, "
        f"{int(truth[inside].sum())} were fresh."
    )
