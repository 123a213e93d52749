"""The columns of a cohort's tables, each with what its cells may hold: said once, for every reader of them."""

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

from ovcf.words import BOX, LABELS, LEVELS, REGIONS

MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "null", "-", "--", "\N{EN DASH}", "\N{EM DASH}"})
"""What stands in a cell that holds nothing (in small letters): R, pandas, spreadsheets and people differ."""

TRUE, FALSE = ("1", "true", "yes", "y", "1.0"), ("", "0", "false", "no", "n", "0.0")
SPACING_MM = (0.01, 10.0)
"""Least and greatest spacing that is believed, in headers and manifests alike: films are digitised at 0.04 to 0.2 mm;
what lies outside is a slip of the unit or of the decimal point."""


class Column(NamedTuple):
    """What the cells of a column are: "name" (never missing), "number", "word", "flag" or "text".

    `meaning` gives what each word (small letters) stands for; `allowed` says in a message what would do.
    """

    kind: str
    low: float = -math.inf
    high: float = math.inf
    allowed: str = "a number"
    meaning: Mapping[str, str] = {}


def _same(*words: str) -> dict[str, str]:
    return {word.lower(): word for word in words}


def _levels() -> dict[str, str]:
    """Return every spelling of the levels; Th12 and D12 are T12."""
    spelt = [(re.sub("^T", prefix, level).lower(), level) for level in LEVELS for prefix in ("T", "Th", "D")]
    return {"": ""} | dict(spelt)


NAME, TEXT, FLAG = Column("name"), Column("text"), Column("flag", allowed="1, 0, true, false, yes, no or empty")
PIXELS = Column("number", -1e6, 1e6, "a number of pixels")
AGE = Column("number", 0, 130, "0 to 130 years")
SEX = Column(
    "word",
    allowed="female, male, f, m or empty",
    meaning={"f": "female", "female": "female", "m": "male", "male": "male", "": ""},
)
_LABEL = Column("word", allowed="fresh, old", meaning=_same(*LABELS))
_OPINION = Column("word", allowed="fresh, old or empty", meaning=_same("", *LABELS))
_HEIGHT = Column("number", 0, 200, "0 to 200 mm")

MANIFEST: dict[str, Column] = {
    "patch_id": NAME,
    "patient_id": NAME,
    "level": Column("word", allowed="T5 to L5, or empty where unknown", meaning=_levels()),
    "label": _LABEL,
    "image": NAME,
    **dict.fromkeys(BOX, PIXELS),
    "mm_per_px": Column("number", 0, SPACING_MM[1], "{:g} to {:g} mm; 0 or empty: unknown".format(*SPACING_MM)),
    "age": AGE,
    "sex": SEX,
    "normal_segment": FLAG,
    "normal_height": FLAG,
    "region": Column("word", allowed="above, at, below or empty", meaning=_same("", *REGIONS)),
    "scanner": TEXT,
    **dict.fromkeys(("anterior_height_mm", "middle_height_mm", "posterior_height_mm"), _HEIGHT),
    "neighbour_height_mm": Column("number", 1, 200, "1 to 200 mm"),  # the others are divided by it
    **{f"annotator_{who}_label": _OPINION for who in "ab"},
    **{f"annotator_{who}_{corner}": PIXELS for who in "ab" for corner in BOX},
}
"""The manifest's columns; those up to `region` are in every table of patches, the others where they are given."""

STUDIES: dict[str, Column] = {
    "patient_id": NAME,
    "age": AGE,
    "sex": SEX,
    "metastasis_or_haematological": FLAG,
    "radiograph_adequate": FLAG,
    "mri_available": FLAG,
    "days_between_radiograph_and_mri": Column("number", -1e6, 1e6, "a number of days"),
    "exclusion": TEXT,
}
PATIENTS: dict[str, Column] = {"image": NAME, "patient_id": NAME}


def held(cell: str) -> str:
    """Return what a cell holds: itself without blanks around it, or "" where it says that it holds nothing."""
    cell = cell.strip()
    return "" if cell.lower() in MISSING else cell
