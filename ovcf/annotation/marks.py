"""A mark: one vertebra as an annotator sees it; its box, or four corners from which box and heights follow."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ovcf.words import BOX, LABELS, LEVELS

CALLS = (*LABELS, "normal", "cannot say")
"""What an annotator may call a vertebra, by MRI and records."""

SIGNALS = ("low", "same", "high")
"""Signal of the marrow against that of the bodies beside it."""

SEQUENCES = ("t1", "t2", "stir")
YES_NO = ("yes", "no")
SOURCES = ("drawn", "proposed", "given")
"""How a mark came to be: by hand, from a proposal that was taken, or with the films (existing annotations)."""

LONGEST_COMMENT = 2000
LEAST_SIDE = 1.0  # px of a box

_WORDS: dict[str, tuple[str, ...]] = {
    "level": ("", *LEVELS), "label": ("", *CALLS), "percussion": ("", *YES_NO), "source": SOURCES,
    **dict.fromkeys(SEQUENCES, ("", *SIGNALS)),
}  # fmt: skip


class Mark(NamedTuple):
    """One vertebra: upright box in px of the film, corners where they were set, and what is said of it.

    `corners` holds x and y of the upper end plate in front and behind, then of the lower one behind and in front;
    `on_purpose`: a normal segment that goes into the study as old (the paper added nine or ten).
    """

    x0: float
    y0: float
    x1: float
    y1: float
    level: str = ""
    label: str = ""
    on_purpose: bool = False
    t1: str = ""
    t2: str = ""
    stir: str = ""
    percussion: str = ""
    comment: str = ""
    source: str = "drawn"
    corners: tuple[float, ...] = ()

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The upright box, px."""
        return self.x0, self.y0, self.x1, self.y1

    @property
    def study_label(self) -> str:
        """The class this vertebra has in the study: "fresh", "old", or "" where it is no case of it."""
        if self.label in LABELS:
            return self.label
        return "old" if self.label == "normal" and self.on_purpose else ""

    @property
    def is_complete(self) -> bool:
        """Whether level and label are said."""
        return bool(self.level and self.label)


class Heights(NamedTuple):
    """Heights of a body in px of the film."""

    anterior: float
    middle: float
    posterior: float


def read_mark(values: Mapping[str, Any], width: float = math.inf, height: float = math.inf) -> Mark:
    """Return a mark from the values of an event; the box is cut off at the film's border.

    Parameters
    ----------
    values : as a page or a journal has them; `corners` (8 numbers) overrule the box.
    width, height : of the film, px.

    Raises
    ------
    ValueError : for a box without an area on the film, and for words that are none of the known ones.
    """
    corners = _numbers(values.get("corners") or (), "corners")
    box = upright(corners) if corners else _numbers([values.get(name) for name in BOX], "box")
    (x0, x1), (y0, y1) = sorted(box[::2]), sorted(box[1::2])
    x0, x1 = (min(max(x, 0.0), width) for x in (x0, x1))
    y0, y1 = (min(max(y, 0.0), height) for y in (y0, y1))
    if x1 - x0 < LEAST_SIDE or y1 - y0 < LEAST_SIDE:
        raise ValueError("a box needs an area on the film")
    words = {name: str(values.get(name) or "") for name in _WORDS}
    words["source"] = words["source"] or "drawn"
    for name, allowed in _WORDS.items():
        if words[name] not in allowed:
            raise ValueError(f"{name} is {words[name]!r}; allowed: {', '.join(filter(None, allowed))}")
    comment = "".join(c if c.isprintable() else " " for c in str(values.get("comment") or ""))
    on_purpose = bool(values.get("on_purpose")) and words["label"] == "normal"
    more = {"comment": comment.strip()[:LONGEST_COMMENT], "on_purpose": on_purpose, "corners": corners}
    return Mark(x0, y0, x1, y1, **words, **more)


def mark_values(mark: Mark) -> dict[str, Any]:
    """Return a mark as the flat values of an event."""
    return mark._asdict() | {"corners": list(mark.corners)}


def upright(corners: Sequence[float]) -> tuple[float, float, float, float]:
    """Return the upright box around four corners; ValueError where they are no outline of a body.

    Parameters
    ----------
    corners : x, y of upper front, upper back, lower back, lower front
    """
    points = np.asarray(corners, float).reshape(-1, 2)
    if len(points) != 4:
        raise ValueError("a body has four corners")
    around = np.vstack([points, points[:2]])
    turns = [_turn(b - a, c - b) for a, b, c in zip(around, around[1:], around[2:], strict=False)]
    if len(set(turns)) > 1 or 0 in turns:
        raise ValueError("corners go around the body: upper front, upper back, lower back, lower front")
    if points[:2, 1].mean() >= points[2:, 1].mean():
        raise ValueError("the upper end plate comes first")
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return x0, y0, x1, y1


def corner_heights(corners: Sequence[float]) -> Heights | None:
    """Return the heights between the end plates in front, in the middle and behind, px; None without corners."""
    if not corners:
        return None
    front, back, low_back, low_front = np.asarray(corners, float).reshape(4, 2)
    middle = _distance((front + back) / 2, (low_front + low_back) / 2)
    return Heights(_distance(front, low_front), middle, _distance(back, low_back))


def _turn(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.sign(one[0] * other[1] - one[1] * other[0]))


def _distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.hypot(*(one - other)))


def _numbers(values: Any, what: str) -> tuple[float, ...]:
    try:
        numbers = tuple(round(float(value), 1) for value in values)
    except (TypeError, ValueError):
        raise ValueError(f"the {what} is no row of numbers") from None
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"the {what} is no row of numbers")
    return numbers


def count_problems(marks: Sequence[Mark]) -> list[str]:
    """Say where levels do not follow the count along the spine: twice, out of order, or too far or near for a step."""
    ordered = sorted((mark for mark in marks if mark.level), key=lambda mark: mark.y0 + mark.y1)
    found = []
    steps = [(a, b, LEVELS.index(b.level) - LEVELS.index(a.level)) for a, b in pairwise(ordered)]
    one_step = [_apart(a, b) for a, b, levels in steps if levels == 1]
    usual = float(np.quantile(one_step, 0.25, method="lower")) if one_step else 0.0
    for a, b, levels in steps:
        if levels == 0:
            found.append(f"{a.level} stands twice")
        elif levels < 0:
            found.append(f"{b.level} lies below {a.level}")
        elif usual and (levels > 1) and _apart(a, b) < (levels - 0.6) * usual:
            found.append(f"{a.level} to {b.level} is {levels} levels over the distance of {_apart(a, b) / usual:.1f}")
        elif usual and _apart(a, b) > (levels + 0.6) * usual * 1.1:
            far = _apart(a, b) / usual
            found.append(f"{a.level} to {b.level}: a body between them seems to be missing ({far:.1f} steps apart)")
    return found


def _apart(a: Mark, b: Mark) -> float:
    """Distance of two bodies in steps' px, their middles."""
    return math.dist(((a.x0 + a.x1) / 2, (a.y0 + a.y1) / 2), ((b.x0 + b.x1) / 2, (b.y0 + b.y1) / 2))
