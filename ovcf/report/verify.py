"""Does every number of a run's page still follow from what the run stores? Each one that does not is named.

Three witnesses are held against one another: the page as it lies there, read as a reader would; the same page made
again from the stored patches, predictions, readings and published numbers (`replay`); and the ledger written with it.
Numbers that only films can tell are made by no one here: page, notebook, ledger and digests must agree on them.
It cannot see an edit that was made alike in every place that holds the number and, for films, in every digest.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ovcf.files import digest
from ovcf.problems import InputError, Problem
from ovcf.report.brief import brief
from ovcf.report.ledger import Entry, entries, read_ledger
from ovcf.report.page import executed, render_page
from ovcf.report.printed import Printed, numbers, printed
from ovcf.report.replay import CLOSE, INPUTS, Replay, Replayed, replay
from ovcf.report.run import NOTEBOOKS
from ovcf.report.sources import BRIEF
from ovcf.report.verdict import Failure, Verdict
from ovcf.run_folder import read_record, read_table
from ovcf.run_folder.fixed import read_fixed
from ovcf.run_folder.ledger import Ledger
from ovcf.scratch import Scratch
from ovcf.study.agreement import disagreements


class Remade(NamedTuple):
    """What a run's page and tables are when they are made again from what it stores."""

    texts: list[Printed]
    tables: dict[str, pd.DataFrame]  # those that are made again, cells as text
    replay: Replay


def verify(run: Path) -> Verdict:
    """Hold every number of a finished run's report against what the run stores. Nothing is written.

    Parameters
    ----------
    run : folder of a complete run.

    Raises
    ------
    InputError
        Where the folder holds no complete run.
    """
    return hold(Path(run), remake(Path(run)))


def remake(run: Path) -> Remade:
    """Make a run's page and tables again from its patches, predictions, readings, published numbers and parameters."""
    record = _record(run)
    with Scratch("verify") as scratch:
        parameters, _ = _parameters_of(run, record)
        study = Replayed(run, scratch, parameters, record)
        again = replay(study, executed(run, list(record["notebooks"])), NOTEBOOKS)
        tables = {path.stem: _cells(path) for path in sorted((scratch / "tables").glob("*.csv"))}
        _complete(run, scratch)
        page = render_page(record, again.notebooks, brief(scratch, record))
    return Remade(printed(page), tables, again)


def hold(run: Path, remade: Remade) -> Verdict:
    """Hold page, tables, parameters and ledger of a run against what was made again."""
    record = _record(run)
    parameters, broken = _parameters_of(run, record)
    found = printed((run / "report.html").read_text(encoding="utf-8"))
    failures = [*_page(found, remade.texts), *_tables(run, remade.tables), *_parameters(parameters, record)]
    failures += [*broken, *_failed(remade.replay), *_other_patches(run)]
    notes = list(_notes(remade.replay, record))
    try:
        kept = read_ledger(run)
        failures += _ledger(found, kept, {failure.where for failure in failures})
        failures += _kept_cells(kept, run, set(remade.tables))
        failures += _changed_files(run)
    except InputError as error:
        notes += [str(problem) for problem in error.problems]
    films = [f"{name}, cell {cell}" for name, cells in remade.replay.film_cells.items() for cell in sorted(cells)]
    return Verdict(str(run), _counts(remade.texts, remade.replay), films, failures, notes)


def _record(run: Path) -> dict[str, Any]:
    record = read_record(run)
    missing = [name for name in INPUTS[:2] if not (run / "tables" / f"{name}.csv").is_file()]
    if record.get("status") != "complete" or missing or not (run / "report.html").is_file():
        words = f"holds no {' and no '.join(missing)}" if missing else "holds no complete run with a report"
        raise InputError(Problem("run", words, str(run)))
    return record


def _parameters_of(run: Path, record: dict[str, Any]) -> tuple[dict[str, Any], list[Failure]]:
    """The run's parameters; those of its record where their own file is damaged, which is told."""
    try:
        return read_fixed(run)[0], []
    except InputError as error:
        told = [Failure("digest", "parameters.yaml", p.message, "run.json's were taken") for p in error.problems]
        return dict(record["parameters"]), told


