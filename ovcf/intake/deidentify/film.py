"""One film, of any kind: text in its pixels sought, written anew, and proved to show the same."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ovcf.cohort.films import Film, film_kind, read_film
from ovcf.cohort.films.dicom import shown_film, stored_film
from ovcf.intake.check.burned_in import text_boxes
from ovcf.intake.deidentify.dicom import deidentify_dicom
from ovcf.intake.deidentify.picture import deidentify_picture
from ovcf.intake.deidentify.pseudonyms import Pseudonyms
from ovcf.intake.deidentify.rules import AS_IT_IS, Box, Rules, check_masks
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
    if film_kind(source) != "dicom":
        shown = read_film(source)
        _refuse_text(source, [shown], rules, image)
        copy = CleanFilm(deidentify_picture(source, target, patient_id, rules, boxes), set(), [])
    else:
        with stored_film(source) as film:
            shown = shown_film(film, source)
            said = str(film.ds.get("BurnedInAnnotation") or "").strip().upper() == "YES"
            _refuse_text(source, [shown, shown_film(film, source, "full")], rules, image, said)
            target = target.with_suffix(".dcm")
            copy = CleanFilm(target, *deidentify_dicom(film, source, target, patient_id, names, rules, boxes))
    if not _same(shown, read_film(copy.path), boxes):
        copy.path.unlink()
        message = "the film would not look the same, or not have its spacing, without its header"
        raise InputError(Problem("not_same", message, str(source)))
    return copy


def _refuse_text(source: Path, films: list[Film], rules: Rules, image: str, said: bool = False) -> None:
    """Refuse a film whose pixels seem to hold text, as shown or in its whole range, or whose header says so."""
    boxes = rules.masks_of(image)
    check_masks(rules.masks.get(image, []) if image else [], films[0].pixels.shape, str(source))
    found: list[Box] = []
    for film in [] if rules.keep_burned_in else films:
        greys = film.pixels.copy()
        for x0, y0, x1, y1 in boxes:
            greys[y0:y1, x0:x1] = greys.min()
        found += text_boxes(greys, film.padding)
    if rules.keep_burned_in or not (found or (said and not boxes)):
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
