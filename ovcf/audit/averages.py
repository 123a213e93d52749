"""Averages and their ±: recomputed under both divisors, and the one row that would mend them."""

import math
from typing import NamedTuple

import numpy as np

from .paper import Paper, Row, Table
from .printed import Interval, show


class Average(NamedTuple):
    """One printed average against its rows.

    `mean`: recomputed; `sd0`, `sd1`: with divisor k and k - 1; `fits`: whether the printed mean is possible
    given the rows' rounding; `ddof`: "0", "1", "0 or 1", "neither" or "" where no ± is printed; `mends`: rows
    of which one other value would give both the printed mean and ± (row -> lowest and highest such value).
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


def averages_of(paper: Paper, table: Table, row: Row) -> list[Average]:
    """Recompute every column of a mean row whose rows are printed in the same table."""
    members = [one for one in paper.rows(f"{table.name} / {row.of}") if one.kind == "single" and one is not row]
    found = []
    for column, cell in row.cells.items():
        cells = {one.name: one.cells[column].printed for one in members if column in one.cells}
        if len(cells) >= 2 and len(cells) == len(members):
            found.append(_average(table.place_of(row.name, column), column, cell.printed, cells))
    return found


def _average(place, column, printed, cells) -> Average:
    """Compare one printed average with its rows."""
    ends = [cell.interval() for cell in cells.values()]
    k = len(ends)
    mean = Interval(sum(end.low for end in ends) / k, sum(end.high for end in ends) / k)
    values = np.array([float(cell.value) for cell in cells.values()])
    fits = mean.meets(printed.interval())
    ddof = _divisor(values, ends, printed) if printed.sd is not None else ""
    mends = {} if fits and ddof != "neither" else _mends(cells, printed)
    exact, decimals = sum(cell.value for cell in cells.values()) / k, printed.decimals
    sd1, sd0 = values.std(ddof=1), values.std(ddof=0)
    shown = show(exact, decimals)
    if printed.sd is not None:
        shown += f" ± {show(sd0 if ddof == '0' else sd1, max(decimals, len(printed.sd_digits.partition('.')[2])))}"
    return Average(place, column, printed.text, k, float(exact), sd0, sd1, fits, ddof, mends, shown)


def _divisor(values, ends, printed) -> str:
    """Tell which divisor gives the printed ±, allowing for the rounding of every row.

    Moving each value by at most h moves the SD with divisor k - d by at most h sqrt(k / (k - d)).
    """
    h, k = float(max(end.high - end.low for end in ends)) / 2, len(values)
    found = []
    for ddof in (0, 1):
        slack = h * math.sqrt(k / (k - ddof)) + 1e-9
        sd, wanted = values.std(ddof=ddof), printed.sd_interval()
        if float(wanted.low) - slack <= sd <= float(wanted.high) + slack:
            found.append(str(ddof))
    return " or ".join(found) or "neither"


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
