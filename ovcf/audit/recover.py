"""Recover confusion matrices from every table: rows that share cases together, folds together."""

from typing import NamedTuple

from .findings import CONTRADICTION, UNLIKELY, Ledger, Recovered
from .folds import Parts, check_totals, parts_of
from .matrices import LARGEST_N, solve
from .paper import Paper, Row
from .readings import (
    STATED,
    Fit,
    Reading,
    chance_of,
    fit_shared,
    mixed_columns,
    printed_rates,
    rank,
    readings_of,
    repairs,
    under,
)

MOST_LISTED = 25  # matrices of one row that are worth listing


class Recovery(NamedTuple):
    """What the solver found: matrices, ranked readings of each group of rows, folds of each table."""

    matrices: list[Recovered]
    fits: dict[str, list[Fit]]
    parts: dict[str, Parts]
    mended: dict[str, dict[str, tuple[str, str]]]

    def unique_of(self, path: str) -> Recovered | None:
        """The matrix of a row, if only one fits."""
        found = [matrix for matrix in self.matrices if f"{matrix.table} / {matrix.row}" == path]
        return found[0] if len(found) == 1 and found[0].unique else None

    def all_of(self, path: str) -> list[Recovered]:
        return [matrix for matrix in self.matrices if f"{matrix.table} / {matrix.row}" == path]


def recover(paper: Paper, ledger: Ledger, hints: dict[str, str] | None = None, simulate=True) -> Recovery:
    """Solve every row of rates that says on how many cases it was measured.

    `hints`: headed metric -> metric that rows copied from another table were seen to hold; decides between
    readings that explain the same rows. `simulate`: also say how likely it is that another reading fits by
    chance.
    """
    recovery = Recovery([], {}, {}, {})
    for name, rows in _shared_groups(paper).items():
        recovery.fits[name] = _solve_shared(paper, ledger, recovery, name, rows, hints or {}, simulate)
    for table in paper.tables.values():
        if table.folds_of and table.singles():
            parts = parts_of(paper, table)
            recovery.parts[table.name] = parts
            _report_parts(paper, ledger, recovery, table, parts)
        elif not table.cases:
            _solve_alone(paper, ledger, recovery, table)
    return recovery


def _shared_groups(paper: Paper) -> dict[str, list[Row]]:
    """Rows of all tables by the set of cases that they share, where that set's size is printed."""
    groups: dict[str, list[Row]] = {}
    for table in paper.tables.values():
        if table.cases and paper.sets[table.cases].n and paper.sets[table.cases].n[1] <= LARGEST_N:
            rows = [row for row in table.singles() if printed_rates(table, row)]
            groups.setdefault(table.cases, []).extend(rows)
    return {name: rows for name, rows in groups.items() if rows}


# Rows on the same cases
# ------------------------------------------------------------------------------------------


def _solve_shared(paper, ledger, recovery, name, rows, hints, simulate) -> list[Fit]:
    """Find the reading and class size that rows on one set of cases share; report what follows."""
    cases = paper.sets[name]
    rates = {row.path: printed_rates(paper.tables[row.table], row) for row in rows}
    metrics = list(dict.fromkeys(metric for row in rates.values() for metric in row))
    stated = fit_shared(rates, cases.n, Reading(STATED, {}, 0), cases.positive)
    if len(stated.explained) == len(rows) or not stated.settled:
        ledger.holds("matrices", _places(paper, rows), f"fit as headed ({cases.place})")
        _keep(recovery, paper, rows, stated, cases)
        return [stated]
    others = [fit_shared(rates, cases.n, reading, cases.positive) for reading in readings_of(metrics)[1:]]
    fits = rank([stated, *others])
    best = _preferred(fits, hints)
    fits = _first(fits, best)[:6]
    if simulate and _better(best, stated, len(rows)):  # simulated only where something will be said
        fits = [fit._replace(chance=chance_of(fit, rates, cases.n[0])) for fit in fits[:3]] + fits[3:]
    best = fits[0]
    if _better(best, stated, len(rows)):
        _report_reading(paper, ledger, name, rows, best, stated, fits)
    else:
        best = stated
    _keep(recovery, paper, rows, best, cases)
    for row in rows:
        if row.path not in best.explained:
            _report_impossible(paper, ledger, recovery, row, best, cases.n, best.positives)
    return fits


