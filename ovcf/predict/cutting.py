"""A vertebra cut out of a film as training did; how wide the margin is where nobody says how large a pixel is.

Training's margin is so many mm. Without the size of a pixel the vertebra is cut once for each size of training's films
that fits (`ovcf.predict.spacing`), and the number is the mean over them; where none fits, with margins that are such
shares of the box's width as training's were. What that leaves open is shown: P(fresh) over all these margins.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ovcf.predict.boxes import check_box
from ovcf.predict.spacing import likely_sizes, with_spacing

FROM_SIZE = "size of a pixel"
FROM_SIZES = "likeliest size of a pixel among training's, by the film's height and the box's width"
FROM_WIDTH = "shares of the box's width, as in training: the size of a pixel is unknown; shown is the median"
FROM_CARD = "the run's parameter margin_px: the size of a pixel is unknown, and this model does not say what it saw"


class Margins(NamedTuple):
    """Margins to cut a vertebra with, the likeliest first, and what each counts in the number."""

    px: list[float]
    weights: list[float]  # add up to 1; 0 for margins that only show what is left open
    origin: str
    sizes: list[tuple[float, float]]  # sizes of a pixel (mm) behind the first ones, with their shares


class Prepared(NamedTuple):
    """A vertebra as the network sees it, and how it was cut."""

    patches: np.ndarray  # uint8 (k, size, size): k = 1 where the margin is known, else the likeliest first
    box: tuple[float, float, float, float]
    margins: Margins
    film: Any  # ovcf.cohort.films.Film, with the size of a pixel that counts
    flip: bool

    @property
    def patch(self) -> np.ndarray:
        """The patch to be shown, uint8 (size, size): with the likeliest margin."""
        return self.patches[0]


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
    how, found = model.card["preprocessing"], margins(film, box, model.card)
    patches = np.stack([_cut(film.pixels, box, px, how, flip) for px in found.px])
    return Prepared(patches, box, found, film, flip)


def margins(film: Any, box: Sequence[float], card: Mapping[str, Any]) -> Margins:
    """Return the margins in px that a vertebra may have had in training: one where the size of a pixel is known.

    `card` holds `preprocessing`, and of training's vertebrae `sizes` (`ovcf.cohort.sizes.sizes_of`) and
    `margins_of_width`, shares of the boxes' width, in order, the median in the middle; an older model's lacks them.
    """
    from ovcf.cohort.crop import margin_in_px

    how, width = card["preprocessing"], box[2] - box[0]
    if film.mm_per_px > 0:  # false for nan
        return Margins([margin_in_px(film.mm_per_px, how["margin_mm"], how["margin_px"])], [1.0], FROM_SIZE, [])
    each = [share * width for share in card.get("margins_of_width") or []]
    sizes = likely_sizes(card.get("sizes") or {}, width, film.pixels.shape[0])
    if sizes:
        px = [how["margin_mm"] / mm for mm, _ in sizes]
        return Margins([*px, *each], [share for _, share in sizes] + [0.0] * len(each), FROM_SIZES, sizes)
    if not each:
        return Margins([float(how["margin_px"])], [1.0], FROM_CARD, [])
    middle = each.pop(len(each) // 2)
    count = len(each) + 1
    return Margins([middle, *each], [1 / count] * count, FROM_WIDTH, [])


def _cut(pixels: np.ndarray, box: tuple, margin: float, how: Mapping[str, Any], flip: bool) -> np.ndarray:
    from ovcf.cohort.crop import crop_patch, with_context

    seen = with_context(box, how.get("context", 0))
    patch = crop_patch(pixels, seen, margin_px=margin, size=how["image_size"], equalisation=how["equalisation"])
    return np.ascontiguousarray(patch[:, ::-1]) if flip else patch
