"""Figures of networks: AUC by network, ROC per fold, confusion, calibration, decision curve, subgroups, leakage."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ovcf.figures.cohort import flow_box, flow_link
from ovcf.figures.style import CLASS_COLOURS, GREY, INK, NETWORK_COLOURS, SMALL, WIDTH
from ovcf.words import network_title, rounded

FOLD_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#7f3b08", "#56B4E9", "#5e3c99")
FOLD_LINES = ("-", "--", "-.", (0, (4, 1, 1, 1, 1, 1)), (0, (6, 1)))


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
        ax.plot(paper, y - 0.3, "D", mfc="white", mec=GREY, ms=4.5, label="the paper's, of other patients")
        ax.figure.legend(loc="outside lower right")
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


def auc_forest(intervals: pd.DataFrame, paper: pd.Series, ax: Axes, *, names: Mapping[str, str] | None = None) -> Axes:
    """Draw the pooled AUC of each network with its clustered interval and the paper's printed AUC.

    Parameters
    ----------
    intervals : DataFrame with network, metric, estimate, low, high (`ovcf.stats.summaries.network_intervals`).
    paper : Series of printed AUCs by network.
    names : of the networks as printed, with what a reader must know of them (random weights).
    """
    rows = intervals[intervals.metric == "auc"]
    networks = list(rows.network)
    forest(
        rows,
        ax,
        names=[(names or {}).get(n, network_label(n)).replace(" (", "\n(") for n in networks],
        paper=paper.reindex(networks).to_numpy(float),
        xlabel="AUC [95 % interval]",
        colours=network_colours(networks),
    )
    ax.axvline(0.5, color=GREY, lw=1, ls="--")
    return ax


def fold_roc(curves: pd.DataFrame, mean: pd.DataFrame, ax: Axes) -> Axes:
    """Draw Figure 4's ROC: folds pale, their mean bold with a band of +- 1 SD (ddof 1), chance dashed.

    Parameters
    ----------
    curves : DataFrame with fold, auc, fpr, tpr (`ovcf.stats.roc.fold_curves`), one network.
    mean : DataFrame with fpr, tpr_mean, tpr_sd_ddof1 (`ovcf.stats.roc.mean_roc`).
    """
    for i, (fold, curve) in enumerate(curves.groupby("fold")):
        style = {"color": FOLD_COLOURS[i % len(FOLD_COLOURS)], "ls": FOLD_LINES[i % len(FOLD_LINES)], "lw": 1.4}
        ax.plot(curve.fpr, curve.tpr, label=f"fold {fold}, AUC {rounded(curve.auc.iloc[0], 3)}", **style)
    spread = mean.tpr_sd_ddof1
    low, high = np.clip(mean.tpr_mean - spread, 0, 1), np.clip(mean.tpr_mean + spread, 0, 1)
    ax.fill_between(mean.fpr, low, high, color=INK, alpha=0.12, lw=0, label="± 1 SD over folds (ddof 1)")
    average = curves.drop_duplicates("fold").auc.mean()
    ax.plot(mean.fpr, mean.tpr_mean, color=INK, lw=2.6, label=f"mean over folds, AUC {rounded(average, 3)}")
    _roc_frame(ax)
    ax.legend(loc="lower right")
    return ax


def _roc_frame(ax: Axes) -> None:
    """Chance dashed, both axes from 0 to 1."""
    ax.plot([0, 1], [0, 1], "--", color=GREY, lw=1, label="chance")
    ax.set(xlabel="1 - specificity (old called fresh)", ylabel="sensitivity (fresh called fresh)", aspect="equal")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))


def confusion_sheet(folds: pd.DataFrame) -> Figure:
    """Draw the confusion matrix of every fold and of all folds together; folds has fold, tp, fn, tn, fp."""
    import matplotlib.pyplot as plt

    tiles = [(f"fold {row['fold']}", row) for row in folds.to_dict("records")]
    tiles.append(("all folds", folds[["tp", "fn", "tn", "fp"]].sum().to_dict()))
    columns = min(3, len(tiles))
    rows = -(-len(tiles) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, 2.1 * rows), squeeze=False)
    for i, ax in enumerate(axes.flat):
        if i >= len(tiles):
            ax.set_axis_off()
            continue
        confusion_matrix(tiles[i][1], ax, title=tiles[i][0])
        if i % columns:
            ax.set_ylabel("")
    return figure


def confusion_matrix(counts: Mapping[str, float], ax: Axes, *, title: str = "") -> Axes:
    """Draw a 2 x 2 confusion matrix with counts and row percentages; counts has tp, fn, tn, fp."""
    grid = np.array([[counts["tp"], counts["fn"]], [counts["fp"], counts["tn"]]], dtype=float)
    share = grid / grid.sum(axis=1, keepdims=True)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1.15)
    for (i, j), value in np.ndenumerate(grid):
        colour = "white" if share[i, j] > 0.6 else INK
        ax.text(
            j, i, f"{value:.0f}\n{rounded(100 * share[i, j], 0)}%", ha="center", va="center", color=colour, fontsize=9
        )
    ax.set_xticks([0, 1], ["fresh", "old"])
    ax.set_yticks([0, 1], ["fresh", "old"])
    ax.set(xlabel="called", ylabel="truth")
    ax.set_title(title, fontsize=9)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return ax


def probabilities(counts: pd.DataFrame, ax: Axes, *, threshold: float) -> Axes:
    """Draw how many fresh (up) and old (down) vertebrae got each predicted probability, and the threshold.

    Parameters
    ----------
    counts : DataFrame of `ovcf.stats.flow.probability_counts`: low, high, fresh, old.
    """
    width = counts.high - counts.low
    for name, sign in (("fresh", 1), ("old", -1)):
        hatch = "//" if name == "old" else None
        style = {"color": CLASS_COLOURS[name], "ec": "white", "hatch": hatch, "align": "edge", "label": name}
        ax.bar(counts.low, sign * counts[name], width=width, **style)
    ax.axhline(0, color=INK, lw=0.8)
    ax.axvline(threshold, color=INK, lw=1, ls="--", label=f"threshold {threshold:g}")
    most = counts[["fresh", "old"]].to_numpy().max()
    ax.set(xlim=(0, 1), ylim=(-1.1 * most, 1.1 * most), xlabel="predicted P(fresh)", ylabel="vertebrae")
    ax.yaxis.set_major_formatter(lambda y, _: f"{abs(y):.0f}")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)  # above: the threshold's line crosses no word
    return ax


def reliability(curve: pd.DataFrame, ax: Axes) -> Axes:
    """Draw observed against predicted probability of fresh with 95 % bands, a dot a group.

    Parameters
    ----------
    curve : DataFrame with predicted, observed, low, high (`ovcf.stats.calibration.reliability_curve`).
    """
    ax.plot([0, 1], [0, 1], "--", color=GREY, lw=1, label="perfect")
    errors = [curve.observed - curve.low, curve.high - curve.observed]
    ax.errorbar(curve.predicted, curve.observed, yerr=np.clip(errors, 0, None), fmt="none", ecolor=INK, lw=1)
    groups = f"{len(curve)} groups" if len(curve) > 1 else "1 group"
    label = f"{groups} of about {curve.n.median():.0f} vertebrae"
    ax.scatter(curve.predicted, curve.observed, s=32, color=INK, zorder=3, label=label)
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="predicted P(fresh)", ylabel="share that was fresh")
    ax.legend(loc="upper left")
    return ax


def reliability_panel(curve: pd.DataFrame, counts: pd.DataFrame) -> Figure:
    """Draw the reliability above how many vertebrae got each probability.

    Parameters
    ----------
    curve : as in `reliability`. counts : DataFrame of `ovcf.stats.flow.probability_counts`.
    """
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(2, 1, figsize=(WIDTH, 4.8), height_ratios=[4, 1], sharex=True)
    reliability(curve, above).set_xlabel("")
    below.bar(
        counts.low, counts.fresh + counts.old, width=counts.high - counts.low, align="edge", color=GREY, ec="white"
    )
    below.set(xlabel="predicted P(fresh)", ylabel="vertebrae", xlim=(0, 1))
    return figure


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
    ax.set(xlabel="threshold probability of fresh", ylabel="net benefit (true positives per vertebra)")
    ax.set(ylim=(-0.1, max(0.05, 1.1 * curve.high.max())), xlim=(0, 1))
    ax.legend()
    return ax


def predictive_values(values: pd.DataFrame, ax: Axes, *, prevalence: float) -> Axes:
    """Draw what a call is worth by the share of fresh fractures, with bands; dashed: this cohort's own share.

    Parameters
    ----------
    values : DataFrame of `ovcf.stats.prevalence.at_prevalence`. prevalence : share of fresh in the cohort.
    """
    named = {"ppv": ("fresh", "called fresh and is fresh", "-"), "npv": ("old", "called old and is old", "-.")}
    for metric, (klass, name, line) in named.items():
        rows = values[values.metric == metric].sort_values("prevalence")
        colour = CLASS_COLOURS[klass]
        ax.fill_between(rows.prevalence, rows.low, rows.high, color=colour, alpha=0.15, lw=0)
        ax.plot(rows.prevalence, rows.estimate, color=colour, lw=2, ls=line, label=name)
    ax.axvline(prevalence, color=GREY, lw=1, ls="--")
    ax.set(xlabel="share of fresh among vertebrae", ylabel="share of calls that are right")
    ax.set(xlim=(0, 1), ylim=(0, 1.02))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)  # above: the dashed line crosses no word
    return ax


def subgroup_figure(groups: pd.DataFrame) -> Figure:
    """Draw the AUC of every subgroup with its interval; grey where the group was too small to be tested.

    Parameters
    ----------
    groups : DataFrame of `ovcf.stats.summaries.known_subgroups`, one metric (auc).
    """
    import matplotlib.pyplot as plt

    rows = groups[groups.estimate.notna()].reset_index(drop=True)
    figure, ax = plt.subplots(figsize=(WIDTH, 0.2 * len(rows) + 0.9))
    names = [f"{r.by.replace('_', ' ')}: {r.group} (n = {r.n})" for r in rows.itertuples()]
    colours = [INK if tested else GREY for tested in rows.tested]
    forest(rows, ax, names=names, xlabel="AUC [95 % interval]", colours=colours)
    ax.tick_params(axis="y", labelsize=SMALL)
    ax.axvline(0.5, color=GREY, lw=1, ls="--")
    for i in np.flatnonzero(rows.by != rows.by.shift())[1:]:
        ax.axhline(len(rows) - i - 0.5, color="#dddddd", lw=0.8)
    return figure


def leakage_figure(price: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the difference that dealing patches instead of patients into folds makes, metric by metric.

    Parameters
    ----------
    price : DataFrame of `ovcf.stats.leakage.price_of_leakage`.
    """
    words = {"auc": "AUC", "auc_fold_mean": "AUC, mean of folds"}
    rows = price[price.metric.isin(words) & price.difference.notna()].reset_index(drop=True)
    names = [f"{words[r.metric]}, {r.patches} (n = {r.n})\n{fill(r.method, 30)}" for r in rows.itertuples()]
    forest(rows, ax, names=names, estimate="difference", xlabel="difference of AUC")
    ax.locator_params(axis="x", nbins=4)
    ax.tick_params(axis="y", labelsize=SMALL)
    ax.axvline(0, color=GREY, lw=1, ls="--")
    return ax


