"""What a user asked of a de-identified copy: fields to copy, fields to let through, parts of films to paint over."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ovcf.problems import InputError, Problem, unknown

Box = tuple[int, int, int, int]
_MASK = re.compile(r"(?:(.+)=)?(\d+),(\d+),(\d+),(\d+)", re.DOTALL)
IN_PIXELS = ("PixelData", "ModalityLUTSequence", "VOILUTSequence")  # written anew; a name they spell can be allowed
COPIED = ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "SH", "ST", "TM", "UC", "UT", "US", "FD", "FL")


class Rules(NamedTuple):
    """How to de-identify.

    `keep` names columns and DICOM elements that are copied as they are, unless a name of a header is found in them;
    `allow` those that are copied whatever is found; `masks` holds boxes (x0, y0, x1, y1 in px as the film is shown)
    by image, "" for all films; `keep_burned_in` lets films through that seem to hold text.
    """

    keep: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    masks: dict[str, list[Box]] = {}
    keep_burned_in: bool = False

    @property
    def copied(self) -> tuple[str, ...]:
        """All fields that are copied."""
        return tuple(dict.fromkeys([*self.keep, *self.allow]))

    def masks_of(self, image: str) -> list[Box]:
        """The boxes to paint over on one film."""
        return [*self.masks.get("", []), *self.masks.get(image, [])]


AS_IT_IS = Rules()


def parse_masks(texts: Iterable[str]) -> dict[str, list[Box]]:
    """Read masks written as x0,y0,x1,y1 or FILM=x0,y0,x1,y1; all mistakes at once."""
    masks: dict[str, list[Box]] = {}
    problems = []
    for text in texts:
        match = _MASK.fullmatch(text.strip())
        box = tuple(map(int, match.groups()[1:])) if match else (0, 0, 0, 0)
        if match and len(box) == 4 and box[0] < box[2] and box[1] < box[3]:
            masks.setdefault(match[1] or "", []).append(box)
        else:
            problems.append(Problem("mask", "is no mask", column="--mask", found=text, allowed=MASK))
    if problems:
        raise InputError(problems)
    return masks


MASK = "x0,y0,x1,y1 in whole px for all films, or FILM=x0,y0,x1,y1 for one"


def check_rules(rules: Rules, columns: Iterable[str], images: Iterable[str]) -> None:
    """Refuse fields and films that are not there, with the nearest names."""
    from pydicom.datadict import dictionary_VR, keyword_dict

    columns, images = set(columns), set(images)
    problems = []
    for name in rules.copied:
        if name in columns or (name in IN_PIXELS and name not in rules.keep):
            continue
        if name not in keyword_dict:
            problems.append(unknown("column", name, sorted(columns), also="the keyword of a DICOM element"))
        elif dictionary_VR(keyword_dict[name]) not in COPIED:
            message = "an element of this kind is not copied"
            problems.append(Problem("kind_of_element", message, column=name, allowed="text, numbers and dates"))
    problems += [unknown("film", image, sorted(images)) for image in rules.masks if image and image not in images]
    if problems:
        raise InputError(problems)


def check_masks(boxes: Iterable[Box], shape: tuple[int, int], source: str) -> None:
    """Refuse masks meant for one film (height, width) that do not lie on it."""
    off = [",".join(map(str, box)) for box in boxes if box[0] >= shape[1] or box[1] >= shape[0]]
    if off:
        allowed = f"within {shape[1]} x {shape[0]} px"
        raise InputError([Problem("mask", "lies off the film", source, None, "--mask", box, allowed) for box in off])


def paint_over(stored: NDArray, boxes: Iterable[Box], value: Any) -> NDArray:
    """Return a film's numbers (h, w) with the boxes filled, as far as they lie on it."""
    painted = stored.copy()
    for x0, y0, x1, y1 in boxes:
        painted[y0:y1, x0:x1] = value
    return painted
