"""Confidence intervals for every number of Table 2: for patches taken as independent, and for patients.

Fractures of one patient resemble each other more than those of two, so 720 patches tell less than 720
patients would. Each interval here comes clustered by patient; the unclustered one stands beside it only to
show what it would claim.

The default is by formula. It holds where the bootstrap collapses: with no error to draw, few patients, one
patient who has much of a class, and near 0 and 1. Where patients of a class are fewer than `FEWEST`, nothing
is estimable, and the note says so.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

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
from ovcf.stats.clusters import FEW_EFFECTIVE, FEWEST, MUCH
from ovcf.stats.rates import FOLD_MEAN, METRICS

METHODS = ("analytic", "percentile", "bca")
NAMES = {
    "analytic": "Wilson with effective sample size",
    "analytic of AUC": "t on the logit scale",
    "percentile": "patient bootstrap, percentile",
    "bca": "patient bootstrap, BCa",
}
EDGE = 0.05  # a bootstrap so near 0 or 1 covers badly
NEAR_ONE, NEAR_END, MANY_EFFECTIVE = 0.9, 0.02, 200  # an AUC above, a share so near its end, unless so many patients
CLASSES = {"accuracy": (), "recall_fresh": ("fresh",), "recall_old": ("old",)}  # all else needs both


def metric_intervals(
    predictions: pd.DataFrame, *, threshold: float = 0.5, method: str = "analytic", average: str = "pooled",
    replicates: int = 2000, seed: int = 0, level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Give every metric of Table 2 an interval that respects patients, for one network.

    Each patch is scored by the network that did not train on its fold. `average="pooled"` computes each
    metric once on all those predictions, pooling scores of the folds' networks on one scale; the row
    `auc_fold_mean` is then the mean of the folds' own AUCs, which compares patches within folds only.
    `average="folds"` takes the mean over folds of every metric, the numbers of Tables 2 and 3 ("Average").
    The intervals say how the numbers would vary with other patients, the trained networks given; not how they
    would with networks trained anew. Coverage on simulated cohorts: `benchmarks/coverage_grid.py`. The
    methods: `ovcf.stats.analytic` and `ovcf.stats.bootstrap`.

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split.
    threshold : called fresh at or above it.
    method : "analytic", "percentile", "bca", or "all" for three rows per metric. A bootstrap gives way to the
        formula, and `method` says so, where it cannot hold: replicates that are all alike, an estimate within
        `EDGE` of 0 or 1, or fewer than `FEW_EFFECTIVE` effective patients.
    average : "pooled" or "folds".
    replicates, seed : of the bootstrap. level : of the intervals.

    Returns
    -------
    DataFrame
        metric, estimate, low, high, method, unclustered_low, unclustered_high, effective (patients), note (""
        or what to beware of): `METRICS`, then (pooled) auc_fold_mean. The unclustered ends use the same method
        with every patch its own patient (Wilson and DeLong for "analytic"). What is 0/0 is NaN; so are the ends
        where a class has fewer than `FEWEST` patients (in some fold, for means over folds).

    Raises
    ------
    InputError
        What `check_predictions` refuses, or an unknown method or average.

    What it cannot see: how networks trained anew would differ, and patients unlike the cohort's.
    """
    _known("method", method, (*METHODS, "all"))
    _known("average", average, ("pooled", "folds"))
    data, folds = one_network(predictions), predictions["fold"].to_numpy()
    chosen = METHODS if method == "all" else (method,)
    options = (folds, chosen, threshold, average, replicates, seed, level)
    clustered = _by_method(data, *options)
    unclustered = _by_method(data._replace(patient=np.arange(data.truth.size)), *options, independent=True)
    tables = [
        clustered[m].assign(unclustered_low=unclustered[m]["low"], unclustered_high=unclustered[m]["high"])
        for m in chosen
    ]
    table = pd.concat(tables).rename_axis("metric").reset_index()
    order = {name: i for i, name in enumerate([*METRICS, FOLD_MEAN])}
    table = table.sort_values("metric", key=lambda s: s.map(order), kind="stable").reset_index(drop=True)
    table = _noted(table, _patients_of_classes(data, folds), average)
    return table[[*(c for c in table if c not in ("effective", "note")), "effective", "note"]]


def enough(metric: str, fresh: ArrayLike, old: ArrayLike) -> NDArray[np.bool_]:
    """Say whether patients of each class, (...) fresh and old, suffice for an interval: `FEWEST` of those it needs."""
    have = {"fresh": np.asarray(fresh), "old": np.asarray(old)}
    needed = [have[name] >= FEWEST for name in CLASSES.get(metric, ("fresh", "old"))]
    return np.logical_and.reduce([np.maximum(have["fresh"], have["old"]) >= FEWEST, *needed])


def beware(metric: str, effective: ArrayLike, largest: ArrayLike, estimate: ArrayLike) -> NDArray[np.bool_]:
    """Say (...) where an interval may hold the truth less or more often than it says.

    With few effective patients; where one patient holds `MUCH` of the patches; and, unless patients are many, for
    an AUC near 1 and a share near 0 or 1, which a few of them decide.
    """
    effective, estimate = np.asarray(effective), np.asarray(estimate)
    few = (effective < FEW_EFFECTIVE) | (np.asarray(largest) > MUCH)
    steep = estimate > NEAR_ONE if metric.startswith("auc") else np.abs(estimate - 0.5) > 0.5 - NEAR_END
    return few | (steep & (effective < MANY_EFFECTIVE))


