"""From boxes of any format to rows of a manifest: levels, labels, patients, patch names.

A format's reader yields `Box` for what it could read and `Problem` for what it could not; everything a row
needs beyond that is decided here, once for all formats.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ovcf.intake.importers.sources import ImageIndex, printable, refuse
from ovcf.problems import InputError, Problem
from ovcf.words import LABELS, LEVELS

_VERTEBRA = re.compile(r"(C|TH|T|D|L|S)0?(\d{1,2})", re.IGNORECASE)
_SEX = {"f": "female", "w": "female", "female": "female", "m": "male", "male": "male"}
EDGE_PX = 1.0  # rounding in the annotation tool; anything more outside the image is worth a note


class Box(NamedTuple):
    """One annotated rectangle, in pixels of its image."""

    image: Path
    category: str
    x0: float
    y0: float
    x1: float
    y1: float
    file: str
    row: int | None = None
    more: dict = {}  # noqa: RUF012 - never written to; further columns for this row


class Naming(NamedTuple):
    """How names become patients, levels and labels; see `import_annotations`."""

    patient: re.Pattern | None
    levels: dict[str, str]
    labels: dict[str, str]


def naming(patient_pattern: str | None, levels: dict[str, str] | None, labels: dict[str, str] | None) -> Naming:
    """Check the user's pattern and maps; all that is wrong with them at once."""
    problems, pattern = [], None
    try:
        pattern = re.compile(patient_pattern) if patient_pattern else None
    except re.error as error:
        problems.append(Problem("patient_pattern", f"not a regular expression: {error}", found=patient_pattern))
    levels = {key.lower(): value.upper() for key, value in (levels or {}).items()}
    labels = {key.lower(): value.lower() for key, value in (labels or {}).items()}
    problems += [
        Problem("unknown_level", f"category {key!r} cannot be this level", found=value, allowed=", ".join(LEVELS))
        for key, value in levels.items()
        if value not in LEVELS
    ]
    problems += [
        Problem("unknown_label", f"category {key!r} cannot be this label", found=value, allowed=", ".join(LABELS))
        for key, value in labels.items()
        if value not in LABELS
    ]
    if problems:
        raise InputError(problems)
    return Naming(pattern, levels, labels)


def vertebra(token: str) -> str:
    """The level a word names, spelt our way ("Th12", "D12", "t12" -> "T12"), or "" where it names none."""
    match = _VERTEBRA.fullmatch(token)
    if not match:
        return ""
    part = match[1].upper().replace("TH", "T").replace("D", "T")
    return f"{part}{int(match[2])}"


def level_and_label(category: str, names: Naming) -> tuple[str, str]:
    """Level and label of a category: the user's maps first, then what its words say ("L1", "T12_fresh")."""
    words = [word for word in re.split(r"[\s_\-:/,.]+", category) if word]
    level = names.levels.get(category.lower()) or next(filter(None, map(vertebra, words)), "")
    stated = next((word.lower() for word in words if word.lower() in LABELS), "")
    return level, names.labels.get(category.lower(), stated)


def person(image: Path, root: Path, names: Naming) -> dict:
    """Patient id of an image, with age and sex where the pattern has groups of those names.

    The pattern is searched in the file's name, then in its path below `root`. Without a pattern each film is
    its own patient. A film the pattern does not fit raises InputError: a guessed patient would leak between
    folds.
    """
    if names.patient is None:
        return {"patient_id": image.stem}
    below = image.relative_to(root).as_posix()
    match = names.patient.search(image.name) or names.patient.search(below)
    if not match:
        raise refuse(
            "patient_pattern", "the patient pattern does not fit this name", image, allowed=names.patient.pattern
        )
    named = {key: value for key, value in match.groupdict().items() if value is not None}
    patient = named.get("patient") or named.get("patient_id") or (match[1] if match.re.groups else match[0])
    if not patient:
        raise refuse("patient_pattern", "the patient pattern finds an empty id", image, allowed=names.patient.pattern)
    known = {"patient_id": patient}
    if named.get("age", "").isdigit():
        known["age"] = float(named["age"])
    if named.get("sex", "").lower() in _SEX:
        known["sex"] = _SEX[named["sex"].lower()]
    return known


