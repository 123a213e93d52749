"""Check that what the sections of a file of printed numbers refer to is there, in the form that is wanted."""

from .lookup import numbers_at
from .marks import Map, Sequence, Text
from .paper import Paper
from .printed import parse

METHODS = ("paired t", "two-sample t", "Welch t", "chi-square", "Mann-Whitney", "Wilcoxon")
# Section -> field -> whether the path must name one row only.
PATHS = {
    "statements": {"of": True},
    "tests": {"p": True, "first": False, "second": False},
    "claims": {"row": True, "among": False, "than": False, "from": False, "to": False},
}


def check_references(reader, paper: Paper) -> None:
    """Complain of paths that name nothing and of fields in the wrong form, when all tables are known."""
    for table in paper.tables.values():
        for row in table.rows.values():
            if row.copy_of and not paper.row(row.copy_of):
                reader.complain(row.line, f"{row.path}: no such single row", "copy_of", row.copy_of)
            if row.of and not paper.rows(f"{row.table} / {row.of}"):
                reader.complain(row.line, f"{row.path}: no row fits", "of", row.of)
    for section, fields in PATHS.items():
        for entry in getattr(paper, section):
            for key, single in fields.items():
                if entry[key] is not None:
                    _check_path(reader, paper, section, key, entry, single)
    for check in (_check_statements, _check_tests, _check_sums, _check_claims, _check_wordings):
        check(reader, paper)


def _check_path(reader, paper, section, key, entry, single):
    """A path names at least one row, one only where that is needed, and of tests a column too."""
    path = entry[key]
    rows = paper.rows(path) if isinstance(path, Text) else []
    parts = path.split(" / ") if isinstance(path, Text) else []
    column = section != "tests" or (len(parts) == 3 and paper.column(parts[0].strip(), parts[2].strip()))
    if not rows or not column or (single and len(rows) > 1):
        allowed = "Table / row" + (" / column" if section == "tests" else "") + (", one row" if single else "")
        reader.complain(getattr(path, "line", entry.line), f"{section}: nothing has this path", key, path, allowed)


def _check_statements(reader, paper):
    for entry in paper.statements:
        if not isinstance(entry["values"], Map):
            reader.complain(entry.line, "statements: values is a mapping of column: number", "values")
            continue
        for column, text in entry["values"].items():
            if not isinstance(text, Text) or parse(text) is None:
                reader.complain(text, "statements: not a printed number", column, text)


def _check_tests(reader, paper):
    for entry in paper.tests:
        if entry["method"] is not None and entry["method"] not in METHODS:
            reader.complain(entry.line, "no test of this name", "method", entry["method"], ", ".join(METHODS))


def _check_sums(reader, paper):
    for entry in paper.sums:
        if not isinstance(entry["parts"], Sequence):
            reader.complain(entry.line, "sums: parts is a list of paths", "parts")
            continue
        for path in (entry["total"], *entry["parts"]):
            if not isinstance(path, Text) or not numbers_at(paper, path):
                reader.complain(getattr(path, "line", entry.line), "sums: nothing has this path", None, path)


def _check_claims(reader, paper):
    for entry in paper.claims:
        alpha = entry["alpha"] and (parse(entry["alpha"]) if isinstance(entry["alpha"], Text) else None)
        if entry["alpha"] is not None and not (alpha and 0 < alpha.value < 1):
            reader.complain(entry.line, "alpha is not a number between 0 and 1", "alpha", entry["alpha"])
        if entry["columns"] is not None and not isinstance(entry["columns"], Sequence):
            reader.complain(entry.line, "claims: columns is a list", "columns", entry["columns"])


def _check_wordings(reader, paper):
    for entry in paper.wordings:
        says = entry["says"]
        listed = isinstance(says, Sequence) and len(says) > 1
        if not listed or not all(isinstance(one, Map) and "word" in one for one in says):
            reader.complain(entry.line, "wordings: says is a list of {word: ..., place: ...}", "says")
