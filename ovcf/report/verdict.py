"""What a verification found, as values and in words."""

import dataclasses
from typing import Any

SHOWN = 40  # failures that a terminal gets; the JSON holds all


@dataclasses.dataclass(frozen=True)
class Failure:
    """Something that no longer follows."""

    kind: str  # number, words, table, parameter, ledger, digest, cell
    where: str
    found: str
    expected: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.found}, {self.expected}" + (f" ({self.why})" if self.why else "")


@dataclasses.dataclass
class Verdict:
    """What `verify` found."""

    run: str
    counts: dict[str, int]  # numbers of the page: recomputed, films, stated; and pictures
    film_cells: list[str]
    failures: list[Failure]
    notes: list[str]

    @property
    def holds(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return dataclasses.asdict(self) | {"holds": self.holds}


def as_text(verdict: Verdict) -> str:
    """Say a verdict in a terminal."""
    counts, films = verdict.counts, ""
    if verdict.film_cells:
        films = f" ({'; '.join(verdict.film_cells)})"
    lines = [
        f"{verdict.run}: {sum(counts.values()) - counts['pictures']} numbers in report.html",
        f"{counts['recomputed']:7} made again from stored patches, predictions, readings and published numbers",
        f"{counts['films']:7} come from the films: held by digest{films}",
        f"{counts['stated']:7} stand in prose, parameters and record",
        f"{counts['pictures']:7} pictures: held by digest",
    ]
    lines += [f"note: {note}" for note in verdict.notes]
    if verdict.holds:
        return "\n".join([*lines, "every number holds"])
    lines.append(f"{len(verdict.failures)} no longer follow:")
    lines += [f"  - {failure}" for failure in verdict.failures[:SHOWN]]
    if len(verdict.failures) > SHOWN:
        lines.append(f"  - and {len(verdict.failures) - SHOWN} more (--json lists every one)")
    return "\n".join(lines)
