"""Printed p-values against every test that could give them, allowing for the inputs' rounding."""

import warnings
from fractions import Fraction
from itertools import permutations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import stdtr

from .printed import Printed

# Named as in the YAML; each takes two equally or unequally long samples and returns a two-sided p.
TESTS = {
    "two-sample t": lambda x, y: _t_test("two-sample t", x, y),
    "Welch t": lambda x, y: _t_test("Welch t", x, y),
    "paired t": lambda x, y: _t_test("paired t", x, y),
    "Mann-Whitney": lambda x, y: stats.mannwhitneyu(x, y).pvalue,
    "Wilcoxon": lambda x, y: stats.wilcoxon(x, y, method="asymptotic").pvalue if len(x) == len(y) else np.nan,
    "chi-square": lambda x, y: _chi_square(x, y),
}
SMOOTH = ("two-sample t", "Welch t", "paired t")
MOST_ORDERS = 720


class Cell(NamedTuple):
    """A printed number, and the lowest and highest value that a calculation may have used for it."""

    value: Fraction
    low: Fraction
    high: Fraction


class PRange(NamedTuple):
    """p at the printed values, and the lowest and highest that their rounding allows (same test)."""

    p: float
    low: float
    high: float


def _chi_square(x, y):
    """Pearson's chi-square of two columns of counts."""
    if len(x) != len(y) or min(np.min(x), np.min(y)) < 0 or not np.all(np.asarray(x) + np.asarray(y) > 0):
        return np.nan
    return stats.chi2_contingency(np.array([x, y])).pvalue


def p_of(test: str, x: ArrayLike, y: ArrayLike) -> float:
    """Two-sided p of a named test; NaN where the test cannot be done."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ties and constant samples: the p or NaN says enough
        try:
            return float(TESTS[test](np.asarray(x, dtype=float), np.asarray(y, dtype=float)))
        except ValueError:
            return float("nan")


def _t_test(test, x, y) -> float:
    return _at(test, np.concatenate([x, y]), len(x)) if _can(test, x, y) else float("nan")


def _can(test, x, y) -> bool:
    """Enough values, some difference, and pairs where needed (a constant difference gives p = 0)."""
    if min(len(x), len(y)) < 2 or (test == "paired t" and len(x) != len(y)):
        return False
    return bool(np.any(np.subtract(x, y)) if test == "paired t" else np.ptp(np.concatenate([x, y])) > 0)


def p_range(test: str, x: list[Cell], y: list[Cell], *, seed: int = 0) -> PRange:
    """Bound p when every input may be anything that may stand behind it.

    A climb over the corners of the box, from the centre and from random corners, in both directions. Only the
    t tests vary smoothly enough for this; others are given as they are.
    """
    p = p_of(test, *([float(one.value) for one in side] for side in (x, y)))
    low, high = (np.array([float(one[end]) for one in (*x, *y)]) for end in (1, 2))
    if test not in SMOOTH or np.isnan(p) or not np.any(high > low):
        return PRange(p, p, p)
    centre, half, cut = (low + high) / 2, (high - low) / 2, len(x)
    rng = np.random.default_rng(np.random.SeedSequence([seed, len(centre)]))
    ends = [_climb(test, centre, half, cut, sign, rng) for sign in (-1, 1)]
    return PRange(p, min(p, *ends), max(p, *ends))


def _climb(test, centre, half, cut, sign, rng, starts=3):
    """Follow p up (sign 1) or down over corners, one coordinate at a time."""
    best = np.inf if sign < 0 else -np.inf
    for _ in range(starts):
        corner = rng.choice([-1.0, 1.0], len(centre))
        p = _at(test, centre + corner * half, cut)
        for _ in range(4):
            before = p
            for j in range(len(centre)):
                corner[j] *= -1
                turned = _at(test, centre + corner * half, cut)
                if (turned - p) * sign > 0:
                    p = turned
                else:
                    corner[j] *= -1
            if p == before:
                break
        best = min(best, p) if sign < 0 else max(best, p)
    return best


def _at(test, values, cut):
    """p of the three t tests without scipy's overhead; 0 for a constant difference, NaN never."""
    x, y = values[:cut], values[cut:]
    if test == "paired t":
        d, df = x - y, len(x) - 1
        error = d.std(ddof=1) / np.sqrt(len(d)) if np.ptp(d) > 1e-12 else 0.0
        t = d.mean() / error if error else np.inf
    else:
        vx, vy, nx, ny = x.var(ddof=1), y.var(ddof=1), len(x), len(y)
        if test == "two-sample t":
            df = nx + ny - 2
            error = np.sqrt(((nx - 1) * vx + (ny - 1) * vy) / df * (1 / nx + 1 / ny))
        else:
            error = np.sqrt(vx / nx + vy / ny)
            df = error**4 / ((vx / nx) ** 2 / (nx - 1) + (vy / ny) ** 2 / (ny - 1)) if error else 1
        t = (x.mean() - y.mean()) / error if error else np.inf
    return float(2 * stdtr(df, -abs(t)))  # Student's t, lower tail


def matches(printed: Printed, found: PRange, slack: float = 0.1) -> bool:
    """Tell whether a p could be printed so: "< 0.001" is a bound, "0.664" stands for what rounds (or is cut)
    to it.

    `slack`: widening of the range by this share of its width, since the climb may stop short of its ends.
    """
    if np.isnan(found.p):
        return False
    wider = slack * (found.high - found.low) + 1e-12
    low, high = found.low - wider, found.high + wider
    if printed.relation:
        return low < float(printed.value) if printed.relation == "<" else high > float(printed.value)
    interval = printed.interval(truncated=True)
    return low <= float(interval.high) and high >= float(interval.low)


def how_computed(
    printed: Printed,
    x: list[Cell],
    y: list[Cell],
    tests: tuple[str, ...] = tuple(TESTS),
    widen: tuple[str, ...] = tuple(TESTS),
) -> pd.DataFrame:
    """Try every test on two printed columns: test, p, low, high, one_sided (p / 2 fits, not p), exact, fits.

    `exact`: p at the printed values prints so; `fits`: it does for some values that may stand behind them.

    `tests`: names to try; `widen`: of which to follow what may stand behind the inputs, if p at the printed values
    does not fit (it takes longer).
    """
    values = [np.array([float(one.value) for one in side]) for side in (x, y)]
    rows = []
    for test in tests:
        p = p_of(test, *values)
        found = PRange(p, p, p)
        if test in widen and not matches(printed, found):
            found = p_range(test, x, y)
        half = PRange(*(part / 2 for part in found))
        whole = matches(printed, found)
        exact = matches(printed, PRange(found.p, found.p, found.p))
        rows.append((test, *found, matches(printed, half) and not whole, exact, whole))
    return pd.DataFrame(rows, columns=["test", "p", "low", "high", "one_sided", "exact", "fits"])


def p_over_orders(x: ArrayLike, y: ArrayLike) -> tuple[float, float, int]:
    """Lowest and highest paired t-test p over the ways to pair x with y, and how many ways were tried."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(y) <= 6:
        orders = [list(order) for order in permutations(range(len(y)))]
    else:
        rng = np.random.default_rng(np.random.SeedSequence([len(y)]))
        orders = [rng.permutation(len(y)) for _ in range(MOST_ORDERS)]
    found = [p_of("paired t", x, y[order]) for order in orders]
    return min(found), max(found), len(orders)
