"""Checked reading of YAML: parts that know their line, lists, choices and numbers, and the paths between them.

The usual loaders turn 50.00 into 50.0 and forget where it stood. Here a scalar stays the text that was typed, and
every problem is noted at its line. Nothing in the file builds an object.
"""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import yaml

from ovcf.problems import InputError, Problem

from .paper import Paper, numbers_at
from .printed import parse, without_points

LARGEST = 2_000_000  # bytes; a paper's tables are a few kilobytes
DEEPEST = 12


class Text(str):
    """A scalar as typed; `line` as an editor counts, `empty` marks an unquoted YAML null."""

    line: int = 1
    empty: bool = False


class Map(dict):
    """A mapping of text to parts, with the line where it begins."""

    line: int = 1


class Sequence(list):
    """A list of parts, with the line where it begins."""

    line: int = 1


Part: TypeAlias = Text | Map | Sequence
Plain: TypeAlias = "str | int | None | dict[str, Plain] | list[Plain] | tuple[Plain, ...]"
"""What `mark` turns into parts: text, whole numbers and null, in dictionaries and lists."""


def read_marked(path: str | Path) -> Map:
    """Read a YAML file into `Map`, `Sequence` and `Text`.

    Raises InputError with the line for bad YAML, aliases (a short file could unfold into a huge one), tags,
    keys that occur twice, too deep nesting, too large files and files that are not text.
    """
    path = Path(path)
    text = _text(path)
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise InputError(Problem("yaml", "aliases (*name) are not read; write the values out", path.name))
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InputError(Problem("yaml", f"not YAML: {what}", path.name, mark and mark.line + 1)) from None
    except RecursionError:
        raise InputError(Problem("yaml", "nested too deeply to be a table", path.name)) from None
    if not isinstance(node, yaml.MappingNode):
        raise InputError(Problem("yaml", "the file is not a mapping of sections", path.name, 1, None, None, "tables:"))
    problems: list[Problem] = []
    tree = _plain(node, problems, path.name, 0)
    if problems:
        raise InputError(problems)
    return tree


def mark(part: Plain) -> Part:
    """Turn plain dictionaries, lists and strings into the same parts, all on line 1; None becomes null."""
    if isinstance(part, dict):
        return _marked(Map({str(key): mark(value) for key, value in part.items()}), 1)
    if isinstance(part, list | tuple):
        return _marked(Sequence(mark(value) for value in part), 1)
    text = _marked(Text("" if part is None else part), 1)
    text.empty = part is None
    return text


def _text(path: Path) -> str:
    """Return the file's text or say why it cannot be had."""
    if not path.is_file():
        raise InputError(Problem("missing_file", "there is no such file", str(path)))
    if path.stat().st_size > LARGEST:
        raise InputError(Problem("too_large", f"larger than {LARGEST:,} bytes", path.name))
    try:
        return path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(Problem("encoding", f"not readable as UTF-8 text: {error}", path.name)) from None


def _plain(node, problems, file, depth):
    """Turn one composed node into `Text`, `Sequence` or `Map`."""
    line = node.start_mark.line + 1
    if depth > DEEPEST:
        problems.append(Problem("yaml", "nested too deeply to be a table", file, line))
        return _marked(Text(""), line)
    if isinstance(node, yaml.ScalarNode):
        text = _marked(Text(node.value), line)
        text.empty = node.tag.endswith(":null") and not node.style
        return text
    if isinstance(node, yaml.SequenceNode):
        return _marked(Sequence(_plain(part, problems, file, depth + 1) for part in node.value), line)
    found = _marked(Map(), line)
    for key, value in node.value:
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
        if name in found or name == "?":
            problems.append(
                Problem("yaml", f"name {name!r} is not text or occurs twice", file, key.start_mark.line + 1)
            )
        found[name] = _plain(value, problems, file, depth + 1)
    return found


