"""A run made again elsewhere with its own parameters, and its tables held against the first ones."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ovcf.files import digest
from ovcf.models.store import FOLDER
from ovcf.problems import InputError, Problem
from ovcf.report.run import run_study
from ovcf.run_folder import is_run
from ovcf.study import Study

IDENTICAL, ROUNDING, DIFFERS = "identical", "same but for rounding errors", "differs"
MOMENT = "same but for when it was made"
MOMENTS = {"plan.csv": ("item", ("locked", "digest"))}
"""Tables that say when they were made: the column that names rows, and the rows of the time and of its digest."""
CLOSE = 1e-9  # relative difference that other processors' order of sums may make


class Repeated(NamedTuple):
    """How a table, or the model, of the repeat compares."""

    name: str
    outcome: str  # IDENTICAL, MOMENT, ROUNDING, DIFFERS, or what is missing
    detail: str = ""


def rerun(run: Path, out: Path | None = None) -> tuple[Path, list[Repeated]]:
    """Make a run again from its parameters and its data, in a new folder, with nothing taken from the first.

    Parameters
    ----------
    run : folder of a complete run; only read.
    out : folder of the repeat; `<run>-again` by default.

    Returns
    -------
    The folder of the repeat, and one line for each table, and for the model's tensors.

    Raises
    ------
    InputError
        What `run_study` refuses, a folder that is no run, and a repeat into the run itself.
    """
    run = Path(run).resolve()
    out = Path(out).resolve() if out else run.with_name(f"{run.name}-again")
    if out == run:
        raise InputError(Problem("same_folder", "a run is repeated in another folder: name it with --out", str(out)))
    parameters = Study(run, adds=False).parameters
    if not (is_run(out) and (out / "report.html").is_file()):
        with _nothing_shared():
            run_study(out=out, overrides={name: json.dumps(value) for name, value in parameters.items()})
    return out, [*compare_tables(run, out), compare_models(run, out)]


@contextmanager
def _nothing_shared() -> Iterator[None]:
    """Take nothing from the features that runs share meanwhile, nor leave any."""
    before = os.environ.pop(FOLDER, None)
    try:
        yield
    finally:
        if before is not None:
            os.environ[FOLDER] = before


def compare_tables(first: Path, second: Path) -> list[Repeated]:
    """Hold every table of two runs against each other, by name."""
    names = sorted({path.name for run in (first, second) for path in (run / "tables").glob("*.csv")})
    return [_compared(name, first / "tables" / name, second / "tables" / name) for name in names]


def _compared(name: str, first: Path, second: Path) -> Repeated:
    missing = [run for run, path in (("the run", first), ("the repeat", second)) if not path.is_file()]
    if missing:
        return Repeated(name, f"missing in {missing[0]}")
    if digest(first) == digest(second):
        return Repeated(name, IDENTICAL)
    one, other = (pd.read_csv(path, dtype=str, keep_default_na=False) for path in (first, second))
    if name in MOMENTS and without_moment(name, one).equals(without_moment(name, other)):
        return Repeated(name, MOMENT)
    if list(one) != list(other) or len(one) != len(other):
        return Repeated(name, DIFFERS, f"{one.shape[0]} x {one.shape[1]} cells, {other.shape[0]} x {other.shape[1]}")
    unlike = one.to_numpy() != other.to_numpy()
    ours, theirs = (pd.to_numeric(pd.Series(t.to_numpy()[unlike]), errors="coerce") for t in (one, other))
    close = np.isclose(ours, theirs, rtol=CLOSE, atol=1e-12)
    if close.all():
        return Repeated(name, ROUNDING)
    gap = np.abs(ours - theirs).max()
    return Repeated(name, DIFFERS, f"{(~close).sum()} of {unlike.size} cells, at most by {gap:.3g}")


def without_moment(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return one of `MOMENTS`, read as text, without the rows that say when it was made."""
    column, rows = MOMENTS[name]
    return table[~table[column].isin(rows)].reset_index(drop=True)


def compare_models(first: Path, second: Path) -> Repeated:
    """Hold the tensors of both final models against each other."""
    from ovcf.models.final import tensors_digest

    same = tensors_digest(first / "model") == tensors_digest(second / "model")
    return Repeated("model", IDENTICAL if same else DIFFERS, "" if same else "other tensors")


def as_text(repeated: list[Repeated]) -> str:
    """Say the outcome in a terminal: what is not identical by name, the rest as a number."""
    same = [line for line in repeated if line.outcome == IDENTICAL]
    lines = [f"{len(same)} of {len(repeated)} identical (tables, and the model's tensors)"]
    lines += [f"  - {x.name}: {x.outcome}" + (f" ({x.detail})" if x.detail else "") for x in repeated if x not in same]
    return "\n".join(lines)
