"""Folders `fresh/` and `old/` of ready patches: what can be told from their names."""

import re
from collections import Counter
from pathlib import Path

import pandas as pd

from ovcf.cohort.columns import PATIENTS
from ovcf.cohort.table_file import read_table
from ovcf.problems import InputError, Problem
from ovcf.words import LABELS

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".dcm", ".dicom")
LEVEL = re.compile(r"(?:^|[_\-. ])(?:(?:th|t|d)(\d{1,2})|l([1-5]))(?=$|[_\-. ])", re.IGNORECASE)


def read_ready_patches(folder: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return a row for each picture in `fresh/` and `old/`, in the form `read_table` gives, and notes.

    A row's patient is what patients.csv (columns image, patient_id) beside the two folders says. Without that
    file it is what stands before the first underscore of the picture's name (before the first hyphen, where
    there is no underscore), if that holds a digit: P0012_T12.png is of patient P0012. Else every picture is a
    patient by itself. A level that stands alone in the name (_T12, -L1) is taken.
    """
    files = _files(folder)
    names = Counter(f"{path.parent.name}-{path.stem}" for path in files)
    patients, notes = _patients(folder, files)
    columns = {
        "patch_id": [
            f"{path.parent.name}-{path.name if names[f'{path.parent.name}-{path.stem}'] > 1 else path.stem}"
            for path in files
        ],
        "patient_id": patients,
        "level": [_level(path.stem) for path in files],
        "label": [path.parent.name for path in files],
        "image": [path.relative_to(folder).as_posix() for path in files],
        "row": [None] * len(files),
    }
    return pd.DataFrame(columns, dtype=object), notes


def patient_of_name(stem: str) -> str:
    """Return the patient a file's name speaks of; the whole name where it speaks of none."""
    start = re.split("_" if "_" in stem else "-", stem, maxsplit=1)[0]
    return start if any(map(str.isdigit, start)) else stem


def _files(folder: Path) -> list[Path]:
    """Return the pictures of both folders in the order of their names, or say what is missing."""
    here = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if not set(LABELS) <= set(here):
        raise InputError(
            Problem(
                "no_cohort",
                "neither a manifest.csv nor folders fresh/ and old/ are here",
                str(folder),
                found=", ".join(here[:10]) or "no folders",
            )
        )
    files = [path for label in LABELS for path in sorted((folder / label).iterdir())]
    return [path for path in files if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]


def _patients(folder: Path, files: list[Path]) -> tuple[list[str], list[str]]:
    """Return each file's patient and a note on where it is from."""
    listed = folder / "patients.csv"
    if listed.is_file():
        table = read_table(listed, PATIENTS, required=("image", "patient_id"))[0]
        known = dict(zip(table["image"], table["patient_id"], strict=True))
        patients = [known.get(path.relative_to(folder).as_posix(), "") for path in files]
        return patients, ["patients from patients.csv"]
    patients = [patient_of_name(path.stem) for path in files]
    count = len(set(patients))
    source = "by file names (the part before the first _ or -)" if count < len(files) else "one a picture"
    note = f"{len(files)} ready patches of {count} patients, {source}; patients.csv would say for certain"
    return patients, [note]


def _level(stem: str) -> str:
    """Return the level in a name, empty where there is none that the study knows."""
    match = LEVEL.search(stem)
    if not match:
        return ""
    level = f"T{int(match[1])}" if match[1] else f"L{match[2]}"
    return level if level[0] == "L" or 5 <= int(level[1:]) <= 12 else ""
