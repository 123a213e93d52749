"""A vertebra cut out of a film as training did; how wide the margin is where nobody says how large a pixel is.

Training's margin is so many mm. Without the size of a pixel it is taken as that share of the box's width which was the
median in training: the width of a vertebral body changes little when it collapses, its height does. What that choice
is worth is shown: the same vertebra is cut with other margins that training had, and asked about too.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ovcf.cohort.columns import SPACING_MM
from ovcf.predict.boxes import check_box
from ovcf.problems import InputError, Problem

GIVEN = "given by hand"
FROM_SIZE = "size of a pixel"
FROM_WIDTH = "width of the box, as in training's median: the size of a pixel is unknown"
FROM_CARD = "the run's parameter margin_px: the size of a pixel is unknown, and this model does not say what it saw"


class Prepared(NamedTuple):
    """A vertebra as the network sees it, and how it was cut."""

    patch: np.ndarray  # uint8 (size, size)
    box: tuple[float, float, float, float]
    margin_px: float
    film: Any  # ovcf.cohort.films.Film, with the size of a pixel that counts
    margin_from: str
    others: np.ndarray  # uint8 (k, size, size): with other margins of training; k = 0 where the margin is known
    flip: bool


def prepare_case(
    film: Any, box: Sequence[float], model: Any, *, mm_per_px: float | None = None, flip: bool = False
) -> Prepared:
    """Cut the vertebra out of a film exactly as the model's training did.

    `film` is a path or a film already read. Raises InputError for a bad film, box or size.
    """
    from ovcf.cohort.films import read_film

    name = str(film) if not hasattr(film, "pixels") else None
    film = with_spacing(read_film(film) if name else film, mm_per_px)
    box = check_box(box, film.pixels.shape, name)
    how = model.card["preprocessing"]
    margin, origin, others = margins(film.mm_per_px, box, how, model.card.get("margins_of_width") or [])
    patches = np.stack([_cut(film.pixels, box, px, how, flip) for px in (margin, *others)])
    return Prepared(patches[0], box, margin, film, origin, patches[1:], flip)


def margins(
    mm_per_px: float, box: Sequence[float], how: Mapping[str, Any], shares: Sequence[float]
) -> tuple[float, str, list[float]]:
    """Return the margin in px, where it comes from, and other margins it might have been (none where it is known).

    `how` is the card's preprocessing; `shares` are training's margins as shares of the boxes' width, in order, the
    median in the middle (`ovcf.cohort.crop.margins_of_width`).
    """
    from ovcf.cohort.crop import margin_in_px

    if mm_per_px > 0:  # false for nan
        return margin_in_px(mm_per_px, how["margin_mm"], how["margin_px"]), FROM_SIZE, []
    if not shares:
        return float(how["margin_px"]), FROM_CARD, []
    each = [share * (box[2] - box[0]) for share in shares]
    middle = len(each) // 2
    return each[middle], FROM_WIDTH, each[:middle] + each[middle + 1 :]


def with_spacing(film: Any, mm_per_px: float | None) -> Any:
    """Return a film with a size of its pixels that was given; as it was where none is."""
    if mm_per_px is None:
        return film
    return film._replace(mm_per_px=check_spacing(mm_per_px), spacing_origin=GIVEN)


def check_spacing(mm_per_px: float) -> float:
    """Return the size of a pixel if a radiograph can have it; InputError otherwise."""
    low, high = SPACING_MM
    if not (math.isfinite(mm_per_px) and low <= mm_per_px <= high):
        words = "no radiograph has pixels of this size"
        raise InputError(
            Problem("spacing", words, None, None, "--mm-per-px", f"{mm_per_px:g}", f"{low:g} to {high:g} mm")
        )
    return float(mm_per_px)


def _cut(pixels: np.ndarray, box: tuple, margin: float, how: Mapping[str, Any], flip: bool) -> np.ndarray:
    from ovcf.cohort.crop import crop_patch, with_context

    seen = with_context(box, how.get("context", 0))
    patch = crop_patch(pixels, seen, margin_px=margin, size=how["image_size"], equalisation=how["equalisation"])
    return np.ascontiguousarray(patch[:, ::-1]) if flip else patch
