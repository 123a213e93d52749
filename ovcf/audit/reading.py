"""Read a YAML file of printed numbers (data/published/README.md); every mistake gets its line."""

from pathlib import Path

from ovcf.problems import InputError

from .checked import Fields, Map, Part, Sequence, Text, check_references, read_marked
from .paper import Cell, Entry, Fact, Paper, Row, Set, Table
from .printed import bracket_as_sd, is_blank, parse
from .units import in_one_unit, units_of

SECTIONS = tuple("paper classes sets tables facts statements sums tests statistics claims wordings".split())
TABLE_KEYS = tuple("name title place kind columns headings unit cases folds_of over n intervals rows".split())
ROW_KEYS = ("kind", "values", "of", "over", "copy_of", "n", "positive", "negative")
INTERVALS = ("Wilson", "Clopper-Pearson", "Wald", "bootstrap", "Agresti-Coull", "Jeffreys", "DeLong")
FACT_KEYS = ("printed", "value", "at_least", "at_most", "unit", "place", "n", "items")
ROW_KINDS = ("single", "mean", "p", "total", "part", "text")
LISTS = {
    "statements": ("place", "of", "quote", "values"),
    "sums": ("total", "parts", "quote"),
    "tests": ("p", "method", "first", "second", "quote"),
    "statistics": ("printed", "place", "quote", "tails"),
    "claims": ("place", "quote", "kind", "row", "among", "than", "from", "to", "columns", "alpha"),
    "wordings": ("about", "says", "loose"),
}
NEEDED = {
    "statements": ("place", "of", "values"),
    "sums": ("total", "parts"),
    "tests": ("p", "first", "second"),
    "statistics": ("printed",),
    "claims": ("quote", "kind"),
    "wordings": ("about", "says"),
}
EXAMPLES = "52.5, 75.1 ± 2.6, 24(1), 93.8 (30/32), 0.99 [0.95, 1.00], < 0.001, NA, -"
CLAIMS = {"best": ("row", "among"), "better": ("row", "than"), "improved": ("from", "to")}


def read_paper(path: str | Path) -> Paper:
    """Read printed numbers from YAML.

    Raises InputError holding every problem found, each with the line of the file.
    """
    tree = read_marked(path)
    return Reader(Path(path).name).paper(tree)


