"""In which unit a printed number stands: percent, or a fraction of 1, also where a table mixes both."""

from collections.abc import Iterable

from .findings import NOTE, UNLIKELY, Ledger
from .paper import Paper, Row, Table
from .printed import Printed, decimals_of, is_ratio, parse, show
from .scores import METRICS, PLAIN, SCORES, UNBOUNDED

SMALL = 2  # percent: rates of which none reaches it are hardly percentages, where one of them is at most 1
ERRORS = ("miss_positive", "miss_negative")  # of which one hopes that they are so small
MORE = 2  # digits after the point that a fraction has more than a percentage of as many digits


def units_of(unit: str, metrics: dict[str, str], rows: Iterable[Row]) -> dict[str, int]:
    """Tell which columns are printed in percent (100) and which as they are (1).

    `unit`: "percent", "fraction" or "" where the file does not say; then rates of a table with a number above 1 are
    percent. AUC, MCC, kappa and Youden's J are percent where one of their own numbers is above 1; ratios never are.
    """
    tops = {column: [] for column in metrics}
    for row in rows:
        for column, cell in row.cells.items() if row.kind != "p" else ():
            tops[column].append(0 if is_ratio(cell.printed.text) else abs(cell.printed.value))
    above = {column: max(values, default=0) > 1 for column, values in tops.items()}
    rates = [above[c] for c, metric in metrics.items() if metric in SCORES and metric not in PLAIN]
    percent = unit == "percent" or (unit == "" and (any(rates) or not rates))
    return {
        column: 1
        if metric in UNBOUNDED
        else (100 if above[column] else 1)
        if metric in PLAIN
        else 100
        if percent
        else 1
        for column, metric in metrics.items()
    }


def in_one_unit(rows: dict[str, Row], metrics: dict[str, str], units: dict[str, int], unit: str) -> dict[str, Row]:
    """Give cells that print in another way than their table the unit of their column.

    A cell that only says 30/32 is worth its share. Where no unit is stated, a fraction among percentages (0.815 beside
    80.0) is one with two digits more after the point than they have, or an AUC up to 1; it is read as 81.5.
    """
    large = [
        cell.printed.decimals
        for row in rows.values()
        for column, cell in row.cells.items()
        if units[column] == 100 and row.kind != "p" and cell.printed.value > 1 and not is_ratio(cell.printed.text)
    ]
    found = {}
    for name, row in rows.items():
        cells = dict(row.cells)
        for column, cell in row.cells.items():
            if is_ratio(cell.printed.text) and units[column] == 1:
                cells[column] = cell._replace(printed=parse(cell.printed.text, True, 1))
            elif unit == "" and large and units[column] == 100 and row.kind != "p" and metrics[column] in KNOWN:
                fraction = (
                    0 < cell.printed.value <= 1 and not is_ratio(cell.printed.text) and "%" not in cell.printed.text
                )
                if fraction and (metrics[column] == "auc" or cell.printed.decimals >= max(large) + MORE):
                    cells[column] = cell._replace(printed=_hundredfold(cell.printed))
        found[name] = row._replace(cells=cells)
    return found


KNOWN = {*SCORES, *PLAIN, *METRICS.values()}


def _hundredfold(printed: Printed) -> Printed:
    """Write a fraction as a percentage: value, ± and interval."""

    def moved(digits: str | None) -> str | None:
        return digits and show(100 * Printed("", digits).value, max(decimals_of(digits) - 2, 0))

    ends = printed.ends and (moved(printed.ends[0]), moved(printed.ends[1]))
    return printed._replace(digits=moved(printed.digits), sd_digits=moved(printed.sd_digits), ends=ends, scaled=True)


def check_headings(paper: Paper, ledger: Ledger) -> None:
    """Say which columns no check knows, so that nobody takes them for audited.

    What it cannot see: a column whose heading names another measure than it holds.
    """
    for table in paper.tables.values():
        strange = [c for c in table.columns if table.metrics[c] not in KNOWN] if table.kind != "counts" else []
        if strange:
            headings = ", ".join(repr(table.headings[table.columns.index(column)]) for column in strange)
            words = f"heading{'s' * (len(strange) > 1)} {headings}"
            message = f"No check knows the {words}: what stands beneath was not looked at."
            rows = list(table.rows.values())[:1]
            decides = "a heading that names the measure"
            ledger.undecided("unknown-column", table.place, headings, "not looked at", message, rows, decides)


def check_units(paper: Paper, ledger: Ledger) -> None:
    """Note fractions that stand among percentages, and numbers above 1 among what looks like fractions.

    What it cannot see: a fraction with as few digits as the percentages beside it.
    """
    for table in paper.tables.values():
        _check_small(ledger, table)
        for row in table.rows.values():
            for column, cell in row.cells.items():
                if cell.printed.scaled:
                    read = f"{cell.printed.digits} %"
                    message = f"This fraction stands among percentages; it is read as {read}."
                    place = table.place_of(row.name, column)
                    ledger.find("unit", NOTE, place, cell.printed.text, read, message, [row])


def _check_small(ledger: Ledger, table: Table) -> None:
    """Call out a table that is read as percentages for a number just above 1, no unit being stated."""
    columns = [c for c, m in table.metrics.items() if m in SCORES and m not in (*PLAIN, *ERRORS, *UNBOUNDED)]
    cells = [
        (row, row.cells[c].printed)
        for row in table.rows.values()
        for c in columns
        if row.kind != "p" and c in row.cells and not is_ratio(row.cells[c].printed.text)
    ]
    values = [printed.value for _, printed in cells]
    if table.unit or len(values) < 2 or not max(values) < SMALL or not 1 < max(values) or min(values) > 1:
        return
    above = [(row, printed.text) for row, printed in cells if printed.value > 1]
    shown = ", ".join(text for _, text in above)
    message = (
        f"As shares of 1, {shown} cannot be; as percentages, no rate of this table reaches {SMALL} %. "
        "The unit is not stated; they are read as percentages."
    )
    ledger.find("unit", UNLIKELY, table.place, shown, "at most 1", message, [row for row, _ in above])
