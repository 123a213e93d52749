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

    A row's patient is what patients.csv (columns image, patient_id) beside the two folders says. A level that stands
    alone in the name (_T12, -L1) is taken.

    Raises
    ------
    InputError
        Where there is no patients.csv: whose a picture is cannot be told from its name, and a wrong guess puts one
        patient into training and test.
    """
    files = ready_files(folder)
    names = Counter(f"{path.parent.name}-{path.stem}" for path in files)
    columns = {
        "patch_id": [
            f"{path.parent.name}-{path.name if names[f'{path.parent.name}-{path.stem}'] > 1 else path.stem}"
            for path in files
        ],
        "patient_id": _patients(folder, files),
        "level": [level_of_name(path.stem) for path in files],
        "label": [path.parent.name for path in files],
        "image": [path.relative_to(folder).as_posix() for path in files],
        "row": [None] * len(files),
    }
    return pd.DataFrame(columns, dtype=object), ["patients from patients.csv"]


def ready_files(folder: Path) -> list[Path]:
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


def _patients(folder: Path, files: list[Path]) -> list[str]:
    """Return each file's patient by patients.csv, "" where it is not listed."""
    listed = folder / "patients.csv"
    if files and not listed.is_file():
        message = (
            f"whose are these {len(files)} pictures? Give patients.csv (columns image, patient_id) beside the two "
            f"folders, or write a manifest: ovcf import folders {folder.name} --out {folder.name}/manifest.csv with "
            "--patient-pattern REGEX, or with --one-patient-per-film if that is so"
        )
        raise InputError(Problem("no_patients", message, str(folder), found=files[0].name))
    if not files:
        return []
    table = read_table(listed, PATIENTS, required=("image", "patient_id"))[0]
    known = dict(zip(table["image"].str.replace("\\", "/"), table["patient_id"], strict=True))
    return [known.get(path.relative_to(folder).as_posix(), "") for path in files]


def level_of_name(stem: str) -> str:
    """Return the level in a name, empty where there is none that the study knows."""
    match = LEVEL.search(stem)
    if not match:
        return ""
    level = f"T{int(match[1])}" if match[1] else f"L{match[2]}"
    return level if level[0] == "L" or 5 <= int(level[1:]) <= 12 else ""
