"""Each reader's AUC in both sessions, time and confidence, and the model on the readers' own cases."""

import numpy as np
import pandas as pd
from scipy.stats import t

from ovcf.problems import InputError, Problem
from ovcf.stats.analytic import analytic_intervals, clustered_auc_interval
from ovcf.stats.checks import need_columns
from ovcf.stats.readers.checks import check_readings
from ovcf.stats.readers.components import or_components
from ovcf.stats.readers.covariance import merit_covariance
from ovcf.stats.readers.mrmc import average_study, single_readers
from ovcf.stats.readers.readings import cross, model_output
from ovcf.words import AVERAGE

MEASURES = ("seconds", "confidence")


def reader_aucs(readings: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Give each reader's AUC in each session and, with two, their difference; and the readers' average.

    Intervals: of one AUC `clustered_auc_interval` (patients as units where known), of a reader's difference the normal
    one of `mrmc.single_readers` with DeLong's covariance, of the average that for random readers and cases
    (`mrmc.one_treatment`). Ratings are the confidence with the sign of the answer where readers gave both.

    Parameters
    ----------
    readings : DataFrame in either shape of `check_readings`.

    Returns
    -------
    DataFrame: reader, session, n (cases; of a difference those read in every session), estimate, low, high, p (of a
    difference). One row a reader and session, "first - second" for the difference (sessions sorted).

    What it cannot see: what a finer scale would have shown; ties of five steps cost AUC.
    """
    study = cross(check_readings(readings), missing="auto")
    rows, t_ = [], len(study.treatments)
    for i, session in enumerate(study.treatments):
        for reader, ratings in zip(study.readers, study.ratings[i], strict=True):
            seen = ~np.isnan(ratings)
            if 0 < study.truth[seen].sum() < seen.sum():
                own = clustered_auc_interval(study.truth[seen], ratings[seen], study.unit[seen], level)
                rows.append((reader, session, int(seen.sum()), *own[:3], np.nan))
    parts = or_components(study, "auc", "delong")
    matrix = merit_covariance(study.ratings.reshape(-1, study.truth.size), study.truth, "auc", "delong", study.unit)
    alone = single_readers(study, parts, matrix, "auc", "delong", level=level) if t_ > 1 else pd.DataFrame()
    both = dict(zip(study.readers, (~np.isnan(study.ratings)).all(axis=0).sum(axis=1).tolist(), strict=True))
    rows += [(r.reader, r.comparison, both[r.reader], r.difference, r.low, r.high, r.p) for r in alone.itertuples()]
    if len(study.readers) > 1:
        average = average_study(study, parts, "auc", "delong", level=level)
        average = average[average["generalisation"] == "random"]
        rows += [(AVERAGE, r.treatment, r.cases, r.estimate, r.low, r.high, np.nan) for r in average.itertuples()]
    return pd.DataFrame(rows, columns=["reader", "session", "n", "estimate", "low", "high", "p"])


def time_and_confidence(readings: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Describe how long readers took and how sure they were, session by session, and whether that changed.

    Parameters
    ----------
    readings : DataFrame, the `readings` table with reader, session, patch_id and seconds, confidence (if there).

    Returns
    -------
    DataFrame: measure, reader, session, n (cases), median, quartile_1, quartile_3, mean; the last rows of each, for
    the readers' average, have in place of them the mean over readers with its interval (low, high; Student's t over
    readers, the cases given), and so has the difference of two sessions (sorted, first less second) with p.

    Raises
    ------
    InputError
        Where neither measure is there.

    What it cannot see: learning between sessions, or who was interrupted; times are as the reading room took them.
    """
    measures = [m for m in MEASURES if m in readings and pd.to_numeric(readings[m], errors="coerce").notna().any()]
    need_columns(readings, ["reader", "session", "patch_id"])
    if not measures:
        raise InputError(Problem("columns", "neither seconds nor confidence is there", allowed=", ".join(MEASURES)))
    return pd.concat([_measure(readings, m, level) for m in measures], ignore_index=True)


def model_on_cases(readings: pd.DataFrame, *, threshold: float = 0.5, level: float = 0.95) -> pd.DataFrame:
    """Give the model's own metrics on the readers' cases: what the readers are to be compared with.

    Parameters
    ----------
    readings : DataFrame with `model_p_fresh` in the aided rows.

    Returns
    -------
    DataFrame: metric (`ovcf.stats.rates.METRICS`), n, estimate, low, high; by patient where patients are known.
    Few cases, so wide; the network's result on all patches is another number, of other patches.

    Raises
    ------
    InputError
        Where the model's output is missing for a case.

    What it cannot see: the network on all patches, which is another number, of other patches.
    """
    study = cross(check_readings(readings), missing="auto")
    p = model_output(readings, study.cases)
    table = analytic_intervals(study.truth, p, study.unit, threshold=threshold, level=level).reset_index()
    return table.assign(n=study.truth.size)[["metric", "n", "estimate", "low", "high"]]


def _measure(readings, measure, level):
    values = readings.assign(value=pd.to_numeric(readings[measure], errors="coerce")).dropna(subset="value")
    rows = []
    for (reader, session), own in values.groupby(["reader", "session"], sort=True):
        q1, q2, q3 = own["value"].quantile([0.25, 0.5, 0.75])
        rows.append({"reader": reader, "session": session, "n": len(own), "median": q2, "quartile_1": q1,
                     "quartile_3": q3, "mean": own["value"].mean()})  # fmt: skip
    means = values.groupby(["reader", "session"])["value"].mean().unstack()
    cases = {session: set(own["patch_id"]) for session, own in values.groupby("session")}
    for session, read in cases.items():
        rows.append({"reader": AVERAGE, "session": session, "n": len(read), **_mean(means[session].dropna(), level)})
    if means.shape[1] == 2:
        first, second = means.columns
        change = _mean((means[first] - means[second]).dropna(), level, test=True)
        both = len(cases[first] & cases[second])
        rows.append({"reader": AVERAGE, "session": f"{first} - {second}", "n": both, **change})
    return pd.DataFrame(rows).assign(measure=measure).reindex(
        columns=["measure", "reader", "session", "n", "median", "quartile_1", "quartile_3", "mean", "low", "high", "p"]
    )  # fmt: skip


def _mean(values, level, test=False):
    """Mean over readers with Student's interval; NaN ends where one reader or no spread leaves nothing to estimate."""
    k, mean = len(values), values.mean()
    se = values.std(ddof=1) / np.sqrt(k) if k > 1 else np.nan
    if not se > 0:
        return {"mean": mean}
    half = t.ppf((1 + level) / 2, k - 1) * se
    return {"mean": mean, "low": mean - half, "high": mean + half} | (
        {"p": float(2 * t.sf(abs(mean / se), k - 1))} if test else {}
    )
