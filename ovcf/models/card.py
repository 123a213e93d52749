"""The final model's card: where it comes from, how well it did, what it is not for. As JSON and as a page."""

import hashlib
import json

import pandas as pd

from ovcf.models.catalogue import describe_training
from ovcf.models.determinism import determinism_record
from ovcf.models.reference import UNLIKE_RULE
from ovcf.models.tensors import images_digest
from ovcf.words import NETWORKS

RESEARCH_USE = "Research use only. Not a medical device; not for diagnosis or for decisions about a patient."
INTERVAL_NOTE = (
    "low and high: the lowest and highest P(fresh) among the models of the folds and the final one. They show "
    "how much the answer depends on which patients were trained on; they are not a confidence interval."
)


def make_card(
    network,
    patches: pd.DataFrame,
    images,
    predictions,
    recipe: dict,
    weights: str,
    *,
    preprocessing,
    synthetic,
    precision: str,
    threshold: float,
) -> dict:
    """Gather the card: data, recipe, cross-validated metrics, preprocessing with its digest, versions."""
    settings = dict(preprocessing)
    return {
        "title": f"{NETWORKS[network]}, fresh or old vertebral compression fracture",
        "research_use_only": RESEARCH_USE,
        "synthetic": bool(synthetic),
        "network": network,
        "training": describe_training(network, weights, recipe["trainable"]),
        "recipe": recipe,
        "data": {
            "kind": "synthetic films drawn by this software" if synthetic else "films of real patients",
            "patches": len(patches),
            "patients": int(patches.patient_id.nunique()),
            "fresh": int((patches.label == "fresh").sum()),
            "old": int((patches.label == "old").sum()),
            "images_sha256": images_digest(images),
        },
        "cross_validation": cross_validated(predictions),
        "preprocessing": settings,
        "preprocessing_sha256": hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest(),
        "input": "uint8 ({0}, {0}) grey, scaled to [-1, 1], three equal channels".format(images.shape[1]),
        "precision": precision,
        "interval": INTERVAL_NOTE,
        "unlike": {"rule": UNLIKE_RULE, "threshold": threshold},
        "determinism": determinism_record(),
    }


def cross_validated(predictions: pd.DataFrame) -> dict:
    """Summarise out-of-fold predictions: pooled AUC, and mean and SD (ddof 1) of each metric over folds."""
    from ovcf.stats.rates import METRICS, fold_table
    from ovcf.stats.roc import auc

    folds = fold_table(predictions)
    return {
        "split": str(predictions.split.iloc[0]),
        "folds": int(folds.fold.nunique()),
        "pooled_auc": float(auc(predictions.truth, predictions.p_fresh)),
        "over_folds": {m: {"mean": float(folds[m].mean()), "sd_ddof1": float(folds[m].std(ddof=1))} for m in METRICS},
    }


def card_page(card: dict) -> str:
    """Write the card as Markdown."""
    data, cv, how = card["data"], card["cross_validation"], card["preprocessing"]
    rows = [f"| {name} | {v['mean']:.3f} | {v['sd_ddof1']:.3f} |" for name, v in cv["over_folds"].items()]
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
            f"{cv['folds']} folds by {cv['split']}; pooled AUC {cv['pooled_auc']:.3f}.",
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
