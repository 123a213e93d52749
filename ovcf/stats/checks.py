"""Refuse, naming the row, what no statistic can be computed from.

Rows are counted as an editor shows the file: in a table the header is line 1, so its first row of data is row
2; bare arrays have no header and count from 1. A table that was filtered keeps its index, and with it its
lines.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ovcf.problems import InputError, Problem

ALIKE = 1e-12  # a spread that is no larger is rounding's: there is none to estimate
MOST = 100  # problems listed one by one; a column of a million NaNs need not print a million lines


class Inputs(NamedTuple):
    """What the statistics compute on.

    `truth` (n,) bool, True = fresh; `scores` (n,) or (m, n) float64; `patient` (n,) int codes 0..clusters-1,
    in the order of first appearance.
    """

    truth: np.ndarray
    scores: np.ndarray
    patient: np.ndarray

    @property
    def clusters(self) -> int:
        """The number of patients."""
        return int(self.patient.max()) + 1


def check_inputs(
    truth: ArrayLike,
    scores: ArrayLike,
    patient: ArrayLike | None = None,
    *,
    probabilities: bool = False,
    both: bool = True,
    rows: ArrayLike | None = None,
) -> Inputs:
    """Check labels, scores and patients of n patches, and hand them back as arrays.

    Parameters
    ----------
    truth : (n,) array of 0/1 or bool, 1 = fresh.
    scores : (n,) or (m, n) array, larger = more probably fresh. One row per network where two-dimensional.
    patient : (n,) patient identifiers of any kind; None makes every patch its own cluster.
    probabilities : also require scores in [0, 1].
    both : also require both classes.
    rows : (n,) row numbers for the messages; None counts from 1.

    Raises
    ------
    InputError
        All problems at once: lengths that differ, no rows, labels not binary, one class only, scores that are
        missing, infinite or (where probabilities are needed) outside [0, 1], missing patients.
    """
    truth, scores = np.asarray(truth), np.asarray(scores)
    alone = patient is None
    patient = np.arange(truth.size) if alone else np.asarray(patient)
    _same_length(truth, scores, patient)
    rows = np.arange(1, truth.size + 1) if rows is None else np.asarray(rows)
    problems = label_problems(truth, rows, both=both)
    for row_of_scores in np.atleast_2d(scores):
        problems += score_problems(row_of_scores, rows, probabilities=probabilities)
    missing = pd.isna(patient) | (patient == "")
    problems += _problems(missing, "missing_patient", "a patch has no patient", "patient_id", patient, rows)
    if problems:
        raise InputError(_shortened(problems))
    scores = _numbers(scores.ravel()).reshape(scores.shape)
    return Inputs(_numbers(truth).astype(bool), scores, patient if alone else pd.factorize(patient)[0])


def label_problems(truth: NDArray, rows: NDArray, *, both: bool = True, column: str = "truth") -> list[Problem]:
    """List what is wrong with (n,) labels that should be 1 (fresh) or 0 (old)."""
    numbers = _numbers(truth)
    bad = (numbers != 0) & (numbers != 1)
    problems = _problems(bad, "label_not_binary", "a label must be binary", column, truth, rows, "1 (fresh) or 0 (old)")
    if both and not problems and (numbers == numbers[0]).all():
        only = "fresh" if numbers[0] else "old"
        problems.append(
            Problem(
                "one_class",
                f"rows {rows[0]} to {rows[-1]} hold one class only",
                column=column,
                found=only,
                allowed="fresh and old, some of each",
            )
        )
    return problems


def score_problems(
    scores: NDArray, rows: NDArray, *, probabilities: bool = False, column: str = "p_fresh"
) -> list[Problem]:
    """List what is wrong with (n,) scores: missing, infinite, or (where needed) outside [0, 1]."""
    numbers = _numbers(scores)
    bad = ~np.isfinite(numbers)
    problems = _problems(bad, "score_missing", "a score must be a finite number", column, scores, rows)
    if probabilities:
        outside = ~bad & ((numbers < 0) | (numbers > 1))
        problems += _problems(outside, "not_a_probability", "a probability is needed", column, scores, rows, "0 to 1")
    return problems


def check_predictions(predictions: pd.DataFrame, *, networks: str = "one", both: bool = True) -> pd.DataFrame:
    """Check a predictions table and hand it back, truth and p_fresh as numbers.

    Parameters
    ----------
    predictions : DataFrame with network, fold, patch_id, patient_id, truth, p_fresh and perhaps split, seed.
    networks : "one" refuses a table of several networks or splits; "many" wants one split, any number of
        networks;
        "any" takes several splits too.
    both : require both classes.

    Raises
    ------
    InputError
        Missing columns; then all of: a patch predicted twice by one network, a patch with two truths, several
        networks or splits where one is wanted, and everything `check_inputs` refuses.
    """
    need_columns(predictions, ["network", "fold", "patch_id", "patient_id", "truth", "p_fresh"])
    rows, problems = row_numbers(predictions), []
    key = [c for c in ("network", "split", "seed") if c in predictions]
    for column in (*key, "fold", "patch_id"):
        problems += _problems(
            predictions[column].isna().to_numpy(),
            "missing",
            "an empty cell",
            column,
            predictions[column].to_numpy(),
            rows,
        )
    single = [c for c in key if networks == "one" or (networks == "many" and c != "network")]
    problems += [_several(predictions, c) for c in single if predictions[c].nunique() > 1]
    if not problems:
        twice = predictions.duplicated([*key, "patch_id"]).to_numpy()
        problems += _problems(
            twice,
            "predicted_twice",
            "this network already has a prediction of this patch",
            "patch_id",
            predictions["patch_id"].to_numpy(),
            rows,
        )
    first = predictions.groupby("patch_id")["truth"].transform("first").to_numpy()
    differs = (predictions["truth"].to_numpy() != first) & ~predictions["truth"].isna().to_numpy()
    problems += _problems(
        differs,
        "two_truths",
        "this patch has another truth in an earlier row",
        "truth",
        predictions["truth"].to_numpy(),
        rows,
    )
    try:
        check_inputs(
            predictions["truth"],
            predictions["p_fresh"],
            predictions["patient_id"].astype(object),
            probabilities=True,
            both=both,
            rows=rows,
        )
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(_shortened(problems))
    # digits that were read as text pass the checks, and must not be compared as text
    text = [c for c in ("truth", "p_fresh") if predictions[c].dtype.kind not in "biuf"]
    return predictions.assign(**{c: _numbers(predictions[c]) for c in text}) if text else predictions


def need_columns(table: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuse a table that lacks some of `columns`, or that has no rows."""
    missing = [c for c in columns if c not in table]
    found = ", ".join(map(str, table))
    problems = [Problem("missing_column", "the table lacks it", column=c, found=found) for c in missing]
    if not problems and not len(table):
        problems.append(Problem("empty", "the table has no rows"))
    if problems:
        raise InputError(problems)


