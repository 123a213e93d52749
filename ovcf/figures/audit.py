"""Figures of the audit of published numbers: findings by place, readings, matrices, bounds. Tables in, an ax
back.
"""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ovcf.audit.findings import CONTRADICTION, NOTE, SEVERITIES, UNLIKELY
from ovcf.figures.style import CLASS_COLOURS, INK, SMALL, WIDTH

GREY = "#9aa3ad"
# Severity is told by colour and by marker.
SEVERITY_COLOURS = dict(zip(SEVERITIES, ("#D55E00", "#E69F00", "#56B4E9", "#0072B2"), strict=True))
SEVERITY_MARKERS = dict(zip(SEVERITIES, ("X", "D", "s", "o"), strict=True))
SHORT = {UNLIKELY: "very unlikely"}


def findings_by_place(findings: pd.DataFrame, ax: Axes) -> Axes:
    """Draw how many findings of each severity each place has: places down, severities across.

    Parameters
    ----------
    findings : DataFrame with where (table or part of the text) and severity (`Audit.findings_table`).
    """
    order = sorted(findings["where"].unique(), key=lambda name: (not name.startswith("Table"), name))
    heads = []
    for x, (severity, colour) in enumerate(SEVERITY_COLOURS.items()):
        some = findings["where"][findings["severity"] == severity]
        for name, number in some.value_counts().items():
            y = order.index(name)
            ax.scatter(x - 0.12, y, color=colour, marker=SEVERITY_MARKERS[severity], s=50)
            ax.text(x + 0.1, y, f"{number}", va="center", fontsize=SMALL)
        heads.append(f"{SHORT.get(severity, severity).replace(' ', chr(10), 1)}\n({len(some)})")
    ax.set_yticks(range(len(order)), [fill(name, 22) for name in order], fontsize=SMALL)
    ax.set_xticks(range(len(heads)), heads, fontsize=SMALL)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.set(ylim=(len(order) - 0.5, -0.5), xlim=(-0.5, len(heads) - 0.5))
    ax.spines[:].set_visible(False)
    ax.grid(axis="y", color="#e6e8eb")
    ax.set_axisbelow(True)
    return ax


def reading_ranks(readings: pd.DataFrame, ax: Axes) -> Axes:
    """Draw how many rows each reading of the columns explains, of all that share their cases.

    Parameters
    ----------
    readings : DataFrame with reading, explained, rows (`Audit.readings`), one group.
    """
    shown = readings.sort_values("explained", kind="stable")
    colours = [SEVERITY_COLOURS[CONTRADICTION] if r == "as headed" else GREY for r in shown["reading"]]
    ax.barh(range(len(shown)), shown["explained"], color=colours, height=0.62)
    for i, row in enumerate(shown.itertuples()):
        ax.text(row.explained + 0.12, i, f"{row.explained} of {row.rows}", va="center", fontsize=SMALL)
    names = [fill(name.replace("_", " "), 30) for name in shown["reading"]]
    ax.set_yticks(range(len(shown)), names, fontsize=SMALL)
    ax.set(xlim=(0, shown["rows"].max() * 1.3), xlabel="rows that whole numbers can give")
    ax.xaxis.get_major_locator().set_params(integer=True)
    return ax


def matrix_sheet(matrices: pd.DataFrame, *, positive: str = "fresh", negative: str = "old") -> Figure:
    """Draw confusion matrices as tiles, counts in the cells, truth down and answers across.

    Parameters
    ----------
    matrices : DataFrame with row, tp, fn, tn, fp (`Audit.matrices_table`), one row a tile.
    """
    import matplotlib.pyplot as plt

    columns = min(3, len(matrices))
    rows = -(-len(matrices) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, 2 * rows), squeeze=False)
    for ax in axes.flat[len(matrices) :]:
        ax.set_axis_off()
    for i, (ax, row) in enumerate(zip(axes.flat, matrices.itertuples(), strict=False)):
        cells = np.array([[row.tp, row.fn], [row.fp, row.tn]])
        ax.imshow(cells / cells.sum(axis=1, keepdims=True), cmap="Greys", vmin=0, vmax=1.25)
        for (y, x), value in np.ndenumerate(cells):
            dark = value / cells[y].sum() > 0.6
            ax.text(x, y, str(value), ha="center", va="center", color="white" if dark else INK, fontsize=11)
        ax.set_xticks([0, 1], [positive, negative], fontsize=SMALL)
        ax.set_yticks([0, 1], [f"{positive}\n({cells[0].sum()})", f"{negative}\n({cells[1].sum()})"], fontsize=SMALL)
        ax.set_title(row.row, fontsize=9)
        ax.set_ylabel("" if i % columns else "truth")
        ax.tick_params(length=0)
    return figure


