"""Make a run's numbers again from what it stores: the notebooks' own cells, without films, training or writing.

The cells of the installed notebooks are executed in this process on a study that reads the stored patches, predictions
and readings and never anything else. What they show and which tables they make is kept for comparison. A statement that
needs the films is passed over, and so is what follows from it: those numbers can only be held by digest.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import numpy as np
import pandas as pd

from ovcf.files import write_text
from ovcf.intake.readings import read_readings
from ovcf.report.cells import Cells, FromFilms
from ovcf.run_folder import read_table
from ovcf.run_folder.fixed import FORMAT
from ovcf.run_folder.ledger import NAME as LEDGER
from ovcf.study import Study

INPUTS = ("patches", "predictions", "readings")
"""The stored tables that everything printed is made from, besides the predictions of other trainings (`predictions_*`);
a run's films and training stand behind them."""
CLOSE = 1e-9
"""Relative difference up to which two numbers count as equal: other processors sum in another order."""


NO_PICTURE = 'src=""'
PICTURE = re.compile(r'src="data:image/png;base64,[^"]*"')


class Replay(NamedTuple):
    """What came out of a run's cells when they were executed again."""

    notebooks: dict[str, nbformat.NotebookNode]  # as executed, outputs made again where that is possible
    film_cells: dict[str, set[int]]  # by notebook: cells whose outputs are the stored ones
    changed: list[tuple[str, int | None, bool]]  # cells not alike here and installed; None: not here; False: not there
    failed: list[tuple[str, int | None, str]]  # cells that could not be executed again, and why


class Replayed(Study):
    """A study that reads a run's stored tables, saves into another folder, and knows no films.

    Parameters
    ----------
    run : folder of the run; nothing is written to it.
    scratch : folder for the tables that are made again, as `tables/NAME.csv`.
    parameters, record : of the run.
    """

    def __init__(self, run: Path, scratch: Path, parameters: dict[str, Any], record: dict[str, Any]):
        self.run, self.scratch, self.parameters, self.record = Path(run), Path(scratch), parameters, record
        self.format = 1 if not (self.run / LEDGER).is_file() else FORMAT
        self._settle(adds=False)
        (self.scratch / "tables").mkdir(parents=True, exist_ok=True)
        self.patches, self.predictions = self._stored("patches"), self._stored("predictions")
        self.cohort = self.source = FromFilms()
        self.readings = self._stored_readings()

    def _stored(self, name: str) -> pd.DataFrame | None:
        path = self.run / "tables" / f"{name}.csv"
        return read_table(path) if path.is_file() else None

    def _stored_readings(self) -> pd.DataFrame | None:
        """The run's readings; simulated ones with what their simulation was told, which makes them again too."""
        path = self.run / "tables" / "readings.csv"
        if not path.is_file():
            return None
        if not self.simulated_readers:
            return read_readings(path)
        readings = read_table(path)
        readings.attrs["simulation"] = self._simulate_readings().attrs["simulation"]
        return readings

    def train_networks(self) -> pd.DataFrame:
        """Return the stored predictions."""
        return self.predictions

    def _trained(self, name: str, train: Any) -> pd.DataFrame | None:
        return self._stored(name)

    def _refuse_other_recipe(self) -> None:
        """Refuse nothing: nothing is trained here."""

    @property
    def synthetic(self) -> bool:
        """Whether the films were drawn by this software, as the run's record has it."""
        return bool(self.record["synthetic"])

    @property
    def label(self) -> str:
        """What every title says of the data; the counts are counted again."""
        kind = self.record["data"].rsplit(", ", 2)[0]
        return f"{kind}, {self.patches.patient_id.nunique()} patients, {len(self.patches)} vertebrae"

    @property
    def final(self) -> Path:
        """The folder of the final model."""
        return self.run / "model"

    def save_table(self, name: str, table: pd.DataFrame, *, index: bool = False) -> pd.DataFrame:
        """Save a table that was made again; where it agrees with the stored one, the stored digits go on to print."""
        write_text(self.scratch / "tables" / f"{name}.csv", table.to_csv(index=index))
        return with_stored_digits(table, self._stored(name)) if not index else table

    def save_figure(self, name: str, figure: Any) -> bytes:
        """Draw nothing: pictures are held by digest (`joined` puts the stored one in its place)."""
        return b""

    def film(self, *_: Any) -> FromFilms:
        """Say that films are not read."""
        return FromFilms()

    film_samples = film

    def _prepare(self, wanted: list[tuple[str, int]], _: Path) -> list[FromFilms]:
        return [FromFilms() for _ in wanted]  # patches that the run keeps are read (`Study.images`), others not made


class _Opens:
    """Stands for the class in `Study(run, ...)` and `Study.begin(run, ...)`: notebooks open one study as it is."""

    def __init__(self, study: Replayed):
        self.study = study

    def __call__(self, *_: Any, **__: Any) -> Replayed:
        return self.study

    begin = __call__


