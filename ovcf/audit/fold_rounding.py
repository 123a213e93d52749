"""Were the numbers of single folds kept whole before they were averaged, or rounded first, as many papers do?

Rounded folds move a mean by up to half a unit of its last digit, so a search first allows for that; what it finds is
then held against each way of rounding by itself, the same for all columns of a row.
"""

import numpy as np
from numpy.typing import NDArray

from .scores import Floats
from .targets import Precise, Target

HAIR = 1e-9
MORE = (0, 1, 2)  # digits beyond those of the mean that folds may have been rounded to; finer moves no printed digit
FINEST = 9  # digits of a column whose folds were not rounded
EXACTLY, FINER = 0, 99
WAYS = {
    EXACTLY: "",
    1: "each fold's numbers rounded to the mean's digits before they were averaged",
    2: "each fold's numbers rounded to one digit more than the mean's before they were averaged",
    3: "each fold's numbers rounded to two digits more than the mean's before they were averaged",
    4: "each fold's numbers cut to the mean's digits before they were averaged",
    5: "each fold's numbers cut to one digit more than the mean's before they were averaged",
    6: "each fold's numbers cut to two digits more than the mean's before they were averaged",
}


def ways_of(values: dict[str, Floats], targets: dict[str, Target]) -> NDArray[np.int64]:
    """Tell by which way of rounding each candidate's folds give every column: a key of WAYS, FINER, or -1 for none.

    Parameters
    ----------
    values : metric -> float (m, folds), exact, within what `targets` allow.

    FINER: by rounding so fine, or of numbers half-way between two digits, that no folds can be shown for it.
    """
    found = np.full(len(next(iter(values.values()))), -1, dtype=np.int64)
    precise = {m: one.precise or Precise(one, one, FINEST, False) for m, one in targets.items()}
    found[np.all([precise[m].exact.holds(values[m]) for m in precise], axis=0)] = EXACTLY
    if not any(one.precise for one in targets.values()):
        return found
    cut = any(one.cut for one in precise.values())
    for number, (more, cutting) in enumerate([(m, False) for m in MORE] + [(m, True) for m in MORE if cut], start=1):
        left = np.flatnonzero(found < 0)
        fits, sure = _fits({m: v[left] for m, v in values.items()}, precise, more, cutting)
        found[left[fits]] = np.where(sure[fits], number, FINER)
    left = np.flatnonzero(found < 0)
    found[left[np.all([precise[m].finer.holds(values[m][left]) for m in precise], axis=0)]] = FINER
    return found


def _fits(
    values: dict[str, Floats], precise: dict[str, Precise], more: int, cutting: bool
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which candidates give every column with folds rounded so, and where no number lies half-way."""
    fits, sure = np.ones((2, len(next(iter(values.values())))), dtype=bool)
    for metric, one in precise.items():
        scaled = values[metric] * 10.0 ** (one.digits + more)
        rounded = np.floor(scaled + (HAIR if cutting else 0.5 + HAIR)) / 10.0 ** (one.digits + more)
        half_way = (np.abs(scaled - np.floor(scaled) - 0.5) < HAIR).any(axis=1) & (not cutting)
        holds = one.exact.holds(rounded)
        sure &= holds
        fits &= holds | half_way
    return fits, sure
