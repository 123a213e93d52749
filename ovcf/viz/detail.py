"""One patch in detail, without a widget: its film, what readers and networks see, its neighbours."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from ovcf.cohort.crop import crop_slices, equalise, margin_in_px
from ovcf.viz.gallery import network_name
from ovcf.viz.image_data import Recent, jpeg_bytes, to_uint8
from ovcf.viz.outcomes import networks_of, outcome_of
from ovcf.words import rounded

FILM_EDGE = 1400  # px of the longer edge that travel to the page
_FACTS = {
    "patient_id": "Patient", "level": "Level", "region": "Region", "label": "Label", "fold": "Fold",
    "age": "Age", "sex": "Sex",
    "annotator_a_label": "Annotator A", "annotator_b_label": "Annotator B", "image": "Image",
}  # fmt: skip


class ShownFilm(NamedTuple):
    """A film as it travels: JPEG, film px per JPEG px, and its size (height, width) in film px."""

    jpeg: bytes
    scale: float
    shape: tuple[int, int]


class Films:
    """Films of a run prepared for the page; the last few are kept, so neighbours on a film cost nothing."""

    def __init__(self, study: Any, keep: int = 12) -> None:
        self._study = study
        self._shown = Recent(self._show, keep)
        self._patch_of = {}

    def show(self, row: dict) -> ShownFilm:
        """The film of a patch."""
        self._patch_of[row["image"]] = row["patch_id"]
        return self._shown(row["image"])

    def reader_patch(self, row: dict, size: int = 320) -> np.ndarray:
        """The patch as readers see it, uint8 (height, width), the longer edge `size`."""
        return reader_patch(self._study, row, size)

    def _show(self, image) -> ShownFilm:
        pixels = self._study.film(self._patch_of[image]).pixels
        # every n-th pixel first: the page gets FILM_EDGE px at most, and the large array is most of the cost
        step = max(1, int(max(pixels.shape) // (2 * FILM_EDGE)))
        jpeg = jpeg_bytes(to_uint8(pixels[::step, ::step]), longest=FILM_EDGE, quality=88)
        scale = max(pixels.shape) / min(max(pixels.shape), FILM_EDGE)
        return ShownFilm(jpeg, scale, pixels.shape)


def reader_patch(study: Any, row: dict, size: int = 320) -> np.ndarray:
    """Cut a patch from its film for human eyes: without equalisation, its pixels square, the longer edge `size` px.

    The networks' patches are brought to a square (as the paper's slices are); a wedge would be stretched by that.
    uint8 (height, width).
    """
    film, box, p = study.film(row["patch_id"]), box_of(row), study.parameters
    pixels = film.pixels
    if box is not None:
        margin = margin_in_px(row.get("mm_per_px", np.nan), p["margin_mm"], p["margin_px"])
        pixels = pixels[crop_slices(pixels.shape, box, margin)]
    greys = equalise(pixels, "none").astype(np.float32)
    height, width = greys.shape
    shape = tuple(max(1, round(size * side / max(width, height))) for side in (width, height))
    return to_uint8(np.asarray(Image.fromarray(greys, mode="F").resize(shape, Image.Resampling.BILINEAR)))


def box_of(row: dict) -> tuple | None:
    """The box of a patch in film px, or None where the image is the patch."""
    box = tuple(float(row.get(c, np.nan)) for c in ("x0", "y0", "x1", "y1"))
    return None if np.isnan(box).any() else box


def answers_of(row: dict) -> list[dict]:
    """What every network says of a row of the browse table."""
    said = []
    for network in networks_of(pd.DataFrame(columns=list(row))):
        p = float(row[f"p_fresh_{network}"])
        if p == p:
            outcome = str(outcome_of(row["truth"], p, row["threshold"]))
            said.append({"network": network, "name": network_name(network), "p": p, "outcome": outcome})
    return said


def facts_of(row: dict) -> list[tuple[str, str]]:
    """What is known of a patch, as words."""
    facts = []
    for column, name in _FACTS.items():
        value = row.get(column, "")
        if value == value and value not in ("", None):
            facts.append((name, f"{value:g}" if isinstance(value, float) else str(value)))
    if box_of(row):
        facts.append(("Box (x0 y0 x1 y1, px)", " ".join(f"{v:g}" for v in box_of(row))))
    mm = row.get("mm_per_px", np.nan)
    facts.append(("Pixel size", f"{rounded(mm, 3)} mm" if mm == mm else "unknown"))
    return facts


def neighbours_of(table: pd.DataFrame, row: dict) -> pd.DataFrame:
    """The other patches of the same film, from the neck down (by the box, then by name)."""
    same = table[(table["image"] == row["image"]) & (table["patch_id"] != row["patch_id"])]
    return same.sort_values([c for c in ("y0", "patch_id") if c in same])
