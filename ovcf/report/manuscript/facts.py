"""What a run says of itself, number by number: each is taken from a cell of a table or a parameter, and remembered.

A sentence is written with these and holds no other number, so that each one printed has its source.
"""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ovcf.files import digest
from ovcf.models.catalogue import pretrained
from ovcf.run_folder import read_table
from ovcf.run_folder.fixed import read_fixed
from ovcf.run_folder.record import read_record
from ovcf.stats.rates import METRICS
from ovcf.tables.show import p_value, value
from ovcf.words import network_title

PARAMETERS, RECORD = "parameters.yaml", "run.json"


class Cited(NamedTuple):
    """A number as printed, and where it stands: a table's cell (rows counted from 1), or a parameter by name."""

    number: str
    table: str
    row: str
    column: str
    value: str
    digest: str


class Unknown(LookupError):
    """A run does not hold what a sentence needs."""


def whole(number: float) -> str:
    """Write a count: `1,234`."""
    return f"{number:,.0f}"


class Facts:
    """A run's tables and parameters, with every number that was taken from them.

    Parameters
    ----------
    run : folder of the run; only read.
    record : of the run (run.json), where another than the stored one counts.
    """

    def __init__(self, run: Path, record: dict[str, Any] | None = None) -> None:
        self.run = Path(run)
        self.record = read_record(self.run) if record is None else record
        self.parameters: dict[str, Any] = self.record.get("parameters") or read_fixed(self.run)[0]
        self.cited: list[Cited] = []
        self._tables: dict[str, pd.DataFrame | None] = {}

    # What the run is -------------------------------------------------------------------------------------------

    @property
    def synthetic(self) -> bool:
        """Whether its films were drawn by software."""
        return bool(self.record.get("synthetic"))

    @property
    def simulated(self) -> bool:
        """Whether its readers were simulated."""
        return self.parameters["readings"] == "simulated"

    @cached_property
    def chosen(self) -> str:
        """The network that Table 3 is of; raises Unknown where none is yet."""
        return str(self.rows("table3").network.iloc[0])

    @property
    def chosen_title(self) -> str:
        """Its printed name."""
        return network_title(self.chosen)

    @property
    def random(self) -> list[str]:
        """Printed names of the networks that nothing was pretrained in."""
        networks, weights = (self.parameters[name] for name in ("networks", "weights"))
        return [network_title(network) for network in networks if not pretrained(network, weights)]

    # Tables ----------------------------------------------------------------------------------------------------

    def has(self, table: str) -> bool:
        """Whether the run holds a table, and something in it."""
        if table not in self._tables:
            path = self.run / "tables" / f"{table}.csv"
            self._tables[table] = read_table(path) if path.is_file() else None
        found = self._tables[table]
        return found is not None and len(found) > 0

    def rows(self, table: str, /, **where: Any) -> pd.DataFrame:
        """Return the rows of a table where columns have these values; raises Unknown where there is none."""
        if not self.has(table):
            raise Unknown(f"no table {table}")
        found = self._tables[table]
        for column, wanted in where.items():
            if column not in found:
                raise Unknown(f"{table} has no column {column}")
            found = found[found[column] == wanted]
        if found.empty:
            raise Unknown(f"{table} has no row with {where}")
        return found

    # Numbers ---------------------------------------------------------------------------------------------------

    def number(self, table: str, column: str, form: Callable[[float], str] = whole, /, **where: Any) -> str:
        """Take one cell, the first that fits, written by `form`; raises Unknown where there is none, or it is empty."""
        row = self.rows(table, **where)
        if column not in row or pd.isna(row[column].iloc[0]):
            raise Unknown(f"{table} says nothing of {column} where {where}")
        stored = row[column].iloc[0]
        text = form(stored)
        sealed = digest(self.run / "tables" / f"{table}.csv")
        self.cited.append(Cited(text, table, str(row.index[0] + 1), column, str(stored), sealed))
        return text

    def estimate(self, table: str, metric: str, *, columns: tuple[str, str, str] = ("estimate", "low", "high"),
                 as_metric: str | None = None, **where: Any) -> str:  # fmt: skip
        """Take an estimate and the ends of its interval: `0.791 (0.753 to 0.825)`, percent where the metric is."""
        known = METRICS.get(as_metric or metric)
        unit = " %" if known is not None and known.percent else ""
        form = lambda number: value(number, as_metric or metric)  # noqa: E731 - three cells, one form
        one, low, high = (self.number(table, column, form, metric=metric, **where) for column in columns)
        return f"{one}{unit} (95 % interval {low} to {high})"

    def p(self, table: str, column: str = "p", /, **where: Any) -> str:
        """Take a p: `p = 0.040` or `p < 0.001`."""
        text = self.number(table, column, p_value, **where)
        return f"p {text}" if text.startswith("<") else f"p = {text}"

    def parameter(self, name: str) -> str:
        """Take a parameter's value."""
        text = _plain(self.parameters[name])
        self.cited.append(Cited(text, PARAMETERS, name, "", str(self.parameters[name]), ""))
        return text

    def recorded(self, name: str) -> str:
        """Take what the record says of the run: a version; raises Unknown where it does not."""
        if name not in self.record:
            raise Unknown(f"no {name} in the record")
        self.cited.append(Cited(str(self.record[name]), RECORD, name, "", str(self.record[name]), ""))
        return str(self.record[name])

    def counted(self, number: int, table: str, column: str) -> str:
        """Take how many rows of a table say something; the column says what was counted. Raises Unknown without it."""
        self.rows(table)
        sealed = digest(self.run / "tables" / f"{table}.csv")
        self.cited.append(Cited(whole(number), table, "count", column, str(number), sealed))
        return whole(number)


def _plain(setting: Any) -> str:
    if isinstance(setting, float):
        return f"{setting:g}"
    return ", ".join(map(str, setting)) if isinstance(setting, list) else str(setting)
