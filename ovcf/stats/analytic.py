"""Intervals by formula: Wilson and DeLong take patches as independent, the others patients.

The clustered ones are the study's default. They stay within their range, are never of zero width, and widen
where few patients, or one large one, carry the data (`ovcf.stats.clusters`). Also for means over folds, where
a patient's influence on all folds is added before it is squared.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, ndtri, stdtrit

from ovcf.problems import InputError, Problem
from ovcf.stats.checks import Inputs, check_inputs
from ovcf.stats.clusters import Floats, Spread, area_spread, left, ratio_spread
from ovcf.stats.rates import METRICS
from ovcf.stats.roc import auc_influence, delong


class Interval(NamedTuple):
    """An estimate, the ends of its interval, its standard error, effective patients, and the largest one's share.

    NaN where there is none.
    """

    estimate: float
    low: float
    high: float
    se: float = np.nan
    effective: float = np.nan
    largest: float = np.nan


NOTHING = Interval(*[np.nan] * 6)


def wilson(successes: float, n: float, level: float = 0.95, quantile: float | None = None) -> Interval:
    """Wilson's score interval of a proportion, patches independent.

    (p + z^2/2n -+ z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n). Wilson (1927), JASA 22: 209-212. Checked
    against statsmodels.stats.proportion.proportion_confint.

    Parameters
    ----------
    successes, n : numbers, not necessarily whole (an effective sample size is not); n = 0 gives NaN.
    quantile : used in place of z, where a t quantile is wanted.

    Raises
    ------
    InputError
        Successes below 0 or above n.
    """
    if not 0 <= successes <= n:
        raise InputError(Problem("counts", "successes must lie between 0 and n", found=f"{successes} of {n}"))
    if n == 0:
        return NOTHING
    z, p = quantile or ndtri((1 + level) / 2), successes / n
    low, high = wilson_ends(p, n, z)
    return Interval(p, float(low), float(high), np.sqrt(p * (1 - p) / n), n, 1 / n)


def wilson_ends(p: ArrayLike, n: ArrayLike, quantile: ArrayLike) -> tuple[Floats, Floats]:
    """Return both ends (...) of Wilson's interval of shares p of n, each (...); rounding moves no end off 0 or 1."""
    p, n, z = np.asarray(p, float), np.asarray(n, float), np.asarray(quantile, float)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = ((p + z**2 / (2 * n) + side) / (1 + z**2 / n) for side in (-half, half))
    return np.where(p <= 0, 0.0, np.maximum(low, 0)), np.where(p >= 1, 1.0, np.minimum(high, 1))


def delong_interval(truth: ArrayLike, scores: ArrayLike, level: float = 0.95, *, scale: str = "plain") -> Interval:
    """DeLong's interval of one AUC, patches independent.

    A -+ z SE, cut at 0 and 1, or expit(logit A -+ z SE / (A (1 - A))) with `scale="logit"`, which covers better
    near 1. Where no variance can be seen, Wilson's for the rarer class. Checked against R's pROC on aSAH
    (`ndka`: .501244999271703 to .722670989888189).

    Parameters
    ----------
    truth, scores : (n,) ; scale : "plain" or "logit".
    """
    areas = delong(truth, scores)
    fewest = min(np.sum(truth), np.size(truth) - np.sum(truth))
    quantile, variance = ndtri((1 + level) / 2), np.nan_to_num(areas.covariance[0, 0])
    ends = area_ends(areas.auc[0], variance, quantile, fewest, scale)
    return Interval(float(areas.auc[0]), *map(float, ends), float(np.sqrt(variance)), float(fewest), 1 / fewest)


def clustered_auc_interval(
    truth: ArrayLike, scores: ArrayLike, patient: ArrayLike, level: float = 0.95, *, scale: str = "logit"
) -> Interval:
    """Interval of one AUC, patients independent: expit(logit A -+ t SE / (A (1 - A))).

    Variance and degrees of freedom: `ovcf.stats.clusters.area_spread`. Where no variance can be seen (all pairs
    ranked rightly), Wilson's interval for the effective patients of the rarer class. Checked against a literal
    version, the patient bootstrap and by coverage (`benchmarks/coverage.py`).

    Parameters
    ----------
    truth, scores, patient : (n,) ; scale : "logit" or "plain" (cut at 0 and 1).
    """
    data = check_inputs(truth, scores, patient)
    area, enlarged, fresh, old = _area_parts(data)
    return _area_interval(area, area_spread(enlarged, fresh, old), level, scale)


