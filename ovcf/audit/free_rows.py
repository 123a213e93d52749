"""Can the numbers of one row stand beside one another, whatever the number of cases?"""

import math
from fractions import Fraction

from . import scale_free
from .findings import CONTRADICTION, Ledger
from .matrices import LARGEST_N
from .paper import Paper, Row, Set, Table
from .printed import Interval, show
from .readings import Reading, readings_of, under
from .repeated import tables_with
from .scores import SCORES, UNBOUNDED

LINEAR = ("recall_positive", "recall_negative", "recall_macro", "youden")  # equations among these survive averaging


def check_scale_free(paper: Paper, ledger: Ledger) -> None:
    """Hold the rates of every row against one another where no number of cases allows an exact search.

    What it cannot see: an error that leaves the rates of a row in agreement with some number of cases.
    """
    for table in paper.tables.values():
        rows = [row for row in table.singles() if len(table.rates(row)) > 1 and not _sized(paper, table, row)]
        free = [
            row
            for row in rows
            if _check_row(paper, ledger, table, row, {m: i for m, (_, i) in table.rates(row).items()})
        ]
        if free:
            _report_unsized(paper, ledger, table, free)
    for table, row in tables_with(paper, "mean"):
        if not row.copy_of:
            _check_mean(paper, ledger, table, row)


def _sized(paper: Paper, table: Table, row: Row) -> bool:
    """Tell whether a row says on how many cases it was measured, few enough to be searched."""
    cases = paper.sets.get(table.cases or table.folds_of or "")
    n = row.n or (cases and cases.n)
    return bool(n and n[1] <= LARGEST_N)


def honest_readings(table: Table) -> list[Reading]:
    """Readings that change no heading: as headed, and averages under names that say no class."""
    bare = [table.metrics[column] for column in table.bare()]
    return [reading for reading in readings_of(table.metrics.values(), bare) if reading.honest]


def _check_row(paper: Paper, ledger: Ledger, table: Table, row: Row, rates: dict[str, Interval], words="") -> bool:
    """Report a row that no share of positive cases allows under any honest reading; True if some does."""
    share = _share(paper.sets.get(table.cases or ""))
    place = table.place_of(row.name)
    for reading in honest_readings(table):
        mapped = under(reading, {metric: ("", interval) for metric, interval in rates.items()})
        if scale_free.possible(_floats(mapped), share):
            ledger.holds("rates beside one another", place, reading.name)
            return True
    floats = _floats(rates)
    some = scale_free.conflict(floats, share)
    last = max(some, key=_told_last)
    others = {metric: floats[metric] for metric in some if metric != last}
    column = table.column_of(last, last)
    unit, printed = table.unit_of(column), row.cells[column].printed
    span = scale_free.span(last, others, share)
    shown = _span(span, unit, printed.decimals) if span else "not possible"
    given = " and ".join(f"{paper.word(m)} {row.cells[table.column_of(m, m)].printed.text}" for m in others)
    message = (
        f"Whatever the number of cases{words}: with {given}, " if others else f"Whatever the number of cases{words}: "
    )
    message += f"{paper.word(last)} lies within {shown}" if span else "these cannot stand together"
    message += f"; printed is {printed.text}."
    ledger.find("scale-free", CONTRADICTION, table.place_of(row.name, column), printed.text, shown, message, [row])
    return False


def _told_last(metric: str) -> int:
    """Of the rates that contradict, the one that a reader would compute from the others."""
    order = ("recall_positive", "recall_negative", "precision_positive", "precision_negative", "accuracy")
    return order.index(metric) if metric in order else len(order)


def _span(span: tuple[float, float], unit: int, decimals: int) -> str:
    low, high = (show(min(max(end, -1e6), 1e6) * unit, max(decimals, 2)) for end in span)
    return low if low == high else f"{low} to {high}"


def _floats(rates: dict[str, Interval]) -> scale_free.Rates:
    return {m: (float(i.low), float(i.high)) for m, i in rates.items() if m in SCORES}


def _share(cases: Set | None) -> tuple[float, float]:
    """Share of positive cases, where class totals are printed."""
    if cases is None or not cases.positive or not cases.negative:
        return 0.0, 1.0
    share = cases.positive / (cases.positive + cases.negative)
    return share, share


def _report_unsized(paper: Paper, ledger: Ledger, table: Table, rows: list[Row]) -> None:
    """Say what could not be checked because no number of cases is printed, or too many are."""
    cases = paper.sets.get(table.cases or table.folds_of or "")
    n = rows[0].n or (cases and cases.n)
    why = f"with {n[1]:,} cases too many matrices fit" if n else "the number of cases is not printed"
    message = (
        f"For {len(rows)} row{'s' if len(rows) > 1 else ''} {why}, so whether whole numbers of cases give these "
        "digits was "
        "not tried; only what holds on any number of cases was, and it holds."
    )
    decides = "the four counts of each row" if n else "the number of cases, better the four counts of each row"
    shown = "no number of cases" if not n else f"{n[1]:,} cases"
    ledger.undecided("no-size", table.place, shown, "not tried", message, rows, decides)


def _check_mean(paper: Paper, ledger: Ledger, table: Table, row: Row) -> None:
    """A row of means: what is linear holds for the means; with ±, every single fold lies near enough to be held."""
    k = _folds_of(paper, table, row)
    rates = {metric: _widened(table, row, column, 0) for metric, (column, _) in table.rates(row).items()}
    linear = {metric: interval for metric, interval in rates.items() if metric in LINEAR}
    if len(linear) > 2 and not _check_row(paper, ledger, table, row, linear, " and of folds"):
        return
    sds = [row.cells[column].printed.sd for column, _ in table.rates(row).values()]
    if k and k > 1 and len(rates) > 1 and None not in sds:
        near = {metric: _widened(table, row, column, k) for metric, (column, _) in table.rates(row).items()}
        _check_row(paper, ledger, table, row, near, ", for each single fold of this mean and ±")


def _widened(table: Table, row: Row, column: str, k: int) -> Interval:
    """Values of a mean (k = 0), or of every single of k values with this mean and SD: at most SD sqrt(k - 1) away."""
    printed, unit = row.cells[column].printed, table.unit_of(column)
    interval, half = table.rate(row, column), Fraction(1, 2 * unit * 10**printed.decimals)
    away = half
    if k and printed.sd is not None:
        away += Fraction(math.sqrt(k - 1) * float(printed.sd_interval().high + half * unit) / unit)
    low, high = interval.low - away, interval.high + away
    if table.metrics[column] in UNBOUNDED:
        return Interval(max(low, Fraction(0)), high)
    return Interval(low, high)


def _folds_of(paper: Paper, table: Table, row: Row) -> int | None:
    """Number of rows that a mean is taken over."""
    return len(paper.rows(f"{table.name} / {row.of}")) if row.of else row.over
