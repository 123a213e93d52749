"""Figures of the cohort and its patches: inclusion, pipeline, body heights, levels, ages, grey values."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from ovcf.figures.style import CLASS_COLOURS, CLASS_MARKERS, INK, SMALL, WIDTH, panel
from ovcf.words import network_title

ARROW = {"arrowstyle": "-|>", "color": INK}
PAD = 0.35 * SMALL  # points between a text of a flow chart and its frame
SEXES = {"female": "women", "male": "men"}
SEX_COLOURS = {"women": "#CC79A7", "men": "#009E73", "sex unknown": "#999999"}
EQUALISATION_NAMES = {"none": "original", "histogram": "global equalisation", "clahe": "CLAHE"}


def inclusion_flow(flow: pd.DataFrame, ax: Axes) -> Axes:
    """Draw Figure 1: who was left after each criterion, and who was excluded by it.

    Parameters
    ----------
    flow : DataFrame with step, n, excluded, reason, from `ovcf.cohort.inclusion.inclusion_flow`.
    ax : matplotlib axes; its frame is removed.
    """
    ax.set_axis_off()
    top = len(flow) - 1
    ax.set(xlim=(0, 10), ylim=(-0.4, top + 0.4))
    boxes = [
        flow_box(ax, 2.3, top - i, f"{row.step}: {row.n:,}", letters=30, bold=i in (0, top))
        for i, row in enumerate(flow.itertuples())
    ]
    for i, (above, below) in enumerate(pairwise(boxes)):
        flow_link(ax, above, below)
        row = flow.iloc[i + 1]
        if row.excluded:
            y = top - i - 0.5
            flow_arrow(ax, (2.3, y), (5.2, y))
            flow_box(ax, 5.3, y, f"{row.excluded:,} excluded: {row.reason}", letters=32, align="left")
    return ax


def flow_box(
    ax: Axes, x: float, y: float, text: str, *, letters: int, bold: bool = False, align: str = "center"
) -> Text:
    """Write a text in a box of a flow chart, broken after so many letters; return it."""
    frame = {"boxstyle": "round,pad=0.35", "fc": "white", "ec": INK, "lw": 1.4 if bold else 0.8}
    weight = "bold" if bold else None
    return ax.text(x, y, fill(text, letters), ha=align, va="center", bbox=frame, fontsize=SMALL, fontweight=weight)


def flow_link(ax: Axes, above: Text, below: Text) -> None:
    """Draw an arrow of a flow chart from the lower edge of one box to the upper edge of another."""
    ends = {"shrinkA": PAD, "shrinkB": PAD}
    ax.annotate("", (0.5, 1), (0.5, 0), xycoords=below, textcoords=above, arrowprops=ARROW | ends, zorder=0)


def flow_arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow of a flow chart, behind its boxes."""
    ax.annotate("", end, start, arrowprops=ARROW | {"shrinkA": 0, "shrinkB": 0}, zorder=0)


def film_with_box(
    pixels: NDArray, box: Sequence[float], ax: Axes, *, title: str = "film", colour: str = "#F0E442"
) -> Axes:
    """Show a film (h, w) in [0, 1] with a vertebra's box (x0, y0, x1, y1) in px; no box where it is NaN."""
    from matplotlib.patches import Rectangle

    ax.imshow(pixels, cmap="gray", vmin=0, vmax=1)
    x0, y0, x1, y1 = box
    if np.isfinite(x0):
        ax.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, ec=colour, lw=1.8))
    return _picture(ax, title)


def patch(image: NDArray, ax: Axes, *, title: str = "") -> Axes:
    """Show one patch, uint8 (s, s), on the full grey scale."""
    ax.imshow(image, cmap="gray", vmin=0, vmax=255)
    return _picture(ax, title)


def _picture(ax: Axes, title: str) -> Axes:
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=9)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def grey_histogram(image: NDArray, ax: Axes, *, title: str = "") -> Axes:
    """Draw how often each grey value of a patch, uint8 (s, s), occurs, with the cumulative curve."""
    counts, edges = np.histogram(image, bins=64, range=(0, 256))
    ax.bar(edges[:-1], counts / counts.sum(), width=4, align="edge", color="#777777")
    ax.set(xlim=(0, 256), yticks=[], xlabel="grey value")
    cumulative = ax.twinx()
    cumulative.plot(edges[1:], counts.cumsum() / counts.sum(), color=INK, lw=1.2)
    cumulative.set(ylim=(0, 1.05), yticks=[])
    for axis in (ax, cumulative):
        axis.spines[["left", "right"]].set_visible(False)
    ax.set_title(title, fontsize=9)
    return ax


