"""Checks on rows that are means ± SD: divisors, F1, accuracy, spreads, an AUC and its point."""

from fractions import Fraction

import numpy as np
import pandas as pd

from .averages import OPEN, PLAINLY, Average, averages_of
from .bounds import auc_bounds, auc_error, class_share, largest_sd, mean_f1_bounds, spread_p
from .divisors import report_divisors
from .findings import CONTRADICTION, NOTE, UNLIKELY, Ledger
from .paper import Paper, Row, Table
from .printed import Interval, show
from .recover import Recovery
from .repeated import tables_with

SAMPLING = 1e-6  # chance below which a spread is called out
TIMES = 4  # and only if it is this many times what sampling alone gives


def check_averages(paper: Paper, ledger: Ledger, recovery: Recovery) -> pd.DataFrame:
    """Recompute printed averages and SDs from the rows of the same table; name each ±'s divisor.

    What it cannot see: an average over other rows than the table's, and a ± that is neither SD.
    """
    found: list[Average] = []
    for table, row in tables_with(paper, "mean"):
        if row.of:
            columns = averages_of(paper, table, row, recovery)
            for average in columns:
                _report_average(ledger, row, average)
            report_divisors(paper, ledger, table, row, columns, recovery)
            found += columns
    return pd.DataFrame(found, columns=Average._fields)


def _report_average(ledger: Ledger, row: Row, average: Average) -> None:
    """Say when an average or its ± does not follow from the rows."""
    if average.fits and average.how != PLAINLY:
        return _report_weighted(ledger, row, average)
    if average.how == OPEN:
        message = (
            f"The plain average of the {average.k} rows is {average.shown}, printed is {average.printed}. "
            "Weights that are "
            "not printed could give it."
        )
        decides = "the number of cases behind each row, or that the average is a plain one"
        return ledger.undecided("average", average.place, average.printed, average.shown, message, [row], decides)
    if average.fits and average.ddof in ("standard error", "95 % half-width"):
        message = f"The ± is the {average.ddof} of the {average.k} rows' mean, not their SD (± {show(average.sd1)})."
        return ledger.find("divisor", NOTE, average.place, average.printed, f"± {show(average.sd1)}", message, [row])
    if average.fits and average.ddof != "neither":
        return ledger.holds("average", average.place, f"{average.shown} (ddof {average.ddof})")
    _report_wrong(ledger, row, average)


def _report_weighted(ledger: Ledger, row: Row, average: Average) -> None:
    """Note an average that is not the plain one."""
    message = (
        f"This is the average of the {average.k} rows {average.how}; the plain one is {average.shown}. Which of them a "
        "reader should expect is not said."
    )
    ledger.find("average", NOTE, average.place, average.printed, average.shown, message, [row])


def _report_wrong(ledger: Ledger, row: Row, average: Average) -> None:
    """Say that no average of the rows gives what is printed, and which one row would mend it."""
    what = "mean does" if not average.fits else "± does"
    message = f"The {average.k} rows above give {average.shown}, printed is {average.printed}."
    if not average.fits and average.ddof == "neither":
        what = "mean and ± do"
    if len(average.mends) == 1:
        (name, (low, high)), *_ = average.mends.items()
        message += f" Both printed numbers would follow if {name} alone had {_span(low, high)} in this column."
    elif average.mends:
        message += f" One other value in any of {len(average.mends)} rows would mend it."
    else:
        message += " No change of a single row gives both the mean and the ±."
    text = f"The {what} not follow from the rows. {message}"
    ledger.find("average", CONTRADICTION, average.place, average.printed, average.shown, text, [row])


def _span(low, high) -> str:
    return show(low) if high - low < 0.01 else f"{show(low)} to {show(high)}"


# One row at a time
# -----------------------------------------------------------------------------------------------


def check_mean_rows(paper: Paper, ledger: Ledger, recovery: Recovery) -> None:
    """Check means of precision, recall, F1, accuracy and AUC against one another.

    What it cannot see: means that are wrong but lie within the bounds that the others set.
    """
    seen = set()
    for table, row in tables_with(paper, "mean"):
        k = len(paper.rows(f"{table.name} / {row.of}")) if row.of else row.over
        repeats = row.copy_of is not None
        if repeats and row.copy_of in seen:
            continue
        seen.add(row.path)
        for side in ("positive", "negative"):
            _check_f1(paper, ledger, table, row, side, k)
        _check_largest(ledger, table, row, k)
        if not repeats:
            _check_spread(paper, ledger, recovery, table, row, k)
    for table in paper.tables.values():
        _check_shares(paper, ledger, recovery, table)


