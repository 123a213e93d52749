"""Captions of the reader study."""

from collections.abc import Mapping, Sequence

import pandas as pd

from ovcf.tables.captions.words import Words, count, words
from ovcf.tables.show import percent
from ovcf.words import AVERAGE, rounded


def reader_roc(rates: pd.DataFrame, cases: int, title: str) -> Words:
    """The model's ROC with the readers' points."""
    who = [r for r in rates.reader.unique() if r != AVERAGE]
    both = rates[rates.reader != AVERAGE].groupby("reader").session.nunique().max() > 1
    arrows = "arrows lead from without to with the model" if both else "one session each"
    mean = rates[rates.reader == AVERAGE]
    caption = (
        f"The model's ROC curve on the readers' {cases} cases (line; square: its threshold) and the sensitivity and "
        f"specificity of {count(len(who), 'reader')}: {arrows}{'; diamond: mean of the readers' * bool(len(mean))}. "
        f"{title}."
    )
    ends = "; ".join(
        f"{r.session}: sensitivity {percent(r.sensitivity)} %, specificity {percent(r.specificity)} %"
        for r in (mean if len(mean) else rates).itertuples()
    )
    whose = "Mean of readers" if len(mean) else "The one reader"
    return words(caption, f"ROC curve of the model with the readers' points. {whose}, {ends}.")


def readers(sessions: Mapping[str, pd.DataFrame], metrics: Sequence[str], title: str) -> Words:
    """Accuracy, sensitivity, specificity by session."""
    averaged = [table for table in sessions.values() if (table.reader == AVERAGE).any()]
    joined = len(sessions) > 1 and set.intersection(*(set(table.reader) - {AVERAGE} for table in sessions.values()))
    caption = (
        f"{', '.join(metrics).capitalize()} of each reader in each session"
        f"{'; joined' * bool(joined)}{'; thick: mean of readers' * bool(averaged)}. Bars: 95 % intervals"
        f"{', of the mean for random readers and cases' * bool(averaged)}. Dotted: 50 %. {title}."
    )
    alts = []
    for metric in metrics:
        means = [f"{percent(table[table.reader == AVERAGE][metric].iloc[0])} %" for table in averaged]
        alts.append(f"{metric.capitalize()} by reader and session{'; mean ' * bool(means)}{' to '.join(means)}.")
    return words(caption, *alts)


def flips(effect: pd.DataFrame, title: str) -> Words:
    """Answers turned right and wrong."""
    caption = (
        "Answers that the model's output turned, by reader; up: from wrong to right; down: from right to wrong where "
        f"the model was wrong. {title}."
    )
    all_of = effect.iloc[-1]  # the average, or the only reader
    said = f"{count(all_of.helpful_flips, 'answer')} turned right, {all_of.harmful_flips:.0f} turned wrong, in all"
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
