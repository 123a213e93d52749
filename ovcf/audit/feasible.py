"""Can the numbers of one row stand beside one another: whatever the number of cases, over folds, and with an AUC?"""

import math
from fractions import Fraction

from . import scale_free
from .bounds import auc_bounds, auc_error
from .findings import CONTRADICTION, NOTE, UNLIKELY, Ledger
from .fold_rows import IMPOSSIBLE, OPEN, POSSIBLE, Sizes, Target, Verdict, check_any_folds, check_folds, target
from .matrices import LARGEST_N, rates_of, solve
from .paper import Paper, Row, Set, Table
from .printed import Interval, show
from .readings import Reading, readings_of, under
from .recover import Recovery
from .repeated import tables_with
from .scores import SCORES, UNBOUNDED

SAME_SIZE = 0.05  # an AUC this far below its own point's trapezoid is called out where the number of cases is not known
LINEAR = ("recall_positive", "recall_negative", "recall_macro", "youden")  # equations among these survive averaging


def check_scale_free(paper: Paper, ledger: Ledger) -> None:
    """Hold the rates of every row against one another where no number of cases allows an exact search.

    What it cannot see: an error that leaves the rates of a row in agreement with some number of cases.
    """
    for table in paper.tables.values():
        rows = [row for row in table.singles() if len(table.rates(row)) > 1 and not _sized(paper, table, row)]
        free = [
            row
            for row in rows
            if _check_row(paper, ledger, table, row, {m: i for m, (_, i) in table.rates(row).items()})
        ]
        if free:
            _report_unsized(paper, ledger, table, free)
    for table, row in tables_with(paper, "mean"):
        if not row.copy_of:
            _check_mean(paper, ledger, table, row)


def _sized(paper: Paper, table: Table, row: Row) -> bool:
    """Tell whether a row says on how many cases it was measured, few enough to be searched."""
    cases = paper.sets.get(table.cases or table.folds_of or "")
    n = row.n or (cases and cases.n)
    return bool(n and n[1] <= LARGEST_N)


def _honest(table: Table) -> list[Reading]:
    """Readings that change no heading: as headed, and averages under names that say no class."""
    bare = [table.metrics[column] for column in table.bare()]
    return [reading for reading in readings_of(table.metrics.values(), bare) if reading.honest]


def _check_row(paper: Paper, ledger: Ledger, table: Table, row: Row, rates: dict[str, Interval], words="") -> bool:
    """Report a row that no share of positive cases allows under any honest reading; True if some does."""
    share = _share(paper.sets.get(table.cases or ""))
    place = table.place_of(row.name)
    for reading in _honest(table):
        mapped = under(reading, {metric: ("", interval) for metric, interval in rates.items()})
        if scale_free.possible(_floats(mapped), share):
            ledger.holds("rates beside one another", place, reading.name)
            return True
    floats = _floats(rates)
    some = scale_free.conflict(floats, share)
    last = max(some, key=_told_last)
    others = {metric: floats[metric] for metric in some if metric != last}
    column = table.column_of(last, last)
    unit, printed = table.unit_of(column), row.cells[column].printed
    span = scale_free.span(last, others, share)
    shown = _span(span, unit, printed.decimals) if span else "not possible"
    given = " and ".join(f"{paper.word(m)} {row.cells[table.column_of(m, m)].printed.text}" for m in others)
    message = (
        f"Whatever the number of cases{words}: with {given}, " if others else f"Whatever the number of cases{words}: "
    )
    message += f"{paper.word(last)} lies within {shown}" if span else "these cannot stand together"
    message += f"; printed is {printed.text}."
    ledger.find("scale-free", CONTRADICTION, table.place_of(row.name, column), printed.text, shown, message, [row])
    return False


def _told_last(metric: str) -> int:
    """Of the rates that contradict, the one that a reader would compute from the others."""
    order = ("recall_positive", "recall_negative", "precision_positive", "precision_negative", "accuracy")
    return order.index(metric) if metric in order else len(order)


def _span(span: tuple[float, float], unit: int, decimals: int) -> str:
    low, high = (show(min(max(end, -1e6), 1e6) * unit, max(decimals, 2)) for end in span)
    return low if low == high else f"{low} to {high}"


def _floats(rates: dict[str, Interval]) -> scale_free.Rates:
    return {m: (float(i.low), float(i.high)) for m, i in rates.items() if m in SCORES}


def _share(cases: Set | None) -> tuple[float, float]:
    """Share of positive cases, where class totals are printed."""
    if cases is None or not cases.positive or not cases.negative:
        return 0.0, 1.0
    share = cases.positive / (cases.positive + cases.negative)
    return share, share


