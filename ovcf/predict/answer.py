"""What a final model says of a prepared vertebra, and what has to stand beside its number."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ovcf.predict.cutting import Prepared
from ovcf.predict.films import MISMATCH
from ovcf.words import rounded

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
SIZES_FIT = (
    "The size of a pixel is unknown, and with it the margin. Of the sizes that training's films had, these fit the "
    "film's height and the box's width: {}; the number is the mean over them, so weighted."
)
NONE_FITS = (
    "The size of a pixel is unknown, so the margin follows the box's width: the number is the mean over five margins "
    "from the range of nine in ten training patches."
)
CROSSES = "The call depends on that choice: give the size of a pixel."


def answer_for(prepared: Prepared, model: Any, *, known: bool = True) -> dict:
    """What the model says of a prepared vertebra (see `ovcf.predict.predict_cases`).

    `known` is False for a film that a model of synthetic films has nothing to say about.
    """
    from ovcf.cohort.crop import crop_slices
    from ovcf.cohort.films.greys import exposure_fault
    from ovcf.models.final import calibration_statement

    said, film, margins = model.predict(prepared.patch[None]).iloc[0], prepared.film, prepared.margins
    spread, among_margins = (float(said["p_fresh"]), float(said["low"]), float(said["high"])), None
    if len(margins.px) > 1:
        spread, among_margins = over_margins(model.members(prepared.patches), margins.weights)
    fault = exposure_fault(film.pixels[crop_slices(film.pixels.shape, prepared.box, 0.0)])
    synthetic, unlike = bool(model.card.get("synthetic", False)), bool(said["unlike"])
    stranger = [MISMATCH[0].upper() + MISMATCH[1:] + "."] * (synthetic and not known)
    (p, low, high), mm = spread, float(film.mm_per_px)
    return {
        "p_fresh": p,
        "low": low,
        "high": high,
        "interval_note": model.card["interval"],
        "called": "fresh" if p >= model.called_from else "old",
        "called_from": model.called_from,
        "binary": BINARY,
        "margin_range": among_margins,
        "margin_note": margin_note(among_margins, margins.sizes, model.called_from),
        "likely_mm_per_px": [list(size) for size in margins.sizes],
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
        "margin_px": margins.px[0],
        "margin_from": margins.origin,
        "mm_per_px": None if math.isnan(mm) else mm,
        "spacing_origin": film.spacing_origin,
        "notes": list(film.notes),
        "research_use_only": RESEARCH,
    }


def over_margins(members: np.ndarray, weights: Sequence[float]) -> tuple[tuple[float, float, float], list[float]]:
    """Return P(fresh) as the mean over margins, its lowest and highest among the models, and its range over margins.

    Parameters
    ----------
    members : (1 + folds, k) P(fresh) with each margin by each model, the final one first
    weights : (k,) what each margin counts; they add up to 1
    """
    each = members @ np.asarray(weights)
    spread = float(each[0]), float(each.min()), float(each.max())
    return spread, [float(min(members[0].min(), spread[0])), float(max(members[0].max(), spread[0]))]


def margin_note(among_margins: list[float] | None, sizes: Sequence[tuple[float, float]], called_from: float) -> str:
    """Say what the unknown size of a pixel leaves open; nothing where it is known."""
    if among_margins is None:
        return ""
    low, high = among_margins
    likely = ", ".join(f"{mm:g} mm ({share:.0%})" for mm, share in sizes)
    words = (
        f"{SIZES_FIT.format(likely) if sizes else NONE_FITS} Over these margins"
        f"{' and those that nine in ten training patches had' if sizes else ''}, P(fresh) goes from "
        f"{rounded(low, 3)} to {rounded(high, 3)}."
    )
    return f"{words} {CROSSES}" if low < called_from <= high else words


def trained_on(card: Mapping[str, Any]) -> str:
    """Say in one sentence what a model was trained on."""
    data, cv = card["data"], card["cross_validation"]
    return (
        f"Trained on {data['kind']}: {data['patches']} vertebrae of {data['patients']} patients "
        f"({data['fresh']} fresh, {data['old']} old); AUC {rounded(cv['pooled_auc'], 3)} in "
        f"cross-validation by {cv['split']}."
    )


def sided(p: float, threshold: float, digits: int = 2) -> str:
    """Print a probability in as few digits as keep it on its side of the threshold: 0.498 is no 0.50 called old."""
    text = rounded(p, digits)
    return text if (float(text) >= threshold) == (p >= threshold) or digits >= 9 else sided(p, threshold, digits + 1)


def describe(answer: dict) -> str:
    """An answer of `predict_cases` in words, for a terminal."""
    box = ",".join(f"{v:g}" for v in answer["box"])
    p_fresh = sided(answer["p_fresh"], answer["called_from"], 3)
    lines = [
        f"box {box}{' (turned left to right)' * answer['flip']}: P(fresh) {p_fresh} "
        f"({rounded(answer['low'], 3)} to {rounded(answer['high'], 3)} over the final model and those of the folds): "
        f"called {answer['called']} at {answer['called_from']:g} by {answer['network']}",
        answer["binary"],
        *filter(None, [answer["margin_note"], answer["warning"], answer["alike"]]),
        answer["calibration"],
        *answer["notes"],
        answer["trained_on"],
        f"model {answer['digest']}",
        answer["research_use_only"],
    ]
    return "\n".join(lines)
