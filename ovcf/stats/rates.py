"""Equations (1)-(5) of the paper, per class and by name, and their tables over folds.

Fresh is the positive class. The paper's sensitivity is `recall_fresh`, its specificity `recall_old`; names
carry the class because "precision" or "recall" alone has been read both ways (the paper's Table 4 shows what
that does).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ovcf.stats.checks import check_inputs, check_predictions
from ovcf.stats.roc import auc


class Metric(NamedTuple):
    """A metric of Table 2.

    `title` heads its column, without the unit. `ratio` takes tp, fn, tn, fp and gives (above, below), each a sum of
    multiples of the four: of counts it makes the rate, of one patch's outcome (0 or 1 each) the patch's share in it,
    which is what intervals clustered by patient are made of. None where the metric is of scores. `percent`: printed
    so. `proportion`: a share of patches, each counted once, so that Wilson's interval holds were they independent.
    """

    title: str
    ratio: Callable[..., tuple] | None
    percent: bool = True
    proportion: bool = True


def _f1(mine: Any, missed: Any, false: Any) -> tuple[Any, Any]:
    """F1 = 2 R P / (R + P) of Eq. (5), as 2 tp / (2 tp + fp + fn): its limit 0 where tp = 0 and there are errors."""
    return 2 * mine, 2 * mine + missed + false


METRICS: dict[str, Metric] = {
    "accuracy": Metric("Accuracy", lambda tp, fn, tn, fp: (tp + tn, tp + fn + tn + fp)),  # Eq. (4)
    "precision_fresh": Metric("Precision fresh", lambda tp, fn, tn, fp: (tp, tp + fp)),  # Eq. (3)
    "precision_old": Metric("Precision old", lambda tp, fn, tn, fp: (tn, tn + fn)),
    "recall_fresh": Metric("Recall fresh = sensitivity", lambda tp, fn, tn, fp: (tp, tp + fn)),  # Eq. (2)
    "recall_old": Metric("Recall old = specificity", lambda tp, fn, tn, fp: (tn, tn + fp)),  # Eq. (1)
    "f1_fresh": Metric("F1 fresh", lambda tp, fn, tn, fp: _f1(tp, fn, fp), proportion=False),  # Eq. (5)
    "f1_old": Metric("F1 old", lambda tp, fn, tn, fp: _f1(tn, fp, fn), proportion=False),
    "auc": Metric("AUC", None, percent=False),
}
"""Table 2's columns, in its order. A metric more is one entry here: every table over networks and folds, every
interval and every formatter goes through this registry."""

FOLD_MEAN = "auc_fold_mean"  # stands behind the metrics of pooled patches: the mean of the folds' own AUCs


class Confusion(NamedTuple):
    """Counts of patches: fresh called fresh, fresh called old, old called old, old called fresh."""

    tp: int
    fn: int
    tn: int
    fp: int


def confusion(truth: ArrayLike, called: ArrayLike) -> Confusion:
    """Count the four outcomes.

    Parameters
    ----------
    truth, called : (n,) arrays of 0/1 or bool, 1 = fresh.

    Returns
    -------
    Confusion
        tp, fn, tn, fp as ints. Checked against sklearn.metrics.confusion_matrix.

    Raises
    ------
    InputError
        Labels or calls that are not binary, with their rows.
    """
    truth = check_inputs(truth, np.zeros(np.size(truth)), both=False).truth
    called = check_inputs(called, np.zeros(truth.size), both=False).truth
    counts = (truth & called, truth & ~called, ~truth & ~called, ~truth & called)
    return Confusion(*(int(c.sum()) for c in counts))


def rates_from_counts(tp: ArrayLike, fn: ArrayLike, tn: ArrayLike, fp: ArrayLike) -> dict[str, NDArray]:
    """Evaluate every metric of `METRICS` that is of counts (Equations (1)-(5), both classes), of any shape.

    Accuracy (tp + tn) / n; precision tp / (tp + fp); recall tp / (tp + fn); F1 = 2 R P / (R + P), computed as
    2 tp / (2 tp + fp + fn), the same number wherever Eq. (5) has one and its limit 0 where tp = 0 and there
    are errors. For old read tn for tp and swap fp and fn. What is 0/0 is NaN, never 0 or 1.

    Returns
    -------
    dict
        One float array per metric with a `ratio`. Checked against sklearn.metrics.
    """
    counts = [np.asarray(c, float) for c in (tp, fn, tn, fp)]
    ratios = {name: metric.ratio(*counts) for name, metric in METRICS.items() if metric.ratio}
    with np.errstate(invalid="ignore"):
        return {name: np.divide(above, below) for name, (above, below) in ratios.items()}


def rates(truth: ArrayLike, p_fresh: ArrayLike, threshold: float = 0.5) -> pd.Series:
    """Compute every metric of Table 2 for one set of patches.

    Parameters
    ----------
    truth : (n,) 0/1, 1 = fresh.
    p_fresh : (n,) scores; a patch is called fresh at `p_fresh >= threshold`.

    Returns
    -------
    Series
        `METRICS` as fractions, in Table 2's order. The AUC is NaN where one class is absent. Checked against
        scikit-learn.

    Raises
    ------
    InputError
        Labels not binary or scores not finite, with their rows.
    """
    data = check_inputs(truth, p_fresh, both=False)
    values: dict[str, Any] = dict(rates_from_counts(*confusion(data.truth, data.scores >= threshold)))
    both = 0 < data.truth.sum() < data.truth.size
    values["auc"] = auc(data.truth, data.scores) if both else np.nan
    return pd.Series({name: values[name] for name in METRICS}, dtype=float)


def fold_table(predictions: pd.DataFrame, threshold: float = 0.5) -> pd.DataFrame:
    """Tabulate counts and metrics for each network and fold (Table 3, for every network).

    Parameters
    ----------
    predictions : DataFrame, the predictions table of one or more networks and splits.
    threshold : float, called fresh at or above it.

    Returns
    -------
    DataFrame
        split (where the table has one), network, seed (where it has several), fold, n, tp, fn, tn, fp and
        `METRICS`; networks in order of appearance, folds ascending. Each row is `confusion` and `rates` of
        its patches.

    Raises
    ------
    InputError
        What `ovcf.stats.checks.check_predictions` refuses.
    """
    predictions = check_predictions(predictions, networks="any")
    seeds = ["seed"] if "seed" in predictions and predictions["seed"].nunique() > 1 else []
    keys = [k for k in ("split", "network", *seeds, "fold") if k in predictions]
    rows = []
    for key, fold in predictions.groupby(keys, sort=False):
        counts = confusion(fold["truth"], fold["p_fresh"] >= threshold)
        values = rates(fold["truth"], fold["p_fresh"], threshold)
        rows.append({**dict(zip(keys, key, strict=True)), "n": len(fold), **counts._asdict(), **values})
    table = pd.DataFrame(rows)
    order = [pd.factorize(table[k])[0] for k in keys[:-1]]
    return table.iloc[np.lexsort([table["fold"], *order[::-1]])].reset_index(drop=True)


def summary_table(fold_table: pd.DataFrame, ddof: int = 1) -> pd.DataFrame:
    """Average each metric over folds (Table 2; Table 3's row "Average").

    Parameters
    ----------
    fold_table : DataFrame of `fold_table`.
    ddof : int, the spread's divisor is folds - ddof. In the paper's Table 3 the percentages' spreads have
        ddof 1 and the AUC's has ddof 0.

    Returns
    -------
    DataFrame
        split, network, metric, mean, sd_ddof<ddof>, folds: one row per network and metric. `folds` counts
        those the metric is defined in; a fold where it is 0/0 is left out of mean and spread, and shows in
        that count. The spread of five folds is not a standard error: their training sets overlap. Checked
        against the averages that Table 3 prints.
    """
    keys = [k for k in ("split", "network") if k in fold_table]
    long = fold_table.melt(id_vars=keys, value_vars=list(METRICS), var_name="metric")
    groups = long.groupby([*keys, "metric"], sort=False)["value"]
    return pd.DataFrame(
        {"mean": groups.mean(), f"sd_ddof{ddof}": groups.std(ddof=ddof), "folds": groups.count()}
    ).reset_index()
