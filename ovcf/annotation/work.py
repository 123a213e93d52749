"""The work list: which films are to be annotated, whose they are, and what was known of them before.

Kept as `annotation/work.json` in the cohort's folder. A film stays in it once it is there: films that are added later
are put at its end, and one that has gone is called missing and loses no mark.
"""

import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ovcf.annotation.marks import read_mark, upright
from ovcf.cohort.columns import MANIFEST, STUDIES, TEXT, held
from ovcf.cohort.films import film_kind, read_header
from ovcf.cohort.inclusion import exclusion_reasons
from ovcf.cohort.rows import Cells
from ovcf.cohort.table_file import read_table
from ovcf.files import write_text
from ovcf.intake.importers import ImportOptions, import_annotations
from ovcf.intake.importers.images import ImageIndex
from ovcf.intake.importers.patients import patient_finder
from ovcf.problems import InputError, Problem
from ovcf.words import BOX, LABELS

FOLDER, FILE, IMPORTED = "annotation", "work.json", "imported.csv"
DATES = ("film_date", "mri_date")
COLUMNS = {**STUDIES, **MANIFEST, **dict.fromkeys(DATES, TEXT)}
"""What a table of studies may hold: the study's own columns of patients and vertebrae, and the two dates."""
OF_PATIENT = tuple(name for name in STUDIES if name != "patient_id")
WAYS = (
    "a table with image and patient_id in place of the folder, --patient-pattern REGEX, or --one-patient-per-film (if "
    "that is so); DICOM films say it themselves"
)


class WorkFilm(NamedTuple):
    """A film of the work list; `film` is its path below the root, `known` what the studies table says, as text."""

    film: str
    patient_id: str
    width: int = 0
    height: int = 0
    mm_per_px: float = math.nan
    excluded: str = ""  # why the studies table excludes it, "" where it does not
    unreadable: str = ""
    known: dict[str, str] = {}
    given: dict[str, dict] = {}  # marks that came with the films: name -> values
    flags: tuple[dict, ...] = ()  # of the browser: patch_id, words, time, box (px, None where it has none)


class Work(NamedTuple):
    """The films to annotate, in the order of the list, and the folder that their names are relative to."""

    root: Path
    films: tuple[WorkFilm, ...]
    notes: tuple[str, ...] = ()

    def path(self, film: str) -> Path:
        """Return where a film lies."""
        return self.root / film

    @property
    def by_name(self) -> dict[str, WorkFilm]:
        """The films by their names."""
        return {one.film: one for one in self.films}


class Source(NamedTuple):
    """How FILMS says whose the films are, and in which format it is where it is annotations."""

    patient_pattern: str | None = None
    one_patient_per_film: bool = False
    form: str | None = None
    images: Path | None = None  # where the films are, when not under the annotations


def prepare_work(films: str | Path, cohort: str | Path, source: Source | None = None) -> Work:
    """Make the work list of a cohort, or add to the one it has, and return it.

    Parameters
    ----------
    films : folder of DICOM, PNG, JPEG and TIFF (with manifest.csv in it, that table); a table of studies or a manifest
        (CSV or .xlsx: image, patient_id, what else is known; boxes open for correction); or annotations of
        `source.form` (`ovcf.intake.formats`).
    cohort : folder of the annotation, made where there is none.

    Raises
    ------
    InputError : where there is no film, nothing says whose a film is, the table is wrong, or the cohort's work list is
        of other films.
    """
    films, cohort, source = Path(films).absolute(), Path(cohort).absolute(), source or Source()
    folder = cohort / FOLDER
    if not films.exists():
        raise InputError(Problem("missing_file", "there is no such file or folder", str(films)))
    if films == cohort / "studies.csv":
        words = "the study's own studies.csv is written there; name the table otherwise"
        raise InputError(Problem("own_source", words, str(films)))
    folder.mkdir(parents=True, exist_ok=True)
    if source.form:
        found = _imported(films, folder, source)
    elif films.is_dir() and not _has_table(films, cohort):
        found = _of_folder(films, source)
    else:
        found = _of_table(films / "manifest.csv" if films.is_dir() else films)
    known = read_work(cohort) if (folder / FILE).is_file() else Work(found.root, ())
    notes = dict.fromkeys((*known.notes, *found.notes, *header_notes(found)))
    if found.root != known.root and not all(found.path(one.film).is_file() for one in known.films):
        words = "the work list of this cohort is of films in another folder"
        raise InputError(Problem("other_films", words, str(films), found=str(found.root), allowed=str(known.root)))
    names = known.by_name
    films = (*known.films, *(one for one in found.films if one.film not in names))
    work = Work(found.root, films, tuple(notes))
    _write(work, cohort)
    return work