def _interval(table: Table, row: Row, metric: str, truncated: bool = True):
    """Printed cell of a metric and its interval as a fraction of 1, or (None, None)."""
    column = table.column_of(metric, metric)
    if column is None or column not in row.cells or row.cells[column].printed.relation:
        return None, None
    interval, unit = row.cells[column].printed.interval(truncated), table.unit_of(column)
    return row.cells[column].printed, interval.scaled(Fraction(1, unit))


def _check_f1(paper, ledger, table, row, side, k):
    """A mean F1 is at most the F1 of the mean precision and recall."""
    names = [f"{kind}_{side}" for kind in ("precision", "recall", "f1")]
    (p, precision), (r, recall), (f, f1) = (_interval(table, row, name, False) for name in names)
    if None in (p, r, f):
        return
    column = table.column_of("", f"f1_{side}")
    unit, place = table.unit_of(column), table.place_of(row.name, column)
    sds = [cell.sd_interval().high / unit if cell.sd is not None else None for cell in (p, r)]
    sds = [None, None] if table.bare() else sds  # averages over classes keep the upper bound only
    bound = mean_f1_bounds(precision, recall, *sds, k)
    if f1.meets(bound):
        return ledger.holds("F1 of means", place, f"at most {show(bound.high * unit)}")
    above = f1.low > bound.high
    limit = show((bound.high if above else bound.low) * unit)
    message = (
        f"With a mean precision of {p.text} and a mean recall of {r.text}, the mean F1 can be at "
        f"{'most' if above else 'least'} {limit}, whatever the single results were; printed is {f.text}."
    )
    halves = [Fraction(1, 2 * unit * 10**cell.decimals) for cell in (p, r, f)]
    wide = [Interval(one.low - h, one.high + h) for one, h in zip((precision, recall, f1), halves, strict=True)]
    rounded = wide[2].meets(mean_f1_bounds(*wide[:2], *sds, k))
    message += " Results that were rounded before they were averaged could still give it." if rounded else ""
    shown, severity = f"at {'most' if above else 'least'} {limit}", UNLIKELY if rounded else CONTRADICTION
    ledger.find("f1-bound", severity, place, f.text, shown, message, [row])


def f1_limits(paper: Paper) -> pd.DataFrame:
    """Tabulate printed mean F1 and the largest that the row's mean precision and recall allow, in percent.

    Columns table, row, class, printed, limit (limits at the printed values, without their rounding).
    """
    found = []
    for table, row in tables_with(paper, "mean"):
        for side, name in (("positive", paper.positive), ("negative", paper.negative)):
            ends = [_interval(table, row, f"{kind}_{side}") for kind in ("precision", "recall", "f1")]
            if all(cell is not None for cell, _ in ends):
                unit = 100 / table.unit_of(table.column_of("", f"f1_{side}"))
                p, r, f = (float(cell.value) * unit for cell, _ in ends)
                found.append((table.name, row.name, name, f, 2 * p * r / (p + r)))
    return pd.DataFrame(found, columns=["table", "row", "class", "printed", "limit"])


def _check_largest(ledger, table, row, k):
    """An SD of values between 0 and 1 (or 100) has a largest value for each mean."""
    for column, cell in row.cells.items():
        if cell.printed.sd is None or table.kind == "counts":
            continue
        unit = table.unit_of(column)
        ends = [min(max(float(end) / unit, 0.0), 1.0) for end in cell.printed.interval(truncated=True)]
        most = max(largest_sd(mean, 0, 1, k) for mean in (*ends, *([0.5] if ends[0] <= 0.5 <= ends[1] else [])))
        if float(cell.printed.sd_interval().low) / unit > most:
            message = f"Numbers between 0 and {unit} with this mean cannot spread by more than ± {most * unit:.3g}."
            place = table.place_of(row.name, column)
            ledger.find("largest-sd", CONTRADICTION, place, cell.printed.text, f"± {most * unit:.3g}", message, [row])


