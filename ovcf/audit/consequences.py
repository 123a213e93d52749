"""What follows once a row is mended: the averages and p-values that its printed number went into."""

import numpy as np

from .findings import NOTE, Ledger
from .paper import Paper
from .printed import Printed, show
from .pvalues import TESTS, p_of
from .recover import Recovery
from .repeated import tables_with


def check_consequences(paper: Paper, ledger: Ledger, recovery: Recovery):
    """Recompute averages and p-values with every row replaced by its only smallest repair."""
    for path, changes in recovery.mended.items():
        row = paper.row(path)
        for column, (old, new) in changes.items():
            _averages(paper, ledger, row, column, old, new)
            _tests(paper, ledger, row, column, old, new)


def _averages(paper, ledger, row, column, old, new):
    """Say what an average would be with the mended value."""
    table = paper.tables[row.table]
    for one, mean in tables_with(paper, "mean"):
        members = paper.rows(f"{table.name} / {mean.of}") if one is table and mean.of else []
        members = [member for member in members if column in member.cells and member.kind == "single"]
        if row not in members or column not in mean.cells:
            continue
        values = [float(new if m is row else m.cells[column].printed.value) for m in members]
        printed = mean.cells[column].printed
        shown = show(np.mean(values), printed.decimals)
        shown += f" ± {show(np.std(values, ddof=1), printed.decimals)}" if printed.sd is not None else ""
        message = (
            f"This average is taken with {row.name}'s {old}, which no whole numbers of cases give; with "
            f"{new}, the smallest change that does, it would be {shown}."
        )
        ledger.find("consequence", NOTE, table.place_of(mean.name, column), printed.text, shown, message)


def _tests(paper, ledger, row, column, old, new):
    """Say what a p-value would be with the mended value, where that would be printed otherwise."""
    for entry in paper.tests:
        p_row = paper.row(entry["p"])
        p_column = p_row and paper.column(p_row.table, str(entry["p"]).rpartition(" / ")[2].strip())
        named = str(entry["method"])
        if not p_row or p_column not in p_row.cells or named not in TESTS:
            continue
        sides, touched = [], False
        for side in ("first", "second"):
            values, touches = _values(paper, entry[side], row, column, new)
            sides.append(values)
            touched |= touches
        printed: Printed = p_row.cells[p_column].printed
        if not touched or min(map(len, sides)) < 2:
            continue
        p = p_of(named, *sides)
        if not np.isnan(p) and not _prints_so(printed, p):
            place = paper.tables[p_row.table].place_of(p_row.name, p_column)
            message = f"The {named} test gives the printed p with {row.name}'s {old}, and {p:.2g} with {new}."
            ledger.find("consequence", NOTE, place, printed.text, f"{p:.2g}", message)


def _values(paper, path, row, column, new):
    """Values of a test's side with the mended one put in; and whether it was one of them."""
    table, _, rest = str(path).partition(" / ")
    wanted = paper.column(table.strip(), rest.rpartition(" / ")[2].strip())
    rows = [one for one in paper.rows(path) if one.kind in ("single", "part") and wanted in one.cells]
    hit = [one is row and wanted == column for one in rows]
    return [float(new if here else one.cells[wanted].printed.value) for one, here in zip(rows, hit, strict=True)], any(
        hit
    )


def _prints_so(printed: Printed, p: float) -> bool:
    """Tell whether p would be printed as it is, or as a bound that it keeps."""
    if printed.relation:
        return p < float(printed.value) if printed.relation == "<" else p > float(printed.value)
    return printed.interval().holds(p)
