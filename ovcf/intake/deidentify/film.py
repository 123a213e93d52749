"""One film, of any kind: text in its pixels sought, written anew, and proved to show the same."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ovcf.cohort.films import Film, film_kind, read_film
from ovcf.intake.check.burned_in import text_boxes
from ovcf.intake.check.identity import header_facts
from ovcf.intake.deidentify.dicom import deidentify_dicom
from ovcf.intake.deidentify.picture import deidentify_picture
from ovcf.intake.deidentify.pseudonyms import Pseudonyms
from ovcf.intake.deidentify.rules import AS_IT_IS, Box, Rules
from ovcf.problems import InputError, Problem

SAME = 1e-6  # greys of [0, 1]; a stretch of shifted numbers rounds in the last bit


class CleanFilm(NamedTuple):
    """A film written anew; `parts` of names of its header, and keywords whose values could not stay."""

    path: Path
    parts: set[str]
    lost: list[str]


def deidentify_film(
    source: Path, target: Path, patient_id: str, names: Pseudonyms, rules: Rules = AS_IT_IS, image: str = ""
) -> CleanFilm:
    """Write a film without anything that identifies.

    Parameters
    ----------
    target : path
        Without its suffix, which the film's kind gives.
    image : str
        The film's name in the manifest, by which its masks are found.

    Raises
    ------
    InputError
        For a film that cannot be read, whose pixels seem to hold text, that would keep a name, or would not look the
        same; nothing is left at the target then.
    """
    boxes = rules.masks_of(image)
    shown = read_film(source)
    if not rules.keep_burned_in:
        _refuse_text(source, shown, boxes, image)
    parts: set[str] = set()
    lost: list[str] = []
    if film_kind(source) == "dicom":
        target = target.with_suffix(".dcm")
        parts, lost = deidentify_dicom(source, target, patient_id, names, rules, boxes)
    else:
        target = deidentify_picture(source, target, patient_id, rules, boxes)
    if not _same(shown, read_film(target), boxes):
        target.unlink()
        raise InputError(
            Problem(
                "not_same", "the film would not look the same, or not have its spacing, without its header", str(source)
            )
        )
    return CleanFilm(target, parts, lost)


def _refuse_text(source: Path, shown: Film, boxes: list[Box], image: str) -> None:
    """Refuse a film whose pixels seem to hold text, as shown or in its whole range, or whose header says so."""
    films = [shown, read_film(source, window="full")] if film_kind(source) == "dicom" else [shown]
    found: list[Box] = []
    for film in films:
        greys = film.pixels.copy()
        for x0, y0, x1, y1 in boxes:
            greys[y0:y1, x0:x1] = greys.min()
        found += text_boxes(greys, film.padding)
    said = header_facts(source)["burned_in"] == "YES" and not boxes
    if not found and not said:
        return
    place = "x0,y0,x1,y1"
    if found:
        corners = np.array(found)  # (lines, 4)
        place = ",".join(map(str, (*corners[:, :2].min(axis=0), *corners[:, 2:].max(axis=0))))
    message = (
        f"the pixels seem to hold text; paint it over (--mask '{image}={place}'), or look and use --keep-burned-in"
    )
    where = f"{len(set(found))} line(s) within {place}" if found else "BurnedInAnnotation YES"
    raise InputError(Problem("burned_in_text", message, str(source), found=where))


def _same(before: Film, after: Film, boxes: list[Box]) -> bool:
    """Whether two films show the same where nothing was painted over (which may change the range of a stretch)."""
    spacing = np.isclose(before.mm_per_px, after.mm_per_px, rtol=SAME, equal_nan=True)
    if before.pixels.shape != after.pixels.shape or not spacing:
        return False
    if not boxes:
        inside = slice(None) if before.padding is None else ~before.padding
        return bool(np.allclose(before.pixels[inside], after.pixels[inside], rtol=0, atol=SAME))
    outside = np.ones(before.pixels.shape, bool)
    for x0, y0, x1, y1 in boxes:
        outside[y0:y1, x0:x1] = False
    one, other = before.pixels[outside], after.pixels[outside]
    order = np.argsort(one, kind="stable")
    return bool(np.all(np.diff(other[order]) >= -SAME)) if len(one) else True