def _other_patches(run: Path) -> Iterator[Failure]:
    """Predictions that are not of the run's patches and folds."""
    path = run / "tables" / "predictions.csv"
    for problem in disagreements(read_table(path), read_table(path.with_name("patches.csv")), path):
        where = f"tables/{path.name}, row {problem.row}, column {problem.column}"
        yield Failure("table", where, f"stored {problem.found}", problem.message)


def _changed_files(run: Path) -> Iterator[Failure]:
    """Files that are no longer those that were entered in made.json."""
    entered = Ledger(run)
    for name in entered.entries():
        if entered.state(name) == "changed":
            yield Failure("digest", name, "changed since it was made", "its digest stands in made.json")


def _complete(run: Path, scratch: Path) -> None:
    """Put the tables that were not made again beside those that were, so that the brief finds all."""
    for path in (run / "tables").glob("*.csv"):
        if not (scratch / "tables" / path.name).exists():
            shutil.copyfile(path, scratch / "tables" / path.name)


# What differs -------------------------------------------------------------------------------------------------


def _page(found: list[Printed], expected: list[Printed]) -> Iterator[Failure]:
    """Hold the page against the one made again, text by text."""
    for here, there in _aligned(found, expected, key=lambda printed: printed.text):
        for one, other in zip(here, there, strict=False):
            if one.text != other.text:
                yield from _texts(one, other)
        yield from (
            Failure("words", str(p.place), f"printed {p.text!r}", "nothing made again") for p in here[len(there) :]
        )
        yield from (Failure("words", str(p.place), "not printed", f"made again {p.text!r}") for p in there[len(here) :])


def _texts(found: Printed, expected: Printed) -> Iterator[Failure]:
    """Name the numbers in which two texts differ; the texts where their words do."""
    ours, theirs = numbers(found.text), numbers(expected.text)
    same_words = _without_numbers(found.text) == _without_numbers(expected.text)
    if found.is_picture or not same_words or len(ours) != len(theirs):
        yield Failure("words", str(expected.place), f"printed {found.text!r}", f"made again {expected.text!r}")
        return
    for one, other in zip(ours, theirs, strict=True):
        if one != other:
            why = f"in {found.text!r}" if len(ours) > 1 else ""
            yield Failure("number", str(expected.place), f"printed {one}", f"made again {other}", why)


def _without_numbers(text: str) -> str:
    for number in numbers(text):
        text = text.replace(number, "#", 1)
    return text


def _tables(run: Path, tables: dict[str, pd.DataFrame]) -> Iterator[Failure]:
    """Hold every stored table against the one made again, cell by cell."""
    for name, made in tables.items():
        where = f"tables/{name}.csv"
        stored = _cells(run / where)
        if stored is None or list(stored) != list(made) or len(stored) != len(made):
            found = "missing" if stored is None else f"{len(stored)} rows of {', '.join(stored)}"
            yield Failure("table", where, found, f"made again: {len(made)} rows of {', '.join(made)}")
            continue
        for row, column in np.argwhere(~_equal(stored.to_numpy(), made.to_numpy())):
            place = f"{where}, row {row + 1}, column {stored.columns[column]}"
            yield Failure("table", place, f"stored {stored.iat[row, column]}", f"made again {made.iat[row, column]}")


def _cells(path: Path) -> pd.DataFrame | None:
    """A CSV as the texts it holds."""
    return pd.read_csv(path, dtype=str, keep_default_na=False) if path.is_file() else None