def film_panels(films: Sequence[tuple]) -> list[Figure]:
    """Show several films with the boxes of their vertebrae, each a panel: solid fresh, dashed old.

    Parameters
    ----------
    films : list of (title, pixels (h, w) in [0, 1], boxes (k, 4) in px, labels (k,)).
    """
    from matplotlib.patches import Rectangle

    figures = []
    for name, pixels, boxes, labels in films:
        figure, ax = panel(3.7, width=1.72)
        film_with_box(pixels, [np.nan] * 4, ax, title=name)
        for (x0, y0, x1, y1), label in zip(boxes, labels, strict=True):
            style = {"ec": CLASS_COLOURS[label], "ls": "-" if label == "fresh" else "--", "lw": 1.4}
            ax.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, **style))
        figures.append(figure)
    return figures


def among_neighbours(pixels: NDArray, box: Sequence[float], ax: Axes) -> Axes:
    """Show a vertebra in its film with what lies three heights above and below it, boxed.

    Parameters
    ----------
    pixels : film (h, w) in [0, 1]; box : x0, y0, x1, y1 px.
    """
    x0, y0, x1, y1 = box
    wide, high = x1 - x0, y1 - y0
    film_with_box(pixels, box, ax, title="")
    ax.set(xlim=(max(x0 - wide, -0.5), min(x1 + wide, pixels.shape[1] - 0.5)))
    ax.set(ylim=(min(y1 + 3 * high, pixels.shape[0] - 0.5), max(y0 - 3 * high, -0.5)))
    return ax


def pipeline(
    film: NDArray, box: Sequence[float], cut: NDArray, equalised: NDArray, *, label: str, networks: Sequence[str],
    choice: str, step: str = "equalised",
) -> Figure:  # fmt: skip
    """Draw Figure 2: the six steps from a film to a network.

    Parameters
    ----------
    film : pixels (h, w) in [0, 1]; box : x0, y0, x1, y1 px; cut, equalised : uint8 (s, s).
    label : of the reference standard. networks : names of those compared. choice : how one of them is chosen.
    step : what was done to the patch.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(WIDTH, 3.9))
    a, b, c, d, e, f = axes.ravel()
    film_with_box(film, box, a, title="(a) annotated film")
    patch(cut, b, title="(b) patch")
    patch(equalised, c, title=f"(c) {step}")
    patch(equalised, d, title="(d) labelled")
    d.set_xlabel(label, color=CLASS_COLOURS[label], fontweight="bold", fontsize=10)
    _lines(e, "(e) networks", [network_title(name) for name in networks])
    _lines(f, "(f) one chosen", fill(choice, 18).splitlines())
    return figure


def _lines(ax: Axes, title: str, lines: Sequence[str]) -> None:
    """Write lines where a picture would stand."""
    _picture(ax, title)
    ax.text(0.5, 0.5, "\n".join(lines), ha="center", va="center", fontsize=SMALL, transform=ax.transAxes)


def equalisation_panels(examples: Sequence[tuple[str, Mapping[str, NDArray]]]) -> list[Figure]:
    """Show patches under each equalisation with their grey-value histograms beneath, a panel an example.

    Parameters
    ----------
    examples : list of (name, {equalisation: uint8 (s, s)}).
    """
    import matplotlib.pyplot as plt

    figures = []
    for name, images in examples:
        size = {"figsize": (WIDTH, 2.8), "height_ratios": [2, 1]}
        figure, axes = plt.subplots(2, len(images), squeeze=False, **size)
        for (way, image), above, below in zip(images.items(), *axes, strict=True):
            patch(image, above, title=f"{name}, {EQUALISATION_NAMES.get(way, way)}")
            grey_histogram(image, below)
        figures.append(figure)
    return figures


def class_panels(groups: Mapping[str, Sequence[NDArray]], *, columns: int = 6) -> list[Figure]:
    """Show patches of each class, a panel a class; groups maps fresh / old to a list of uint8 (s, s)."""
    import matplotlib.pyplot as plt

    figures = []
    for label, images in groups.items():
        rows = -(-len(images) // columns)
        figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, 0.3 + 0.8 * rows), squeeze=False)
        for ax in axes.flat:
            ax.set_axis_off()
        for ax, image in zip(axes.flat, images, strict=False):
            ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        axes[0, 0].set_title(label, fontsize=10, color=CLASS_COLOURS[label], loc="left")
        figures.append(figure)
    return figures


def warning_sheet(pictures: Mapping[str, Sequence[tuple[str, Sequence[NDArray]]]]) -> Figure | None:
    """Show thumbnails of what a check warned about, each with the kind and its id; None where it warned of no picture.

    Parameters
    ----------
    pictures : {kind: list of (ids, list of uint8 (h, w))}, from `ovcf.intake.check.Findings`.
    """
    import matplotlib.pyplot as plt

    tiles = [
        (kind.replace("_", " "), name, image)
        for kind, shown in pictures.items()
        for names, images in shown[:2]
        for name, image in zip(names.split(", "), images, strict=False)
    ]
    if not tiles:
        return None
    columns = min(3, len(tiles))
    rows = -(-len(tiles) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH * columns / 3, 2.1 * rows), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (kind, name, image) in zip(axes.flat, tiles, strict=False):
        ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        ax.set_title(f"{fill(kind, 22)}\n{name}", fontsize=SMALL)
    return figure


def level_counts(counts: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the vertebrae per level and class side by side.

    Parameters
    ----------
    counts : DataFrame indexed by level (T5..L5) with the columns fresh and old.
    """
    x = np.arange(len(counts))
    for shift, name in ((-0.2, "fresh"), (0.2, "old")):
        hatch = "//" if name == "old" else None
        ax.bar(x + shift, counts[name], width=0.38, color=CLASS_COLOURS[name], label=name, hatch=hatch, ec="white")
    ax.set_xticks(x, [level.replace("unknown", "not\nknown") for level in counts.index], fontsize=SMALL)
    ax.set(xlabel="level", ylabel="vertebrae")
    ax.legend()
    return ax


