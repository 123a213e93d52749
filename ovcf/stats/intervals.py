"""Confidence intervals for every number of Table 2: for patches taken as independent, and for patients.

Fractures of one patient resemble each other more than those of two, so 720 patches tell less than 720
patients would. Each interval here comes clustered by patient; the unclustered one stands beside it only to
show what it would claim.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri, stdtrit

from ovcf.problems import InputError, Problem
from ovcf.stats import bootstrap as boot
from ovcf.stats.checks import check_inputs, one_network
from ovcf.stats.rates import METRICS, RATES
from ovcf.stats.roc import auc_influence, clustered_delong, delong

METHODS = ("analytic", "percentile", "bca")
NAMES = {"analytic": "clustered analytic (Rao-Scott; Obuchowski for AUC)",
         "percentile": "patient bootstrap, percentile", "bca": "patient bootstrap, BCa"}


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

    Degrees of freedom: the fewer of the patients with fresh and with old patches, less one.

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
    and statsmodels' cluster-robust WLS.

    Parameters
    ----------
    above, below : (n,) numbers per patch, 0 <= above <= below: for recall_fresh, fresh patches called fresh
        and fresh
        patches. F1 is such a ratio too (2 tp of 2 tp + fp + fn).
    patient : (n,) identifiers.
    """
    codes = pd.factorize(np.asarray(patient))[0]
    y, x = np.bincount(codes, above), np.bincount(codes, below)
    patients = int((x > 0).sum())
    if patients == 0:
        return Interval(*[np.nan] * 4)
    p = y.sum() / x.sum()
    variance = patients / max(patients - 1, 1) * np.sum((y - p * x) ** 2) / x.sum() ** 2
    effective = p * (1 - p) / variance if 0 < p < 1 and variance > 0 else patients
    low_high = wilson(p * effective, effective, level, _t(patients, level))
    return Interval(p, low_high.low, low_high.high, np.sqrt(variance))


