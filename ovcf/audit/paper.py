"""A paper's printed numbers as tables, rows and cells: what `data/published/README.md` describes, in memory.

Nothing here knows any particular paper. `ovcf.audit.reading` fills these from YAML, `audit` checks
them.
"""

import re
from fractions import Fraction
from typing import NamedTuple

from .printed import Printed

# Metrics by the class they speak of; a table may also say recall_<class>, precision_<class>, f1_<class>.
METRICS = {
    "accuracy": "accuracy",
    "sensitivity": "recall_positive",
    "specificity": "recall_negative",
    "recall": "recall_positive",
    "ppv": "precision_positive",
    "precision": "precision_positive",
    "npv": "precision_negative",
    "f1": "f1_positive",
    "auc": "auc",
}
MATRIX_METRICS = (
    "accuracy",
    "recall_positive",
    "recall_negative",
    "precision_positive",
    "precision_negative",
    "f1_positive",
    "f1_negative",
)


class Cell(NamedTuple):
    """One printed number of a table with the column it stands in."""

    column: str
    printed: Printed
    line: int


class Row(NamedTuple):
    """One row. `kind`: single (one confusion matrix), mean (± over rows), p, total, part (of a count) or text.

    `of`: pattern of the rows a mean is taken over; `over`: how many, where they are not printed; `n`: cases
    of this row alone, (low, high) or None; `copy_of`: path of the row that it repeats.
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

    def unit_of(self, column: str) -> int:
        """100 where the column is printed in percent, 1 where as a fraction (an AUC always is)."""
        return 1 if self.metrics[column] == "auc" or self.unit == "fraction" else 100

    def place_of(self, row: str, column: str | None = None) -> str:
        heading = f", {self.headings[self.columns.index(column)]}" if column in self.columns else ""
        return f"{self.place}, {row}{heading}"

    def column_of(self, name: str, metric: str | None = None) -> str | None:
        """Return the column of this name, else the one that holds this metric."""
        return name if name in self.columns else next((c for c in self.columns if self.metrics[c] == metric), None)

    def singles(self) -> list[Row]:
        return [row for row in self.rows.values() if row.kind == "single"]


class Set(NamedTuple):
    """A set of cases: number (low, high), and how many are positive and negative where that is printed."""

    name: str
    n: tuple[int, int] | None
    positive: int | None
    negative: int | None
    part_of: str | None
    place: str
    line: int


class Fact(NamedTuple):
    """A number of the text under a name; `value` where it is a word; `least`, `most`: bounds of the thing."""

    name: str
    text: str
    printed: Printed | None
    value: Fraction | None
    least: Fraction | None
    most: Fraction | None
    unit: str
    place: str
    line: int


class Entry(NamedTuple):
    """One item of `statements`, `sums`, `tests`, `claims` or `wordings`: its fields as read, and its line."""

    fields: dict
    line: int

    def __getitem__(self, name):
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
        kind, _, side = metric.partition("_")
        name = {"f1": "F1", "auc": "AUC"}.get(kind, kind)
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


def pattern(text: str):
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
