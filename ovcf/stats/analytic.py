"""Intervals by formula: Wilson and DeLong take patches as independent, Rao-Scott and Obuchowski patients.

Also for means over folds, where a patient's influence on all folds is added before it is squared.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri, stdtrit

from ovcf.problems import InputError, Problem
from ovcf.stats.checks import check_inputs
from ovcf.stats.rates import METRICS
from ovcf.stats.roc import auc_influence, clustered_delong, delong


class Interval(NamedTuple):
    """An estimate, the ends of its interval, and its standard error (NaN where none is computed)."""

    estimate: float
    low: float
    high: float
    se: float = np.nan


def wilson(successes, n, level=0.95, quantile=None) -> Interval:
    """Wilson's score interval of a proportion, patches independent.

    (p + z^2/2n -+ z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n). Wilson (1927), JASA 22: 209-212. Checked
    against statsmodels.stats.proportion.proportion_confint.

    Parameters
    ----------
    successes, n : numbers, not necessarily whole (an effective sample size is not); n = 0 gives NaN.
    quantile : used in place of z, where a t quantile is wanted.
    """
    if not 0 <= successes <= n:
        raise InputError(Problem("counts", "successes must lie between 0 and n", found=f"{successes} of {n}"))
    if n == 0:
        return Interval(*[np.nan] * 4)
    z, p = quantile or ndtri((1 + level) / 2), successes / n
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = (p + z**2 / (2 * n) + np.array([-half, half])) / (1 + z**2 / n)
    # rounding must not leave 0 of n and n of n short of 0 and 1
    low, high = (0.0 if successes == 0 else low), (1.0 if successes == n else high)
    return Interval(p, low, high, np.sqrt(p * (1 - p) / n))


def delong_interval(truth, scores, level=0.95, *, scale="plain") -> Interval:
    """DeLong's interval of one AUC, patches independent.

    A -+ z SE, or expit(logit A -+ z SE / (A (1 - A))) with `scale="logit"`, which stays in (0, 1) and covers
    better near 1. Checked against R's pROC on aSAH (`ndka`: .501244999271703 to .722670989888189).

    Parameters
    ----------
    truth, scores : (n,) ; scale : "plain" or "logit".
    """
    areas = delong(truth, scores)
    fewest = min(np.sum(truth), np.size(truth) - np.sum(truth))
    return _area_interval(areas.auc[0], areas.covariance[0, 0], fewest, ndtri((1 + level) / 2), level, scale)


def clustered_auc_interval(truth, scores, patient, level=0.95, *, scale="logit") -> Interval:
    """Interval of one AUC, patients independent: Obuchowski's variance (1997), Student's t, logit scale.

    expit(logit A -+ t SE / (A (1 - A))); degrees of freedom: the fewer of the patients with fresh and with
    old patches, less one. Checked against the patient bootstrap and by coverage (`benchmarks/coverage.py`).

    Parameters
    ----------
    truth, scores, patient : (n,) ; scale : "logit" or "plain".
    """
    data = check_inputs(truth, scores, patient)
    areas = clustered_delong(*data)
    fewest = min(np.unique(data.patient[of]).size for of in (data.truth, ~data.truth))
    return _area_interval(areas.auc[0], areas.covariance[0, 0], fewest, _t(fewest, level), level, scale)


def clustered_ratio(above, below, patient, level=0.95) -> Interval:
    """Interval of a proportion sum(above) / sum(below), patients independent.

    The ratio estimator's linearised variance K/(K-1) sum_k (y_k - p x_k)^2 / X^2 over patients k (Cochran
    1977, ch. 6) gives the effective number of patches p (1 - p) / variance; with it, Wilson's interval and
    Student's t on K - 1 degrees of freedom: Rao & Scott (1992), Biometrics 48: 577-585. Where p is 0 or 1,
    and no variance can be seen, the effective number is that of patients. Checked against a literal version
    and statsmodels' cluster-robust mean.

    Parameters
    ----------
    above, below : (n,) numbers per patch, 0 <= above <= below: for recall_fresh, whether it is a fresh patch
        called fresh, and whether it is fresh. F1 is such a ratio too (2 tp of 2 tp + fp + fn).
    patient : (n,) identifiers.
    """
    codes = pd.factorize(np.asarray(patient))[0]
    y, x = np.bincount(codes, above), np.bincount(codes, below)
    patients = int((x > 0).sum())
    if patients == 0:
        return Interval(*[np.nan] * 4)
    p = y.sum() / x.sum()
    variance = patients / max(patients - 1, 1) * np.sum((y - p * x) ** 2) / x.sum() ** 2
    return _proportion_interval(p, variance, patients, level)


def metric_ratios(truth, called) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Write each metric of counts (Equations (1)-(5)) as a ratio of sums over patches.

    Parameters
    ----------
    truth, called : (n,) bool, True = fresh.

    Returns
    -------
    dict
        Name to (above, below), each (n,) floats. Checked against `ovcf.stats.rates.rates`.
    """
    truth, called = np.asarray(truth, bool), np.asarray(called, bool)
    outcomes = [np.asarray(o, float) for o in (truth & called, truth & ~called, ~truth & ~called, ~truth & called)]
    return {name: metric.ratio(*outcomes) for name, metric in METRICS.items() if metric.ratio}


