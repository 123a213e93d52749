"""Can the numbers of one row stand beside one another over folds, and with an AUC?"""

import math
from fractions import Fraction

from .bounds import auc_bounds, auc_error
from .findings import CONTRADICTION, NOTE, UNLIKELY, Ledger
from .fold_rows import IMPOSSIBLE, OPEN, POSSIBLE, Sizes, Verdict, check_folds
from .fold_sizes import check_any_folds
from .free_rows import honest_readings
from .matrices import LARGEST_N, rates_of, solve
from .paper import Paper, Row, Set, Table
from .printed import Interval
from .readings import Reading, under
from .recover import Recovery
from .repeated import tables_with
from .scores import UNBOUNDED
from .targets import Target, target

SAME_SIZE = 0.05  # an AUC this far below its own point's trapezoid is called out where the number of cases is not known


def check_fold_rows(paper: Paper, ledger: Ledger, recovery: Recovery) -> None:
    """Decide whether each mean row over folds of a set with printed class totals can be had from whole numbers.

    What it cannot see: a row whose folds can be had but were not those of the study; nor uneven folds beyond those
    tried.
    """
    untried: dict[tuple[str, str], list[Row]] = {}
    for table, row in tables_with(paper, "mean"):
        if row.copy_of or row.of or len(table.rates(row)) < 2:
            continue
        cases, k = paper.sets.get(table.folds_of or ""), row.over
        why = _untried(cases, k)
        if not why:
            sizes = _sizes(paper, recovery, table, cases, k)
            verdicts = _decide(table, row, cases, k, sizes)
            _report_folds(paper, ledger, table, row, cases, sizes, verdicts)
            open_ones = verdicts[0].answer == OPEN and not verdicts[0].even
            why = "too many ways to deal right answers to the folds" if open_ones else ""
        if why:
            untried.setdefault((table.name, why), []).append(row)
    for (name, why), rows in untried.items():
        _report_untried(ledger, paper.tables[name], why, rows)


def _untried(cases: Set | None, k: int | None) -> str:
    """Say why the folds behind a row of means cannot be searched; "" where they can."""
    if not k or k < 2:
        return "the number of folds is not printed"
    if not cases or cases.positive is None or cases.negative is None:
        return "the cases of each class are not printed"
    if cases.positive + cases.negative > LARGEST_N:
        return "there are too many cases"
    return "there are fewer cases of a class than folds" if min(cases.positive, cases.negative) < k else ""


def _report_untried(ledger: Ledger, table: Table, why: str, rows: list[Row]) -> None:
    """Say of which rows of means it stays open whether whole numbers in the folds give them."""
    names = ", ".join(row.name for row in rows)
    message = (
        f"Whether whole numbers of cases in the folds give these means was not settled for {names}: {why}. What holds "
        "of any folds was tried."
    )
    decides = (
        "the numbers of each single fold"
        if "too many" in why
        else why.replace(" is not printed", "").replace(" are not printed", "")
    )
    ledger.undecided("no-folds", table.place, names, "not settled", message, rows, decides)


def _sizes(paper: Paper, recovery: Recovery, table: Table, cases: Set, k: int) -> tuple[Sizes | None, str]:
    """Sizes of the folds and where they come from: printed, or recovered from another table of the same folds."""
    if cases.folds and len(cases.folds) == k:
        return cases.folds, "printed"
    for name, parts in recovery.parts.items():
        found = parts.sizes()
        if paper.tables[name].folds_of == table.folds_of and found is not None and len(found) == k:
            return tuple((int(p), int(n)) for p, n in found), f"recovered from {paper.tables[name].place}"
    return None, ""


