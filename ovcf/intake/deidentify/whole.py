"""A copy of a cohort that can leave the hospital: ids by key, dates shifted, no names in tables or films."""

import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ovcf.cohort.columns import MANIFEST, SEX, STUDIES
from ovcf.cohort.films import film_kind, read_film
from ovcf.cohort.table_file import read_table
from ovcf.intake.check.burned_in import text_lines
from ovcf.intake.check.identity import header_facts
from ovcf.intake.deidentify.dicom import deidentify_dicom
from ovcf.intake.deidentify.picture import stripped_picture
from ovcf.intake.deidentify.pseudonyms import Pseudonyms, read_or_make_key, write_key
from ovcf.problems import InputError, Problem
from ovcf.words import BOX, LABELS, LEVELS, REGIONS

OLDEST = 90  # ages above 89 identify; they are written as 90 (HIPAA safe harbor)
_NUMBER = re.compile(r"-?\d{1,9}(\.\d+)?([eE][+-]?\d{1,2})?")
_YES_NO = {"", "1", "0", "true", "false", "yes", "no"}
_NUMBERS = {*BOX, "mm_per_px", "age", "fold", "days_between_radiograph_and_mri"}
_NUMBERS |= {f"annotator_{who}_{corner}" for who in "ab" for corner in BOX}
_WORDS = {
    "label": {"", *LABELS},
    "level": {"", *map(str.lower, LEVELS)},
    "sex": set(SEX.meaning),
    "region": {"", *REGIONS},
    "annotator_a_label": {"", *LABELS},
    "annotator_b_label": {"", *LABELS},
}
_WORDS |= dict.fromkeys(
    (
        "normal_segment",
        "normal_height",
        "metastasis_or_haematological",
        "radiograph_adequate",
        "mri_available",
    ),
    _YES_NO,
)
_BIRTH = re.compile(r"birth|dob", re.IGNORECASE)


class Deidentified(NamedTuple):
    """What was done: counts, the columns left out, and what to know."""

    folder: Path
    patients: int
    films: int
    dropped: list[str]
    notes: list[str]


def deidentify(
    src, dst, key_file, *, keep: tuple[str, ...] = (), keep_burned_in: bool = False, progress: bool = True
) -> Deidentified:
    """Write a de-identified copy of a cohort.

    Parameters
    ----------
    src : path
        Manifest CSV, or a folder that holds manifest.csv.
    dst : path
        Folder to write: new, or empty. It appears whole or not at all.
    key_file : path
        Outside `dst`. Made with mode 0600 where it does not exist; an existing one gives the same names
        again. Who holds it can tell who is who: it lists the patients' old ids.
    keep : names of columns
        Copied as they are, whatever they hold. All columns this software does not know are dropped otherwise,
        free text such as `exclusion` too; columns called .. date are shifted, dates of birth dropped.
    keep_burned_in : bool
        Copy films whose pixels seem to hold text. Look at them first.

    Raises
    ------
    InputError
        All problems at once; then nothing was written.
    """
    manifest, dst, key_file = _places(Path(src), Path(dst), Path(key_file))
    table = read_table(manifest, MANIFEST, required=("patch_id", "patient_id", "image"))[0]
    names = Pseudonyms(read_or_make_key(key_file))
    patients = _patient_of_film(table, manifest)
    _look_at_films(manifest.parent, patients, keep_burned_in)
    temporary = Path(tempfile.mkdtemp(dir=dst.parent, prefix=f".{dst.name}-"))
    try:
        films = _films(manifest.parent, temporary, patients, names, progress)
        clean, dropped, notes = deidentify_table(table, names, manifest, keep, films)
        clean.sort_values("patch_id", kind="stable").to_csv(temporary / "manifest.csv", index=False)
        more = _studies(manifest.parent, temporary, names, keep)
        _settings(manifest.parent, temporary)
        write_key(key_file, names)  # before the folder appears: it is never without its key
        os.chmod(temporary, 0o755)
        if dst.exists():
            dst.rmdir()
        os.replace(temporary, dst)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return Deidentified(dst, len(set(patients.values())), len(films), sorted({*dropped, *more}), notes)


