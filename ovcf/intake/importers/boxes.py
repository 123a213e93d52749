"""One annotated vertebra as an upright box, whatever was drawn, on the film as it is kept."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ovcf.intake.importers.images import ImageIndex, Size
from ovcf.intake.importers.sources import number, refuse
from ovcf.problems import Problem

EDGE_PX = 1.0  # rounding in the annotation tool; anything more outside the image is worth a note
ROUNDING_PX = 1.0  # by which the sides of a resized copy may miss the film's proportions
Corners = tuple[float, float, float, float]


class Box(NamedTuple):
    """One annotated vertebra: its upright box, in pixels of the image it was drawn at.

    `drawn_at` is the size the annotation states, None where it states none; `shape` names what was drawn, "" for an
    upright box; `said` is the folder the annotation gives for its image; `more` holds further columns of the row.
    """

    image: Path
    category: str
    x0: float
    y0: float
    x1: float
    y1: float
    file: str
    row: int | None = None
    more: dict = {}  # noqa: RUF012 - never written to
    drawn_at: Size | None = None
    shape: str = ""
    said: str = ""

    @property
    def corners(self) -> Corners:
        """x0, y0, x1, y1."""
        return self[2:6]

    @property
    def whose(self) -> str:
        """Who drew it: the reader's id where the format has one, else the annotation file's name."""
        return str(self.more.get("rad_id") or Path(self.file).name)


def around(points: Iterable[Sequence]) -> Corners:
    """Return the upright box around points (x, y); ValueError for none, or one that is no pair of numbers."""
    pairs = [(number(x), number(y)) for x, y in points]
    if not pairs:
        raise ValueError("no points")
    xs, ys = zip(*pairs, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def around_turned(x: float, y: float, width: float, height: float, angle: float) -> Corners:
    """Return the upright box around a box of that centre and size, turned by an angle in radians."""
    across = abs(width * math.cos(angle)) + abs(height * math.sin(angle))
    down = abs(width * math.sin(angle)) + abs(height * math.cos(angle))
    return x - across / 2, y - down / 2, x + across / 2, y + down / 2


def stated_size(width: Any, height: Any) -> Size | None:
    """Return the size an annotation states, None where it states none that can be one."""
    try:
        size = Size(int(number(width)), int(number(height)))
    except ValueError:
        return None
    return size if min(size) > 0 else None


def on_film(box: Box, images: ImageIndex) -> tuple[Box, list[Problem]]:
    """Return a box in pixels of its film, clipped to it, with notes on what was done.

    Raises InputError where the annotation was drawn at a size of other proportions (a crop, or a film on its side),
    and where nothing of the box is inside.
    """
    film, notes = images.size(box.image), []
    drawn = box.drawn_at or film
    if drawn != film:
        box = _scaled(box, drawn, film)
        message = f"drawn at {drawn.width} x {drawn.height} px, the film has {film.width} x {film.height}: scaled"
        notes.append(Problem("scaled_box", message, box.file, found=box.image.name))
    x0, y0, x1, y1 = box.corners
    inside = max(x0, 0.0), max(y0, 0.0), min(x1, float(film.width)), min(y1, float(film.height))
    if not (inside[2] > inside[0] and inside[3] > inside[1]):
        message = f"the box has no area inside its image of {film.width} x {film.height} px"
        raise refuse("bad_box", message, box.file, box.row, found=f"{x0:g}, {y0:g}, {x1:g}, {y1:g}")
    cut = max(abs(a - b) for a, b in zip(inside, box.corners, strict=True))
    if cut > EDGE_PX:
        message = f"the box reached {cut:.1f} px beyond its image and was clipped"
        notes.append(Problem("clipped_box", message, box.file, box.row))
    return box._replace(x0=inside[0], y0=inside[1], x1=inside[2], y1=inside[3]), notes


def _scaled(box: Box, drawn: Size, film: Size) -> Box:
    """Return the box in the film's pixels; InputError where the two sizes are not one picture's."""
    off = min(
        abs(drawn.height - drawn.width * film.height / film.width),
        abs(drawn.width - drawn.height * film.width / film.height),
    )
    if off > ROUNDING_PX:
        turned = drawn == Size(film.height, film.width)
        why = "the annotation or the film lies on its side" if turned else "a crop, or another film"
        raise refuse(
            "other_size",
            f"drawn at another size than the film's, {film.width} x {film.height} px, with other proportions: {why}",
            box.file,
            box.row,
            found=f"{drawn.width} x {drawn.height} px for {box.image.name}",
            allowed="the film's size, or one of its proportions",
        )
    across, down = film.width / drawn.width, film.height / drawn.height
    return box._replace(x0=box.x0 * across, y0=box.y0 * down, x1=box.x1 * across, y1=box.y1 * down)
