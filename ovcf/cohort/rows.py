"""Read a manifest's text: lines, columns and cells, each problem with the line it stands on."""

import csv
import io
import math
import re
from pathlib import Path

import pandas as pd

from ovcf.problems import InputError, Problem
from ovcf.words import BOX, LEVELS

REQUIRED = ("patch_id", "patient_id", "image", "label")
KNOWN = (*REQUIRED, *BOX, "level", "mm_per_px", "age", "sex", "normal_segment", "normal_height", "region")
MAX_BYTES = 256 * 2**20
MAX_ROWS = 1_000_000
SEXES = {"f": "female", "female": "female", "m": "male", "male": "male", "": ""}
TRUE, FALSE = ("1", "true", "yes"), ("", "0", "false", "no")


def read_rows(path: Path, *, required: tuple[str, ...] = REQUIRED) -> tuple[pd.DataFrame, list[str]]:
    """Return a CSV file's cells as text (stripped), with a column `row` of line numbers, and notes.

    Separator comma, semicolon or tab; UTF-8 with or without BOM, UTF-16 with, else Windows-1252 (noted). All
    cells stay text, so ids keep their leading zeros.

    Raises
    ------
    InputError
        For a file that is missing, empty, too large, no text, or whose lines do not fit its header; all such
        lines at once.
    """
    text, notes = _text(path)
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    if delimiter != ",":
        notes += [f"read with {'semicolons' if delimiter == ';' else 'tabs'} as separators"]
    lines, problems = _lines(text, delimiter, path)
    if not lines:
        raise InputError(problems or Problem("empty", "the manifest is empty", file=str(path)))
    names = [name.lower() if name.lower() in KNOWN else name for name in lines[0][1]]
    problems += _header_problems(names, path, required)
    for row, cells in lines[1:]:
        if len(cells) != len(names):
            problems += [
                Problem(
                    "cells",
                    "the line does not have as many cells as the header",
                    str(path),
                    row,
                    found=str(len(cells)),
                    allowed=str(len(names)),
                )
            ]
    if problems:
        raise InputError(problems)
    table = pd.DataFrame([cells for _, cells in lines[1:]], columns=names, dtype=object)
    if delimiter == ";":  # where semicolons separate, commas are decimal
        numeric = [name for name in (*BOX, "mm_per_px", "age") if name in table]
        table[numeric] = table[numeric].map(lambda cell: cell.replace(",", "."))
    return table.assign(row=[row for row, _ in lines[1:]]), notes


def _text(path: Path) -> tuple[str, list[str]]:
    """Return a file's text whatever its encoding, and a note where that had to be guessed."""
    try:
        if not path.is_file():
            raise InputError(Problem("missing_file", "no such file", file=str(path)))
        if path.stat().st_size > MAX_BYTES:
            raise InputError(
                Problem(
                    "too_large",
                    "the file is larger than any manifest",
                    file=str(path),
                    allowed=f"at most {MAX_BYTES // 2**20} MB",
                )
            )
        data = path.read_bytes()
    except OSError as error:
        raise InputError(Problem("unreadable_file", f"cannot be opened: {error}", file=str(path))) from error
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig"), ["read as UTF-16"] if wide else []
    except UnicodeDecodeError as error:
        try:
            if wide:
                raise
            return data.decode("cp1252"), ["not UTF-8: read as Windows-1252; check names with accents"]
        except UnicodeDecodeError:
            raise InputError(
                Problem(
                    "encoding",
                    f"not a text file: {error.reason} at byte {error.start}",
                    file=str(path),
                    allowed="UTF-8",
                )
            ) from error


