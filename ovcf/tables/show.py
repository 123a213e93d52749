"""Tables as a reader wants them: rounded for display only, intervals in brackets, the paper's digits beside ours."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from html import escape

import numpy as np
import pandas as pd

from ovcf.stats.rates import FOLD_MEAN, METRICS, Metric
from ovcf.tables.html import table_html
from ovcf.words import rounded

MISSING = "–"
GLUE = "\u00a0"  # keeps `75.7 ± 2.1` and `[72.1, 79.0]` on one line
SENTENCE = 90  # letters from which a cell holds a sentence: the column of the longest gets room to be read in
WIDE = 9  # columns from which a table is set smaller, so that the last one is seen too
FOLD_AUC = Metric("AUC, mean of folds", None, percent=False)
PLACE = re.compile(r"\b(Table|Figure|Section|Fold|Doctor) (?=\d)")  # a name and its number stay on one line
COLUMNS = {
    "p_holm": "p (Holm)",
    "p_superiority": "p, different",
    "p_noninferiority": "p, not worse by the margin",
    "auc": "AUC",
    "iou": "overlap of boxes (IoU)",
    "tp": "fresh called fresh",
    "fn": "fresh called old",
    "tn": "old called old",
    "fp": "old called fresh",
    "df": "degrees of freedom",
    "k": "rows",
    "sd0": "SD, divisor n",
    "sd1": "SD, divisor n - 1",
    "ddof": "divisor n less",
    "n": "vertebrae",
    "ppv": "PPV",
    "npv": "NPV",
}
"""What a column of numbers is called in words."""
METRIC_COLUMNS = ("metric", "of", "of patients", "width of the interval of", "printed average")
"""Columns that name a row's metric, as `heading` writes it."""
IN_PERCENT = re.compile(r"\(%\)|, points$")
PERCENT, AREA, OTHER = "percent", "area", "other"
UNIT_WORDS = {
    PERCENT: "The same of rates, in percent",
    AREA: "The same of the AUC",
    OTHER: "The same of the other measures",
}
OF_CLASS = re.compile(r"(^|_)(fresh|old)$")  # end of the name of a column that is of one class
NO_WORDS = re.compile(r"&\w+;|nan|undefined|not defined| to ")


class Shown:
    """A table for Jupyter and the report; every text in it is escaped, words stand left and numbers right.

    One without rows is a sentence that says so. Rows of rates in percent and rows of areas stand apart, each with the
    headings, so that a column has one unit.

    `folded` shows the caption alone until it is clicked: for long lists that few will read.
    """

    def __init__(
        self, table: pd.DataFrame, caption: str, index: bool, folded: bool = False, name: str = "", note: str = ""
    ) -> None:
        self.table, self.caption, self.index, self.folded = table, caption, index, folded
        self.name, self.note = name, note

    def _repr_html_(self) -> str:
        if self.table.empty:
            return f"<p>{escape(self.caption)}: none.</p>"
        first, *others = by_unit(self.table)
        html = self._part(first, "" if self.folded else self.caption, self.name)
        html += "".join(self._part(rows, UNIT_WORDS[_units(rows)[0]], "") for rows in others)
        html += f'<p class="note">{escape(self.note)}</p>' if self.note else ""
        return f"<details><summary>{escape(self.caption)}</summary>{html}</details>" if self.folded else html

    def _part(self, rows: pd.DataFrame, caption: str, name: str) -> str:
        columns = rows.shape[1] + rows.index.nlevels * self.index
        classes, styles = ["wide"] * (columns >= WIDE), _column_styles(self.table)
        return table_html(rows, caption, index=self.index, classes=classes, styles=styles, name=name)

    def __repr__(self) -> str:
        return f"{self.caption}\n{self.table.to_string(index=self.index, na_rep=MISSING)}"


Format = Callable[[float], str]


