"""A copy of a cohort that can leave the hospital: ids by key, dates shifted, no names in tables or films."""

import json
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ovcf.cohort.columns import MANIFEST, STUDIES
from ovcf.cohort.table_file import read_table
from ovcf.intake.deidentify.film import deidentify_film
from ovcf.intake.deidentify.pseudonyms import Pseudonyms, read_or_make_key, write_key
from ovcf.intake.deidentify.rules import AS_IT_IS, Rules, check_rules
from ovcf.intake.deidentify.tables import deidentify_table, masked_boxes
from ovcf.problems import InputError, Problem
from ovcf.progress import bar


class Deidentified(NamedTuple):
    """What was done: counts, the columns left out, and what to know."""

    folder: Path
    patients: int
    films: int
    dropped: list[str]
    notes: list[str]


class _Films(NamedTuple):
    """New paths by image, parts of names of all headers, and how many films lost which element."""

    paths: dict[str, str]
    parts: set[str]
    lost: Counter[str]


def deidentify(
    src: str | Path, dst: str | Path, key_file: str | Path, *, rules: Rules = AS_IT_IS, progress: bool = True
) -> Deidentified:
    """Write a de-identified copy of a cohort.

    Parameters
    ----------
    src : path
        Manifest, or a folder that holds manifest.csv.
    dst : path
        Folder to write: new, or empty. It appears whole or not at all.
    key_file : path
        Outside `dst`. Made with mode 0600 where it does not exist; an existing one gives the same names
        again. Who holds it can tell who is who: it lists the patients' old ids.
    rules : Rules
        Columns and DICOM elements to copy, masks. All columns this software does not know are dropped otherwise,
        free text such as `exclusion` too; columns called .. date are shifted, dates of birth dropped.

    Raises
    ------
    InputError
        All problems at once; then nothing was written.

    What it cannot see: a person known by what is kept: a rare age, the picture itself; and names inside a column that
    is kept on request.
    """
    manifest, dst, key_file = _places(Path(src), Path(dst), Path(key_file))
    root = manifest.parent
    table = read_table(manifest, MANIFEST, required=("patch_id", "patient_id", "image"))[0]
    studies = read_table(root / "studies.csv", STUDIES, required=("patient_id",))[0] if _has_studies(root) else None
    check_rules(rules, [*table, *([] if studies is None else studies)], table["image"])
    names = Pseudonyms(read_or_make_key(key_file))
    patients = _patient_of_film(table, manifest)
    temporary = Path(tempfile.mkdtemp(dir=dst.parent, prefix=f".{dst.name}-"))
    try:
        films = _films(root, temporary, patients, names, rules, progress)
        clean = deidentify_table(table, manifest, MANIFEST, names, rules, films.paths, films.parts)
        clean.table.sort_values("patch_id", kind="stable").to_csv(temporary / "manifest.csv", index=False)
        dropped = {*clean.dropped, *_studies(root, temporary, studies, names, rules, films)}
        _settings(root, temporary)
        write_key(key_file, names)  # before the folder appears: it is never without its key
        os.chmod(temporary, 0o755)
        if dst.exists():
            dst.rmdir()
        os.replace(temporary, dst)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    notes = [*clean.notes, *masked_boxes(table, rules), *_lost(films.lost)]
    return Deidentified(dst, len(set(patients.values())), len(films.paths), sorted(dropped), notes)


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
    root, problems = manifest.parent.resolve(), []
    owner: dict[str, str] = {}
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


def _films(
    root: Path, folder: Path, patients: dict[str, str], names: Pseudonyms, rules: Rules, progress: bool
) -> _Films:
    """Write all films, or raise what is wrong with any."""

    (folder / "films").mkdir()
    films = _Films({}, set(), Counter())
    problems: list[Problem] = []
    for image, patient in bar(patients.items(), desc="Films", unit="film", show=progress):
        target = folder / "films" / f"F{names.name('film', image)}"
        try:
            done = deidentify_film(root / image.replace("\\", "/"), target, patient, names, rules, image)
        except InputError as error:
            problems += error.problems
            continue
        films.paths[image] = f"films/{done.path.name}"
        films.parts.update(done.parts)
        films.lost.update(done.lost)
    if problems:
        raise InputError(problems)
    return films


def _lost(lost: Counter[str]) -> list[str]:
    """The note on elements that held something else than they should."""
    if not lost:
        return []
    counts = ", ".join(f"{keyword} ({films})" for keyword, films in sorted(lost.items()))
    return [f"elements left out, since they held no word of the standard, number, date or UID (films): {counts}"]


def _has_studies(root: Path) -> bool:
    return (root / "studies.csv").is_file()


def _studies(
    root: Path, folder: Path, table: pd.DataFrame | None, names: Pseudonyms, rules: Rules, films: _Films
) -> list[str]:
    """Write the table behind Figure 1, where there is one, without its free text; return the columns left out."""
    if table is None:
        return []
    clean = deidentify_table(table, root / "studies.csv", STUDIES, names, rules, films.paths, films.parts)
    clean.table.sort_values("patient_id", kind="stable").to_csv(folder / "studies.csv", index=False)
    return [f"studies.csv: {column}" for column in clean.dropped]


def _settings(root: Path, folder: Path) -> None:
    """Of cohort.json only whether the cohort is synthetic."""
    try:
        synthetic = json.loads((root / "cohort.json").read_text(encoding="utf-8")).get("synthetic") is True
    except (OSError, ValueError, AttributeError):
        synthetic = False
    if synthetic:
        (folder / "cohort.json").write_text('{"synthetic": true}\n', encoding="utf-8")
