"""Captions of the audit of published numbers."""

import pandas as pd

from ovcf.tables.captions.words import Words, count, words


def findings(table: pd.DataFrame) -> Words:
    """Findings by place."""
    caption = f"Findings by the place where they are printed: number of each severity ({len(table)} in all)."
    return words(caption, "Grid of places against severities, with the number of findings in each.")


def matrices(folds: pd.DataFrame) -> Words:
    """Recovered matrices."""
    of = f"Confusion matrices of {count(len(folds), 'fold')}"
    caption = f"{of}, recovered from the printed rates, classes as headed; counts."
    return words(caption, "Confusion matrices, truth down and answers across.")


def readings(table: pd.DataFrame) -> Words:
    """Readings of the columns."""
    caption = (
        "Rows that whole numbers of cases can give under each reading of the columns, all rows sharing their cases."
    )
    return words(caption, f"Bars: {len(table)} readings of the columns and the rows that each explains.")


def recovered(rows: pd.DataFrame) -> Words:
    """Printed and recovered rates."""
    caption = (
        f"Printed under the heading (open) and recovered from the digits (filled), {count(len(rows), 'row')}: "
        "(a) sensitivity, (b) specificity. A pale bar is a range. Where two readings explain as many rows, the first "
        "is shown, which fits the model's row too if one is printed; under the other, (a) and (b) change places."
    )
    return words(caption, "Printed and recovered sensitivity, row by row.", "Printed and recovered specificity.")


def f1_limits(limits: pd.DataFrame) -> Words:
    """Printed F1 against its bound."""
    above = int((limits.printed > limits.limit).sum())
    caption = (
        "Printed mean F1 against the largest that the printed mean precision and recall allow; above the line no folds "
        f"can give it ({above} of {len(limits)})."
    )
    return words(caption, f"Scatter: {above} of {len(limits)} printed mean F1 lie above the line of what is possible.")


def mcnemar(bounds: pd.DataFrame) -> Words:
    """Bounds of McNemar's p."""
    never = int((bounds.smallest_p > 0.05).sum())
    caption = (
        "Exact McNemar p of each reader, from the least to the most that the numbers of right answers allow; dashed: "
        f"0.05. Cross: cannot reach it ({never} of {len(bounds)})."
    )
    return words(caption, f"Ranges of p for {len(bounds)} readers; {never} cannot fall below 0.05.")