def show(
    table: pd.DataFrame,
    caption: str = "",
    *,
    formats: Mapping[str, Format] | None = None,
    index: bool = False,
    folded: bool = False,
    name: str = "",
    note: str = "",
) -> Shown:
    """Show a table with a caption; `folded` hides it beneath the caption until that is clicked.

    Parameters
    ----------
    name : by which a page numbers the table and an export names its files; "table2" is Table 2, as in the paper.
    note : stands beneath the table.
    formats : column name to a function of one value (`percent`, `number(3)`, `p_value`); other numbers keep
        three significant decimals.
    """
    formats = formats or {}
    drawn = table.copy()
    for column in drawn.columns:
        default = _usual(column) if pd.api.types.is_float_dtype(drawn[column]) else None
        how = formats.get(column, default)
        if how is not None:
            drawn[column] = [how(value) for value in drawn[column]]
    drawn.columns = [column_words(c) if not isinstance(c, tuple) else c for c in drawn.columns]
    if isinstance(table.columns, pd.MultiIndex):
        drawn.columns = table.columns
    drawn = drawn.rename_axis(columns=[None] * drawn.columns.nlevels)
    return Shown(drawn.map(_in_words), caption, index, folded, name, note)


def by_unit(table: pd.DataFrame) -> list[pd.DataFrame]:
    """Part a table whose rows name their metric (`METRIC_COLUMNS`) into one of each unit, in the order they come."""
    units = pd.Series(_units(table), dtype=object)
    return [table[(units == unit).to_numpy()] for unit in units.unique()] or [table]


def _units(table: pd.DataFrame) -> list[str]:
    """The unit of each row: that of the metric it names; all the same where none is named."""
    levels = {name: table.index.get_level_values(level) for level, name in enumerate(table.index.names)}
    named = levels | ({} if table.columns.nlevels > 1 else dict(table.items()))
    column = next((c for c in METRIC_COLUMNS if c in named), None)
    if column is None:
        return [""] * len(table)
    names = map(str, named[column])
    return [PERCENT if IN_PERCENT.search(name) else AREA if "AUC" in name else OTHER for name in names]


def _column_styles(table: pd.DataFrame) -> list[str]:
    """Set columns that hold words left, and give the one with the longest sentence room."""
    texts = [[str(value) for value in values] for _, values in table.items()]
    longest = [max(map(len, column), default=0) for column in texts]
    roomy = longest.index(max(longest)) if max(longest, default=0) > SENTENCE else None
    return [
        ("text-align: left" + "; min-width: 26em" * (place == roomy)) if any(map(_is_words, column)) else ""
        for place, column in enumerate(texts)
    ]


def _in_words(value: object) -> object:
    """Yes and no for truth values, a dash for what is missing."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, str):
        return PLACE.sub(rf"\1{GLUE}", value)
    return MISSING if pd.isna(value) else value


def column_words(column: object) -> str:
    """Say in words what a column holds."""
    name = str(column)
    return COLUMNS.get(name, name.replace("_", " "))


def _usual(column: object) -> Format:
    """How a column's numbers are written where nobody says: p as p, degrees of freedom with one decimal."""
    name = str(column)
    if name == "p" or name.startswith(("p_", "p, ", "p (")):
        return p_value
    return number(1) if name == "df" else number(3)


def _is_words(text: str) -> bool:
    return re.search("[A-Za-z]", NO_WORDS.sub("", text)) is not None


def number(digits: int) -> Format:
    """Return a formatter with a fixed number of decimals; whole numbers keep none."""

    def formatted(value: float) -> str:
        if pd.isna(value):
            return MISSING
        return f"{value:.0f}" if float(value).is_integer() and abs(value) >= 2 else rounded(value, digits)

    return formatted


def percent(value: float) -> str:
    """Write a share as percent with one decimal."""
    return MISSING if pd.isna(value) else rounded(100 * value, 1)


def p_value(value: float) -> str:
    """Write a p value with three decimals, small ones as `< 0.001`."""
    if pd.isna(value):
        return MISSING
    return f"<{GLUE}0.001" if value < 0.001 else rounded(value, 3)


def p_said(value: float) -> str:
    """Write a p value within a sentence or beside an estimate: `p = 0.040` or `p < 0.001`."""
    text = p_value(value)
    return f"p{GLUE}{text}" if text.startswith("<") else f"p{GLUE}={GLUE}{text}"


