"""Tables as a reader wants them: rounded for display only, intervals in brackets, the paper's digits beside ours."""

import re
from html import escape

import numpy as np
import pandas as pd

METRIC_NAMES = {
    "accuracy": "Accuracy (%)",
    "precision_fresh": "Precision fresh (%)",
    "precision_old": "Precision old (%)",
    "recall_fresh": "Recall fresh = sensitivity (%)",
    "recall_old": "Recall old = specificity (%)",
    "f1_fresh": "F1 fresh (%)",
    "f1_old": "F1 old (%)",
    "auc": "AUC",
}
MISSING = "–"
GLUE = "\u00a0"  # keeps `75.7 ± 2.1` and `[72.1, 79.0]` on one line
SENTENCE = 90  # letters from which a cell holds a sentence: the column of the longest gets room to be read in
WIDE = 9  # columns from which a table is set smaller, so that the last one is seen too
ROW, CELL = re.compile(r"<tr>.*?</tr>", re.DOTALL), re.compile(r"<td>([^<]*)</td>")
NO_WORDS = re.compile(r"&\w+;|nan|undefined|not defined| to ")


class Shown:
    """A table for Jupyter and the report; every text in it is escaped, words stand left and numbers right.

    `folded` shows the caption alone until it is clicked: for long lists that few will read.
    """

    def __init__(self, table: pd.DataFrame, caption: str, index: bool, folded: bool = False):
        self.table, self.caption, self.index, self.folded = table, caption, index, folded

    def _repr_html_(self) -> str:
        columns = self.table.shape[1] + self.table.index.nlevels * self.index
        html = self.table.to_html(
            escape=True, index=self.index, border=0, na_rep=MISSING, sparsify=True, classes=["wide"] * (columns >= WIDE)
        )
        wordy = [any(map(_is_words, map(str, values))) for _, values in self.table.items()]
        longest = [max(map(len, map(str, values)), default=0) for _, values in self.table.items()]
        roomy = longest.index(max(longest)) if max(longest, default=0) > SENTENCE else None
        html = ROW.sub(lambda row: _words_left(row[0], wordy, roomy), html)
        for column, left in zip(self.table.columns, wordy, strict=True):
            if left and isinstance(column, str):
                name = escape(column)
                html = html.replace(f"<th>{name}</th>", f'<th style="text-align: left">{name}</th>')
        if self.folded:
            return f"<details><summary>{escape(self.caption)}</summary>{html}</details>"
        start = html.index(">") + 1
        return f"{html[:start]}<caption>{escape(self.caption)}</caption>{html[start:]}"

    def __repr__(self) -> str:
        return f"{self.caption}\n{self.table.to_string(index=self.index, na_rep=MISSING)}"


def show(
    table: pd.DataFrame, caption: str = "", *, formats: dict | None = None, index: bool = False, folded: bool = False
) -> Shown:
    """Show a table with a caption; `folded` hides it beneath the caption until that is clicked.

    Parameters
    ----------
    formats : column name to a function of one value (`percent`, `number(3)`, `p_value`); other numbers keep
        three significant decimals.
    """
    formats = formats or {}
    drawn = table.copy()
    for column in drawn.columns:
        default = number(3) if pd.api.types.is_float_dtype(drawn[column]) else None
        how = formats.get(column, default)
        if how is not None:
            drawn[column] = [how(value) for value in drawn[column]]
    drawn.columns = [str(c).replace("_", " ") if not isinstance(c, tuple) else c for c in drawn.columns]
    if isinstance(table.columns, pd.MultiIndex):
        drawn.columns = table.columns
    drawn = drawn.rename_axis(index=[None] * drawn.index.nlevels, columns=[None] * drawn.columns.nlevels)
    return Shown(drawn.map(_in_words), caption, index, folded)


def _words_left(row: str, wordy: list[bool], roomy: int | None) -> str:
    """Set the cells of a row whose columns hold words left, and give one column room."""
    columns = enumerate(wordy)

    def aligned(cell):
        column, left = next(columns)
        room = "; min-width: 26em" if column == roomy else ""
        return f'<td style="text-align: left{room}">{cell[1]}</td>' if left else cell[0]

    return CELL.sub(aligned, row)


def _in_words(value):
    """Yes and no for truth values, a dash for what is missing."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return MISSING if pd.isna(value) else value


def _is_words(text: str) -> bool:
    return re.search("[A-Za-z]", NO_WORDS.sub("", text)) is not None


def number(digits: int):
    """Return a formatter with a fixed number of decimals; whole numbers keep none."""

    def formatted(value):
        if pd.isna(value):
            return MISSING
        return f"{value:.0f}" if float(value).is_integer() and abs(value) >= 2 else f"{value:.{digits}f}"

    return formatted


def percent(value) -> str:
    """Write a share as percent with one decimal."""
    return MISSING if pd.isna(value) else f"{100 * value:.1f}"


def p_value(value) -> str:
    """Write a p value with three decimals, small ones as `< 0.001`."""
    if pd.isna(value):
        return MISSING
    return f"<{GLUE}0.001" if value < 0.001 else f"{value:.3f}"


def with_interval(estimate, low, high, *, metric: str = "") -> str:
    """Write `75.7 [72.1, 79.0]`; AUCs as shares with three decimals, other metrics as percent with one."""
    if pd.isna(estimate):
        return MISSING
    scale, digits = (1, 3) if metric.startswith("auc") else (100, 1)
    if pd.isna(low) or pd.isna(high):
        return f"{scale * estimate:.{digits}f} [undefined]"
    return f"{scale * estimate:.{digits}f} [{scale * low:.{digits}f},{GLUE}{scale * high:.{digits}f}]"


def mean_sd(mean, sd, *, metric: str = "") -> str:
    """Write `75.7 ± 2.1`; AUCs as shares with three decimals, other metrics as percent with two."""
    if pd.isna(mean):
        return MISSING
    scale, digits = (1, 3) if metric.startswith("auc") else (100, 2)
    spread = "not defined" if pd.isna(sd) else f"{scale * sd:.{digits}f}"
    return f"{scale * mean:.{digits}f}{GLUE}±{GLUE}{spread}"


def beside_paper(ours: pd.DataFrame, printed: pd.DataFrame) -> pd.DataFrame:
    """Put the paper's printed cell under ours, row by row.

    Parameters
    ----------
    ours : DataFrame of texts, rows and columns named as the paper's (`METRIC_NAMES` values).
    printed : DataFrame of texts with the same names where the paper has them; rows without a partner are kept.

    Returns
    -------
    DataFrame
        Two rows per row of `ours`: index levels (row, "ours" or "paper").
    """
    rows, index = [], []
    names = list(ours.index) + [name for name in printed.index if name not in ours.index]
    for name in names:
        for source, table in (("ours", ours), ("paper", printed)):
            if name in table.index:
                cells = table.loc[name]
                rows.append([cells.get(column, MISSING) for column in ours.columns])
                index.append((name, source))
    joined = pd.DataFrame(rows, columns=ours.columns)
    joined.index = pd.MultiIndex.from_tuples(index)
    joined = joined.replace({np.nan: MISSING, None: MISSING, "": MISSING})
    return joined.map(lambda text: text.replace(" ± ", f"{GLUE}±{GLUE}"))