def inside(box: Box, images: ImageIndex) -> tuple[Box, Problem | None]:
    """The box clipped to its image; InputError where nothing of it is inside, a note where much was cut."""
    width, height = images.size(box.image)
    x0, x1 = max(box.x0, 0.0), min(box.x1, float(width))
    y0, y1 = max(box.y0, 0.0), min(box.y1, float(height))
    if not (x1 > x0 and y1 > y0):
        raise refuse(
            "bad_box",
            f"the box has no area inside its image of {width} x {height} px",
            box.file,
            box.row,
            found=f"{box.x0:g}, {box.y0:g}, {box.x1:g}, {box.y1:g}",
        )
    cut = max(x0 - box.x0, y0 - box.y0, box.x1 - x1, box.y1 - y1)
    note = Problem("clipped_box", f"the box reached {cut:.1f} px beyond its image and was clipped", box.file, box.row)
    return box._replace(x0=x0, y0=y0, x1=x1, y1=y1), note if cut > EDGE_PX else None


def manifest_rows(found: Iterable[Box | Problem], images: ImageIndex, names: Naming):
    """Turn what a reader yields into a patches table.

    Returns
    -------
    patches : DataFrame
        One row a vertebra, films in order of their path, vertebrae from top to bottom; `image` holds absolute
        Paths.
    problems, notes : list of Problem
        What could not be read, and what was read but deserves a look.
    """
    by_image, problems, notes = defaultdict(list), [], []
    for item in found:
        try:
            if isinstance(item, Problem):
                problems.append(item)
                continue
            box, note = inside(item, images)
            by_image[box.image].append(box)
            notes += [note] if note else []
        except InputError as error:
            problems += error.problems
    rows, outside, taken = [], Counter(), Counter()
    for image in sorted(by_image):
        try:
            who = person(image, images.root, names)
        except InputError as error:
            problems += error.problems
            continue
        rows += _film_rows(image, by_image[image], who, names, outside, taken, notes)
    notes += [
        Problem("level_outside", f"{n} boxes of {level} left out: the study covers T5 to L5", found=level)
        for level, n in sorted(outside.items())
    ]
    known = {box.category.lower() for boxes in by_image.values() for box in boxes}
    _check_maps_used(names, known)
    return pd.DataFrame(rows), list(dict.fromkeys(problems)), notes


def _film_rows(image, boxes, who, names, outside: Counter, taken: Counter, notes: list[Problem]) -> list[dict]:
    """Rows of one film, from top to bottom; a box drawn twice counts once."""
    rows, seen = [], set()
    for box in sorted(boxes, key=lambda box: (box.y0 + box.y1, box.x0 + box.x1)):
        level, label = level_and_label(box.category, names)
        if level and level not in LEVELS:
            outside[level] += 1
            continue
        key = (box.category, *(round(value, 2) for value in box[2:6]))
        if key in seen:
            notes.append(Problem("duplicate_box", "the same box twice; read once", box.file, box.row))
            continue
        seen.add(key)
        patch_id = f"{image.stem}_{level or f'{len(rows) + 1:02d}'}"
        taken[patch_id] += 1
        patch_id += f"-{taken[patch_id]}" if taken[patch_id] > 1 else ""
        rows.append(
            {
                "patch_id": patch_id,
                **who,
                "level": level,
                "label": label,
                "image": image,
                "x0": box.x0,
                "y0": box.y0,
                "x1": box.x1,
                "y1": box.y1,
                "category": printable(box.category),
                **box.more,
            }
        )
    return rows


def _check_maps_used(names: Naming, known: set[str]) -> None:
    """A mapped category that no box has is a typing mistake that would leave labels silently empty."""
    unused = sorted((set(names.levels) | set(names.labels)) - known)
    if unused and known:
        raise InputError(
            [
                Problem(
                    "unknown_category",
                    "a mapped category that no box has",
                    found=key,
                    allowed=", ".join(sorted(known)[:30]),
                )
                for key in unused
            ]
        )
