"""What holds whatever the number of cases: can printed rates stand beside one another at all?

A box of shares (prevalence, sensitivity, specificity) is halved again and again; parts in which some metric cannot
have its printed value are dropped. When none is left the numbers contradict one another on any number of cases.
Where parts are left after all halvings nothing is said, so a contradiction is never claimed in error.
"""

from itertools import combinations

import numpy as np

from . import scores
from .scores import Floats

ROUNDS, MOST, SLACK = 45, 6_000, 1e-9

Rates = dict[str, tuple[float, float]]  # metric -> lowest and highest value as a fraction of 1


def possible(rates: Rates, share: tuple[float, float] = (0.0, 1.0)) -> bool:
    """Tell whether some prevalence, sensitivity and specificity give all these rates (True where not settled).

    Parameters
    ----------
    rates : metric of `scores.SCORES` -> (lowest, highest), fractions of 1
    share : bounds of the share of positive cases
    """
    return len(_left(rates, share)[0]) > 0


def span(metric: str, rates: Rates, share: tuple[float, float] = (0.0, 1.0)) -> tuple[float, float] | None:
    """Range that a metric can have beside these rates, a little wider than the truth; None if they cannot be."""
    low, high = _left(rates, share, early=False)
    if not len(low):
        return None
    least, most = scores.range_over(metric, low, high)
    return float(least.min()), float(most.max())


def conflict(rates: Rates, share: tuple[float, float] = (0.0, 1.0)) -> tuple[str, ...]:
    """Return the fewest of the rates that contradict one another, () if all can be."""
    if possible(rates, share):
        return ()
    for size in (1, 2, 3):
        for some in combinations(rates, size):
            if not possible({metric: rates[metric] for metric in some}, share):
                return some
    return tuple(rates)


def _left(rates: Rates, share, early=True) -> tuple[Floats, Floats]:
    """Boxes that are left; with `early`, stop as soon as the middle of one gives all rates."""
    sides = [share, rates.get("recall_positive", (0, 1)), rates.get("recall_negative", (0, 1))]
    low, high = (np.array([[float(np.clip(side[end], 0, 1)) for side in sides]]) for end in (0, 1))
    if any(side[1] < -SLACK or side[0] > 1 + SLACK for side in sides):
        return low[:0], high[:0]
    for _ in range(ROUNDS):
        keep = np.ones(len(low), dtype=bool)
        for metric, (least, most) in rates.items():
            ends = scores.range_over(metric, low, high)
            keep &= (ends[1] >= least - SLACK) & (ends[0] <= most + SLACK)
        low, high = low[keep], high[keep]
        if not len(low) or len(low) > MOST or (early and _hit(rates, (low + high) / 2)):
            break
        low, high = _halved(low, high)
    return low, high


def _hit(rates: Rates, middle: Floats) -> bool:
    """Tell whether one of these points gives all rates."""
    fits = np.ones(len(middle), dtype=bool)
    for metric, (least, most) in rates.items():
        value = scores.of_shares(metric, *middle.T)
        fits &= (value >= least) & (value <= most)
    return bool(fits.any())


def _halved(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Halve every box along its longest side."""
    side, rows = (high - low).argmax(axis=1), np.arange(len(low))
    middle = (low + high)[rows, side] / 2
    upper, lower = low.copy(), high.copy()
    upper[rows, side], lower[rows, side] = middle, middle
    return np.concatenate([low, upper]), np.concatenate([lower, high])
