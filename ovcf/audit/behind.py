"""The values that calculations with a printed rate may have used: itself, what it stands for, and what lies between.

An average or a test is computed from exact numbers, from the printed ones, or from ones with a digit more. Where the
number of cases leaves few exact numbers to a rate, that is far less than half a unit of its last digit either way.
"""

from fractions import Fraction

from .matrices import rates_of
from .paper import Paper, Row
from .printed import Interval
from .recover import Recovery

WIDER = Fraction(1, 10)  # of half a unit of the last digit: numbers with one digit more than is printed


def behind(paper: Paper, recovery: Recovery | None, row: Row, column: str, *, folds: bool = False) -> Interval:
    """Bound what a calculation may have used for one cell, in the table's unit.

    Parameters
    ----------
    recovery : matrices that were found; None takes all that rounds to the printed digits.
    folds : also take the matrices of folds, whose sizes are not printed and were first sought near even ones; what
        follows is likely, not certain.
    """
    printed, table = row.cells[column].printed, paper.tables[row.table]
    whole = printed.interval()
    if recovery is None or table.kind == "counts" or printed.cut or (table.folds_of and not folds):
        return whole
    exact = _exact(paper, recovery, row, column)
    if not exact:
        return whole
    wider = WIDER * (whole.high - whole.low) / 2
    low, high = min(*exact, printed.value) - wider, max(*exact, printed.value) + wider
    return Interval(max(low, whole.low), min(high, whole.high))


def _exact(paper: Paper, recovery: Recovery, row: Row, column: str) -> list[Fraction]:
    """Exact values that a rate can have: of its only matrix, or of the right answers that an accuracy leaves."""
    table, printed = paper.tables[row.table], row.cells[column].printed
    metric, unit = table.metrics.get(column), table.unit_of(column)
    matrix, interval = recovery.unique_of(row.path), printed.interval()
    if matrix is not None and not matrix.repaired:
        value = rates_of(matrix.matrix).get(metric)
        return [value * unit] if value is not None and interval.holds(value * unit) else []
    cases = paper.sets.get(table.cases or "")
    n = row.n or (cases and cases.n)
    if metric != "accuracy" or not n or n[0] != n[1]:
        return []
    low, high = -(-interval.low * n[0] // unit), interval.high * n[0] // unit
    return [unit * Fraction(int(right), n[0]) for right in range(int(low), int(high) + 1)]
