"""What margins rule out without raw data: McNemar's p, F1, spreads, an AUC from one point."""

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from scipy.stats import binom, chi2, norm

from .printed import Interval


class McNemarBounds(NamedTuple):
    """Smallest and largest two-sided exact p that two readings of the same cases allow.

    `least`, `most`: (wrong then right, right then wrong) at the smallest and at the largest p.
    """

    smallest: float
    largest: float
    least: tuple[int, int]
    most: tuple[int, int]


def exact_mcnemar(gained: int, lost: int) -> float:
    """Two-sided exact McNemar p: twice the smaller binomial tail of the discordant pairs, at most 1."""
    pairs = gained + lost
    return 1.0 if not pairs else min(1.0, 2 * float(binom.cdf(min(gained, lost), pairs, 0.5)))


def mcnemar_bounds(before: Iterable[tuple[int, int]], after: Iterable[tuple[int, int]]) -> McNemarBounds:
    """Bound the exact McNemar p for two sets of answers to the same cases.

    Parameters
    ----------
    before, after : list of (right, cases) per class, as [(tp, positives), (tn, negatives)], or one pair
        for all

    Which of the right answers coincide is unknown. With the margins fixed the gain is fixed too, and p grows
    with the number of discordant pairs, so both ends are reached at the fewest and the most pairs. Checked in
    tests against all ways to pair the answers of small sets.
    """
    fewest = most = np.zeros(2, dtype=int)
    for (right, cases), (later, _) in zip(before, after, strict=True):
        least_lost = max(0, right - later)
        most_lost = min(right, cases - later)
        fewest = fewest + (later - right + least_lost, least_lost)
        most = most + (later - right + most_lost, most_lost)
    fewest, most = tuple(map(int, fewest)), tuple(map(int, most))
    ends = sorted((exact_mcnemar(*pairs), pairs) for pairs in (fewest, most))
    return McNemarBounds(ends[0][0], ends[1][0], ends[0][1], ends[1][1])


def mean_f1_bounds(
    precision: Interval,
    recall: Interval,
    precision_sd: float | None = None,
    recall_sd: float | None = None,
    k: int | None = None,
) -> Interval:
    """Bound the mean F1 of k results by their mean precision and recall (fractions of 1, exact).

    F1 is concave in (precision, recall), so its mean is at most the F1 of the means. Below: F1 = (p + r)/2 -
    (p - r)^2 / (2 (p + r)), and the SDs (ddof 0 or 1, the larger taken) limit how far apart p and r can be;
    without them the lower end is 0.
    """
    total = precision.high + recall.high
    high = 2 * precision.high * recall.high / total if total else Fraction(0)
    if precision_sd is None or recall_sd is None or not k:
        return Interval(Fraction(0), high)
    spread = float(precision_sd + recall_sd)
    gap = max(abs(float(precision.high - recall.low)), abs(float(recall.high - precision.low)))
    smallest = float(precision.low + recall.low) - math.sqrt(k - 1) * spread
    if smallest <= 0:
        return Interval(Fraction(0), high)
    low = float(precision.low + recall.low) / 2 - (gap**2 + spread**2) / (2 * smallest)
    return Interval(Fraction(max(low - 1e-9, 0.0)), high)


def largest_sd(mean: float, low: float, high: float, k: int | None = None) -> float:
    """Largest SD (ddof 1 for k values, else of a distribution) of values in [low, high] with this mean.

    Bhatia and Davis: the variance is at most (high - mean)(mean - low).
    """
    variance = max((float(high) - float(mean)) * (float(mean) - float(low)), 0.0)
    return math.sqrt(variance * (k / (k - 1) if k and k > 1 else 1.0))


def auc_bounds(recall_positive: Fraction | float, recall_negative: Fraction | float) -> tuple[float, float]:
    """Bound an AUC by one point of its curve, that of the matrix made from the same scores.

    A curve that rises never falls: with sensitivity s and specificity c the area lies in [s c, 1 - (1 - s)(1
    - c)].
    """
    s, c = float(recall_positive), float(recall_negative)
    return s * c, 1 - (1 - s) * (1 - c)


def auc_error(auc: float, positives: float, negatives: float) -> float:
    """Standard error of one AUC by sampling alone (Hanley and McNeil 1982)."""
    q1, q2 = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = auc * (1 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    return math.sqrt(variance / (positives * negatives))


def spread_p(sd: float, error: float, k: int) -> float:
    """Chance of an SD at least this large when k results differ by sampling alone (chi-square, k - 1)."""
    return float(chi2.sf((k - 1) * (sd / error) ** 2, k - 1))


def share_below(mean: float, sd: float, bound: float) -> float:
    """Share of a normal distribution below a bound."""
    return float(norm.cdf((bound - mean) / sd))


def class_share(
    accuracy: Interval, positive: Interval, negative: Interval, wobble: float
) -> tuple[float, float] | None:
    """Share of positives that mean accuracy and mean recalls imply; None if unbounded.

    Accuracy is the mean of the recalls weighted by class size: accuracy = w recall+ + (1 - w) recall-.
    `wobble`: how much the mean of the products may differ because folds differ in w (same unit as the
    intervals).
    """
    gap = Interval(positive.low - negative.high, positive.high - negative.low)
    if gap.low <= 0 <= gap.high:
        return None
    tops = (float(accuracy.low - negative.high) - wobble, float(accuracy.high - negative.low) + wobble)
    shares = [top / float(end) for top in tops for end in gap]
    return min(shares), max(shares)
