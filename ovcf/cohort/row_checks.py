"""What must hold of a manifest's rows beyond their cells: ids, boxes on their films, nothing twice."""

import math
import re

import numpy as np
import pandas as pd

from ovcf.cohort.columns import held
from ovcf.cohort.films import FilmHeader
from ovcf.cohort.rows import Cells
from ovcf.problems import Problem
from ovcf.words import BOX

BORDER = 0.5  # px by which a box may pass the film's border: rounding, not a mistake
ID_LENGTH = 200
NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,17})?([eE][+-]?\d{1,2})?", re.ASCII)
_BOX = ", ".join(BOX)


def check_ids(cells: Cells) -> None:
    """Ids are unique, of moderate length and can be printed."""
    seen: dict[str, int] = {}
    for row, cell in cells.rows("patch_id"):
        if cell in seen:
            cells.add("duplicate_patch", f"this patch_id stands in row {seen[cell]} as well", row, "patch_id", cell)
        elif cell:
            seen[cell] = row
    for name in ("patch_id", "patient_id"):
        for row, cell in cells.rows(name):
            if len(cell) > ID_LENGTH or not cell.isprintable():
                cells.add(
                    "bad_id",
                    "an id must be printable and short",
                    row,
                    name,
                    cell[:ID_LENGTH],
                    f"at most {ID_LENGTH} characters",
                )


def check_boxes(cells: Cells, patches: pd.DataFrame, headers: dict[str, FilmHeader]) -> None:
    """Boxes are whole, have an area and lie on their film."""
    filled = list(zip(*(cells.column(name) for name in BOX), strict=True))
    boxes = patches[list(BOX)].to_numpy(dtype=float)
    rows = cells.table["row"].tolist()
    for row, texts, box, image in zip(rows, filled, boxes.tolist(), patches["image"], strict=True):
        if any(texts) and not all(texts):
            empty = ", ".join(name for name, text in zip(BOX, texts, strict=True) if not text)
            found = ", ".join(text or "(empty)" for text in texts)
            cells.add("partial_box", "a box needs all four coordinates or none", row, empty, found)
        if not any(map(math.isnan, box)):
            _check_box(cells, row, box, headers.get(image))


def _check_box(cells: Cells, row: int, box: list[float], header: FilmHeader | None) -> None:
    """One whole box has an area and lies on its film, where that could be read."""
    x0, y0, x1, y1 = box
    shown = f"{x0:g}, {y0:g}, {x1:g}, {y1:g}"
    if x1 - x0 < 1 or y1 - y0 < 1:
        cells.add("zero_area_box", "the box has no area", row, _BOX, shown, "x1 > x0 and y1 > y0, by 1 px or more")
    if header and (min(x0, y0) < -BORDER or x1 > header.width + BORDER or y1 > header.height + BORDER):
        allowed = f"x 0 to {header.width}, y 0 to {header.height}"
        cells.add("box_outside", "the box leaves the image", row, _BOX, shown, allowed)


def check_sizes(cells: Cells, patches: pd.DataFrame, headers: dict[str, FilmHeader]) -> None:
    """A manifest that says how large its films are speaks of these films: boxes drawn at another size miss."""
    stated = {name: cells.column(name) for name in ("image_width", "image_height")}
    for k, (row, image) in enumerate(zip(cells.table["row"].tolist(), patches["image"], strict=True)):
        for name, side in (("image_width", "width"), ("image_height", "height")):
            cell, header = held(stated[name][k]), headers.get(image)
            if header and NUMBER.fullmatch(cell) and float(cell) != getattr(header, side):
                message = f"the film's {side} is another: its boxes were drawn at another size, or on another film"
                cells.add("other_size", message, row, name, cell, f"{getattr(header, side)} px")


def with_their_box(cells: Cells, patches: pd.DataFrame) -> tuple[np.ndarray, tuple[Problem, ...]]:
    """Return which rows are patches (bool), and the others: without a box on a film whose other rows have one.

    An empty box means that the picture is a ready patch. On a film with boxes it means that one was forgotten, and
    the whole film as a patch would be a vertebra like no other.
    """
    without = patches[list(BOX)].isna().all(axis=1)
    forgotten = (without & ~without.groupby(patches["image"]).transform("all")).to_numpy(dtype=bool)
    message = "no box, though other rows of this film have one: not a patch until it has"
    left_out = tuple(
        Problem("forgotten_box", f"{patch_id}: {message}", str(cells.path), row, ", ".join(BOX))
        for patch_id, row in zip(patches["patch_id"][forgotten], cells.table["row"][forgotten], strict=True)
    )
    return ~forgotten, left_out


def check_twice(cells: Cells, patches: pd.DataFrame) -> None:
    """The same box of the same film may be listed once."""
    seen: dict[tuple, int] = {}
    empty = [tuple(not cell for cell in cells.column(name)) for name in BOX]
    unread = (patches[list(BOX)].isna().to_numpy() & ~np.array(empty, dtype=bool).T).any(axis=1)
    keys = zip(patches["image"], *(patches[name].fillna(-1e9) for name in BOX), strict=True)
    for row, key, skip in zip(cells.table["row"].tolist(), keys, unread.tolist(), strict=True):
        if not key[0] or skip:  # what could not be read is no twin of anything
            continue
        if key in seen:
            cells.add("listed_twice", f"the same image and box as in row {seen[key]}", row, "image", key[0])
        else:
            seen[key] = row
