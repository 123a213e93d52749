"""Readings of a reader study, laid out: reader by treatment by case.

Two shapes are known: the long table of the reader-study programs (reader, treatment, case, truth, rating) and
the study's own `readings` table (reader, session, patch_id, truth, answer, confidence ...). `check_readings` brings
both to the first, with the reader's answer beside it where one was given. Files are read by `ovcf.intake.readings`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ovcf.problems import InputError, Problem
from ovcf.stats.readers.checks import SHOWN, check_readings, in_order

MISSING = ("auto", "available", "complete_cases", "refuse")


class Crossed(NamedTuple):
    """A study as arrays: t treatments, r readers, n cases; crossed, or with gaps wherever a design has none."""

    ratings: np.ndarray  # (t, r, n), NaN where a reading is missing
    truth: np.ndarray  # (n,) bool, True = fresh (positive)
    unit: np.ndarray  # (n,) number of the independent unit: the patient, or the case itself
    treatments: list
    readers: list
    cases: list
    clustered: bool  # some patient holds several cases and units are patients
    note: str  # what is missing and what was done about it, "" if nothing


def cross(readings: pd.DataFrame, *, values: str = "rating", missing: str = "auto", cluster: str = "auto") -> Crossed:
    """Lay readings out as a fully crossed study.

    Parameters
    ----------
    readings : DataFrame
        From `check_readings`.
    values : str
        Column to lay out: `rating` or `answer`.
    missing : {"auto", "available", "complete_cases", "refuse"}
        What to do where a reader left out a case: judge each reader on the cases they read (auto and available:
        the gaps stay as NaN), analyse only the cases everyone read under every treatment, or refuse, naming
        reader, treatment and case. `note` says what was missing, what was done, and the other way.
    cluster : {"auto", "patient", "case"}
        The independent unit; `auto` takes patients where `patient_id` is known and some patient has several
        cases.

    Returns
    -------
    Crossed

    Raises
    ------
    InputError
        For complete cases of a design that has none, and where one class only is left.
    """
    wide = readings.pivot(index=["treatment", "reader"], columns="case", values=values)
    treatments, readers = in_order(readings["treatment"]), in_order(readings["reader"])
    every = pd.MultiIndex.from_product([treatments, readers])
    grid = wide.reindex(index=every, columns=in_order(wide.columns))
    about = readings.drop_duplicates("case").set_index("case").loc[grid.columns]
    ratings = grid.to_numpy(float).reshape(len(treatments), len(readers), -1)
    keep, note = _without_gaps(ratings, treatments, readers, list(grid.columns), missing)
    truth = about["truth"].to_numpy(bool)[keep]
    unit, clustered = _units(about[keep], cluster)
    if truth.all() or not truth.any():
        raise InputError(Problem("one_class", f"the {truth.size} cases left hold one class only{note and f'; {note}'}"))
    return Crossed(ratings[:, :, keep], truth, unit, treatments, readers, list(grid.columns[keep]), clustered, note)


def in_both(study: Crossed) -> Crossed:
    """Keep of two treatments the readings that a reader made of a case under both, for tests that pair them.

    A reading without its counterpart becomes NaN, and cases that no reader read twice fall away. `note` says how many
    readings had none.

    Raises
    ------
    InputError
        Where no reader read any case under both (cases nested in treatments, split-plot), or one class only is left.
    """
    seen = ~np.isnan(study.ratings)
    both = seen.all(axis=0)  # (r, n)
    keep, lone = both.any(axis=0), int((seen & ~both).sum())
    if not keep.any():
        message = f"no reader read a case under {' and '.join(map(str, study.treatments))}: nothing is paired"
        raise InputError(Problem("unpaired", message))
    truth, unit = study.truth[keep], np.unique(study.unit[keep], return_inverse=True)[1]
    if truth.all() or not truth.any():
        raise InputError(Problem("one_class", "the cases read under both treatments hold one class only"))
    said = f"{lone} of {seen.sum()} readings left out: that reader did not read the case a second time" * bool(lone)
    cases = [case for case, kept in zip(study.cases, keep, strict=True) if kept]
    ratings = np.where(both, study.ratings, np.nan)[:, :, keep]
    return study._replace(ratings=ratings, truth=truth, unit=unit, cases=cases, note=said)


def answers(readings: pd.DataFrame, threshold: float | None = None) -> NDArray[np.intp]:
    """Return each reading's yes/no (fresh = 1) as an int array.

    The rating against `threshold` (fresh from it upwards) if one is given; else the given answers; else
    ratings that are 0/1 already. Raises InputError where ratings have more levels and no threshold was named.
    """
    rating = readings["rating"].to_numpy(float)
    if threshold is not None:
        return (rating >= threshold).astype(int)
    if "answer" in readings:
        return readings["answer"].to_numpy(int)
    if np.isin(rating, (0, 1)).all():
        return rating.astype(int)
    levels = np.unique(rating)
    raise InputError(
        Problem(
            "no_threshold",
            "ratings are not yes/no: name the rating from which a case counts as fresh (--threshold T)",
            column="rating",
            found=f"{levels.size} levels from {levels[0]:g} to {levels[-1]:g}",
        )
    )


def has_answers(readings: pd.DataFrame, threshold: float | None = None) -> bool:
    """Whether yes/no answers can be had (see `answers`)."""
    return threshold is not None or "answer" in readings or readings["rating"].isin((0, 1)).all()


def one_session(
    readings: pd.DataFrame, session: str | None = None, threshold: float | None = None, missing: str = "auto"
) -> Crossed:
    """Lay out the yes/no answers of one session as `Crossed` with one treatment.

    `session` may be None where there is only one. Raises InputError for a session that is not there.
    """
    long = check_readings(readings)
    names = list(dict.fromkeys(long["treatment"]))
    if session is None and len(names) > 1:
        raise InputError(Problem("session", "name one session", column="session", allowed=", ".join(names)))
    if session is not None and session not in names:
        allowed = ", ".join(names)
        raise InputError(Problem("session", "no such session", None, None, "session", session, allowed))
    long = long[long["treatment"] == (names[0] if session is None else session)]
    return cross(long.assign(answer=answers(long, threshold).astype(float)), values="answer", missing=missing)


def model_output(readings: pd.DataFrame, cases: Sequence[str]) -> NDArray[np.float64]:
    """Return the model's p_fresh of each case (n,) from the rows that hold it (the aided ones).

    Raises InputError where there is none.
    """
    long = check_readings(readings)
    if "model_p_fresh" not in long:
        raise InputError(Problem("columns", "the model's output is missing", column="model_p_fresh"))
    p = long.dropna(subset="model_p_fresh").drop_duplicates("case").set_index("case")["model_p_fresh"]
    p = p.reindex(cases).to_numpy(float)
    if np.isnan(p).any():
        found = str(cases[int(np.flatnonzero(np.isnan(p))[0])])
        message = "no model output for this case"
        raise InputError(Problem("missing", message, column="model_p_fresh", found=found))
    return p


def _without_gaps(ratings, treatments, readers, cases, missing):
    """Which cases to keep (n,), and a note of what is missing and what was done about it."""
    if missing not in MISSING:
        raise ValueError(f"missing must be one of {', '.join(MISSING)}, not {missing!r}")
    gaps = np.isnan(ratings)
    if not gaps.any():
        return np.ones(len(cases), bool), ""
    if missing == "refuse":
        raise InputError(
            [
                Problem("missing_reading", f"{readers[j]} did not read case {cases[k]} under {treatments[i]}")
                for i, j, k in np.argwhere(gaps)[:SHOWN]
            ]
        )
    keep = ~gaps.any(axis=(0, 1))
    if missing in ("auto", "available"):
        return np.ones(len(cases), bool), _said_of_gaps(gaps, readers, keep)
    who = ", ".join(str(readers[j]) for j in np.flatnonzero(gaps.any(axis=(0, 2))))
    note = f"{(~keep).sum()} of {keep.size} cases left out because not everyone read them (gaps: {who}); "
    note += "missing = available would use each reader's own cases"
    if not keep.any():
        message = f"no case was read by all readers under all treatments (cases nested in readers?): {note}"
        raise InputError(Problem("nested_cases", message))
    return keep, note


def _said_of_gaps(gaps, readers, keep):
    """Say how the cases lie, and what judging each reader on their own cases saves."""
    seen = ~gaps
    absent = ~seen.any(axis=2)  # (t, r): readers who have no reading under a treatment
    if absent.any():
        lost = gaps[~absent]
        more = f"; {lost.sum()} of {lost.size} readings missing, each reader judged on the cases they read"
        return "each reader has one treatment only (split-plot)" + (more if lost.any() else "")
    if len(gaps) > 1 and seen.any(axis=1).sum(axis=0).max() == 1:
        return "no case was read under two treatments (cases nested in treatments): treatments are independent samples"
    if gaps.shape[1] > 1 and seen.any(axis=0).sum(axis=0).max() == 1:
        return "no case was read by two readers (cases nested in readers): readers are independent samples"
    who = ", ".join(str(readers[j]) for j in np.flatnonzero(gaps.any(axis=(0, 2))))
    return (
        f"{gaps.sum()} of {gaps.size} readings missing (gaps: {who}): each reader is judged on the cases they read; "
        f"missing = complete_cases would keep {keep.sum()} of {keep.size} cases"
    )


def _units(about, cluster):
    if cluster not in ("auto", "patient", "case"):
        raise ValueError(f"cluster must be auto, patient or case, not {cluster!r}")
    if cluster == "patient" and "patient_id" not in about:
        raise InputError(Problem("columns", "clustering by patient needs this column", column="patient_id"))
    if cluster == "case" or "patient_id" not in about:
        return np.arange(len(about)), False
    unit = pd.factorize(about["patient_id"])[0]
    return unit, len(unit) > unit.max() + 1
