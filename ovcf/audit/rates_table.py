"""Sensitivity and specificity from recovered matrices, beside what the same rows print."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd

from .audit import audit
from .findings import Audit, Recovered
from .matrices import rates_of
from .paper import Paper, Row, Table
from .printed import show

RATES = {"sensitivity": "recall_positive", "specificity": "recall_negative"}
COLUMNS = ["table", "row", "tp", "fn", "tn", "fp", "sensitivity", "specificity", "printed_sensitivity",
           "printed_specificity", "unique", "basis"]  # fmt: skip


def recovered_rates(
    number: int | str | None = None, *, source: Paper | Path | str | None = None, result: Audit | None = None
) -> pd.DataFrame:
    """Tabulate sensitivity and specificity recomputed from recovered matrices, beside the printed columns.

    Parameters
    ----------
    number : 1, 2, ... or a table's name; None for all tables of rates
    source : YAML file or Paper; None for the paper in data/published
    result : an `Audit` of the same source, if there is one already

    Returns
    -------
    DataFrame with table, row, tp, fn, tn, fp (missing where several or none fit, and for means), sensitivity
    and specificity in percent as strings ("40.00", "73.90 ± 6.71" with ddof 1, "5.00 to 95.00", "" where
    nothing can be said), printed_sensitivity and printed_specificity (what stands under that heading, or
    under recall of the class), unique, basis (how the numbers were had), and accuracy, ppv and npv (percent; missing
    where the counts are, but for the mean of recovered rows, or where a rate is 0/0). A swap of the two classes
    exchanges sensitivity and specificity.
    """
    from ovcf.audit.published import published_paper

    paper = published_paper() if source is None else source
    if not isinstance(paper, Paper):
        from .reading import read_paper

        paper = read_paper(paper)
    result = result or audit(paper, simulate=False)
    found: dict[str, list[Recovered]] = {}
    for matrix in result.matrices:
        found.setdefault(f"{matrix.table} / {matrix.row}", []).append(matrix)
    rows = [
        _row(paper, table, row, found)
        for table in paper.tables.values()
        for row in table.rows.values()
        if row.kind in ("single", "mean") and table.kind != "counts" and number in (None, table.name, _number(table))
    ]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({name: "Int64" for name in ("tp", "fn", "tn", "fp")})
    return _with_means(table.assign(**_other_rates(table)))


def _with_means(rates: pd.DataFrame) -> pd.DataFrame:
    """Give a mean of recovered rows of its own table the mean of their other rates; each row counts once."""
    rates, others = rates.copy(), ["accuracy", "ppv", "npv"]
    for name, rows in rates.groupby("table"):
        single = rows[rows.tp.notna()]
        means = rows.index[rows.basis == f"mean of {len(single)} recovered rows of {name} (ddof 1)"]
        rates.loc[means, others] = single[others].mean(skipna=False).to_numpy()
    return rates


def _other_rates(counts: pd.DataFrame) -> dict[str, pd.Series]:
    """Accuracy, precision of the positive class (ppv) and of the negative one (npv) from counts, in percent."""
    tp, fn, tn, fp = (counts[name].astype(float) for name in ("tp", "fn", "tn", "fp"))
    return {
        "accuracy": 100 * (tp + tn) / (tp + fn + tn + fp),
        "ppv": 100 * tp / (tp + fp),
        "npv": 100 * tn / (tn + fn),
    }


def _number(table: Table):
    digits = table.name.rpartition(" ")[2]
    return int(digits) if digits.isdigit() else table.name


def _row(paper: Paper, table: Table, row: Row, found):
    """One row of the table."""
    printed = [_printed(table, row, metric) for metric in RATES.values()]
    matrices = found.get(row.path, [])
    if row.kind == "mean":
        return table.name, row.name, *[pd.NA] * 4, *_means(paper, row, found, printed)
    if not matrices:
        return table.name, row.name, *[pd.NA] * 4, "", "", *printed, False, "no matrix recovered"
    rates = [_span([_rate(matrix, metric) for matrix in matrices], 2) for metric in RATES.values()]
    counts = matrices[0].matrix if len(matrices) == 1 else [pd.NA] * 4
    basis = matrices[0].reading + (f"; {matrices[0].repaired}" if matrices[0].repaired else "")
    basis = basis if len(matrices) == 1 else f"{len(matrices)} matrices fit; {basis}"
    return table.name, row.name, *counts, *rates, *printed, matrices[0].unique, basis


def _printed(table, row, metric) -> str:
    column = table.column_of(metric, metric)
    return row.cells[column].printed.text if column in row.cells else ""


def _rate(matrix, metric):
    exact = rates_of(matrix.matrix)
    return 100 * exact[metric] if metric in exact else None


def _span(values, decimals) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    return show(low, decimals) if low == high else f"{show(low, decimals)} to {show(high, decimals)}"


def _means(paper, row, found, printed):
    """Mean ± SD (ddof 1) over the rows of a mean, or the range that they allow; from sensitivity on."""
    source = paper.row(row.copy_of) if row.copy_of else row
    source = paper.row(source.copy_of) if source.copy_of else source
    members = [one for one in paper.rows(f"{source.table} / {source.of}") if one.kind == "single"] if source.of else []
    if not members or not all(found.get(one.path) for one in members):
        return (
            "",
            "",
            *printed,
            False,
            "single rows not printed" if not source.of else "not every row recovered",
        )
    shown, single = [], all(len(found[one.path]) == 1 for one in members)
    for metric in RATES.values():
        ends = [[_rate(matrix, metric) for matrix in found[one.path]] for one in members]
        if any(value is None for end in ends for value in end):
            shown.append("")
        elif single:
            values = [float(end[0]) for end in ends]
            shown.append(f"{show(sum(Fraction(end[0]) for end in ends) / len(ends))} ± {show(np.std(values, ddof=1))}")
        else:
            shown.append(_span([sum(map(min, ends)) / len(ends), sum(map(max, ends)) / len(ends)], 2))
    basis = f"mean of {len(members)} recovered rows of {source.table}" + (" (ddof 1)" if single else ", range")
    return *shown, *printed, single, basis
