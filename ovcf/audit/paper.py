"""A paper's printed numbers as tables, rows and cells: what `data/published/README.md` describes, in memory.

Nothing here knows any particular paper. `ovcf.audit.reading` fills these from YAML, `audit` checks
them.
"""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from .printed import Interval, Printed
from .scores import BARE, METRICS, SCORES, WORDS


class Cell(NamedTuple):
    """One printed number of a table with the column it stands in."""

    column: str
    printed: Printed
    line: int


class Row(NamedTuple):
    """One row. `kind`: single (one confusion matrix), mean (± over rows), p, total, part (of a count) or text.

    `of`: pattern of the rows a mean is taken over; `over`: how many, where they are not printed; `n`: cases
    of this row alone, (low, high) or None; `positives`: how many of them are positive, where printed; `copy_of`: path
    of the row that it repeats.
    """

    table: str
    name: str
    kind: str
    cells: dict[str, Cell]
    of: str | None
    over: int | None
    copy_of: str | None
    n: tuple[int, int] | None
    line: int
    positives: int | None = None

    @property
    def path(self) -> str:
        return f"{self.table} / {self.name}"


class Table(NamedTuple):
    """One table. `metrics[column]` is the canonical metric or the column itself where it is none (counts)."""

    name: str
    title: str
    kind: str
    columns: list[str]
    headings: list[str]
    metrics: dict[str, str]
    unit: str
    cases: str | None
    folds_of: str | None
    rows: dict[str, Row]
    place: str
    units: dict[str, int]
    method: str | None = None

    def unit_of(self, column: str) -> int:
        """100 where the column is printed in percent, 1 where as a fraction."""
        return self.units[column]

    def bare(self) -> list[str]:
        """Columns whose names say no class, so that they may be averages over both."""
        return [column for column in self.columns if column in BARE and self.kind != "counts"]

    def rate(self, row: Row, column: str) -> Interval:
        """Values that a printed rate can stand for, as a fraction of 1."""
        return row.cells[column].printed.interval().scaled(Fraction(1, self.units[column]))

    def rates(self, row: Row) -> dict[str, tuple[str, Interval]]:
        """Printed rates of a row that counts give: metric -> (column, interval as a fraction of 1).

        A cell that says 30/32 gives that value alone, if it prints so.
        """
        found = {}
        for column, cell in row.cells.items():
            if self.metrics[column] in SCORES and not cell.printed.relation:
                interval, of = self.rate(row, column), cell.printed.of
                if of and of[1] and interval.holds(Fraction(of[0], of[1])):
                    interval = Interval(Fraction(of[0], of[1]), Fraction(of[0], of[1]))
                found[self.metrics[column]] = column, interval
        return found

    def place_of(self, row: str, column: str | None = None) -> str:
        heading = f", {self.headings[self.columns.index(column)]}" if column in self.columns else ""
        return f"{self.place}, {row}{heading}"

    def column_of(self, name: str, metric: str | None = None) -> str | None:
        """Return the column of this name, else the one that holds this metric."""
        return name if name in self.columns else next((c for c in self.columns if self.metrics[c] == metric), None)

    def singles(self) -> list[Row]:
        return [row for row in self.rows.values() if row.kind == "single"]


class Set(NamedTuple):
    """A set of cases: number (low, high), how many are positive and negative, and sizes of its folds, where printed."""

    name: str
    n: tuple[int, int] | None
    positive: int | None
    negative: int | None
    part_of: str | None
    place: str
    line: int
    folds: tuple[tuple[int, int], ...] | None = None


class Fact(NamedTuple):
    """A number of the text under a name; `value` where it is a word; `least`, `most`: bounds of the thing.

    `n`, `items`: a mean over n answers of so many whole numbers each.
    """

    name: str
    text: str
    printed: Printed | None
    value: Fraction | None
    least: Fraction | None
    most: Fraction | None
    unit: str
    place: str
    line: int
    n: int | None = None
    items: int = 1


class Entry(NamedTuple):
    """One item of `statements`, `sums`, `tests`, `statistics`, `claims` or `wordings`: its fields, and its line."""

    fields: dict
    line: int

    def __getitem__(self, name: str) -> Any:
        return self.fields.get(name)


