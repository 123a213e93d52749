"""Boxes of one film that may be one vertebra: outlined by two readers, or given one level twice."""

from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ovcf.intake.annotators import box_iou

# Upright boxes around neighbours overlap too: at most by 0.22 on the synthetic cohort (437 pairs), by 0.46 on 120
# real frontal films (14,556 pairs, all but one below 0.40).
ONE_VERTEBRA_IOU = 0.5
WITHIN = 0.8  # share of the smaller box that lies in the other: a box drawn around a box


class Overlap(NamedTuple):
    """Two boxes of one film, by their places in the list, and their intersection over union."""

    one: int
    other: int
    iou: float


def overlaps(boxes: ArrayLike) -> list[Overlap]:
    """Return the pairs of one film's boxes (n, 4: x0, y0, x1, y1 in px) that may be one vertebra."""
    boxes = np.asarray(boxes, dtype=float).reshape(-1, 4)
    if len(boxes) < 2:
        return []
    one, other = np.triu_indices(len(boxes), 1)
    sides = np.minimum(boxes[one, 2:], boxes[other, 2:]) - np.maximum(boxes[one, :2], boxes[other, :2])
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        within = np.clip(sides, 0, None).prod(axis=1) / np.minimum(areas[one], areas[other])
        iou = box_iou(boxes[one], boxes[other])
    close = np.flatnonzero((iou >= ONE_VERTEBRA_IOU) | (within >= WITHIN))
    return [Overlap(int(one[k]), int(other[k]), float(iou[k])) for k in close]


def twice(levels: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return the pairs of places that hold the same level, "" aside."""
    return [(i, j) for i, j in combinations(range(len(levels)), 2) if levels[i] and levels[i] == levels[j]]
