"""Sentences of the text, held against the numbers of the tables."""

import numpy as np
import pandas as pd
from scipy import stats

from .findings import CONTRADICTION, NOTE, Ledger
from .improvement import bounds_of_improvement
from .paper import Paper
from .printed import Printed, show
from .pvalues import TESTS, p_of
from .recover import Recovery
from .repeated import tables_with

ALPHA = 0.05


def check_claims(paper: Paper, ledger: Ledger, recovery: Recovery) -> pd.DataFrame:
    """Hold every claim of the text against the tables; returns the McNemar bounds behind them.

    What it cannot see: a claim that the file does not write out, and which answers of two readings were the same cases.
    """
    bounds = []
    for entry in paper.claims:
        if entry["kind"] == "best":
            _check_best(paper, ledger, entry)
        elif entry["kind"] == "better":
            _check_better(paper, ledger, recovery, entry)
        else:
            bounds += _check_improved(paper, ledger, recovery, entry)
    columns = ["claim", "row", "before", "after", "n", "smallest_p", "largest_p", "least_pairs", "most_pairs"]
    return pd.DataFrame(bounds, columns=columns)


def _place(entry) -> str:
    return str(entry["place"] or "the text")


def _check_best(paper, ledger, entry):
    """The row has the largest number of every column (or of those named)."""
    row = paper.row(entry["row"])
    table = paper.tables[row.table]
    others = [one for one in paper.rows(entry["among"]) if one.kind == row.kind and one.name != row.name]
    columns = [paper.column(row.table, column) for column in entry["columns"] or table.columns]
    beaten, close = [], []
    for column in (one for one in columns if one in row.cells):
        rivals = [one for one in others if column in one.cells]
        best = max(rivals, key=lambda one: one.cells[column].printed.value, default=None)
        if best is None:
            continue
        mine, theirs = row.cells[column].printed, best.cells[column].printed
        heading = table.headings[table.columns.index(column)]
        if mine.interval().high < theirs.interval().low:
            beaten.append(f"{heading}: {best.name} {theirs.text}, {row.name} {mine.text}")
        elif mine.sd is not None and theirs.sd is not None and row.over:
            close.append((heading, best.name, _welch(mine, theirs, row.over)))
    place, quote = f"{_place(entry)}; {table.place}", str(entry["quote"])
    if beaten:
        message = f"The text says “{quote}”, but {'; '.join(beaten)}."
        return ledger.find("claim-best", CONTRADICTION, place, quote, "; ".join(beaten), message, where=_place(entry))
    ledger.holds("claim: best", place, "the printed means are in this order")
    _report_close(ledger, entry, [one for one in close if one[2] > ALPHA], len(columns), place)


def _welch(mine, theirs, k) -> float:
    """Welch's p from two printed mean ± SD over k results each."""
    ends = [float(value) for one in (mine, theirs) for value in (one.value, one.sd)]
    return float(stats.ttest_ind_from_stats(*ends[:2], k, *ends[2:], k, equal_var=False).pvalue)


def _report_close(ledger, entry, close, columns, place):
    """Say in how many columns the lead is within the spread over the folds."""
    if not close:
        return
    quote = str(entry["quote"])
    heading, name, p = min(close, key=lambda one: one[2])
    message = (
        f"“{quote}” holds for the printed means. Against the next best row the difference is within the "
        f"spread over the folds (Welch t from the printed mean ± SD, p above {ALPHA}) in {len(close)} of "
        f"{columns} columns; the clearest of these is {heading} against {name}, p = {p:.2f}."
    )
    shown = f"{len(close)} of {columns} columns within the spread"
    ledger.find("claim-best", NOTE, place, quote, shown, message, where=_place(entry))


def _check_better(paper, ledger, recovery, entry):
    """The row is above each of the others; and were they measured on the same cases?"""
    row, others = paper.row(entry["row"]), [one for one in paper.rows(entry["than"]) if one.kind == "single"]
    table, failures = paper.tables[row.table], []
    for column in entry["columns"] or table.columns:
        column = paper.column(row.table, column)
        for one in others:
            if column in row.cells and column in one.cells:
                mine, theirs = row.cells[column].printed, one.cells[column].printed
                if mine.interval().high < theirs.interval().low:
                    failures.append(f"{one.name} {theirs.text} ({column})")
    place, quote = f"{_place(entry)}; {table.place}", str(entry["quote"])
    if failures:
        message = f"The text says “{quote}”; higher than {row.name} are {', '.join(failures)}."
        return ledger.find(
            "claim-better", CONTRADICTION, place, quote, ", ".join(failures), message, where=_place(entry)
        )
    ledger.holds("claim: better", place, "the printed numbers are in this order")
    source = paper.row(row.copy_of) if row.copy_of else None
    folds = source and paper.tables[source.table].folds_of
    if folds and others and table.cases and folds != table.cases:
        _report_other_cases(paper, ledger, recovery, row, source, others, place, quote)


def _report_other_cases(paper, ledger, recovery, row, source, others, place, quote):
    """Say that both sides of a comparison are of different cases, and what an unpaired test gives."""
    table, members = paper.tables[row.table], paper.rows(f"{source.table} / {source.of or ''}")
    cases, whole = paper.sets[table.cases], paper.sets[paper.tables[source.table].folds_of]
    message = (
        f"“{quote}” holds for the printed numbers, but they are of different cases: {row.name} is the "
        f"average over all {whole.n[0]} ({source.table}, {source.name}), the others are of {cases.n[0]}. How "
        f"{row.name} did on those {cases.n[0]} is not printed, so no paired comparison of cases can be made."
    )
    matrices = [recovery.unique_of(member.path) for member in members]
    if matrices and None not in matrices:
        right, total = sum(m.tp + m.tn for m in matrices), sum(m.n for m in matrices)
        worst = 0.0
        for one in others:
            theirs = one.cells.get("accuracy")
            if theirs is not None:
                correct = round(float(theirs.printed.value) / table.unit_of("accuracy") * cases.n[0])
                fisher = stats.fisher_exact([[right, total - right], [correct, cases.n[0] - correct]]).pvalue
                worst = max(worst, fisher)
        message += (
            f" As two separate samples, {right} right of {total} against each of the others gives p at most "
            f"{worst:.3f} (Fisher's exact test)."
        )
    ledger.find("claim-better", NOTE, place, quote, "different cases", message, where=place.partition("; ")[0])


