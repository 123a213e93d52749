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
OTHERS = ("accuracy", "ppv", "npv")
COLUMNS = ["table", "row", "tp", "fn", "tn", "fp", "sensitivity", "specificity", "printed_sensitivity",
           "printed_specificity", "unique", "basis", "as_good", *OTHERS]  # fmt: skip


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
    under recall of the class), unique, basis (how the numbers were had), as_good (other readings of the columns that
    explain as many rows, so that the printed numbers do not decide between them; "" for none), and accuracy, ppv and
    npv (percent; of a mean, that of its rows; missing where matrices that fit differ in it, or it is 0/0). A swap of
    the two classes exchanges sensitivity and specificity, and ppv and npv.
    """
    from ovcf.audit.published import audited_paper, published_paper

    paper = published_paper() if source is None else source
    if not isinstance(paper, Paper):
        from .reading import read_paper

        paper = read_paper(paper)
    result = result or (audited_paper() if source is None else audit(paper, simulate=False))
    found: dict[str, list[Recovered]] = {}
    for matrix in result.matrices:
        found.setdefault(f"{matrix.table} / {matrix.row}", []).append(matrix)
    ties = _ties(result.readings)
    rows = [
        _row(paper, table, row, found, ties)
        for table in paper.tables.values()
        for row in table.rows.values()
        if row.kind in ("single", "mean") and table.kind != "counts" and number in (None, table.name, _number(table))
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({name: "Int64" for name in ("tp", "fn", "tn", "fp")} | dict.fromkeys(OTHERS, float))


def _ties(readings: pd.DataFrame) -> dict[str, set[str]]:
    """For each reading that explains the most rows of its group, the others that explain as many."""
    best = readings[readings.explained == readings.groupby("group").explained.transform("max")]
    return {name: set(group.reading) - {name} for _, group in best.groupby("group") for name in group.reading}


def _others(matrices: list[Recovered]) -> dict[str, float]:
    """Accuracy, precision of the positive class (ppv) and of the negative one (npv) in percent.

    Each is missing where the matrices that fit differ in it, or one of them has no call to be right.
    """
    counts = np.array([matrix.matrix for matrix in matrices], float)
    tp, fn, tn, fp = counts.T
    with np.errstate(invalid="ignore"):
        rates = ((tp + tn) / counts.sum(axis=1), tp / (tp + fp), tn / (tn + fn))
    same = [100 * float(rate[0]) if np.ptp(rate) == 0 else float("nan") for rate in rates]
    return dict(zip(OTHERS, same, strict=True))


def _number(table: Table):
    digits = table.name.rpartition(" ")[2]
    return int(digits) if digits.isdigit() else table.name


def _row(paper: Paper, table: Table, row: Row, found: dict[str, list[Recovered]], ties: dict[str, set[str]]) -> dict:
    """One row of the table; what it lacks is missing."""
    names = {"table": table.name, "row": row.name, "unique": False, "sensitivity": "", "specificity": "", "as_good": ""}
    names |= {f"printed_{rate}": _printed(table, row, metric) for rate, metric in RATES.items()}
    matrices = found.get(row.path, [])
    if row.kind == "mean":
        return names | _mean(paper, row, found, ties)
    if not matrices:
        return names | {"basis": "no matrix recovered"}
    basis = matrices[0].reading + (f"; {matrices[0].repaired}" if matrices[0].repaired else "")
    alone = len(matrices) == 1
    return (
        names
        | {rate: _span([_rate(matrix, metric) for matrix in matrices], 2) for rate, metric in RATES.items()}
        | (dict(zip(("tp", "fn", "tn", "fp"), matrices[0].matrix, strict=True)) if alone else {})
        | {"unique": matrices[0].unique, "basis": basis if alone else f"{len(matrices)} matrices fit; {basis}"}
        | {"as_good": _listed(ties, matrices), **_others(matrices)}
    )


def _listed(ties: dict[str, set[str]], matrices: list[Recovered]) -> str:
    """The readings that explain as much as those of some matrices."""
    return "; ".join(sorted(set().union(*(ties.get(matrix.reading, set()) for matrix in matrices))))


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


def _mean(paper: Paper, row: Row, found: dict[str, list[Recovered]], ties: dict[str, set[str]]) -> dict:
    """Mean ± SD (ddof 1) over the rows of a mean, or the range that they allow."""
    source = paper.row(row.copy_of) if row.copy_of else row
    source = paper.row(source.copy_of) if source.copy_of else source
    members = [one for one in paper.rows(f"{source.table} / {source.of}") if one.kind == "single"] if source.of else []
    rows = [found.get(one.path, []) for one in members]
    if not rows or not all(rows):
        return {"basis": "not every row recovered" if source.of else "single rows not printed"}
    alone = all(len(matrices) == 1 for matrices in rows)
    basis = f"mean of {len(rows)} recovered rows of {source.table}" + (" (ddof 1)" if alone else ", range")
    others = pd.DataFrame(map(_others, rows)).mean(skipna=False).to_dict()
    rates = {rate: _mean_rate([[_rate(m, metric) for m in row] for row in rows]) for rate, metric in RATES.items()}
    as_good = _listed(ties, [matrix for matrices in rows for matrix in matrices])
    return rates | others | {"unique": alone, "basis": basis, "as_good": as_good}


def _mean_rate(rows: list[list]) -> str:
    """Mean of a rate over rows, each with one value or with as many as matrices fit it; "" where one is 0/0."""
    if any(value is None for row in rows for value in row):
        return ""
    if any(len(row) > 1 for row in rows):
        return _span([sum(map(min, rows)) / len(rows), sum(map(max, rows)) / len(rows)], 2)
    values = [row[0] for row in rows]
    return f"{show(sum(map(Fraction, values)) / len(rows))} ± {show(np.std(list(map(float, values)), ddof=1))}"
