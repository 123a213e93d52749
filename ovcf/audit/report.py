"""The text that `ovcf audit` prints."""

import textwrap
from collections import Counter

from .findings import SEVERITIES, Audit

WIDTH = 100


def as_text(result: Audit) -> str:
    """Findings in words, the most severe first, then the recovered matrices."""
    counts = Counter(finding.severity for finding in result.findings)
    summary = ", ".join(f"{counts[severity]} x {severity}" for severity in SEVERITIES if counts[severity])
    held = int((~result.checks["outcome"].isin(SEVERITIES)).sum())
    lines = [result.title, f"{summary or 'nothing found'}; {held} checks found nothing.", ""]
    for finding in result.findings:
        lines += [f"[{finding.severity}] {finding.place}  ({finding.id})"]
        lines += textwrap.wrap(finding.message, WIDTH, initial_indent="    ", subsequent_indent="    ") + [""]
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
            lines.append(f"{name:{width}}{cells}   {found.reading}{note}")
        elif number:
            lines.append(f"{name:{width}}   {number} matrices fit")
    return lines
