"""Figures of networks: AUC by network, ROC per fold, confusion, calibration, decision curve, subgroups, leakage."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ovcf.figures.style import NETWORK_COLOURS
from ovcf.words import network_title

INK, PAPER = "#1c2530", "#8a8f98"


def forest(
    table: pd.DataFrame,
    ax: Axes,
    *,
    names: Sequence[str],
    estimate: str = "estimate",
    paper: ArrayLike | None = None,
    xlabel: str = "",
    colours: Sequence[str] | None = None,
) -> Axes:
    """Draw estimates with their intervals, one row each, and the paper's printed values as hollow diamonds.

    Parameters
    ----------
    table : DataFrame, one row an estimate, with low and high. estimate : its column.
    names : labels of the rows, top to bottom.
    paper : values printed in the paper, in the same order, NaN where it has none.
    """
    y = np.arange(len(table))[::-1]
    colours = colours or [INK] * len(table)
    for i, row in enumerate(table.to_dict("records")):
        ax.plot([row["low"], row["high"]], [y[i]] * 2, color=colours[i], lw=2.2, solid_capstyle="butt")
        ax.plot(row[estimate], y[i], "o", color=colours[i], ms=6)
    if paper is not None:
        ax.plot(paper, y - 0.22, "D", mfc="white", mec=PAPER, ms=5, label="printed in the paper")
        ax.legend(loc="lower right", fontsize=8)
    ax.set_yticks(y, names)
    ax.set(xlabel=xlabel, ylim=(-0.6, len(table) - 0.4))
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", lw=0.4)
    return ax


def network_label(network: str) -> str:
    """Return a network's printed name."""
    return network_title(network)


def network_colours(networks: Iterable[str]) -> list:
    """Return the fixed colours of some networks."""
    return [NETWORK_COLOURS.get(network, INK) for network in networks]


def auc_forest(intervals: pd.DataFrame, paper: pd.Series, ax: Axes) -> Axes:
    """Draw the pooled AUC of each network with its clustered interval and the paper's printed AUC.

    Parameters
    ----------
    intervals : DataFrame with network, metric, estimate, low, high (`ovcf.stats.summaries.network_intervals`).
    paper : Series of printed AUCs by network.
    """
    rows = intervals[intervals.metric == "auc"]
    networks = list(rows.network)
    forest(
        rows,
        ax,
        names=[network_label(n) for n in networks],
        paper=paper.reindex(networks).to_numpy(float),
        xlabel="AUC, 95 % interval clustered by patient",
        colours=network_colours(networks),
    )
    ax.axvline(0.5, color=PAPER, lw=1, ls="--")
    return ax


def fold_roc(curves: pd.DataFrame, mean: pd.DataFrame, ax: Axes) -> Axes:
    """Draw Figure 4's ROC: folds pale, their mean bold with a band of +- 1 SD (ddof 1), chance dashed.

    Parameters
    ----------
    curves : DataFrame with fold, auc, fpr, tpr (`ovcf.stats.roc.fold_curves`), one network.
    mean : DataFrame with fpr, tpr_mean, tpr_sd_ddof1 (`ovcf.stats.roc.mean_roc`).
    """
    for fold, curve in curves.groupby("fold"):
        ax.plot(curve.fpr, curve.tpr, lw=1, alpha=0.6, label=f"fold {fold}, AUC {curve.auc.iloc[0]:.3f}")
    spread = mean.tpr_sd_ddof1
    low, high = np.clip(mean.tpr_mean - spread, 0, 1), np.clip(mean.tpr_mean + spread, 0, 1)
    ax.fill_between(mean.fpr, low, high, color=INK, alpha=0.12, lw=0, label="± 1 SD over folds (ddof 1)")
    ax.plot(mean.fpr, mean.tpr_mean, color=INK, lw=2.4, label="mean over folds")
    ax.plot([0, 1], [0, 1], "--", color=PAPER, lw=1, label="chance")
    ax.set(xlabel="1 - specificity (old called fresh)", ylabel="sensitivity (fresh called fresh)", aspect="equal")
    ax.legend(fontsize=7.5, loc="lower right")
    return ax


def confusion_sheet(folds: pd.DataFrame, *, title: str = "") -> Figure:
    """Draw the confusion matrix of every fold and of all folds together; folds has fold, tp, fn, tn, fp."""
    import matplotlib.pyplot as plt

    panels = [(f"fold {row['fold']}", row) for row in folds.to_dict("records")]
    panels.append(("all folds", folds[["tp", "fn", "tn", "fp"]].sum().to_dict()))
    figure, axes = plt.subplots(1, len(panels), figsize=(2.1 * len(panels), 2.7), squeeze=False)
    for i, (ax, (name, counts)) in enumerate(zip(axes[0], panels, strict=True)):
        confusion_matrix(counts, ax, title=name)
        if i:
            ax.set_ylabel("")
    figure.suptitle(title, fontsize=9)
    return figure


