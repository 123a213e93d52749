"""Figures of the reader study: readers without and with the model, and flips that helped or harmed."""

import numpy as np

from ovcf.viz.style import reader_colours

INK = "#1c2530"


def reader_slopes(unaided, aided, ax, *, metric="accuracy", model=None, reference=None):
    """Draw each reader's metric without and with the model, joined, with intervals.

    Parameters
    ----------
    unaided, aided : DataFrames with reader, <metric>, <metric>_low, <metric>_high as shares.
    model : the model's own value on the same cases, drawn as a line.
    reference : value for answering by chance, drawn dotted.
    """
    colours = reader_colours(list(unaided.reader))
    for i, reader in enumerate(unaided.reader):
        shift = (i - (len(unaided) - 1) / 2) * 0.035
        pair = [table[table.reader == reader].iloc[0] for table in (unaided, aided)]
        x, y = np.array([0, 1]) + shift, [row[metric] for row in pair]
        bars = [[row[metric] - row[f"{metric}_low"] for row in pair], [row[f"{metric}_high"] - row[metric] for row in pair]]
        ax.errorbar(x, y, yerr=bars, color=colours[reader], lw=1.6, elinewidth=0.8, marker="o", ms=5, label=reader)
    if model is not None:
        ax.axhline(model, color=INK, lw=1.4, ls="--", label="the model alone")
    if reference is not None:
        ax.axhline(reference, color="#999999", lw=0.8, ls=":", label="guessing")
    ax.set_xticks([0, 1], ["without the model", "with the model"])
    ax.set(xlim=(-0.3, 1.3), ylim=(0, 1), ylabel=metric)
    ax.legend(fontsize=7.5, loc="lower right")
    return ax


def flips(effect, ax):
    """Draw, per reader, answers that the model turned right (up) and turned wrong (down).

    Parameters
    ----------
    effect : DataFrame with reader, helpful_flips, harmful_flips (`ovcf.stats.reader_tables.ai_effect`).
    """
    x = np.arange(len(effect))
    ax.bar(x, effect.helpful_flips, color="#009E73", label="turned right")
    ax.bar(x, -effect.harmful_flips, color="#CC79A7", hatch="//", ec="white", label="turned wrong by a wrong model")
    for i, row in enumerate(effect.itertuples()):
        ax.text(i, row.helpful_flips + 0.2, f"{row.helpful_flips:.0f}", ha="center", fontsize=8)
        ax.text(i, -row.harmful_flips - 0.2, f"{row.harmful_flips:.0f}", ha="center", va="top", fontsize=8)
    ax.axhline(0, color=INK, lw=0.8)
    ax.set_xticks(x, effect.reader, rotation=20, ha="right")
    ax.set_ylabel("answers")
    ax.legend(fontsize=8)
    return ax
