"""One network's answers patient by patient, and how wide the intervals would be with more patients.

A patient is called fresh where any patch is, and is fresh where any patch is: what a clinician asks before the level.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ovcf.problems import InputError, Problem
from ovcf.stats.analytic import (
    analytic_intervals,
    area_ends,
    delong_interval,
    proportion_ends,
    quantile_t,
    wilson,
)
from ovcf.stats.checks import one_network
from ovcf.stats.clusters import Spread
from ovcf.stats.intervals import metric_intervals
from ovcf.stats.rates import FOLD_MEAN


def patient_results(predictions: pd.DataFrame, *, threshold: float = 0.5, level: float = 0.95) -> pd.DataFrame:
    """Judge one network by patients: does any patch show a fresh fracture, and are all patches right?

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split.
    threshold : called fresh at or above it; a patient's score is the largest of the patches'.

    Returns
    -------
    DataFrame
        metric, n (patients it is of), estimate, low, high: auc (DeLong, logit scale), sensitivity and specificity for
        "any fresh fracture", all_right (share of patients with every patch right), and all_right of patients with one,
        two, three patches and more. Wilson's intervals; patients are independent. NaN where no patient is of a class.
        Checked against literal counts.

    Raises
    ------
    InputError
        What `check_predictions` refuses.

    What it cannot see: whether it was the right patch: a patient called fresh for another one counts as found in
    sensitivity, though not in all_right.
    """
    data = one_network(predictions)
    fresh, score = (_any(values, data) for values in (data.truth.astype(float), data.scores))
    fresh, right = fresh > 0, _any((data.truth != (data.scores >= threshold)).astype(float), data) == 0
    called, size = score >= threshold, np.bincount(data.patient)
    rows = []
    if 0 < fresh.sum() < fresh.size:
        rows.append(("auc", fresh.size, *delong_interval(fresh, score, level, scale="logit")[:3]))
    for metric, hit, of in (
        ("sensitivity", called, fresh),
        ("specificity", ~called, ~fresh),
        ("all_right", right, np.ones(fresh.size, bool)),
        *((f"all_right, {name}", right, of) for name, of in _by_size(size) if of.any()),
    ):
        rows.append((metric, int(of.sum()), *wilson(int((hit & of).sum()), int(of.sum()), level)[:3]))
    return pd.DataFrame(rows, columns=["metric", "n", "estimate", "low", "high"])


def widths_with_more(
    predictions: pd.DataFrame, patients: Sequence[int] = (200, 405, 800, 1600, 3200), *, threshold: float = 0.5,
    level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Say how wide each interval would be in a cohort of so many patients with estimates like these.

    The variance of this cohort over its patients, shrunk in proportion; so it keeps how alike patches of one patient
    are, how many a patient has, and the share of fresh ones.

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split.
    patients : sizes to plan for.

    Returns
    -------
    DataFrame
        metric, patients, patches, fresh (events), estimate, low, high, width. The first rows are this cohort's own.
        Checked against the intervals of simulated cohorts of that size.

    Raises
    ------
    InputError
        What `check_predictions` refuses, or fewer than two patients.

    What it cannot see: that a network trained on more patients would be a better one.
    """
    if min(patients) < 2:
        raise InputError(Problem("patients", "two patients are needed", found=str(min(patients))))
    data = one_network(predictions)
    now = metric_intervals(predictions, threshold=threshold, level=level)
    now = now[now["metric"] != FOLD_MEAN]
    errors = analytic_intervals(*data, threshold=threshold, level=level)["se"]
    rows = []
    for many in (data.clusters, *patients):
        times = many / data.clusters
        for row in now.itertuples():
            ends = (row.low, row.high) if times == 1 else _grown(row, errors[row.metric], times, level)
            rows.append((row.metric, many, round(data.truth.size * times), round(data.truth.sum() * times),
                         row.estimate, *ends, ends[1] - ends[0]))  # fmt: skip
    names = ["metric", "patients", "patches", "fresh", "estimate", "low", "high", "width"]
    return pd.DataFrame(rows, columns=names)


def _grown(row, se, times, level):
    """Ends of the interval of a metric with `times` as many patients."""
    spread = Spread(*(np.asarray(v, float) for v in (se**2 / times, row.effective * times, row.effective * times, 0)))
    if row.metric == "auc":
        low, high = area_ends(row.estimate, spread.variance, quantile_t(spread.df, level), spread.effective)
    else:
        low, high = proportion_ends(row.estimate, spread, level)
    return float(low), float(high)


def _any(values, data):
    """Largest value of each patient (clusters,)."""
    out = np.full(data.clusters, -np.inf)
    np.maximum.at(out, data.patient, values)
    return out


def _by_size(size):
    return (("1 patch", size == 1), ("2 patches", size == 2), ("3 patches and more", size > 2))
