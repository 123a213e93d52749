"""Annotations in the formats people have, turned into a manifest.

YOLO, COCO, Pascal VOC, LabelMe, VinDr-SpineXR and BUU-LSPINE.
"""

import os
import tempfile
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ovcf.intake.importers import objects, rows, tables, yolo
from ovcf.intake.importers.sources import ImageIndex, refuse
from ovcf.problems import InputError, Problem

FORMATS = ("yolo", "coco", "voc", "labelme", "vindr", "buu")
COLUMNS = (
    "patch_id",
    "patient_id",
    "level",
    "label",
    "image",
    "x0",
    "y0",
    "x1",
    "y1",
    "mm_per_px",
    "age",
    "sex",
)
_NOTES = {"other_findings"}  # what a reader reports that is no fault of the file


class Imported(NamedTuple):
    """What an import read, and what it could not.

    `patches` is the manifest as written; `problems` are lines that could not be read (the rest was), `notes`
    things read that deserve a look: clipped boxes, levels outside the study, films without a box, labels
    still empty.
    """

    patches: pd.DataFrame
    problems: list[Problem]
    notes: list[Problem]


def import_annotations(
    form: str,
    source,
    out,
    *,
    patient_pattern: str | None = None,
    levels: dict[str, str] | None = None,
    label_map: dict[str, str] | None = None,
    images=None,
    classes=None,
) -> Imported:
    """Read annotations and write a manifest CSV beside (or above) the images.

    Parameters
    ----------
    form : {"yolo", "coco", "voc", "labelme", "vindr", "buu"}
    source : path
        Folder of the data set, or its one annotation file.
    out : path
        Manifest to write; image paths in it are relative to its folder.
    patient_pattern : str, optional
        Regular expression searched in the image's name, then its path; the group named `patient`, else the
        first group, is the patient id (groups named `age` and `sex` are taken too). Default: each film is a
        patient.
    levels, label_map : dict, optional
        Category to level (T5..L5), category to "fresh" or "old". Categories that say so themselves ("L1",
        "T12_fresh") need no map; what has no label stays empty.
    images : path, optional
        Where the images are, when not under the source.
    classes : path, optional
        YOLO's file of class names.

    Raises
    ------
    InputError
        Where nothing at all could be read, or a pattern or map is wrong. A single bad line never stops an
        import.
    """
    if form not in FORMATS:
        raise InputError(Problem("unknown_format", "no such format", found=form, allowed=", ".join(FORMATS)))
    source, out = Path(source).absolute(), Path(out).absolute()
    root = _image_root(source, images)
    pattern = tables.BUU_PATIENT if form == "buu" and not patient_pattern else patient_pattern
    names = rows.naming(pattern, levels, label_map)
    index = ImageIndex(root)
    found = _read(form, source, index, names, Path(classes) if classes else None)
    patches, problems, notes = rows.manifest_rows(found, index, names)
    notes += [problem for problem in problems if problem.kind in _NOTES]
    problems = [problem for problem in problems if problem.kind not in _NOTES]
    if patches.empty:
        raise InputError(problems or [Problem("nothing_read", f"no {form} annotation was found", str(source))])
    notes += _remarks(patches, index, out)
    return Imported(_write(patches, out), problems, notes)


def _image_root(source: Path, images) -> Path:
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


def _read(form: str, source: Path, index: ImageIndex, names: rows.Naming, classes: Path | None):
    """The boxes and problems of one format."""
    if form == "yolo":
        return yolo.read_yolo(source, index, classes)
    if form == "vindr":
        return tables.read_vindr(source, index, names)
    reader = {
        "coco": objects.read_coco,
        "labelme": objects.read_labelme,
        "voc": objects.read_voc,
        "buu": tables.read_buu,
    }[form]
    return reader(source, index)


def _remarks(patches: pd.DataFrame, index: ImageIndex, out: Path) -> list[Problem]:
    """What to know about the whole: films without a box, empty labels, images above the manifest."""
    remarks, empty = [], len(index.paths) - patches["image"].nunique()
    if empty:
        remarks.append(Problem("film_without_box", f"{empty} images have no box that could be read", str(index.root)))
    if missing := int((patches["label"] == "").sum()):
        remarks.append(
            Problem(
                "missing_label",
                f"{missing} of {len(patches)} rows have no label: fill in fresh or old, or map categories to them",
                str(out),
                column="label",
            )
        )
    if not all(image.is_relative_to(out.parent) for image in patches["image"].unique()):
        remarks.append(
            Problem(
                "outside",
                "images lie outside the manifest's folder; reading them needs "
                "--allow-outside, or write the manifest to a folder above them",
                str(out),
            )
        )
    return remarks


def _write(patches: pd.DataFrame, out: Path) -> pd.DataFrame:
    """Write the manifest in one step, image paths relative to it."""
    relative = {image: Path(os.path.relpath(image, out.parent)).as_posix() for image in patches["image"].unique()}
    patches = patches.assign(image=patches["image"].map(relative), mm_per_px=float("nan"))
    order = [name for name in COLUMNS if name in patches]
    patches = patches[order + [name for name in patches if name not in order]]
    patches[["x0", "y0", "x1", "y1"]] = patches[["x0", "y0", "x1", "y1"]].round(3)
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            patches.to_csv(stream, index=False)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, out)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return patches


def _umask() -> int:
    """The user's file mask; mkstemp alone would leave a manifest only its owner can read."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
