"""Figures of the audit of published numbers: findings by place, readings, matrices, bounds. Tables in, an ax
back.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ovcf.audit.findings import CONTRADICTION, NOTE, SEVERITIES, UNDECIDED, UNLIKELY
from ovcf.figures.style import CLASS_COLOURS

INK = "#1c2530"
GREY = "#9aa3ad"
# Severity is told by colour and by marker.
SEVERITY_COLOURS = dict(zip(SEVERITIES, ("#D55E00", "#E69F00", "#56B4E9", "#0072B2"), strict=True))
SEVERITY_MARKERS = dict(zip(SEVERITIES, ("X", "D", "s", "o"), strict=True))
SHORT = {UNLIKELY: "very unlikely"}


def findings_by_place(findings: pd.DataFrame, ax: Axes) -> Axes:
    """Draw one mark a finding: places down, severities side by side.

    Parameters
    ----------
    findings : DataFrame with where (table or part of the text) and severity (`Audit.findings_table`).
    """
    place = findings["where"]
    order = sorted(place.unique(), key=lambda name: (not name.startswith("Table"), name))
    left = 0
    for severity, colour in SEVERITY_COLOURS.items():
        some = place[findings["severity"] == severity]
        if severity == UNDECIDED and not len(some):
            continue
        most = max([2, *some.value_counts()])
        for name, number in some.value_counts().items():
            x = left + np.arange(number)
            ax.scatter(x, np.full(number, order.index(name)), color=colour, marker=SEVERITY_MARKERS[severity], s=46)
        label = SHORT.get(severity, severity)
        ax.text(left - 0.3, -1.0, f"{label} ({len(some)})", color=colour, fontsize=9, va="bottom")
        left += max(most, 4.5) + 1
    ax.set_yticks(range(len(order)), order)
    ax.set(ylim=(len(order) - 0.5, -1.3), xlim=(-0.7, left), xticks=[])
    ax.spines[["bottom", "left"]].set_visible(False)
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
        ax.text(row.explained + 0.12, i, f"{row.explained} of {row.rows}", va="center", fontsize=8.5)
    ax.set_yticks(range(len(shown)), [name.replace("_", " ") for name in shown["reading"]], fontsize=8.5)
    ax.set(xlim=(0, shown["rows"].max() * 1.15), xlabel="rows that whole numbers of cases can give")
    return ax


def matrix_tiles(matrices: pd.DataFrame, axes: Any, *, positive: str = "fresh", negative: str = "old") -> Any:
    """Draw confusion matrices as tiles, one an axis, counts in the cells, truth down and answers across.

    Parameters
    ----------
    matrices : DataFrame with row, tp, fn, tn, fp (`Audit.matrices_table`), one row an axis.
    """
    for ax, row in zip(np.ravel(axes), matrices.itertuples(), strict=False):
        cells = np.array([[row.tp, row.fn], [row.fp, row.tn]])
        ax.imshow(cells / cells.sum(axis=1, keepdims=True), cmap="Greys", vmin=0, vmax=1.25)
        for (i, j), value in np.ndenumerate(cells):
            dark = value / cells[i].sum() > 0.6
            ax.text(j, i, str(value), ha="center", va="center", color="white" if dark else INK, fontsize=11)
        ax.set_xticks([0, 1], [positive, negative], fontsize=8)
        ax.set_yticks([0, 1], [f"{positive} ({cells[0].sum()})", f"{negative} ({cells[1].sum()})"], fontsize=8)
        ax.set_title(row.row, fontsize=9)
        ax.tick_params(length=0)
    np.ravel(axes)[0].set_ylabel("truth")
    return axes


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
    ax.tick_params(axis="y", labelsize=8)
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
        ax.text(
            row.largest_p * 1.08,
            i,
            f"{row.before} to {row.after} of {row.n} right",
            va="center",
            fontsize=8.5,
        )
    ax.axvline(alpha, color=INK, lw=1, ls="--")
    ax.text(alpha, -0.75, f"{alpha:g}", ha="center", fontsize=8.5)
    ax.set_yticks(range(len(bounds)), bounds["row"])
    ax.set(xscale="log", xlim=(bounds["smallest_p"].min() / 1.6, 4), ylim=(len(bounds) - 0.5, -0.9))
    ax.set_xticks([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1], ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"])
    ax.minorticks_off()
    ax.set_xlabel("exact McNemar p, from the least to the most that the margins allow")
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
    for _, row in limits[limits["printed"] > limits["limit"]].iterrows():
        name = f"{row['row']}, {row['class']}"
        ax.annotate(
            name,
            (row["limit"], row["printed"]),
            xytext=(-4, 10),
            textcoords="offset points",
            fontsize=8.5,
        )
    low, high = limits[["printed", "limit"]].min().min() - 0.8, limits[["printed", "limit"]].max().max() + 0.8
    ax.set(
        xlim=(low, high),
        ylim=(low, high),
        xlabel="largest possible mean F1 (%)",
        ylabel="printed mean F1 (%)",
    )
    ax.text(0.03, 0.95, "not possible above the line", transform=ax.transAxes, fontsize=8.5, color=GREY, va="top")
    ax.legend(loc="lower right", fontsize=8.5)
    return ax