def _count(text: Text) -> Text:
    """Return a count without points that part thousands."""
    return _marked(Text(without_points(text.strip())), text.line)


def _marked(part, line):
    """Set the line of a part and return it."""
    part.line = line
    return part


# Fields
# --------------------------------------------------------------------------------------------------------------

LARGEST_N = 1_000_000


class Fields:
    """Hands out parts of marked YAML in the form that is wanted and collects problems on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def complain(
        self,
        part: Part | int,
        message: str,
        column: str | None = None,
        found: object = None,
        allowed: str | None = None,
    ) -> None:
        """Note one problem at the line of a part."""
        line = part if isinstance(part, int) else getattr(part, "line", None)
        found = None if found is None else str(found)[:80]
        self.problems.append(Problem("published", message, self.file, line, column, found, allowed))

    def known(self, part: Map, keys: Iterable[str], what: str) -> None:
        """Complain of unknown keys."""
        for key in part:
            if key not in keys:
                line = getattr(part[key], "line", getattr(part, "line", None))
                self.complain(line, f"{what}: unknown name", None, key, ", ".join(keys))

    def is_map(self, part: Part, what: str, keys: Iterable[str]) -> bool:
        if not isinstance(part, Map):
            self.complain(part, f"{what} is not a mapping of names to values", None, part)
            return False
        self.known(part, keys, what)
        return True

    def mapping(self, part: Map, key: str) -> Map:
        value = part.get(key, Map())
        if not isinstance(value, Map):
            self.complain(value, f"{key} is not a mapping of names to values", key, value)
        return value if isinstance(value, Map) else Map()

    def sequence(self, part: Map, key: str) -> Sequence:
        value = part.get(key, Sequence())
        if not isinstance(value, Sequence):
            self.complain(value, f"{key} is not a list", key, value)
        return value if isinstance(value, Sequence) else Sequence()

    def choice(self, part: Map, key: str, allowed: tuple[str, ...], default: str) -> str:
        value = part.get(key, default)
        if value not in allowed:
            self.complain(value, f"{key} is none of the known", key, value, ", ".join(allowed))
        return str(value)

    def number(self, part: Map, key: str) -> Fraction | None:
        if key not in part:
            return None
        printed = parse(part[key]) if isinstance(part[key], Text) else None
        if printed is None:
            self.complain(part[key], f"{key} is not a number", key, part[key], "digits, as 40 or 1,110")
        return printed and printed.value

    def whole(self, part: Map, key: str) -> int | None:
        plain = part if not isinstance(part.get(key), Text) else Map({key: _count(part[key])})
        value = self.number(plain, key)
        if value is not None and (value.denominator != 1 or not 0 <= value <= LARGEST_N):
            self.complain(part[key], f"{key} is not a whole number", key, part[key], f"0 to {LARGEST_N:,}")
            return None
        return None if value is None else int(value)

    def range_of(self, part: Map, key: str) -> tuple[int, int] | None:
        """Read 40, or [100, 200] for a range."""
        if not isinstance(part.get(key), Sequence):
            value = self.whole(part, key)
            return None if value is None else (value, value)
        ends = [self.whole(Map(end=end), "end") for end in part[key]]
        if len(ends) != 2 or None in ends or ends[0] > ends[1]:
            self.complain(part[key], f"{key} is not a range", key, list(part[key]), "a number or [low, high]")
            return None
        return ends[0], ends[1]


# Paths
# --------------------------------------------------------------------------------------------------------------

METHODS = ("paired t", "two-sample t", "Welch t", "chi-square", "Mann-Whitney", "Wilcoxon")
# Section -> field -> whether the path must name one row only.
PATHS = {
    "statements": {"of": True},
    "tests": {"p": True, "first": False, "second": False},
    "claims": {"row": True, "among": False, "than": False, "from": False, "to": False},
}


def check_references(reader: Fields, paper: Paper) -> None:
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
