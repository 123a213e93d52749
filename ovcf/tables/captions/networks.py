"""Captions of networks, at home and in another hospital."""

from collections.abc import Mapping

import pandas as pd

from ovcf.tables.captions.words import Words, count, counted, of_whom, words
from ovcf.tables.show import value, with_interval, with_intervals
from ovcf.words import network_title, rounded


def auc_by_network(intervals: pd.DataFrame, predictions: pd.DataFrame, label: str) -> Words:
    """Pooled AUC by network."""
    rows = intervals[intervals.metric == "auc"]
    first = predictions[predictions.network == rows.network.iloc[0]]
    caption = (
        f"AUC of each network, all patches pooled over folds ({of_whom(first, label)}). Dot: estimate; bar: 95 % "
        "interval, clustered by patient; dashed: chance; diamond: the paper's printed value, of other patients."
    )
    said = zip(rows.network.map(network_title), with_intervals(rows), strict=True)
    return words(caption, f"Forest plot of AUC: {'; '.join(' '.join(pair) for pair in said)}.")


def figure4(average: pd.DataFrame, mine: pd.DataFrame, title: str) -> Words:
    """Figure 4: ROC of the folds and confusion matrices."""
    row = average[average.metric == "auc"].iloc[0]
    caption = (
        "(a) ROC curve of each fold, their vertical mean and ± 1 SD over folds (ddof 1; a spread, not a confidence "
        f"interval). (b) Confusion matrices: counts and shares of the row. {of_whom(mine, title)}."
    )
    return words(
        caption,
        f"ROC curves of {row.folds} folds, mean AUC {value(row['mean'], 'auc')}.",
        f"Confusion matrices of {row.folds} folds and of all together, truth down and calls across.",
    )


def probabilities(mine: pd.DataFrame, threshold: float, title: str) -> Words:
    """Distributions of predictions by class."""
    n = mine.truth.value_counts()
    caption = (
        f"Out-of-fold probabilities of fresh by reference standard; dashed: the threshold {threshold:g}. "
        f"{n.get(1, 0)} fresh, {n.get(0, 0)} old vertebrae. {title}."
    )
    return words(caption, "Histograms of the predicted probability of fresh, of fresh and of old vertebrae.")


def stard(flow: pd.DataFrame, title: str) -> Words:
    """From patients to results."""
    n = flow.set_index("box").n
    caption = (
        "Flow from patients to vertebrae to results (STARD). Numbers are patients above and vertebrae below; the index "
        f"test is the out-of-fold call, the target condition a fresh fracture by the reference standard. {title}."
    )
    return words(
        caption,
        f"Flow chart: {n['called fresh']} vertebrae called fresh, of which {n['fresh called fresh']} are; "
        f"{n['called old']} called old, of which {n['old called old']} are.",
    )


def calibration(mine: pd.DataFrame, curve: pd.DataFrame, title: str) -> Words:
    """Reliability and decision curve."""
    caption = (
        f"(a) Observed share of fresh against predicted probability in {count(len(curve), 'group')} of about "
        f"{count(round(curve.n.median()), 'vertebra', 'vertebrae')}; bar: 95 % interval, clustered by patient; "
        "beneath: number of vertebrae by predicted probability. (b) Net benefit of acting on the model; band: 95 %, "
        "clustered by patient. "
        f"{of_whom(mine, title)}."
    )
    return words(
        caption,
        f"Calibration plot: predicted {rounded(curve.predicted.min(), 2)} to {rounded(curve.predicted.max(), 2)}, "
        f"observed {rounded(curve.observed.min(), 2)} to {rounded(curve.observed.max(), 2)}.",
        "Decision curve: net benefit of the model, of calling all fresh and of calling none fresh, by threshold.",
    )


def decision(curve: pd.DataFrame, title: str) -> Words:
    """A decision curve by itself."""
    caption = f"Net benefit of acting on the model as it came; band: 95 %, clustered by patient. {title}."
    return words(caption, "Decision curve: net benefit of the model, of calling all fresh and of calling none fresh.")


def predictive_values(mine: pd.DataFrame, title: str) -> Words:
    """Predictive values over the share of fresh fractures."""
    caption = (
        "Share of calls that are right by the share of fresh fractures where the calls are made; as sensitivity and "
        "specificity found here imply; band: 95 % interval, clustered by patient; dashed: the share in this cohort. "
        f"{of_whom(mine, title)}."
    )
    return words(
        caption, "Two curves over prevalence: the positive predictive value and the negative predictive value."
    )


def subgroups(groups: pd.DataFrame, title: str) -> Words:
    """AUC by subgroup."""
    shown = groups[groups.estimate.notna()]
    caption = (
        "AUC by subgroup; bar: 95 % interval, clustered by patient; grey: too few of a class to be tested; dashed: "
        "chance. n: vertebrae. Groups of one class have no AUC and no row."
        + " A dot without a bar: too few for an interval." * bool(shown.low.isna().any())
        + f" {title}."
    )
    best, worst = shown.loc[shown.estimate.idxmax()], shown.loc[shown.estimate.idxmin()]
    ends = [f"{value(r.estimate, 'auc')} ({r.by.replace('_', ' ')} {r.group})" for r in (worst, best)]
    return words(caption, f"Forest plot of AUC in {len(shown)} subgroups, from {ends[0]} to {ends[1]}.")


def leakage(price: pd.DataFrame, title: str) -> Words:
    """Split by patch minus split by patient."""
    caption = (
        "AUC with patches dealt into folds minus AUC with patients dealt into folds; the same network and patches; "
        f"bar: 95 % interval by the method named; dashed: no difference. {title}."
    )
    rows = price[(price.patches == "all") & (price.metric == "auc")]
    row = (rows[rows.difference.notna()] if rows.difference.notna().any() else rows).iloc[-1]
    said = with_interval(row.difference, row.low, row.high, metric=row.metric)
    return words(caption, f"Forest plot of differences of AUC; all patches: {said}.")


def external_roc(away: pd.DataFrame, title: str) -> Words:
    """Both cohorts' ROC curves."""
    caption = (
        f"ROC curve of the same model at home, out of fold, and in the other cohort ({counted(away)}); dashed: "
        f"chance. {title}."
    )
    return words(caption, "ROC curves of the model on both cohorts.")


def external_calibration(curves: Mapping[str, pd.DataFrame], title: str) -> Words:
    """Reliability before and after updating."""
    caption = (
        "Observed share of fresh against predicted probability in the other cohort; as the model came and after each "
        f"update; dot: a group of vertebrae; bar: 95 % interval, clustered by patient; dashed: perfect. {title}."
    )
    return words(caption, f"Calibration plots of {len(curves)} versions of the model.")
