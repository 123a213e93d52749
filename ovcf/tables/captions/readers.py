"""Captions of the reader study."""

from collections.abc import Mapping, Sequence

import pandas as pd

from ovcf.tables.captions.words import Words, words
from ovcf.tables.show import percent
from ovcf.words import AVERAGE, rounded


def reader_roc(rates: pd.DataFrame, cases: int, title: str) -> Words:
    """The model's ROC with the readers' points."""
    who = [r for r in rates.reader.unique() if r != AVERAGE]
    arrows = "arrows lead from without to with the model" if rates.session.nunique() > 1 else "one session only"
    caption = (
        f"The model's ROC curve on the readers' {cases} cases (line; square: its threshold) and each of {len(who)} "
        f"readers' sensitivity and specificity: {arrows}; diamond: mean of the readers. {title}."
    )
    mean = rates[rates.reader == AVERAGE]
    ends = "; ".join(
        f"{r.session}: sensitivity {percent(r.sensitivity)} %, specificity {percent(r.specificity)} %"
        for r in mean.itertuples()
    )
    return words(caption, f"ROC curve of the model with the readers' points. Mean of readers, {ends}.")


def readers(sessions: Mapping[str, pd.DataFrame], metrics: Sequence[str], title: str) -> Words:
    """Accuracy, sensitivity, specificity by session."""
    caption = (
        f"{', '.join(metrics).capitalize()} of each reader in each session; joined; thick: mean of readers. Bars: "
        f"95 % intervals, of the mean for random readers and cases. Dotted: 50 %. {title}."
    )
    alts = []
    for metric in metrics:
        means = [f"{percent(table[table.reader == AVERAGE][metric].iloc[0])} %" for table in sessions.values()]
        alts.append(f"{metric.capitalize()} by reader and session; mean {' to '.join(means)}.")
    return words(caption, *alts)


def flips(effect: pd.DataFrame, title: str) -> Words:
    """Answers turned right and wrong."""
    caption = (
        "Answers that the model's output turned, by reader; up: from wrong to right; down: from right to wrong where "
        f"the model was wrong. {title}."
    )
    all_of = effect[effect.reader == AVERAGE].iloc[0]
    said = f"{all_of.helpful_flips:.0f} answers turned right, {all_of.harmful_flips:.0f} turned wrong, in all"
    return words(caption, f"Bars by reader: {said}.")


def power(grid: pd.DataFrame, effect: float, title: str) -> Words:
    """Power of a next study."""
    caption = (
        f"Power to find a difference of AUC of {effect:g} between reading without and with the model, from the "
        f"variance components of this study (two-sided, 5 %). {title}."
    )
    return words(
        caption,
        f"Grid of power from {rounded(grid.power.min(), 2)} to {rounded(grid.power.max(), 2)} by readers and cases.",
    )
