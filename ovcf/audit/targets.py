"""What a column of means over folds prints: its mean, its ±, and what folds rounded before averaging allow."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .printed import Interval
from .scores import Floats

SLACK = 1e-9
FINE = 3  # digits beyond the mean's from which rounding of the folds moves no printed digit but at a hair's breadth


class Target(NamedTuple):
    """What a column prints: its mean over folds, and what its SD can be (any of `sds`; () where no ± is printed).

    All as fractions of 1. `sds` are intervals of the sum of squared deviations: one for each divisor that is allowed.
    `precise`: given where mean and `sds` are wider than the print, since folds may have been rounded.
    """

    mean: Interval
    sds: tuple[tuple[float, float], ...] = ()
    precise: "Precise | None" = None

    def holds(self, values: Floats) -> NDArray[np.bool_]:
        """Tell which rows of values, float (m, folds), have this mean and ±."""
        mean = values.mean(axis=1)
        keep = (mean >= float(self.mean.low) - SLACK) & (mean <= float(self.mean.high) + SLACK)
        if self.sds:
            squares = ((values - mean[:, None]) ** 2).sum(axis=1)
            keep &= np.any([(squares >= a - SLACK) & (squares <= b + SLACK) for a, b in self.sds], axis=0)
        return keep


class Precise(NamedTuple):
    """What the print itself allows (`exact`), and with folds rounded very finely (`finer`).

    `digits`: of the mean, as a fraction of 1; `cut`: digits may have been cut off where others are rounded.
    """

    exact: Target
    finer: Target
    digits: int
    cut: bool


def target(
    mean: Interval,
    sd: Interval | None,
    folds: int,
    divisors: tuple[int, ...] = (0, 1),
    digits: int | None = None,
    cut: bool = False,
) -> Target:
    """Make a target from a printed mean and SD, as fractions of 1.

    `divisors`: ddof that the SD may have. `digits`: of the printed mean, as a fraction of 1: each fold's number may
    have been rounded (with `cut`: or cut off) to as many or more before the average was taken; None: it was not.
    """
    exact = _widened(mean, sd, folds, divisors, Fraction(0))
    if digits is None:
        return exact
    unit = Fraction(1, 10**digits)
    wide = _widened(mean, sd, folds, divisors, unit if cut else unit / 2)
    return wide._replace(precise=Precise(exact, _widened(mean, sd, folds, divisors, unit / 10**FINE), digits, cut))


def _widened(mean: Interval, sd: Interval | None, folds: int, divisors: tuple[int, ...], move: Fraction) -> Target:
    """Allow for folds moved by so much: it moves the mean by as much, an SD by sqrt(k / (k - 1)) of it."""
    mean = Interval(mean.low - move, mean.high + move)
    if sd is None or folds < 2:
        return Target(mean)
    far = float(move) * (folds / (folds - 1)) ** 0.5
    low, high = max(float(sd.low) - far, 0.0), float(sd.high) + far
    return Target(mean, tuple(((folds - d) * low**2, (folds - d) * high**2) for d in divisors))
