"""Figures of the reader study: readers without and with the model, and flips that helped or harmed."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ovcf.figures.style import reader_colours
from ovcf.words import AVERAGE

INK = "#1c2530"
SESSION_NAMES = {"unaided": "without the model", "aided": "with the model"}


def reader_slopes(sessions: Mapping[str, pd.DataFrame], ax: Axes, *, metric: str = "accuracy") -> Axes:
    """Draw each reader's metric in each session, joined, with 95 % intervals; the average bold.

    Parameters
    ----------
    sessions : {"unaided": table, "aided": table} of `ovcf.stats.readers.tables.reader_table`.
    metric : accuracy, sensitivity or specificity.
    """
    first = next(iter(sessions.values()))
    readers = [reader for reader in first.reader if reader != AVERAGE]
    colours = reader_colours(readers)
    for i, reader in enumerate([*readers, AVERAGE]):
        rows = [table[table.reader == reader].iloc[0] for table in sessions.values()]
        x = np.arange(len(rows)) + (i - len(readers) / 2) * 0.04
        y = np.array([row[metric] for row in rows])
        bars = [y - [row[f"{metric}_low"] for row in rows], [row[f"{metric}_high"] for row in rows] - y]
        style = (
            {"color": INK, "lw": 2.6, "marker": "D"}
            if reader == AVERAGE
            else {"color": colours[reader], "lw": 1.2, "marker": "o"}
        )
        ax.errorbar(x, y, yerr=bars, elinewidth=0.8, ms=5, label=reader, **style)
    ax.axhline(0.5, color="#999999", lw=0.8, ls=":")
    ax.set_xticks(range(len(sessions)), [SESSION_NAMES[name] for name in sessions])
    ax.set(xlim=(-0.4, len(sessions) - 0.6), ylim=(0, 1))
    ax.set_title(metric, fontsize=10)
    if metric == "accuracy":
        ax.legend(fontsize=7.5, loc="lower right")
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
        ax.text(i, row.helpful_flips + 0.2, f"{row.helpful_flips:.0f}", ha="center", fontsize=8)
        ax.text(i, -row.harmful_flips - 0.2, f"{row.harmful_flips:.0f}", ha="center", va="top", fontsize=8)
    ax.axhline(0, color=INK, lw=0.8)
    ax.margins(y=0.12)  # room for the numbers at both ends
    ax.set_xticks(x, effect.reader, rotation=20, ha="right")
    ax.set_ylabel("answers")
    ax.legend(fontsize=8)
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
        ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=8, color="white" if value > 0.6 else INK)
    ax.set_xticks(range(wide.shape[1]), wide.columns)
    ax.set_yticks(range(wide.shape[0]), wide.index)
    ax.set(xlabel="cases", ylabel="readers")
    ax.spines[:].set_visible(False)
    return ax
