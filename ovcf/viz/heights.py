"""Heights of a vertebral body measured by clicks, and Genant's grade of its deformity."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ovcf.words import rounded

PLACES = ("anterior", "middle", "posterior")
# Genant HK et al. 1993 (J Bone Miner Res 8:1137): loss of anterior, middle or posterior height. Their bands meet; a
# loss on an edge counts to the higher grade.
GRADES = ((0.40, 3, "severe"), (0.25, 2, "moderate"), (0.20, 1, "mild"), (-np.inf, 0, "none"))
ROUNDING = 1e-9  # 32 of 40 is a loss of 20 %


class Heights(NamedTuple):
    """Three heights (px of the film, or mm where `mm_per_px` was known), the greatest loss, and the grade."""

    values: tuple[float, float, float]
    unit: str
    loss: float  # of the least height, as a share of the reference
    reference: str
    grade: int

    def __str__(self) -> str:
        each = ", ".join(f"{name} {rounded(v, 1)} {self.unit}" for name, v in zip(PLACES, self.values, strict=True))
        least = PLACES[int(np.argmin(self.values))]
        word = next(word for _, grade, word in GRADES if grade == self.grade)
        loss = f"{least} {100 * max(self.loss, 0):.0f} % below {self.reference}"
        return f"{each}; {loss}: Genant grade {self.grade} ({word}), measured on the film"


def measured_heights(
    points: Sequence[Sequence[float]], mm_per_px: float = np.nan, neighbour_mm: float = np.nan
) -> Heights:
    """Return the heights between pairs of points, and their grade.

    Parameters
    ----------
    points : (6, 2) px of the film: upper and lower end plate, in front, in the middle, behind
    mm_per_px : size of a pixel, nan where unknown
    neighbour_mm : height of a healthy neighbour; the reference where it and the size of a pixel are known, since a body
        that is crushed as a whole hides from its own greatest height

    Raises
    ------
    ValueError : for anything but six points, or a height of nothing.
    """
    ends = np.asarray(points, dtype=float)
    if ends.shape != (6, 2) or not np.isfinite(ends).all():
        raise ValueError("heights are measured by six points: above and below, in front, in the middle, behind")
    px = np.hypot(*(ends[1::2] - ends[::2]).T)  # (3,)
    if px.min() <= 0:
        raise ValueError("a height of nothing was measured")
    known = mm_per_px > 0
    values = px * mm_per_px if known else px
    beside = known and neighbour_mm > 0
    against = neighbour_mm if beside else values.max()
    loss = float(1 - values.min() / against)
    grade = next(grade for limit, grade, _ in GRADES if loss >= limit - ROUNDING)
    reference = "the neighbour's height" if beside else "the greatest of the three"
    return Heights(tuple(values.tolist()), "mm" if known else "px", loss, reference, grade)
