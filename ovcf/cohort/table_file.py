"""Read a table from any file that spreadsheets and statistics programs save: its cells as text, line by line.

One reader for manifests, studies, readings and tables of annotations. Text may be separated by commas, semicolons,
tabs or bars; `workbook.py` reads .xlsx. Cells stay text, so that ids keep their leading zeros; in columns of
numbers decimal commas become points.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ovcf.cohort.columns import Column, held
from ovcf.problems import InputError, Problem
from ovcf.words import BOX

MAX_BYTES = 256 * 2**20
MAX_ROWS = 1_000_000
TITLES = 10  # filled lines among which a header is looked for below a title
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SEP_LINE = re.compile(r'"?sep=(.)"?[ \t]*(?:\r\n|\r|\n|$)', re.IGNORECASE)  # Excel's first line
_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_POINT = re.compile(r"[+-]?\d*\.\d+(?:[eE][+-]?\d+)?", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+", re.ASCII)
_OTHER_FILES = {  # first bytes, in small letters where they are letters, of what people call a table and is none
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls) or one with a password: save it as .xlsx or CSV",
    b"\x1f\x8b": "compressed (gzip, or R's .rds): save it as CSV",
    b"PAR1": "a Parquet file: save it as CSV",
    b"SQLite format 3": "a database: save the table as CSV",
    b"$FL": "an SPSS file (.sav): save it as CSV",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"<html": "a web page (some programs call it .xls): save it as .xlsx or CSV",
    b"<!doctype": "a web page (some programs call it .xls): save it as .xlsx or CSV",
    b"<?xml": "XML: save it as .xlsx or CSV",
}
Lines = list[tuple[int, list[str]]]  # (line number, cells)


class Sheet(NamedTuple):
    """A file's filled lines as (line number, cells), what separates the cells ("," for a workbook), and notes."""

    lines: Lines
    separator: str
    notes: list[str]


def read_table(
    path: Path,
    columns: Mapping[str, Column],
    *,
    required: Sequence[str] = (),
    aliases: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Return a table's cells as text (stripped), with a column `row` of line numbers, and notes.

    Text is UTF-8 with or without BOM, UTF-16, else Windows-1252 (noted); a line `sep=;` is followed. Documented
    columns are known by their letters and digits alone ("Patient ID", "patient.id"). Empty columns without a name
    and R's column of row names are left out. Of documented columns that may be empty, cells that say so ("NA",
    "-") are; those of numbers have decimal points, whatever stood there.

    Parameters
    ----------
    path : file.
    columns : the documented columns; others are kept as they are.
    required : columns that must be there.
    aliases : other headings of documented columns (small letters and digits only), used where the column itself is
        not there.

    Raises
    ------
    InputError
        For a file that is missing, empty, too large, no table, or whose lines do not fit its header; all such
        lines at once.
    """
    table, notes, problems = read_sound_lines(path, columns, required=required, aliases=aliases)
    if problems:
        raise InputError(problems)
    return table, notes


def read_sound_lines(
    path: Path,
    columns: Mapping[str, Column],
    *,
    required: Sequence[str] = (),
    aliases: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, list[str], list[Problem]]:
    """Return what `read_table` does of the lines that fit the header, and a problem for each of the others."""
    path = Path(path)
    sheet = read_sheet(path, lambda cells: set(required) <= set(_named(cells, columns, aliases)))
    _check_first_line(sheet.lines, lambda cells: sum(name in columns for name in _named(cells, columns, aliases)), path)
    names, rows = _named(sheet.lines[0][1], columns, aliases), sheet.lines[1:]
    names, rows = _without_empty_columns(names, rows, sheet.notes)
    problems, unfit = _header_problems(names, path, required, sheet.lines[0][0]), _length_problems(names, rows, path)
    if problems:
        raise InputError(problems + unfit)
    rows = [(row, cells) for row, cells in rows if len(cells) == len(names)]
    numbers = [row for row, _ in rows]
    cells = {name: [line[k] for _, line in rows] for k, name in enumerate(names)}
    for name in [name for name in names if name in columns and columns[name].kind != "name"]:
        cells[name] = list(map(held, cells[name]))
        if columns[name].kind in ("number", "flag"):  # a flag may be 1,0
            cells[name], wrong = _with_points(cells[name], numbers, sheet.separator)
            problems += [problem._replace(file=str(path), column=name) for problem in wrong]
    if problems:
        raise InputError(problems + unfit)
    return pd.DataFrame(cells, dtype=object).assign(row=numbers), sheet.notes, unfit


def read_sheet(path: Path, fits: Callable[[list[str]], bool] = bool) -> Sheet:
    """Return a file's cells line by line, whatever they mean; of a workbook the sheet whose first row `fits`.

    Raises InputError for a file that is missing, empty, too large, or no table.
    """
    from ovcf.cohort.workbook import is_workbook, read_workbook

    data = read_bytes(path)
    if is_workbook(data):
        return Sheet(*read_workbook(data, path, fits))
    text, notes = decoded(data, path)
    sheet = _separated(text, path)
    if not sheet.lines:
        raise InputError(Problem("empty", "the table is empty", file=str(path)))
    noted = [f"read with {SEPARATORS[sheet.separator]} as separators"] if sheet.separator != "," else []
    return sheet._replace(notes=[*notes, *noted])


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; InputError where it is missing, cannot be opened, or is larger than any table."""
    try:
        if not path.is_file():
            message = "a folder, not a file" if path.is_dir() else "no such file"
            raise InputError(Problem("missing_file", message, file=str(path)))
        if path.stat().st_size > MAX_BYTES:
            message, allowed = "the file is larger than any table", f"at most {MAX_BYTES // 2**20} MB"
            raise InputError(Problem("too_large", message, file=str(path), allowed=allowed))
        return path.read_bytes()
    except OSError as error:
        raise InputError(Problem("unreadable_file", f"cannot be opened: {error}", file=str(path))) from error


