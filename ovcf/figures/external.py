"""Figures of a model on another cohort: both ROC curves, and its calibration before and after updating."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ovcf.figures.networks import INK, PAPER, reliability

ELSEWHERE = "#D55E00"


def two_rocs(curves: Mapping[str, pd.DataFrame], ax: Axes) -> Axes:
    """Draw the ROC curves of the same model on both cohorts, chance dashed.

    Parameters
    ----------
    curves : label to DataFrame with fpr, tpr (`ovcf.stats.roc.roc_points`), the development first.
    """
    for (label, curve), colour in zip(curves.items(), (INK, ELSEWHERE), strict=True):
        ax.plot(curve.fpr, curve.tpr, color=colour, lw=2, label=label)
    ax.plot([0, 1], [0, 1], "--", color=PAPER, lw=1, label="chance")
    ax.set(xlabel="1 - specificity (old called fresh)", ylabel="sensitivity (fresh called fresh)", aspect="equal")
    ax.legend(fontsize=8, loc="lower right")
    return ax


def reliability_sheet(curves: Mapping[str, pd.DataFrame], *, title: str = "") -> Figure:
    """Draw the reliability of each version of the model side by side.

    Parameters
    ----------
    curves : update to DataFrame of `ovcf.stats.calibration.reliability_curve`.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(curves), figsize=(3.6 * len(curves), 3.9), squeeze=False)
    for i, (ax, (name, curve)) in enumerate(zip(axes[0], curves.items(), strict=True)):
        reliability(curve, ax)
        ax.set_title(f"update: {name}", fontsize=9)
        if i:
            ax.set_ylabel("")
            ax.get_legend().remove()
    figure.suptitle(title, fontsize=9)
    return figure
