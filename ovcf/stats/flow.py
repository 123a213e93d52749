"""From patients to results, counted: the STARD flow, and how the predictions are spread."""

import numpy as np
import pandas as pd


def stard_flow(mine: pd.DataFrame, inclusion: pd.DataFrame | None = None, *, threshold: float = 0.5) -> pd.DataFrame:
    """Count the boxes of the STARD flow.

    Parameters
    ----------
    mine : DataFrame, predictions of one network under one split: patient_id, truth (1 = fresh), p_fresh.
    inclusion : DataFrame of `ovcf.cohort.inclusion.inclusion_flow`, where it is known who was excluded.
    threshold : called fresh at or above it.

    Returns
    -------
    DataFrame
        box, n: collected and excluded (patients; where known), patients, vertebrae, then `called fresh`, `called old`,
        and `<truth> called <call>` (vertebrae).
    """
    rows = []
    if inclusion is not None:
        rows += [("collected", inclusion.n.iloc[0]), ("excluded", inclusion.excluded.sum())]
    rows += [("patients", mine.patient_id.nunique()), ("vertebrae", len(mine))]
    fresh = mine.truth == 1
    for call, called in (("fresh", mine.p_fresh >= threshold), ("old", mine.p_fresh < threshold)):
        rows += [(f"called {call}", called.sum()), (f"fresh called {call}", (called & fresh).sum())]
        rows.append((f"old called {call}", (called & ~fresh).sum()))
    return pd.DataFrame(rows, columns=["box", "n"]).astype({"n": int})


def probability_counts(mine: pd.DataFrame, bins: int = 20) -> pd.DataFrame:
    """Count fresh and old vertebrae by predicted probability: low, high (bins of equal width), fresh, old.

    A bin holds its lower edge and not its upper one, but for the last, which holds both.
    """
    edges = np.linspace(0, 1, bins + 1)
    counts = {name: np.histogram(mine.p_fresh[mine.truth == t], edges)[0] for name, t in (("fresh", 1), ("old", 0))}
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], **counts})