def _preferred(fits, hints) -> Fit:
    """Best fit; among those that explain as many rows, the one under which most hints hold."""
    best = [fit for fit in fits if len(fit.explained) == len(fits[0].explained) and fit.reading.plain <= 2]
    agree = {id(fit): sum(fit.reading.of(a) == b for a, b in hints.items()) for fit in best}
    return max(best, key=lambda fit: (agree[id(fit)], -fit.reading.plain)) if best else fits[0]


def _first(fits, best) -> list[Fit]:
    return [best] + [fit for fit in fits if fit is not best]


def _better(best: Fit, stated: Fit, rows: int) -> bool:
    """Tell whether another reading is to be believed: it mends two rows, or the only one."""
    gain = len(best.explained) - len(stated.explained)
    return best.reading.name != STATED and (gain >= 2 or (gain == 1 and rows == 1 and best.reading.plain <= 2))


def _report_reading(paper, ledger, name, rows, best, stated, fits):
    """Say that the columns cannot be what their headings say, and what they can be."""
    cases, shown = paper.sets[name], best.reading.mapping
    words = "; ".join(f"'{_headed(paper, rows, a)}' as {paper.word(b)}" for a, b in shown.items())
    total, n = len(rows), f"{cases.n[0]}"
    message = (
        f"These {total} rows are measured on the same {n} cases, so all must have the same number of "
        f"{paper.positive} ones. Read as headed, at most {len(stated.explained)} of {total} rows can. "
        f"Reading {words} fits {len(best.explained)} of {total}, with {best.positives} {paper.positive} and "
        f"{cases.n[0] - best.positives} {paper.negative} cases."
    )
    if best.chance == best.chance:  # simulated
        message += f" The chance that correctly headed rows would allow this is about {best.chance:.1g}."
    twins = [
        fit.reading
        for fit in fits[1:]
        if len(fit.explained) == len(best.explained) and fit.positives is not None and fit.reading.plain <= 2
    ]
    if twins:
        message += (
            f" The same rows fit as well with {twins[0].name}; the two differ in which class is meant, which "
            "exchanges sensitivity and specificity, and the printed numbers cannot tell them apart."
        )
    printed = f"headed {', '.join(_headed(paper, rows, metric) for metric in shown)}"
    ledger.find("reading", CONTRADICTION, _places(paper, rows), printed, words, message)


def _headed(paper, rows, metric) -> str:
    """Heading under which a metric is printed."""
    table = paper.tables[rows[0].table]
    column = table.column_of(metric, metric)
    return table.headings[table.columns.index(column)] if column else metric


def _places(paper, rows) -> str:
    """Name the tables and rows of a group, shortly."""
    tables = dict.fromkeys(paper.tables[row.table].place for row in rows)
    return f"{', '.join(tables)}: {rows[0].name}" + (f" to {rows[-1].name}" if len(rows) > 1 else "")


def _keep(recovery, paper, rows, fit: Fit, cases):
    """Store the matrices of the rows that fit."""
    for row in rows:
        found = fit.solutions[row.path]
        if row.path not in fit.explained or len(found.matrices) > MOST_LISTED or not fit.settled:
            continue
        unique = found.unique and fit.alone
        for matrix in found.matrices if fit.alone else ():
            recovery.matrices.append(_recovered(row, matrix, fit.reading.name, unique))


def _recovered(row, matrix, reading, unique, repaired="") -> Recovered:
    return Recovered(row.table, row.name, *(int(x) for x in matrix), reading, bool(unique), repaired)


