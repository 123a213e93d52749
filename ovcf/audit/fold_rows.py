"""Can a row of means ± SD over folds be had from whole numbers of cases in every fold?

Without ± the means of accuracy, sensitivity, specificity and balanced accuracy are a small integer programme (folds of
one size enter it by their sum). With ± the right answers of a class over the folds must have a sum and a sum of
squares; all vectors that do are listed, those of both classes paired in every order, and the other columns held
against each pair. Where too many fit to be listed the answer is "open": a row is called impossible only after all
were tried.
"""

from fractions import Fraction
from functools import lru_cache
from itertools import permutations
from math import factorial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint

from .fold_rounding import FINER, WAYS, ways_of
from .highs import integer_programme
from .printed import Interval
from .scores import Floats, of_counts
from .targets import SLACK, Target

POSSIBLE, IMPOSSIBLE, OPEN = "possible", "impossible", "open"
LINEAR = {
    "accuracy": (1.0, 1.0),
    "recall_positive": (1.0, 0.0),
    "recall_negative": (0.0, 1.0),
    "recall_macro": (0.5, 0.5),
}
MOST_LISTED, MOST_PAIRED, BLOCK = 50_000, 1_500_000, 100_000
MOST_TABLED = 10_000  # pairs of right answers of a fold for which a metric's values are kept
FEW = 40  # cases of all folds that are simply tried

Sizes = tuple[tuple[int, int], ...]  # (positive, negative) cases of each fold
Integers = NDArray[np.int64]


class Verdict(NamedTuple):
    """`answer`: possible, impossible or open; `columns`: metrics that suffice to rule it out; `folds`: matrices that
    give the row, int (folds, 4), where some were found; `even`: even folds were ruled out, others not all tried; `how`:
    how the folds' numbers were rounded before they were averaged, "" if they were not."""

    answer: str
    columns: tuple[str, ...] = ()
    folds: Integers | None = None
    even: bool = False
    how: str = ""


def check_folds(sizes: Sizes, targets: dict[str, Target]) -> Verdict:
    """Decide whether folds of known sizes can give a row of means (and ±).

    Parameters
    ----------
    sizes : positive and negative cases of each fold
    targets : metric of `scores.SCORES` -> `Target`
    """
    linear = {metric: one for metric, one in targets.items() if metric in LINEAR}
    if sum(map(sum, sizes)) <= FEW:
        return _check_vectors(sizes, targets)
    if not means_possible(sizes, linear):
        alone = [m for m, one in linear.items() if not means_possible(sizes, {m: one})]
        return Verdict(IMPOSSIBLE, tuple(alone[:1]) or tuple(linear))
    if all(metric in LINEAR and not one.sds for metric, one in targets.items()):
        return Verdict(POSSIBLE)
    return _check_vectors(sizes, targets)


def means_possible(sizes: Sizes, targets: dict[str, Target]) -> bool:
    """Decide exactly whether mean accuracy, recalls and balanced accuracy can be had, ± left aside."""
    kinds, counts = (np.array(part) for part in zip(*_types(sizes).items(), strict=True))
    positive, negative = kinds.T.astype(float)
    rows = []
    for metric in targets:
        a, b = LINEAR[metric]
        below = (positive + negative,) * 2 if metric == "accuracy" else (positive, negative)
        rows.append(np.concatenate([a / below[0], b / below[1]]) / len(sizes))
    if not rows:
        return True
    ends = np.array([[float(one.mean.low), float(one.mean.high)] for one in targets.values()])
    scale = 1.0  # so that the solver's own tolerance (1e-6) is far below a printed digit
    found = integer_programme(
        np.zeros(2 * len(kinds)),
        integrality=np.ones(2 * len(kinds)),
        bounds=(np.zeros(2 * len(kinds)), np.concatenate([counts * positive, counts * negative])),
        constraints=LinearConstraint(
            scale * np.array(rows), scale * (ends[:, 0] - SLACK), scale * (ends[:, 1] + SLACK)
        ),
    )
    return found.status != 2  # 2: infeasible; limits and errors decide nothing


def _types(sizes: Sizes) -> dict[tuple[int, int], int]:
    """Count folds of one size."""
    found: dict[tuple[int, int], int] = {}
    for size in sorted(sizes):
        found[size] = found.get(size, 0) + 1
    return found


