"""Numbers that a paper prints more than once, and numbers that must add up: text, tables, captions."""

from itertools import combinations
from typing import NamedTuple

from .bounds import largest_sd, share_below
from .findings import CONTRADICTION, NOTE, UNLIKELY, Ledger
from .paper import Cell, Paper, Row, Table, numbers_at
from .printed import Printed, decimals_of, parse
from .scores import BARE

ALIKE = 3  # different values that two columns share before they are called equal
TELLING = 6  # digits from the units on, over a column's different numbers, from which equal columns are no chance


def check_repeated(paper: Paper, ledger: Ledger) -> dict[str, str]:
    """Compare rows that repeat another row, and statements of the text, with the row they speak of.

    Returns hints: metric that a repeated column is headed with -> metric that it was seen to hold.

    What it cannot see: a repetition that the file does not name.
    """
    hints: dict[str, str] = {}
    for table in paper.tables.values():
        for row in table.rows.values():
            if row.copy_of:
                source = paper.row(row.copy_of)
                for column, cell in row.cells.items():
                    said = Said(
                        table.name, table.place_of(row.name, column), table.headings[table.columns.index(column)]
                    )
                    _compare(paper, ledger, hints, table.metrics[column], cell, source, said)
    for entry in paper.statements:
        source = paper.row(entry["of"])
        for column, text in entry["values"].items():
            cell = Cell(column, parse(text, True), entry.line)
            said = Said(str(entry["place"]), str(entry["place"]), column)
            _compare(paper, ledger, hints, paper.metric_of(column), cell, source, said)
    return hints


class Said(NamedTuple):
    """Where a number is repeated: table or part of the text, the place in words, and what it is called there."""

    where: str
    place: str
    heading: str


def _compare(paper, ledger, hints, metric, cell: Cell, source: Row, said: Said):
    """Hold one repeated number against the row that it repeats."""
    place, heading = said.place, said.heading
    table = paper.tables[source.table]
    column = table.column_of(cell.column, metric)
    if column is None or column not in source.cells:
        return
    original = source.cells[column].printed
    if agree(cell.printed, original):
        return ledger.holds("repeated number", place, f"agrees with {table.place_of(source.name, column)}")
    held = [other for other in source.cells if other != column and _same(source.cells[other].printed, cell.printed)]
    where = table.place_of(source.name, column)
    if len(held) == 1 and cell.printed.decimals > 0:
        hints[metric] = table.metrics[held[0]]
        message = (
            f"What is called {heading} here ({cell.printed.text}) is, digit for digit, the "
            f"{paper.word(hints[metric])} in {table.place} ({source.name}); the {paper.word(metric)}, which "
            f"is what {heading} means, stands there as {original.text}."
        )
        both = place, cell.printed.text, original.text, message
        return ledger.find("relabelled", CONTRADICTION, *both, where=said.where)
    message = f"The same result is printed as {cell.printed.text} here and as {original.text} in {where}."
    message += _elsewhere(paper, cell.printed, (source.path, column))
    both = f"{place}; {where}"
    ledger.find("printed-twice", CONTRADICTION, both, cell.printed.text, original.text, message, where=said.where)


def agree(one: Printed, other: Printed) -> bool:
    """Tell whether two printings, and their ± where both have one, can be of one number."""
    if one.relation or other.relation:
        return one.text == other.text
    value = one.interval().meets(other.interval())
    return value and (one.sd is None or other.sd is None or one.sd_interval().meets(other.sd_interval()))


def _same(one: Printed, other: Printed) -> bool:
    """Same digits, value for value."""
    return one.value == other.value and one.sd == other.sd


def _elsewhere(paper: Paper, printed: Printed, besides) -> str:
    """Say where else in the tables the same ± is printed."""
    if printed.sd is None:
        return ""
    found = []
    for table in paper.tables.values():
        for row in table.rows.values():
            for column, cell in row.cells.items():
                if cell.printed.sd == printed.sd and cell.printed.sd_digits == printed.sd_digits:
                    found.append(f"{table.place_of(row.name, column)} ({cell.printed.text})")
    return f" The same ± stands in {'; '.join(found[:3])}." if found else ""


# Sums
# ------------------------------------------------------------------------------------------------------------


def check_sums(paper: Paper, ledger: Ledger) -> None:
    """Add up what must add up: listed sums, totals of counts tables, classes of a set.

    What it cannot see: two errors that cancel out.
    """
    for entry in paper.sums:
        total = numbers_at(paper, entry["total"])[0]
        parts = [number for path in entry["parts"] for number in numbers_at(paper, path)]
        place = parts[0].place.partition(",")[0] if parts else total.place
        _sum(paper, ledger, total, parts, f"{total.place}; {place}", str(entry["total"]).rpartition(" / ")[2])
    for table in paper.tables.values():
        for row in table.rows.values() if table.kind == "counts" else ():
            for column in row.cells if row.kind == "total" else ():
                total = numbers_at(paper, f"{row.path} / {column}")[0]
                _sum(
                    paper,
                    ledger,
                    total,
                    numbers_at(paper, f"{table.name} / * / {column}"),
                    total.place,
                    column,
                )
    for cases in paper.sets.values():
        if None not in (cases.n, cases.positive, cases.negative):
            total = cases.positive + cases.negative
            if not cases.n[0] <= total <= cases.n[1]:
                message = f"{cases.positive} and {cases.negative} cases are {total}, not {cases.n[0]}."
                ledger.find("sum", CONTRADICTION, cases.place, cases.n[0], total, message)


