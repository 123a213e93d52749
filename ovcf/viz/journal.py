"""An append-only CSV that loses nothing: a row is on the disk before the caller goes on.

One line is one row (line breaks inside a text become spaces), so an editor's quote or comma too many stays in its line.
A last line without its end is kept where it is whole (an editor took the end away), else it was cut short by a crash
and is dropped; its writer was never told that it was kept.
"""

import csv
import os
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pandas as pd

from ovcf.files import append, appending
from ovcf.problems import InputError, Problem


def append_row(path: Path, columns: Sequence[str], row: dict) -> None:
    """Append one row and return once it is on the disk (write, flush, fsync).

    The file is made with its header when absent. Two programs may append at the same time.
    """
    with appending(path) as file:
        _end_last_line(file, len(columns))
        text = _line(columns) if file.seek(0, os.SEEK_END) == 0 else ""
        append(file, (text + _line(_one_line(row.get(c, "")) for c in columns)).encode("utf-8"))


def read_rows(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """All complete rows, as text; an absent file has none.

    Raises
    ------
    InputError
        When the header is not `columns`: the file was made by something else.
    """
    path = Path(path)
    if not path.exists():
        return pd.DataFrame(columns=list(columns), dtype=str)
    lines = path.read_bytes().decode("utf-8-sig", errors="replace").split("\n")
    if lines[0].strip() and _cells(lines[0]) != list(columns):
        found, allowed = lines[0].strip(), ",".join(columns)
        raise InputError(Problem("header", "the columns are not these", str(path), 1, None, found, allowed))
    rows = [row for line in lines[1:] if len(row := _cells(line, len(columns))) == len(columns)]
    return pd.DataFrame(rows, columns=list(columns), dtype=str)


def _cells(line: str, wanted: int = 0) -> list[str]:
    """Return the cells of a line; of a damaged one, what is left without its quotes and with its last cells joined."""
    cells = next(csv.reader([line.strip("\r")]), [])
    if not wanted or len(cells) == wanted or not line.strip():
        return cells
    plain = line.strip("\r").replace('"', "").split(",")
    return [*plain[: wanted - 1], ",".join(plain[wanted - 1 :])] if len(plain) >= wanted else plain


def _line(values) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerow(list(values))
    return out.getvalue()


def _one_line(value) -> str:
    """A value as text without line breaks or other control characters."""
    return "".join(c if c.isprintable() else " " for c in str(value)).strip()


def _end_last_line(file, wanted: int) -> None:
    """Give a last line that is whole the end it lost, and cut one whose writer died before it was kept."""
    file.seek(0)
    whole = file.read()
    start = whole.rfind(b"\n") + 1
    torn = whole[start:].decode("utf-8", errors="replace")
    if torn and len(_cells(torn)) == wanted:
        append(file, b"\n")
    elif torn:
        file.truncate(start)