def analytic_intervals(truth, scores, patient=None, *, threshold=0.5, level=0.95) -> pd.DataFrame:
    """Clustered analytic intervals of `METRICS`; without patients the unclustered, Wilson and DeLong (logit).

    `clustered_ratio` for proportions and F1, `clustered_auc_interval` for the AUC. Unclustered F1, no
    proportion of a fixed number of patches, takes `clustered_ratio` with each patch on its own. Checked by
    coverage on simulated cohorts.

    Parameters
    ----------
    truth, scores, patient : (n,) ; threshold : called fresh at or above it.

    Returns
    -------
    DataFrame indexed by metric: estimate, low, high, se.
    """
    data = check_inputs(truth, scores, patient)
    rows = {}
    for name, (above, below) in metric_ratios(data.truth, data.scores >= threshold).items():
        plain = patient is None and METRICS[name].proportion
        rows[name] = (
            wilson(above.sum(), below.sum(), level) if plain else clustered_ratio(above, below, data.patient, level)
        )
    rows["auc"] = (
        delong_interval(data.truth, data.scores, level, scale="logit")
        if patient is None
        else clustered_auc_interval(*data, level=level)
    )
    return _by_metric(rows)


def fold_mean_intervals(truth, scores, patient, folds, *, threshold=0.5, level=0.95) -> pd.DataFrame:
    """Clustered analytic intervals of the mean over folds of each metric, the trained networks given.

    Each fold's metric splits into one term per patient (`auc_influence`; (y_k - p x_k) / X for a proportion).
    Terms are averaged over folds before they are squared, so a patient with patches in several folds (`split:
    patch`) counts as one. Folds in which a metric is 0/0 are left out. Checked against sums of the folds' own
    variances.

    Parameters
    ----------
    truth, scores, patient, folds : (n,).

    Returns
    -------
    DataFrame indexed by metric: estimate (the mean that `ovcf.stats.rates.summary_table` prints), low, high,
    se.
    """
    data, folds = check_inputs(truth, scores, patient), np.asarray(folds)
    each = [folds == fold for fold in np.unique(folds)]
    rows = {}
    for name, (above, below) in metric_ratios(data.truth, data.scores >= threshold).items():
        p, terms = _mean_of_ratios(above, below, data, each)
        variance = data.clusters / max(data.clusters - 1, 1) * np.sum(terms**2)
        rows[name] = _proportion_interval(p, variance, np.unique(data.patient[below > 0]).size, level)
    rows["auc"] = fold_mean_auc(*data, folds, level)
    return _by_metric(rows)


def _by_metric(rows: dict[str, Interval]) -> pd.DataFrame:
    """Intervals as a table, metrics in the registry's order."""
    table = pd.DataFrame.from_dict(rows, orient="index", columns=Interval._fields)
    return table.loc[list(METRICS)].rename_axis("metric")


def fold_mean_auc(truth, scores, patient, folds, level=0.95) -> Interval:
    """Interval of the mean of the folds' AUCs: as `fold_mean_intervals`, on the logit scale.

    Checked against the sum of the folds' own clustered variances.

    Parameters
    ----------
    truth, scores, patient, folds : (n,). Folds of one class are left out.
    """
    data, folds = check_inputs(truth, scores, patient), np.asarray(folds)
    areas, terms = [], np.zeros(data.clusters)
    for of in (folds == fold for fold in np.unique(folds)):
        if 0 < data.truth[of].sum() < of.sum():
            area, influence = auc_influence(data.truth[of], data.scores[of], data.patient[of])
            areas.append(area[0])
            terms[pd.unique(data.patient[of])] += influence[0]
    if not areas:
        return Interval(*[np.nan] * 4)
    variance = data.clusters / max(data.clusters - 1, 1) * np.sum((terms / len(areas)) ** 2)
    fewest = min(np.unique(data.patient[of]).size for of in (data.truth, ~data.truth))
    return _area_interval(np.mean(areas), variance, fewest, _t(fewest, level), level, "logit")


def _mean_of_ratios(above, below, data, each):
    """Mean over folds of sum(above) / sum(below), and patients' terms (clusters,) of it."""
    shares, terms = [], np.zeros(data.clusters)
    for of in each:
        total = below[of].sum()
        if total > 0:
            shares.append(above[of].sum() / total)
            deviation = above[of] - shares[-1] * below[of]
            terms += np.bincount(data.patient[of], deviation, data.clusters) / total
    return (np.mean(shares), terms / len(shares)) if shares else (np.nan, terms)


def _proportion_interval(p, variance, patients, level):
    """Wilson's interval with the effective number p (1 - p) / variance, and Student's t on patients - 1."""
    if patients == 0 or np.isnan(p):
        return Interval(*[np.nan] * 4)
    # rounding leaves a trace of variance where there is none
    effective = p * (1 - p) / variance if 0 < p < 1 and variance > 1e-15 else patients
    ends = wilson(p * effective, effective, level, _t(patients, level))
    return Interval(p, ends.low, ends.high, np.sqrt(variance))


def _t(patients, level):
    """Student's quantile on patients - 1 degrees of freedom (at least one)."""
    return stdtrit(max(patients - 1, 1), (1 + level) / 2)


def _area_interval(area, variance, fewest, quantile, level, scale):
    """Interval of an AUC. Where all pairs agree the variance is 0: Wilson's for the rarer class stands in."""
    se = np.sqrt(variance)
    if area in (0, 1) or se == 0 or not np.isfinite(se):
        ends = wilson(area * fewest, fewest, level)
        return Interval(area, ends.low, ends.high, se)
    if scale == "logit":
        half = quantile * se / (area * (1 - area))
        return Interval(area, *expit(logit(area) + np.array([-half, half])), se)
    return Interval(area, area - quantile * se, area + quantile * se, se)
