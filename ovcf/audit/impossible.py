"""Rows that no whole numbers of cases give: what is wrong with them, and the smallest change that would mend it."""

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from .findings import CONTRADICTION, Ledger
from .matrices import solve
from .paper import Paper, Row, Set, Table
from .readings import STATED, Fit, Reading, mixed_columns, repairs, under

if TYPE_CHECKING:
    from .recover import Recovery


class Sized(NamedTuple):
    """Cases a row is measured on: number (low, high), positives it must have, whether those are `printed`.

    `most`: positive and negative cases of the whole set, where the row is a part of it.
    """

    n: tuple[int, int]
    positives: int | None
    printed: int | None
    most: tuple[int, int] | None = None


def report_totals(paper: Paper, ledger: Ledger, rows: list[Row], cases: Set, free: Fit, stated: Fit) -> None:
    """Say that the digits fit other class totals than the printed ones. Nothing is recovered under those."""
    n, fitting = cases.n[0], [row for row in rows if row.path in free.explained]
    printed = f"{cases.positive}/{n - cases.positive}"
    sizes = sorted(
        {size for row in fitting for size in _sizes(paper, row, cases.n)}, key=lambda p: abs(p - cases.positive)
    )
    common = [p for p in sizes if all(p in _sizes(paper, row, cases.n) for row in fitting)]
    fits = ", ".join(f"{p}/{n - p}" for p in (common or [free.positives])[:3])
    more = f" (or {len(common) - 3} other pairs)" if len(common) > 3 else ""
    message = (
        f"The digits of {len(fitting)} of {len(rows)} rows fit {fits}{more} {paper.positive} and "
        f"{paper.negative} cases; "
        f"{printed} is printed ({cases.place}), which {len(stated.explained)} of {len(rows)} rows fit."
    )
    if n - cases.positive in common:
        message += (
            " These are the printed totals the other way round: either they or the two classes' columns stand "
            "under each "
            "other's heading."
        )
    tables = list(dict.fromkeys(paper.tables[row.table].place for row in fitting))
    ledger.find("class-totals", CONTRADICTION, f"{', '.join(tables)}; {cases.place}", printed, fits, message, fitting)


def _sizes(paper: Paper, row: Row, n) -> set[int]:
    """Numbers of positive cases that a row as headed can have."""
    rates = {metric: interval for metric, (_, interval) in paper.tables[row.table].rates(row).items()}
    return {positives for _, positives in solve(rates, n).sizes}


def report_exchanged_rows(
    ledger: Ledger, table: Table, rows: list[Row], sizes: dict[str, Sized], stated: Fit
) -> set[str]:
    """Find two rows of which each fits the other's cases but not both their own; returns their paths."""
    found = set()
    for a, b in combinations([row for row in rows if row.path not in found], 2):
        own = [row.path in stated.explained for row in (a, b)]
        if all(own) or sizes[a.path][:2] == sizes[b.path][:2]:
            continue
        if all(_fits(table, row, sizes[other.path]) for row, other in ((a, b), (b, a))):
            found |= {a.path, b.path}
            message = (
                f"The numbers of {a.name} and {b.name} cannot both be had from their own cases "
                f"({_cases(sizes[a.path])}; "
                f"{_cases(sizes[b.path])}). With the two rows exchanged both can."
            )
            place = f"{table.place}: {a.name} and {b.name}"
            ledger.find("rows", CONTRADICTION, place, "as printed", "rows exchanged", message, [a, b])
    return found


def _fits(table, row, size: Sized) -> bool:
    rates = {metric: interval for metric, (_, interval) in table.rates(row).items()}
    return solve(rates, size.n, positives=size.positives, limit=1).count > 0


def _cases(size: Sized) -> str:
    n = f"{size.n[0]}" if size.n[0] == size.n[1] else f"{size.n[0]} to {size.n[1]}"
    return f"{n}, {size.positives} of them positive" if size.positives is not None else n


def report_impossible(
    paper: Paper,
    ledger: Ledger,
    recovery: "Recovery",
    row: Row,
    reading: Reading,
    size: Sized,
    tried: tuple[int, int] | None = None,
) -> None:
    """Say that no whole numbers of cases give a row, and what would be the smallest change that fits.

    `tried`: all numbers of cases that were searched, where that is more than `size` leaves for the row.
    """
    table, n = paper.tables[row.table], size.n
    printed = ", ".join(f"{row.cells[column].printed.text}" for column, _ in table.rates(row).values())
    found = repairs(table, row, reading, n, size.positives, size.most)
    mixed = mixed_columns(table, row, reading, n, size.positives) if n[0] == n[1] else []
    message = _which(paper, table, row, reading, size, tried or n, printed)
    if found:
        changes = _changes(table, found[0])
        message += f" The smallest change that gives a fit: {changes}."
        message += f" ({len(found) - 1} other changes of as few numbers would do.)" if len(found) > 1 else ""
        unique = len(found) == 1
        recovery.mended.update({row.path: found[0].changes} if unique else {})
        recovery.keep(row, found[0].matrix, reading.name, unique, changes)
    else:
        message += " No change of some of these numbers mends it while keeping one."
    if mixed:
        ways = "; ".join(
            f"{row.cells[one.column].printed.text} ({_heading(table, one.column)}) as "
            f"{paper.word(one.metric)}" + (", as headed" if one.metric == table.metrics[one.column] else "")
            for one in mixed[:3]
        )
        message += f" Without changing a digit it fits if one column is read apart from the other rows: {ways}."
    recomputed = _changes(table, found[0]) if found else "none"
    ledger.find("impossible", CONTRADICTION, table.place_of(row.name), printed, recomputed, message, [row])


def _which(paper, table, row, reading, size: Sized, tried, printed) -> str:
    """Say on which cases no whole numbers give the row, and whether other class totals would."""
    number = f"{tried[0]}" if tried[0] == tried[1] else f"{tried[0]} to {tried[1]}"
    text = f"No whole numbers of right and wrong answers on {number} cases"
    other: set[int] = set()
    if size.positives is not None:
        rates = under(reading, table.rates(row))
        other = {positives for _, positives in solve(rates, size.n, limit=500).sizes}
        whose = "as printed" if size.printed is not None else "which the other rows fit"
        text += (
            f" with {size.positives} {paper.positive} ones, {whose}, give {printed}" if other else f" give {printed}"
        )
    else:
        text += f" give {printed}"
    text += "." if reading.name == STATED else f", also when the columns are read as {reading.name}."
    if other:
        few = ", ".join(map(str, sorted(other, key=lambda p: abs(p - size.positives))[:3]))
        text += f" They do with {few} {paper.positive} ones{' and other numbers' if len(other) > 3 else ''}."
    return text


def _changes(table, repair) -> str:
    return ", ".join(f"{_heading(table, c)} {new} instead of {old}" for c, (old, new) in repair.changes.items())


def _heading(table, column) -> str:
    return table.headings[table.columns.index(column)]
