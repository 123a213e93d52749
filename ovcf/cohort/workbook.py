"""Read one sheet of an Excel workbook (.xlsx) as cells of text, as the spreadsheet shows them."""

import datetime
import io
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ovcf.problems import InputError, Problem

MAX_UNPACKED = 512 * 2**20  # bytes; a few kilobytes may unpack to gigabytes
MAX_CELLS = 20_000_000
MAX_WIDTH, MAX_HEIGHT = 16_384, 1_048_576  # columns and rows, Excel's own limits


def is_workbook(data: bytes) -> bool:
    """Whether a file's bytes are a zip archive, as .xlsx and .ods are."""
    return data.startswith(b"PK\x03\x04")


def read_workbook(
    data: bytes, path: Path, fits: Callable[[list[str]], bool]
) -> tuple[list[tuple[int, list[str]]], str, list[str]]:
    """Return the (row number, cells) of the sheet whose first row `fits`, "," (decimal points), and notes.

    Values are as last calculated; whole numbers have no point, a number shown as 007 is 007, dates are ISO 8601.

    Raises
    ------
    InputError
        For other archives, a damaged or too large workbook, formulas that were never calculated, and where no
        sheet or several could be meant.
    """
    _check_archive(data, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sheets, formulas = _sheets(data, True), _sheets(data, False)
    except InputError as error:
        raise InputError([problem._replace(file=str(path)) for problem in error.problems]) from None
    except Exception as error:  # whatever openpyxl and its XML parser throw at a damaged workbook
        message = f"an Excel workbook that cannot be read: {str(error)[:120] or type(error).__name__}"
        raise InputError(Problem("no_table", message, str(path), allowed="CSV or .xlsx")) from error
    name = _chosen(sheets, path, fits)
    if problems := _never_calculated(sheets[name], formulas[name], path):
        raise InputError(problems)
    notes = [f"read from an Excel workbook, sheet {name!r}"]
    if _merged(data):
        notes += ["the workbook has merged cells: only the first of each holds a value"]
    return sheets[name], ",", notes


def _check_archive(data: bytes, path: Path) -> None:
    """Refuse what is no workbook, by name, and what would unpack to more than memory should hold."""
    what = "an Excel workbook or another archive, damaged"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names, size = archive.namelist(), sum(entry.file_size for entry in archive.infolist())
            if "mimetype" in names and b"opendocument" in archive.open("mimetype").read(200):
                what = "an OpenDocument table: save it as .xlsx or CSV"
            elif "xl/workbook.bin" in names:
                what = "a binary workbook (.xlsb): save it as .xlsx or CSV"
            elif "xl/workbook.xml" in names and size <= MAX_UNPACKED:
                return
            else:
                what = "an archive" if size <= MAX_UNPACKED else "a workbook larger than any table"
    except Exception:  # zipfile raises half a dozen kinds on damaged archives
        pass
    raise InputError(Problem("no_table", f"not a table of text: {what}", str(path), allowed="CSV or .xlsx"))


def _sheets(data: bytes, values: bool) -> dict[str, list[tuple[int, list[str]]]]:
    """Return every sheet's filled rows, values or formulas."""
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=values, keep_links=False)
    sheets, cells = {}, 0
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # the size a file states may be wrong
        rows = []
        for number, row in enumerate(sheet.iter_rows(), start=1):
            texts = [_text(cell) for cell in row[:MAX_WIDTH]]
            cells += len(texts)
            if cells > MAX_CELLS or number > MAX_HEIGHT:
                raise InputError(Problem("too_large", f"more than {MAX_HEIGHT} rows or {MAX_CELLS} cells"))
            if any(texts):
                rows.append((number, texts))
        width = max((len(cells) for _, cells in rows), default=0)
        sheets[sheet.title] = [(number, cells + [""] * (width - len(cells))) for number, cells in rows]
    book.close()
    return sheets


def _text(cell: Any) -> str:
    """Return a cell as its sheet shows it."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, int) and value >= 0 and re.fullmatch("0{2,20}", str(cell.number_format)):
        return str(value).zfill(len(cell.number_format))
    return str(value).strip()


def _chosen(sheets: dict[str, list], path: Path, fits: Callable[[list[str]], bool]) -> str:
    """Return the one sheet that can be meant: the only one with the columns, else the only one with cells."""
    filled = [name for name, rows in sheets.items() if rows]
    fitting = [name for name in filled if fits(sheets[name][0][1])]
    if len(fitting) == 1 or len(filled) == 1:
        return (fitting or filled)[0]
    if not filled:
        raise InputError(Problem("empty", "no sheet of the workbook holds a cell", str(path)))
    message = f"{len(fitting) or 'none'} of its sheets could be the table: keep one, or save that sheet as CSV"
    raise InputError(Problem("several_sheets", message, str(path), found=", ".join(filled[:10])))


def _never_calculated(values: list, formulas: list, path: Path) -> list[Problem]:
    """Return the cells whose formula has no stored value: a program wrote them and no spreadsheet opened them."""
    known = dict(values)
    message = "a formula that was never calculated: open the workbook in a spreadsheet program and save it"
    return [
        Problem("formula", message, str(path), row, found=cell[:80])
        for row, cells in formulas
        for k, cell in enumerate(cells)
        if cell.startswith("=") and not (known.get(row, []) + [""] * (k + 1))[k]
    ]


def _merged(data: bytes) -> bool:
    """Whether any sheet has merged cells."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        return any(b"<mergeCell " in archive.read(name) for name in sheets)