def _equal(stored: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Whether cells (rows, columns) hold the same text, or the same number but for rounding errors."""
    same = stored == made
    for row, column in np.argwhere(~same):
        try:
            ours, theirs = float(stored[row, column]), float(made[row, column])
        except ValueError:
            continue
        same[row, column] = bool(np.isclose(ours, theirs, rtol=CLOSE, atol=1e-12, equal_nan=True))
    return same


def _parameters(parameters: dict[str, Any], record: dict[str, Any]) -> Iterator[Failure]:
    """Hold parameters.yaml against the record, which the page prints."""
    recorded = record["parameters"]
    for name in dict.fromkeys([*parameters, *recorded]):
        here, there = (values.get(name, "nothing") for values in (parameters, recorded))
        if here != there:
            yield Failure("parameter", f"parameter {name}", f"parameters.yaml has {here}", f"run.json has {there}")


def _failed(again: Replay) -> Iterator[Failure]:
    for name, cell, error in again.failed:
        yield Failure("cell", f"{name}, cell {cell}", "its numbers stand on the page", f"made again: {error}")


def _ledger(found: list[Printed], kept: list[Entry], told: set[str]) -> Iterator[Failure]:
    """Hold the page against its ledger, but for the places that are told already."""
    for here, there in _aligned(list(entries(found)), kept, key=lambda entry: entry.number):
        pairs = [(one.place, f"printed {one.number}", f"the ledger has {other.number}") for one, other in
                 zip(here, there, strict=False) if one.number != other.number]  # fmt: skip
        pairs += [(one.place, f"printed {one.number}", "not in the ledger") for one in here[len(there) :]]
        pairs += [(one.place, "not printed", f"the ledger has {one.number}") for one in there[len(here) :]]
        yield from (Failure("ledger", str(p), ours, theirs) for p, ours, theirs in pairs if str(p) not in told)


def _kept_cells(kept: list[Entry], run: Path, remade: set[str]) -> Iterator[Failure]:
    """Tables that are not made again: their digest, and the cells that were printed."""
    for name in sorted({entry.table for entry in kept if entry.table} - remade):
        path, mine = run / "tables" / f"{name}.csv", [entry for entry in kept if entry.table == name]
        cells = _cells(path)
        if cells is None:
            yield Failure("digest", f"tables/{name}.csv", "missing", "printed from")
            continue
        moved = [e for e in mine if _text_at(cells, e) != e.value]
        for entry in moved:
            where = f"tables/{name}.csv, row {entry.row}, column {entry.column}"
            yield Failure("table", where, f"stored {_text_at(cells, entry)}", f"the ledger has {entry.value}")
        if not moved and digest(path) != mine[0].digest:
            yield Failure("digest", f"tables/{name}.csv", "changed since the report", "no printed number of it did")


def _text_at(cells: pd.DataFrame, entry: Entry) -> str | None:
    inside = entry.row.isdigit() and 0 < int(entry.row) <= len(cells) and entry.column in cells
    return cells[entry.column].iloc[int(entry.row) - 1] if inside else None


def _aligned(found: list, expected: list, key) -> Iterator[tuple[list, list]]:
    """Stretches of two lists that belong together and may differ; equal ones are left out."""
    if len(found) == len(expected):
        yield found, expected
        return
    matcher = SequenceMatcher(None, [key(x) for x in found], [key(x) for x in expected])
    for what, a, b, c, d in matcher.get_opcodes():
        if what != "equal":
            yield found[a:b], expected[c:d]


# What was looked at -------------------------------------------------------------------------------------------


def _counts(expected: list[Printed], again: Replay) -> dict[str, int]:
    """Count the numbers of the page by what they were held against."""
    counts = Counter(dict.fromkeys(("recomputed", "films", "stated", "pictures"), 0))
    unmade = {(name, str(cell)) for name, cells in again.film_cells.items() for cell in cells}
    unmade |= {(name, str(cell)) for name, cell, _ in again.failed}
    for text in expected:
        counts[_kind(text, unmade)] += 1 if text.is_picture else len(numbers(text.text))
    return dict(counts)


def _kind(text: Printed, unmade: set[tuple[str, str]]) -> str:
    if text.is_picture:
        return "pictures"
    if text.place[:2] in unmade:
        return "films"
    of_brief = not text.place.notebook and text.place.heading == BRIEF
    return "recomputed" if text.place.cell or of_brief else "stated"


def _notes(again: Replay, record: dict[str, Any]) -> Iterator[str]:
    """What a reader of the verdict should know besides: which notebooks are not the installed ones, and in what."""
    for name in dict.fromkeys(name for name, *_ in again.changed):
        mine = [(number, there) for notebook, number, there in again.changed if notebook == name]
        other = sum(number is not None and there for number, there in mine)
        added = sum(number is None for number, _ in mine)
        gone = [str(number) for number, there in mine if not there]
        said = [f"{other} cells say something else, the installed ones were executed"] * bool(other)
        said += [f"{added} cells were added since"] * bool(added)
        said += [f"there is no cell {', '.join(gone)} any more, so what it shows was not made again"] * bool(gone)
        yield f"{name} is not the installed notebook (ovcf {record.get('ovcf')} made the run): {'; '.join(said)}"
