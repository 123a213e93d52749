"""Readings of a table's columns: what a heading may mean, and how well that fits the printed rows.

A table headed "sensitivity, specificity" may hold predictive values, or the two classes may stand for one
another. Each reading maps the metric that a column is headed with to the metric that it is taken to hold.
"""

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from itertools import combinations
from math import isfinite
from typing import NamedTuple

import numpy as np
from scipy.stats import binom

from .matrices import RATES, Solutions, rates_of, solve
from .paper import Row, Table
from .printed import Interval, show
from .scores import AVERAGES, SCORES, of_counts

SIDES = ("positive", "negative")
STATED = "as headed"
MATRIX_METRICS = tuple(
    "accuracy recall_positive recall_negative precision_positive precision_negative f1_positive f1_negative".split()
)


class Reading(NamedTuple):
    """One meaning of the columns: `mapping` headed metric -> metric it holds; metrics left out are as headed.

    `plain`: how many decisions it takes (0 as headed, 1 a table-wide confusion, 2 two of them, 3 a single
    column).
    """

    name: str
    mapping: dict[str, str]
    plain: int

    @property
    def honest(self) -> bool:
        """Tell whether headings need no change: as headed, or averages under names that say no class."""
        return self.plain == 0

    def of(self, metric: str) -> str:
        return self.mapping.get(metric, metric)


class Fit(NamedTuple):
    """How one reading fits rows that share their cases: class size (None: no row fits), rows that fit."""

    reading: Reading
    positives: int | None
    solutions: dict[str, Solutions]
    explained: list[str]
    chance: float = float("nan")
    alone: bool = True  # no other class size explains as many rows
    settled: bool = True  # every row's matrices could be listed


def _turn(metric, swap_class, swap_rate):
    """Return the metric with the class and/or the kind of rate turned (recall <-> precision)."""
    kind, _, side = metric.partition("_")
    if not side:
        return metric
    kind = {"recall": "precision", "precision": "recall"}.get(kind, kind) if swap_rate else kind
    return f"{kind}_{SIDES[1 - SIDES.index(side)] if swap_class else side}"


def readings_of(metrics: Iterable[str], bare: Iterable[str] = ()) -> list[Reading]:
    """List readings of these columns: as headed, averages, whole-table confusions, two exchanged, one wrong.

    `bare`: metrics of columns whose names say no class; they may be averages over both classes, and that is no error.
    """
    metrics = [metric for metric in metrics if metric in SCORES]
    found = [Reading(STATED, {}, 0)]
    for average in AVERAGES:
        mapping = {m: f"{m.partition('_')[0]}_{average}" for m in metrics if m in bare}
        found.append(Reading(f"{average} averages", mapping, 0))
    confusions = [
        ("classes swapped", True, False, 1),
        ("recalls and precisions (predictive values) exchanged", False, True, 1),
        ("recalls and precisions exchanged and classes swapped", True, True, 2),
    ]
    for name, swap_class, swap_rate, plain in confusions:
        mapping = {metric: _turn(metric, swap_class, swap_rate) for metric in metrics if metric in MATRIX_METRICS}
        found.append(Reading(name, {a: b for a, b in mapping.items() if a != b}, plain))
    plain = [metric for metric in metrics if metric in MATRIX_METRICS]
    found += [Reading(f"{a} and {b} columns exchanged", {a: b, b: a}, 2) for a, b in combinations(plain, 2)]
    for metric in plain:
        others = [other for other in MATRIX_METRICS if other != metric]
        found += [Reading(f"{metric} column holds {other}", {metric: other}, 3) for other in others]
    return [reading for k, reading in enumerate(found) if k == 0 or reading.mapping]


def under(reading: Reading, rates: dict[str, tuple[str, Interval]]) -> dict[str, Interval]:
    """Translate a row's intervals to the metrics that a reading takes the columns to hold."""
    found: dict[str, Interval] = {}
    for metric, (_, interval) in rates.items():
        real = reading.of(metric)
        both = found.get(real, interval)
        found[real] = Interval(max(both.low, interval.low), min(both.high, interval.high))
    return found


def fit_shared(rows: dict[str, dict], n: int | tuple[int, int], reading: Reading, positives: int | None = None) -> Fit:
    """Fit one reading to rows measured on the same n cases: the class size that explains most rows.

    Parameters
    ----------
    rows : row path -> rates as from `Table.rates`
    n : cases, or (low, high)
    positives : printed number of positive cases, if any; then only that is tried

    Ties go to the more even class sizes.
    """
    solutions = {path: solve(under(reading, rates), n, positives=positives) for path, rates in rows.items()}
    settled = all(found.complete for found in solutions.values())
    votes = Counter(size for found in solutions.values() for size in found.sizes)
    if not votes:
        return Fit(reading, None, solutions, [])
    cases, best = max(votes, key=lambda size: (votes[size], -abs(2 * size[1] - size[0]), -size[1]))
    explained = [path for path, found in solutions.items() if (cases, best) in found.sizes]
    kept = {path: _at(found, cases, best) for path, found in solutions.items()}
    alone = sum(count == votes[cases, best] for count in votes.values()) == 1
    return Fit(reading, best, kept, explained, alone=alone, settled=settled)


