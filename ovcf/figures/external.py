"""Figures of a model on another cohort: both ROC curves, and its calibration before and after updating."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ovcf.figures.networks import reliability
from ovcf.figures.style import GREY, INK, SMALL, WIDTH

ELSEWHERE = "#D55E00"


def two_rocs(curves: Mapping[str, pd.DataFrame], ax: Axes) -> Axes:
    """Draw the ROC curves of the same model on both cohorts, chance dashed.

    Parameters
    ----------
    curves : label to DataFrame with fpr, tpr (`ovcf.stats.roc.roc_points`), the development first.
    """
    for (label, curve), colour in zip(curves.items(), (INK, ELSEWHERE), strict=True):
        ax.plot(curve.fpr, curve.tpr, color=colour, lw=2, label=label)
    ax.plot([0, 1], [0, 1], "--", color=GREY, lw=1, label="chance")
    ax.set(xlabel="1 - specificity (old called fresh)", ylabel="sensitivity (fresh called fresh)", aspect="equal")
    ax.legend(loc="lower right")
    return ax


def reliability_sheet(curves: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the reliability of each version of the model side by side.

    Parameters
    ----------
    curves : update to DataFrame of `ovcf.stats.calibration.reliability_curve`.
    """
    import matplotlib.pyplot as plt

    rows = -(-len(curves) // 2)
    figure, axes = plt.subplots(rows, 2, figsize=(WIDTH, 2.4 * rows), squeeze=False, sharex=True, sharey=True)
    for ax in axes.flat[len(curves) :]:
        ax.set_axis_off()
    for i, (ax, (name, curve)) in enumerate(zip(axes.flat, curves.items(), strict=False)):
        reliability(curve, ax)
        ax.set_title(name if i else "as it came", fontsize=SMALL)
        ax.get_legend().remove()
        ax.set_ylabel("" if i % 2 else "share fresh")
    return figure