def clustered_ratio(above: ArrayLike, below: ArrayLike, patient: ArrayLike, level: float = 0.95) -> Interval:
    """Interval of a proportion sum(above) / sum(below), patients independent.

    The variance over patients (`ovcf.stats.clusters.ratio_spread`) gives the effective number of patches
    p (1 - p) / variance; with it, Wilson's interval and Student's t: Rao & Scott (1992), Biometrics 48: 577-585.
    Where p is 0 or 1, and no variance can be seen, the effective number is that of patients. Checked against a
    literal version, the cluster-robust mean of statsmodels where patients are many, and by coverage.

    Parameters
    ----------
    above, below : (n,) numbers per patch, 0 <= above <= below: for recall_fresh, whether it is a fresh patch
        called fresh, and whether it is fresh. F1 is such a ratio too (2 tp of 2 tp + fp + fn).
    patient : (n,) identifiers.
    """
    codes = pd.factorize(np.asarray(patient))[0]
    above, below = np.asarray(above, float), np.asarray(below, float)
    if not below.sum() > 0:
        return NOTHING
    p, parts = _ratio_parts(above, below, codes, int(codes.max()) + 1)
    return _proportion_interval(p, ratio_spread(*parts), level)


def metric_ratios(truth: ArrayLike, called: ArrayLike) -> dict[str, tuple[Floats, Floats]]:
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