def decoded(data: bytes, path: Path) -> tuple[str, list[str]]:
    """Return a file's text whatever its encoding, and a note where that had to be told from its bytes.

    Raises InputError for what is no text, and says what it is where that can be seen.
    """
    for start, what in _OTHER_FILES.items():
        if data.startswith(start) or data[:9].lower().startswith(start):
            raise InputError(Problem("no_table", f"not a table of text: {what}", str(path), allowed="CSV or .xlsx"))
    wide = _wide(data)
    try:
        return data.decode(wide or "utf-8-sig"), ["read as UTF-16"] if wide else []
    except UnicodeDecodeError as error:
        try:
            if wide:
                raise
            return data.decode("cp1252"), ["not UTF-8: read as Windows-1252; check names with accents"]
        except UnicodeDecodeError:
            message = f"not a text file: {error.reason} at byte {error.start}"
            raise InputError(Problem("encoding", message, file=str(path), allowed="UTF-8")) from error


def _wide(data: bytes) -> str:
    """Return the codec of text of two bytes a letter, with a mark or seen by its zeros, else ""."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    start = data[:2000]
    for codec, high in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if len(start) > 8 and start.count(0) == high.count(0) > 0.8 * len(high):
            return codec
    return ""


def _separated(text: str, path: Path) -> Sheet:
    """Split text into cells; a cell may hold line breaks, so a line's number is that of its first."""
    said = _SEP_LINE.match(text)
    body, before = (text[said.end() :], 1) if said else (text, 0)
    separator = said[1] if said else _separator(body)
    if separator not in SEPARATORS:
        allowed = ", ".join(SEPARATORS.values())
        raise InputError(Problem("separator", "this separates no cells", str(path), 1, None, separator, allowed))
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=separator, strict=True)
    lines, start = [], before + 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append((start, [cell.strip() for cell in cells]))
            start = before + reader.line_num + 1
            if len(lines) > MAX_ROWS:
                raise InputError(Problem("too_large", f"more than {MAX_ROWS} rows", file=str(path)))
    except csv.Error as error:
        raise InputError(Problem("quoting", f"cannot be split into cells: {error}", str(path), start)) from None
    return Sheet(lines, separator, [])


