"""Turn a table's cells into values by their columns' documented kinds; keep every problem with its line."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ovcf.cohort.columns import FALSE, TRUE, Column, held
from ovcf.problems import Problem


class Cells:
    """One table's cells, turned into values; keeps every problem on the way.

    A reader that stopped at the first mistake would have its user start again for each. So every method
    returns values of the right length and kind whatever it finds, and says in `problems` what was wrong.

    Parameters
    ----------
    table : cells as text, with a column `row` of line numbers, as `read_table` returns it.
    path : for the messages.
    columns : the documented columns.
    """

    def __init__(self, table: pd.DataFrame, path: Path, columns: Mapping[str, Column]) -> None:
        self.table, self.path, self.columns = table, path, columns
        self.problems: list[Problem] = []

    def add(
        self,
        kind: str,
        message: str,
        row: int | None,
        column: str | None = None,
        found: str | None = None,
        allowed: str | None = None,
    ) -> None:
        """Keep one problem."""
        self.problems.append(Problem(kind, message, str(self.path), row, column, found, allowed))

    def column(self, name: str) -> list[str]:
        """Return a column's cells, empty strings where there is no such column."""
        return self.table[name].tolist() if name in self.table else [""] * len(self.table)

    def rows(self, name: str) -> Any:
        """Iterate over (line number, cell)."""
        return zip(self.table["row"].tolist(), self.column(name), strict=True)

    def values(self, name: str) -> list:
        """Return a documented column's values: str, float (nan where empty) or bool."""
        kind = self.columns[name].kind
        how: dict[str, Callable[[str], list]] = {
            "name": self._filled,
            "number": self._numbers,
            "word": self._words,
            "flag": self._flags,
        }
        return how[kind](name) if kind in how else self.column(name)

    def _filled(self, name: str) -> list[str]:
        """Return a column none of whose cells may be empty."""
        for row, cell in self.rows(name):
            if not held(cell):
                found = f" ({cell} stands for nothing)" if cell else ""
                self.add("empty", f"the cell is empty{found}", row, name)
        return [held(cell) for cell in self.column(name)]

    def _numbers(self, name: str) -> list[float]:
        """Return a column as numbers within its bounds; an empty cell is nan."""
        return [self._number(row, name, cell) for row, cell in self.rows(name)]

    def _number(self, row: int, name: str, cell: str) -> float:
        """Return one cell's number, nan where it is empty or a problem."""
        if not held(cell):
            return math.nan
        try:
            # Python reads 1_0 as ten, and digits of other scripts; no spreadsheet takes either for a number.
            value = float(cell) if "_" not in cell and cell.isascii() else math.inf
        except ValueError:
            value = math.inf
        column = self.columns[name]
        if not math.isfinite(value) or not column.low <= value <= column.high:
            self.add("number", "not a number this column can hold", row, name, cell, column.allowed)
            return math.nan
        return value

    def _words(self, name: str) -> list[str]:
        """Return a column of words by what each means; an unknown word is a problem."""
        meaning, allowed = self.columns[name].meaning, self.columns[name].allowed
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

    def _flags(self, name: str) -> list[bool]:
        """Return a column of yes and no; empty is no."""
        for row, cell in self.rows(name):
            if cell.lower() not in (*TRUE, *FALSE):
                self.add(f"unknown_{name}", f"unknown {name}", row, name, cell, self.columns[name].allowed)
        return [cell.lower() in TRUE for cell in self.column(name)]