class Paper(NamedTuple):
    """All printed numbers of one paper."""

    file: str
    title: str
    positive: str
    negative: str
    sets: dict[str, Set]
    tables: dict[str, Table]
    facts: dict[str, Fact]
    statements: list[Entry]
    sums: list[Entry]
    tests: list[Entry]
    claims: list[Entry]
    wordings: list[Entry]
    statistics: list[Entry]

    def rows(self, path: str) -> list[Row]:
        """Rows that a path such as "Table 4 / Doctor *" names, in printed order (none: [])."""
        table, _, name = (part.strip() for part in path.partition(" / "))
        wanted = pattern(name.partition(" / ")[0].strip() or "*")
        return [row for row in self.tables[table].rows.values() if wanted(row.name)] if table in self.tables else []

    def row(self, path: str) -> Row | None:
        found = self.rows(path)
        return found[0] if len(found) == 1 else None

    def word(self, metric: str) -> str:
        """Name a metric with the paper's words for its classes: "recall of fresh"."""
        if metric in WORDS:
            return WORDS[metric]
        kind, _, side = metric.partition("_")
        name = {"f1": "F1"}.get(kind, kind)
        if side in ("macro", "weighted", "micro"):
            return f"{side} {name}"
        return f"{name} of {self.positive if side == 'positive' else self.negative}" if side else name

    def column(self, table: str, name: str) -> str | None:
        """Column of a table by its name or by the metric that the name stands for."""
        return self.tables[table].column_of(name, self.metric_of(name)) if table in self.tables else None

    def metric_of(self, column: str) -> str:
        """Canonical metric of a column name; the name itself where it is none."""
        kind, _, side = column.rpartition("_")
        if kind in ("recall", "precision", "f1") and side in (self.positive, self.negative):
            return f"{kind}_{'positive' if side == self.positive else 'negative'}"
        return METRICS.get(column, column)


def pattern(text: str) -> Callable[[str], bool]:
    """Return a function that tells whether a name fits a pattern in which only `*` is special."""
    wanted = re.compile("".join(".*" if part == "*" else re.escape(part) for part in re.split(r"(\*)", text)))
    return lambda name: wanted.fullmatch(name) is not None


# Numbers by path
# --------------------------------------------------------------------------------------------------------------


class Found(NamedTuple):
    """One number that a path led to."""

    place: str
    text: str
    value: Fraction


def numbers_at(paper: Paper, path: str) -> list[Found]:
    """Return the numbers that a path names, in printed order.

    A path of one table row without `*` may name any row; `*` leaves out totals, means and p-values.
    """
    parts = [part.strip() for part in str(path).split(" / ")]
    if parts[0] == "facts" and len(parts) == 2:
        wanted = pattern(parts[1])
        facts = [fact for fact in paper.facts.values() if wanted(fact.name) and fact.value is not None]
        return [Found(fact.place, fact.text, fact.value) for fact in facts]
    if len(parts) != 3:
        return []
    bracket, column = parts[2].endswith("()"), paper.column(parts[0], parts[2].removesuffix("()").strip())
    found = []
    for row in paper.rows(path):
        if ("*" in parts[1] and row.kind not in ("single", "part")) or column not in row.cells:
            continue
        printed = row.cells[column].printed
        place = paper.tables[row.table].place_of(row.name, column)
        found.append(Found(place, printed.text, printed.bracket if bracket else printed.value))
    return found


def cut_off(paper: Paper) -> Paper:
    """Return the paper read as if every printed number may have lost further digits instead of being rounded."""
    tables = {}
    for name, table in paper.tables.items():
        rows = {}
        for key, row in table.rows.items():
            cells = {c: cell._replace(printed=cell.printed._replace(cut=True)) for c, cell in row.cells.items()}
            rows[key] = row._replace(cells=cells)
        tables[name] = table._replace(rows=rows)
    facts = {n: f._replace(printed=f.printed and f.printed._replace(cut=True)) for n, f in paper.facts.items()}
    return paper._replace(tables=tables, facts=facts)
