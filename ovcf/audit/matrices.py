"""All confusion matrices of whole numbers that fit a few rounded rates, found by exact integer arithmetic.

Every printed rate is a pair of linear inequalities in (tp, fn, tn, fp): 57.14 % for sensitivity says
`0.57135 (tp + fn) <= tp <= 0.57145 (tp + fn)`. For a number of cases n and a class size D = tp + fn the
inequalities leave an interval for tp, and for each tp an interval for tn, so nothing is tried blindly: the
work grows with the number of class sizes and of answers. Where precisions are printed and recalls are not,
the same is done with D = tp + fp (the table turned on its side), whichever leaves fewer candidates.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .highs import linear_programme
from .printed import Interval
from .scores import of_counts

Rates = dict[str, Interval]

# Numerator and denominator of each rate as coefficients of (tp, fn, tn, fp).
RATES = {
    "accuracy": ((1, 0, 1, 0), (1, 1, 1, 1)),
    "recall_positive": ((1, 0, 0, 0), (1, 1, 0, 0)),
    "recall_negative": ((0, 0, 1, 0), (0, 0, 1, 1)),
    "precision_positive": ((1, 0, 0, 0), (1, 0, 0, 1)),
    "precision_negative": ((0, 0, 1, 0), (0, 1, 1, 0)),
    "f1_positive": ((2, 0, 0, 0), (2, 1, 0, 1)),
    "f1_negative": ((0, 0, 2, 0), (0, 1, 2, 1)),
    "f2_positive": ((5, 0, 0, 0), (5, 4, 0, 1)),
    "f05_positive": ((5, 0, 0, 0), (5, 1, 0, 4)),
    "miss_positive": ((0, 1, 0, 0), (1, 1, 0, 0)),
    "miss_negative": ((0, 0, 0, 1), (0, 0, 1, 1)),
}
SAME = {f"{kind}_micro": "accuracy" for kind in ("precision", "recall", "f1")} | {"recall_weighted": "accuracy"}
LARGEST_N = 20_000
MOST_SIEVED = 400_000  # matrices that are listed to be sifted by metrics that no inequality expresses
MOST_COUNTED = 2_000_000
BLOCK = 200_000  # candidates held at once: some tens of megabytes
MANY = 600_000  # (n, D) pairs beyond which a linear programme pays
SIDEWAYS = [0, 3, 2, 1]  # swaps fn and fp


class Solutions(NamedTuple):
    """Matrices that fit: int (k, 4) as tp, fn, tn, fp, k at most the limit; `count`: how many there are.

    `sizes`: set of (n, tp + fn) among those listed. `complete` is False where more exist than are listed.
    """

    matrices: NDArray[np.int64]
    count: int

    @property
    def complete(self) -> bool:
        return self.count == len(self.matrices)

    @property
    def unique(self) -> bool:
        return self.count == 1

    @property
    def sizes(self) -> set[tuple[int, int]]:
        return {(int(row.sum()), int(row[0] + row[1])) for row in self.matrices}


def solve(
    rates: Rates, n: int | tuple[int, int], *, positives: int | tuple[int, int] | None = None, limit: int = 5_000
) -> Solutions:
    """Find every confusion matrix whose rates lie in the given intervals.

    Parameters
    ----------
    rates : canonical metric -> exact interval as a fraction of 1. Those of `RATES` are searched by; matrices that
        fit them are sifted by the others (MCC, kappa, averages over classes, ...), if there are not too many
    n : number of cases, or (lowest, highest)
    positives : number of positive cases, or (lowest, highest); None when unknown
    limit : list at most so many matrices (all are counted, up to some millions; then `count` says "at least")

    Checked against a four-fold loop over all matrices for small n (tests).
    """
    low, high = (n, n) if np.isscalar(n) else n
    if high > LARGEST_N:
        raise ValueError(f"n up to {LARGEST_N:,} cases, not {high:,}")
    rates = _merged(rates)
    others = {metric: interval for metric, interval in rates.items() if metric not in RATES}
    found = _search({m: interval for m, interval in rates.items() if m in RATES}, (low, high), positives,
                    MOST_SIEVED if others else limit)  # fmt: skip
    if not others:
        return found
    kept = found.matrices[_sifted(found.matrices, others)]
    count = len(kept) if found.complete else max(found.count, len(kept) + 1)
    return Solutions(kept[:limit], count)


def _merged(rates: Rates) -> Rates:
    """Put metrics that are one number by definition together, such as micro averages and accuracy."""
    merged: Rates = {}
    for metric, interval in rates.items():
        name = SAME.get(metric, metric)
        both = merged.get(name, interval)
        merged[name] = Interval(max(both.low, interval.low), min(both.high, interval.high))
    return merged


def _sifted(matrices: NDArray[np.int64], others: Rates) -> NDArray[np.bool_]:
    """Tell which matrices have all these metrics in their intervals (ends included, to 1e-12)."""
    keep = np.ones(len(matrices), dtype=bool)
    for metric, (low, high) in others.items():
        values = of_counts(metric, matrices)
        keep &= (values >= float(low) - 1e-12) & (values <= float(high) + 1e-12)
    return keep


def _search(rates: Rates, n: tuple[int, int], positives, limit: int) -> Solutions:
    """List the matrices that satisfy the inequalities of the rates."""
    coefficients, constants = inequalities(rates)
    sideways = positives is None and _direct(coefficients[:, SIDEWAYS]) > _direct(coefficients)
    turned = coefficients[:, SIDEWAYS] if sideways else coefficients
    found, count = [], 0
    for cases, sizes in _pairs(turned, constants, max(n[0], 1), n[1], positives):
        for matrices, number in _solve_block(turned, constants, cases, sizes, limit):
            found.append(matrices[:, SIDEWAYS] if sideways else matrices)
            count += number
            if count > MOST_COUNTED:
                break
    matrices = np.concatenate(found)[:limit] if found else np.empty((0, 4), dtype=np.int64)
    return Solutions(matrices[np.lexsort(matrices.T[::-1])], count)


def inequalities(rates: Rates) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Write intervals as integer inequalities `coefficients @ (tp, fn, tn, fp) >= constants`.

    A rate that is printed has a denominator of at least 1.
    """
    rows, constants = [(0, 0, 0, 0)], [0]
    for metric, (low, high) in rates.items():
        top, bottom = (np.array(part, dtype=np.int64) for part in RATES[metric])
        rows.append(bottom)
        constants.append(1)
        if low > 0:
            rows.append(low.denominator * top - low.numerator * bottom)
            constants.append(0)
        if high < 1:
            rows.append(high.numerator * bottom - high.denominator * top)
            constants.append(0)
        if low > 1 or high < 0:  # no rate can be so
            rows.append(np.zeros(4, dtype=np.int64))
            constants.append(1)
    return np.array(rows, dtype=np.int64), np.array(constants, dtype=np.int64)