def read_work(cohort: str | Path) -> Work:
    """Return the work list of a cohort; InputError where there is none or it is damaged."""
    path = Path(cohort).absolute() / FOLDER / FILE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        films = tuple(
            WorkFilm(**(one | {"mm_per_px": one["mm_per_px"] or math.nan, "flags": tuple(one["flags"])}))
            for one in stored["films"]
        )
        root = Path(os.path.normpath(path.parent.parent / stored["root"]))
        return Work(root, films, tuple(stored["notes"]))
    except FileNotFoundError:
        words = "there is no work list; make it with: ovcf annotate FILMS --out COHORT"
        raise InputError(Problem("no_work", words, str(path))) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        words = f"the work list is damaged ({type(error).__name__}: {error}); remove it and name the films again"
        raise InputError(Problem("work", words, str(path))) from None


def add_flags(cohort: str | Path, flags: Mapping[Path, Sequence[dict]]) -> Work:
    """Put what reviewers flagged beside its films, in place of earlier flags; returns the work list.

    InputError where none of the flagged films is in the list.
    """
    work = read_work(cohort)
    films = tuple(one._replace(flags=tuple(flags.get(work.path(one.film).resolve(), ()))) for one in work.films)
    if not any(film.flags for film in films):
        words = "none of the flagged films is in this work list"
        raise InputError(
            Problem("no_flags", words, str(Path(cohort) / FOLDER / FILE), found=str(next(iter(flags), "")))
        )
    work = work._replace(films=films)
    _write(work, Path(cohort).absolute())
    return work


def _write(work: Work, cohort: Path) -> None:
    films = [one._asdict() | {"mm_per_px": None if math.isnan(one.mm_per_px) else one.mm_per_px} for one in work.films]
    root = Path(os.path.relpath(work.root, cohort)).as_posix()
    text = json.dumps({"root": root, "films": films, "notes": work.notes}, indent=1)
    write_text(cohort / FOLDER / FILE, text + "\n")


def _has_table(films: Path, cohort: Path) -> bool:
    """Whether a folder says by its manifest whose its films are; the cohort's own manifest is what we write."""
    return films != cohort and (films / "manifest.csv").is_file()


def _imported(source: Path, folder: Path, how: Source) -> Work:
    """Read annotations of another program by its importer, and open them as a table."""
    options = ImportOptions(
        how.patient_pattern, one_patient_per_film=how.one_patient_per_film, images=how.images, force=True
    )
    result = import_annotations(str(how.form), source, folder / IMPORTED, options)
    work = _of_table(folder / IMPORTED)
    root = Path(how.images).absolute() if how.images else source if source.is_dir() else source.parent
    renamed = [one._replace(film=os.path.relpath(work.path(one.film), root)) for one in work.films]
    notes = (*work.notes, *map(str, result.problems), *map(str, result.notes))
    return Work(root, tuple(renamed), notes)


# A folder -----------------------------------------------------------------------------------------------------


def _of_folder(root: Path, source: Source) -> Work:
    paths = [path for path in ImageIndex(root).paths if FOLDER not in path.relative_to(root).parts]
    given = source.patient_pattern or source.one_patient_per_film
    person = patient_finder(source.patient_pattern, None, source.one_patient_per_film) if given else _person_of_header
    films, problems = [], []
    for path in paths:
        try:
            who = person(path, root, {})
        except InputError as error:
            problems += error.problems
            continue
        known = {name: f"{value:g}" if name == "age" else str(value) for name, value in who.items()}
        films.append(_film(path.relative_to(root).as_posix(), known.pop("patient_id"), root, known))
    if problems:
        raise InputError(problems)
    if not films:
        raise InputError(Problem("no_films", "no DICOM, PNG, JPEG or TIFF lies here", str(root)))
    return Work(root, tuple(films))


def _person_of_header(path: Path, root: Path, more: dict) -> dict:
    """Return the patient that a DICOM header names."""
    if not (patient := _header_patient(path)):
        raise InputError(Problem("no_patients", "nothing says whose the film is", str(path), allowed=WAYS))
    return {"patient_id": patient}


def _header_patient(path: Path) -> str:
    """Return the PatientID of a DICOM film, "" where there is none; raises InputError for what is no picture."""
    if film_kind(path) != "dicom":
        return ""
    import pydicom

    ds = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=["PatientID"])
    return str(ds.get("PatientID", "") or "").strip()


def header_notes(work: Work) -> list[str]:
    """Say where the patients of DICOM headers are other ones than those the films were said to be of.

    One PatientID under two patients may be one person in two folds; headers without a PatientID say nothing.
    """
    pairs = [(_header_patient(work.path(f.film)), f.patient_id) for f in work.films if not f.unreadable]
    table = pd.DataFrame([pair for pair in pairs if pair[0]], columns=["header", "said"]).drop_duplicates()
    notes = []
    for _, said in table.groupby("header")["said"]:
        if len(said) > 1:
            who = ", ".join(said.head(5))
            notes.append(f"films of {len(said)} patients ({who}) have one PatientID in their headers: one patient?")
    for who, rows in table.groupby("said"):
        if len(rows) > 1:
            notes.append(f"films of {who} have {len(rows)} PatientIDs in their headers: several patients?")
    return notes