def _check_improved(paper, ledger, recovery, entry):
    """Each row improved significantly: bound the exact McNemar p of each by the margins."""
    alpha, place, quote = _alpha(entry), _place(entry), str(entry["quote"])
    found = bounds_of_improvement(paper, recovery, entry)
    rows = [(quote, name, *one[:-1]) for name, one in found.items()]
    ruled_out = {name: one for name, one in found.items() if one.after <= one.before or one.smallest > alpha}
    open_rows = [name for name, one in found.items() if name not in ruled_out and one.largest > alpha]
    if ruled_out:
        shown = "; ".join(
            f"{name}: {'' if one.only else 'at best '}{one.before} of {one.n} right before, {one.after} after, "
            f"p at least {one.smallest:.4f}"
            for name, one in ruled_out.items()
        )
        message = (
            f"The text says “{quote}”. However the answers to single cases were paired, the two-sided exact "
            f"McNemar test cannot reach {alpha:g} for {shown}."
        )
        ledger.find("claim-improved", CONTRADICTION, place, quote, shown, message)
    if open_rows:
        smallest, largest = min(one.smallest for one in found.values()), max(one.largest for one in found.values())
        message = (
            f"For {', '.join(open_rows)} the printed margins leave open whether the change was significant "
            f"(exact McNemar p between {smallest:.4f} and {largest:.2f}, "
            "depending on which cases changed); the answers to single cases would settle it."
        )
        ledger.find("claim-improved", NOTE, place, quote, "undecided", message)
    if rows and not ruled_out and not open_rows:
        ledger.holds("claim: improved", place, "significant however the answers are paired")
    return rows


def _alpha(entry) -> float:
    return float(entry["alpha"]) if entry["alpha"] is not None else ALPHA


# What follows once a row is mended
# --------------------------------------------------------------------------------------------------------------


def check_consequences(paper: Paper, ledger: Ledger, recovery: Recovery) -> None:
    """Recompute averages and p-values with every row replaced by its only smallest repair.

    What it cannot see: a row with several smallest repairs: what follows from each is left open.
    """
    for path, changes in recovery.mended.items():
        row = paper.row(path)
        for column, (old, new) in changes.items():
            _averages(paper, ledger, row, column, old, new)
            _tests(paper, ledger, row, column, old, new)


def _averages(paper, ledger, row, column, old, new):
    """Say what an average would be with the mended value."""
    table = paper.tables[row.table]
    for one, mean in tables_with(paper, "mean"):
        members = paper.rows(f"{table.name} / {mean.of}") if one is table and mean.of else []
        members = [member for member in members if column in member.cells and member.kind == "single"]
        if row not in members or column not in mean.cells:
            continue
        values = [float(new if m is row else m.cells[column].printed.value) for m in members]
        printed = mean.cells[column].printed
        shown = show(np.mean(values), printed.decimals)
        shown += f" ± {show(np.std(values, ddof=1), printed.decimals)}" if printed.sd is not None else ""
        message = (
            f"This average is taken with {row.name}'s {old}, which no whole numbers of cases give; with "
            f"{new}, the smallest change that does, it would be {shown}."
        )
        ledger.find("consequence", NOTE, table.place_of(mean.name, column), printed.text, shown, message, [mean])


def _tests(paper, ledger, row, column, old, new):
    """Say what a p-value would be with the mended value, where that would be printed otherwise."""
    for entry in paper.tests:
        p_row = paper.row(entry["p"])
        p_column = p_row and paper.column(p_row.table, str(entry["p"]).rpartition(" / ")[2].strip())
        named = str(entry["method"])
        if not p_row or p_column not in p_row.cells or named not in TESTS:
            continue
        sides, touched = [], False
        for side in ("first", "second"):
            values, touches = _values(paper, entry[side], row, column, new)
            sides.append(values)
            touched |= touches
        printed: Printed = p_row.cells[p_column].printed
        if not touched or min(map(len, sides)) < 2:
            continue
        p = p_of(named, *sides)
        if not np.isnan(p) and not _prints_so(printed, p):
            place = paper.tables[p_row.table].place_of(p_row.name, p_column)
            message = f"The {named} test gives the printed p with {row.name}'s {old}, and {p:.2g} with {new}."
            ledger.find("consequence", NOTE, place, printed.text, f"{p:.2g}", message, [p_row])


def _values(paper, path, row, column, new):
    """Values of a test's side with the mended one put in; and whether it was one of them."""
    table, _, rest = str(path).partition(" / ")
    wanted = paper.column(table.strip(), rest.rpartition(" / ")[2].strip())
    rows = [one for one in paper.rows(path) if one.kind in ("single", "part") and wanted in one.cells]
    hit = [one is row and wanted == column for one in rows]
    return [float(new if here else one.cells[wanted].printed.value) for one, here in zip(rows, hit, strict=True)], any(
        hit
    )


def _prints_so(printed: Printed, p: float) -> bool:
    """Tell whether p would be printed as it is, or as a bound that it keeps."""
    if printed.relation:
        return p < float(printed.value) if printed.relation == "<" else p > float(printed.value)
    return printed.interval().holds(p)
