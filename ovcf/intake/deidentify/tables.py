"""A table without names: known columns checked cell by cell, new ids, shifted dates, mapped UIDs; the rest left out."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ovcf.cohort.columns import Column, held
from ovcf.cohort.rows import Cells
from ovcf.intake.deidentify.dates import ALLOWED, read_days
from ovcf.intake.deidentify.keep import OLDEST
from ovcf.intake.deidentify.pseudonyms import Pseudonyms
from ovcf.intake.deidentify.rules import Rules
from ovcf.intake.deidentify.search import hits_in_text
from ovcf.problems import InputError, Problem

IDS = ("patch_id", "patient_id", "image")
FOLD = {"fold": Column("number", 0, 1000, "a number")}  # documented, though the run deals folds itself
_WORD = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])")  # of study_date, StudyDate, MRI date
_NO_DATES = {"candidate", "update", "validate", "mandate"}
_BIRTH = re.compile(r"birth|dob|geburt|naiss|nacim|出生", re.IGNORECASE)
_UID = re.compile(r"\d+(\.\d+){3,}")


class CleanTable(NamedTuple):
    """A table that names nobody, the columns left out, and what to know."""

    table: pd.DataFrame
    dropped: list[str]
    notes: list[str]


def deidentify_table(
    table: pd.DataFrame,
    file: Path,
    columns: Mapping[str, Column],
    names: Pseudonyms,
    rules: Rules,
    films: Mapping[str, str],
    parts: Iterable[str],
) -> CleanTable:
    """Return a table's known columns with new ids and shifted dates.

    Parameters
    ----------
    table : cells as text with a column `row`, as `read_table` returns it; has a column patient_id.
    columns : the documented columns; those of numbers, words and flags stay, those of text do not.
    films : the new path of each image.
    parts : of names of the films' headers, which must not stand in a copied column.

    Raises
    ------
    InputError
        All cells at once that hold something else than their column does, dates that cannot be read, and names.
    """
    columns = {**columns, **FOLD}
    clean: dict[str, list[str]] = {}
    dropped: list[str] = []
    notes: list[str] = []
    problems: list[Problem] = []
    for name in (name for name in table.columns if name != "row"):
        cells, kind = table[name].tolist(), columns[name].kind if name in columns else "unknown"
        if name in rules.copied:
            problems += [] if name in rules.allow else _names(name, table, file, parts)
            clean[name] = cells
        elif name in IDS:
            clean[name] = [_renamed(name, cell, names, films) for cell in cells]
        elif kind in ("number", "word", "flag"):
            problems += _wrong(name, table, file, columns)
            clean[name] = [_capped(cell) for cell in cells] if name == "age" else cells
            if clean[name] != cells:
                notes.append(f"ages above {OLDEST - 1} are written as {OLDEST}")
        elif holds_dates(name):
            clean[name] = _moved(name, table, file, names, problems)
        elif any(map(held, cells)) and all(_UID.fullmatch(cell) or not held(cell) for cell in cells):
            clean[name] = [names.uid(held(cell)) for cell in cells]
        else:
            dropped.append(name)
    if problems:
        raise InputError(problems)
    return CleanTable(pd.DataFrame(clean), dropped, notes)


def holds_dates(column: str) -> bool:
    """Whether a column is called after a date, other than that of birth."""
    words = [word.lower() for word in _WORD.findall(column)]
    named = any(word == "dates" or re.search("date$|datum|fecha|日期", word) for word in words if word not in _NO_DATES)
    return named and not _BIRTH.search(column)


def _renamed(column: str, cell: str, names: Pseudonyms, films: Mapping[str, str]) -> str:
    """The new id of one cell."""
    if column == "image":
        return films[cell]
    return names.patient(cell) if column == "patient_id" else f"V{names.name('patch', cell)}"


def _wrong(name: str, table: pd.DataFrame, file: Path, columns: Mapping[str, Column]) -> list[Problem]:
    """Cells of a documented column that hold something else: they could hold a name. Empty ones may be."""
    filled = table[table[name].map(held) != ""]
    cells = Cells(filled, file, columns)
    if len(filled):
        cells.values(name)
    return [problem._replace(found=str(problem.found)[:40]) for problem in cells.problems]


def _capped(cell: str) -> str:
    """An age, at most 90."""
    try:
        return str(OLDEST) if float(cell) > OLDEST - 1 else cell
    except ValueError:  # empty, or a problem already
        return cell


def _moved(name: str, table: pd.DataFrame, file: Path, names: Pseudonyms, problems: list[Problem]) -> list[str]:
    """A column of dates moved back by each patient's days, as 2021-03-02; what cannot be read is a problem."""
    moved = []
    for day, patient, row, cell in zip(
        read_days(table[name].tolist()), table["patient_id"], table["row"], table[name], strict=True
    ):
        if isinstance(day, str):
            problems.append(Problem("bad_date", day, str(file), int(row), name, cell[:40], ALLOWED))
        moved.append("" if day is None or isinstance(day, str) else names.moved(day, patient).isoformat())
    return moved


def _names(name: str, table: pd.DataFrame, file: Path, parts: Iterable[str]) -> list[Problem]:
    """Cells of a copied column in which a part of a name of a film's header stands."""
    message = f"holds a part of a name of a film's header; leave the column out, or look at it and use --allow {name}"
    return [
        Problem("identity_left", message, str(file), int(row), name)
        for row, cell in zip(table["row"], table[name], strict=True)
        if hits_in_text(cell, parts)
    ]


def masked_boxes(table: pd.DataFrame, rules: Rules) -> list[str]:
    """Notes on vertebrae whose box a mask covers in part: their patch is not what it was."""
    covered = []
    for _, row in table.iterrows():
        try:
            x0, y0, x1, y1 = (float(row[corner]) for corner in ("x0", "y0", "x1", "y1"))
        except (KeyError, ValueError):
            continue
        if any(x0 < b[2] and b[0] < x1 and y0 < b[3] and b[1] < y1 for b in rules.masks_of(row["image"])):
            covered.append(str(row["row"]))
    return [f"a mask covers part of the box in rows {', '.join(covered)}"] if covered else []