def row_numbers(table: pd.DataFrame) -> np.ndarray:
    """Line of each row in its file: its index + 2, which filters keep, or else its position + 2."""
    whole = pd.api.types.is_integer_dtype(table.index) and table.index.is_unique
    return np.asarray(table.index if whole else np.arange(len(table))) + 2


def one_network(predictions: pd.DataFrame, *, both: bool = True) -> Inputs:
    """Check the predictions of one network and return truth, p_fresh and patient codes."""
    table = check_predictions(predictions, networks="one", both=both)
    return check_inputs(table["truth"], table["p_fresh"], table["patient_id"], both=both)


def _numbers(values):
    """(n,) floats, NaN for what is no number."""
    values = np.asarray(values)
    if values.dtype.kind in "biuf":
        return values.astype(float)
    return pd.to_numeric(pd.Series(values), errors="coerce").to_numpy(float)


def _several(table, column):
    found = ", ".join(map(str, table[column].unique()))
    rows = row_numbers(table)
    row = int(rows[(table[column] != table[column].iloc[0]).to_numpy().argmax()])
    return Problem(
        f"several_{column}s",
        f"one {column} at a time: choose one before this step",
        row=row,
        column=column,
        found=found,
    )


def _same_length(truth, scores, patient):
    """Refuse lengths that differ, and nothing at all."""
    lengths = {"truth": truth.shape[-1:], "scores": scores.shape[-1:], "patients": patient.shape[-1:]}
    if len(set(lengths.values())) > 1 or truth.ndim != 1 or patient.ndim != 1:
        words = ", ".join(f"{n[0] if n else 0} {what}" for what, n in lengths.items())
        raise InputError(Problem("lengths", f"every patch needs one of each, but there are {words}"))
    if truth.size == 0:
        raise InputError(Problem("empty", "there are no rows"))


def _problems(bad, kind, message, column, values, rows, allowed=None):
    """One Problem for each True of `bad`."""
    values = np.asarray(values)
    return [
        Problem(kind, message, row=int(rows[i]), column=column, found=str(values[i]), allowed=allowed)
        for i in np.flatnonzero(bad)
    ]


def _shortened(problems):
    if len(problems) <= MOST:
        return problems
    return [*problems[:MOST], Problem("more", f"and {len(problems) - MOST} problems more of these kinds")]