def with_stored_digits(made: pd.DataFrame, stored: pd.DataFrame | None) -> pd.DataFrame:
    """Return a table made again, with the stored numbers where both agree but for rounding errors."""
    if stored is None or list(made.columns) != list(stored.columns) or len(made) != len(stored):
        return made
    joined = made.copy()
    for place, name in enumerate(made.columns):
        if pd.api.types.is_float_dtype(made.dtypes.iloc[place]) and pd.api.types.is_numeric_dtype(stored[name]):
            theirs = stored[name].to_numpy(float)
            same = np.isclose(made[name].to_numpy(float), theirs, rtol=CLOSE, atol=1e-12, equal_nan=True)
            joined[name] = np.where(same, theirs, made[name])
    return joined


def replay(study: Replayed, notebooks: dict[str, nbformat.NotebookNode], installed: Path) -> Replay:
    """Execute the cells of a run's notebooks again.

    Parameters
    ----------
    study : the run's stored tables.
    notebooks : the executed notebooks of the run by name; changed in place.
    installed : folder of the notebooks whose code is executed. Code of the run's own folder never is: a folder may come
        from anywhere.

    Returns
    -------
    Replay
    """
    film_cells, changed, failed = {}, [], []
    with _silent():
        for name, notebook in notebooks.items():
            code = nbformat.read(installed / f"{name}.ipynb", as_version=4)
            film_cells[name], cells = set(), Cells(_Opens(study))
            for number, cell, own in pairs(notebook, code):
                if cell is None or own is None or cell.source != own.source:
                    changed.append((name, number, own is not None))
                if own is None and cell.cell_type == "code":
                    film_cells[name].add(number)  # nothing is installed that makes it again
                if own is None or own.cell_type != "code":
                    continue
                try:
                    outputs, complete = cells.execute(own.source)
                except Exception as error:  # of what the run stores: a number that is none, a column that is gone
                    failed.append((name, number, f"{type(error).__name__}: {error}"))
                    continue
                if cell is None:  # of a later version, executed for what follows
                    continue
                if complete:
                    cell.outputs = joined(cell.outputs, outputs)
                else:
                    film_cells[name].add(number)
    return Replay(notebooks, film_cells, changed, failed)


class Pair(NamedTuple):
    """A cell of a run and the installed one that stands for it; one of them may be missing."""

    number: int | None  # of the run's cell
    cell: Any | None
    installed: Any | None


def pairs(executed: nbformat.NotebookNode, code: nbformat.NotebookNode) -> Iterator[Pair]:
    """Pair the cells of a run's notebook with the installed ones, in the installed order.

    Cells that say the same belong together wherever they stand, so that one that was put in, taken out or written anew
    since does not shift the others; between two such pairs cells of one kind are paired in order. papermill's own
    parameters cell is passed over.
    """
    own = [
        (number, cell)
        for number, cell in enumerate(executed.cells)
        if "injected-parameters" not in cell.metadata.get("tags", [])
    ]
    said = [[(cell.cell_type, cell.source) for cell in cells] for cells in ([cell for _, cell in own], code.cells)]
    for _, a, b, c, d in SequenceMatcher(None, *said, autojunk=False).get_opcodes():
        mine, theirs = own[a:b], list(code.cells[c:d])
        for number, cell in mine:
            same = bool(theirs) and theirs[0].cell_type == cell.cell_type
            yield Pair(number, cell, theirs.pop(0) if same else None)
        yield from (Pair(None, None, cell) for cell in theirs)


def joined(stored: list[nbformat.NotebookNode], made: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Put outputs made again in the places of the stored ones; pictures, which are not made again, stay."""
    remaining, outputs = list(made), []
    for output in stored:
        if any(kind.startswith("image/") for kind in output.get("data", {})):
            outputs.append(output)
        elif remaining and output.get("name") != "stderr":
            outputs.append(_with_pictures(remaining.pop(0), output))
    return outputs + remaining


def _with_pictures(made: nbformat.NotebookNode, stored: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Put the pictures of a stored figure into the one made again, whose caption and words are its own."""
    pictures = iter(PICTURE.findall(stored.get("data", {}).get("text/html", "")))
    html = made.get("data", {}).get("text/html", "")
    if NO_PICTURE in html:
        made.data["text/html"] = re.sub(re.escape(NO_PICTURE), lambda _: next(pictures, NO_PICTURE), html)
    return made


@contextmanager
def _silent() -> Iterator[None]:
    """Draw without a screen, keep no figures, say no warnings."""
    import warnings

    import matplotlib
    from matplotlib import pyplot

    backend = matplotlib.get_backend()
    matplotlib.use("Agg")
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        pyplot.close("all")
        matplotlib.use(backend)