def _lines(text: str, delimiter: str, path: Path) -> tuple[list[tuple[int, list[str]]], list[Problem]]:
    """Split into (line number, cells); a cell may hold line breaks, so the number is of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines, start = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((start, [cell.strip() for cell in cells]))
            start = reader.line_num + 1
            if len(lines) > MAX_ROWS:
                return lines, [Problem("too_large", f"more than {MAX_ROWS} rows", file=str(path))]
    except csv.Error as error:
        return lines, [Problem("quoting", f"cannot be split into cells: {error}", str(path), start)]
    return lines, []


def _header_problems(names: list[str], path: Path, required: tuple[str, ...]) -> list[Problem]:
    """Return what is wrong with the header: columns missing, twice, nameless, or two of the box's four."""
    problems = []

    def add(kind: str, message: str, **where) -> None:
        problems.append(Problem(kind, message, str(path), 1, **where))

    for name in required:
        if name not in names:
            add("missing_column", f"column {name} is missing", column=name, found=", ".join(names)[:200])
    for name in sorted({name for name in names if names.count(name) > 1}):
        add("duplicate_column", "a column stands twice", column=name or "(no name)")
    if names.count("") == 1:
        add("nameless_column", "a column has no name")
    if "row" in names:
        add("reserved_column", "a column may not be called row", column="row")
    have = [name for name in BOX if name in names]
    if have and len(have) < 4:
        add("missing_column", "a box needs all of its columns", found=", ".join(have), allowed=", ".join(BOX))
    return problems


class Cells:
    """One manifest's cells, turned into values; keeps every problem on the way.

    A reader that stopped at the first mistake would have its user start again for each. So every method
    returns values of the right length and kind whatever it finds, and says in `problems` what was wrong.
    """

    def __init__(self, table: pd.DataFrame, path: Path):
        self.table, self.path, self.problems = table, path, []

    def add(self, kind: str, message: str, row, column=None, found=None, allowed=None) -> None:
        """Keep one problem."""
        self.problems.append(Problem(kind, message, str(self.path), row, column, found, allowed))

    def column(self, name: str) -> list[str]:
        """Return a column's cells, empty strings where there is no such column."""
        return self.table[name].tolist() if name in self.table else [""] * len(self.table)

    def rows(self, name: str):
        """Iterate over (line number, cell)."""
        return zip(self.table["row"].tolist(), self.column(name), strict=True)

    def filled(self, name: str) -> list[str]:
        """Return a column none of whose cells may be empty."""
        for row, cell in self.rows(name):
            if not cell:
                self.add("empty", "the cell is empty", row, name)
        return self.column(name)

    def numbers(self, name: str, low: float, high: float, what: str) -> list[float]:
        """Return a column as numbers within [low, high]; an empty cell is nan."""
        return [self._number(row, name, cell, low, high, what) for row, cell in self.rows(name)]

    def _number(self, row: int, name: str, cell: str, low: float, high: float, what: str) -> float:
        """Return one cell's number, nan where it is empty or a problem."""
        if not cell or cell.lower() in ("nan", "na"):
            return math.nan
        try:
            # Python reads 1_0 as ten, and digits of other scripts; no spreadsheet takes either for a number.
            value = float(cell) if "_" not in cell and cell.isascii() else math.inf
        except ValueError:
            value = math.inf
        if not math.isfinite(value) or not low <= value <= high:
            self.add("number", "not a number this column can hold", row, name, cell, what)
            return math.nan
        return value

    def words(self, name: str, meaning: dict[str, str], allowed: str) -> list[str]:
        """Return a column of words by what each means (lower case); an unknown word is a problem."""
        if "" not in meaning and len(self.table) and not any(self.column(name)):
            self.add("empty", "the column is empty in every row", None, name, None, allowed)
            return self.column(name)
        values = []
        for row, cell in self.rows(name):
            if cell.lower() not in meaning:
                message = f"unknown {name}" if cell else "the cell is empty"
                self.add(f"unknown_{name}", message, row, name, cell, allowed)
            values.append(meaning.get(cell.lower(), ""))
        return values

    def flags(self, name: str) -> list[bool]:
        """Return a column of yes and no; empty is no."""
        meaning = {word: "yes" for word in TRUE} | {word: "" for word in FALSE}
        return [bool(word) for word in self.words(name, meaning, "1, 0, true, false, yes, no or empty")]

    def levels(self) -> list[str]:
        """Return the levels; Th12 and D12 are T12, empty is unknown."""
        meaning = {"": ""} | {level.lower(): level for level in LEVELS}
        meaning |= {re.sub("^t", prefix, level.lower()): level for level in LEVELS for prefix in ("th", "d")}
        return self.words("level", meaning, "T5 to L5, or empty where unknown")