# With ±
# -----------------------------------------------------------------------------------------------


def _check_vectors(sizes: Sizes, targets: dict[str, Target]) -> Verdict:
    """List right answers per class and fold, pair them, hold the other columns against every pair."""
    sizes = tuple(sorted(sizes))
    positive, negative = (np.array(part) for part in zip(*sizes, strict=True))
    complete, sides = True, []
    for side, counts in (("recall_positive", positive), ("recall_negative", negative)):
        wanted = targets.get(side)
        few = counts.sum() <= FEW  # sizes of folds that are tried one after the other share the sizes of a class
        vectors, all_listed = _few_vectors(tuple(counts), wanted) if few else vectors_of(counts, wanted)
        if all_listed and not len(vectors):
            return Verdict(IMPOSSIBLE, (side,))
        complete &= all_listed
        sides.append(vectors)
    if not complete and "accuracy" in targets:
        correct, all_listed = vectors_of(positive + negative, targets["accuracy"])
        if all_listed and not len(correct):
            return Verdict(IMPOSSIBLE, ("accuracy",))
    tp, tn = sides
    tp = tp[_canonical(tp, sizes)]
    if not len(tp) or not len(tn):
        return Verdict(OPEN)
    rest = {metric: one for metric, one in targets.items() if metric not in ("recall_positive", "recall_negative")}
    rest |= {m: targets[m] for m in ("recall_positive", "recall_negative") if m in targets and not complete}
    complete &= len(tp) * len(tn) <= MOST_PAIRED
    found = _pair(tp, tn, (positive, negative), rest, targets)
    if found is not None:
        matrices, way = found
        return Verdict(POSSIBLE, (), matrices if way in WAYS else None, how=WAYS.get(way, ""))
    return Verdict(IMPOSSIBLE, tuple(targets)) if complete else Verdict(OPEN)


def vectors_of(counts: Integers, wanted: Target | None) -> tuple[Integers, bool]:
    """List right answers in folds of `counts` cases whose rates have a target's mean and ±.

    Returns int (m, folds) and whether all are listed; none and True means that there are none. Folds of one size are
    listed in rising order, then put into every order.
    """
    order = np.argsort(counts, kind="stable")
    rising = _rising(counts[order], wanted or Target(Interval(Fraction(0), Fraction(1))))
    if rising is None:
        return np.zeros((0, len(counts)), dtype=np.int64), False
    vectors, complete = _every_order(rising, counts[order])
    return vectors[:, np.argsort(order)], complete


@lru_cache(maxsize=256)
def _few_vectors(counts: tuple[int, ...], wanted: Target | None) -> tuple[Integers, bool]:
    """`vectors_of` few cases, kept."""
    return vectors_of(np.array(counts), wanted)


def _rising(counts: Integers, wanted: Target) -> Integers | None:
    """List vectors that rise within folds of one size; None if there are too many.

    Fold after fold, those are dropped that no choice of the rest can lead to the sum, or to so small a sum of squared
    deviations (Cauchy and Schwarz).
    """
    k, middle = len(counts), float(wanted.mean.low + wanted.mean.high) / 2
    low, high = (k * (float(end) - middle) for end in wanted.mean)
    most = max((b for _, b in wanted.sds), default=np.inf) + max(low**2, high**2) / k + SLACK
    values = [r[(r / c - middle) ** 2 <= most] for r, c in ((np.arange(c + 1), c) for c in counts)]
    steps = [v / c - middle for v, c in zip(values, counts, strict=True)]
    if not all(len(v) for v in values):
        return np.zeros((0, k), dtype=np.int64)
    found, sums, squares = np.zeros((1, 0), dtype=np.int64), np.zeros(1), np.zeros(1)
    for i, step in enumerate(steps):
        if len(found) * len(step) > 12 * MOST_LISTED:
            return None
        s, q = sums[:, None] + step, squares[:, None] + step**2
        least, largest, left = sum(r.min() for r in steps[i + 1 :]), sum(r.max() for r in steps[i + 1 :]), k - i - 1
        need = np.maximum(np.maximum(low - s, s - high), 0)  # how far the rest must move the sum
        keep = (s + largest >= low - SLACK) & (s + least <= high + SLACK) & (q + need**2 / max(left, 1) <= most)
        if i and counts[i] == counts[i - 1]:
            keep &= values[i] >= found[:, -1:]
        a, b = np.nonzero(keep)
        found, sums, squares = np.column_stack([found[a], values[i][b]]), s[a, b], q[a, b]
    return found[wanted.holds(found / counts)]