def _decide(
    table: Table, row: Row, cases: Set, k: int, sizes: tuple[Sizes | None, str]
) -> tuple[Verdict, Verdict | None]:
    """Try honest readings, ± as SD and, if that cannot be, as standard error, and a result pooled over all folds.

    Returns the verdict with ± as an SD (the best of all readings) and, where it is impossible, with ± as standard
    error.
    """
    best, other = None, None
    for reading in honest_readings(table):
        verdict = _verdict(_targets(table, row, reading, k, 1.0), cases, k, sizes)
        best = verdict if best is None or verdict.answer != IMPOSSIBLE else best
        n = cases.positive + cases.negative
        pooled = solve(under(reading, table.rates(row)), n, positives=cases.positive, limit=1)
        if verdict.answer == POSSIBLE or pooled.count:
            return verdict._replace(answer=POSSIBLE), None
        if verdict.answer == IMPOSSIBLE and any(row.cells[c].printed.sd is not None for c in row.cells):
            as_error = _verdict(_targets(table, row, reading, k, math.sqrt(k)), cases, k, sizes)
            other = as_error if other is None or as_error.answer != IMPOSSIBLE else other
    return best, other


def _verdict(targets: dict[str, Target], cases: Set, k: int, sizes: tuple[Sizes | None, str]) -> Verdict:
    """Decide on printed or recovered fold sizes, else on any."""
    return check_folds(sizes[0], targets) if sizes[0] else check_any_folds(cases.positive, cases.negative, k, targets)


def _targets(table: Table, row: Row, reading: Reading, k: int, factor: float) -> dict[str, Target]:
    """Targets of a row's columns; each fold may have been rounded to the mean's digits or more before averaging."""
    found = {}
    for metric, (column, interval) in table.rates(row).items():
        printed, unit = row.cells[column].printed, table.unit_of(column)
        if metric in UNBOUNDED:
            continue  # undefined in a fold without an error
        sd = printed.sd_interval().scaled(Fraction(factor) / unit) if printed.sd is not None else None
        digits = printed.decimals + (2 if unit == 100 else 0)
        found[reading.of(metric)] = target(interval, sd, k, digits=digits, cut=printed.cut)
    return found


def _report_folds(paper: Paper, ledger: Ledger, table: Table, row: Row, cases: Set, sizes, verdicts) -> None:
    """Say that no folds give a row, that only uneven ones could, or which folds do."""
    verdict, as_error = verdicts
    place, known = table.place_of(row.name), sizes[0]
    dealt = known or ((cases.positive, cases.negative),)
    total = f"{sum(p for p, _ in dealt)} {paper.positive} and {sum(n for _, n in dealt)} {paper.negative} cases"
    printed = ", ".join(row.cells[column].printed.text for column, _ in table.rates(row).values())
    if verdict.answer == IMPOSSIBLE and (as_error is None or as_error.answer != POSSIBLE):
        return _report_no_folds(paper, ledger, table, row, sizes, verdicts, total, printed)
    if verdict.answer == IMPOSSIBLE:
        message = f"As SDs over {row.over} folds of {total} these ± cannot be; as standard errors they can."
        return ledger.find("divisor", NOTE, place, printed, "± as standard errors", message, [row])
    if verdict.answer == OPEN and verdict.even:
        message = f"No even dealing of {total} into {row.over} folds gives this row; uneven folds were not all tried."
        decides = "the size of each fold"
        return ledger.undecided("fold-row", place, printed, "no even folds", message, [row], decides)
    if verdict.answer == OPEN:
        return ledger.holds("folds behind means", place, "not settled: too many ways to try")
    ledger.holds("folds behind means", place, "can be had from whole numbers")
    if verdict.folds is not None and _telling(table, row):
        shown = "; ".join(f"{tp} of {tp + fn} and {tn} of {tn + fp}" for tp, fn, tn, fp in verdict.folds.tolist())
        message = (
            f"All {len(table.rates(row))} means and their ± follow from these folds ({paper.positive} and "
            f"{paper.negative} "
            f"cases read rightly){', ' + verdict.how if verdict.how else ''}: {shown}. Others may give them too."
        )
        ledger.find("folds-found", NOTE, place, f"{row.over} folds", shown, message, [row])


