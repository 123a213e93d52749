"""ledger.csv: every number of a run's page as printed, where it stands, and the table it was written from.

Written with the page. A number's table, row and column are those of the cell of a CSV that rounds to it and is about
the same things (network, fold, metric, reader); where several could be meant none is named.
"""

import csv
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat

from ovcf.files import write_text
from ovcf.problems import InputError, Problem
from ovcf.report.printed import Place, Printed, numbers, printed
from ovcf.report.sources import Sources

NAME = "ledger.csv"
COLUMNS = ("number", *Place._fields, "table", "table_row", "table_column", "value", "digest")


class Entry(NamedTuple):
    """A number as printed, its place, and the cell of a table that it was written from ("" where none is known)."""

    number: str
    place: Place
    table: str = ""
    row: str = ""  # of the CSV, the first row of values is 1
    column: str = ""
    value: str = ""  # as the CSV has it
    digest: str = ""  # SHA-256 of the CSV; without one, of what the notebook's cell printed


def write_ledger(run: Path, page: str, notebooks: dict[str, nbformat.NotebookNode]) -> Path:
    """Write the ledger of a page.

    Parameters
    ----------
    run : folder of the run, with the tables as CSV.
    page : HTML of its report.
    notebooks : the executed notebooks, by name.
    """
    lines = io.StringIO()
    out = csv.writer(lines, lineterminator="\n")
    out.writerow(COLUMNS)
    for entry in entries(printed(page), Sources(run, notebooks)):
        out.writerow([entry.number, *entry.place, *entry[2:]])
    write_text(run / NAME, lines.getvalue())
    return run / NAME


def read_ledger(run: Path) -> list[Entry]:
    """Read a run's ledger.

    Raises InputError where there is none, or where it is no ledger.
    """
    path = run / NAME
    if not path.is_file():
        raise InputError(Problem("no_ledger", "this run has no ledger: it was made before there was one", str(path)))
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    if not rows or tuple(rows[0]) != COLUMNS or any(len(row) != len(COLUMNS) for row in rows):
        raise InputError(Problem("ledger", "this is no ledger, or a damaged one", str(path)))
    width = 1 + len(Place._fields)
    return [Entry(row[0], Place(*row[1:width]), *row[width:]) for row in rows[1:]]


def entries(texts: list[Printed], sources: Sources | None = None) -> Iterator[Entry]:
    """List the numbers of a page's texts in their order, with their tables where the sources are given."""
    outputs = _digests(texts)
    for text in texts:
        output, near = outputs.get(text.place[:2], ""), None
        for number in [text.text] if text.is_picture else numbers(text.text):
            cell = sources.find(number, text, near) if sources and not text.is_picture else None
            if cell is None:
                yield Entry(number, text.place, digest=output)
                continue
            near, table, value = cell, cell.table, cell.table.texts[cell.row][cell.column]
            yield Entry(
                number, text.place, table.name, str(cell.row + 1), table.columns[cell.column], value, table.digest
            )


def _digests(texts: list[Printed]) -> dict[tuple[str, str], str]:
    """SHA-256 of all that a notebook's cell printed, by notebook and cell."""
    joined: dict[tuple[str, str], list[str]] = {}
    for text in texts:
        if text.place.cell:
            joined.setdefault(text.place[:2], []).append(text.text)
    return {place: hashlib.sha256("\n".join(parts).encode()).hexdigest() for place, parts in joined.items()}
