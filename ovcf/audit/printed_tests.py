"""Printed p-values, recomputed by every test and against other columns than the headed one."""

import numpy as np
import pandas as pd

from .behind import behind
from .findings import CONTRADICTION, NOTE, UNLIKELY, Ledger
from .paper import Paper
from .pvalues import SMOOTH, TESTS, Cell, how_computed, p_over_orders
from .recover import Recovery


def check_tests(paper: Paper, ledger: Ledger, recovery: Recovery, every: bool = True) -> pd.DataFrame:
    """Recompute every printed p-value by every test, also against other columns than the headed one.

    `every`: also by tests that are not named where one is and gives the printed p.

    What it cannot see: a test on data that are not printed, or one that was chosen after its p was seen.
    """
    tables = []
    for entry in paper.tests:
        row, column = paper.row(entry["p"]), str(entry["p"]).rpartition(" / ")[2].strip()
        if row is None or paper.column(row.table, column) not in row.cells:
            continue
        table, printed = paper.tables[row.table], row.cells[paper.column(row.table, column)].printed
        first, second = (_sample(paper, recovery, entry[side]) for side in ("first", "second"))
        place = table.place_of(row.name, paper.column(row.table, column))
        if min(len(first), len(second)) < 2:
            continue
        tests = SMOOTH if not every else tuple(TESTS)
        named = {} if entry["method"] is None else {"widen": [str(entry["method"])]}
        found = how_computed(printed, first, second, **named, tests=tests)
        found = found.assign(place=place, printed=printed.text, columns="as headed")
        mended = entry["method"] is None or str(entry["method"]) in list(found.loc[found["fits"], "test"])
        other = [] if mended else _other_columns(paper, recovery, entry, printed, first)
        tables.append(pd.concat([found, *(one.assign(place=place) for one in other)]))
        _report_test(paper, ledger, entry, printed, place, found, other)
        _report_pairing(paper, ledger, entry, place, first, second, found)
    columns = ["place", "printed", "columns", "test", "p", "low", "high", "one_sided", "exact", "fits"]
    return pd.concat(tables)[columns].reset_index(drop=True) if tables else pd.DataFrame(columns=columns)


def _sample(paper, recovery, path) -> list[Cell]:
    """Numbers of a path's column and what may stand behind them, single rows and parts only; counts are exact."""
    table, _, rest = str(path).partition(" / ")
    column = paper.column(table.strip(), rest.rpartition(" / ")[2].strip())
    rows = [row for row in paper.rows(path) if row.kind in ("single", "part")]
    found = []
    for row in (one for one in rows if column in one.cells):
        value = row.cells[column].printed.value
        exact = paper.tables[row.table].kind == "counts"
        found.append(Cell(value, *((value, value) if exact else behind(paper, recovery, row, column))))
    return found


def _other_columns(paper, recovery, entry, printed, first) -> list[pd.DataFrame]:
    """Try the other columns of the second sample's table."""
    table_name, _, rest = str(entry["second"]).partition(" / ")
    pattern, _, column = rest.rpartition(" / ")
    table, found = paper.tables[table_name.strip()], []
    for other in table.columns if table.kind != "counts" else ():
        if other == paper.column(table.name, column.strip()):
            continue
        sample = _sample(paper, recovery, f"{table.name} / {pattern} / {other}")
        if len(sample) >= 2:
            heading = table.headings[table.columns.index(other)]
            tried = how_computed(printed, first, sample, tests=[str(entry["method"])])
            found.append(tried.assign(printed=printed.text, columns=f"against {heading}"))
    return found


