"""What an audit hands back: findings in plain sentences, and the matrices that the numbers imply."""

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from .paper import Row

CONTRADICTION = "contradiction"
UNLIKELY = "very unlikely under the stated method"
UNDECIDED = "cannot be decided"
NOTE = "note"
SEVERITIES = (CONTRADICTION, UNLIKELY, UNDECIDED, NOTE)


IN_NUMBERS = {
    CONTRADICTION: "contradictions",
    UNLIKELY: "very unlikely",
    UNDECIDED: "cannot be decided",
    NOTE: "notes",
}


KINDS = {
    "averages": "average",
    "auc-point": "AUC and its point",
    "class-share": "share of a class",
    "claim-best": "claim: best",
    "claim-better": "claim: better",
    "claim-improved": "claim: improved",
    "divisor": "divisor of a ±",
    "f1-bound": "F1 of means",
    "fold-row": "no folds behind means",
    "folds-found": "folds behind means",
    "fold-sizes": "sizes of folds",
    "impossible": "whole numbers",
    "largest-sd": "largest SD",
    "p-method": "test behind a p-value",
    "p-question": "question of a test",
    "p-sides": "sides of a p-value",
    "p-value": "p-value",
    "reading": "reading of the columns",
    "rows": "rows exchanged",
    "scale-free": "rates beside one another",
    "spread": "spread over folds",
    "spread-of-fact": "spread about a mean",
    "whole-mean": "mean of whole numbers",
    "whole-sd": "SD of whole numbers",
}
"""Kinds of findings in words; one that is not here is said by its own name, without hyphens."""


def in_words(finding: str) -> str:
    """Say the id of a finding in words: `spread-of-fact-1` is `spread about a mean 1`."""
    kind, _, number = finding.rpartition("-")
    return f"{KINDS.get(kind, kind.replace('-', ' '))} {number}"


def counted(findings: pd.DataFrame) -> str:
    """Say how many findings there are of each severity: `contradictions: 2, very unlikely: 0, ...`.

    Parameters
    ----------
    findings : DataFrame of `Audit.findings_table`.
    """
    return ", ".join(f"{IN_NUMBERS[kind]}: {(findings.severity == kind).sum()}" for kind in SEVERITIES)


class Finding(NamedTuple):
    """One thing that the printed numbers imply.

    `id`: the kind of check and a number; `place`: where it is printed; `printed`, `recomputed`: what stands there and
    what follows from the other numbers; `message`: a sentence that needs no statistics. `kind`: the check; `where`:
    table or part of the text; `rows`: paths of the rows it speaks of; `decides`: what would settle a thing that is
    open.
    """

    id: str
    severity: str
    place: str
    printed: str
    recomputed: str
    message: str
    kind: str
    where: str
    rows: tuple[str, ...] = ()
    decides: str = ""


class Recovered(NamedTuple):
    """A confusion matrix that follows from one printed row, under a reading of its columns.

    `unique`: no other matrix fits under this reading. `repaired`: "" or what had to be altered for a fit.
    """

    table: str
    row: str
    tp: int
    fn: int
    tn: int
    fp: int
    reading: str
    unique: bool
    repaired: str = ""

    @property
    def path(self) -> str:
        return f"{self.table} / {self.row}"

    @property
    def matrix(self) -> tuple[int, int, int, int]:
        return self.tp, self.fn, self.tn, self.fp

    @property
    def n(self) -> int:
        return self.tp + self.fn + self.tn + self.fp


class Check(NamedTuple):
    """One check that was made and what came of it, whether or not it became a finding."""

    place: str
    check: str
    outcome: str


class Ledger:
    """Collects findings and checks while an audit runs; numbers findings of a kind in the order they come."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.checks: list[Check] = []
        self._counts: dict[str, int] = {}

    def find(
        self,
        kind: str,
        severity: str,
        place: str,
        printed: object,
        recomputed: object,
        message: str,
        rows: Iterable[Row] = (),
        where: str = "",
    ) -> None:
        """Add a finding; `where` is the table of its rows, or the place itself, unless given."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        rows = list(rows)
        where = where or (rows[0].table if rows else place)
        name, paths = f"{kind}-{self._counts[kind]}", tuple(row.path for row in rows)
        self.findings.append(Finding(name, severity, place, str(printed), str(recomputed), message, kind, where, paths))
        self.checks.append(Check(place, kind, severity))

    def undecided(
        self,
        kind: str,
        place: str,
        printed: object,
        recomputed: object,
        message: str,
        rows: Iterable[Row],
        decides: str,
    ) -> None:
        """Add a finding that what is printed cannot settle; `decides` says what would."""
        self.find(kind, UNDECIDED, place, printed, recomputed, message, rows)
        self.findings[-1] = self.findings[-1]._replace(decides=decides)

    def holds(self, kind: str, place: str, outcome: str = "holds") -> None:
        """Note a check that found nothing."""
        self.checks.append(Check(place, kind, outcome))


class Audit(NamedTuple):
    """Result of an audit. `readings`, `tests`, `averages`, `splits`, `intervals`: the tables behind the findings."""

    title: str
    findings: list[Finding]
    matrices: list[Recovered]
    checks: pd.DataFrame
    readings: pd.DataFrame
    tests: pd.DataFrame
    averages: pd.DataFrame
    bounds: pd.DataFrame
    splits: pd.DataFrame
    intervals: pd.DataFrame

    def findings_table(self) -> pd.DataFrame:
        """Findings as a table, one row each."""
        return pd.DataFrame(self.findings, columns=Finding._fields)

    def matrices_table(self) -> pd.DataFrame:
        """Recovered matrices as a table, one row each."""
        return pd.DataFrame(self.matrices, columns=Recovered._fields)

    def as_json(self) -> dict[str, object]:
        """Return the object that `ovcf audit --json` prints; a matrix says whether it was repaired, and how."""
        return {
            "title": self.title,
            "findings": [finding._asdict() for finding in self.findings],
            "matrices": [found._asdict() for found in self.matrices],
        }