def metric_ratios(truth, called) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Write each of `RATES` as a ratio of sums over patches: name to (above, below), each (n,)."""
    truth, called = np.asarray(truth, bool), np.asarray(called, bool)
    right, wrong = truth == called, truth != called
    every = np.ones(truth.size)
    pairs = {"accuracy": (right, every), "precision_fresh": (right & called, called),
             "precision_old": (right & ~called, ~called), "recall_fresh": (right & truth, truth),
             "recall_old": (right & ~truth, ~truth),
             "f1_fresh": (2 * (right & truth), 2 * (right & truth) + wrong),
             "f1_old": (2 * (right & ~truth), 2 * (right & ~truth) + wrong)}
    return {name: (np.asarray(a, float), np.asarray(b, float)) for name, (a, b) in pairs.items()}


def analytic_intervals(truth, scores, patient=None, *, threshold=0.5, level=0.95) -> pd.DataFrame:
    """Clustered analytic intervals of `METRICS`; without patients the unclustered, Wilson and DeLong (logit).

    Unclustered F1, no proportion of a fixed number of patches, takes `clustered_ratio` with each patch on its
    own.

    Returns
    -------
    DataFrame indexed by metric: estimate, low, high, se.
    """
    data = check_inputs(truth, scores, patient)
    rows = {}
    for name, (above, below) in metric_ratios(data.truth, data.scores >= threshold).items():
        plain = patient is None and not name.startswith("f1")
        rows[name] = (wilson(above.sum(), below.sum(), level) if plain
                      else clustered_ratio(above, below, data.patient, level))
    rows["auc"] = (delong_interval(data.truth, data.scores, level, scale="logit") if patient is None
                   else clustered_auc_interval(*data, level=level))
    return pd.DataFrame.from_dict(rows, orient="index", columns=Interval._fields).rename_axis("metric")


def fold_mean_auc(truth, scores, patient, folds, level=0.95) -> Interval:
    """Interval of the mean of the folds' AUCs, patients independent, the trained networks taken as given.

    Patients' influences on each fold's AUC are averaged over folds before squaring, so a patient with patches
    in several folds (`split: patch`) counts as one.
    """
    data = check_inputs(truth, scores, patient)
    folds = np.asarray(folds)
    areas, terms = [], np.zeros(data.clusters)
    for fold in np.unique(folds):
        of = folds == fold
        area, influence = auc_influence(data.truth[of], data.scores[of], data.patient[of])
        areas.append(area[0])
        terms[pd.unique(data.patient[of])] += influence[0]
    variance = data.clusters / (data.clusters - 1) * np.sum((terms / len(areas)) ** 2)
    fewest = min(np.unique(data.patient[of]).size for of in (data.truth, ~data.truth))
    return _area_interval(np.mean(areas), variance, fewest, _t(fewest, level), level, "logit")


def metric_intervals(
    predictions, *, threshold=0.5, method="bca", replicates=2000, seed=0, level=0.95
) -> pd.DataFrame:
    """Give every metric of Table 2 an interval that respects patients, for one network.

    The estimates pool the out-of-fold predictions of all folds: each patch is scored by the network that did
    not train on its fold. Row `auc` pools scores of different networks' folds on one scale; row
    `auc_fold_mean`, the paper's number, averages the folds' own AUCs and compares patches within folds only.
    The intervals say how the numbers would vary with other patients, the trained networks given; not how they
    would with networks trained anew.

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split.
    threshold : called fresh at or above it.
    method : "analytic", "percentile", "bca", or "all" for three rows per metric.
    replicates, seed : of the bootstrap. level : of the intervals.

    Returns
    -------
    DataFrame
        metric, estimate, low, high, method, unclustered_low, unclustered_high: `METRICS`, then auc_fold_mean.
        The unclustered ends use the same method with every patch its own patient (Wilson and DeLong for
        "analytic").

    Raises
    ------
    InputError
        What `check_predictions` refuses, or an unknown method.
    """
    if method not in (*METHODS, "all"):
        raise InputError(Problem("method", "unknown method of intervals", found=str(method),
                                 allowed=", ".join((*METHODS, "all"))))
    data, folds = one_network(predictions), predictions["fold"].to_numpy()
    chosen = METHODS if method == "all" else (method,)
    clustered = _by_method(data, folds, chosen, threshold, replicates, seed, level)
    patches = data._replace(patient=np.arange(data.truth.size))
    unclustered = _by_method(patches, folds, chosen, threshold, replicates, seed, level, independent=True)
    tables = [clustered[m].assign(method=NAMES[m], unclustered_low=unclustered[m]["low"],
                                  unclustered_high=unclustered[m]["high"]) for m in chosen]
    table = pd.concat(tables).rename_axis("metric").reset_index()
    order = {name: i for i, name in enumerate([*METRICS, "auc_fold_mean"])}
    return table.sort_values("metric", key=lambda s: s.map(order), kind="stable").reset_index(drop=True)


def _by_method(data, folds, chosen, threshold, replicates, seed, level, independent=False):
    """One table per method, indexed by metric: estimate, low, high. Both bootstraps share replicates."""
    tables = {}
    if "analytic" in chosen:
        table = analytic_intervals(data.truth, data.scores, None if independent else data.patient,
                                   threshold=threshold, level=level)
        table.loc["auc_fold_mean"] = fold_mean_auc(*data, folds, level)
        tables["analytic"] = table.drop(columns="se")
    if set(chosen) - {"analytic"}:
        statistic = boot.metrics_of_weights(*data, threshold=threshold, folds=folds)
        estimate = statistic(np.ones((1, data.clusters), np.float32))[0]
        values = boot.bootstrap(statistic, data.clusters, replicates=replicates, seed=seed)
        if "percentile" in chosen:
            tables["percentile"] = _table(estimate, boot.percentile_interval(values, level))
        if "bca" in chosen:
            left_out = boot.jackknife(statistic, data.clusters)
            tables["bca"] = _table(estimate, boot.bca_interval(estimate, values, left_out, level))
    return tables


def _table(estimate, ends):
    names = [*RATES, "auc", "auc_fold_mean"]
    return pd.DataFrame({"estimate": estimate, "low": ends[0], "high": ends[1]}, index=names)


def _t(patients, level):
    """Student's quantile on patients - 1 degrees of freedom (at least one)."""
    return stdtrit(max(patients - 1, 1), (1 + level) / 2)


def _area_interval(area, variance, fewest, quantile, level, scale):
    """Interval of an AUC. Where all pairs agree the variance is 0: Wilson's for the rarer class stands in."""
    se = np.sqrt(variance)
    if area in (0, 1) or not np.isfinite(se):
        ends = wilson(area * fewest, fewest, level)
        return Interval(area, ends.low, ends.high, se)
    if scale == "logit":
        half = quantile * se / (area * (1 - area))
        return Interval(area, *expit(logit(area) + np.array([-half, half])), se)
    return Interval(area, area - quantile * se, area + quantile * se, se)