def _places(src: Path, dst: Path, key_file: Path) -> tuple[Path, Path, Path]:
    """The manifest, the folder and the key file, refused together where they cannot be."""
    manifest = src / "manifest.csv" if src.is_dir() else src
    inside, folder, key = manifest.parent.resolve(), dst.resolve(), key_file.resolve()
    problems = []
    if not manifest.is_file():
        problems.append(Problem("missing_file", "no manifest; `ovcf import` can make one", str(manifest)))
    elif inside.is_relative_to(folder) or folder.is_relative_to(inside):
        problems.append(Problem("overlap", "source and copy must lie apart, neither within the other", str(dst)))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        problems.append(Problem("not_empty", "the folder to write must be new or empty", str(dst)))
    if key.is_relative_to(folder):
        problems.append(Problem("key_inside", "the key must not lie in the folder that leaves", str(key_file)))
    if not folder.parent.is_dir() or not key.parent.is_dir():
        problems.append(
            Problem(
                "missing_folder",
                "the folder above does not exist",
                str(dst.parent if not folder.parent.is_dir() else key_file.parent),
            )
        )
    if problems:
        raise InputError(problems)
    return manifest, folder, key


def _patient_of_film(table: pd.DataFrame, manifest: Path) -> dict[str, str]:
    """Whose film each image is; paths that leave the folder and films of two patients are refused."""
    root, owner, problems = manifest.parent.resolve(), {}, []
    for row, image, patient in zip(table["row"], table["image"], table["patient_id"], strict=True):
        path = (root / image.replace("\\", "/")).resolve()
        if not image or not patient:
            problems.append(Problem("empty", "needs an image and a patient_id", str(manifest), row))
        elif not path.is_relative_to(root):
            problems.append(
                Problem(
                    "path_outside",
                    "the path leaves the manifest's folder",
                    str(manifest),
                    row,
                    "image",
                    image,
                )
            )
        elif owner.setdefault(image, patient) != patient:
            problems.append(
                Problem(
                    "same_film_two_patients",
                    "one film belongs to two patients",
                    str(manifest),
                    row,
                    "image",
                    image,
                )
            )
    if problems:
        raise InputError(problems)
    return owner


def _look_at_films(root: Path, patients: dict[str, str], keep_burned_in: bool) -> None:
    """Refuse films that cannot be read, and those with text in the pixels, before anything is written."""
    problems = []
    for image in patients:
        try:
            path = root / image.replace("\\", "/")
            pixels = read_film(path).pixels
            if not keep_burned_in and (header_facts(path)["burned_in"] == "YES" or text_lines(pixels)):
                problems.append(
                    Problem(
                        "burned_in_text",
                        "the pixels seem to hold text, which this cannot remove; "
                        "paint it over, or look and use --keep-burned-in",
                        str(path),
                    )
                )
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)


def _films(root: Path, folder: Path, patients: dict[str, str], names: Pseudonyms, progress: bool) -> dict[str, str]:
    """Write all films; return the new path of each."""
    from tqdm.auto import tqdm

    (folder / "films").mkdir()
    new, problems = {}, []
    for image, patient in tqdm(patients.items(), desc="Films", unit="film", disable=not progress):
        source = root / image.replace("\\", "/")
        new[image] = f"films/F{names.name('film', image)}{film_suffix(source)}"
        try:
            deidentify_film(source, folder / new[image], patient, names)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return new


def deidentify_film(source: Path, target: Path, patient_id: str, names: Pseudonyms) -> None:
    """Write a film without anything that identifies, and prove that it still shows the same greys."""
    if film_kind(source) == "dicom":
        deidentify_dicom(source, target, patient_id, names)
    else:
        target.write_bytes(stripped_picture(source))
    if not np.array_equal(read_film(source).pixels, read_film(target).pixels):
        raise InputError(Problem("not_same", "the film would not look the same without its header", str(source)))


