"""Statistics of several networks or groups in one table: what Tables 2 and 3 and the subgroups hold, as numbers."""

import pandas as pd

from ovcf.stats.intervals import metric_intervals
from ovcf.stats.rates import fold_table, summary_table
from ovcf.stats.subgroups import subgroup_table

# Grouping to the column of the patches that it comes from
SUBGROUPS = {
    "region": "level", "level": "level", "sex": "sex", "age_group": "age", "normal_height": "normal_height",
    "normal_segment": "normal_segment", "scanner": "scanner",
}  # fmt: skip
SUBGROUP_METRICS = ("auc", "recall_fresh", "recall_old")


def fold_means(
    predictions: pd.DataFrame, *, threshold: float = 0.5, replicates: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Average each metric over folds, with its spread and the mean's interval (Table 2; Table 3's row "Average").

    Parameters
    ----------
    predictions : DataFrame, predictions of one or more networks of one split.
    threshold : called fresh at or above it. replicates, seed : of the patient bootstrap.

    Returns
    -------
    DataFrame
        The columns of `ovcf.stats.rates.summary_table` (mean, sd_ddof1, folds), then low, high, method and note of the
        mean's 95 % interval, clustered by patient (`ovcf.stats.intervals.metric_intervals`, average="folds").

    What it cannot see: what `metric_intervals` cannot.
    """
    means = summary_table(fold_table(predictions, threshold), ddof=1)
    options = {"threshold": threshold, "average": "folds", "replicates": replicates, "seed": seed}
    intervals = _by_network(predictions, options)[["network", "metric", "low", "high", "method", "note"]]
    return means.merge(intervals, on=["network", "metric"], how="left", validate="one_to_one")


def network_intervals(
    predictions: pd.DataFrame, *, threshold: float = 0.5, replicates: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Give the pooled metrics of every network their patient-clustered intervals.

    Parameters
    ----------
    predictions : DataFrame, predictions of one or more networks of one split.
    threshold : called fresh at or above it. replicates, seed : of the patient bootstrap.

    Returns
    -------
    DataFrame
        The columns of `ovcf.stats.intervals.metric_intervals`, then network.

    What it cannot see: what `metric_intervals` cannot; intervals of networks on the same patches say little of their
    difference.
    """
    return _by_network(predictions, {"threshold": threshold, "replicates": replicates, "seed": seed})


def known_subgroups(
    predictions: pd.DataFrame, patches: pd.DataFrame, *, threshold: float = 0.5, level: float = 0.95
) -> pd.DataFrame:
    """Return AUC, sensitivity and specificity of one network in every subgroup that the cohort has the columns for.

    A threshold that suits all patches may miss fresh fractures at one level and call old ones fresh at another, with
    the same AUC at both. Normal segments are all old: their specificity is the share that was not called fresh.

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split.
    patches : DataFrame with patch_id and any of the columns in `SUBGROUPS`; one that tells no two groups apart is
        left out. threshold : called fresh at or above it. level : of the intervals.

    Returns
    -------
    DataFrame
        The columns of `ovcf.stats.subgroups.subgroup_table`; no row where no grouping is known.

    What it cannot see: what `subgroup_table` cannot, and groups that the cohort has no column for.
    """
    known = [by for by, column in SUBGROUPS.items() if _has_groups(patches, column)]
    tables = [
        subgroup_table(predictions, patches, by, metrics=SUBGROUP_METRICS, threshold=threshold, level=level)
        for by in known
    ]
    return (
        pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["by", "metric", "estimate", "tested"])
    )


def _by_network(predictions: pd.DataFrame, options: dict) -> pd.DataFrame:
    """The intervals of each network, one below the other."""
    networks = predictions.groupby("network", sort=False)
    tables = [metric_intervals(mine, **options).assign(network=network) for network, mine in networks]
    return pd.concat(tables, ignore_index=True)


def _has_groups(patches: pd.DataFrame, column: str) -> bool:
    """Whether a column tells at least two groups apart."""
    return column in patches and patches[column].replace("", None).nunique() > 1