def _film(film: str, patient: str, root: Path, known: Mapping[str, str], **more: Any) -> WorkFilm:
    """Return a film of the list with what its header says; one that cannot be read stays in it and says why."""
    kept = {name: value for name, value in known.items() if value}
    try:
        header = read_header(root / film)
    except InputError as error:
        return WorkFilm(film, patient, known=kept, unreadable=error.problems[0].message, **more)
    stated = float(held(known.get("mm_per_px", "")) or "nan")
    mm = stated if stated > 0 else header.mm_per_px
    return WorkFilm(film, patient, header.width, header.height, float(mm), known=kept, **more)


# A table ------------------------------------------------------------------------------------------------------


def _of_table(path: Path) -> Work:
    table, notes = read_table(path, COLUMNS, required=("image", "patient_id"))
    cells = Cells(table, path, COLUMNS)
    numbers = {name: np.array(cells.values(name), float) for name in BOX}
    table = table.assign(level=cells.values("level"), patient_id=cells.values("patient_id"))
    table = table.assign(image=[image.replace("\\", "/") for image in cells.values("image")])
    table = _with_days(table, cells)
    if cells.problems:
        raise InputError(cells.problems)
    reasons = exclusion_reasons(table)
    films = []
    for image, rows in table.groupby("image", sort=False):
        if len(patients := list(dict.fromkeys(rows["patient_id"]))) > 1:
            row, found = int(rows["row"].iloc[1]), ", ".join(patients)
            cells.add("same_film_two_patients", "one film belongs to several patients", row, "patient_id", found)
            continue
        known = {name: held(rows[name].iloc[0]) for name in (*OF_PATIENT, "mm_per_px", *DATES) if name in rows}
        excluded = next((reason for reason in reasons[rows.index] if reason), "")
        given = _given(rows, {name: numbers[name][rows.index] for name in BOX}, cells)
        films.append(_film(str(image), patients[0], path.parent, known, excluded=excluded, given=given))
    if cells.problems:
        raise InputError(cells.problems)
    if not films:
        raise InputError(Problem("no_films", "no row stands below the header", str(path)))
    return Work(path.parent, tuple(films), tuple(notes))


def _with_days(table: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    """Fill the days between film and MRI from their dates, where they are not given."""
    if not set(DATES) <= set(table):
        return table
    name = "days_between_radiograph_and_mri"
    days = []
    for row, film, mri, stated in zip(table["row"], *(cells.column(c) for c in (*DATES, name)), strict=True):
        if held(stated) or not (held(film) and held(mri)):
            days.append(stated)
            continue
        try:
            days.append(str((date.fromisoformat(held(mri)) - date.fromisoformat(held(film))).days))
        except ValueError:
            cells.add("date", "is no date", row, ", ".join(DATES), f"{film}, {mri}", "YYYY-MM-DD")
            days.append("")
    return table.assign(**{name: days})


def _corners(row: pd.Series, box: Mapping[str, float]) -> dict[str, list[float]]:
    """Return the four corners that a row gives (`corners`, eight numbers), as long as they are still the box's."""
    try:
        corners = [float(value) for value in held(str(row.get("corners", ""))).split()]
        around = upright(corners)
    except ValueError:
        return {}
    kept = all(abs(a - b) <= 1 for a, b in zip(around, box.values(), strict=True))
    return {"corners": corners} if kept else {}


def _given(rows: pd.DataFrame, boxes: Mapping[str, np.ndarray], cells: Cells) -> dict[str, dict]:
    """Return the boxes that a table brings as marks, named by their patches."""
    marks = {}
    for place, (_, row) in enumerate(rows.iterrows()):
        box = {name: float(boxes[name][place]) for name in BOX}
        if any(map(math.isnan, box.values())):
            continue
        label = held(row.get("label", "")).lower()
        normal = held(row.get("normal_segment", "")).lower() in ("1", "true", "yes", "y", "1.0")
        values = box | {"level": row["level"], "label": label if label in LABELS else "", "source": "given"}
        values |= {"label": "normal", "on_purpose": True} if normal and label == "old" else {}
        values |= _corners(row, box)
        try:
            read_mark(values)
        except ValueError as error:
            cells.add("box", str(error), int(row["row"]), ", ".join(BOX))
            continue
        marks[str(row.get("patch_id") or f"given {place + 1}")] = values
    return marks
