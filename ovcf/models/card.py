"""The final model's card: where it comes from, how well it did, what it is not for. As JSON and as a page."""

import hashlib
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ovcf.cohort.crop import margins_of_width
from ovcf.cohort.sizes import sizes_of
from ovcf.models.arithmetic import training_arithmetic, trunk_arithmetic
from ovcf.models.catalogue import describe_training
from ovcf.models.recipe import Recipe
from ovcf.models.reference import UNLIKE_RULE
from ovcf.models.tensors import images_digest
from ovcf.words import NETWORKS, network_title, rounded

RESEARCH_USE = "Research use only. Not a medical device; not for diagnosis or for decisions about a patient."
INTERVAL_NOTE = (
    "low and high: the lowest and highest P(fresh) among the models of the folds and the final one. They show "
    "how much the answer depends on which patients were trained on; they are not a confidence interval."
)

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn")
CUDA_CAVEAT = (
    "AlexNet and VGG16 use an adaptive average pooling whose CUDA backward pass adds in no fixed order: "
    "trained beyond the head on a GPU, their last digits can differ between runs."
)


class Origin(NamedTuple):
    """Where a model's patches come from, and from which probability on its study calls one fresh."""

    preprocessing: dict[str, Any]  # how they were cut: image_size, margin_mm, margin_px, equalisation
    synthetic: bool  # whether the films were drawn by this software
    called_from: float = 0.5


def make_card(
    patches: pd.DataFrame,
    images: NDArray[np.uint8],
    predictions: pd.DataFrame,
    *,
    recipe: Recipe,
    origin: Origin,
    precision: str,
    threshold: float,
) -> dict[str, Any]:
    """Gather the card: data, recipe, cross-validated metrics, preprocessing with its digest, versions.

    Parameters
    ----------
    predictions : cross-validated, of the network that the card is for
    precision : in which its frozen trunk runs
    threshold : distance above which a patch is unlike the training patches
    """
    network = str(predictions.network.iloc[0])
    settings, synthetic = dict(origin.preprocessing), bool(origin.synthetic)
    return {
        "title": f"{network_title(network)}, fresh or old vertebral compression fracture",
        "research_use_only": RESEARCH_USE,
        "synthetic": synthetic,
        "network": network,
        "training": describe_training(network, recipe.weights, recipe.trainable),
        "recipe": recipe.training(),
        "data": {
            "kind": "synthetic films drawn by this software" if synthetic else "films of real patients",
            "patches": len(patches),
            "patients": int(patches.patient_id.nunique()),
            "fresh": int((patches.label == "fresh").sum()),
            "old": int((patches.label == "old").sum()),
            "images_sha256": images_digest(images),
        },
        "called_from": origin.called_from,
        "cross_validation": cross_validated(predictions, origin.called_from),
        "preprocessing": settings,
        "preprocessing_sha256": hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest(),
        "margins_of_width": margins_of_width(patches, settings["margin_mm"], settings["margin_px"]),
        "sizes": sizes_of(patches),
        "input": "uint8 ({0}, {0}) grey, scaled to [-1, 1], three equal channels".format(images.shape[1]),
        "precision": precision,
        "interval": INTERVAL_NOTE,
        "unlike": {"rule": UNLIKE_RULE, "threshold": threshold},
        "determinism": determinism_record(),
    }


def cross_validated(predictions: pd.DataFrame, called_from: float) -> dict[str, Any]:
    """Summarise out-of-fold predictions: pooled AUC, and mean and SD (ddof 1) of each metric over folds.

    A patch is called fresh from the probability `called_from` on.
    """
    from ovcf.stats.rates import METRICS, fold_table
    from ovcf.stats.roc import auc

    folds = fold_table(predictions, threshold=called_from)
    return {
        "split": str(predictions.split.iloc[0]),
        "folds": int(folds.fold.nunique()),
        "pooled_auc": float(auc(predictions.truth, predictions.p_fresh)),
        "over_folds": {m: {"mean": float(folds[m].mean()), "sd_ddof1": float(folds[m].std(ddof=1))} for m in METRICS},
    }


def card_page(card: dict[str, Any]) -> str:
    """Write the card as Markdown."""
    data, cv, how = card["data"], card["cross_validation"], card["preprocessing"]
    rows = [
        f"| {name} | {rounded(v['mean'], 3)} | {rounded(v['sd_ddof1'], 3)} |" for name, v in cv["over_folds"].items()
    ]
    return "\n".join(
        [
            f"# {card['title']}",
            "",
            f"**{card['research_use_only']}**",
            "",
            "## Data",
            "",
            f"{data['kind'].capitalize()}: {data['patches']} patches of {data['patients']} patients, "
            f"{data['fresh']} fresh, {data['old']} old. The folder holds their features, ids and labels (for "
            "similar cases and the warning about unlike ones): treat it like the data it was made from.",
            "",
            "## Training",
            "",
            f"{card['training']}. "
            + ", ".join(f"{k} {v}" for k, v in card["recipe"].items())
            + ". Trained on all patches; the metrics are those of cross-validation with the same recipe.",
            "",
            "## Cross-validation",
            "",
            f"{cv['folds']} folds by {cv['split']}; pooled AUC {rounded(cv['pooled_auc'], 3)}; called fresh from "
            f"{card['called_from']:g} on.",
            "",
            "| metric | mean over folds | SD (ddof 1) |",
            "| --- | --- | --- |",
            *rows,
            "",
            "## Use",
            "",
            f"Input: {card['input']}, prepared with " + ", ".join(f"{k} {v}" for k, v in how.items()) + ".",
            f"{card['interval']} A patch is called {card['unlike']['rule']}.",
            "",
        ]
    )


# ---------------------------------------------------------------- what the bits depend on
def determinism_record() -> dict[str, Any]:
    """Record what the bits of a run depend on besides data, parameters and seed, as a plain dict.

    Versions, device, threads, arithmetic and flags; for run.json and the model's card.
    """
    cuda, head = torch.cuda.is_available(), Recipe()
    return {
        "versions": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": {"a batch of features": 1, "training of one fold": 1, "cores": os.cpu_count()},
        "frozen random trunks": {network: trunk_arithmetic(network, None, head) for network in NETWORKS},
        "frozen pretrained trunks": trunk_arithmetic("alexnet", Path("a file"), head),
        "layers that train": training_arithmetic(Recipe(trainable="all")),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn": {"benchmark": torch.backends.cudnn.benchmark, "deterministic": torch.backends.cudnn.deterministic},
        "caveats": [CUDA_CAVEAT] if cuda else [],
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a part of the house runs without the others
        return "not installed"
