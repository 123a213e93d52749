"""Where the next vertebrae lie: boxes proposed along the spine from those that are drawn.

The step from one body to the next is carried on, a little longer (downwards) or shorter (upwards) each time and turning
as the spine was seen to turn. Where the film's pixels are given, each place is then moved to where the film looks most
like the body before it. A proposal is a suggestion to be looked at; nothing becomes a mark but by a person.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ovcf.words import LEVELS

Box = tuple[float, float, float, float]

# Distances of neighbouring bodies grow downwards: mean heights of the bodies are 16.2 mm at T5, 23.8 mm at L1 and 22.9
# mm at L5 (Panjabi et al. 1991, Spine 16: 888, and 1992, Spine 17: 299), which is 1.05 a level down to L1, and 1 below.
GROWTH_ABOVE_L1, GROWTH_BELOW_L1 = 1.05, 1.0
GROWTH_UNKNOWN = 1.03
TURN_KEPT = 0.6  # share of the last bend that is carried on: spines bend back
HARDEST_TURN = math.radians(15)  # between neighbouring bodies
NEIGHBOUR = 1.3  # heights of a body that one body and its disc take along the spine
SHRUNK = 20  # px of a body's height at which films are compared
SEARCH_ALONG, SEARCH_ACROSS = 0.28, 0.3  # shares of the step, and of the body's width, by which a place may move
PRIOR = 0.25  # correlation that a place at the edge of the search loses against the expected one


class Seen(NamedTuple):
    """A vertebra that is drawn: its upright box in px, and its level, "" where unknown."""

    box: Box
    level: str = ""


class Proposal(NamedTuple):
    """A box where the next vertebra is expected; `level` is "" where none is known to count from."""

    box: Box
    level: str


def centre(box: Sequence[float]) -> NDArray[np.float64]:
    """Return the middle of a box (x0, y0, x1, y1) as (x, y)."""
    x0, y0, x1, y1 = box
    return np.array([(x0 + x1) / 2, (y0 + y1) / 2])


def along_the_spine(seen: Sequence[Seen]) -> list[Seen]:
    """Return vertebrae from above downwards."""
    return sorted(seen, key=lambda one: centre(one.box)[1])


def shifted(level: str, by: int) -> str:
    """Return the level `by` places below another, "" outside T5 to L5 and where the other is unknown."""
    if level not in LEVELS:
        return ""
    place = LEVELS.index(level) + by
    return LEVELS[place] if 0 <= place < len(LEVELS) else ""


def level_between(box: Sequence[float], others: Sequence[Seen]) -> str:
    """Return the level of a vertebra counted from the nearest one whose level is known.

    Bodies between them are counted by their boxes, and where none is drawn by the distance in steps.
    """
    known = [one for one in others if one.level in LEVELS]
    if not known:
        return ""
    y = centre(box)[1]
    nearest = min(known, key=lambda one: abs(centre(one.box)[1] - y))
    step = spacing([*others, Seen(tuple(box))])
    away = centre(nearest.box)[1] - y
    count = max(1, round(abs(away) / step)) if step else 1
    return shifted(nearest.level, -count if away > 0 else count)


def spacing(seen: Sequence[Seen]) -> float:
    """Return the usual distance of neighbouring bodies, px: the least of those seen, or what a body's height says."""
    ordered = along_the_spine(seen)
    heights = [one.box[3] - one.box[1] for one in ordered]
    if not heights:
        return 0.0
    usual = NEIGHBOUR * float(np.median(heights))
    steps = [math.dist(centre(a.box), centre(b.box)) for a, b in zip(ordered, ordered[1:], strict=False)]
    near = [step for step in steps if 0.6 * usual <= step <= 1.6 * usual]
    return float(np.median(near)) if near else usual


def propose(
    seen: Sequence[Seen], count: int = 3, *, down: bool = True, pixels: NDArray[np.floating] | None = None
) -> list[Proposal]:
    """Return boxes for the next vertebrae below (or above) those seen; none before two are drawn.

    Parameters
    ----------
    seen : vertebrae drawn so far, in any order.
    count : how many at most; those that leave the film or the study's levels are left out.
    pixels : the film (height, width), by which places are refined.
    """
    ordered = along_the_spine(seen)
    if len(ordered) < 2:
        return []
    chain = ordered if down else ordered[::-1]
    step, turn = _last_step(chain)
    film = None if pixels is None else _Film(pixels, chain[-1].box[3] - chain[-1].box[1])
    proposals, last, at = [], chain[-1], centre(chain[-1].box)
    for _ in range(count):
        level = shifted(last.level, 1 if down else -1)
        grown = _growth(last.level) if down else 1 / _growth(last.level)
        step, turn = _turned(step, turn) * grown, turn * TURN_KEPT
        size = np.array([last.box[2] - last.box[0], last.box[3] - last.box[1]]) * (1 + (grown - 1) / 2)
        expected = at + step
        place = film.refine(last.box, expected, step, size) if film else expected
        step = 0.5 * step + 0.5 * (place - at)
        box = (*(place - size / 2).tolist(), *(place + size / 2).tolist())
        if (last.level and not level) or (pixels is not None and _leaves(box, pixels.shape)):
            break
        proposals.append(Proposal(tuple(round(v, 1) for v in box), level))
        last, at = Seen(box, level), place
    return proposals