def stard_flow(flow: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the STARD flow: patients, their vertebrae, the index test, the reference standard.

    Parameters
    ----------
    flow : DataFrame of `ovcf.stats.flow.stard_flow`: box, n.
    """
    n = flow.set_index("box").n
    ax.set_axis_off()
    ax.set(xlim=(0, 10), ylim=(-0.4, 4.4))
    people = f"Included: {n['patients']:,} patients, {n['vertebrae']:,} vertebrae"
    included = flow_box(ax, 5, 2.8, people, letters=40, bold=True)
    if "collected" in n:
        flow_link(ax, flow_box(ax, 5, 4, f"Collected: {n['collected']:,} patients", letters=40), included)
        flow_box(ax, 5.5, 3.4, f"{n['excluded']:,} excluded", letters=20, align="left")
    for x, call in ((2.5, "fresh"), (7.5, "old")):
        test = flow_box(ax, x, 1.6, f"Index test: {n[f'called {call}']:,} called {call}", letters=30)
        flow_link(ax, included, test)
        for shift, truth in ((-1.25, "fresh"), (1.25, "old")):
            counted = f"Reference {truth}: {n[f'{truth} called {call}']:,}"
            flow_link(ax, test, flow_box(ax, x + shift, 0.3, counted, letters=12))
    return ax
