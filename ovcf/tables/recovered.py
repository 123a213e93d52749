"""What follows from the digits that a paper prints, as shown: recovered counts and rates, and what they leave open."""

import pandas as pd

from ovcf.audit.findings import in_words
from ovcf.tables.show import MISSING


def counts_shown(rates: pd.DataFrame) -> pd.DataFrame:
    """Return recovered counts, sensitivity and specificity with a dash where there is none.

    The table's name is left out where all rows are of one table.

    Parameters
    ----------
    rates : DataFrame of `ovcf.audit.recovered_rates`.
    """
    shown = rates.drop(columns=["unique", "as_good", "accuracy", "ppv", "npv"])
    return shown.drop(columns=["table"] * (rates.table.nunique() == 1)).replace({"": MISSING})


def finding_rows(findings: pd.DataFrame, *, decides: bool = False) -> pd.DataFrame:
    """Return findings as shown: which, where, what is printed and what follows, in words.

    Parameters
    ----------
    findings : DataFrame of `ovcf.audit.Audit.findings_table`, or some of its rows.
    decides : whether what would settle them stands last.
    """
    shown = findings.assign(finding=findings["id"].map(in_words))
    return shown[["finding", "place", "printed", "recomputed", "message", *["decides"] * decides]]


def left_open(rates: pd.DataFrame) -> str:
    """Say beneath a table of recovered rates that another reading of the columns fits as well; "" where none does.

    Parameters
    ----------
    rates : DataFrame of `ovcf.audit.recovered_rates`.
    """
    if not rates.as_good.ne("").any():
        return ""
    return (
        "Two readings of the printed columns fit equally well: under the other, sensitivity and specificity of the "
        "rates from the digits change places, and PPV and NPV (appendix, What the columns hold)."
    )