def analytic_intervals(
    truth: ArrayLike, scores: ArrayLike, patient: ArrayLike | None = None, *, threshold: float = 0.5,
    level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Clustered analytic intervals of `METRICS`; without patients the unclustered, Wilson and DeLong (logit).

    `clustered_ratio` for proportions and F1, `clustered_auc_interval` for the AUC. Unclustered F1, no
    proportion of a fixed number of patches, takes `clustered_ratio` with each patch on its own. Checked by
    coverage on simulated cohorts.

    Parameters
    ----------
    truth, scores, patient : (n,) ; threshold : called fresh at or above it.

    Returns
    -------
    DataFrame indexed by metric: the fields of `Interval` (patches stand for patients where unclustered).

    What it cannot see: how a network trained anew would differ: the predictions are held fixed.
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


def fold_mean_intervals(
    truth: ArrayLike, scores: ArrayLike, patient: ArrayLike, folds: ArrayLike, *, threshold: float = 0.5,
    level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Clustered analytic intervals of the mean over folds of each metric, the trained networks given.

    Each fold's metric splits into one term per patient (`auc_influence`; (y_k - p x_k) / X for a proportion).
    Terms are averaged over folds before they are squared, so a patient with patches in several folds (`split:
    patch`) counts as one. Folds in which a metric is 0/0 are left out. Checked against the folds' own variances.

    Parameters
    ----------
    truth, scores, patient, folds : (n,).

    Returns
    -------
    DataFrame indexed by metric: the fields of `Interval`; estimate is the mean that
    `ovcf.stats.rates.summary_table` prints.
    """
    data, folds = check_inputs(truth, scores, patient), np.asarray(folds)
    each = [folds == fold for fold in np.unique(folds)]
    rows = {}
    for name, (above, below) in metric_ratios(data.truth, data.scores >= threshold).items():
        used = [of for of in each if below[of].sum() > 0]
        parts = [_ratio_parts(above[of], below[of], data.patient[of], data.clusters, len(used)) for of in used]
        rows[name] = NOTHING
        if parts:
            spread = ratio_spread(*(sum(values) for values in zip(*(part for _, part in parts), strict=True)))
            rows[name] = _proportion_interval(np.mean([p for p, _ in parts]), spread, level)
    rows["auc"] = fold_mean_auc(*data, folds, level)
    return _by_metric(rows)


def _by_metric(rows: dict[str, Interval]) -> pd.DataFrame:
    """Intervals as a table, metrics in the registry's order."""
    table = pd.DataFrame.from_dict(rows, orient="index", columns=Interval._fields)
    return table.loc[list(METRICS)].rename_axis("metric")


def fold_mean_auc(
    truth: ArrayLike, scores: ArrayLike, patient: ArrayLike, folds: ArrayLike, level: float = 0.95
) -> Interval:
    """Interval of the mean of the folds' AUCs: as `fold_mean_intervals`, on the logit scale.

    Checked against the sum of the folds' own clustered variances.

    Parameters
    ----------
    truth, scores, patient, folds : (n,). Folds of one class are left out.
    """
    data, folds = check_inputs(truth, scores, patient), np.asarray(folds)
    each = [folds == fold for fold in np.unique(folds)]
    used = [of for of in each if 0 < data.truth[of].sum() < of.sum()]
    if not used:
        return NOTHING
    areas, total = [], np.zeros((3, data.clusters))  # influence, fresh and old patches of each patient
    for of in used:
        codes, names = pd.factorize(data.patient[of])
        area, *parts = _area_parts(Inputs(data.truth[of], data.scores[of], codes))
        areas.append(area)
        total[:, names] += parts
    total[0] /= len(used)
    return _area_interval(np.mean(areas), area_spread(*total), level, "logit")


def area_ends(
    area: ArrayLike, variance: ArrayLike, quantile: ArrayLike, stand_in: ArrayLike, scale: str = "logit"
) -> tuple[NDArray, NDArray]:
    """Return both ends (...) of the interval of AUCs (...) from their variances (...).

    Where all pairs agree the variance is 0: Wilson's for `stand_in` patches or patients takes its place.
    """
    area, se = np.asarray(area, float), np.sqrt(variance)
    blind = (area <= 0) | (area >= 1) | ~(se > 0)
    low, high = wilson_ends(area, np.maximum(stand_in, 1), quantile)
    if scale == "plain":
        ends = np.clip(area - quantile * se, 0, 1), np.clip(area + quantile * se, 0, 1)
    else:
        inside = np.where(blind, 0.5, area)
        half = quantile * se / (inside * (1 - inside))
        ends = expit(logit(inside) - half), expit(logit(inside) + half)
    return np.where(blind, low, ends[0]), np.where(blind, high, ends[1])


def proportion_ends(p: ArrayLike, spread: Spread, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return both ends (...) of the interval of proportions p (...) from their `Spread`."""
    p, variance = np.asarray(p, float), spread.variance
    # rounding leaves a trace of variance where there is none
    seen = (p > 0) & (p < 1) & (variance > 1e-15)
    effective = np.divide(p * (1 - p), variance, out=np.array(np.maximum(spread.effective, 1), float), where=seen)
    return wilson_ends(p, effective, quantile_t(spread.df, level))


def quantile_t(df: ArrayLike, level: float) -> Floats:
    """Student's two-sided quantile on df (...) degrees of freedom, at least one."""
    return stdtrit(np.maximum(df, 1), (1 + level) / 2)


def _ratio_parts(above, below, codes, patients, folds=1):
    """The ratio of a fold, and what `ratio_spread` asks of it per patient (patients,), for a mean over `folds`."""
    total = below.sum()
    p = above.sum() / total
    terms = (above - p * below) / total / folds
    residual, squares, count, size = (
        np.bincount(codes, values, patients) for values in (terms, terms**2, below > 0, below / total)
    )
    return p, (residual, residual / np.sqrt(left(size)), squares, count, size)


def _area_parts(data):
    """AUC; influence of each patient (K,), enlarged; patches of each class (K,)."""
    (area,), fresh_part, old_part = auc_influence(*data, by_class=True)
    fresh, old = (np.bincount(data.patient, of, data.clusters) for of in (data.truth, ~data.truth))
    enlarged = fresh_part[0] / np.sqrt(left(fresh / fresh.sum())) + old_part[0] / np.sqrt(left(old / old.sum()))
    return area, enlarged, fresh, old


def _proportion_interval(p, spread, level):
    low, high = proportion_ends(p, spread, level)
    return _interval(p, low, high, spread)


def _area_interval(area, spread, level, scale):
    ends = area_ends(area, spread.variance, quantile_t(spread.df, level), spread.effective, scale)
    return _interval(area, *ends, spread)


def _interval(estimate, low, high, spread):
    numbers = (estimate, low, high, np.sqrt(spread.variance), spread.effective, spread.largest)
    return Interval(*map(float, numbers))
