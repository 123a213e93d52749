"""Runs side by side: the same patches judged by networks of two runs, and one recipe trained with several seeds."""

import pandas as pd

from ovcf.stats.versions import paired_versions

SAME_PATCH = ["patch_id", "patient_id", "image", "label", "x0", "y0", "x1", "y1"]
"""What a row of two patches tables must agree in to be the same vertebra of the same film."""


def shared_patches(first: pd.DataFrame, second: pd.DataFrame) -> pd.Index:
    """Return the ids of the patches that two runs have in common.

    Parameters
    ----------
    first, second : patches tables of two runs of the same data. A patch counts where id, patient, film, label and box
        agree; folds may differ.
    """
    columns = [name for name in SAME_PATCH if name in first and name in second]
    both = first[columns].merge(second[columns], on=columns)  # an absent box agrees with an absent one
    return pd.Index(both["patch_id"])


def paired_runs(first: pd.DataFrame, second: pd.DataFrame, patches: pd.Index, *, threshold: float) -> pd.DataFrame:
    """Compare networks of two runs on the patches they share, paired, with intervals clustered by patient.

    Parameters
    ----------
    first, second : predictions of one network each.
    patches : ids of the shared patches (`shared_patches`).
    threshold : called fresh from here on.

    Returns
    -------
    DataFrame
        Of `ovcf.stats.versions.paired_versions`: n, patients, fresh, metric, first, second, difference (second less
        first), low, high, p. Cannot see: how networks trained anew would differ; both are held fixed.
    """
    ours, theirs = (table[table["patch_id"].isin(patches)] for table in (first, second))
    return paired_versions(ours, theirs, threshold=threshold).drop(columns="group")


def over_seeds(values: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Average a metric over runs that differ in their training seed alone.

    Parameters
    ----------
    values : group, training_seed, and a column for each name of `by`, one row a run.
    by : columns of metrics.

    Returns
    -------
    DataFrame
        group, metric, mean, sd_ddof1, least, most, seeds (how many), which: groups of two seeds or more. The spread is
        of training alone: cohort, folds and random trunks are the same.
    """
    rows = []
    for group, runs in values.groupby("group", sort=False):
        if runs["training_seed"].nunique() < 2:
            continue
        which = ", ".join(map(str, sorted(runs["training_seed"])))
        for metric in by:
            seen = runs[metric]
            spread = {"mean": seen.mean(), "sd_ddof1": seen.std(ddof=1), "least": seen.min(), "most": seen.max()}
            rows.append({"group": group, "metric": metric, **spread, "seeds": len(runs), "which": which})
    columns = ["group", "metric", "mean", "sd_ddof1", "least", "most", "seeds", "which"]
    return pd.DataFrame(rows, columns=columns)
