"""Annotations in the formats people have, turned into a manifest; the formats stand in `ovcf.intake.formats`."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ovcf.cohort.columns import MANIFEST
from ovcf.cohort.table_file import heading_key
from ovcf.files import digest, write_text, writing
from ovcf.intake.formats import FORMATS
from ovcf.intake.importers.categories import naming
from ovcf.intake.importers.images import ImageIndex
from ovcf.intake.importers.patients import patient_finder
from ovcf.intake.importers.rows import Rows
from ovcf.intake.importers.sources import refuse
from ovcf.problems import InputError, Problem, unknown

FIRST = ("patch_id", "patient_id", "level", "label", "image", "x0", "y0", "x1", "y1", "mm_per_px", "age", "sex")
_NOTES = {"other_findings"}  # what a reader reports that is no fault of the file


@dataclass(frozen=True)
class ImportOptions:
    """How annotations are to be read.

    Attributes
    ----------
    patient_pattern : str, optional
        Regular expression searched in the image's name, then its path; the group named `patient`, else the
        first group, is the patient id (groups named `age` and `sex` are taken too).
    patient_column : str, optional
        Column of the annotations (of a COCO file: entry of its images) that holds the patient id.
    one_patient_per_film : bool
        Each film is another patient's. One of the three must be given, unless the format's own names say it.
    levels, label_map : dict
        Category to level (T5..L5), category to "fresh" or "old". Categories that say so themselves ("L1",
        "T12_fresh") need no map; what has no label stays empty.
    images : path, optional
        Where the images are, when not under the source.
    classes : path, optional
        YOLO's file of class names.
    keep_readers : tuple of str
        Of boxes that overlap, the first of these readers' is kept: their id, or their annotation file or folder.
    force : bool
        Overwrite a manifest that was changed since it was imported, or that no import wrote.
    """

    patient_pattern: str | None = None
    patient_column: str | None = None
    one_patient_per_film: bool = False
    levels: dict[str, str] = field(default_factory=dict)
    label_map: dict[str, str] = field(default_factory=dict)
    images: Path | None = None
    classes: Path | None = None
    keep_readers: tuple[str, ...] = ()
    force: bool = False


class Imported(NamedTuple):
    """What an import read, and what it could not.

    `patches` is the manifest as written; `problems` are lines that could not be read (the rest was), `notes`
    things read that deserve a look: scaled and clipped boxes, overlaps, levels outside the study, films without a
    box, labels still empty.
    """

    patches: pd.DataFrame
    problems: list[Problem]
    notes: list[Problem]


def import_annotations(
    form: str, source: str | Path, out: str | Path, options: ImportOptions | None = None
) -> Imported:
    """Read annotations and write a manifest CSV beside (or above) the images.

    Parameters
    ----------
    form : str
        A name in `ovcf.intake.formats.FORMATS`.
    source : path
        Folder of the data set, or its one annotation file.
    out : path
        Manifest to write; image paths in it are relative to its folder. Beside it stands `.NAME.imported`, by
        which the next import knows whether the file was changed since.
    options : ImportOptions

    Raises
    ------
    InputError
        Where nothing at all could be read, nothing says whose the films are, a pattern or map is wrong, or the
        file to write is the source, changed by hand or not an import's. A single bad line never stops an import.
    """
    options = options or ImportOptions()
    if form not in FORMATS:
        raise InputError(unknown("format", form, list(FORMATS)))
    source, out = Path(source).absolute(), Path(out).absolute()
    names = naming(options.levels, options.label_map)
    pattern = options.patient_pattern
    if not (pattern or options.patient_column or options.one_patient_per_film):
        pattern = FORMATS[form].patient_pattern
    person = patient_finder(pattern, options.patient_column, options.one_patient_per_film)
    index = ImageIndex(_image_root(source, options.images))
    _check_out(out, [source, options.classes], options.force)
    rows = Rows(index, person, names, options.keep_readers)
    boxes = list(FORMATS[form].read(source, index, options))
    patches = rows.table(boxes)
    _check_out(out, {item.file for item in boxes if item.file} | set(index.paths), options.force)
    notes = [problem for problem in rows.problems if problem.kind in _NOTES] + rows.notes
    problems = [problem for problem in rows.problems if problem.kind not in _NOTES]
    if patches.empty:
        raise InputError(problems or [Problem("nothing_read", f"no {form} annotation was found", str(source))])
    notes += _remarks(patches, index, out)
    return Imported(_write(patches, out), problems, notes)


def _image_root(source: Path, images: Path | None) -> Path:
    """The folder searched for images: as given, the source, or the one above its `annotations` folder."""
    if not source.exists():
        raise refuse("missing_file", "there is no such file or folder", source)
    if images is not None:
        if not Path(images).is_dir():
            raise refuse("missing_file", "there is no such folder of images", images)
        return Path(images).absolute()
    if source.is_dir():
        return source
    above = source.parent.name.lower() in {"annotations", "labels"}
    return source.parent.parent if above else source.parent


def _check_out(out: Path, sources, force: bool) -> None:
    """Refuse to write over the source, ever, and over what a person has made or changed, without `force`."""
    if any(out.resolve() == Path(source).resolve() for source in sources if source):
        raise refuse("own_source", "the manifest would overwrite what it is made from", out)
    if out.is_dir():
        raise refuse("own_source", "a folder; the manifest is a file", out)
    if not out.exists() or force:
        return
    mark = _mark(out)
    if not mark.is_file():
        raise refuse("not_ours", "stands there already, and no import wrote it; --force overwrites it", out)
    try:
        written = json.loads(mark.read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        written = ""
    if written != digest(out):
        message = "was changed since it was imported (labels filled in?); --force overwrites it"
        raise refuse("changed_by_hand", message, out)


def _mark(out: Path) -> Path:
    """Where an import keeps what it wrote."""
    return out.with_name(f".{out.name}.imported")


def _remarks(patches: pd.DataFrame, index: ImageIndex, out: Path) -> list[Problem]:
    """What to know about the whole: films without a box, empty labels, images above the manifest."""
    remarks, empty = [], len(index.paths) - patches["image"].nunique()
    if empty:
        remarks.append(Problem("film_without_box", f"{empty} images have no box that could be read", str(index.root)))
    if missing := int((patches["label"] == "").sum()):
        message = f"{missing} of {len(patches)} rows have no label: fill in fresh or old, or map categories to them"
        remarks.append(Problem("missing_label", message, str(out), column="label"))
    if not all(image.is_relative_to(out.parent) for image in patches["image"].unique()):
        message = "images lie outside the manifest's folder; reading them needs --allow-outside, or write the manifest "
        remarks.append(Problem("outside", message + "to a folder above them", str(out)))
    return remarks


def _write(patches: pd.DataFrame, out: Path) -> pd.DataFrame:
    """Write the manifest at once, image paths relative to it, and beside it what was written."""
    relative = {image: Path(os.path.relpath(image, out.parent)).as_posix() for image in patches["image"].unique()}
    patches = patches.assign(image=patches["image"].map(relative), mm_per_px=float("nan"))
    order = [name for name in FIRST if name in patches]
    patches = patches[order + [name for name in patches if name not in order]]
    patches = patches.rename(columns={name: f"{name}_annotated" for name in _reserved(patches)})
    patches[["x0", "y0", "x1", "y1"]] = patches[["x0", "y0", "x1", "y1"]].round(3)
    out.parent.mkdir(parents=True, exist_ok=True)
    with writing(out, "w") as stream:
        patches.to_csv(stream, index=False)
    write_text(_mark(out), json.dumps({"sha256": digest(out)}) + "\n")
    return patches


def _reserved(patches: pd.DataFrame) -> list[str]:
    """Columns of the annotations whose names mean something else in a manifest."""
    known = {"row", *map(heading_key, MANIFEST)}
    return [name for name in patches if name not in FIRST and heading_key(name) in known]
