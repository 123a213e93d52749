"""Read a YAML file of printed numbers (data/published/README.md); every mistake gets its line."""

from pathlib import Path

from ovcf.problems import InputError

from .checked import Fields, Map, Sequence, Text, check_references, read_marked
from .paper import Cell, Entry, Fact, Paper, Row, Set, Table
from .printed import parse

SECTIONS = tuple("paper classes sets tables facts statements sums tests claims wordings".split())
TABLE_KEYS = tuple("name title place kind columns headings unit cases folds_of over n rows".split())
ROW_KEYS = ("kind", "values", "of", "over", "copy_of", "n")
ROW_KINDS = ("single", "mean", "p", "total", "part", "text")
LISTS = {
    "statements": ("place", "of", "quote", "values"),
    "sums": ("total", "parts", "quote"),
    "tests": ("p", "method", "first", "second", "quote"),
    "claims": ("place", "quote", "kind", "row", "among", "than", "from", "to", "columns", "alpha"),
    "wordings": ("about", "says", "loose"),
}
NEEDED = {
    "statements": ("place", "of", "values"),
    "sums": ("total", "parts"),
    "tests": ("p", "first", "second"),
    "claims": ("quote", "kind"),
    "wordings": ("about", "says"),
}
CLAIMS = {"best": ("row", "among"), "better": ("row", "than"), "improved": ("from", "to")}


def read_paper(path) -> Paper:
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
            [],
            [],
            [],
            [],
            [],
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

    def sets(self, tree) -> dict[str, Set]:
        """Read the sets of cases."""
        found = {}
        for name, part in self.mapping(tree, "sets").items():
            if self.is_map(part, f"set {name}", ("n", "positive", "negative", "part_of", "place")):
                counts = [self.whole(part, key) for key in ("positive", "negative")]
                n = self.range_of(part, "n") or ((sum(counts),) * 2 if None not in counts else None)
                part_of, place = str(part.get("part_of", "")) or None, str(part.get("place", f"set {name}"))
                found[name] = Set(name, n, counts[0], counts[1], part_of, place, part.line)
        return found

    def facts(self, tree) -> dict[str, Fact]:
        """Read single numbers of the text."""
        found = {}
        for name, part in self.mapping(tree, "facts").items():
            if not self.is_map(part, f"fact {name}", ("printed", "value", "at_least", "at_most", "unit", "place")):
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
            )
        return found

    def tables(self, tree, paper) -> dict[str, Table]:
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

    def table(self, part, name, paper) -> Table:
        """Read one table's head, then its rows."""
        columns = [str(column) for column in self.sequence(part, "columns")]
        headings = [str(heading) for heading in self.sequence(part, "headings")] or columns
        if not columns or len(set(columns)) < len(columns):
            self.complain(part, f"{name}: columns are missing or named twice", "columns", columns)
        if len(headings) != len(columns):
            self.complain(part, f"{name}: as many headings as columns", "headings", len(headings), str(len(columns)))
        kind = self.choice(part, "kind", ("rates", "mean", "counts"), "rates")
        unit = self.choice(part, "unit", ("percent", "fraction"), "percent")
        metrics = {column: column if kind == "counts" else paper.metric_of(column) for column in columns}
        cases, folds = (str(part[key]) if key in part else None for key in ("cases", "folds_of"))
        for key, value in (("cases", cases), ("folds_of", folds)):
            if value is not None and value not in paper.sets:
                self.complain(part[key], f"{name}: no such set", key, value, ", ".join(paper.sets) or "(no sets)")
        given = self.mapping(part, "rows")
        if not given:
            self.complain(part, f"{name}: no rows", "rows", None, "name: [values in the columns' order]")
        default = {"mean": "mean", "counts": "part"}.get(kind, "single")
        rows = {str(row): self.row(value, str(row), name, columns, default, part) for row, value in given.items()}
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
        )

    def row(self, part, name, table, columns, default, table_part) -> Row:
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
            cell = self.cell(text, column, f"{table}, {name}")
            cells |= {column: cell} if cell else {}
        over = self.whole(fields, "over") or self.whole(table_part, "over")
        n = self.range_of(fields, "n") or self.range_of(table_part, "n")
        of, copied = (str(fields[key]) if key in fields else None for key in ("of", "copy_of"))
        return Row(table, name, kind, cells, of, over, copied, n, part.line)

    def cell(self, text, column, place) -> Cell | None:
        """Read one printed number; None where nothing was printed (null, -, –)."""
        if not isinstance(text, Text):
            return self.complain(text, f"{place}: a list where a number belongs", column)
        if text.empty or text.strip() in ("", "-", "–", "—"):
            return None
        printed = parse(text)
        if printed is None:
            self.complain(text, f"{place}: not a printed number", column, text, "52.5, 75.1 ± 2.6, 24(1), < 0.001, -")
            return None
        return Cell(column, printed, text.line)

    def entries(self, tree, section) -> list[Entry]:
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