def _sum(paper, ledger, total, parts, place, name):
    """Compare one printed total with its parts."""
    added = sum(part.value for part in parts)
    if added == total.value:
        return ledger.holds("sum", place, f"{name}: {len(parts)} parts add up to {total.text}")
    shown = f"{float(added):g}"
    others = [f for f in paper.facts.values() if f.value == added and f.text != total.text and "." not in f.text]
    parted = " + ".join(part.text for part in parts if part.value) if len(parts) <= 8 else f"{len(parts)} parts"
    message = f"The parts ({parted}) add up to {shown}; printed is {total.text} ({name})."
    if any("(" in part.text for part in parts):
        counted = [f"{part.place.split(', ')[1]} {float(part.value):g}" for part in parts if part.value]
        if float(sum(part.value for part in parts)) == added and added < 100:
            message = f"The parts ({', '.join(counted)}) add up to {shown}; printed is {total.text} ({name})."
    if others:
        message += f" The text prints {shown} for something else: {others[0].name} ({others[0].place})."
    ledger.find("sum", CONTRADICTION, place, total.text, shown, message)


# Columns
# ---------------------------------------------------------------------------------------------------------


def check_equal_columns(paper: Paper, ledger: Ledger) -> None:
    """Notice two columns of a table that are equal digit for digit in three rows or more.

    What it cannot see: a column copied with some digits changed, or one equal by right (a metric defined alike).
    """
    for table in paper.tables.values():
        for a, b in combinations(table.columns, 2) if table.kind != "counts" else ():
            rows = [row for row in table.rows.values() if row.kind in ("single", "mean") and {a, b} <= row.cells.keys()]
            pairs = [(row.cells[a].printed.text, row.cells[b].printed.text) for row in rows]
            if len(set(pairs)) >= ALIKE and all(one == other for one, other in pairs):
                _report_equal(paper, ledger, table, rows, a, b)


def _report_equal(paper: Paper, ledger: Ledger, table: Table, rows: list[Row], a: str, b: str) -> None:
    """Say that two columns are equal, and whether averages over classes, or chance in so few digits, explain it."""
    names = [table.headings[table.columns.index(column)] for column in (a, b)]
    place, averages = f"{table.place}, {names[0]} and {names[1]}", {a, b} <= {*BARE, "accuracy"}
    message = f"{names[0]} and {names[1]} are equal digit for digit in all {len(rows)} rows."
    if averages:
        message += (
            " That is so by definition if they are averages over both classes weighted by cases, or micro averages."
        )
    printed = {row.cells[a].printed.digits for row in rows}
    few = sum(decimals_of(digits) + 1 for digits in printed) < TELLING
    if not averages and few:
        message += " In so few digits that can be chance."
    elif not averages:
        message += " Two different rates are hardly ever equal so often; one column may be a copy of the other."
    ledger.find("equal-columns", NOTE if averages or few else UNLIKELY, place, "equal", "different", message, rows)


# Words and single numbers
# ----------------------------------------------------------------------------------------


def check_wordings(paper: Paper, ledger: Ledger) -> None:
    """Compare the names that one thing is given in several places.

    What it cannot see: two things under one name.
    """
    for entry in paper.wordings:
        words = [(str(said["word"]), str(said.get("place", ""))) for said in entry["says"]]
        places, about = "; ".join(place for _, place in words), str(entry["about"])
        if len({word for word, _ in words}) == 1:
            ledger.holds("wording", places, about)
            continue
        severity = NOTE if str(entry["loose"]).lower() == "true" else CONTRADICTION
        shown = "; ".join(f"'{word}' ({place})" for word, place in words)
        message = f"For {about}, the paper says {shown}."
        ledger.find("wording", severity, places, words[0][0], words[1][0], message, where=words[0][1])


def check_spreads_of_facts(paper: Paper, ledger: Ledger) -> None:
    """See what a mean ± SD of something that has a least or a most value implies.

    What it cannot see: the shape of the distribution: a spread that a skewed one can have is only noted.
    """
    for fact in paper.facts.values():
        if fact.printed is None or fact.printed.sd is None or (fact.least is None and fact.most is None):
            continue
        mean, sd = float(fact.value), float(fact.printed.sd)
        bound, low = (fact.least, True) if fact.least is not None else (fact.most, False)
        other = fact.most if low else fact.least
        gap = abs(mean - float(bound))
        if other is not None and sd > largest_sd(mean, *sorted((bound, other))) * 1.01 + 0.5:
            message = f"No values between {bound} and {other} with mean {mean:g} spread as much as ± {sd:g}."
            ledger.find("spread-of-fact", CONTRADICTION, fact.place, fact.text, "impossible", message)
            continue
        share = share_below(mean, sd, float(bound)) if low else share_below(-mean, sd, -float(bound))
        if gap <= 0 or share < 0.05:
            ledger.holds("spread of a fact", fact.place, fact.name)
            continue
        far = mean + (sd**2 / gap if low else -(sd**2) / gap)
        side, most = ("below", "above") if low else ("above", "below")
        message = (
            f"If {fact.text} {fact.unit} is mean ± SD of {fact.name} and nobody is {side} {bound}, the "
            f"values cannot lie evenly about the mean: a bell shape would have {share:.0%} of them {side} "
            f"{bound}, and some must be {far:.0f} or {most}. What ± stands for is not said."
        )
        printed = f"{fact.text}, none {side} {bound}"
        ledger.find("spread-of-fact", NOTE, fact.place, printed, f"{share:.0%} {side} {bound} if bell-shaped", message)


def tables_with(paper: Paper, kind: str) -> list[tuple[Table, Row]]:
    """List rows of a kind with their tables."""
    return [(table, row) for table in paper.tables.values() for row in table.rows.values() if row.kind == kind]
