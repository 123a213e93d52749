"""Class totals that the folds of a set add up to, against those printed for the whole set."""

from .findings import CONTRADICTION, Ledger
from .folds import Parts
from .paper import Paper, Set, Table


def check_totals(paper: Paper, ledger: Ledger, table: Table, cases: Set, parts: Parts) -> None:
    """Compare the totals that folds add up to with the printed ones."""
    sizes = {n for n, _ in parts.totals}
    n = cases.n[0] if cases.n and cases.n[0] == cases.n[1] else None
    if n is not None and n not in sizes:
        shown = ", ".join(str(size) for size in sorted(sizes)[:3])
        message = f"The folds' matrices add up to {shown} cases, not to the {n} that are printed ({cases.place})."
        return ledger.find("class-totals", CONTRADICTION, table.place, n, shown, message)
    totals = {positive for size, positive in parts.totals if n in (None, size)}
    if cases.positive is None or cases.positive in totals:
        return ledger.holds("class totals", table.place, "the folds add up to the printed class totals")
    positive = min(totals, key=lambda total: abs(total - cases.positive))
    implied = f"{positive} {paper.positive} and {n - positive} {paper.negative}" if n else f"{positive}"
    printed = f"{cases.positive} {paper.positive} and {cases.negative} {paper.negative}"
    message = f"The matrices of the {len(parts.solutions)} rows add up to {implied}, where {printed} are printed"
    if cases.negative in totals:
        message += (
            f": the same two numbers the other way round. Either the two classes' columns of {table.name} or "
            "the two totals stand under each other's heading."
        )
    message += "" if message.endswith(".") else f" ({cases.place})."
    ledger.find("class-totals", CONTRADICTION, f"{table.place}; {cases.place}", printed, implied, message)
