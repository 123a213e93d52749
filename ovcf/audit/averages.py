"""Averages and their ±: recomputed plainly, weighted and pooled, under every divisor, and the one row that would mend
them."""

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from scipy import stats

from .behind import behind
from .cells import BASES
from .matrices import rates_of
from .paper import Paper, Row, Table
from .printed import Interval, show
from .recover import Recovery

PLAINLY, OPEN = "plainly", "open"
Z = 1.959964  # of a 95 % interval


class Average(NamedTuple):
    """One printed average against its rows.

    `mean`: recomputed; `sd0`, `sd1`: with divisor k and k - 1; `fits`: whether the printed mean is possible
    given the rows' rounding; `how`: "plainly", "weighted by ...", "pooled", "open" (weights that are not printed could
    give it) or "" (none does); `ddof`: "0", "1", "0 or 1", "standard error", "95 % half-width", "neither" or "" where
    no ± is printed; `mends`: rows of which one other value would give both the printed mean and ± (row -> lowest and
    highest).
    """

    place: str
    column: str
    printed: str
    k: int
    mean: float
    sd0: float
    sd1: float
    fits: bool
    ddof: str
    mends: dict[str, tuple[float, float]]
    shown: str
    how: str
    decimals: int


def averages_of(paper: Paper, table: Table, row: Row, recovery: Recovery | None = None) -> list[Average]:
    """Recompute every column of a mean row whose rows are printed in the same table."""
    members = [one for one in paper.rows(f"{table.name} / {row.of}") if one.kind == "single" and one is not row]
    found = []
    for column, cell in row.cells.items():
        cells = {one.name: one.cells[column].printed for one in members if column in one.cells}
        if len(cells) >= 2 and len(cells) == len(members):
            used = [behind(paper, recovery, one, column, folds=True) for one in members]
            average = _average(table.place_of(row.name, column), column, cell.printed, cells, used)
            if not average.fits and recovery is not None:
                how = _otherwise(table, members, column, cell.printed, recovery)
                average = average._replace(fits=how not in ("", OPEN), how=how)
            found.append(average)
    return found


def _average(place, column, printed, cells, used) -> Average:
    """Compare one printed average with its rows; `used`: what the SD may have been computed from."""
    ends = [cell.interval() for cell in cells.values()]
    k = len(ends)
    mean = Interval(sum(end.low for end in ends) / k, sum(end.high for end in ends) / k)
    values = np.array([float(cell.value) for cell in cells.values()])
    fits = mean.meets(printed.interval())
    ddof = _divisor(values, used, printed) if printed.sd is not None else ""
    ddof = _divisor(values, ends, printed) if ddof == "neither" else ddof
    mends = {} if fits and ddof != "neither" else _mends(cells, printed)
    exact, decimals = sum(cell.value for cell in cells.values()) / k, printed.decimals
    sd1, sd0 = values.std(ddof=1), values.std(ddof=0)
    shown, sd_decimals = show(exact, decimals), 0
    if printed.sd is not None:
        sd_decimals = len(printed.sd_digits.partition(".")[2])
        shown += f" ± {show(sd0 if ddof == '0' else sd1, max(decimals, sd_decimals))}"
    how = PLAINLY if fits else ""
    return Average(place, column, printed.text, k, float(exact), sd0, sd1, fits, ddof, mends, shown, how, sd_decimals)


def _otherwise(table, members, column, printed, recovery: Recovery) -> str:
    """Name another average than the plain one that prints so: weighted by cases, or pooled over all of them."""
    metric, wanted = table.metrics[column], printed.interval()
    values = [one.cells[column].printed.interval() for one in members]
    found = [recovery.unique_of(one.path) for one in members]
    if None not in found and not any(matrix.repaired for matrix in found):
        weights = [matrix.n for matrix in found]
        if _weighted(values, weights).meets(wanted):
            return "weighted by the rows' cases"
        if metric in BASES and _weighted(values, [_base(matrix, metric) for matrix in found]).meets(wanted):
            return "weighted by the cases that each is out of"
        pooled = rates_of(np.sum([matrix.matrix for matrix in found], axis=0)).get(metric)
        if pooled is not None and wanted.holds(pooled * table.unit_of(column)):
            return "pooled over all cases"
        return ""
    if all(one.n and one.n[0] == one.n[1] for one in members):
        if _weighted(values, [one.n[0] for one in members]).meets(wanted):
            return "weighted by the rows' cases"
        known = metric == "accuracy"
    else:
        known = table.cases is not None and metric in ("accuracy", "recall_positive", "recall_negative")
    within = min(v.low for v in values) <= wanted.high and wanted.low <= max(v.high for v in values)
    return OPEN if within and not known else ""


def _base(matrix, metric: str) -> int:
    """Cases that a rate of one matrix is out of."""
    return sum(a * b for a, b in zip(BASES[metric], matrix.matrix, strict=True))


def _weighted(values: list[Interval], weights: list[int]) -> Interval:
    """Average of intervals with known weights."""
    total = sum(weights) or 1
    ends = [sum(w * end for w, end in zip(weights, side, strict=True)) for side in zip(*values, strict=True)]
    return Interval(Fraction(ends[0]) / total, Fraction(ends[1]) / total)


def _divisor(values, used, printed) -> str:
    """Tell which divisor gives the printed ±, or whether it is a standard error, allowing for what was computed from.

    Moving the values by h_i moves the SD with divisor k - d by at most sqrt(sum h_i^2 / (k - d)).
    """
    k = len(values)
    moved = [max(float(one.high) - v, v - float(one.low)) for one, v in zip(used, values, strict=True)]
    h = math.sqrt(sum(one**2 for one in moved) / k)
    found, wanted = [], [float(end) for end in printed.sd_interval()]

    def prints(ddof: int, factor: float) -> bool:
        slack = factor * h * math.sqrt(k / (k - ddof)) + 1e-9
        return wanted[0] - slack <= factor * values.std(ddof=ddof) <= wanted[1] + slack

    found = [str(ddof) for ddof in (0, 1) if prints(ddof, 1.0)]
    if found:
        return " or ".join(found)
    for name, factor in (
        ("standard error", 1.0),
        ("95 % half-width", Z),
        ("95 % half-width", stats.t.ppf(0.975, k - 1)),
    ):
        if prints(1, factor / math.sqrt(k)):
            return name
    return "neither"


def _mends(cells, printed) -> dict[str, tuple[float, float]]:
    """Find rows of which one other value gives the printed mean and ± (divisor k - 1 or k)."""
    found, k = {}, len(cells)
    values = {name: float(cell.value) for name, cell in cells.items()}
    low, high = (float(end) for end in printed.interval())
    for name in values:
        rest = np.array([value for other, value in values.items() if other != name])
        grid = np.linspace(k * low - rest.sum(), k * high - rest.sum(), 101)
        if printed.sd is not None:
            ends = [float(end) for end in printed.sd_interval()]
            both = np.concatenate([np.tile(rest, (len(grid), 1)), grid[:, None]], axis=1)
            near = [(both.std(axis=1, ddof=d) >= ends[0]) & (both.std(axis=1, ddof=d) <= ends[1]) for d in (0, 1)]
            grid = grid[near[0] | near[1]]
        if len(grid) and grid[0] >= 0:
            found[name] = float(grid[0]), float(grid[-1])
    return found