def _known(metric: str) -> Metric | None:
    """The registered metric of a name, the mean of folds' AUCs among them; readers' rates have no entry."""
    return FOLD_AUC if metric == FOLD_MEAN else METRICS.get(metric)


def heading(metric: str, unit: str = " (%)") -> str:
    """Return a metric's printed name, with its unit where it is a percentage: `Accuracy (%)`, `AUC`."""
    known = _known(metric)
    if known is None:
        return metric
    return f"{known.title}{unit}" if known.percent else known.title


def value(estimate: float, metric: str = "") -> str:
    """Write a metric's value as it is printed: percentages with one decimal, shares with three; a dash for none."""
    if pd.isna(estimate):
        return MISSING
    known = _known(metric)
    if known is None or known.percent:
        return rounded(100 * estimate, 1)
    return rounded(estimate, 3)


def brackets(low: float, high: float, metric: str = "") -> str:
    """Write `[72.1, 79.0]`, or `[undefined]`."""
    if pd.isna(low) or pd.isna(high):
        return "[undefined]"
    return f"[{value(low, metric)},{GLUE}{value(high, metric)}]"


def with_interval(estimate: float, low: float, high: float, *, metric: str = "") -> str:
    """Write `75.7 [72.1, 79.0]`; AUCs as shares with three decimals, other metrics as percent with one."""
    return MISSING if pd.isna(estimate) else f"{value(estimate, metric)} {brackets(low, high, metric)}"


def with_intervals(table: pd.DataFrame, prefix: str = "estimate", *, metric: str | None = None) -> list[str]:
    """Write a column of estimates with their `low` and `high`, each as its row's `metric` is written."""
    metrics = table["metric"] if metric is None else [metric] * len(table)
    columns = table[prefix], table["low"], table["high"], metrics
    return [with_interval(e, low, high, metric=m) for e, low, high, m in zip(*columns, strict=True)]


def plus_minus(mean: str, spread: float, metric: str = "") -> str:
    """Write `75.7 ± 2.1`: a value as written and its SD, with as many decimals as any other value of the metric."""
    return f"{mean}{GLUE}±{GLUE}{'not defined' if pd.isna(spread) else value(spread, metric)}"


def mean_sd(mean: float, sd: float, *, metric: str = "") -> str:
    """Write `75.7 ± 2.1`; AUCs as shares with three decimals, other metrics as percent with one."""
    return MISSING if pd.isna(mean) else plus_minus(value(mean, metric), sd, metric)


def plain_interval(estimate: float, low: float, high: float, digits: int) -> str:
    """Write `1.23 [0.98, 1.55]` with so many decimals; a dash for what is not known, no ends where there are none."""
    form = partial(rounded, decimals=digits)
    if pd.isna(estimate):
        return MISSING
    return form(estimate) if pd.isna(low) or pd.isna(high) else f"{form(estimate)} [{form(low)},{GLUE}{form(high)}]"


def one_cell(table: pd.DataFrame, estimate: str, heading: str, digits: int = 3) -> pd.DataFrame:
    """Put an estimate, `low` and `high` of a table into one column of texts, where the estimate stood.

    A number that is not known is a dash; one without an interval stands alone.
    """
    columns = table[estimate], table["low"], table["high"]
    texts = [plain_interval(*ends, digits) for ends in zip(*columns, strict=True)]
    return table.assign(**{estimate: texts}).drop(columns=["low", "high"]).rename(columns={estimate: heading})


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


def printed_p(table: pd.DataFrame) -> str:
    """Say beneath a table which p the paper prints with its own; nothing where it prints none.

    Parameters
    ----------
    table : of the paper, tidy (`ovcf.audit.published.paper_table`).
    """
    rows = table[table["kind"] == "p"]
    said = [f"{_tested(r.column)} {r.printed}".strip() for r in rows.itertuples() if r.printed]
    return f"The paper's p: {'; '.join(said)}." if said else ""


def _tested(column: str) -> str:
    """What a printed p is of: it stands in the first of two classes' columns and compares both."""
    measure = OF_CLASS.sub("", column)
    return {"f1": "F1", "auc": "AUC"}.get(measure, measure)