def _report_test(paper, ledger, entry, printed, place, found, other):
    """Say whether the named test gives the printed p, and what does."""
    fitting = list(found.loc[found["fits"], "test"])
    named = None if entry["method"] is None else str(entry["method"])
    p = found.set_index("test")["p"]
    if named in fitting:
        return _report_question(paper, ledger, entry, printed, place, named, p)
    if named is not None and np.isnan(p[named]):
        return ledger.holds("p-value", place, f"{named} cannot be done on the printed numbers")
    against = [(one["columns"].iloc[0], list(one.loc[one["fits"], "test"])) for one in other]
    if named is None:
        exact = list(found.loc[found["exact"] & found["fits"], "test"])
        _report_unnamed(ledger, entry, printed, place, exact or fitting, p)
        return
    message = f"The test named, {named}, gives p = {_p(p[named])} on these columns; printed is {printed.text}."
    swapped = [columns for columns, tests in against if named in tests]
    if swapped:
        message += f" The same test gives it {' or '.join(swapped)}."
    if fitting:
        message += f" Other tests that give it: {', '.join(fitting)}."
    half = list(found.loc[found["one_sided"], "test"])
    if named in half:
        message += f" Half of it, the one-sided p, is {_p(p[named] / 2)} and fits."
    ledger.find("p-value", CONTRADICTION, place, printed.text, _p(p[named]), message, where=_table(entry))


def _report_question(paper, ledger, entry, printed, place, named, p):
    """The named test gives the printed p: does it answer what was asked of counts?"""
    ledger.holds("p-value", place, f"{named} gives {p[named]:.3g}")
    if named not in SMOOTH or not _counts(paper, entry) or np.isnan(p.get("chi-square", np.nan)):
        return
    message = (
        f"The {named} test gives {p[named]:.3f}, as printed. It takes the {_n(paper, entry)} counts of each "
        "column as measurements and asks whether their averages differ, which the two totals decide, not "
        "whether the cases are spread alike over the rows. A chi-square test of the table, which asks that, "
        f"gives {p['chi-square']:.3f}."
    )
    ledger.find(
        "p-question", NOTE, place, printed.text, f"{p['chi-square']:.3f} by chi-square", message, where=_table(entry)
    )


def _report_unnamed(ledger, entry, printed, place, fitting, p):
    """A p-value whose test is not named: say which tests give it."""
    others = ", ".join(
        f"{test} {_p(value)}" for test, value in p.items() if test not in fitting and not np.isnan(value)
    )
    if not fitting:
        message = f"The text names no test for this p; none of the usual ones gives {printed.text} ({others})."
        ledger.find("p-value", UNLIKELY, place, printed.text, others, message, where=_table(entry))
        return
    shown = ", ".join(f"{test} ({_p(p[test])})" for test in fitting)
    message = f"The text names no test for this p; {printed.text} is what these give: {shown}. Not: {others}."
    ledger.find("p-method", NOTE, place, printed.text, shown, message, where=_table(entry))


def _p(value) -> str:
    return (
        "not defined"
        if np.isnan(value)
        else (f"{value:.1e}" if value < 0.0005 else f"{value:.3g}" if value < 0.01 else f"{value:.3f}")
    )


def _counts(paper, entry) -> bool:
    return paper.tables[str(entry["first"]).partition(" / ")[0].strip()].kind == "counts"


def _table(entry) -> str:
    """Table that a p-value is printed in."""
    return str(entry["p"]).partition(" / ")[0].strip()


def _n(paper, entry) -> int:
    return len(_sample(paper, None, entry["first"]))


def _report_pairing(paper, ledger, entry, place, first, second, found):
    """Rows that are not of the same cases have no pairs of their own: show what the order does."""
    tables = [paper.tables[str(entry[side]).partition(" / ")[0].strip()] for side in ("first", "second")]
    named = str(entry["method"])
    if "paired" not in named or len(first) != len(second) or tables[0].name == tables[1].name:
        return
    same = tables[0].cases is not None and tables[0].cases == tables[1].cases
    if same:
        return
    low, high, tried = p_over_orders([float(x.value) for x in first], [float(x.value) for x in second])
    message = (
        f"A paired test needs two results of the same unit. Here rows of {tables[0].name} are set against "
        f"rows of {tables[1].name}, which are of different cases, so any of the {tried} ways to pair them is "
        f"as good; over these p runs from {_p(low)} to {_p(high)}. In the printed order it is "
        f"{_p(found.set_index('test')['p']['paired t'])}."
    )
    ledger.find(
        "pairing", NOTE, place, found["printed"].iloc[0], f"{_p(low)} to {_p(high)}", message, where=_table(entry)
    )
