"""A bundle: one file that takes a run's final model to another hospital, and nothing of a patient.

A zip of tensors and text: the trained models, the frozen trunk, the card, the training patches summarised to centres of
several patients each, the calibration in ten bands, and what the development's results were as a whole. No pixels, no
ids,
no probabilities of single patches, no code.
"""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import safetensors.torch
from numpy.typing import NDArray

from ovcf.files import digest, write_text, writing
from ovcf.models.final import FinalModel, calibration_bands, load_final
from ovcf.models.reference import UNLIKE_PERCENTILE, neighbour_distance
from ovcf.problems import InputError, Problem
from ovcf.scratch import Scratch

FEWEST_PATIENTS = 5
"""Patients behind each centre of the summarised reference; a centre of fewer is left out."""

MOST_CENTRES = 500  # with a centre for every 15 patients, a large cohort's would take as its number squared
LARGEST = 4 * 2**30  # bytes of an unpacked bundle
NAME = re.compile(r"[a-z0-9]{1,20}\.(safetensors|json|md)", re.ASCII | re.IGNORECASE)
LEFT_OUT = (
    "This bundle holds nothing of a patient: similar cases are left out, and 'unlike the training data' is measured to "
    f"centres of at least {FEWEST_PATIENTS} patients' patches."
)


def write_bundle(model: FinalModel, about: dict[str, Any], out: Path) -> Path:
    """Write a model's bundle.

    Parameters
    ----------
    about : plain values on the development as a whole, for whoever opens the bundle.
    out : file to write, at once or not at all.
    """
    with Scratch("bundle") as scratch:
        folder = scratch / "bundle"
        folder.mkdir()
        for file in sorted(n for n in model.card["files"] if re.fullmatch(r"(final|trunk|fold\d+)\.safetensors", n)):
            state = safetensors.torch.load_file(model.folder / file)
            kept = {k: v for k, v in state.items() if k != "p_fresh"}  # of single patches
            safetensors.torch.save_file(kept, folder / file)
        safetensors.numpy.save_file(summarised(model), folder / "reference.safetensors")
        card = {k: v for k, v in model.card.items() if k not in ("files", "key")}
        card |= {"bundle": LEFT_OUT, "bands": calibration_bands(model.predictions), "made_from": model.digest}
        write_text(folder / "about.json", json.dumps(about, indent=1))
        write_text(folder / "README.md", f"# {card['title']}\n\n{card['research_use_only']}\n\n{LEFT_OUT}\n")
        files = {file.name: digest(file) for file in sorted(folder.iterdir())}
        write_text(folder / "card.json", json.dumps(card | {"key": "", "files": files}, indent=1))
        with writing(out) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as packed:
            for file in sorted(folder.iterdir()):  # dates fixed: the same model gives the same bytes
                packed.writestr(zipfile.ZipInfo(file.name), file.read_bytes())
    return Path(out)


def open_bundle(path: Path) -> tuple[FinalModel, dict[str, Any]]:
    """Open a bundle: the model and what is told of its development. Unpacked where it lives as long as the model.

    Raises
    ------
    InputError : for a file that is no bundle, holds anything else, or was changed since it was made.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            entries = packed.infolist()
            odd = [e.filename for e in entries if not NAME.fullmatch(e.filename)]
            if odd or sum(e.file_size for e in entries) > LARGEST:
                found = ", ".join(odd[:3]) or "too large"
                raise InputError(Problem("bundle", "holds what a bundle does not", str(path), found=found))
            home = Scratch("bundle")
            packed.extractall(home.path)
        model = load_final(home.path)
        about = json.loads((model.folder / "about.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(Problem("bundle", f"this is no bundle ({error})", str(path))) from None
    model.home = home  # the folder goes when the model does
    return model, about


def summarised(model: FinalModel) -> dict[str, NDArray]:
    """Return the reference with centres in place of patches: k-means, each centre of `FEWEST_PATIENTS` or more.

    The threshold is measured anew: the same percentile of the training patches' own distances to the centres.
    """
    from sklearn.cluster import KMeans

    points, patients = model.reference_points.astype(np.float64), model.patches.patient_id.to_numpy()
    wanted = min(max(1, len(np.unique(patients)) // (3 * FEWEST_PATIENTS)), MOST_CENTRES)
    labels = KMeans(wanted, n_init=1, random_state=0).fit_predict(points)
    groups = [np.flatnonzero(labels == k) for k in range(wanted)]
    groups = [g for g in groups if len(np.unique(patients[g])) >= FEWEST_PATIENTS] or [np.arange(len(points))]
    centres = np.stack([points[g].mean(axis=0) for g in groups]).astype(np.float32)
    own = neighbour_distance(points, centres)
    stored = safetensors.numpy.load_file(model.folder / "reference.safetensors")
    return {
        "points": centres,
        "mean": stored["mean"],
        "scale": stored["scale"],
        "distances": np.percentile(own, np.arange(101)),
        "threshold": np.array([np.percentile(own, UNLIKE_PERCENTILE)]),
    }