def _report_impossible(paper, ledger, recovery, row, fit, n, positives):
    """Say that no whole numbers of cases give a row, and what would be the smallest change that fits."""
    table = paper.tables[row.table]
    rates = printed_rates(table, row)
    printed = ", ".join(f"{row.cells[column].printed.text}" for column, _ in rates.values())
    found = repairs(table, row, fit.reading, n, positives)
    rates = under(fit.reading, printed_rates(table, row, truncated=True))
    cut = solve(rates, n, positives=positives, limit=1).count > 0
    mixed = mixed_columns(table, row, fit.reading, n, positives) if n[0] == n[1] else []
    size = f"{n[0]}" if n[0] == n[1] else f"{n[0]} to {n[1]}"
    share = f" with {positives} {paper.positive} ones" if positives is not None else ""
    message = f"No whole numbers of right and wrong answers on {size} cases{share} give {printed}"
    message += "." if fit.reading.name == STATED else f", also when the columns are read as {fit.reading.name}."
    if found:
        changes = _changes(table, found[0])
        message += f" The smallest change that gives a fit: {changes}."
        message += f" ({len(found) - 1} other changes of as few numbers would do.)" if len(found) > 1 else ""
        unique = len(found) == 1
        recovery.mended.update({row.path: found[0].changes} if unique else {})
        recovery.matrices.append(_recovered(row, found[0].matrix, fit.reading.name, unique, changes))
    else:
        message += " No change of some of these numbers mends it while keeping one."
    if mixed:
        ways = "; ".join(
            f"{row.cells[one.column].printed.text} ({_heading(table, one.column)}) as "
            f"{paper.word(one.metric)}" + (", as headed" if one.metric == table.metrics[one.column] else "")
            for one in mixed[:3]
        )
        message += f" Without changing a digit it fits if one column is read apart from the other rows: {ways}."
    if cut:
        message += " It fits if digits were cut off where others are rounded."
    recomputed = _changes(table, found[0]) if found else "none"
    severity = UNLIKELY if cut else CONTRADICTION
    ledger.find("impossible", severity, table.place_of(row.name), printed, recomputed, message)


def _changes(table, repair) -> str:
    return ", ".join(f"{_heading(table, c)} {new} instead of {old}" for c, (old, new) in repair.changes.items())


def _heading(table, column) -> str:
    return table.headings[table.columns.index(column)]


# Rows on their own
# -----------------------------------------------------------------------------------------------


def _solve_alone(paper, ledger, recovery, table):
    """Solve rows that print their own number of cases; the reading is chosen for the whole table."""
    rows = [row for row in table.singles() if row.n and row.n[1] <= LARGEST_N and printed_rates(table, row)]
    if not rows:
        return
    rates = {row.path: printed_rates(table, row) for row in rows}
    sizes = {row.path: row.n for row in rows}
    fits = [_fit_each(rates, sizes, reading) for reading in readings_of(list(table.metrics.values()))]
    stated, fits = fits[0], rank(fits)
    best = fits[0] if _better(fits[0], stated, len(rows)) and fits[0].reading.plain <= 2 else stated
    if best is not stated:
        words = "; ".join(f"{paper.word(a)} as {paper.word(b)}" for a, b in best.reading.mapping.items())
        message = (
            f"Read as headed, whole numbers of cases fit {len(stated.explained)} of these {len(rows)} rows; "
            f"reading {words} fits {len(best.explained)}."
        )
        ledger.find("reading", CONTRADICTION, table.place, "as headed", words, message)
    recovery.fits[table.name] = fits[:6]
    for row in rows:
        found = best.solutions[row.path]
        if not found.count:
            _report_impossible(paper, ledger, recovery, row, best, row.n, None)
        else:
            ledger.holds("matrices", table.place_of(row.name), "unique" if found.unique else f"{found.count:,} fit")
            for matrix in found.matrices if found.count <= MOST_LISTED else ():
                recovery.matrices.append(_recovered(row, matrix, best.reading.name, found.unique))


def _fit_each(rates, sizes, reading) -> Fit:
    """Fit one reading to rows that share nothing."""
    solutions = {path: solve(under(reading, row), sizes[path], limit=500) for path, row in rates.items()}
    return Fit(reading, None, solutions, [path for path, found in solutions.items() if found.count])


# Folds of a set
# -----------------------------------------------------------------------------------------------


def _report_parts(paper, ledger, recovery, table, parts: Parts):
    """Store the matrices of folds and compare their class totals with those printed for the whole set."""
    cases = paper.sets[table.folds_of]
    rows = {row.path: row for row in table.singles()}
    for path, found in parts.solutions.items():
        if not found.count and printed_rates(table, rows[path]):
            fit = Fit(Reading(STATED, {}, 0), None, parts.solutions, [])
            _report_impossible(paper, ledger, recovery, rows[path], fit, parts.n, None)
        for matrix in found.matrices if found.count <= MOST_LISTED else ():
            recovery.matrices.append(_recovered(rows[path], matrix, STATED, found.unique))
    if any(not found.count for found in parts.solutions.values()) or not parts.totals:
        return ledger.holds("class totals", table.place, "not settled by the printed digits")
    check_totals(paper, ledger, table, cases, parts)
