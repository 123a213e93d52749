"""One network in subgroups of patches, by level, region, sex, age or height, and whether they differ.

A patient may have patches in several groups (levels above all), so groups are not independent. Their
estimates' joint covariance is summed over patients, and the test of interaction uses it. Subgroups were not
planned: read a small p as a question, not as an answer.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from ovcf.problems import InputError, Problem
from ovcf.stats.analytic import NOTHING
from ovcf.stats.checks import need_columns, one_network, row_numbers
from ovcf.stats.intervals import clustered_auc_interval, clustered_ratio, enough, metric_ratios
from ovcf.stats.rates import METRICS as KNOWN
from ovcf.stats.roc import auc_influence
from ovcf.words import LEVELS, REGIONS, region_of_level

METRICS = ("auc", "accuracy", "recall_fresh", "recall_old")
AGE_EDGES = (60, 70, 80)
AGE_GROUPS = (
    f"under {AGE_EDGES[0]}",
    *(f"{a}-{b - 1}" for a, b in pairwise(AGE_EDGES)),
    f"{AGE_EDGES[-1]} and over",
)
UNKNOWN = "unknown"


def subgroup_table(
    predictions: pd.DataFrame,
    patches: pd.DataFrame,
    by: str = "region",
    *,
    metrics: Sequence[str] = METRICS,
    threshold: float = 0.5,
    level: float = 0.95,
    fewest: int = 20,
) -> pd.DataFrame:
    """Tabulate a network's metrics in the groups of one column, and test whether they differ.

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split.
    patches : DataFrame with patch_id and the column. `region` is derived from level, `age_group` from age.
    by : "level", "region", "sex", "age_group", "normal_height", or any column of `patches`.
    metrics : any of `ovcf.stats.rates.METRICS`.
    threshold : called fresh at or above it.
    fewest : a group enters the test of interaction only with this many patches in the metric's denominator
        (for the AUC, of each class), since the test's normal approximation fails below.

    Returns
    -------
    DataFrame
        by, group, n, patients, fresh, old, metric, estimate, low, high, tested (whether the group is in the
        test), statistic, df, p_interaction (on each row of the metric; NaN where fewer than two groups can be
        tested). Chi-square of all differences, with the covariance of patients' influences under equality.
        Unknown values form a group that is not tested. Undefined metrics (a group of one class has no AUC)
        are NaN, and so are the ends where a class has fewer than five patients. p is not corrected for many
        tests. Checked against `clustered_delong` and literal sums.

    Raises
    ------
    InputError
        What `check_predictions` refuses, an unknown metric, a missing column, or a prediction of a patch that
        `patches` lacks.

    What it cannot see: groups that the cohort has no column for, and differences in groups too small to be tested.
    """
    strange = [metric for metric in metrics if metric not in KNOWN]
    if strange:
        raise InputError(
            Problem("metric", "unknown metric", found=", ".join(map(str, strange)), allowed=", ".join(KNOWN))
        )
    data = one_network(predictions)
    groups = group_of_patches(predictions, patches, by)
    ratios = metric_ratios(data.truth, data.scores >= threshold)
    rows = []
    for metric in metrics:
        parts = {g: _estimate(data, ratios, groups == g, metric, level, fewest) for g in _ordered(groups, by)}
        test = _interaction([part for g, (_, part) in parts.items() if part and g != UNKNOWN])
        for g, (interval, part) in parts.items():
            of = groups == g
            counts = [np.unique(data.patient[of & klass]).size for klass in (data.truth, ~data.truth)]
            if not enough(metric, *counts):
                interval = interval._replace(low=np.nan, high=np.nan)
            rows.append(
                {
                    "by": by,
                    "group": g,
                    "n": int(of.sum()),
                    "patients": np.unique(data.patient[of]).size,
                    "fresh": int(data.truth[of].sum()),
                    "old": int((~data.truth[of]).sum()),
                    "metric": metric,
                    "estimate": interval.estimate,
                    "low": interval.low,
                    "high": interval.high,
                    "tested": part is not None and g != UNKNOWN,
                    **test,
                }
            )
    return pd.DataFrame(rows)


def group_of_patches(predictions: pd.DataFrame, patches: pd.DataFrame, by: str) -> np.ndarray:
    """Look up each prediction's group in `patches`: (n,) of str, "unknown" where the cell is empty.

    Derived where the column is absent: `region` from level (T5-T9 above, T10-L1 at, L2-L5 below the
    diaphragm) and `age_group` from age (under 60, 60-69, 70-79, 80 and over).
    """
    source = {"region": "level", "age_group": "age"}.get(by, by) if by not in patches else by
    need_columns(patches, ["patch_id", source])
    values = patches.drop_duplicates("patch_id").set_index("patch_id")[source]
    strange = ~predictions["patch_id"].isin(values.index).to_numpy()
    if strange.any():
        found = zip(row_numbers(predictions)[strange], predictions["patch_id"][strange], strict=True)
        raise InputError(
            [
                Problem(
                    "unknown_patch",
                    "this patch is not in the table of patches",
                    row=int(row),
                    column="patch_id",
                    found=str(patch),
                )
                for row, patch in found
            ]
        )
    values = values.loc[predictions["patch_id"]]
    if source != by:
        return (regions_of(values) if by == "region" else age_group(values)).to_numpy()
    words = values.map({True: "yes", False: "no"}) if values.dtype == bool else values.astype(object)
    return words.where(words.notna() & (words != ""), UNKNOWN).astype(str).to_numpy()


def regions_of(levels: Iterable) -> pd.Series:
    """Region of the diaphragm of each level: above (T5-T9), at (T10-L1), below (L2-L5), or unknown."""
    return pd.Series(levels).map(lambda level: region_of_level(level) or UNKNOWN)


def age_group(ages: Iterable) -> pd.Series:
    """Age group of each age in years: under 60, 60-69, 70-79, 80 and over, or unknown."""
    cut = pd.cut(pd.Series(ages).astype(float), [-np.inf, *AGE_EDGES, np.inf], right=False, labels=AGE_GROUPS)
    return cut.astype(object).where(cut.notna(), UNKNOWN)


def _ordered(groups, by):
    """Groups present, in the order a reader expects, unknown last."""
    present = set(groups) - {UNKNOWN}
    expected = {"level": LEVELS, "region": REGIONS, "age_group": AGE_GROUPS}.get(by, ())
    rest = sorted(present - set(expected))
    return [g for g in expected if g in present] + rest + ([UNKNOWN] if UNKNOWN in groups else [])


class _Part(NamedTuple):
    """What the test of interaction needs of one group; influence and share are (clusters,)."""

    estimate: float
    influence: np.ndarray
    share: np.ndarray
    weight: float


def _estimate(data, ratios, of, metric, level, fewest):
    """Interval of a metric in a group, and its part in the test of interaction (None if it has none)."""
    truth, patient = data.truth[of], data.patient[of]
    if metric == "auc":
        fresh, old = truth.sum(), (~truth).sum()
        if min(fresh, old) == 0:
            return NOTHING, None
        interval = clustered_auc_interval(truth, data.scores[of], patient, level)
        influence = np.zeros(data.clusters)
        influence[pd.unique(patient)] = auc_influence(truth, data.scores[of], patient)[1][0]
        share, weight = np.zeros(data.clusters), fresh * old / (fresh + old)
        tested = min(fresh, old) >= fewest and np.any(influence != 0)
    else:
        above, below = (x[of] for x in ratios[metric])
        interval, weight = clustered_ratio(above, below, patient, level), below.sum()
        if weight == 0:
            return interval, None
        influence = np.bincount(patient, above - interval.estimate * below, data.clusters) / weight
        share = np.bincount(patient, below, data.clusters) / weight
        tested = weight >= fewest
    return interval, _Part(interval.estimate, influence, share, weight) if tested else None


def _interaction(parts):
    """Test that the groups' estimates are equal: statistic, df, p_interaction.

    For proportions the covariance is that under equality: influences are taken about the groups' common
    value, to which moving the estimate adds `share` times the distance. Taken about their own values, 13
    levels of which some are small made a nominal 5 % into 8-14 %; so it is 4-8 %, and 4-6 % with three
    regions. For the AUC the same would overdo it, so its `share` is zero.
    """
    if len(parts) < 2:
        return {"statistic": np.nan, "df": 0, "p_interaction": np.nan}
    estimates = np.array([part.estimate for part in parts])
    common = np.average(estimates, weights=[part.weight for part in parts])
    influence = np.stack([part.influence + (part.estimate - common) * part.share for part in parts])
    patients = int((influence != 0).any(axis=0).sum())
    covariance = patients / max(patients - 1, 1) * influence @ influence.T
    contrasts = np.eye(len(parts) - 1, len(parts)) - np.eye(len(parts) - 1, len(parts), 1)
    gap, middle = contrasts @ estimates, contrasts @ covariance @ contrasts.T
    df = int(np.linalg.matrix_rank(middle))
    chi2 = float(gap @ np.linalg.pinv(middle) @ gap)
    return {"statistic": chi2, "df": df, "p_interaction": float(stats.chi2.sf(chi2, df)) if df else np.nan}
