"""One vertebra of one film by a run's final model: the one function behind the page and `ovcf predict`.

Research use only. The answer is a research model's, not a diagnosis.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ovcf.problems import InputError, Problem

RESEARCH = "Research use only. Not for diagnosis: this number comes from a research model."


class Prepared(NamedTuple):
    """A vertebra as the network sees it, and how it was cut."""

    patch: np.ndarray  # uint8 (size, size)
    box: tuple[float, float, float, float]
    margin_px: float
    film: object  # ovcf.cohort.films.Film


def predict_case(film_path: str | Path, box: Sequence[float], run: str | Path, *, model: Any | None = None) -> dict:
    """Ask a run's final model about one vertebra.

    Parameters
    ----------
    film_path : path
        PNG, JPEG, TIFF or DICOM.
    box : four numbers
        x0, y0, x1, y1 in px of the film, tightly around the vertebral body.
    run : path
        Run folder with `model/`.
    model : FinalModel, optional
        Already loaded, from the same run.

    Returns
    -------
    dict
        `p_fresh`, `low` and `high` (smallest and largest probability by the final model and those of the
        folds), `called`, `distance` and `unlike` (far from the training patches), `warning` (that, or a blank,
        dark or bright box), `calibration` (a sentence), `digest` and `network` of the model, `film`, `box`,
        `margin_px`, `mm_per_px`, `spacing_origin`, `notes`, `synthetic` (trained on synthetic
        films) and `research_use_only`.

    Raises
    ------
    InputError
        For an unreadable film, a box that is not one or lies outside, or a run without a model.
    """
    model = model or load_model(run)
    prepared = prepare_case(film_path, box, model)
    return {"film": str(film_path), **answer_for(prepared, model)}


def load_model(run: str | Path) -> Any:
    """The final model of a run, or of a bundle (a file); InputError when there is none."""
    from ovcf.models.bundle import open_bundle
    from ovcf.models.final import load_final

    if Path(run).is_file():
        return open_bundle(Path(run))[0]
    folder = Path(run) / "model"
    if not folder.is_dir():
        raise InputError(Problem("no_model", "this run has no final model; make it with ovcf run", str(run)))
    return load_final(folder)


def prepare_case(film: Any, box: Sequence[float], model: Any) -> Prepared:
    """Cut the vertebra out of a film exactly as the model's training did.

    `film` is a path or a film already read. Raises InputError for a bad film or box.
    """
    from ovcf.cohort.crop import crop_patch, margin_in_px, with_context
    from ovcf.cohort.films import read_film

    name = str(film) if isinstance(film, (str, Path)) else None
    film = read_film(film) if name else film
    box = check_box(box, film.pixels.shape, name)
    how = model.card["preprocessing"]
    margin = margin_in_px(film.mm_per_px, how["margin_mm"], how["margin_px"])
    seen = with_context(box, how.get("context", 0))
    patch = crop_patch(film.pixels, seen, margin_px=margin, size=how["image_size"], equalisation=how["equalisation"])
    return Prepared(patch, box, margin, film)


def answer_for(prepared: Prepared, model: Any) -> dict:
    """What the model says of a prepared vertebra (see `predict_case`)."""
    from ovcf.cohort.crop import crop_slices
    from ovcf.cohort.films.greys import exposure_fault
    from ovcf.models.final import calibration_statement

    said = model.predict(prepared.patch[None]).iloc[0]
    fault = exposure_fault(prepared.film.pixels[crop_slices(prepared.film.pixels.shape, prepared.box, 0.0)])
    warnings = [UNLIKE] * bool(said["unlike"]) + [EXPOSED.format(fault)] * bool(fault)
    p, unlike, film = float(said["p_fresh"]), bool(said["unlike"]), prepared.film
    mm = float(film.mm_per_px)
    return {
        "p_fresh": p,
        "low": float(said["low"]),
        "high": float(said["high"]),
        "interval_note": model.card["interval"],
        "called": "fresh" if p >= 0.5 else "old",
        "distance": float(said["distance"]),
        "unlike": unlike,
        "warning": " ".join(warnings),
        "calibration": calibration_statement(model, p),
        "network": model.network,
        "digest": model.digest,
        "synthetic": bool(model.card.get("synthetic", False)),
        "box": list(prepared.box),
        "margin_px": prepared.margin_px,
        "mm_per_px": None if math.isnan(mm) else mm,
        "spacing_origin": film.spacing_origin,
        "notes": list(film.notes),
        "research_use_only": RESEARCH,
    }


UNLIKE = "This patch looks unlike the patches the model was trained on; its number should not be trusted."
EXPOSED = "The box shows a vertebra that is {}; the number should not be trusted."


def parse_box(text: str) -> tuple:
    """Four numbers from "x0,y0,x1,y1"; InputError otherwise."""
    try:
        box = tuple(float(v) for v in str(text).split(","))
    except ValueError:
        box = ()
    if len(box) != 4:
        raise InputError(Problem("box", "is not a box", None, None, "--box", text, "x0,y0,x1,y1 in px"))
    return box


def check_box(
    box: Sequence[float], shape: tuple[int, int], film: str | None = None
) -> tuple[float, float, float, float]:
    """The box as four floats in order, if it lies in the film (height, width) and is at least 1 px a side."""
    x0, y0, x1, y1 = (float(v) for v in box)
    height, width = shape
    inside = 0 <= x0 and x1 <= width and 0 <= y0 and y1 <= height
    if not (inside and x1 - x0 >= 1 and y1 - y0 >= 1):  # also false for NaN
        found = f"{x0:g},{y0:g},{x1:g},{y1:g}"
        allowed = f"0 <= x0 < x1 <= {width} and 0 <= y0 < y1 <= {height}, at least 1 px a side"
        raise InputError(Problem("box", "the box is not in the film", film, None, "box", found, allowed))
    return x0, y0, x1, y1


def describe(answer: dict) -> str:
    """An answer of `predict_case` in words, for a terminal."""
    lines = [
        f"P(fresh) {answer['p_fresh']:.3f} ({answer['low']:.3f} to {answer['high']:.3f} over the final model "
        f"and those of the folds): called {answer['called']} at 0.5 by {answer['network']}",
        answer["calibration"],
        *([answer["warning"]] if answer["warning"] else []),
        *answer["notes"],
        *(["The model was trained on synthetic films."] if answer["synthetic"] else []),
        f"model {answer['digest']}",
        answer["research_use_only"],
    ]
    return "\n".join(lines)