def _report_no_folds(paper, ledger, table, row, sizes, verdicts, total: str, printed: str) -> None:
    """Say that no whole numbers in the folds give a row; how sure that is depends on where the sizes come from."""
    verdict, as_error = verdicts
    known, source = sizes
    few = len(verdict.columns) < 3
    which = " and ".join(paper.word(metric) for metric in verdict.columns) if few else "these columns"
    message = (
        f"No whole numbers of right answers in {row.over} folds of {total} give {which} as printed, with the ± "
        "as SD by either "
        f"divisor, nor do folds that were rounded before they were averaged (fold sizes {source or 'of any kind'}; a "
        "result pooled over all cases does not either)."
    )
    severity = CONTRADICTION
    if known and source != "printed":
        severity, message = UNLIKELY, message + " It could be if this row was measured on other folds."
    if as_error is not None and as_error.answer == OPEN:
        severity, message = UNLIKELY, message + " With the ± as standard errors there are too many ways to try."
    ledger.find("fold-row", severity, table.place_of(row.name), printed, "no folds", message, [row])


def _telling(table: Table, row: Row) -> bool:
    """Tell whether a row prints so much that folds that give it are worth showing: five means with their ±."""
    return sum(row.cells[column].printed.sd is not None for column, _ in table.rates(row).values()) >= 5


# An AUC and the point that the matrix gives
# -----------------------------------------------------------------------------------------------


def check_auc_points(paper: Paper, ledger: Ledger, recovery: Recovery) -> None:
    """An AUC is bounded by the sensitivity and specificity that the same scores gave.

    What it cannot see: an AUC that is wrong within its bounds, or sensitivity and specificity of another score.
    """
    for table, row in tables_with(paper, "single"):
        column, point = table.column_of("auc", "auc"), _point(table, row, recovery)
        if column is None or column not in row.cells or point is None or row.cells[column].printed.relation:
            continue
        auc, place, printed = table.rate(row, column), table.place_of(row.name, column), row.cells[column].printed
        low = auc_bounds(*(one.low for one in point))[0]
        high = auc_bounds(*(one.high for one in point))[1]
        trapezoid = float(sum(one.low for one in point)) / 2
        if float(auc.high) < low - 1e-9 or float(auc.low) > high + 1e-9:
            area = f"{low:.3f} and {high:.3f}"
            message = f"A curve through this row's sensitivity and specificity has an area between {area}."
            ledger.find("auc-point", CONTRADICTION, place, printed.text, f"{low:.3f} to {high:.3f}", message, [row])
        elif float(auc.high) < trapezoid - _room(recovery, row):
            message = (
                "This row's sensitivity and specificity alone, joined by straight lines, enclose an area of "
                f"{trapezoid:.3f}. A "
                "smaller AUC of the same scores means a curve that sags far below its own point."
            )
            ledger.find("auc-point", UNLIKELY, place, printed.text, f"about {trapezoid:.3f} or more", message, [row])
        else:
            ledger.holds("AUC and its point", place, f"{low:.3f} to {high:.3f}")


def _point(table: Table, row: Row, recovery: Recovery) -> tuple[Interval, Interval] | None:
    """Sensitivity and specificity of a row: from its only matrix, else as printed."""
    matrix = recovery.unique_of(row.path)
    if matrix is not None:
        exact = rates_of(matrix.matrix)
        if "recall_positive" in exact and "recall_negative" in exact:
            return tuple(Interval(exact[m], exact[m]) for m in ("recall_positive", "recall_negative"))
    rates = table.rates(row)
    if "recall_positive" in rates and "recall_negative" in rates and "recall" not in table.columns:
        return rates["recall_positive"][1], rates["recall_negative"][1]
    return None


def _room(recovery: Recovery, row: Row) -> float:
    """How far an AUC may lie below its point's trapezoid by chance: three standard errors, or a fixed room."""
    matrix = recovery.unique_of(row.path)
    if matrix is None or not matrix.tp + matrix.fn or not matrix.tn + matrix.fp:
        return SAME_SIZE
    return max(3 * auc_error(0.75, matrix.tp + matrix.fn, matrix.tn + matrix.fp), 0.02)