def _at(found: Solutions, cases, positives) -> Solutions:
    """Keep the matrices of one number of cases and positives."""
    rows = found.matrices
    keep = rows[(rows.sum(axis=1) == cases) & (rows[:, 0] + rows[:, 1] == positives)]
    return Solutions(keep, len(keep))


def rank(fits: list[Fit]) -> list[Fit]:
    """Order readings: more rows explained first, then the one that takes fewer decisions."""
    return sorted(fits, key=lambda fit: (-len(fit.explained), fit.reading.plain))


def chance_of(fit: Fit, rows: dict[str, dict], n: int, *, draws: int = 100, seed: int = 0) -> float:
    """Chance that honest rows, headed as they hold, would let this reading explain so many of them.

    Honest rows are drawn with the class size of the fit and true rates uniform on 0.4 to 1, printed with as
    many digits as the paper's; the share that the reading explains gives a binomial tail.
    """
    if fit.positives is None or fit.reading.name == STATED:
        return 1.0
    rng = np.random.default_rng(np.random.SeedSequence([seed, n, fit.positives]))
    shapes = list(rows.values())
    hits = 0
    for k in range(draws):
        shape = shapes[k % len(shapes)]
        tp, tn = rng.binomial([fit.positives, n - fit.positives], rng.uniform(0.4, 1, 2))
        exact = rates_of((tp, fit.positives - tp, tn, n - fit.positives - tn))
        widths = {metric: interval.high - interval.low for metric, (_, interval) in shape.items()}
        drawn = {
            metric: (
                "",
                Interval(_round(exact[metric], width) - width / 2, _round(exact[metric], width) + width / 2),
            )
            for metric, width in widths.items()
            if metric in exact
        }
        hits += solve(under(fit.reading, drawn), n, positives=fit.positives, limit=1).count > 0
    share = (hits + 1) / (draws + 1)
    return float(binom.sf(len(fit.explained) - 1, len(rows), share))


def _round(value, step):
    """Round half up to a multiple of a step, exactly."""
    return ((2 * value + step) // (2 * step)) * step


class Mixed(NamedTuple):
    """A column of one row that fits, digits unchanged, if it holds another metric than in the other rows."""

    column: str
    metric: str
    matrices: list[tuple[int, int, int, int]]


def mixed_columns(
    table: Table, row: Row, reading: Reading, n: tuple[int, int], positives: int | None = None
) -> list[Mixed]:
    """Find readings of one column under which a row fits as printed; its own heading comes first."""
    rates, found = table.rates(row), []
    for metric, (column, _) in rates.items():
        for other in (metric, *(name for name in MATRIX_METRICS if name != metric)):
            if other != reading.of(metric):
                turned = Reading("", reading.mapping | {metric: other}, 3)
                fitting = solve(under(turned, rates), n, positives=positives, limit=50).matrices
                if len(fitting):
                    matrices = [tuple(int(x) for x in matrix) for matrix in fitting]
                    found.append(Mixed(column, other, matrices))
    return sorted(found, key=lambda mixed: mixed.metric != table.metrics[mixed.column])


class Repair(NamedTuple):
    """The fewest printed numbers to alter so that a row fits: column -> (printed, the value that fits)."""

    changes: dict[str, tuple[str, str]]
    matrix: tuple[int, int, int, int]


def repairs(
    table: Table,
    row: Row,
    reading: Reading,
    n: tuple[int, int],
    positives: int | None = None,
    most: tuple[int, int] | None = None,
) -> list[Repair]:
    """Find the smallest repairs of a row: fewest cells altered, and among those the least change in all.

    Returns every repair with the fewest cells, nearest first; [] when even one printed rate cannot be kept.
    `most`: positive and negative cases of the whole set that the row is a part of, which no part can exceed.
    """
    rates = table.rates(row)
    for altered in range(1, len(rates)):
        found = _repairs_of(table, row, reading, rates, altered, n, positives)
        found = [pair for pair in found if most is None or _within(pair[1].matrix, most)]
        if found:
            return [repair for _, repair in sorted(found, key=lambda pair: pair[0])]
    return []


def _within(matrix, most) -> bool:
    """Tell whether a matrix has no more cases of a class than there are."""
    return matrix[0] + matrix[1] <= most[0] and matrix[2] + matrix[3] <= most[1]


def _repairs_of(table, row, reading, rates, altered, n, positives):
    """Try every choice of `altered` cells; list (size of change, repair)."""
    found = []
    for dropped in combinations(rates, altered):
        kept = {metric: value for metric, value in rates.items() if metric not in dropped}
        for matrix in solve(under(reading, kept), n, positives=positives, limit=200).matrices:
            exact, changes, size = rates_of(matrix), {}, 0.0
            for metric in dropped:
                value = _value(reading.of(metric), exact, matrix)
                if value is None:
                    break
                column, real = rates[metric][0], value * table.unit_of(rates[metric][0])
                printed = row.cells[column].printed
                changes[column] = printed.text, show(real, max(printed.decimals, 2))
                size += abs(float(real - printed.value))
            else:
                found.append((size, Repair(changes, tuple(int(x) for x in matrix))))
    return found


def _value(metric: str, exact: dict, matrix) -> Fraction | None:
    """Value of a metric for one matrix; None for 0/0."""
    if metric in RATES:
        return exact.get(metric)
    value = float(of_counts(metric, matrix)[0])
    return Fraction(value) if isfinite(value) else None
