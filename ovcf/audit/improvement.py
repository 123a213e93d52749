"""How significant a change of a row's answers can be: bounds of McNemar's p over all counts that the digits leave."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from .bounds import McNemarBounds, mcnemar_bounds
from .matrices import solve
from .paper import Entry, Paper, Row, Set
from .readings import under
from .recover import Recovery

MOST = 3_000  # pairs of matrices of one row; beyond them only the right answers of all cases are held together

Margins = tuple[tuple[int, int], ...]  # (right, cases) of each class, or of all cases at once
Matrices = dict[int, list[Margins]]  # number of positive cases -> margins that print so


class Improvement(NamedTuple):
    """Right answers before and after of n cases where p is smallest; smallest and largest p; changes at both ends.

    Changes are (wrong then right, right then wrong). `only`: the digits leave no other right answers.
    """

    before: int
    after: int
    n: int
    smallest: float
    largest: float
    least: tuple[int, int]
    most: tuple[int, int]
    only: bool


def bounds_of_improvement(paper: Paper, recovery: Recovery, entry: Entry) -> dict[str, Improvement]:
    """Bound the exact McNemar p of every row of a claim that names rows `from` and `to`.

    All matrices that print as a row does are tried, before and after, with one number of positive cases for all rows
    on the same cases: those numbers that every row allows. Rows whose cases are not shared are left out. Checked in
    tests against a loop over all matrices and all pairings of small sets.
    """
    before, after = ([row for row in paper.rows(entry[key]) if row.kind == "single"] for key in ("from", "to"))
    later = {row.name: row for row in after}
    pairs = {row.name: _pair(paper, recovery, row, later[row.name]) for row in before if row.name in later}
    pairs = {name: pair for name, pair in pairs.items() if pair is not None}
    common = _common(pairs)
    return {name: found for name, pair in pairs.items() if (found := _bounds(pair, common)) is not None}


def _pair(paper: Paper, recovery: Recovery, before: Row, after: Row) -> tuple[Matrices, Matrices] | None:
    """Margins of a row before and after by number of positive cases (0: of all cases at once)."""
    tables = [paper.tables[row.table] for row in (before, after)]
    if tables[0].cases is None or tables[0].cases != tables[1].cases:
        return None
    cases = paper.sets[tables[0].cases]
    if cases.n is None or cases.n[0] != cases.n[1]:
        return None
    sides = [_matrices(paper, recovery, row, cases) for row in (before, after)]
    if all(sides) and _tried(*sides) <= MOST:
        return sides[0], sides[1]
    sides = [_right(paper, row, cases.n[0]) for row in (before, after)]
    return (sides[0], sides[1]) if all(sides) and _tried(*sides) <= MOST else None


def _tried(before: Matrices, after: Matrices) -> int:
    return sum(len(before[size]) * len(after[size]) for size in set(before) & set(after))


def _matrices(paper: Paper, recovery: Recovery, row: Row, cases: Set) -> Matrices:
    """Margins by class of every matrix that prints so under the reading that its table was given; {} if too many."""
    table, fits = paper.tables[row.table], recovery.fits.get(paper.tables[row.table].cases or "")
    if not fits or not table.rates(row):
        return {}
    solutions = solve(under(fits[0].reading, table.rates(row)), cases.n, positives=cases.positive)
    found: Matrices = {}
    for tp, fn, tn, fp in solutions.matrices.tolist() if solutions.complete else ():
        found.setdefault(tp + fn, []).append(((tp, tp + fn), (tn, tn + fp)))
    return found


def _right(paper: Paper, row: Row, n: int) -> Matrices:
    """Right answers of all cases that an accuracy can stand for, under the key 0."""
    table = paper.tables[row.table]
    column = table.column_of("accuracy", "accuracy")
    if column is None or column not in row.cells:
        return {}
    interval, unit = row.cells[column].printed.interval(), table.unit_of(column)
    low, high = -(-interval.low * n // unit), interval.high * n // unit
    found = [((right, n),) for right in range(max(int(low), 0), min(int(high), n) + 1)]
    return {0: found} if found else {}


def _common(pairs: dict[str, tuple[Matrices, Matrices]]) -> set[int]:
    """Numbers of positive cases that every row allows, before and after; all of them where none suits every row."""
    sides = [set(side) - {0} for pair in pairs.values() for side in pair if 0 not in side]
    return (set.intersection(*sides) or set.union(*sides)) if sides else set()


def _bounds(pair: tuple[Matrices, Matrices], common: set[int]) -> Improvement | None:
    """Smallest and largest p over all margins that a row can have."""
    every = list(_every(pair, common)) or list(_every(pair, set(pair[0])))
    if not every:
        return None
    best = min(every, key=lambda one: (one[1] <= one[0], one[3].smallest))
    worst = max(every, key=lambda one: one[3].largest)[3]
    return Improvement(*best[:3], best[3].smallest, worst.largest, best[3].least, worst.most,
                       len({one[:2] for one in every}) == 1)  # fmt: skip


def _every(pair: tuple[Matrices, Matrices], common: set[int]) -> Iterator[tuple[int, int, int, McNemarBounds]]:
    """Yield right answers before and after, cases, and the bounds of p."""
    for size in (set(pair[0]) & set(pair[1])) & (common | {0}):
        for before in pair[0][size]:
            for after in pair[1][size]:
                counts = [sum(right for right, _ in side) for side in (before, after)]
                yield *counts, sum(cases for _, cases in before), _mcnemar(before, after)


@cache
def _mcnemar(before: Margins, after: Margins) -> McNemarBounds:
    return mcnemar_bounds(before, after)