def film_suffix(source: Path) -> str:
    """The suffix a film's kind asks for, whatever the file was called."""
    if film_kind(source) == "dicom":
        return ".dcm"
    with source.open("rb") as stream:
        start = stream.read(3)
    return ".png" if start == b"\x89PN" else ".jpg" if start == b"\xff\xd8\xff" else ".tif"


def deidentify_table(table: pd.DataFrame, names: Pseudonyms, file: Path, keep=(), films: dict | None = None):
    """A table's known columns with new ids and shifted dates.

    Returns
    -------
    clean : DataFrame
    dropped : list of str
        Columns left out.
    notes : list of str
    """
    clean, dropped, problems, notes = {}, [], [], []
    for column in table.columns.drop("row"):
        cells = table[column].tolist()
        if column in keep:
            clean[column] = cells
        elif column in ("patch_id", "patient_id", "image"):
            clean[column] = _renamed(column, cells, names, films)
        elif column in _NUMBERS or column in _WORDS:
            problems += _unknown(column, cells, table["row"], file)
            clean[column] = cells if column != "age" else [_age(cell) for cell in cells]
            if clean[column] != cells:
                notes.append(f"ages above {OLDEST - 1} are written as {OLDEST}")
        elif "date" in column.lower() and not _BIRTH.search(column):
            clean[column] = [
                names.date(cell, patient) for cell, patient in zip(cells, table["patient_id"], strict=True)
            ]
        else:
            dropped.append(column)
    problems += [
        Problem("unknown_column", "no such column to keep", str(file), 1, name)
        for name in keep
        if name not in table and films is not None
    ]
    if problems:
        raise InputError(problems)
    return pd.DataFrame(clean), dropped, notes


def _renamed(column: str, cells: list[str], names: Pseudonyms, films: dict | None) -> list[str]:
    """New ids of one column."""
    if column == "image":
        return [films[cell] for cell in cells]
    if column == "patient_id":
        return [names.patient(cell) for cell in cells]
    return [f"V{names.name('patch', cell)}" for cell in cells]


def _unknown(column: str, cells: list[str], rows, file: Path) -> list[Problem]:
    """Cells of a known column that hold something else: they could hold a name."""
    words = _WORDS.get(column)
    fits = (
        (lambda cell: cell.lower() in words)
        if words
        else (lambda cell: cell.lower() in ("", "nan", "na") or _NUMBER.fullmatch(cell))
    )
    allowed = ", ".join(sorted(words - {""})) if words else "a number, or empty"
    return [
        Problem("bad_value", "not what this column holds", str(file), row, column, cell[:40], allowed)
        for row, cell in zip(rows, cells, strict=True)
        if not fits(cell)
    ]


def _age(cell: str) -> str:
    """An age, at most 90."""
    return str(OLDEST) if _NUMBER.fullmatch(cell) and float(cell) > OLDEST - 1 else cell


def _studies(root: Path, folder: Path, names: Pseudonyms, keep) -> list[str]:
    """The table behind Figure 1, where there is one, without its free text."""
    if not (root / "studies.csv").is_file():
        return []
    table = read_table(root / "studies.csv", STUDIES, required=("patient_id",))[0]
    clean, dropped, _ = deidentify_table(table, names, root / "studies.csv", keep)
    clean.sort_values("patient_id", kind="stable").to_csv(folder / "studies.csv", index=False)
    return [f"studies.csv: {column}" for column in dropped]


def _settings(root: Path, folder: Path) -> None:
    """Of cohort.json only whether the cohort is synthetic."""
    try:
        synthetic = json.loads((root / "cohort.json").read_text(encoding="utf-8")).get("synthetic") is True
    except (OSError, ValueError, AttributeError):
        synthetic = False
    if synthetic:
        (folder / "cohort.json").write_text('{"synthetic": true}\n', encoding="utf-8")
