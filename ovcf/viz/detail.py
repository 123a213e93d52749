"""One patch in detail, without a widget: its film, what readers and networks see, its neighbours."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from ovcf.cohort.crop import crop_slices, equalise, margin_in_px
from ovcf.figures.style import CLASS_COLOURS, NETWORK_COLOURS, OUTCOME_NAMES
from ovcf.viz.gallery import OUTCOME_MARKS, network_name
from ovcf.viz.image_data import Recent, jpeg_bytes, to_uint8
from ovcf.viz.outcomes import networks_of, outcome_of

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
            outcome = str(outcome_of(row["truth"], p))
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
    facts.append(("Pixel size", f"{mm:.3f} mm" if mm == mm else "unknown"))
    return facts


def neighbours_of(table: pd.DataFrame, row: dict) -> pd.DataFrame:
    """The other patches of the same film, from the neck down (by the box, then by name)."""
    same = table[(table["image"] == row["image"]) & (table["patch_id"] != row["patch_id"])]
    return same.sort_values([c for c in ("y0", "patch_id") if c in same])


def detail_figure(study: Any, table: pd.DataFrame, patch_id: str) -> Figure:
    """Draw one patch still: the film with its box, the patch before and after equalisation, all networks.

    The same parts as the browser's detail, for executed notebooks and reports. Returns a matplotlib Figure.
    """
    import matplotlib.pyplot as plt

    row = table[table["patch_id"] == patch_id].iloc[0].to_dict()
    figure, axes = plt.subplots(1, 4, figsize=(12, 3.4), width_ratios=[1, 1, 1, 1.3])
    draw_film(axes[0], study.film(patch_id).pixels, row)
    sees = study.images()[row["row"]]
    how = study.parameters["equalisation"]
    for ax, patch, title in (
        (axes[1], reader_patch(study, row), "as readers see it"),
        (axes[2], sees, f"as networks see it ({how})"),
    ):
        ax.imshow(patch, cmap="gray", vmin=0, vmax=255)
        ax.set(title=title, xticks=[], yticks=[])
    draw_answers(axes[3], row)
    figure.suptitle(f"{patch_id}: {OUTCOME_MARKS[row['outcome']]} {OUTCOME_NAMES[row['outcome']]}")
    return figure


def draw_film(ax: Axes, pixels: np.ndarray, row: dict) -> Axes:
    """Draw a film with the box of one patch; returns the ax."""
    step = max(1, max(pixels.shape) // 1000)
    height, width = pixels.shape
    ax.imshow(pixels[::step, ::step], cmap="gray", vmin=0, vmax=1, extent=(0, width, height, 0))
    if box := box_of(row):
        x0, y0, x1, y1 = box
        ax.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color="#FFD400", lw=1.5)
    ax.set(title=f"{row['patient_id']}, {row.get('level') or 'level unknown'}", xticks=[], yticks=[])
    return ax


def draw_answers(ax: Axes, row: dict) -> Axes:
    """Draw every network's probability of fresh as a bar, with the threshold; returns the ax."""
    said = answers_of(row)[::-1]
    names = [f"{OUTCOME_MARKS[a['outcome']]} {a['name']}" for a in said]
    colours = [NETWORK_COLOURS.get(a["network"], "#666666") for a in said]
    ax.barh(names, [a["p"] for a in said], color=colours)
    ax.axvline(0.5, color="0.3", ls="--", lw=1)
    for i, a in enumerate(said):
        ax.text(min(a["p"], 0.84) + 0.02, i, f"{a['p']:.2f}", va="center", fontsize=8)
    truth = "fresh" if row["truth"] else "old"
    ax.set(xlim=(0, 1), xlabel=f"P(fresh); labelled {truth}")
    ax.xaxis.label.set_color(CLASS_COLOURS[truth])
    return ax
