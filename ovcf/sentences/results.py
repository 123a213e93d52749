"""What is true by what came out: estimates with their intervals, in words that the interval allows.

A row has `difference`, `low` and `high`, or `estimate`, `low` and `high`; AUCs are shares. "Shown" means that the 95 %
interval excludes the value of no difference.
"""

from typing import Any

import numpy as np
import pandas as pd

from ovcf.sentences import Sentence, Topic, said
from ovcf.stats.compare import CLUSTERED_DELONG
from ovcf.tables.show import p_said, with_interval
from ovcf.words import network_title, rounded


def _undefined(row: Any) -> bool:
    """Whether a row lacks its estimate or its interval."""
    return bool(pd.isna(row[["low", "high"]]).any() or pd.isna(row.get("difference", row.get("estimate"))))


CHANGED: Topic = (
    Sentence(_undefined, lambda row: "difference not estimable"),
    Sentence(
        lambda row: not _undefined(row) and row.low <= 0 <= row.high,
        lambda row: f"no difference shown: {with_interval(row.difference, row.low, row.high, metric='auc')}",
    ),
    Sentence(
        lambda row: not _undefined(row) and row.low > 0,
        lambda row: f"higher by {with_interval(row.difference, row.low, row.high, metric='auc')}",
    ),
    Sentence(
        lambda row: not _undefined(row) and row.high < 0,
        lambda row: f"lower by {with_interval(-row.difference, -row.high, -row.low, metric='auc')}",
    ),
)
"""A difference of AUCs by its sign and its interval."""

ABOVE_CHANCE: Topic = (
    Sentence(_undefined, lambda row: "Whether the AUC differs from chance (0.5) is not estimable"),
    Sentence(
        lambda row: not _undefined(row) and row.low <= 0.5 <= row.high,
        lambda row: "A difference from chance (0.5) is not shown",
    ),
    Sentence(lambda row: not _undefined(row) and row.low > 0.5, lambda row: "The AUC is above chance (0.5)"),
    Sentence(
        lambda row: not _undefined(row) and row.high < 0.5,
        lambda row: "The AUC is below chance (0.5): the network ranks old above fresh more often than the reverse",
    ),
)
"""An AUC against chance."""

SLOPE: Topic = (
    Sentence(
        _undefined,
        lambda row: "The calibration slope is not estimable",
    ),
    Sentence(
        lambda row: not _undefined(row) and row.low <= 1 <= row.high,
        lambda row: "The calibration slope is compatible with 1, the value of well-calibrated probabilities",
    ),
    Sentence(
        lambda row: not _undefined(row) and row.high < 1,
        lambda row: "The calibration slope is below 1: the probabilities are more extreme than the outcomes bear out",
    ),
    Sentence(
        lambda row: not _undefined(row) and row.low > 1,
        lambda row: "The calibration slope is above 1: the probabilities are less extreme than the outcomes bear out",
    ),
)
"""A calibration slope against 1."""


def changed(row: Any) -> str:
    """Say a difference of AUCs in words that its interval allows."""
    return said(CHANGED, row)


def against_chance(intervals: pd.DataFrame) -> str:
    """Say whether the pooled AUC of one network (rows `metric`, `estimate`, `low`, `high`) differs from chance."""
    row = intervals.set_index("metric").loc["auc"]
    return f"{said(ABOVE_CHANCE, row)}{_found(row, with_interval(row.estimate, row.low, row.high, metric='auc'))}."


def slope(scores: pd.DataFrame) -> str:
    """Say what the calibration slope (`calibration_table`) means."""
    row = scores.set_index("metric").loc["slope"]
    found = f"{rounded(row.estimate, 3)} [{rounded(row.low, 3)}, {rounded(row.high, 3)}]"
    return f"{said(SLOPE, row)}{_found(row, found)}."


def _found(row: Any, text: str) -> str:
    """What follows a sentence: the estimate with its interval, where there are both."""
    return "" if _undefined(row) else f": {text}"


def _first(rows: pd.DataFrame) -> pd.Series:
    """The first of some rows; one without numbers where there is none, as of too few patches for an AUC."""
    return rows.iloc[0] if len(rows) else pd.Series(np.nan, index=rows.columns)


def clustered(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `compare_networks` that compare the AUCs of two networks, clustered by patient."""
    return comparisons[(comparisons.test == CLUSTERED_DELONG) & comparisons.difference.notna()]


def ahead(comparisons: pd.DataFrame) -> str:
    """Say from which other networks a difference of AUC is shown (`compare_networks`, clustered by patient)."""
    rows = clustered(comparisons)
    first = network_title(rows["first"].iloc[0]) if len(rows) else ""
    groups = {
        "higher than that of": rows[rows.low > 0],
        "lower than that of": rows[rows.high < 0],
        "not shown to differ from that of": rows[(rows.low <= 0) & (rows.high >= 0)],
        "without an estimable difference from that of": rows[rows[["low", "high"]].isna().any(axis=1)],
    }
    parts = [f"{words} {_listed(group)}" for words, group in groups.items() if len(group)]
    if not rows[["low", "high"]].notna().all(axis=1).any():
        return "No difference of AUC between networks can be estimated."
    return f"The AUC of {first} is {'; '.join(parts)} (95 % intervals clustered by patient, not corrected)."


def _listed(rows: pd.DataFrame) -> str:
    names = [network_title(name) for name in rows["second"]]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def by_patch(price: pd.DataFrame) -> str:
    """Say what dealing patches into folds changed (`price_of_leakage`)."""
    rows = price[(price.patches == "all") & (price.metric == "auc")]
    row = _first(rows[rows.difference.notna()].iloc[::-1])
    return f"AUC with patches dealt into folds, against patients: {changed(row)}."


def over_dealings(price: pd.DataFrame, dealings: int, beside: bool) -> str:
    """Say what folds by patch gain where a patient has several patches, and where not (`price_over_dealings`)."""
    rows = price.set_index("patches")
    several, one, less = (rows.loc[words] for words in rows.index[1:])
    seen = ", with the neighbouring bodies in view" if beside else ""
    return (
        f"Dealt {dealings} times by either split{seen}, AUC with folds by patch against folds by patient: of patients "
        f"with several patches {changed(several)}; of patients with one, where nothing can leak, {changed(one)}; the "
        f"first gain against the second: {changed(less)}."
    )


def of_versions(table: pd.DataFrame, first: str, second: str) -> str:
    """Say how the AUC of a second version compares with the first's (`paired_versions`)."""
    row = _first(table[(table.group == "all") & (table.metric == "auc")])
    return f"AUC of {second}, against {first}: {changed(row)}{'' if pd.isna(row.p) else f'; {p_said(row.p)}'}."


def elsewhere(metrics: pd.DataFrame) -> str:
    """Say how the AUC in another cohort compares with the one at home (`difference_of_cohorts`)."""
    model = metrics.model.iloc[0]
    row = _first(metrics[(metrics.metric == "auc") & (metrics.model == model)])
    here = with_interval(row.second, row.second_low, row.second_high, metric="auc")
    return f"AUC of the {model} here: {here}; against the development cohort {changed(row)}."


def for_others(rows: pd.DataFrame) -> str:
    """Return the sentence about other readers and other cases of an MRMC analysis; "" where there is none."""
    found = rows[rows.generalisation == "random"]
    return str(found.sentence.iloc[0]) if len(found) else ""
