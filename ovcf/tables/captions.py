"""What stands beneath each figure: what is shown, of how many, what bars and bands are; and its alternative text.

Each function takes what the figure was drawn from and returns {"caption": ..., "alt": [one a panel]}.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ovcf.tables.show import percent, value, with_interval, with_intervals
from ovcf.words import AVERAGE, network_title

Words = dict[str, Any]


def _words(caption: str, *alt: str) -> Words:
    return {"caption": caption, "alt": list(alt)}


def _counted(patches: pd.DataFrame) -> str:
    """`720 vertebrae of 405 patients`, from any table with a row a vertebra."""
    return f"{len(patches)} vertebrae of {patches.patient_id.nunique()} patients"


# The cohort ----------------------------------------------------------------------------------------------------


def inclusion(flow: pd.DataFrame, label: str) -> Words:
    """Figure 1."""
    first, last = flow.iloc[0], flow.iloc[-1]
    caption = f"Patients kept and excluded, in the order of the criteria ({label}). Numbers are patients."
    return _words(caption, f"Flow chart: {first.n} patients collected, {last.n} included, one exclusion a step.")


def films(count: int, label: str) -> Words:
    """Example films."""
    caption = f"{count} films drawn at random ({label}). Box solid: fresh, dashed: old."
    return _words(caption, *[f"Lateral film {i + 1} of {count} with the boxes of its vertebrae." for i in range(count)])


def levels_and_ages(patches: pd.DataFrame, label: str) -> Words:
    """Levels by class, ages by sex."""
    n = patches.label.value_counts()
    caption = f"(a) Vertebrae by level and class; (b) ages of patients by sex. {_counted(patches)} ({label})."
    return _words(
        caption,
        f"Bars: {n.get('fresh', 0)} fresh and {n.get('old', 0)} old vertebrae over the levels.",
        "Histogram of the patients' ages, stacked by sex.",
    )


def heights(shown: pd.DataFrame, example: pd.Series | None, label: str) -> Words:
    """Figure 3."""
    kept = int((shown.label.eq("fresh") & shown.normal_height.astype(bool)).sum())
    plot = (
        "Middle height of the body over the mean of its neighbours', one dot a vertebra; bar: median; dashed: as high "
        f"as the neighbours. {len(shown)} with measured heights, {kept} fresh ones as high as normal ({label})."
    )
    alt = "Dots: relative heights of fresh compressed, fresh of normal height, and old vertebrae, with medians."
    if example is None:
        return _words(plot, alt)
    film = f"ilm of a fresh fracture of normal height (patch {example.patch_id}, {example.level or 'level unknown'})"
    return _words(f"(a) F{film}, boxed. (b) {plot}", f"F{film} among its neighbours.", alt)


def warnings(pictures: Mapping[str, Sequence], label: str) -> Words:
    """What the check warned about."""
    kinds = ", ".join(kind.replace("_", " ") for kind in pictures)
    caption = f"What the check warned about in pictures, at most two of a kind: {kinds} ({label}); others have none."
    return _words(caption, f"Thumbnails of patches with a warning: {kinds}.")


# Preprocessing -------------------------------------------------------------------------------------------------


def pipeline(one: pd.Series, networks: Sequence[str], label: str, *, equalised: bool) -> Words:
    """Figure 2."""
    caption = (
        f"The six steps on one vertebra (patch {one.patch_id}, {one.level or 'level unknown'}, {one.label}; {label}): "
        f"(a) film with the annotated box, (b) patch with its margin, (c) {_step(equalised)}, (d) labelled by the "
        "reference standard, (e) networks compared, (f) one network chosen."
    )
    names = ", ".join(map(network_title, networks))
    return _words(caption, f"Six steps from a film with a box to one chosen network; compared are {names}.")


def _step(equalised: bool) -> str:
    return "equalised" if equalised else "as it is, without equalisation"


def equalisation(labels: Sequence[str], label: str) -> Words:
    """The patch under each equalisation."""
    caption = (
        f"One patch of each class as cut, equalised globally and by CLAHE ({label}). Beneath each: how often each grey "
        "value occurs (bars) and the cumulative share (line)."
    )
    return _words(caption, *[f"A {name} vertebra three times with its grey-value histograms." for name in labels])


def patches(groups: Mapping[str, Sequence], label: str) -> Words:
    """Random patches of each class."""
    sizes = " and ".join(f"{len(images)} {name}" for name, images in groups.items())
    caption = f"Patches drawn at random, as the networks see them: {sizes} ({label})."
    return _words(caption, *[f"{len(images)} {name} vertebrae as patches." for name, images in groups.items()])


# Networks ------------------------------------------------------------------------------------------------------


def auc_by_network(intervals: pd.DataFrame, predictions: pd.DataFrame, label: str) -> Words:
    """Pooled AUC by network."""
    rows = intervals[intervals.metric == "auc"]
    first = predictions[predictions.network == rows.network.iloc[0]]
    caption = (
        f"AUC of each network, all patches pooled over folds. {_counted(first)} ({label}). Dot: estimate; bar: 95 % "
        "interval, clustered by patient; dashed: chance; diamond: the paper's printed mean over folds, other patients."
    )
    said = zip(rows.network.map(network_title), with_intervals(rows), strict=True)
    return _words(caption, f"Forest plot of AUC: {'; '.join(' '.join(pair) for pair in said)}.")


def figure4(average: pd.DataFrame, mine: pd.DataFrame, title: str) -> Words:
    """Figure 4: ROC of the folds and confusion matrices."""
    row = average[average.metric == "auc"].iloc[0]
    caption = (
        f"{title}. (a) ROC curve of each fold, their vertical mean and ± 1 SD over folds (ddof 1; a spread, not a "
        f"confidence interval). (b) Confusion matrices: counts and shares of the row. {_counted(mine)}."
    )
    return _words(
        caption,
        f"ROC curves of {row.folds} folds, mean AUC {value(row['mean'], 'auc')}.",
        f"Confusion matrices of {row.folds} folds and of all together, truth down and calls across.",
    )


def probabilities(mine: pd.DataFrame, threshold: float, title: str) -> Words:
    """Distributions of predictions by class."""
    n = mine.truth.value_counts()
    caption = (
        f"{title}. Out-of-fold probabilities of fresh by reference standard; dashed: the threshold {threshold:g}. "
        f"{n.get(1, 0)} fresh, {n.get(0, 0)} old vertebrae."
    )
    return _words(caption, "Histograms of the predicted probability of fresh, of fresh and of old vertebrae.")


def stard(flow: pd.DataFrame, title: str) -> Words:
    """From patients to results."""
    n = flow.set_index("box").n
    caption = (
        f"{title}. Flow from patients to vertebrae to results (STARD). Numbers are patients above and vertebrae below; "
        "the index test is the out-of-fold call, the target condition a fresh fracture by the reference standard."
    )
    return _words(
        caption,
        f"Flow chart: {n['called fresh']} vertebrae called fresh, of which {n['fresh called fresh']} are; "
        f"{n['called old']} called old, of which {n['old called old']} are.",
    )


def calibration(mine: pd.DataFrame, curve: pd.DataFrame, title: str) -> Words:
    """Reliability and decision curve."""
    caption = (
        f"{title}. (a) Observed share of fresh against predicted probability in {len(curve)} groups of about "
        f"{curve.n.median():.0f} vertebrae; bar: 95 % interval, clustered by patient; beneath: number of vertebrae by "
        "predicted probability. (b) Net benefit of acting on the model; band: 95 %, clustered by patient. "
        f"{_counted(mine)}."
    )
    return _words(
        caption,
        f"Calibration plot: predicted {curve.predicted.min():.2f} to {curve.predicted.max():.2f}, observed "
        f"{curve.observed.min():.2f} to {curve.observed.max():.2f}.",
        "Decision curve: net benefit of the model, of calling all fresh and of calling none fresh, by threshold.",
    )


def decision(curve: pd.DataFrame, title: str) -> Words:
    """A decision curve by itself."""
    caption = f"Net benefit of acting on the model as it came; band: 95 %, clustered by patient. {title}."
    return _words(caption, "Decision curve: net benefit of the model, of calling all fresh and of calling none fresh.")


def predictive_values(mine: pd.DataFrame, title: str) -> Words:
    """Predictive values over the share of fresh fractures."""
    caption = (
        f"{title}. Share of calls that are right, by the share of fresh fractures where the calls are made, as "
        "sensitivity and specificity found here imply; band: 95 % interval, clustered by patient; dashed: the share in "
        f"this cohort. {_counted(mine)}."
    )
    return _words(
        caption, "Two curves over prevalence: positive predictive value rising, negative predictive value falling."
    )


def subgroups(groups: pd.DataFrame, title: str) -> Words:
    """AUC by subgroup."""
    shown = groups[groups.estimate.notna()]
    caption = (
        f"{title}. AUC by subgroup; bar: 95 % interval, clustered by patient; grey: too few of a class to be tested; "
        "dashed: chance. n: vertebrae. Groups of one class have no AUC and no row."
        + " A dot without a bar: too few for an interval."
        * bool(shown.low.isna().any())
    )
    best, worst = shown.loc[shown.estimate.idxmax()], shown.loc[shown.estimate.idxmin()]
    ends = [f"{value(r.estimate, 'auc')} ({r.by.replace('_', ' ')} {r.group})" for r in (worst, best)]
    return _words(caption, f"Forest plot of AUC in {len(shown)} subgroups, from {ends[0]} to {ends[1]}.")


def leakage(price: pd.DataFrame, title: str) -> Words:
    """Split by patch minus split by patient."""
    caption = (
        f"{title}. AUC with patches dealt into folds minus AUC with patients dealt into folds, the same network and "
        "patches; bar: 95 % interval by the method named; dashed: no difference."
    )
    row = price[price.difference.notna()].iloc[0]
    said = with_interval(row.difference, row.low, row.high, metric=row.metric)
    return _words(caption, f"Forest plot of differences of AUC; all patches: {said}.")


# Readers -------------------------------------------------------------------------------------------------------


def reader_roc(rates: pd.DataFrame, cases: int, title: str) -> Words:
    """The model's ROC with the readers' points."""
    who = [r for r in rates.reader.unique() if r != AVERAGE]
    arrows = "arrows lead from without to with the model" if rates.session.nunique() > 1 else "one session only"
    caption = (
        f"{title}. The model's ROC curve on the readers' {cases} cases (line; square: its threshold) and each of "
        f"{len(who)} readers' sensitivity and specificity: {arrows}; diamond: mean of the readers."
    )
    mean = rates[rates.reader == AVERAGE]
    ends = "; ".join(
        f"{r.session}: sensitivity {percent(r.sensitivity)} %, specificity {percent(r.specificity)} %"
        for r in mean.itertuples()
    )
    return _words(caption, f"ROC curve of the model with the readers' points. Mean of readers, {ends}.")


def readers(sessions: Mapping[str, pd.DataFrame], metrics: Sequence[str], title: str) -> Words:
    """Accuracy, sensitivity, specificity by session."""
    caption = (
        f"{title}. Each reader in each session, joined; thick: mean of readers. Bars: 95 % intervals, of the mean for "
        "random readers and cases. Dotted: 50 %."
    )
    alts = []
    for metric in metrics:
        means = [f"{percent(table[table.reader == AVERAGE][metric].iloc[0])} %" for table in sessions.values()]
        alts.append(f"{metric.capitalize()} by reader and session; mean {' to '.join(means)}.")
    return _words(caption, *alts)


def flips(effect: pd.DataFrame, title: str) -> Words:
    """Answers turned right and wrong."""
    caption = (
        f"{title}. Answers that changed from wrong to right (up), and from right to wrong where the model was wrong "
        "(down), by reader."
    )
    all_of = effect[effect.reader == AVERAGE].iloc[0]
    said = f"{all_of.helpful_flips:.0f} answers turned right, {all_of.harmful_flips:.0f} turned wrong, in all"
    return _words(caption, f"Bars by reader: {said}.")


def power(grid: pd.DataFrame, effect: float, title: str) -> Words:
    """Power of a next study."""
    caption = (
        f"Power to find a difference of AUC of {effect:g} between reading without and with the model, from the "
        f"variance components of this study (two-sided, 5 %). {title}."
    )
    return _words(caption, f"Grid of power from {grid.power.min():.2f} to {grid.power.max():.2f} by readers and cases.")


# Published numbers ---------------------------------------------------------------------------------------------


def findings(table: pd.DataFrame) -> Words:
    """Findings by place."""
    caption = f"Findings by the place where they are printed: number of each severity ({len(table)} in all)."
    return _words(caption, "Grid of places against severities, with the number of findings in each.")


def matrices(folds: pd.DataFrame) -> Words:
    """Recovered matrices."""
    caption = f"Confusion matrices of {len(folds)} folds, recovered from the printed rates, classes as headed; counts."
    return _words(caption, "Confusion matrices, truth down and answers across.")


def readings(table: pd.DataFrame) -> Words:
    """Readings of the columns."""
    caption = (
        "Rows that whole numbers of cases can give under each reading of the columns, all rows sharing their cases."
    )
    return _words(caption, f"Bars: {len(table)} readings of the columns and the rows that each explains.")


def recovered(rows: pd.DataFrame) -> Words:
    """Printed and recovered rates."""
    caption = (
        f"Printed under the heading (open) and recovered from the digits (filled), {len(rows)} rows: (a) sensitivity, "
        "(b) specificity. A pale bar is a range. Where two readings explain as many rows, the one is shown that fits "
        "the model's row as well; under the other, (a) and (b) change places."
    )
    return _words(caption, "Printed and recovered sensitivity, row by row.", "Printed and recovered specificity.")


def f1_limits(limits: pd.DataFrame) -> Words:
    """Printed F1 against its bound."""
    above = int((limits.printed > limits.limit).sum())
    caption = (
        "Printed mean F1 against the largest that the printed mean precision and recall allow; above the line no folds "
        f"can give it ({above} of {len(limits)})."
    )
    return _words(caption, f"Scatter: {above} of {len(limits)} printed mean F1 lie above the line of what is possible.")


def mcnemar(bounds: pd.DataFrame) -> Words:
    """Bounds of McNemar's p."""
    never = int((bounds.smallest_p > 0.05).sum())
    caption = (
        "Exact McNemar p of each reader, from the least to the most that the numbers of right answers allow; dashed: "
        f"0.05. Cross: cannot reach it ({never} of {len(bounds)})."
    )
    return _words(caption, f"Ranges of p for {len(bounds)} readers; {never} cannot fall below 0.05.")


# Another hospital ----------------------------------------------------------------------------------------------


def external_roc(away: pd.DataFrame, title: str) -> Words:
    """Both cohorts' ROC curves."""
    caption = (
        f"ROC curve of the same model at home, out of fold, and in the other cohort ({_counted(away)}); dashed: "
        f"chance. {title}."
    )
    return _words(caption, "ROC curves of the model on both cohorts.")


def external_calibration(curves: Mapping[str, pd.DataFrame], title: str) -> Words:
    """Reliability before and after updating."""
    caption = (
        "Observed share of fresh against predicted probability in the other cohort, as the model came and after each "
        f"update; dot: a group of vertebrae; bar: 95 % interval, clustered by patient; dashed: perfect. {title}."
    )
    return _words(caption, f"Calibration plots of {len(curves)} versions of the model.")
