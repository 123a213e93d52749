"""Whose a film is: by a pattern, by a column of the annotations, or stated to be a patient each; never guessed."""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

from ovcf.intake.importers.sources import printable, refuse
from ovcf.problems import InputError, Problem

_SEX = {"f": "female", "w": "female", "female": "female", "m": "male", "male": "male"}
WAYS = (
    "--patient-pattern REGEX (finds the id in each film's name or path), --patient-column NAME (of the annotations) "
    "or --one-patient-per-film (if that is so)"
)
Person = dict  # patient_id, and age and sex where they are known


def patient_finder(pattern: str | None, column: str | None, one_per_film: bool) -> Callable[[Path, Path, dict], Person]:
    """Return what finds a film's patient: called with the image, the folder of all images, and a box's `more`.

    Raises
    ------
    InputError
        Where no way or more than one is given, or the pattern is no regular expression. The function raises it for
        a film whose patient cannot be found: a guessed patient would leak between folds.
    """
    given = [way for way in (pattern, column, one_per_film or None) if way]
    if len(given) != 1:
        message = "several ways to find patients" if given else "nothing says whose the films are"
        raise InputError(Problem("no_patients", message, allowed=f"one of {WAYS}"))
    if column:
        return lambda image, root, more: _by_column(image, more, column)
    if one_per_film:
        return lambda image, root, more: {"patient_id": _film_name(image, root)}
    try:
        compiled = re.compile(pattern or "")
    except re.error as error:
        raise InputError(Problem("patient_pattern", f"not a regular expression: {error}", found=pattern)) from None
    return lambda image, root, more: _by_pattern(image, root, compiled)


def _film_name(image: Path, root: Path) -> str:
    """Return a film's path below the images' folder without its suffix: two films of one stem are two films."""
    return printable(image.relative_to(root).with_suffix("").as_posix(), 200)


def _by_column(image: Path, more: dict, column: str) -> Person:
    """Return the patient that the annotations' column names."""
    value = next((str(more[key]).strip() for key in more if key.lower() == column.lower()), "")
    if not value:
        found = ", ".join(more) or "no columns"
        raise refuse("patient_column", f"the annotations of this film have no {column}", image, found=found[:200])
    return {"patient_id": value}


def _by_pattern(image: Path, root: Path, pattern: re.Pattern) -> Person:
    """Return the patient, age and sex that a pattern finds in the image's name, else in its path below `root`.

    Names are compared in composed form (NFC): some systems store accents as letters of their own.
    """
    name, below = (unicodedata.normalize("NFC", text) for text in (image.name, image.relative_to(root).as_posix()))
    match = pattern.search(name) or pattern.search(below)
    if not match:
        message = "the patient pattern does not fit this name"
        raise refuse("patient_pattern", message, image, allowed=pattern.pattern)
    named = {key: value for key, value in match.groupdict().items() if value is not None}
    patient = named.get("patient") or named.get("patient_id") or (match[1] if match.re.groups else match[0])
    if not patient:
        raise refuse("patient_pattern", "the patient pattern finds an empty id", image, allowed=pattern.pattern)
    known = {"patient_id": patient}
    if named.get("age", "").isdigit():
        known["age"] = float(named["age"])
    if named.get("sex", "").lower() in _SEX:
        known["sex"] = _SEX[named["sex"].lower()]
    return known