def _report_unsized(paper: Paper, ledger: Ledger, table: Table, rows: list[Row]) -> None:
    """Say what could not be checked because no number of cases is printed, or too many are."""
    cases = paper.sets.get(table.cases or table.folds_of or "")
    n = rows[0].n or (cases and cases.n)
    why = f"with {n[1]:,} cases too many matrices fit" if n else "the number of cases is not printed"
    message = (
        f"For {len(rows)} row{'s' if len(rows) > 1 else ''} {why}, so whether whole numbers of cases give these "
        "digits was "
        "not tried; only what holds on any number of cases was, and it holds."
    )
    decides = "the four counts of each row" if n else "the number of cases, better the four counts of each row"
    shown = "no number of cases" if not n else f"{n[1]:,} cases"
    ledger.undecided("no-size", table.place, shown, "not tried", message, rows, decides)


def _check_mean(paper: Paper, ledger: Ledger, table: Table, row: Row) -> None:
    """A row of means: what is linear holds for the means; with ±, every single fold lies near enough to be held."""
    k = _folds_of(paper, table, row)
    rates = {metric: _widened(table, row, column, 0) for metric, (column, _) in table.rates(row).items()}
    linear = {metric: interval for metric, interval in rates.items() if metric in LINEAR}
    if len(linear) > 2 and not _check_row(paper, ledger, table, row, linear, " and of folds"):
        return
    sds = [row.cells[column].printed.sd for column, _ in table.rates(row).values()]
    if k and k > 1 and len(rates) > 1 and None not in sds:
        near = {metric: _widened(table, row, column, k) for metric, (column, _) in table.rates(row).items()}
        _check_row(paper, ledger, table, row, near, ", for each single fold of this mean and ±")


def _widened(table: Table, row: Row, column: str, k: int) -> Interval:
    """Values of a mean (k = 0), or of every single of k values with this mean and SD: at most SD sqrt(k - 1) away."""
    printed, unit = row.cells[column].printed, table.unit_of(column)
    interval, half = table.rate(row, column), Fraction(1, 2 * unit * 10**printed.decimals)
    away = half
    if k and printed.sd is not None:
        away += Fraction(math.sqrt(k - 1) * float(printed.sd_interval().high + half * unit) / unit)
    low, high = interval.low - away, interval.high + away
    if table.metrics[column] in UNBOUNDED:
        return Interval(max(low, Fraction(0)), high)
    return Interval(low, high)


def _folds_of(paper: Paper, table: Table, row: Row) -> int | None:
    """Number of rows that a mean is taken over."""
    return len(paper.rows(f"{table.name} / {row.of}")) if row.of else row.over


# Means ± SD over folds, in whole numbers
# -----------------------------------------------------------------------------------------------


def check_fold_rows(paper: Paper, ledger: Ledger, recovery: Recovery) -> None:
    """Decide whether each mean row over folds of a set with printed class totals can be had from whole numbers.

    What it cannot see: a row whose folds can be had but were not those of the study; nor uneven folds beyond those
    tried.
    """
    for table, row in tables_with(paper, "mean"):
        cases, k = paper.sets.get(table.folds_of or ""), row.over
        if row.copy_of or row.of or not cases or not k or k < 2 or None in (cases.positive, cases.negative):
            continue
        if (
            cases.positive + cases.negative <= LARGEST_N
            and min(cases.positive, cases.negative) >= k
            and table.rates(row)
        ):
            sizes = _sizes(paper, recovery, table, cases, k)
            _report_folds(paper, ledger, table, row, cases, sizes, _decide(table, row, cases, k, sizes))


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
    for reading in _honest(table):
        verdict = _verdict(_targets(table, row, reading, k, 1.0), cases, k, sizes)
        best = verdict if best is None or verdict.answer != IMPOSSIBLE else best
        n = cases.positive + cases.negative
        pooled = solve(under(reading, table.rates(row)), n, positives=cases.positive, limit=1)
        if verdict.answer == POSSIBLE or pooled.count:
            return Verdict(POSSIBLE, (), verdict.folds), None
        if verdict.answer == IMPOSSIBLE and any(row.cells[c].printed.sd is not None for c in row.cells):
            as_error = _verdict(_targets(table, row, reading, k, math.sqrt(k)), cases, k, sizes)
            other = as_error if other is None or as_error.answer != IMPOSSIBLE else other
    return best, other


def _verdict(targets: dict[str, Target], cases: Set, k: int, sizes: tuple[Sizes | None, str]) -> Verdict:
    """Decide on printed or recovered fold sizes, else on any."""
    return check_folds(sizes[0], targets) if sizes[0] else check_any_folds(cases.positive, cases.negative, k, targets)


def _targets(table: Table, row: Row, reading: Reading, k: int, factor: float) -> dict[str, Target]:
    """Targets of a row's columns; each fold may have been rounded as finely as the mean before it was averaged."""
    found = {}
    for metric, (column, interval) in table.rates(row).items():
        printed, unit = row.cells[column].printed, table.unit_of(column)
        if metric in UNBOUNDED:
            continue  # undefined in a fold without an error
        sd = printed.sd_interval().scaled(Fraction(factor) / unit) if printed.sd is not None else None
        found[reading.of(metric)] = target(interval, sd, k, rounding=Fraction(1, 2 * unit * 10**printed.decimals))
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
            f"cases read rightly): {shown}. Others may give them too."
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
        f"divisor (fold sizes {source or 'of any kind'}; a result pooled over all cases does not either)."
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