class Reader(Fields):
    """Walks the marked YAML once and collects problems on the way."""

    def paper(self, tree: Map) -> Paper:
        """Build the paper from the file's sections."""
        self.known(tree, SECTIONS, "section")
        classes = self.mapping(tree, "classes")
        self.known(classes, ("positive", "negative"), "classes")
        title = self.mapping(tree, "paper").get("title", self.file)
        empty = Paper(
            self.file,
            str(title),
            str(classes.get("positive", "positive")),
            str(classes.get("negative", "negative")),
            {},
            {},
            {},
            *([] for _ in LISTS),
        )
        paper = empty._replace(sets=self.sets(tree), facts=self.facts(tree))
        paper = paper._replace(tables=self.tables(tree, paper))
        paper = paper._replace(**{name: self.entries(tree, name) for name in LISTS})
        if not paper.tables and not self.problems:
            self.complain(1, "no tables to audit", "tables", None, "a list of tables, each with columns and rows")
        if not self.problems:
            check_references(self, paper)
        if self.problems:
            raise InputError(sorted(self.problems, key=lambda problem: problem.row or 0))
        return paper

    # Parts of the file, in its order
    # --------------------------------------------------------------------------

    def sets(self, tree: Map) -> dict[str, Set]:
        """Read the sets of cases."""
        found = {}
        for name, part in self.mapping(tree, "sets").items():
            if self.is_map(part, f"set {name}", ("n", "positive", "negative", "part_of", "place", "folds")):
                counts = [self.whole(part, key) for key in ("positive", "negative")]
                n = self.range_of(part, "n") or ((sum(counts),) * 2 if None not in counts else None)
                part_of, place = str(part.get("part_of", "")) or None, str(part.get("place", f"set {name}"))
                counts = self.completed(counts, n)
                found[name] = Set(name, n, *counts, part_of, place, part.line, self.folds(part))
        return found

    def completed(self, counts: list[int | None], n: tuple[int, int] | None) -> list[int | None]:
        """Fill in the class that is not printed, where the number of cases and the other class are."""
        if n and n[0] == n[1] and counts.count(None) == 1 and n[0] >= max(c for c in counts if c is not None):
            return [
                n[0] - counts[1] if counts[0] is None else counts[0],
                n[0] - counts[0] if counts[1] is None else counts[1],
            ]
        return counts

    def folds(self, part: Map) -> tuple[tuple[int, int], ...] | None:
        """Read printed sizes of folds: a list of [positive, negative]."""
        pairs = [[self.whole(Map(end=end), "end") for end in pair] if isinstance(pair, Sequence) else [None]
                 for pair in self.sequence(part, "folds")]  # fmt: skip
        if any(len(pair) != 2 or None in pair for pair in pairs):
            self.complain(part["folds"], "folds is not a list of pairs", "folds", None, "[positive, negative], ...")
            return None
        return tuple((pair[0], pair[1]) for pair in pairs) or None

    def facts(self, tree: Map) -> dict[str, Fact]:
        """Read single numbers of the text."""
        found = {}
        for name, part in self.mapping(tree, "facts").items():
            if not self.is_map(part, f"fact {name}", FACT_KEYS):
                continue
            text = part.get("printed", Text(""))
            printed = parse(text)
            value = self.number(part, "value") if "value" in part else (printed and printed.value)
            if value is None:
                self.complain(
                    part,
                    f"fact {name!r} is no number; give `value:` where it is printed as a word",
                    "printed",
                    text,
                )
            found[name] = Fact(
                name,
                str(text),
                printed,
                value,
                self.number(part, "at_least"),
                self.number(part, "at_most"),
                str(part.get("unit", "")),
                str(part.get("place", name)),
                part.line,
                self.whole(part, "n"),
                self.whole(part, "items") or 1,
            )
        return found

    def tables(self, tree: Map, paper: Paper) -> dict[str, Table]:
        """Read every table."""
        found = {}
        for index, part in enumerate(self.sequence(tree, "tables"), start=1):
            if not self.is_map(part, f"table {index}", TABLE_KEYS):
                continue
            table = self.table(part, str(part.get("name", f"Table {index}")), paper)
            if table.name in found:
                self.complain(part, f"two tables are named {table.name!r}", "name")
            found[table.name] = table
        return found

    def table(self, part: Map, name: str, paper: Paper) -> Table:
        """Read one table's head, then its rows."""
        columns = [str(column) for column in self.sequence(part, "columns")]
        headings = [str(heading) for heading in self.sequence(part, "headings")] or columns
        if not columns or len(set(columns)) < len(columns):
            self.complain(part, f"{name}: columns are missing or named twice", "columns", columns)
        if len(headings) != len(columns):
            self.complain(part, f"{name}: as many headings as columns", "headings", len(headings), str(len(columns)))
        kind = self.choice(part, "kind", ("rates", "mean", "counts"), "rates")
        unit = self.choice(part, "unit", ("percent", "fraction", ""), "")
        method = self.choice(part, "intervals", (*INTERVALS, ""), "") or None
        metrics = {column: column if kind == "counts" else paper.metric_of(column) for column in columns}
        cases, folds = (str(part[key]) if key in part else None for key in ("cases", "folds_of"))
        for key, value in (("cases", cases), ("folds_of", folds)):
            if value is not None and value not in paper.sets:
                self.complain(part[key], f"{name}: no such set", key, value, ", ".join(paper.sets) or "(no sets)")
        given = self.mapping(part, "rows")
        if not given:
            self.complain(part, f"{name}: no rows", "rows", None, "name: [values in the columns' order]")
        default = {"mean": "mean", "counts": "part"}.get(kind, "single")
        rates = kind != "counts"
        rows = {
            str(row): self.row(value, str(row), name, columns, default, part, rates) for row, value in given.items()
        }
        units = units_of(unit, metrics, rows.values())
        rows = in_one_unit(rows, metrics, units, unit)
        return Table(
            name,
            str(part.get("title", "")),
            kind,
            columns,
            headings,
            metrics,
            unit,
            cases,
            folds,
            rows,
            str(part.get("place", name)),
            units,
            method,
        )

    def row(
        self, part: Part, name: str, table: str, columns: list[str], default: str, table_part: Map, rates: bool
    ) -> Row:
        """Read one row: a list of values, or a mapping with `values` and what the row is."""
        fields = Map(values=part) if isinstance(part, Sequence) else part
        if not isinstance(fields, Map):
            self.complain(part, f"{table}, {name}: neither a list of values nor a mapping", None, part)
            fields = Map()
        fields.line = part.line
        self.known(fields, ROW_KEYS, f"row {name}")
        kind = self.choice(fields, "kind", ROW_KINDS, default)
        values = self.sequence(fields, "values")
        if len(values) != len(columns):
            self.complain(
                values if values else fields,
                f"{table}, {name}: as many values as columns",
                "values",
                len(values),
                str(len(columns)),
            )
        cells = {}
        for column, text in zip(columns, values, strict=False):
            cell = self.cell(text, column, f"{table}, {name}", rates and kind != "p")
            if cell and rates and kind == "mean":
                cell = cell._replace(printed=bracket_as_sd(cell.printed))
            cells |= {column: cell} if cell else {}
        over = self.whole(fields, "over") or self.whole(table_part, "over")
        n = self.range_of(fields, "n") or self.range_of(table_part, "n")
        of, copied = (str(fields[key]) if key in fields else None for key in ("of", "copy_of"))
        counts = [self.whole(fields, key) for key in ("positive", "negative")]
        n = n or ((sum(counts),) * 2 if None not in counts else None)
        return Row(table, name, kind, cells, of, over, copied, n, part.line, self.completed(counts, n)[0])

    def cell(self, text: Part, column: str, place: str, rate: bool) -> Cell | None:
        """Read one printed number; None where nothing was printed (null, -, NA)."""
        if not isinstance(text, Text):
            return self.complain(text, f"{place}: a list where a number belongs", column)
        if text.empty or is_blank(text):
            return None
        printed = parse(text, rate)
        if printed is None:
            self.complain(text, f"{place}: not a printed number", column, text, EXAMPLES)
            return None
        return Cell(column, printed, text.line)

    def entries(self, tree: Map, section: str) -> list[Entry]:
        """Read the items of a list section, with the fields that they must have."""
        found = []
        for part in self.sequence(tree, section):
            if not self.is_map(part, section, LISTS[section]):
                continue
            missing = [key for key in NEEDED[section] if key not in part]
            if section == "claims" and "kind" in part:
                kind = self.choice(part, "kind", tuple(CLAIMS), "")
                missing += [key for key in CLAIMS.get(kind, ()) if key not in part]
            if missing:
                self.complain(part, f"{section}: {', '.join(missing)} missing")
            else:
                found.append(Entry(dict(part), part.line))
        return found
