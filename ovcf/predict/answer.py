"""What a final model says of a prepared vertebra, and what has to stand beside its number."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ovcf.predict.cutting import Prepared
from ovcf.predict.films import MISMATCH

RESEARCH = "Research use only. Not for diagnosis: this number comes from a research model."
BINARY = "Only fresh or old can come out: a healthy vertebra, or anything else in the box, gets one of them too."
UNLIKE = (
    "Unusual: this patch lies farther from the training patches than nearly all of them lie from other patients'; its "
    "number should not be trusted."
)
ALIKE = (
    "Not unusual by its distance to the training patches. That is no proof that the box holds a fractured vertebra: a "
    "healthy one of such a film can lie as near."
)
EXPOSED = "The box shows a vertebra that is {}; the number should not be trusted."
CROSSES = "The call depends on that choice: give the size of a pixel."


def answer_for(prepared: Prepared, model: Any, *, known: bool = True) -> dict:
    """What the model says of a prepared vertebra (see `ovcf.predict.predict_cases`).

    `known` is False for a film that a model of synthetic films has nothing to say about.
    """
    from ovcf.cohort.crop import crop_slices
    from ovcf.cohort.films.greys import exposure_fault
    from ovcf.models.final import calibration_statement

    each = model.predict(np.concatenate([prepared.patch[None], prepared.others]))
    said, film = each.iloc[0], prepared.film
    fault = exposure_fault(film.pixels[crop_slices(film.pixels.shape, prepared.box, 0.0)])
    synthetic, unlike = bool(model.card.get("synthetic", False)), bool(said["unlike"])
    stranger = [MISMATCH[0].upper() + MISMATCH[1:] + "."] * (synthetic and not known)
    p, mm = float(said["p_fresh"]), float(film.mm_per_px)
    among_margins = [float(each["p_fresh"].min()), float(each["p_fresh"].max())] if len(prepared.others) else None
    return {
        "p_fresh": p,
        "low": float(said["low"]),
        "high": float(said["high"]),
        "interval_note": model.card["interval"],
        "called": "fresh" if p >= 0.5 else "old",
        "binary": BINARY,
        "margin_range": among_margins,
        "margin_note": margin_note(among_margins),
        "distance": float(said["distance"]),
        "unlike": unlike,
        "alike": "" if unlike else ALIKE,
        "warning": " ".join([*stranger, *[UNLIKE] * unlike, *[EXPOSED.format(fault)] * bool(fault)]),
        "calibration": calibration_statement(model, p),
        "trained_on": trained_on(model.card),
        "network": model.network,
        "digest": model.digest,
        "synthetic": synthetic,
        "box": list(prepared.box),
        "flip": prepared.flip,
        "margin_px": prepared.margin_px,
        "margin_from": prepared.margin_from,
        "mm_per_px": None if math.isnan(mm) else mm,
        "spacing_origin": film.spacing_origin,
        "notes": list(film.notes),
        "research_use_only": RESEARCH,
    }


def margin_note(among_margins: list[float] | None) -> str:
    """Say what the unknown size of a pixel leaves open; nothing where it is known."""
    if among_margins is None:
        return ""
    low, high = among_margins
    words = (
        "The size of a pixel is unknown, so the margin follows the box's width. Over the margins that nine in ten "
        f"training patches had, P(fresh) goes from {low:.3f} to {high:.3f}."
    )
    return f"{words} {CROSSES}" if low < 0.5 <= high else words


def trained_on(card: Mapping[str, Any]) -> str:
    """Say in one sentence what a model was trained on."""
    data, cv = card["data"], card["cross_validation"]
    return (
        f"Trained on {data['kind']}: {data['patches']} vertebrae of {data['patients']} patients "
        f"({data['fresh']} fresh, {data['old']} old); AUC {cv['pooled_auc']:.2f} in cross-validation by {cv['split']}."
    )


def describe(answer: dict) -> str:
    """An answer of `predict_cases` in words, for a terminal."""
    box = ",".join(f"{v:g}" for v in answer["box"])
    lines = [
        f"box {box}{' (turned left to right)' * answer['flip']}: P(fresh) {answer['p_fresh']:.3f} "
        f"({answer['low']:.3f} to {answer['high']:.3f} over the final model and those of the folds): "
        f"called {answer['called']} at 0.5 by {answer['network']}",
        answer["binary"],
        *filter(None, [answer["margin_note"], answer["warning"], answer["alike"]]),
        answer["calibration"],
        *answer["notes"],
        answer["trained_on"],
        f"model {answer['digest']}",
        answer["research_use_only"],
    ]
    return "\n".join(lines)