def confusion_matrix(counts: Mapping[str, float], ax: Axes, *, title: str = "") -> Axes:
    """Draw a 2 x 2 confusion matrix with counts and row percentages; counts has tp, fn, tn, fp."""
    grid = np.array([[counts["tp"], counts["fn"]], [counts["fp"], counts["tn"]]], dtype=float)
    share = grid / grid.sum(axis=1, keepdims=True)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1.15)
    for (i, j), value in np.ndenumerate(grid):
        colour = "white" if share[i, j] > 0.6 else INK
        ax.text(j, i, f"{value:.0f}\n{share[i, j]:.0%}", ha="center", va="center", color=colour, fontsize=9)
    ax.set_xticks([0, 1], ["fresh", "old"])
    ax.set_yticks([0, 1], ["fresh", "old"])
    ax.set(xlabel="called", ylabel="truth")
    ax.set_title(title, fontsize=9)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def reliability(curve: pd.DataFrame, ax: Axes) -> Axes:
    """Draw observed against predicted probability of fresh with 95 % bands; dots sized by their count.

    Parameters
    ----------
    curve : DataFrame with predicted, observed, low, high, n (`ovcf.stats.calibration.reliability_curve`).
    """
    ax.plot([0, 1], [0, 1], "--", color=PAPER, lw=1, label="perfect")
    errors = [curve.observed - curve.low, curve.high - curve.observed]
    ax.errorbar(curve.predicted, curve.observed, yerr=np.clip(errors, 0, None), fmt="none", ecolor=INK, lw=1)
    size = 15 + 80 * curve.n / curve.n.max()
    ax.scatter(curve.predicted, curve.observed, s=size, color=INK, zorder=3, label="tenths of the patches")
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="predicted P(fresh)", ylabel="share that was fresh")
    ax.legend(fontsize=8, loc="upper left")
    return ax


def decision_curve(curve: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the net benefit of acting on the model, with its band, against acting on all and on none.

    Parameters
    ----------
    curve : DataFrame of `ovcf.stats.calibration.decision_curve`.
    """
    ax.fill_between(curve.threshold, curve.low, curve.high, color=INK, alpha=0.12, lw=0)
    ax.plot(curve.threshold, curve.net_benefit, color=INK, lw=2, label="the model, 95 % band")
    ax.plot(curve.threshold, curve.treat_all, color="#D55E00", ls="-.", label="call all fresh")
    ax.plot(curve.threshold, curve.treat_none, color="#0072B2", ls=":", label="call none fresh")
    ax.set(xlabel="threshold probability of fresh", ylabel="net benefit (true positives per patch)")
    ax.set(ylim=(-0.1, max(0.05, 1.1 * curve.high.max())), xlim=(0, 1))
    ax.legend(fontsize=8)
    return ax


def subgroup_figure(groups: pd.DataFrame, *, title: str = "") -> Figure:
    """Draw the AUC of every subgroup with its interval; grey where the group was too small to be tested.

    Parameters
    ----------
    groups : DataFrame of `ovcf.stats.summaries.known_subgroups`, one metric (auc).
    """
    import matplotlib.pyplot as plt

    rows = groups[groups.estimate.notna()].reset_index(drop=True)
    figure, ax = plt.subplots(figsize=(8, 0.28 * len(rows) + 1.2))
    names = [f"{r.by.replace('_', ' ')}: {r.group} (n = {r.n})" for r in rows.itertuples()]
    colours = [INK if tested else PAPER for tested in rows.tested]
    forest(
        rows, ax, names=names, xlabel="AUC, 95 % interval clustered by patient; grey: too few to test", colours=colours
    )
    ax.axvline(0.5, color=PAPER, lw=1, ls="--")
    for i in np.flatnonzero(rows.by != rows.by.shift())[1:]:
        ax.axhline(len(rows) - i - 0.5, color="#dddddd", lw=0.8)
    ax.set_title(title, fontsize=9)
    return figure


def leakage_figure(price: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the difference that dealing patches instead of patients into folds makes, metric by metric.

    Parameters
    ----------
    price : DataFrame of `ovcf.stats.leakage.price_of_leakage`.
    """
    words = {"auc": "AUC", "auc_fold_mean": "AUC, mean of folds"}
    rows = price[price.metric.isin(words) & price.difference.notna()].reset_index(drop=True)
    names = [f"{words[r.metric]}, {r.patches} (n = {r.n})\n{r.method}" for r in rows.itertuples()]
    forest(rows, ax, names=names, estimate="difference", xlabel="AUC split by patch minus AUC split by patient")
    ax.tick_params(axis="y", labelsize=8)
    ax.axvline(0, color=PAPER, lw=1, ls="--")
    return ax
