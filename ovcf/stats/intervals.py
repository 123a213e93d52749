"""Confidence intervals for every number of Table 2: for patches taken as independent, and for patients.

Fractures of one patient resemble each other more than those of two, so 720 patches tell less than 720
patients would. Each interval here comes clustered by patient; the unclustered one stands beside it only to
show what it would claim.
"""

import numpy as np
import pandas as pd

from ovcf.problems import InputError, Problem
from ovcf.stats import bootstrap as boot
from ovcf.stats.analytic import (
    Interval,
    analytic_intervals,
    clustered_auc_interval,
    clustered_ratio,
    delong_interval,
    fold_mean_auc,
    fold_mean_intervals,
    metric_ratios,
    wilson,
)
from ovcf.stats.checks import one_network
from ovcf.stats.rates import FOLD_MEAN, METRICS

METHODS = ("analytic", "percentile", "bca")
NAMES = {
    "analytic": "clustered analytic (Rao-Scott; Obuchowski for AUC)",
    "percentile": "patient bootstrap, percentile",
    "bca": "patient bootstrap, BCa",
}


def metric_intervals(
    predictions, *, threshold=0.5, method="bca", average="pooled", replicates=2000, seed=0, level=0.95
) -> pd.DataFrame:
    """Give every metric of Table 2 an interval that respects patients, for one network.

    Each patch is scored by the network that did not train on its fold. `average="pooled"` computes each
    metric once on all those predictions, pooling scores of the folds' networks on one scale; the row
    `auc_fold_mean` is then the mean of the folds' own AUCs, which compares patches within folds only.
    `average="folds"` takes the mean over folds of every metric, the numbers of Tables 2 and 3 ("Average").
    The intervals say how the numbers would vary with other patients, the trained networks given; not how they
    would with networks trained anew. Coverage on simulated cohorts: `benchmarks/coverage.py`. The
    methods: `ovcf.stats.analytic` and `ovcf.stats.bootstrap`.

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split.
    threshold : called fresh at or above it.
    method : "analytic", "percentile", "bca", or "all" for three rows per metric.
    average : "pooled" or "folds".
    replicates, seed : of the bootstrap. level : of the intervals.

    Returns
    -------
    DataFrame
        metric, estimate, low, high, method, unclustered_low, unclustered_high: `METRICS`, then (pooled)
        auc_fold_mean. The unclustered ends use the same method with every patch its own patient (Wilson and
        DeLong for "analytic"). What is 0/0 is NaN.

    Raises
    ------
    InputError
        What `check_predictions` refuses, or an unknown method or average.
    """
    _known("method", method, (*METHODS, "all"))
    _known("average", average, ("pooled", "folds"))
    data, folds = one_network(predictions), predictions["fold"].to_numpy()
    chosen = METHODS if method == "all" else (method,)
    options = (folds, chosen, threshold, average, replicates, seed, level)
    clustered = _by_method(data, *options)
    unclustered = _by_method(data._replace(patient=np.arange(data.truth.size)), *options, independent=True)
    tables = [
        clustered[m].assign(
            method=NAMES[m], unclustered_low=unclustered[m]["low"], unclustered_high=unclustered[m]["high"]
        )
        for m in chosen
    ]
    table = pd.concat(tables).rename_axis("metric").reset_index()
    order = {name: i for i, name in enumerate([*METRICS, FOLD_MEAN])}
    return table.sort_values("metric", key=lambda s: s.map(order), kind="stable").reset_index(drop=True)


def fold_intervals(predictions, **options) -> pd.DataFrame:
    """Give every metric of every fold of one network its interval (Table 3's rows).

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split; options : of `metric_intervals`.

    Returns
    -------
    DataFrame
        fold, then the columns of `metric_intervals` (pooled within the fold, without auc_fold_mean). A fold's
        estimate is the one `ovcf.stats.rates.fold_table` has.
    """
    one_network(predictions)
    folds = predictions.groupby("fold")
    tables = [metric_intervals(fold, **options).assign(fold=number) for number, fold in folds]
    table = pd.concat(tables, ignore_index=True)
    table = table[table["metric"] != FOLD_MEAN].reset_index(drop=True)
    return table[["fold", *(c for c in table if c != "fold")]]


def _by_method(data, folds, chosen, threshold, average, replicates, seed, level, independent=False):
    """One table per method, indexed by metric: estimate, low, high. Both bootstraps share replicates."""
    tables = {}
    if "analytic" in chosen:
        tables["analytic"] = _analytic(data, folds, threshold, average, level, independent)
    if set(chosen) - {"analytic"}:
        statistic = boot.metrics_of_weights(*data, threshold=threshold, folds=folds, average=average)
        estimate = statistic(np.ones((1, data.clusters), np.float32))[0]
        values = boot.bootstrap(statistic, data.clusters, replicates=replicates, seed=seed)
        if "percentile" in chosen:
            tables["percentile"] = _table(estimate, boot.percentile_interval(values, level))
        if "bca" in chosen:
            left_out = boot.jackknife(statistic, data.clusters)
            tables["bca"] = _table(estimate, boot.bca_interval(estimate, values, left_out, level))
    return tables


def _analytic(data, folds, threshold, average, level, independent):
    if average == "folds":
        return fold_mean_intervals(*data, folds, threshold=threshold, level=level).drop(columns="se")
    patient = None if independent else data.patient
    table = analytic_intervals(data.truth, data.scores, patient, threshold=threshold, level=level)
    table.loc[FOLD_MEAN] = fold_mean_auc(*data, folds, level)
    return table.drop(columns="se")


def _table(estimate, ends):
    names = [*METRICS, FOLD_MEAN][: len(estimate)]
    return pd.DataFrame({"estimate": estimate, "low": ends[0], "high": ends[1]}, index=names)


def _known(name, value, allowed):
    if value not in allowed:
        raise InputError(Problem(name, f"unknown {name} of intervals", found=str(value), allowed=", ".join(allowed)))


__all__ = [
    "METHODS",
    "Interval",
    "analytic_intervals",
    "clustered_auc_interval",
    "clustered_ratio",
    "delong_interval",
    "fold_intervals",
    "fold_mean_auc",
    "fold_mean_intervals",
    "metric_intervals",
    "metric_ratios",
    "wilson",
]
