"""Figures of the reader study: readers without and with the model, and flips that helped or harmed."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ovcf.figures.style import GREY, INK, SMALL, reader_colours
from ovcf.words import AVERAGE, rounded

SESSION_NAMES = {"unaided": "without\nthe model", "aided": "with\nthe model"}


def reader_roc(rates: pd.DataFrame, curve: pd.DataFrame, model: pd.Series, ax: Axes) -> Axes:
    """Draw the model's ROC curve and the readers on it: an arrow leads from each one's answers alone to those aided.

    Parameters
    ----------
    rates : DataFrame with session, reader, sensitivity, specificity (`ovcf.stats.readers.summaries.reader_points`), its
        mean as `Average`.
    curve : DataFrame with fpr, tpr (`ovcf.stats.roc.roc_points`) on the readers' cases.
    model : its sensitivity and specificity at the threshold, on these cases.
    """
    ax.plot([0, 1], [0, 1], "--", color=GREY, lw=1)
    ax.plot(curve.fpr, curve.tpr, color=INK, lw=1.8, label="model")
    ax.plot(1 - model.specificity, model.sensitivity, "s", color=INK, ms=8, label="model at its threshold")
    readers = [name for name in rates.reader.unique() if name != AVERAGE]
    colours = reader_colours(readers) | {AVERAGE: INK}
    for name in [*readers, AVERAGE]:
        mine = rates[rates.reader == name]
        if mine.empty:  # the average of one reader
            continue
        x, y = 1 - mine.specificity.to_numpy(), mine.sensitivity.to_numpy()
        marker = "D" if name == AVERAGE else "o"
        ax.plot(x[:1], y[:1], marker, mfc="white", mec=colours[name], mew=1.6, ms=7, ls="none")
        ax.plot(x[-1:], y[-1:], marker, color=colours[name], ms=7, ls="none", label=name)
        for start, end in zip(range(len(x) - 1), range(1, len(x)), strict=True):
            arrow = {"arrowstyle": "-|>", "color": colours[name], "lw": 1.4, "shrinkA": 4, "shrinkB": 4}
            ax.annotate("", (x[end], y[end]), (x[start], y[start]), arrowprops=arrow)
    ax.set(xlabel="1 - specificity (old called fresh)", ylabel="sensitivity (fresh called fresh)", aspect="equal")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.legend(loc="lower right")
    return ax


def reader_slopes(sessions: Mapping[str, pd.DataFrame], ax: Axes, *, metric: str = "accuracy") -> Axes:
    """Draw each reader's metric in each session, joined, with 95 % intervals; the average bold.

    Parameters
    ----------
    sessions : {"unaided": table, "aided": table} of `ovcf.stats.readers.tables.reader_table`.
    metric : accuracy, sensitivity or specificity.
    """
    everyone = pd.concat(table.reader for table in sessions.values()).unique()
    readers = [reader for reader in everyone if reader != AVERAGE]
    colours = reader_colours(readers)
    for i, reader in enumerate([*readers, *[AVERAGE] * (AVERAGE in everyone)]):
        found = [table[table.reader == reader] for table in sessions.values()]  # of a split-plot one is empty
        rows = [own.iloc[0] for own in found if len(own)]
        x = np.flatnonzero([len(own) for own in found]) + (i - len(readers) / 2) * 0.09  # no bar covers another
        y = np.array([row[metric] for row in rows])
        bars = [y - [row[f"{metric}_low"] for row in rows], [row[f"{metric}_high"] for row in rows] - y]
        style = (
            {"color": INK, "lw": 2.6, "marker": "D"}
            if reader == AVERAGE
            else {"color": colours[reader], "lw": 1.2, "marker": "o"}
        )
        ax.errorbar(x, y, yerr=bars, elinewidth=0.8, ms=5, label=reader, **style)
    ax.axhline(0.5, color="#999999", lw=0.8, ls=":")
    ax.set_xticks(range(len(sessions)), [SESSION_NAMES[name] for name in sessions], fontsize=SMALL)
    ax.set(xlim=(-0.45, len(sessions) - 0.55), ylim=(0, 1), ylabel=f"{metric} (%)")
    ax.yaxis.set_major_formatter(lambda y, _: f"{100 * y:.0f}")
    if metric == "accuracy":
        ax.legend(loc="lower right", borderpad=0)
    return ax


def flips(effect: pd.DataFrame, ax: Axes) -> Axes:
    """Draw, per reader, answers that the model turned right (up) and turned wrong (down).

    Parameters
    ----------
    effect : DataFrame with reader, helpful_flips, harmful_flips (`ovcf.stats.readers.tables.ai_effect`).
    """
    x = np.arange(len(effect))
    ax.bar(x, effect.helpful_flips, color="#009E73", label="turned right")
    ax.bar(x, -effect.harmful_flips, color="#CC79A7", hatch="//", ec="white", label="turned wrong by a wrong model")
    for i, row in enumerate(effect.itertuples()):
        ax.text(i, row.helpful_flips + 0.2, f"{row.helpful_flips:.0f}", ha="center", fontsize=SMALL)
        ax.text(i, -row.harmful_flips - 0.2, f"{row.harmful_flips:.0f}", ha="center", va="top", fontsize=SMALL)
    ax.axhline(0, color=INK, lw=0.8)
    ax.update_datalim([(0, -1), (0, 1)])  # where nothing was turned the numbers would lie far outside
    ax.margins(y=0.12)  # room for the numbers at both ends
    ax.set_xticks(x, effect.reader, rotation=20, ha="right")
    ax.set_ylabel("answers")
    ax.figure.legend(loc="outside lower center", ncols=2)
    return ax


def power_map(grid: pd.DataFrame, ax: Axes) -> Axes:
    """Draw power by number of readers (down) and cases (across), numbers in the cells.

    Parameters
    ----------
    grid : DataFrame with readers, cases, power (`ovcf.stats.readers.power.power_grid`).
    """
    wide = grid.pivot(index="readers", columns="cases", values="power")
    ax.imshow(wide, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, j), value in np.ndenumerate(wide.to_numpy()):
        ax.text(
            j, i, rounded(value, 2), ha="center", va="center", fontsize=SMALL, color="white" if value > 0.6 else INK
        )
    ax.set_xticks(range(wide.shape[1]), wide.columns)
    ax.set_yticks(range(wide.shape[0]), wide.index)
    ax.set(xlabel="cases", ylabel="readers")
    ax.spines[:].set_visible(False)
    return ax
