"""Which cell of which table a printed number was written from.

A number belongs to a cell of a CSV that rounds to it, as it is or as percent, in a row that is about the same things:
what the row says in words (network, metric, reader) is looked for in caption, row and column of the print.
"""

import re
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
import pandas as pd

from ovcf.files import digest
from ovcf.report.brief import LINES
from ovcf.report.printed import Place, Printed

SAVED = re.compile(r"""save_table\(\s*["'](\w+)["']""")
WORD = re.compile(r"[^\W_]+")
BRIEF = "In brief"  # heading of the page's first table
LONG = 60  # letters from which a cell is a sentence and says nothing of what its row is about


class Cell(NamedTuple):
    """A cell of a table, rows and columns counted from 0."""

    table: "Table"
    row: int
    column: int


class Table:
    """A CSV of a run, as text and as numbers."""

    def __init__(self, path: Path):
        self.name, self.digest = path.stem, digest(path)
        self._frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        self.columns = list(self._frame.columns)
        self.texts = self._frame.to_numpy()

    @cached_property
    def values(self) -> np.ndarray:
        """(rows, columns) float; NaN where a cell is no number."""
        return self._frame.apply(pd.to_numeric, errors="coerce").to_numpy(float).reshape(self.texts.shape)

    @cached_property
    def about(self) -> list[list[set[str]]]:
        """For each row the words of each cell that says what the row is about; a whole number by its column's name."""
        return [
            [
                _words(f"{name} {text}" if text.isdigit() else text)
                for name, text in zip(self.columns, row, strict=True)
                if text and len(text) < LONG and (text.isdigit() or not _is_number(text))
            ]
            for row in self.texts
        ]

    def cells(self, number: str) -> list[Cell]:
        """The cells that round to a printed number, as they are or as percent; a whole number only as it is."""
        plain = number.lstrip("+-−").replace(",", "")
        if not _is_number(plain):
            return []
        if plain.isdigit():
            found = self.values == float(plain)
        else:
            half = 0.5 * 10.0 ** -len(plain.partition(".")[2]) * (1 + 1e-9)
            gaps = [np.abs(np.abs(self.values) * scale - float(plain)) for scale in (1, 100)]
            found = (np.fmin(*gaps) <= half) & ~self._whole
        return self._at(found)

    def cells_saying(self, text: str) -> list[Cell]:
        """The cells that are a printed text to the letter."""
        return self._at(self.texts == text)

    def _at(self, found: np.ndarray) -> list[Cell]:
        return [Cell(self, int(row), int(column)) for row, column in np.argwhere(found)]

    @cached_property
    def _whole(self) -> np.ndarray:
        """(rows, columns) bool: cells that hold digits and nothing else."""
        return np.vectorize(str.isdigit, otypes=[bool])(self.texts) if self.texts.size else self.texts.astype(bool)


class Sources:
    """The tables of a run, and which of them each notebook's cell has saved.

    Parameters
    ----------
    run : folder of the run.
    notebooks : its executed notebooks, by name.
    """

    def __init__(self, run: Path, notebooks: dict[str, nbformat.NotebookNode]):
        self._paths = {path.stem: path for path in (Path(run) / "tables").glob("*.csv")}
        self._tables: dict[str, Table] = {}
        brief = [name for line in LINES for name in line.tables if name != "patches"]
        self._saved = {("", ""): list(dict.fromkeys(brief))}
        for name, notebook in notebooks.items():
            for number, cell in enumerate(notebook.cells):
                self._saved[name, str(number)] = SAVED.findall(cell.source)

    def find(self, number: str, text: Printed, near: Cell | None = None) -> Cell | None:
        """Find the cell that a number of a text was written from; None where there is none, or it could be several.

        `near` is the cell of the number before it in the same text: an estimate's interval stands in its row.
        """
        place = text.place
        if not place.notebook and place.heading != BRIEF:
            return None
        tables = self._of(self._saved.get(place[:2]) or self._before(place))
        found = [] if text.text == number else [cell for table in tables for cell in table.cells_saying(text.text)]
        found = found or [cell for table in tables for cell in table.cells(number)]
        context = _words(" ".join([place.caption, place.row, place.column]))
        scores = [self._score(cell, context, near) for cell in found]
        best = [cell for cell, score in zip(found, scores, strict=True) if score == max(scores)]
        if len(found) > 1 and max(scores) < 1:
            return None
        return best[0] if len({(cell.table.name, cell.row) for cell in best}) == 1 else None

    def _score(self, cell: Cell, context: set[str], near: Cell | None) -> float:
        about = cell.table.about[cell.row]
        same_row = near is not None and (near.table, near.row) == (cell.table, cell.row)
        named = _words(cell.table.columns[cell.column]) <= context
        after = same_row and cell.column > near.column
        return sum(words <= context for words in about) + 0.5 * same_row + 0.2 * named + 0.1 * after

    def _before(self, place: Place) -> list[str]:
        """What the nearest cell saved that comes before one that saves none."""
        saved = [
            names for (notebook, cell), names in self._saved.items()
            if names and place.cell and notebook == place.notebook and int(cell) < int(place.cell)
        ]  # fmt: skip
        return saved[-1] if saved else []

    def _of(self, names: list[str]) -> list[Table]:
        for name in names:
            if name not in self._tables and name in self._paths:
                self._tables[name] = Table(self._paths[name])
        return [self._tables[name] for name in names if name in self._tables]


def _words(text: str) -> set[str]:
    """The words of a text or name: `recall_fresh` and `Recall fresh = sensitivity (%)` share two."""
    return {word.lower() for word in WORD.findall(text)}


def _is_number(text: str) -> bool:
    try:
        return bool(text) and np.isfinite(float(text))
    except ValueError:
        return False
