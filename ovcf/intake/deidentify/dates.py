"""Dates as people and programs write them, read once for a whole column, so that day and month are never guessed."""

import datetime as dt
import re
from collections.abc import Sequence

from ovcf.cohort.columns import held

FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日",
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y",
    "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d %b %y", "%d-%b-%y",
)  # fmt: skip
YEARS = range(1900, 2100)
ALLOWED = "a date such as 2021-03-02, or empty"
_TIME = re.compile(
    r"(?:[T\s,]+\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?\s*(?:[ap]\.?m\.?)?)?\s*(?:Z|UTC|[+-]\d\d:?\d\d)?$",
    re.IGNORECASE,
)
_DICOM = re.compile(r"(\d{8})\d{0,6}(?:\.\d+)?(?:[+-]\d{4})?")  # DA, or DT with its time
_NOTHING = {"?", "unknown", "none", "nat", "0000-00-00", "00000000"}


def no_date(cell: str) -> bool:
    """Whether a cell says that there is no date."""
    return not held(cell) or cell.strip().lower() in _NOTHING


def read_days(cells: Sequence[str]) -> list[dt.date | str | None]:
    """Read a column of dates; a time behind a date is dropped.

    Cells of one shape (digits and letters as they lie) are read by one format. Where several formats fit all of them
    and disagree (03/04/2021), the cells are no dates.

    Returns
    -------
    list
        Of each cell its day, None where it says that there is none, or what is wrong with it in words.
    """
    shapes: dict[str, list[int]] = {}
    texts = [_without_time(cell) for cell in cells]
    for place, text in enumerate(texts):
        if not no_date(cells[place]):
            shapes.setdefault(_shape(text), []).append(place)
    days: list[dt.date | str | None] = [None] * len(cells)
    for places in shapes.values():
        for place, day in zip(places, _by_one_format([texts[place] for place in places]), strict=True):
            days[place] = day
    return days


def read_day(text: str) -> dt.date | None:
    """Read one date of a header (DICOM DA or DT, or as above); None where it is none, or could be two."""
    (day,) = read_days([text])
    return day if isinstance(day, dt.date) else None


def _without_time(cell: str) -> str:
    text = cell.strip()
    digits = _DICOM.fullmatch(text)
    return digits[1] if digits else _TIME.sub("", text, count=1).strip()


def _shape(text: str) -> str:
    """How digits and letters lie in a text: 2.3.2021 and 12.03.2021 are alike, 2021-03-02 is not."""
    return re.sub(r"\d+", lambda run: "d" * max(len(run[0]), 2), re.sub(r"[^\W\d_]+", "a", text))


def _by_one_format(texts: list[str]) -> list[dt.date | str]:
    """The days of cells of one shape, or what is wrong with each."""
    fitting = [days for form in FORMATS if None not in (days := [_day(text, form) for text in texts])]
    if not fitting:
        return [day or "no date that can be read" for day in (_any_day(text) for text in texts)]
    if any(days != fitting[0] for days in fitting):
        return ["day and month could be either way round" for _ in texts]
    return list(fitting[0])  # type: ignore[arg-type]


def _any_day(text: str) -> dt.date | None:
    """The day of a cell whose neighbours are wrong, where only one reading is possible."""
    days = {day for form in FORMATS if (day := _day(text, form))}
    return days.pop() if len(days) == 1 else None


def _day(text: str, form: str) -> dt.date | None:
    """The day a text means in one format; None where it does not fit, or lies far from any study."""
    if form == "%Y%m%d" and len(text) != 8:
        return None
    try:
        day = dt.datetime.strptime(text, form).date()
    except ValueError:
        return None
    return day if day.year in YEARS else None
