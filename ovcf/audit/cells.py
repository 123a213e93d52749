"""What a single cell says besides its number: right answers of cases, an interval, and whether both can be."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import beta, binom, norm

from .bounds import auc_error
from .findings import CONTRADICTION, NOTE, UNLIKELY, Ledger
from .paper import Cell, Paper, Row, Table
from .printed import Interval, show
from .recover import Recovery
from .scores import PLAIN, SCORES, limits

# Metric -> what its denominator counts in a matrix (tp, fn, tn, fp).
BASES = {
    "accuracy": (1, 1, 1, 1),
    "recall_positive": (1, 1, 0, 0),
    "recall_negative": (0, 0, 1, 1),
    "miss_positive": (1, 1, 0, 0),
    "miss_negative": (0, 0, 1, 1),
    "precision_positive": (1, 0, 0, 1),
    "precision_negative": (0, 1, 1, 0),
}
NARROW, WIDE = 0.75, 1.6  # times the narrowest and the widest usual interval, beyond which a width is called out
COLUMNS = ["place", "printed", "cases", "could_be", "narrowest", "widest"]


class Proportion(NamedTuple):
    """An interval of hits out of cases under one method."""

    method: str
    low: float
    high: float


def intervals_of(hits: int, cases: int, level: float = 0.95) -> list[Proportion]:
    """Usual intervals of a proportion.

    Wilson (1927), Clopper and Pearson (1934), Wald, Agresti and Coull (1998), Jeffreys (Brown, Cai and DasGupta
    2001), and the percentile bootstrap in its limit of many replicates. Checked in tests against statsmodels.
    """
    z, p, tail = norm.ppf((1 + level) / 2), hits / cases, (1 - level) / 2
    half = z * np.sqrt(p * (1 - p) / cases)
    middle, wide = (p + z * z / (2 * cases)) / (1 + z * z / cases), 1 + z * z / cases
    wilson = z * np.sqrt(p * (1 - p) / cases + z * z / (4 * cases**2)) / wide
    more = cases + z * z
    shifted = (hits + z * z / 2) / more
    coull = z * np.sqrt(shifted * (1 - shifted) / more)
    exact = (beta.ppf(tail, hits, cases - hits + 1) if hits else 0.0,
             beta.ppf(1 - tail, hits + 1, cases - hits) if hits < cases else 1.0)  # fmt: skip
    jeffreys = (beta.ppf(tail, hits + 0.5, cases - hits + 0.5) if hits else 0.0,
                beta.ppf(1 - tail, hits + 0.5, cases - hits + 0.5) if hits < cases else 1.0)  # fmt: skip
    boot = binom.ppf([tail, 1 - tail], cases, p) / cases
    return [
        Proportion("Wilson", middle - wilson, middle + wilson),
        Proportion("Clopper-Pearson", *map(float, exact)),
        Proportion("Wald", p - half, p + half),
        Proportion("Agresti-Coull", shifted - coull, shifted + coull),
        Proportion("Jeffreys", *map(float, jeffreys)),
        Proportion("bootstrap", float(boot[0]), float(boot[1])),
    ]


def check_cells(paper: Paper, ledger: Ledger, recovery: Recovery) -> pd.DataFrame:
    """Check every rate's range, right answers and interval. Returns which methods each interval could be by.

    What it cannot see: an interval by a method that is not among `METHODS`, and a count that is wrong but lies in its
    range.
    """
    found: list[tuple] = []
    for table in (table for table in paper.tables.values() if table.kind != "counts"):
        for row in table.rows.values():
            for cell in row.cells.values() if row.kind in ("single", "mean") else ():
                if table.metrics[cell.column] in (*SCORES, "auc") and not cell.printed.relation:
                    _check_range(ledger, table, row, cell)
                    _check_ratio(paper, ledger, table, row, cell)
                    if cell.printed.ends:
                        found += _check_ends(paper, ledger, recovery, table, row, cell)
    return pd.DataFrame(found, columns=COLUMNS)


def _check_range(ledger: Ledger, table: Table, row: Row, cell: Cell) -> None:
    """A rate lies between 0 and 1 (MCC, kappa and Youden's J from -1)."""
    metric = table.metrics[cell.column]
    low, high = (0.0, 1.0) if metric == "auc" else limits(metric)
    value, unit = table.rate(row, cell.column), table.unit_of(cell.column)
    if value.high < low or value.low > high:
        shown = f"{low * unit:g} to {high * unit:g}"
        place = table.place_of(row.name, cell.column)
        message = f"This can only be {shown}; printed is {cell.printed.text}."
        ledger.find("range", CONTRADICTION, place, cell.printed.text, shown, message, [row])


def _check_ratio(paper: Paper, ledger: Ledger, table: Table, row: Row, cell: Cell) -> None:
    """Right answers of cases give the number before them, and are of as many cases as are printed elsewhere."""
    of, place = cell.printed.of, table.place_of(row.name, cell.column)
    if not of or of[1] is None:
        return
    unit = table.unit_of(cell.column)
    ratio = Fraction(of[0], of[1])
    if of[0] > of[1] or not table.rate(row, cell.column).holds(ratio):
        shown = show(ratio * unit, max(cell.printed.decimals, 2))
        message = f"{of[0]} of {of[1]} is {shown}, not {cell.printed.digits}."
        return ledger.find("count", CONTRADICTION, place, cell.printed.text, shown, message, [row])
    cases = paper.sets.get(table.cases or "")
    wanted = _printed_base(table.metrics[cell.column], row, cases) if row.kind == "single" else None
    if wanted is not None and wanted != of[1]:
        message = (
            f"This is out of {of[1]} cases; printed are {wanted}. Why {abs(wanted - of[1])} are missing is not said."
        )
        message = (
            message if wanted > of[1] else f"This is out of {of[1]} cases, more than the {wanted} that are printed."
        )
        severity = UNLIKELY if wanted > of[1] else CONTRADICTION
        return ledger.find("denominator", severity, place, f"of {of[1]}", f"of {wanted}", message, [row])
    ledger.holds("right answers", place, cell.printed.text)


def _printed_base(metric: str, row: Row, cases) -> int | None:
    """Cases that a rate is out of, where printed class totals say so."""
    n, positive, negative = _totals(row, cases)
    return {"accuracy": n, "recall_positive": positive, "recall_negative": negative}.get(metric)


def _totals(row: Row, cases) -> tuple[int | None, int | None, int | None]:
    """Printed numbers of cases, positive and negative ones, of a row or of its set."""
    if row.n and row.n[0] == row.n[1]:
        n = row.n[0]
        return n, row.positives, None if row.positives is None else n - row.positives
    if cases is None or not cases.n or cases.n[0] != cases.n[1]:
        return None, None, None
    return cases.n[0], cases.positive, cases.negative


def _check_ends(paper, ledger, recovery, table, row, cell) -> list[tuple]:
    """An interval holds its number, and some usual method gives it for as many cases."""
    low, high = (end.scaled(Fraction(1, table.unit_of(cell.column))) for end in cell.printed.end_intervals())
    value, place = table.rate(row, cell.column), table.place_of(row.name, cell.column)
    if low.low > value.high or high.high < value.low or low.low > high.high:
        message = f"The interval {cell.printed.ends[0]} to {cell.printed.ends[1]} does not hold {cell.printed.digits}."
        ledger.find("interval", CONTRADICTION, place, cell.printed.text, "does not hold its number", message, [row])
        return []
    metric = table.metrics[cell.column]
    if metric == "auc":
        return _check_auc_ends(paper, ledger, table, row, cell, (low, high))
    cases = _base(paper, recovery, table, row, cell)
    if cases is None or metric in PLAIN or row.kind != "single":
        return []
    return _check_method(ledger, table, row, cell, (low, high), cases)


def _base(paper, recovery, table, row, cell) -> int | None:
    """Cases that a rate is out of: as its cell says, as the matrix says, or as class totals say."""
    metric = table.metrics[cell.column]
    if cell.printed.of and cell.printed.of[1]:
        return cell.printed.of[1]
    matrix = recovery.unique_of(row.path)
    if matrix is not None and metric in BASES and not matrix.repaired:
        return sum(a * b for a, b in zip(BASES[metric], matrix.matrix, strict=True))
    return _printed_base(metric, row, paper.sets.get(table.cases or ""))


def _check_method(ledger, table, row, cell, ends, cases: int) -> list[tuple]:
    """Say which method gives an interval, or that none can on so many cases."""
    value, level, place = (
        table.rate(row, cell.column),
        float(cell.printed.level) / 100,
        table.place_of(row.name, cell.column),
    )
    hits = range(max(-(-value.low * cases // 1), 0), min(value.high * cases // 1, cases) + 1)
    tried = [one for x in hits for one in intervals_of(int(x), cases, level)]
    if not tried:
        return []  # no whole number of cases gives the rate: said elsewhere
    step = 1 / cases  # a bootstrap's quantiles are counts, and vary by one from run to run
    could = list(dict.fromkeys(t.method for t in tried if _gives(t, ends, step if t.method == "bootstrap" else 0.0)))
    widths = [min(t.high, 1) - max(t.low, 0) for t in tried]
    width = (float(ends[1].low - ends[0].high), float(ends[1].high - ends[0].low))
    unit = table.unit_of(cell.column)
    found = [(place, cell.printed.text, cases, ", ".join(could), min(widths) * unit, max(widths) * unit)]
    if table.method in {t.method for t in tried} and table.method not in could and table.method != "bootstrap":
        shown = next(t for t in tried if t.method == table.method)
        text = f"{show(shown.low * unit, cell.printed.decimals)} to {show(shown.high * unit, cell.printed.decimals)}"
        message = f"The {table.method} interval named for this table is {text} on {cases} cases."
        message += f" The printed one could be {' or '.join(could)}." if could else ""
        ledger.find("interval", CONTRADICTION, place, cell.printed.text, text, message, [row])
    elif could:
        ledger.holds("interval", place, f"could be {', '.join(could)}")
    else:
        _report_width(ledger, row, cell, place, width, (min(widths), max(widths)), cases, unit)
    return found


def _gives(one: Proportion, ends: tuple[Interval, Interval], slack: float) -> bool:
    """Tell whether a method's ends print so; an end beyond 0 or 1 may be printed as 0 or 1."""
    for computed, end in zip((one.low, one.high), ends, strict=True):
        options = {computed, min(max(computed, 0.0), 1.0)}
        if not any(float(end.low) - slack - 1e-9 <= x <= float(end.high) + slack + 1e-9 for x in options):
            return False
    return True


def _report_width(ledger, row, cell, place, width, usual, cases, unit) -> None:
    """No method gives the interval: say whether it is too narrow, too wide, or may be by another method."""
    text = f"{usual[0] * unit:.3g} to {usual[1] * unit:.3g}"
    if width[1] < NARROW * usual[0]:
        message = (
            f"On {cases} cases the usual {cell.printed.level} % intervals are {text} wide; this one is at most "
            f"{width[1] * unit:.3g} wide, as on about "
            f"{cases * (usual[0] / width[1]) ** 2 if width[1] > 0 else 0:.0f} cases."
        )
        return ledger.find("interval", UNLIKELY, place, cell.printed.text, f"{text} wide", message, [row])
    if width[0] > WIDE * usual[1]:
        message = (
            f"On {cases} cases the usual {cell.printed.level} % intervals are {text} wide; this one is at least "
            f"{width[0] * unit:.3g} wide. Cases that belong together (several of one patient) would widen it; "
            "how it was "
            "computed is not said."
        )
        return ledger.find("interval", UNLIKELY, place, cell.printed.text, f"{text} wide", message, [row])
    message = (
        f"No usual interval (Wilson, Clopper-Pearson, Wald, Agresti-Coull, Jeffreys, bootstrap) on {cases} cases "
        "prints so; "
        "its width is one that a bootstrap or cases that belong together could give."
    )
    ledger.find("interval", NOTE, place, cell.printed.text, f"{text} wide", message, [row])


def _check_auc_ends(paper, ledger, table, row, cell, ends) -> list[tuple]:
    """Hold the width of an AUC's interval against its sampling error at its class totals."""
    cases = paper.sets.get(table.cases or "")
    _, positive, negative = _totals(row, cases)
    place, auc = table.place_of(row.name, cell.column), float(cell.printed.value) / table.unit_of(cell.column)
    if not positive or not negative or row.kind != "single" or not 0.5 < auc < 1:
        return []
    z = norm.ppf((1 + float(cell.printed.level) / 100) / 2)
    usual = 2 * z * auc_error(auc, positive, negative)
    most = 2 * z * np.sqrt(auc * (1 - auc) / min(positive, negative))  # no AUC varies more (Birnbaum and Klose 1957)
    width = (float(ends[1].low - ends[0].high), float(ends[1].high - ends[0].low))
    if width[1] < usual / 2 or width[0] > 1.15 * most:
        side = "narrower" if width[1] < usual / 2 else "wider"
        message = (
            f"With {positive} and {negative} cases an interval of this AUC is about {usual:.3f} wide and hardly "
            "more than "
            f"{most:.3f}; the printed one is {(width[0] + width[1]) / 2:.3f}, {side} than sampling alone explains."
        )
        ledger.find("interval", UNLIKELY, place, cell.printed.text, f"about {usual:.3f} wide", message, [row])
    else:
        ledger.holds("interval", place, f"sampling alone gives about {usual:.3f}")
    return [(place, cell.printed.text, positive + negative, "", usual, float(most))]
