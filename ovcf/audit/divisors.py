"""Have the ± of one row of averages one divisor, the number of rows or that less one?"""

from itertools import product

import numpy as np

from .averages import Average
from .findings import NOTE, Ledger
from .matrices import rates_of
from .paper import Paper, Row, Table
from .printed import show
from .recover import Recovery
from .scores import Floats

MOST = 2_000  # choices of one matrix a row that are gone through


def report_divisors(
    paper: Paper, ledger: Ledger, table: Table, row: Row, columns: list[Average], recovery: Recovery
) -> None:
    """Say when columns of one row use different divisors.

    Column by column where rounding leaves one divisor; else together: no divisor gives all ± of the row, neither from
    the printed numbers nor from any matrices behind them.
    """
    sets = {average.column: average.ddof for average in columns if average.ddof in ("0", "1")}
    supposed = ""
    if len(set(sets.values())) < 2:
        sets = _together(paper, table, row, columns, recovery)
        supposed = ", if the rows are of the matrices that were found for them"
    if len(set(sets.values())) < 2:
        return
    counts = {ddof: [column for column, one in sets.items() if one == ddof] for ddof in ("0", "1")}
    odd = min(counts, key=lambda ddof: len(counts[ddof]))
    for average in (one for one in columns if one.column in counts[odd]):
        sds = {"0": average.sd0, "1": average.sd1}
        usual, here = (
            ("number of rows less one", "number of rows") if odd == "0" else ("number of rows", "rows less one")
        )
        other = show(sds["1" if odd == "0" else "0"], average.decimals)
        message = (
            f"This ± is an SD divided by the {here} (ddof {odd}), the other columns of the row divide by the "
            f"{usual}{supposed}; computed like them it would be ± {other}."
        )
        ledger.find("divisor", NOTE, average.place, average.printed, f"± {other}", message, [row])


def _together(paper: Paper, table: Table, row: Row, columns: list[Average], recovery: Recovery) -> dict[str, str]:
    """Divisor of each column where no single one gives all ±: of the choice under which most columns agree; else {}."""
    used = [one for one in columns if one.fits and one.ddof in ("0", "1", "0 or 1")]
    members = [one for one in paper.rows(f"{table.name} / {row.of}") if one.kind == "single" and one is not row]
    best: tuple[int, dict[str, str]] = (0, {})
    for values in _values(table, members, used, recovery):
        prints = {ddof: _prints(values, row, used, ddof) for ddof in (0, 1)}
        for ddof, fits in prints.items():
            if fits.all():
                return {}
            if (fits | prints[1 - ddof]).all() and fits.sum() > best[0]:
                best = fits.sum(), {a.column: str(ddof if f else 1 - ddof) for a, f in zip(used, fits, strict=True)}
    return best[1]


def _values(table: Table, members: list[Row], used: list[Average], recovery: Recovery) -> list[Floats]:
    """Printed numbers and those of every choice of one matrix a row: (rows, columns) each; [] if any is unknown."""
    metrics = [table.metrics[one.column] for one in used]
    found = [recovery.all_of(one.path) for one in members]
    if len(used) < 2 or not all(found) or np.prod([float(len(one)) for one in found]) > MOST:
        return []
    if any(matrix.repaired or not set(metrics) <= set(rates_of(matrix.matrix)) for one in found for matrix in one):
        return []
    units = np.array([table.unit_of(one.column) for one in used], dtype=float)
    exact = [[[float(rates_of(m.matrix)[metric]) for metric in metrics] for m in one] for one in found]
    printed = [[float(one.cells[average.column].printed.value) for average in used] for one in members]
    return [np.array(printed), *(np.array(choice) * units for choice in product(*exact))]


def _prints(values: Floats, row: Row, used: list[Average], ddof: int) -> np.ndarray:
    """Tell for each column whether the SD of these values prints as the row's ±."""
    ends = [row.cells[one.column].printed.sd_interval() for one in used]
    sds = values.std(axis=0, ddof=ddof)
    return np.array([float(end.low) - 1e-9 <= sd <= float(end.high) + 1e-9 for end, sd in zip(ends, sds, strict=True)])