def _separator(text: str) -> str:
    """Return what stands most often between the header's cells, outside quotes."""
    header = next((line for line in re.split(r"[\r\n]", text[:100_000]) if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", header)
    return max(SEPARATORS, key=bare.count)


def heading_key(name: str) -> str:
    """Return what a heading is known by: its letters and digits, small."""
    return re.sub(r"[\W_]+", "", name.lower())


def _check_first_line(lines: Lines, known: Callable[[list[str]], int], path: Path) -> None:
    """Refuse a title above the header: a first line without a documented column, and a line below with several."""
    if known(lines[0][1]):
        return
    header = next((row for row, cells in lines[1:TITLES] if known(cells) > 1), None)
    if header:
        message = f"no header but a title: the columns' names seem to stand in row {header}; delete the rows above it"
        raise InputError(Problem("title", message, str(path), lines[0][0], found=" ".join(lines[0][1]).strip()[:80]))


def _named(cells: list[str], columns: Mapping[str, Column], aliases: Mapping[str, str] | None) -> list[str]:
    """Return the headings, documented ones spelt as documented; an alias counts where its column is absent."""
    known = {heading_key(name): name for name in columns}
    names = [known.get(heading_key(cell), cell) for cell in cells]
    other = {alias: name for alias, name in (aliases or {}).items() if name not in names}
    return [name if name in columns else other.get(heading_key(name), name) for name in names]


def _without_empty_columns(names: list[str], rows: Lines, notes: list[str]) -> tuple[list[str], Lines]:
    """Leave out what no column is: nameless ones without a cell, cells past the header, and row names."""
    width = len(names)
    rows = [(row, cells if any(cells[width:]) else cells[:width]) for row, cells in rows]
    numbered = [str(k) for k in range(1, len(rows) + 1)]
    if rows and {len(cells) for _, cells in rows} == {width + 1} and [cells[0] for _, cells in rows] == numbered:
        notes += ["the first cell of each line has no heading and counts the lines: left out as row names (R)"]
        return names, [(row, cells[1:]) for row, cells in rows]
    firsts = [cells[0] for _, cells in rows if cells]
    if width > 1 and names[0] == "" and all(firsts) and len(set(firsts)) == len(rows):
        notes += ["the first column has no heading and names the lines: left out as row names (R, pandas)"]
        names, rows = names[1:], [(row, cells[1:]) for row, cells in rows]
    if "" not in names:
        return names, rows
    used = [bool(name) or any(cells[k : k + 1] != [""] for _, cells in rows) for k, name in enumerate(names)]
    kept = [[cell for k, cell in enumerate(cells) if k >= len(used) or used[k]] for _, cells in rows]
    rows = [(row, cells) for (row, _), cells in zip(rows, kept, strict=True)]
    return [name for name, wanted in zip(names, used, strict=True) if wanted], rows


def _header_problems(names: list[str], path: Path, required: Sequence[str], line: int) -> list[Problem]:
    """Return what is wrong with the header: columns missing, twice, nameless, or two of the box's four."""
    problems = []

    def add(kind: str, message: str, **where) -> None:
        problems.append(Problem(kind, message, str(path), line, **where))

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


def _length_problems(names: list[str], rows: Lines, path: Path) -> list[Problem]:
    """Return the lines that do not have as many cells as the header."""
    message, allowed = "the line does not have as many cells as the header", str(len(names))
    return [
        Problem("cells", message, str(path), row, found=str(len(cells)), allowed=allowed)
        for row, cells in rows
        if len(cells) != len(names)
    ]


def _with_points(cells: list[str], rows: list[int], separator: str) -> tuple[list[str], list[Problem]]:
    """Return a column of numbers with decimal points.

    Where commas separate, a quoted 61,5 is a decimal comma and 1,234 may as well be a thousand: such a column is
    left to be refused. A column with both marks is refused here.
    """
    commas = [k for k, cell in enumerate(cells) if _COMMA.fullmatch(cell)]
    if not commas or (separator == "," and any(map(_THOUSANDS.fullmatch, cells))):
        return cells, []
    points = [k for k, cell in enumerate(cells) if _POINT.fullmatch(cell)]
    if points:
        message = f"decimal commas and points in one column: {cells[points[0]]} in row {rows[points[0]]}"
        return cells, [Problem("decimals", message, None, rows[commas[0]], None, cells[commas[0]], "one of the two")]
    pointed = list(cells)
    for k in commas:
        pointed[k] = cells[k].replace(",", ".")
    return pointed, []
