"""What an audit hands back: findings in plain sentences, and the matrices that the numbers imply."""

from typing import NamedTuple

import pandas as pd

CONTRADICTION = "contradiction"
UNLIKELY = "very unlikely under the stated method"
NOTE = "note"
SEVERITIES = (CONTRADICTION, UNLIKELY, NOTE)


class Finding(NamedTuple):
    """One thing that the printed numbers imply.

    `id`: short name of the kind of check and a number; `place`: where it is printed; `printed`, `recomputed`:
    what stands there and what follows from the other numbers; `message`: a sentence that needs no statistics.
    """

    id: str
    severity: str
    place: str
    printed: str
    recomputed: str
    message: str


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

    def __init__(self):
        self.findings: list[Finding] = []
        self.checks: list[Check] = []
        self._counts: dict[str, int] = {}

    def find(self, kind, severity, place, printed, recomputed, message):
        """Add a finding."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        name = f"{kind}-{self._counts[kind]}"
        self.findings.append(Finding(name, severity, place, str(printed), str(recomputed), message))
        self.checks.append(Check(place, kind, severity))

    def holds(self, kind, place, outcome="holds"):
        """Note a check that found nothing."""
        self.checks.append(Check(place, kind, outcome))


class Audit(NamedTuple):
    """Result of an audit. `readings`, `tests`, `averages`, `splits`: the tables behind the findings."""

    title: str
    findings: list[Finding]
    matrices: list[Recovered]
    checks: pd.DataFrame
    readings: pd.DataFrame
    tests: pd.DataFrame
    averages: pd.DataFrame
    bounds: pd.DataFrame
    splits: pd.DataFrame

    def findings_table(self) -> pd.DataFrame:
        return pd.DataFrame(self.findings, columns=Finding._fields)

    def matrices_table(self) -> pd.DataFrame:
        return pd.DataFrame(self.matrices, columns=Recovered._fields)

    def as_json(self) -> dict:
        """Return the object that `ovcf audit --json` prints."""
        keep = [name for name in Recovered._fields if name != "repaired"]
        return {
            "title": self.title,
            "findings": [finding._asdict() for finding in self.findings],
            "matrices": [
                {name: getattr(found, name) for name in keep} | {"repaired": found.repaired} for found in self.matrices
            ],
        }
