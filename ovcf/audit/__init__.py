"""Forensics of published tables: does the printed arithmetic hold?

`audit(file)` reads printed numbers (format: data/published/README.md) and reports what they imply; `solve`
recovers confusion matrices from rounded rates; `recovered_rates` puts sensitivity and specificity beside the
printed columns. The language is kept to what numbers imply. Nothing here knows any particular paper.
"""

from .audit import audit
from .findings import CONTRADICTION, NOTE, UNDECIDED, UNLIKELY, Audit, Finding
from .matrices import rates_of, solve
from .means import f1_limits
from .rates_table import recovered_rates
from .reading import read_paper

__all__ = [
    "CONTRADICTION",
    "NOTE",
    "UNDECIDED",
    "UNLIKELY",
    "Audit",
    "Finding",
    "audit",
    "f1_limits",
    "rates_of",
    "read_paper",
    "recovered_rates",
    "solve",
]