def printed_and_recovered(rates: pd.DataFrame, ax: Axes, *, metric: str = "sensitivity") -> Axes:
    """Join, row by row, what is printed under a heading (open) and what the recovered matrix gives (filled).

    Parameters
    ----------
    rates : DataFrame of `recovered_rates`, single rows; a rate that is a range is drawn as a bar.
    """
    colour = CLASS_COLOURS["fresh" if metric == "sensitivity" else "old"]
    marker = "^" if metric == "sensitivity" else "o"
    for i, row in enumerate(rates.itertuples()):
        printed, found = getattr(row, f"printed_{metric}"), getattr(row, metric)
        ends = [float(part) for part in found.split(" to ")] if found else []
        if printed and len(ends) == 1:
            ax.plot([float(printed), ends[0]], [i, i], color=GREY, lw=1.2, zorder=1)
        if len(ends) == 1:
            ax.scatter(ends, [i], color=colour, marker=marker, s=48, zorder=3)
        elif ends:
            ax.plot(ends, [i, i], color=colour, lw=5, alpha=0.25, solid_capstyle="butt", zorder=0)
        if printed:
            ax.scatter([float(printed)], [i], fc="white", ec=INK, marker=marker, s=110, zorder=2)
    ax.set_yticks(range(len(rates)), [f"{row.table.replace('Table ', 'T')} {row.row}" for row in rates.itertuples()])
    ax.tick_params(axis="y", labelsize=SMALL)
    ax.set(
        ylim=(len(rates) - 0.4, -0.6),
        xlabel=f"{metric} (%): printed (open), recovered (filled)",
        xlim=(0, 100),
    )
    return ax


def mcnemar_ranges(bounds: pd.DataFrame, ax: Axes, *, alpha: float = 0.05) -> Axes:
    """Draw, per reader, the range of exact McNemar p that the margins allow, on a log scale, and the level.

    Parameters
    ----------
    bounds : DataFrame with row, before, after, n, smallest_p, largest_p (`Audit.bounds`).
    """
    for i, row in enumerate(bounds.itertuples()):
        never = row.smallest_p > alpha
        colour = SEVERITY_COLOURS[CONTRADICTION] if never else SEVERITY_COLOURS[NOTE]
        ax.plot([row.smallest_p, row.largest_p], [i, i], color=colour, lw=3, solid_capstyle="butt")
        ax.scatter([row.smallest_p], [i], color=colour, marker="X" if never else "o", s=48, zorder=3)
    names = [f"{row.row}:\n{row.before} to {row.after} of {row.n} right" for row in bounds.itertuples()]
    ax.axvline(alpha, color=INK, lw=1, ls="--")
    ax.annotate(f"{alpha:g}", (alpha, -0.55), ha="left", xytext=(3, 0), textcoords="offset points", fontsize=SMALL)
    ax.set_yticks(range(len(bounds)), names, fontsize=SMALL)
    ax.set(xscale="log", xlim=(bounds["smallest_p"].min() / 1.6, 1.3), ylim=(len(bounds) - 0.5, -0.9))
    ax.set_xticks([0.001, 0.01, 0.1, 1], ["0.001", "0.01", "0.1", "1"])
    ax.minorticks_off()
    ax.set_xlim(bounds["smallest_p"].min() / 1.6, 1.3)  # setting ticks widens the limits
    ax.set_xlabel("exact McNemar p, least to most")
    return ax


def f1_limits(limits: pd.DataFrame, ax: Axes) -> Axes:
    """Draw printed mean F1 against the largest that mean precision and recall allow.

    Parameters
    ----------
    limits : DataFrame with row, class, printed, limit (`forensics.f1_limits`), percent.
    """
    ax.axline((70, 70), slope=1, color=GREY, lw=1)
    for side, some in limits.groupby("class", sort=False):
        style = {"color": CLASS_COLOURS.get(side, INK), "marker": "^" if side == "fresh" else "o"}
        ax.scatter(some["limit"], some["printed"], label=side, s=42, zorder=3, **style)
    above = limits[limits["printed"] > limits["limit"]]
    for _, row in above.iterrows():  # to the left, where no line runs
        name, place = f"{row['row']}, {row['class']}", (row["limit"], row["printed"])
        ax.annotate(name, place, xytext=(-6, 0), textcoords="offset points", ha="right", va="center", fontsize=SMALL)
    low, high = limits[["printed", "limit"]].min().min() - 0.8, limits[["printed", "limit"]].max().max() + 0.8
    ax.set(
        xlim=(low - bool(len(above)) * (high - low) / 4, high),
        ylim=(low, high),
        xlabel="largest possible mean F1 (%)",
        ylabel="printed mean F1 (%)",
    )
    ax.text(0.03, 0.95, "not possible above the line", transform=ax.transAxes, fontsize=SMALL, color=GREY, va="top")
    ax.legend(loc="lower right", fontsize=SMALL)
    return ax
