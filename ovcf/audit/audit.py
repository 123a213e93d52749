"""Audit a paper: run every check on its printed numbers and gather what they imply."""

import textwrap
from collections import Counter
from pathlib import Path

import pandas as pd

from .cells import check_cells
from .claims import check_claims, check_consequences
from .feasible import check_auc_points, check_fold_rows
from .findings import CONTRADICTION, NOTE, SEVERITIES, UNLIKELY, Audit, Check, Ledger
from .folds import split_chances
from .free_rows import check_scale_free
from .grim import check_whole_numbers
from .means import check_averages, check_mean_rows
from .paper import Paper, cut_off
from .printed_tests import check_tests
from .reading import read_paper
from .recover import Recovery, recover
from .repeated import check_equal_columns, check_repeated, check_spreads_of_facts, check_sums, check_wordings
from .statistics import check_statistics
from .units import check_headings, check_units

SURE, NEVER = 0.05, 0.001  # chances of fold sizes that are worth a word


def audit(source: Paper | Path | str | None = None, *, simulate: bool = True) -> Audit:
    """Audit a YAML file of printed numbers (None: the paper's, in data/published) or a `Paper`.

    Returns an `Audit`: findings, the most severe first; recovered matrices; and the tables behind them.
    Raises InputError with line numbers for a file that cannot be used. `simulate`: also simulate chances (of
    a reading that fits by accident, of fold sizes), which takes a second or two.

    A contradiction is kept only if it stands when digits may have been cut off instead of rounded.

    It cannot see numbers that were not entered, nor a wrong number that every other one agrees with.
    """
    paper = source if isinstance(source, Paper) else read_source(source)
    result = _examine(paper, simulate)
    if not any(finding.severity == CONTRADICTION for finding in result.findings):
        return result
    folds = any(finding.kind == "fold-row" and finding.severity == CONTRADICTION for finding in result.findings)
    return _unless_cut(result, _examine(cut_off(paper), False, folds))


def _examine(paper: Paper, simulate: bool, folds: bool = True) -> Audit:
    """Run every check once; `folds`: also search the folds behind rows of means, which takes longest."""
    ledger = Ledger()
    check_headings(paper, ledger)
    check_units(paper, ledger)
    hints = check_repeated(paper, ledger)
    check_sums(paper, ledger)
    check_equal_columns(paper, ledger)
    recovery = recover(paper, ledger, hints, simulate)
    averages = check_averages(paper, ledger, recovery)
    check_mean_rows(paper, ledger, recovery)
    check_scale_free(paper, ledger)
    if folds:
        check_fold_rows(paper, ledger, recovery)
    check_auc_points(paper, ledger, recovery)
    intervals = check_cells(paper, ledger, recovery)
    tests = check_tests(paper, ledger, recovery, simulate)
    check_statistics(paper, ledger)
    check_whole_numbers(paper, ledger)
    check_consequences(paper, ledger, recovery)
    bounds = check_claims(paper, ledger, recovery)
    check_wordings(paper, ledger)
    check_spreads_of_facts(paper, ledger)
    made = _check_splits(paper, ledger, recovery) if simulate else pd.DataFrame()
    order = [row.path for table in paper.tables.values() for row in table.rows.values()]
    matrices = sorted(recovery.matrices, key=lambda found: order.index(found.path))
    findings = sorted(ledger.findings, key=lambda finding: SEVERITIES.index(finding.severity))
    checks = pd.DataFrame(ledger.checks, columns=Check._fields)
    return Audit(paper.title, findings, matrices, checks, _readings(recovery), tests, averages, bounds, made, intervals)


def _unless_cut(result: Audit, cut: Audit) -> Audit:
    """Call a contradiction only unlikely where it goes away with digits cut off; such tables' matrices go with it.

    Kinds are compared by the place that they speak of: a paper read so allows everything that rounding allows and more.
    """
    stay = {(one.kind, one.where) for one in cut.findings if one.severity == CONTRADICTION}
    findings, softened = [], set()
    for one in result.findings:
        if one.severity == CONTRADICTION and (one.kind, one.where) not in stay:
            softened.add(one.where)
            one = one._replace(
                severity=UNLIKELY, message=f"{one.message} It fits if digits were cut off where others are rounded."
            )
        findings.append(one)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    matrices = [one for one in result.matrices if one.table not in softened or one.repaired]
    return result._replace(findings=findings, matrices=matrices)


