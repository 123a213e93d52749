"""Recover confusion matrices from every table: rows that share cases together, folds together, others alone."""

from collections.abc import Iterable
from typing import NamedTuple

from .findings import CONTRADICTION, NOTE, Ledger, Recovered
from .folds import Parts, check_totals, parts_of
from .impossible import Sized, report_exchanged_rows, report_impossible, report_totals
from .matrices import LARGEST_N, solve
from .paper import Paper, Row, Set, Table
from .readings import STATED, Fit, Reading, chance_of, fit_shared, rank, readings_of, under

MOST_LISTED = 25  # matrices of one row that are worth listing


class Recovery(NamedTuple):
    """What the solver found: matrices, ranked readings of each group of rows, folds of each table.

    `mended`: row path -> column -> (printed, mended) where one smallest repair is the only one.
    """

    matrices: list[Recovered]
    fits: dict[str, list[Fit]]
    parts: dict[str, Parts]
    mended: dict[str, dict[str, tuple[str, str]]]

    def unique_of(self, path: str) -> Recovered | None:
        """The matrix of a row, if only one fits."""
        found = self.all_of(path)
        return found[0] if len(found) == 1 and found[0].unique else None

    def all_of(self, path: str) -> list[Recovered]:
        """All matrices that were listed for a row."""
        return [matrix for matrix in self.matrices if matrix.path == path]

    def keep(self, row: Row, matrix: Iterable[int], reading: str, unique: bool, repaired: str = "") -> None:
        """Store one matrix of a row."""
        self.matrices.append(Recovered(row.table, row.name, *(int(x) for x in matrix), reading, bool(unique), repaired))


def recover(paper: Paper, ledger: Ledger, hints: dict[str, str] | None = None, simulate: bool = True) -> Recovery:
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
            rows = [row for row in table.singles() if table.rates(row)]
            groups.setdefault(table.cases, []).extend(rows)
    return {name: rows for name, rows in groups.items() if rows}


def _readings(paper: Paper, rows: list[Row], rates: dict[str, dict]) -> list[Reading]:
    """Readings of the columns of these rows, as headed first."""
    tables = [paper.tables[name] for name in dict.fromkeys(row.table for row in rows)]
    bare = {table.metrics[column] for table in tables for column in table.bare()}
    return readings_of(dict.fromkeys(metric for row in rates.values() for metric in row), bare)


# Rows on the same cases
# ------------------------------------------------------------------------------------------


def _solve_shared(paper, ledger, recovery, name, rows, hints, simulate) -> list[Fit]:
    """Find the reading and class size that rows on one set of cases share; report what follows."""
    cases = paper.sets[name]
    rates = _as_meant(paper, ledger, rows, cases)
    readings = readings_of(dict.fromkeys(metric for row in rates.values() for metric in row))
    stated = fit_shared(rates, cases.n, readings[0], cases.positive)
    if len(stated.explained) == len(rows) or not stated.settled:
        ledger.holds("matrices", _places(paper, rows), f"fit as headed ({cases.place})")
        _keep(recovery, rows, stated)
        return [stated]
    others = [fit_shared(rates, cases.n, reading, cases.positive) for reading in readings[1:]]
    fits = rank([stated, *others])
    best = _preferred(fits, hints)
    free = fit_shared(rates, cases.n, readings[0]) if cases.positive is not None else stated
    fits = _first(fits, best)[:6]
    if simulate and _better(best, stated, len(rows)):  # simulated only where something will be said
        fits = [fit._replace(chance=chance_of(fit, rates, cases.n[0])) for fit in fits[:3]] + fits[3:]
    best = fits[0]
    if _better(best, stated, len(rows)):
        _report_reading(paper, ledger, name, rows, best, stated, fits)
    else:
        best = stated
    _keep(recovery, rows, best)
    if len(free.explained) > len(best.explained):
        report_totals(paper, ledger, rows, cases, free, stated)
        rows = [row for row in rows if row.path not in free.explained]
    for row in rows:
        if row.path not in best.explained:
            report_impossible(
                paper, ledger, recovery, row, best.reading, Sized(cases.n, best.positives, cases.positive)
            )
    return fits


def _as_meant(paper: Paper, ledger: Ledger, rows: list[Row], cases: Set) -> dict[str, dict]:
    """Rates of rows on one set; columns that say no class are taken as averages in tables where only that fits."""
    found = {}
    for name in dict.fromkeys(row.table for row in rows):
        table, own = paper.tables[name], [row for row in rows if row.table == name]
        rates = {row.path: table.rates(row) for row in own}
        honest = [one for one in _readings(paper, own, rates) if one.honest] if table.bare() else []
        fitting = (one for one in honest if all(_count(under(one, rates[r.path]), cases) for r in own))
        reading = next(fitting, None)
        if reading is not None and reading.name != STATED:
            report_averages(ledger, _places(paper, own), reading, len(own))
            rates = {path: {reading.of(m): value for m, value in row.items()} for path, row in rates.items()}
        found |= rates
    return found


def _count(rates: dict, cases: Set) -> int:
    return solve(rates, cases.n, positives=cases.positive, limit=1).count


