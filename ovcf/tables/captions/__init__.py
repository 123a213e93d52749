"""What stands beneath each figure: what is shown, of how many, what bars and bands are; and its alternative text.

Each function takes what the figure was drawn from and returns {"caption": ..., "alt": [one a panel]}.
"""

from ovcf.tables.captions.cohort import (
    equalisation,
    films,
    heights,
    inclusion,
    levels_and_ages,
    patches,
    pipeline,
    warnings,
)
from ovcf.tables.captions.networks import (
    auc_by_network,
    calibration,
    decision,
    external_calibration,
    external_roc,
    figure4,
    leakage,
    predictive_values,
    probabilities,
    stard,
    subgroups,
)
from ovcf.tables.captions.published import f1_limits, findings, matrices, mcnemar, readings, recovered
from ovcf.tables.captions.readers import flips, power, reader_roc, readers

__all__ = [
    "auc_by_network",
    "calibration",
    "decision",
    "equalisation",
    "external_calibration",
    "external_roc",
    "f1_limits",
    "figure4",
    "films",
    "findings",
    "flips",
    "heights",
    "inclusion",
    "leakage",
    "levels_and_ages",
    "matrices",
    "mcnemar",
    "patches",
    "pipeline",
    "power",
    "predictive_values",
    "probabilities",
    "reader_roc",
    "readers",
    "readings",
    "recovered",
    "stard",
    "subgroups",
    "warnings",
]