def ages(patients: pd.DataFrame, ax: Axes) -> Axes:
    """Draw the ages of patients (one row a patient, columns age and sex) stacked by sex, or say that none is known.

    Nobody is left out: the bins span the ages there are, and a sex that is not known has a colour too.
    """
    known = patients.dropna(subset=["age"])
    if known.empty:
        ax.text(0.5, 0.5, "no ages in the manifest", ha="center", transform=ax.transAxes)
        ax.set_axis_off()
        return ax
    groups = {name: known.loc[known.sex == sex, "age"] for sex, name in SEXES.items()}
    groups["sex unknown"] = known.loc[~known.sex.isin(list(SEXES)), "age"]
    groups = {name: years for name, years in groups.items() if len(years)}
    bins = np.arange(3 * (known.age.min() // 3), known.age.max() + 3.1, 3)
    colours = [SEX_COLOURS[name] for name in groups]
    ax.hist(list(groups.values()), bins=bins, stacked=True, label=list(groups), color=colours)
    ax.set(xlabel="age (years)", ylabel="patients")
    ax.legend()
    return ax


def body_heights(patches: pd.DataFrame, ax: Axes, *, seed: int = 0) -> Axes:
    """Draw Figure 3: middle body height over the mean of the neighbours', one dot a vertebra.

    Parameters
    ----------
    patches : DataFrame with label, normal_height, middle_height_mm, neighbour_height_mm.
    seed : of the sideways jitter.
    """
    rng = np.random.default_rng(seed)
    shown = patches.dropna(subset=["middle_height_mm", "neighbour_height_mm"])
    ratio = shown.middle_height_mm / shown.neighbour_height_mm
    normal = shown.normal_height.astype(bool)
    groups = [
        ("fresh", "fresh,\ncompressed", (shown.label == "fresh") & ~normal),
        ("fresh", "fresh,\nnormal height", (shown.label == "fresh") & normal),
        ("old", "old", shown.label == "old"),
    ]
    for x, (label, _, rows) in enumerate(groups):
        values = ratio[rows]
        jitter = x + rng.uniform(-0.25, 0.25, len(values))
        ax.scatter(jitter, values, s=12, alpha=0.5, lw=0, color=CLASS_COLOURS[label], marker=CLASS_MARKERS[label])
        if len(values):
            ax.hlines(values.median(), x - 0.3, x + 0.3, color=INK, lw=2)
    ax.axhline(1, color="#999999", lw=0.8, ls="--")
    ax.set_xticks(range(3), [f"{name}\n(n = {rows.sum()})" for _, name, rows in groups])
    ax.set_ylabel("height / mean of neighbours")
    return ax
