"""Who is in the study and why the others are not: the paper's criteria by rule, the counts of Figure 1.

The table of patients or studies has a row a study and these columns, each optional but the first: patient_id,
age (years), sex, metastasis_or_haematological, radiograph_adequate, mri_available (yes/no),
days_between_radiograph_and_mri, and `exclusion`, a reason in words for anything the rules cannot see.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from ovcf.cohort.columns import FALSE, TRUE, held
from ovcf.problems import InputError, Problem

MINIMUM_AGE_YEARS = 60
MAXIMUM_INTERVAL_DAYS = 7
WITHIN_A_WEEK = "Radiograph and MRI within a week"
_NO_REASON = {"none", *FALSE}  # what people write where nothing excludes


class Criterion(NamedTuple):
    """One rule: the column it reads, the reason it gives, and which values exclude."""

    column: str
    step: str
    reason: str
    excludes: Callable[[np.ndarray], np.ndarray]


CRITERIA = (  # section 2.1.1, in the paper's order
    Criterion("age", "Aged 60 years or older", "younger than 60 years", lambda age: age < MINIMUM_AGE_YEARS),
    Criterion(
        "metastasis_or_haematological",
        "No metastasis or haematological malignancy",
        "known vertebral metastasis or haematological malignancy",
        lambda value: value == 1,
    ),
    Criterion(
        "radiograph_adequate",
        "Adequate thoracolumbar radiograph",
        "radiograph unavailable or technically inadequate",
        lambda value: value == 0,
    ),
    Criterion("mri_available", "MRI available", "MRI unavailable", lambda value: value == 0),
    Criterion(
        "days_between_radiograph_and_mri",
        WITHIN_A_WEEK,
        "more than 7 days between radiograph and MRI",
        lambda days: np.abs(days) > MAXIMUM_INTERVAL_DAYS,
    ),
)
_NUMERIC = {"age", "days_between_radiograph_and_mri"}


def inclusion_flow(studies: pd.DataFrame) -> pd.DataFrame:
    """Count patients along the inclusion steps (Figure 1).

    Parameters
    ----------
    studies : DataFrame
        A row a study (or a patient), columns as in the module's text. A rule whose column is absent is left
        out.

    Returns
    -------
    DataFrame
        step, n (patients left after it), excluded, reason, unknown (patients still in whose value is empty:
        no rule can exclude them, so they stay and are counted). A patient with several studies leaves with
        the last one. First row "Collected", last row "Included".

    Raises
    ------
    InputError
        For values that are neither numbers nor yes/no, all at once, with row (header = 1) and column.
    """
    reasons = exclusion_reasons(studies)
    values = _values(studies)
    left, rows = pd.Series(True, index=studies.index), []
    rows.append(("Collected", _patients(studies, left), 0, "", 0))
    for step, reason, column in _steps(studies, reasons):
        before = _patients(studies, left)
        left &= reasons != reason
        unknown = left & values[column].isna() if column in values else left & False
        after = _patients(studies, left)
        rows.append((step, after, before - after, reason, _patients(studies, unknown)))
    rows.append(("Included", _patients(studies, left), 0, "", 0))
    return pd.DataFrame(rows, columns=["step", "n", "excluded", "reason", "unknown"])


def exclusion_reasons(studies: pd.DataFrame) -> pd.Series:
    """The first reason that excludes each study, in the paper's order; "" for those that stay."""
    if "patient_id" not in studies:
        raise InputError(
            Problem(
                "missing_column",
                "the table of patients needs this column",
                column="patient_id",
                found=", ".join(map(str, studies.columns[:20])),
            )
        )
    values, reasons = _values(studies), pd.Series("", index=studies.index, dtype=object)
    for rule in CRITERIA:
        if rule.column in values:
            hit = rule.excludes(values[rule.column].to_numpy(float))
            reasons = reasons.mask((reasons == "") & hit, rule.reason)
    if "exclusion" in studies:
        stated = studies["exclusion"].astype("string").fillna("").map(held)
        stated = stated.mask(stated.str.lower().isin(_NO_REASON), "")
        reasons = reasons.mask((reasons == "") & (stated != ""), stated.astype(object))
    return reasons


def _steps(studies: pd.DataFrame, reasons: pd.Series):
    """Step, reason and column of every rule whose column exists, then of each reason stated in words."""
    known = [rule for rule in CRITERIA if rule.column in studies]
    yield from ((rule.step, rule.reason, rule.column) for rule in known)
    stated = [reason for reason in pd.unique(reasons) if reason and reason not in {rule.reason for rule in known}]
    yield from (("Other exclusion", reason, "") for reason in stated)


def _patients(studies: pd.DataFrame, chosen: pd.Series) -> int:
    """Patients with at least one of the chosen studies."""
    return int(studies.loc[chosen, "patient_id"].nunique())


def _values(studies: pd.DataFrame) -> pd.DataFrame:
    """The rules' columns as numbers: years, days, 1 yes, 0 no, NaN unknown."""
    values, problems = {}, []
    for rule in CRITERIA:
        if rule.column not in studies:
            continue
        words = studies[rule.column].astype("string").fillna("").map(held).str.lower()
        if rule.column in _NUMERIC:
            numbers, allowed = pd.to_numeric(words.where(words != ""), errors="coerce"), "a number, or empty"
            numbers = numbers.where(np.isfinite(numbers.astype(float)))
        else:
            numbers, allowed = (
                words.map({**dict.fromkeys(TRUE, 1), **dict.fromkeys(FALSE, 0), "": np.nan}),
                "yes, no, or empty",
            )
        values[rule.column] = numbers.astype(float)
        wrong = (words != "") & values[rule.column].isna()
        problems += [
            Problem(
                "bad_value",
                "not readable",
                row=int(row) + 2,
                column=rule.column,
                found=words.iloc[row],
                allowed=allowed,
            )
            for row in np.flatnonzero(wrong)
        ]
    if problems:
        raise InputError(problems)
    return pd.DataFrame(values, index=studies.index)