def rates_of(matrix: Iterable[int]) -> dict[str, Fraction]:
    """Return the exact rates of one matrix (tp, fn, tn, fp); a rate with denominator 0 is left out."""
    a, b, c, d = (int(x) for x in matrix)
    found = {}
    for metric, (top, bottom) in RATES.items():
        below = bottom[0] * a + bottom[1] * b + bottom[2] * c + bottom[3] * d
        if below:
            found[metric] = Fraction(top[0] * a + top[1] * b + top[2] * c + top[3] * d, below)
    return found


def _direct(coefficients) -> int:
    """Count the inequalities that bound tp or tn alone once D is known: the more, the fewer candidates."""
    tp, fn, tn, fp = coefficients.T
    return int(((tp == fn) != (tn == fp)).sum())


def _pairs(coefficients, constants, low, high, positives):
    """Yield blocks of (n, D) that are to be looked at."""
    if positives is not None:
        least, most = (positives, positives) if np.isscalar(positives) else positives
        cases = np.repeat(np.arange(low, high + 1, dtype=np.int64), most - least + 1)
        sizes = np.tile(np.arange(least, most + 1, dtype=np.int64), high - low + 1)
        yield cases[sizes <= cases], sizes[sizes <= cases]
        return
    share = _share(coefficients, constants) if high**2 - low**2 > MANY else (0.0, 1.0)
    step = max(1, BLOCK // max(1, int((share[1] - share[0]) * high) + 3))
    for start in range(low, high + 1, step):
        n = np.arange(start, min(start + step, high + 1), dtype=np.int64)
        first = np.floor(n * share[0]).astype(np.int64)
        width = np.maximum(np.minimum(np.ceil(n * share[1]).astype(np.int64), n) - first + 1, 0)
        within = np.arange(width.sum()) - np.repeat(np.cumsum(width) - width, width)
        yield np.repeat(n, width), np.repeat(first, width) + within


def _share(coefficients, constants) -> tuple[float, float]:
    """Bound the share D / n that the inequalities leave, whatever n is: two small linear programmes.

    The inequalities know no scale (only constants do, and those are left out here), so one answer serves all
    n.
    """
    scale = np.abs(coefficients).max(axis=1, keepdims=True).clip(min=1)
    usable = constants == 0
    common = dict(
        A_ub=-(coefficients / scale)[usable],
        b_ub=np.full(usable.sum(), 1e-6),
        A_eq=np.ones((1, 4)),
        b_eq=[1.0],
    )
    ends = [linear_programme(sign * np.array([1.0, 1, 0, 0]), **common) for sign in (1, -1)]
    if any(end.status == 2 for end in ends):  # infeasible even with the slack above
        return 1.0, 0.0
    if any(end.status != 0 for end in ends):
        return 0.0, 1.0
    return max(ends[0].fun - 1e-6, 0.0), min(-ends[1].fun + 1e-6, 1.0)


def _bounds(coefficients, constants, cases, sizes):
    """Tighten the intervals of tp and tn for each (n, D).

    Returns cases, sizes, t0, t1 of those that are left. First the inequalities that speak of one unknown,
    which rule out most class sizes, then twice those that tie both together.
    """
    t0, t1, u0, u1 = np.zeros_like(sizes), sizes, np.zeros_like(sizes), cases - sizes
    steps = [(tp - fn, tn - fp, fn, fp, c) for (tp, fn, tn, fp), c in zip(coefficients, constants, strict=True)]
    single = [step for step in steps if (step[0] == 0) or (step[1] == 0)]
    tied = [step for step in steps if step[0] and step[1]]
    for group in (single, tied, tied):
        for a, b, fn, fp, constant in group:
            rest = fn * sizes + fp * (cases - sizes) - constant
            if a:
                reach = rest + (np.maximum(b * u0, b * u1) if b else 0)
                t0, t1 = (np.maximum(t0, -(reach // a)), t1) if a > 0 else (t0, np.minimum(t1, reach // -a))
            if b:
                reach = rest + (np.maximum(a * t0, a * t1) if a else 0)
                u0, u1 = (np.maximum(u0, -(reach // b)), u1) if b > 0 else (u0, np.minimum(u1, reach // -b))
            if not a and not b:
                t1 = np.where(rest < 0, -1, t1)
        keep = (t0 <= t1) & (u0 <= u1)
        if not keep.all():
            cases, sizes, t0, t1, u0, u1 = (part[keep] for part in (cases, sizes, t0, t1, u0, u1))
        if not len(cases):
            break
    return cases, sizes, t0, t1


def _solve_block(coefficients, constants, cases, sizes, limit):
    """Yield (matrices, count) for one block: expand tp, then the exact interval of tn for each."""
    cases, sizes, t0, t1 = _bounds(coefficients, constants, cases, sizes)
    widths = t1 - t0 + 1
    cuts = np.searchsorted(np.cumsum(widths), np.arange(BLOCK, widths.sum(), BLOCK))
    for part in np.split(np.arange(len(cases)), np.unique(cuts)):
        if not len(part):
            continue
        width = widths[part]
        start = np.repeat(np.cumsum(width) - width, width)
        tp = np.repeat(t0[part], width) + np.arange(width.sum()) - start
        n, size = np.repeat(cases[part], width), np.repeat(sizes[part], width)
        low, high = _interval_of_tn(coefficients, constants, n, size, tp)
        yield _expand(n, size, tp, low, high, limit)


def _interval_of_tn(coefficients, constants, n, size, tp):
    """Exact interval of tn for given n, class size and tp, all inequalities taken together."""
    low, high = np.zeros_like(tp), n - size
    for (c_tp, fn, tn, fp), constant in zip(coefficients, constants, strict=True):
        slack = c_tp * tp + fn * (size - tp) + fp * (n - size) - constant
        step = tn - fp
        if step > 0:
            low = np.maximum(low, -(slack // step))
        elif step < 0:
            high = np.minimum(high, slack // -step)
        else:
            high = np.where(slack < 0, -1, high)
    return low, high


def _expand(n, size, tp, low, high, limit):
    """List the matrices of all (tp, tn interval) pairs, at most `limit` of them, and count them all."""
    width = np.maximum(high - low + 1, 0)
    count = int(width.sum())
    keep = np.flatnonzero(width)
    keep = keep[: int(np.searchsorted(np.cumsum(width[keep]), limit)) + 1]
    width = width[keep]
    tn = np.repeat(low[keep] - (np.cumsum(width) - width), width) + np.arange(width.sum())
    n, size, tp = (np.repeat(part[keep], width) for part in (n, size, tp))
    return np.stack([tp, size - tp, tn, n - size - tn], axis=1)[:limit], count
