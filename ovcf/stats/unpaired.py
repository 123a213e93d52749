"""AUCs of patients who have nothing to do with each other: two cohorts, or seen and unseen patients of one."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import t

from ovcf.stats.analytic import Interval, clustered_auc_interval


def unpaired_auc(
    first: tuple[ArrayLike, ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike, ArrayLike], level: float = 0.95
) -> dict[str, float]:
    """Test whether two AUCs differ, patients of the two samples being different ones.

    The variances over patients (`clustered_auc_interval`) add; Student's t on Welch and Satterthwaite's degrees of
    freedom, with the effective patients of each sample. The interval is MOVER's, from both logit intervals (Zou &
    Donner 2008, Stat. Med. 27: 1693-1702), so it stays in its range.

    Parameters
    ----------
    first, second : (truth, scores, patient), each (n,) arrays of one sample.

    Returns
    -------
    dict: first, second (AUCs), difference (second less first), low, high, statistic (t), df, p. With single patches of
    many patients it is R's pROC `roc.test(paired = FALSE)` but for degrees of freedom (checked on aSAH).

    What it cannot see: patients who are in both samples, and what else differs between these.
    """
    a, b = (clustered_auc_interval(*sample, level) for sample in (first, second))
    return difference_of_areas(a, b)


def difference_of_areas(a: Interval, b: Interval) -> dict[str, float]:
    """Compare two AUCs of different patients from their intervals (`unpaired_auc`)."""
    difference, variance = b.estimate - a.estimate, a.se**2 + b.se**2
    low = difference - np.hypot(b.estimate - b.low, a.high - a.estimate)
    high = difference + np.hypot(b.high - b.estimate, a.estimate - a.low)
    found = {"first": a.estimate, "second": b.estimate, "difference": difference, "low": low, "high": high}
    if not variance > 0:
        return found | {"statistic": np.nan, "df": np.nan, "p": np.nan}
    parts = sum(i.se**4 / max(i.effective - 1, 1) for i in (a, b))
    df, statistic = variance**2 / parts, difference / np.sqrt(variance)
    return found | {"statistic": statistic, "df": df, "p": float(2 * t.sf(abs(statistic), df))}


def areas_of_cohorts(first: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Test the AUC of one cohort against that of another one, model by model, from what is known of each.

    Parameters
    ----------
    first : DataFrame with metric and the fields of `Interval` (`analytic_intervals`); so of every model in `others`. No
        patient's data of the first cohort are needed, but its `se` and `effective` are.

    Returns
    -------
    DataFrame: model, then the entries of `unpaired_auc`.

    What it cannot see: whether the cohorts share patients.
    """

    def area(table: pd.DataFrame) -> Interval:
        row = table.set_index("metric").loc["auc"]
        return Interval(*(float(row[field]) for field in ("estimate", "low", "high", "se", "effective")))

    rows = [{"model": name, **difference_of_areas(area(first), area(table))} for name, table in others.items()]
    return pd.DataFrame(rows)