def _last_step(chain: Sequence[Seen]) -> tuple[NDArray[np.float64], float]:
    """Return the step between the last two of a chain, divided where bodies lie between, and how it turned, radians."""
    points = np.array([centre(one.box) for one in chain])
    steps = np.diff(points, axis=0)
    usual = spacing(chain)
    between = np.maximum(1, [_levels_apart(a, b, usual) for a, b in zip(chain, chain[1:], strict=False)])
    steps = steps / between[:, None]
    angles = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    turns = np.diff(angles)[-2:]
    turn = float(np.clip(turns.mean(), -HARDEST_TURN, HARDEST_TURN)) if len(turns) else 0.0
    return steps[-1], turn


def _levels_apart(one: Seen, other: Seen, usual: float) -> int:
    if one.level in LEVELS and other.level in LEVELS:
        return abs(LEVELS.index(one.level) - LEVELS.index(other.level))
    return round(math.dist(centre(one.box), centre(other.box)) / usual) if usual else 1


def _growth(level: str) -> float:
    if level not in LEVELS:
        return GROWTH_UNKNOWN
    return GROWTH_ABOVE_L1 if LEVELS.index(level) < LEVELS.index("L1") else GROWTH_BELOW_L1


def _turned(step: NDArray, turn: float) -> NDArray:
    cos, sin = math.cos(turn), math.sin(turn)
    return np.array([step[0] * cos - step[1] * sin, step[0] * sin + step[1] * cos])


def _leaves(box: Sequence[float], shape: tuple[int, ...]) -> bool:
    """Whether more than a quarter of a box lies outside the film."""
    (x0, y0, x1, y1), (height, width) = box, shape
    inside = max(0, min(x1, width) - max(x0, 0)) * max(0, min(y1, height) - max(y0, 0))
    return inside < 0.75 * (x1 - x0) * (y1 - y0)


class _Film:
    """A film at the size at which bodies are compared."""

    def __init__(self, pixels: NDArray[np.floating], body_height: float) -> None:
        from PIL import Image

        self.scale = min(1.0, SHRUNK / max(body_height, 1.0))
        height, width = pixels.shape
        size = max(8, round(width * self.scale)), max(8, round(height * self.scale))
        self.scale = size[0] / width
        every = max(1, int(0.5 / self.scale))  # pixels that would be averaged away are not even read
        small = Image.fromarray(np.ascontiguousarray(pixels[::every, ::every], dtype=np.float32), mode="F")
        self.pixels = np.asarray(small.resize(size, Image.Resampling.BILINEAR))

    def refine(self, like: Sequence[float], expected: NDArray, step: NDArray, size: NDArray) -> NDArray:
        """Return the centre near the expected one where the film looks most like a box, all in px of the film."""
        from skimage.feature import match_template

        template = self._crop(centre(like), size * np.array([1.25, 1.5]) / 2)
        reach = np.array([SEARCH_ACROSS * size[0], SEARCH_ALONG * np.hypot(*step)])
        window = self._crop(expected, size * np.array([1.25, 1.5]) / 2 + reach)
        if template is None or window is None or np.any(np.array(window.shape) < template.shape):
            return expected
        if template.std() < 1e-6:
            return expected
        found = match_template(window, template)  # (rows, columns) of shifts
        rows, columns = (np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in found.shape)
        score = found - PRIOR * (rows[:, None] ** 2 + columns[None, :] ** 2)
        row, column = np.unravel_index(int(np.argmax(score)), score.shape)
        moved = np.array([column - (found.shape[1] - 1) / 2, row - (found.shape[0] - 1) / 2])
        return expected + moved / self.scale

    def _crop(self, middle: NDArray, half: NDArray) -> NDArray | None:
        """Cut (2 half) around a point; None where it leaves the film."""
        low, high = (
            np.round((middle - half) * self.scale).astype(int),
            np.round((middle + half) * self.scale).astype(int),
        )
        height, width = self.pixels.shape
        if low.min() < 0 or high[0] > width or high[1] > height or np.any(high - low < 3):
            return None
        return self.pixels[low[1] : high[1], low[0] : high[0]]