def fold_intervals(predictions: pd.DataFrame, **options: Any) -> pd.DataFrame:
    """Give every metric of every fold of one network its interval (Table 3's rows).

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split; options : of `metric_intervals`.

    Returns
    -------
    DataFrame
        fold, then the columns of `metric_intervals` (pooled within the fold, without auc_fold_mean). A fold's
        estimate is the one `ovcf.stats.rates.fold_table` has.

    What it cannot see: how networks trained anew would differ; folds share their training patches.
    """
    one_network(predictions)
    folds = predictions.groupby("fold")
    tables = [metric_intervals(fold, **options).assign(fold=number) for number, fold in folds]
    table = pd.concat(tables, ignore_index=True)
    table = table[table["metric"] != FOLD_MEAN].reset_index(drop=True)
    return table[["fold", *(c for c in table if c != "fold")]]


def _by_method(data, folds, chosen, threshold, average, replicates, seed, level, independent=False):
    """One table per method, indexed by metric: estimate, low, high, effective, method. Bootstraps share replicates."""
    tables = {"analytic": _analytic(data, folds, threshold, average, level, independent)}
    if set(chosen) - {"analytic"}:
        statistic = boot.metrics_of_weights(*data, threshold=threshold, folds=folds, average=average)
        estimate = statistic(np.ones((1, data.clusters), np.float32))[0]
        values = boot.bootstrap(statistic, data.clusters, replicates=replicates, seed=seed)
        if "percentile" in chosen:
            ends = boot.percentile_interval(values, level)
            tables["percentile"] = _or_formula(ends, tables["analytic"], "percentile")
        if "bca" in chosen:
            influence = boot.influence_of_metrics(*data, threshold=threshold, folds=folds, average=average)
            ends = boot.bca_interval(estimate, values, influence, level)
            tables["bca"] = _or_formula(ends, tables["analytic"], "bca")
    return tables


def _analytic(data, folds, threshold, average, level, independent):
    if average == "folds":
        table = fold_mean_intervals(*data, folds, threshold=threshold, level=level)
    else:
        patient = None if independent else data.patient
        table = analytic_intervals(data.truth, data.scores, patient, threshold=threshold, level=level)
        table.loc[FOLD_MEAN] = fold_mean_auc(*data, folds, level)
    named = [NAMES["analytic of AUC" if name.startswith("auc") else "analytic"] for name in table.index]
    return table.drop(columns="se").assign(method=named)


def _or_formula(ends, formula, method):
    """The bootstrap's ends where it holds, the formula's where it does not."""
    table = formula.assign(low=ends[0], high=ends[1], method=NAMES[method])
    edge = (table["estimate"] < EDGE) | (table["estimate"] > 1 - EDGE)
    fails = edge | (table["effective"] < FEW_EFFECTIVE) | ~(table["high"] > table["low"])
    table.loc[fails, ["low", "high"]] = formula.loc[fails, ["low", "high"]]
    table.loc[fails, "method"] = formula["method"] + " (the bootstrap does not hold here)"
    return table


def _patients_of_classes(data, folds):
    """Fewest patients with fresh and with old patches: {"pooled": (fresh, old), "folds": over folds}."""
    counts = [
        [np.unique(data.patient[of & klass]).size for klass in (data.truth, ~data.truth)]
        for of in (folds == fold for fold in np.unique(folds))
    ]
    pooled = [np.unique(data.patient[klass]).size for klass in (data.truth, ~data.truth)]
    return {"pooled": tuple(pooled), "folds": tuple(np.min(counts, axis=0))}


def _noted(table, patients, average):
    """Take the ends away where nothing is estimable, and say in `note` why, or what to beware of."""
    notes = []
    for i, row in table.iterrows():
        name = "folds" if average == "folds" or row["metric"] == FOLD_MEAN else "pooled"
        fresh, old = patients[name]
        if not enough(row["metric"], fresh, old):
            where = " in some fold" if name == "folds" else ""
            notes.append(f"not estimable: {fresh} patients with fresh and {old} with old patches{where}")
            table.loc[i, ["low", "high", "unclustered_low", "unclustered_high"]] = np.nan
        elif np.isnan(row["estimate"]):
            notes.append("not defined: 0/0" + " in every fold" * (name == "folds"))
        elif beware(row["metric"], row["effective"], row["largest"], row["estimate"]):
            notes.append(_warning(row))
        else:
            notes.append("")
    return table.drop(columns="largest").assign(note=notes)


def _warning(row):
    """What makes an interval doubtful, in words."""
    if row["effective"] < FEW_EFFECTIVE:
        why = f"only {row['effective']:.0f} effective patients"
    elif row["largest"] > MUCH:
        why = f"one patient holds {row['largest']:.0%} of the patches"
    else:
        why = f"so near its end, {row['effective']:.0f} effective patients are few"
    return f"{why}: too narrow or too wide, perhaps"


def _known(name, value, allowed):
    if value not in allowed:
        raise InputError(Problem(name, f"unknown {name} of intervals", found=str(value), allowed=", ".join(allowed)))


__all__ = [
    "METHODS",
    "Interval",
    "analytic_intervals",
    "beware",
    "clustered_auc_interval",
    "clustered_ratio",
    "delong_interval",
    "enough",
    "fold_intervals",
    "fold_mean_auc",
    "fold_mean_intervals",
    "metric_intervals",
    "metric_ratios",
    "wilson",
]