def report_averages(ledger: Ledger, place: str, reading: Reading, rows: int) -> None:
    """Note that columns whose names say no class fit as averages over both, not as those of the positive class."""
    message = (
        f"The headings do not say which class is meant. Read as those of the positive class, not every row can be had "
        f"from whole numbers of cases; read as {reading.name} over both classes, all {rows} can."
    )
    ledger.find("averages", NOTE, place, "no class named", reading.name, message)


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
        f"{paper.positive} ones"
    )
    message += f", {cases.positive} as printed" if cases.positive is not None else ""
    message += (
        f". Read as headed, at most {len(stated.explained)} of {total} rows can. "
        f"Reading {words} fits {len(best.explained)} of {total}, with {best.positives} {paper.positive} and "
        f"{cases.n[0] - best.positives} {paper.negative} cases."
    )
    if best.reading.name == "classes swapped" and cases.positive is not None:
        message += " The same fits if the two printed class totals stand the other way round."
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
    ledger.find("reading", CONTRADICTION, _places(paper, rows), printed, words, message, rows)


def _headed(paper, rows, metric) -> str:
    """Heading under which a metric is printed."""
    table = paper.tables[rows[0].table]
    column = table.column_of(metric, metric)
    return table.headings[table.columns.index(column)] if column else metric


def _places(paper, rows) -> str:
    """Name the tables and rows of a group, shortly."""
    tables = dict.fromkeys(paper.tables[row.table].place for row in rows)
    return f"{', '.join(tables)}: {rows[0].name}" + (f" to {rows[-1].name}" if len(rows) > 1 else "")


def _keep(recovery: Recovery, rows, fit: Fit):
    """Store the matrices of the rows that fit."""
    for row in rows:
        found = fit.solutions[row.path]
        if row.path not in fit.explained or len(found.matrices) > MOST_LISTED or not fit.settled:
            continue
        for matrix in found.matrices if fit.alone else ():
            recovery.keep(row, matrix, fit.reading.name, found.unique)


# Rows on their own
# -----------------------------------------------------------------------------------------------


def _solve_alone(paper, ledger, recovery, table: Table):
    """Solve rows that print their own number of cases; the reading is chosen for the whole table."""
    rows = [row for row in table.singles() if row.n and row.n[1] <= LARGEST_N and table.rates(row)]
    if not rows:
        return
    rates = {row.path: table.rates(row) for row in rows}
    sizes = {row.path: Sized(row.n, row.positives, row.positives) for row in rows}
    fits: list[Fit] = []
    for reading in _readings(paper, rows, rates):  # honest ones come first, and if one fits that is all
        fits.append(_fit_each(rates, sizes, reading))
        if reading.honest and len(fits[-1].explained) == len(rows):
            break
    honest = fits[-1] if fits[-1].reading.honest and len(fits[-1].explained) == len(rows) else None
    stated, fits = fits[0], rank(fits)
    best = fits[0] if _better(fits[0], stated, len(rows)) and fits[0].reading.plain <= 2 else stated
    best = honest or best
    exchanged = set() if honest else report_exchanged_rows(ledger, table, rows, sizes, stated)
    if exchanged:
        best = stated
    if not best.reading.honest:
        words = "; ".join(f"{paper.word(a)} as {paper.word(b)}" for a, b in best.reading.mapping.items())
        message = (
            f"Read as headed, whole numbers of cases fit {len(stated.explained)} of these {len(rows)} rows; "
            f"reading {words} fits {len(best.explained)}."
        )
        ledger.find("reading", CONTRADICTION, table.place, "as headed", words, message, rows)
    elif best.reading.name != STATED:
        report_averages(ledger, table.place, best.reading, len(rows))
    recovery.fits[table.name] = fits[:6]
    for row in rows:
        found = best.solutions[row.path]
        if not found.count and row.path not in exchanged:
            report_impossible(paper, ledger, recovery, row, best.reading, sizes[row.path])
        elif found.count:
            ledger.holds("matrices", table.place_of(row.name), "unique" if found.unique else f"{found.count:,} fit")
            for matrix in found.matrices if found.count <= MOST_LISTED else ():
                recovery.keep(row, matrix, best.reading.name, found.unique)


def _fit_each(rates, sizes, reading) -> Fit:
    """Fit one reading to rows that share nothing."""
    solutions = {
        path: solve(under(reading, row), sizes[path].n, positives=sizes[path].positives, limit=500)
        for path, row in rates.items()
    }
    return Fit(reading, None, solutions, [path for path, found in solutions.items() if found.count])


# Folds of a set
# -----------------------------------------------------------------------------------------------


def _report_parts(paper, ledger, recovery, table, parts: Parts):
    """Store the matrices of folds and compare their class totals with those printed for the whole set."""
    cases = paper.sets[table.folds_of]
    rows = {row.path: row for row in table.singles()}
    most = None if None in (cases.positive, cases.negative) else (cases.positive, cases.negative)
    if parts.fit and parts.reading.name != STATED:
        report_averages(ledger, table.place, parts.reading, len(rows))
    for path, found in parts.solutions.items():
        if not found.count and table.rates(rows[path]):
            size = Sized(parts.room_for(path, cases.n), None, None, most)
            report_impossible(paper, ledger, recovery, rows[path], parts.reading, size, tried=parts.n)
        for matrix in found.matrices if found.count <= MOST_LISTED else ():
            recovery.keep(rows[path], matrix, parts.reading.name, found.unique)
    if not parts.fit or not parts.totals:
        return ledger.holds("class totals", table.place, "not settled by the printed digits")
    check_totals(paper, ledger, table, cases, parts)
