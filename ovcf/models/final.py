"""The final model at work: probabilities with their spread over folds, distances, similar patches, calibration.

`making` says what its folder holds.
"""

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import safetensors.numpy
import safetensors.torch
import torch
from numpy.typing import NDArray

from ovcf.files import digest
from ovcf.models.arithmetic import FLOAT32, device, prepared
from ovcf.models.features import features_of
from ovcf.models.networks import Network, empty_network
from ovcf.models.reference import FEWEST_GREYS, Reference, nearest, neighbour_distance
from ovcf.models.tensors import to_tensor
from ovcf.models.threads import one_thread
from ovcf.models.training import head_probability
from ovcf.problems import InputError, Problem
from ovcf.words import rounded

AT_ONCE = 32  # patches


def load_final(folder: Path) -> "FinalModel":
    """Load a final model from its folder.

    Raises
    ------
    InputError : where files are missing, unreadable, or not those the card was written for.
    """
    folder = Path(folder)
    try:
        card = json.loads((folder / "card.json").read_text())
        wrong = [name for name, made in card["files"].items() if digest(folder / name) != made]
    except (OSError, ValueError, KeyError) as error:
        message = f"this folder holds no whole final model ({error})"
        raise InputError(Problem("no_model", message, file=str(folder))) from None
    if wrong:
        message = f"changed since the model was made: {', '.join(wrong)}"
        raise InputError(Problem("damaged_model", message, file=str(folder)))
    return FinalModel(folder, card)


