"""What every caption is made of."""

from typing import Any

import pandas as pd

Words = dict[str, Any]


def words(caption: str, *alt: str) -> Words:
    """Return what stands beneath a figure, with one alternative text a panel."""
    return {"caption": caption, "alt": list(alt)}


def counted(patches: pd.DataFrame) -> str:
    """`720 vertebrae of 405 patients`, from any table with a row a vertebra."""
    return f"{count(len(patches), 'vertebra', 'vertebrae')} of {count(patches.patient_id.nunique(), 'patient')}"


def of_whom(patches: pd.DataFrame, title: str) -> str:
    """What a caption is of: its title, before it the numbers where the title does not say the same."""
    said = {part.strip() for part in title.split(",")}
    same = {count(len(patches), "vertebra", "vertebrae"), count(patches.patient_id.nunique(), "patient")}
    return title if same <= said else f"{counted(patches)}; {title}"


def count(number: float, one: str, many: str = "") -> str:
    """Write `1 reader`, `2 readers`."""
    return f"{number:.0f} {one if number == 1 else many or one + 's'}"