def read_source(source: Path | str | None) -> Paper:
    """Read a YAML file of printed numbers; None: the published paper."""
    if source is None:
        from ovcf.audit.published import published_paper

        return published_paper()
    return read_paper(Path(source))


def _readings(recovery: Recovery) -> pd.DataFrame:
    """Table of ranked readings: group, reading, rows explained, of, positives, chance."""
    rows = [
        (group, fit.reading.name, len(fit.explained), len(fit.solutions), fit.positives, fit.chance)
        for group, fits in recovery.fits.items()
        for fit in fits
    ]
    return pd.DataFrame(rows, columns=["group", "reading", "explained", "rows", "positives", "chance"])


def _check_splits(paper: Paper, ledger: Ledger, recovery: Recovery) -> pd.DataFrame:
    """Compare recovered fold sizes with the known ways of splitting."""
    tables = []
    for name, parts in recovery.parts.items():
        sizes = parts.sizes()
        if sizes is None or len(sizes) < 2:
            continue
        patients = paper.facts["patients"].value if "patients" in paper.facts else None
        chances = split_chances(sizes, None if patients is None else int(patients))
        tables.append(chances.assign(table=name))
        possible = chances[chances["chance"] >= SURE]
        unlikely = chances[chances["chance"] <= NEVER]
        shown = ", ".join(f"{n} ({p}/{m})" for n, (p, m) in zip(sizes.sum(axis=1), sizes, strict=True))
        ways = "; ".join(f"{row.splitter} (chance {row.chance:.2g})" for row in chances.itertuples())
        message = (
            f"The recovered folds have {shown} cases ({paper.positive}/{paper.negative}). Chance of just "
            f"these sizes under known ways of splitting: {ways}."
        )
        if len(possible) > 1:
            message += " The sizes alone do not tell the likely ways apart."
        elif len(unlikely):
            message += " How patients were kept together, if they were, is not said."
        ledger.find("fold-sizes", NOTE, paper.tables[name].place, shown, ways, message, where=name)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


# As text
# --------------------------------------------------------------------------------------------------------------


WIDTH = 100


def as_text(result: Audit) -> str:
    """Findings in words, the most severe first, then the recovered matrices."""
    counts = Counter(finding.severity for finding in result.findings)
    summary = ", ".join(f"{counts[severity]} x {severity}" for severity in SEVERITIES if counts[severity])
    held = int((~result.checks["outcome"].isin(SEVERITIES)).sum())
    lines = [result.title, f"{summary or 'nothing found'}; {held} checks found nothing.", ""]
    for finding in result.findings:
        lines += [f"[{finding.severity}] {finding.place}  ({finding.id})"]
        message = finding.message + (f" Would decide it: {finding.decides}." if finding.decides else "")
        lines += textwrap.wrap(message, WIDTH, initial_indent="    ", subsequent_indent="    ") + [""]
    return "\n".join(lines + _matrices(result))


def _matrices(result: Audit) -> list[str]:
    """List recovered matrices; of rows that several fit, only how many."""
    if not result.matrices:
        return ["No row prints enough to recover its confusion matrix."]
    several = Counter((found.table, found.row) for found in result.matrices)
    width = max(len(f"{table}, {row}") for table, row in several)
    lines = ["Confusion matrices that the printed digits leave:", f"{'':{width}}    TP    FN    TN    FP"]
    for found in result.matrices:
        name, number = f"{found.table}, {found.row}", several.pop((found.table, found.row), 0)
        if number == 1:
            cells = "".join(f"{value:6d}" for value in found.matrix)
            note = "" if found.unique else "   (not the only one)"
            note += f"   (repaired: {found.repaired})" if found.repaired else ""
            lines.append(f"{name:{width}}{cells}   {found.reading}{note}")
        elif number:
            lines.append(f"{name:{width}}   {number} matrices fit")
    return lines
