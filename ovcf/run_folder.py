"""The folder of a run: its parameters, and tables that are made again when what they were made from changes."""

import hashlib
import json
import os
from pathlib import Path

import pandas as pd

from ovcf.files import read_yaml, write_text, write_yaml
from ovcf.problems import InputError, Problem
from ovcf.profiles import defaults, merge_parameters

TEXT_COLUMNS = (
    "patch_id patient_id level label image sex region network split reader session answer time "
    "weights trainable spacing_origin"
).split()


class RunFolder:
    """Parameters, tables and figures of one run.

    Parameters
    ----------
    run : folder of the run; made if absent. Relative paths are as `from_project` takes them.
    parameters : values of notebook parameters (see ovcf/profiles/demo.yaml). They are laid over those stored in
        the run, which are laid over the demo's.

    Raises
    ------
    InputError : for unknown parameters and values of the wrong type.
    """

    def __init__(self, run, **parameters):
        self.run = from_project(run)
        stored = self.run / "parameters.yaml"
        base = merge_parameters(defaults(), read_yaml(stored), source=str(stored))
        self.parameters = merge_parameters(base, parameters, source="the notebook's parameters")
        for folder in ("tables", "figures", "cache"):
            (self.run / folder).mkdir(parents=True, exist_ok=True)
        self._resolve_paths()
        write_yaml(stored, self.parameters)

    def save_table(self, name: str, table: pd.DataFrame, *, index: bool = False) -> pd.DataFrame:
        """Write `tables/<name>.csv` at once or not at all, and hand the table back."""
        write_text(self.run / "tables" / f"{name}.csv", table.to_csv(index=index))
        return table

    def save_figure(self, name: str, figure) -> None:
        """Write `figures/<name>.png` and `.svg`."""
        for suffix in ("png", "svg"):
            figure.savefig(self.run / "figures" / f"{name}.{suffix}", bbox_inches="tight")

    def table(self, name: str) -> pd.DataFrame:
        """Read `tables/<name>.csv`."""
        path = self.run / "tables" / f"{name}.csv"
        if not path.is_file():
            raise InputError(Problem("missing_file", "this run has no such table", str(path)))
        return read_table(path)

    def _table(self, name, key, make) -> pd.DataFrame:
        """Read a table whose key is unchanged, else make and save it with its key."""
        path = self.run / "tables" / f"{name}.csv"
        if self._keys().get(name) == key and path.is_file():
            return read_table(path)
        self.save_table(name, make())
        write_text(self.run / "tables" / "keys.json", json.dumps(self._keys() | {name: key}, indent=1))
        return read_table(path)  # so that the first and every later reading agree to the last digit

    def _keys(self) -> dict:
        """What each table of the run was made from, as digests."""
        path = self.run / "tables" / "keys.json"
        return json.loads(path.read_text()) if path.is_file() else {}

    def _key(self, names, *more) -> str:
        values = [[name, self.parameters[name]] for name in names]
        return hashlib.sha256(json.dumps([values, more], default=str).encode()).hexdigest()[:16]

    def _resolve_paths(self) -> None:
        """Turn relative paths into absolute ones, so that every notebook means the same file."""
        for name, word in (("data", "synthetic"), ("readings", "simulated"), ("published", "paper")):
            value = self.parameters[name]
            if value and value != word:
                self.parameters[name] = str(from_project(value))
        weights = self.parameters["weights"]
        known = weights in ("imagenet", "packaged", "none")
        if not known and from_project(weights).is_dir():  # a wrong word is refused as it was written
            self.parameters["weights"] = str(from_project(weights))


def read_table(path: Path) -> pd.DataFrame:
    """Read one of the run's tables: ids and names stay text (leading zeros too), an empty text is ""."""
    header = pd.read_csv(path, nrows=0).columns
    text = [c for c in header if c in TEXT_COLUMNS or c.endswith("_label")]
    table = pd.read_csv(path, dtype=dict.fromkeys(text, str))
    table[text] = table[text].fillna("")
    return table


def from_project(path) -> Path:
    """Make a path absolute: from the working folder, or from its parent where that is `notebooks`.

    JupyterLab runs a notebook in its own folder, papermill wherever it was called: `reports/demo` means the same.
    """
    here = Path.cwd()
    return ((here.parent if here.name == "notebooks" else here) / path).resolve()


def data_home() -> Path:
    """Return the folder for cohorts made here: `data/` of a checkout, else a cache folder of the user."""
    checkout = Path(__file__).resolve().parents[1] / "data"
    if os.environ.get("OVCF_DATA"):
        return Path(os.environ["OVCF_DATA"])
    return checkout if (checkout / "published").is_dir() else Path.home() / ".cache" / "ovcf"