def tensors_digest(folder: Path) -> str:
    """Return the SHA-256 of a model folder's tensors: file, name, kind, shape and values of each, in order of names.

    The files themselves may differ where the tensors do not: the order of the notes in their heads is left to chance.
    """
    total = hashlib.sha256()
    for path in sorted(Path(folder).glob("*.safetensors")):
        for name, tensor in sorted(safetensors.torch.load_file(path).items()):
            total.update(f"{path.name} {name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            total.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def damaged_parts(folder: Path) -> list[str]:
    """Name the files of a model's folder that are not those its card was written for."""
    try:
        files = json.loads((folder / "card.json").read_text())["files"].items()
    except (OSError, ValueError, KeyError, AttributeError):
        return ["card.json"]
    return [name for name, made in files if not (folder / name).is_file() or digest(folder / name) != made]


class FinalModel:
    """A trained model, loaded from its folder.

    Attributes
    ----------
    card : dict, as in card.json
    called_from : the probability from which on the model's study calls a patch fresh
    digest : `tensors_digest` of the folder; names this very model, and is the same wherever it is trained again
    network : name, as in the catalogue
    net : Network in float32 with the final weights, for activation maps
    """

    def __init__(self, folder: Path, card: dict[str, Any]):
        self.folder, self.card, self.network = folder, card, card["network"]
        self.called_from = float(card.get("called_from", 0.5))  # absent before cards said it
        self.digest = card.get("tensors") or tensors_digest(folder)
        self.patches = self._table("reference.csv", dtype=str, keep_default_na=False)
        self.predictions = self._table("predictions.csv", dtype={"patch_id": str, "patient_id": str})
        stored = safetensors.numpy.load_file(folder / "reference.safetensors")
        self._reference = Reference(**stored | {"threshold": float(stored["threshold"][0])})
        names = sorted(n for n in card["files"] if n.startswith("fold"))
        self._members = [self._trained(name) for name in ("final.safetensors", *names)]

    def _table(self, name: str, **options: Any) -> pd.DataFrame:
        """A table of the folder; an empty one from a bundle, which holds none of patients."""
        return pd.read_csv(self.folder / name, **options) if name in self.card["files"] else pd.DataFrame()

    def _trained(self, name: str) -> dict[str, torch.Tensor]:
        state = safetensors.torch.load_file(self.folder / name)
        return {k: v for k, v in state.items() if k != "p_fresh"}

    @cached_property
    def net(self) -> Network:
        """The whole network in float32, with the final weights."""
        return self._whole(self._members[0])

    def net_of_fold(self, fold: int) -> Network:
        """Return the whole network in float32 with the weights that were trained without one fold.

        Raises InputError where the folder holds none of this fold.
        """
        name = f"fold{fold}.safetensors"
        if name not in self.card["files"]:
            words = f"the final model holds no network of fold {fold}"
            raise InputError(Problem("no_fold_model", words, str(self.folder)))
        return self._whole(self._trained(name))

    def _whole(self, trained: dict[str, torch.Tensor]) -> Network:
        """Put trained weights and the frozen ones together."""
        frozen = self.folder / "trunk.safetensors"
        state = safetensors.torch.load_file(frozen) if frozen.is_file() else {}
        return empty_network(self.network, trained | state)

    @cached_property
    def _trunk(self) -> Network:
        """The network in the arithmetic its features were made in (bfloat16 for random trunks, say)."""
        if self._precision == FLOAT32:
            return self.net
        return prepared(empty_network(self.network, self.net.state_dict()), self._precision)

    @property
    def _precision(self) -> str:
        made = self.card["precision"]
        return FLOAT32 if made.startswith("mixed") and device().type == "cpu" else made

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features (n, d) float32 of patches (n, s, s) uint8, prepared as `card["preprocessing"]` says."""
        return features_of(self._trunk, self._checked(images), self._precision)

    @one_thread()
    def members(self, images: NDArray[np.uint8], features: NDArray | None = None) -> NDArray[np.float64]:
        """P(fresh) (1 + folds, n) of patches (n, s, s): the final model's first, then each fold's.

        `features` : theirs, where they are made already.
        """
        images = self._checked(images)
        return self._probabilities(images, self.features(images) if features is None else features)

    def points(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (n, d) as points that `reference_points` are compared with."""
        return self._points(features)

    @property
    def reference_points(self) -> NDArray[np.float32]:
        """The training patches as points (n, d), in the order of `patches`; of a bundle, centres of patches."""
        return self._reference.points

    @one_thread()
    def predict(self, images: NDArray[np.uint8], features: NDArray | None = None) -> pd.DataFrame:
        """Answer for patches (n, s, s) uint8, cut and equalised as `card["preprocessing"]` says.

        `features` : theirs, where they are made already.

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
        features = self.features(images) if features is None else features
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
    def similar(self, image: NDArray[np.uint8], n: int = 6, *, exclude_patient: str | None = None) -> pd.DataFrame:
        """List the n training patches most like one patch (s, s): patch_id, patient_id, label, level, distance.

        `exclude_patient` leaves out one patient's own.
        """
        if self.patches.empty:  # of a bundle
            return pd.DataFrame(columns=["patch_id", "patient_id", "label", "level", "distance"])
        point = self._points(self.features(image[None]))[0]
        return nearest(point, self._reference.points, self.patches, n, exclude_patient=exclude_patient or None)

    def _points(self, features: NDArray) -> NDArray[np.float32]:
        return (features - self._reference.mean) / self._reference.scale

    def _checked(self, images: NDArray) -> NDArray[np.uint8]:
        images = np.asarray(images)
        images = images[None] if images.ndim == 2 else images
        size = int(self.card["preprocessing"].get("image_size", images.shape[-1]))
        if images.shape[1:] != (size, size):
            raise ValueError(f"patches must be (n, {size}, {size}) for this model; found {images.shape}")
        return images

    @torch.inference_mode()
    def _probabilities(self, images: NDArray[np.uint8], features: NDArray | None) -> NDArray[np.float64]:
        """P(fresh), (1 + folds, n): the final model first."""
        if self.card["recipe"]["trainable"] == "head":
            return np.stack([head_probability(features, head) for head in self._members])
        out = np.empty((len(self._members), len(images)))
        for start in range(0, len(images), AT_ONCE):
            x = to_tensor(images[start : start + AT_ONCE])
            for row, state in enumerate(self._members):
                logits = torch.func.functional_call(self.net, state, x)
                out[row, start : start + len(x)] = torch.softmax(logits.double(), 1)[:, 1]
        return out


def calibration_statement(source: FinalModel | pd.DataFrame, p: float, least: int = 20) -> str:
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
    bands = source.card.get("bands") if isinstance(source, FinalModel) else None
    if bands is None:
        bands = calibration_bands(getattr(source, "predictions", source), least)
    low, high, n, fresh = bands[min(int(np.clip(p, 0, 1) * 10), 9)]
    band = f"{rounded(low, 2)} and {rounded(high, 2)}"
    return f"Of the {n} patches scored between {band} in cross-validation, {fresh} were fresh."


def calibration_bands(predictions: pd.DataFrame, least: int = 20) -> list[tuple[float, float, int, int]]:
    """Return for each tenth of the probability: low, high (widened to hold `least` patches), patches, fresh."""
    score, truth = predictions.p_fresh.to_numpy(), predictions.truth.to_numpy()
    bands = []
    for tenth in range(10):
        low = tenth / 10
        high = low + 0.1
        while True:
            inside = (score >= low - 1e-9) & ((score < high - 1e-9) | (high > 1 - 1e-9))
            if inside.sum() >= min(least, len(score)):
                break
            low, high = max(low - 0.05, 0.0), min(high + 0.05, 1.0)
        bands.append((round(low, 2), round(high, 2), int(inside.sum()), int(truth[inside].sum())))
    return bands