def _check_spread(paper, ledger, recovery, table, row, k):
    """Compare the ± of an AUC or accuracy over folds with what sampling alone gives for such folds."""
    size = _fold_size(paper, table, k)
    for metric in ("auc", "accuracy") if size and k else ():
        cell, interval = _interval(table, row, metric)
        if cell is None or cell.sd is None:
            continue
        column, mean = table.column_of("", metric), float((interval.low + interval.high) / 2)
        if not 0 < mean < 1:
            continue
        error = auc_error(mean, size / 2, size / 2) if metric == "auc" else (mean * (1 - mean) / size) ** 0.5
        sd, unit = float(cell.sd) / table.unit_of(column), table.unit_of(column)
        p, place = spread_p(sd, error, k), table.place_of(row.name, column)
        if not (p < SAMPLING and sd > TIMES * error):
            ledger.holds("spread over folds", place, f"sampling alone gives about ± {error * unit:.3g}")
            continue
        near = [
            float(one.cells[column].printed.sd) / unit
            for one in table.rows.values()
            if one is not row
            and one.kind == "mean"
            and column in one.cells
            and one.cells[column].printed.sd is not None
        ]
        message = (
            f"Folds of about {size:.0f} cases make this number vary by about ± {error * unit:.2g} by chance; "
            f"printed is ± {cell.sd_digits}, {sd / error:.0f} times as much"
        )
        message += f" (the other rows print ± {min(near) * unit:.3g} to ± {max(near) * unit:.3g})" if near else ""
        low, high = _reach(table, row, k, mean) if metric == "auc" else (None, None)
        if low is not None:
            message += f". The row's recalls keep every fold's AUC near {low:.2f} to {high:.2f}, so folds "
            message += "would have to lie at both ends of it"
        ledger.find("spread", UNLIKELY, place, cell.text, f"about ± {error * unit:.2g}", message + ".", [row])


def _reach(table, row, k, mean):
    """Range of a fold's AUC at the row's mean recalls, where printed: see `auc_bounds`."""
    recalls = [_interval(table, row, f"recall_{side}")[1] for side in ("positive", "negative")]
    if None in recalls:
        return None, None
    return auc_bounds(*(float((one.low + one.high) / 2) for one in recalls))


def _fold_size(paper, table, k) -> float | None:
    """Cases of one fold of the set that a table's folds make up."""
    cases = paper.sets.get(table.folds_of or "")
    return sum(cases.n) / 2 / k if cases and cases.n and k else None


# Share of the classes
# --------------------------------------------------------------------------------------------


def _check_shares(paper, ledger, recovery, table):
    """See which share of positives mean accuracy and mean recalls imply, against the printed class totals."""
    cases = paper.sets.get(table.folds_of or table.cases or "")
    if cases is None or None in (cases.positive, cases.negative) or cases.positive == cases.negative:
        return
    stated = cases.positive / (cases.positive + cases.negative)
    wobble = _wobble(paper, recovery, table, stated)
    against, shown = [], []
    for row in table.rows.values():
        if row.kind != "mean" or row.of or row.copy_of or wobble is None:
            continue
        (_, accuracy), (p, positive), (n, negative) = (
            _interval(table, row, metric) for metric in ("accuracy", "recall_positive", "recall_negative")
        )
        if None in (accuracy, positive, negative):
            continue
        sds = sum(float(cell.sd or 0) / 100 for cell in (p, n))
        share = class_share(accuracy, positive, negative, wobble * sds)
        if share and not share[0] <= stated <= share[1]:
            against.append((row.name, share))
        elif share:
            shown.append(row.name)
    if not against:
        if shown:
            ledger.holds("share of classes", table.place, f"{len(shown)} rows allow the printed totals")
        return
    turned = [name for name, share in against if share[0] <= 1 - stated <= share[1]]
    ranges = "; ".join(f"{name} {share[0]:.1%} to {share[1]:.1%}" for name, share in against)
    message = (
        f"Accuracy is the average of the two recalls weighted by class size. In {_rows(against)} ({ranges}) "
        f"the printed means ask for another share of {paper.positive} cases than the {stated:.1%} of the "
        "printed totals, if all were tested on the same folds"
    )
    message += (
        f"; the totals the other way round ({1 - stated:.1%}) fit "
        f"{'it' if len(against) == 1 else f'{len(turned)} of them'}."
        if turned
        else "."
    )
    place = f"{table.place}: {', '.join(name for name, _ in against)}"
    rows = [table.rows[name] for name, _ in against]
    ledger.find("class-share", UNLIKELY, place, f"{stated:.1%} {paper.positive}", ranges, message, rows)


def _rows(found) -> str:
    return "1 row" if len(found) == 1 else f"{len(found)} rows"


def _wobble(paper, recovery, table, share) -> float | None:
    """How far a fold's share of positives lies from the whole set's: from recovered folds of the same set."""
    for name, parts in recovery.parts.items():
        sizes = parts.sizes()
        if paper.tables[name].folds_of == table.folds_of and sizes is not None:
            shares = sizes[:, 0] / sizes.sum(axis=1)
            return float(np.abs(shares - shares.mean()).max()) + 1e-4
    return None
