"""Operating points: what a threshold gives, and thresholds chosen on other folds than they are applied to."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ovcf.problems import InputError, Problem
from ovcf.stats.checks import check_predictions
from ovcf.stats.intervals import clustered_ratio, metric_ratios
from ovcf.stats.roc import roc_points


def operating_points(
    predictions: pd.DataFrame, *, threshold: float = 0.5, target_sensitivity: float = 0.90, level: float = 0.95
) -> pd.DataFrame:
    """Tabulate one network's rates at thresholds that were not chosen on the patches they are applied to.

    The rules: `threshold`, fixed beforehand; Youden's (recall_fresh + recall_old at its largest); the highest
    threshold that reaches `target_sensitivity`. For fold k the last two are chosen on the out-of-fold predictions of
    the other folds. That keeps fold k's scores and labels out of the choice, and needs no further training; it is
    not fully nested, since the networks that scored the other folds trained on fold k, and each fold's
    network has a scale of its own. With `split: patch` a patient may also sit on both sides. The "same
    patches" rows choose and apply on all patches and show how much that flatters.

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split, two folds or more.
    threshold : the one fixed beforehand. target_sensitivity : in (0, 1].

    Returns
    -------
    DataFrame
        rule, chosen_on, threshold_min, threshold_max (over folds), metric, estimate, low, high: clustered
        intervals, given the thresholds. A reached sensitivity differs from the target by chance; that is what
        the row shows. Checked: a fold's own scores never move its threshold.

    Raises
    ------
    InputError
        What `check_predictions` refuses, a single fold, or a target out of range.

    What it cannot see: whether a threshold holds for films that differ from these.
    """
    predictions = check_predictions(predictions, networks="one")
    if not 0 < target_sensitivity <= 1:
        raise InputError(
            Problem("target", "the target sensitivity must lie between 0 and 1", found=str(target_sensitivity))
        )
    truth, p, fold = (predictions[c].to_numpy() for c in ("truth", "p_fresh", "fold"))
    reach = partial(sensitivity_threshold, target=target_sensitivity)
    rules = {"Youden": youden_threshold, f"sensitivity {target_sensitivity:g}": reach}
    chosen = [(f"fixed {threshold:g}", "nothing", np.full(p.size, threshold))]
    for name, rule in rules.items():
        chosen.append((name, "other folds", other_folds_threshold(truth, p, fold, rule)))
        chosen.append((name, "same patches (flatters)", np.full(p.size, rule(truth, p))))
    rows = []
    for name, source, cuts in chosen:
        for metric, (above, below) in metric_ratios(truth, p >= cuts).items():
            rate = clustered_ratio(above, below, predictions["patient_id"], level)
            rows.append(
                {
                    "rule": name,
                    "chosen_on": source,
                    "threshold_min": cuts.min(),
                    "threshold_max": cuts.max(),
                    "metric": metric,
                    "estimate": rate.estimate,
                    "low": rate.low,
                    "high": rate.high,
                }
            )
    return pd.DataFrame(rows)


def other_folds_threshold(truth: ArrayLike, p_fresh: ArrayLike, fold: ArrayLike, rule: Callable) -> NDArray[np.float64]:
    """Choose each patch's threshold (n,) by `rule(truth, p_fresh)` on all folds but its own."""
    truth, p_fresh, fold = np.asarray(truth), np.asarray(p_fresh), np.asarray(fold)
    if np.unique(fold).size < 2:
        raise InputError(Problem("folds", "a threshold from other folds needs two folds", column="fold"))
    thresholds = np.empty(p_fresh.size)
    for f in np.unique(fold):
        thresholds[fold == f] = rule(truth[fold != f], p_fresh[fold != f])
    return thresholds


def youden_threshold(truth: ArrayLike, p_fresh: ArrayLike) -> float:
    """Threshold at which recall_fresh + recall_old is largest, the highest of several (Youden 1950)."""
    points = roc_points(truth, p_fresh)[1:]  # the first point is above every score
    index = points["tpr"] - points["fpr"]
    return float(points.loc[index >= index.max() - 1e-12, "threshold"].iloc[0])  # equal but for rounding


def sensitivity_threshold(truth: ArrayLike, p_fresh: ArrayLike, target: float = 0.90) -> float:
    """Highest threshold whose recall_fresh reaches `target`."""
    points = roc_points(truth, p_fresh)[1:]
    # a hair's breadth, lest 9 of 10 miss 0.9 by rounding
    return float(points.loc[points["tpr"] >= target - 1e-12, "threshold"].iloc[0])