def _every_order(rising: Integers, counts: Integers) -> tuple[Integers, bool]:
    """Put the folds of each size into every order; the rising ones alone, and False, where that is too many."""
    start = 0
    for group in np.unique(counts, return_counts=True)[1]:
        if factorial(group) * len(rising) > 4 * MOST_LISTED:
            return rising, False
        columns = np.arange(start, start + group)
        rest = range(start + group, len(counts))
        ways = [[*range(start), *columns[list(way)], *rest] for way in permutations(range(group))]
        rising = np.unique(np.concatenate([rising[:, way] for way in ways]), axis=0)
        start += group
    return rising, True


def _canonical(vectors: Integers, sizes: Sizes) -> NDArray[np.bool_]:
    """Keep one order of the folds that have one size; the other class is tried in every order."""
    keep = np.ones(len(vectors), dtype=bool)
    for i in range(len(sizes) - 1):
        if sizes[i] == sizes[i + 1]:
            keep &= vectors[:, i] <= vectors[:, i + 1]
    return keep


def _pair(
    tp: Integers,
    tn: Integers,
    sizes: tuple[Integers, Integers],
    rest: dict[str, Target],
    targets: dict[str, Target],
) -> tuple[Integers, int] | None:
    """Try pairs of vectors, all or MOST_PAIRED of them; return the matrices, int (folds, 4), of one that fits, and how.

    `rest`: what the vectors were not listed by. What passes with folds rounded somehow must give all `targets` with
    folds rounded in one way.
    """
    pairs = len(tp) * len(tn)
    if pairs <= MOST_PAIRED:
        index = np.arange(pairs)
    else:
        index = np.random.default_rng(0).integers(0, pairs, MOST_PAIRED // 3)
    order = sorted(rest, key=lambda metric: (metric not in LINEAR, not rest[metric].sds))
    for start in range(0, len(index), BLOCK):
        a, b = np.divmod(index[start : start + BLOCK], len(tn))
        for metric in order:
            keep = rest[metric].holds(_values(metric, tp[a], tn[b], *sizes))
            a, b = a[keep], b[keep]
            if not len(a):
                break
        else:
            ways = ways_of({metric: _values(metric, tp[a], tn[b], *sizes) for metric in targets}, targets)
            ways = np.where(ways < 0, len(WAYS) + FINER, ways)
            best = int(ways.argmin())
            if ways[best] <= FINER:
                one, two = tp[a[best]], tn[b[best]]
                return np.stack([one, sizes[0] - one, two, sizes[1] - two], axis=1), int(ways[best])
    return None


def _values(metric: str, tp: Integers, tn: Integers, positive: Integers, negative: Integers) -> Floats:
    """Value of a metric in each fold, float (m, folds)."""
    if metric == "accuracy":
        return (tp + tn) / (positive + negative)
    if metric in ("recall_positive", "recall_negative"):
        return tp / positive if metric == "recall_positive" else tn / negative
    if ((positive + 1) * (negative + 1)).max() > MOST_TABLED:
        full = np.stack([tp, positive - tp, tn, negative - tn], axis=-1)
        return of_counts(metric, full.reshape(-1, 4)).reshape(tp.shape)
    columns = zip(tp.T, tn.T, positive, negative, strict=True)
    return np.stack([_value_table(metric, int(p), int(n))[a, b] for a, b, p, n in columns], axis=-1)


@lru_cache(maxsize=256)
def _value_table(metric: str, positive: int, negative: int) -> Floats:
    """Value of a metric for every number of right answers, float (positive + 1, negative + 1)."""
    tp, tn = (each.ravel() for each in np.indices((positive + 1, negative + 1)))
    matrices = np.stack([tp, positive - tp, tn, negative - tn], axis=-1)
    return of_counts(metric, matrices).reshape(positive + 1, negative + 1)
