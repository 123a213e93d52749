"""Figures of the cohort and its patches: inclusion, pipeline, body heights, levels, ages, grey values."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ovcf.figures.style import CLASS_COLOURS, CLASS_MARKERS

INK = "#1c2530"
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
    ax.set(xlim=(0, 10), ylim=(-0.45, top + 0.45))
    arrow = {"arrowstyle": "-|>", "color": INK}
    for i, row in enumerate(flow.itertuples()):
        y = top - i
        _box(ax, 2.4, y, f"{row.step}: {row.n:,}", bold=i in (0, top))
        if i < top:
            ax.annotate("", (2.4, y - 0.78), (2.4, y - 0.22), arrowprops=arrow)
        if row.excluded:
            ax.annotate("", (5.0, y + 0.5), (2.4, y + 0.5), arrowprops=arrow)
            _box(ax, 5.1, y + 0.5, f"{row.excluded:,} excluded: {row.reason}", align="left")
    return ax


def _box(ax: Axes, x: float, y: float, text: str, *, bold: bool = False, align: str = "center") -> None:
    frame = {"boxstyle": "round,pad=0.4", "fc": "white", "ec": INK, "lw": 1.4 if bold else 0.8}
    ax.text(x, y, text, ha=align, va="center", bbox=frame, fontsize=9, fontweight="bold" if bold else None)


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


def film_sheet(films: Sequence[tuple], *, title: str = "") -> Figure:
    """Show several films with the boxes of their vertebrae.

    Parameters
    ----------
    films : list of (title, pixels (h, w) in [0, 1], boxes (k, 4) in px, labels (k,)).
    """
    import matplotlib.pyplot as plt
    from matplotlib.patches import Rectangle

    figure, axes = plt.subplots(1, len(films), figsize=(2.2 * len(films), 4.4), squeeze=False)
    for ax, (name, pixels, boxes, labels) in zip(axes[0], films, strict=True):
        film_with_box(pixels, [np.nan] * 4, ax, title=name)
        for (x0, y0, x1, y1), label in zip(boxes, labels, strict=True):
            style = {"ec": CLASS_COLOURS[label], "ls": "-" if label == "fresh" else "--", "lw": 1.4}
            ax.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, **style))
    figure.suptitle(f"{title}; box solid: fresh, dashed: old", fontsize=10)
    return figure


def pipeline(film: NDArray, box: Sequence[float], cut: NDArray, equalised: NDArray, *, title: str = "") -> Figure:
    """Draw Figure 2: film with box, cut, equalised, and the three flips of the equalised patch.

    Parameters
    ----------
    film : pixels (h, w) in [0, 1]; box : x0, y0, x1, y1 px; cut, equalised : uint8 (s, s).
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 6, figsize=(12, 3.4), width_ratios=[1.5, 1, 1, 1, 1, 1])
    film_with_box(film, box, axes[0], title="film and box")
    flips = [("flipped left-right", equalised[:, ::-1]), ("flipped top-bottom", equalised[::-1])]
    steps = [("patch", cut), ("equalised", equalised), *flips, ("both flips", equalised[::-1, ::-1])]
    for ax, (name, image) in zip(axes[1:], steps, strict=True):
        patch(image, ax, title=name)
    figure.suptitle(title, fontsize=10)
    return figure


def equalisation_sheet(examples: Sequence[tuple[str, Mapping[str, NDArray]]], *, title: str = "") -> Figure:
    """Show patches under each equalisation with their grey-value histograms beneath.

    Parameters
    ----------
    examples : list of (name, {equalisation: uint8 (s, s)}), one a row pair.
    """
    import matplotlib.pyplot as plt

    ways = list(examples[0][1])
    shape = {"height_ratios": [2.2, 1] * len(examples)}
    size = (3 * len(ways), 4.4 * len(examples))
    figure, axes = plt.subplots(2 * len(examples), len(ways), figsize=size, gridspec_kw=shape, squeeze=False)
    for i, (name, images) in enumerate(examples):
        for j, way in enumerate(ways):
            patch(images[way], axes[2 * i, j], title=f"{name}, {EQUALISATION_NAMES.get(way, way)}")
            grey_histogram(images[way], axes[2 * i + 1, j])
    figure.suptitle(title, fontsize=10)
    return figure


def class_sheet(groups: Mapping[str, Sequence[NDArray]], *, title: str = "") -> Figure:
    """Show patches of each class in rows; groups maps fresh / old to a list of uint8 (s, s)."""
    import matplotlib.pyplot as plt

    columns = max(len(images) for images in groups.values())
    figure, axes = plt.subplots(len(groups), columns, figsize=(1.05 * columns, 1.35 * len(groups)), squeeze=False)
    for row, (label, images) in zip(axes, groups.items(), strict=True):
        for ax in row:
            ax.set_axis_off()
        for ax, image in zip(row, images, strict=False):
            ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        row[0].set_title(label, fontsize=10, color=CLASS_COLOURS[label], loc="left")
    figure.suptitle(title, fontsize=10)
    return figure


def warning_sheet(pictures: Mapping[str, Sequence[tuple[str, Sequence[NDArray]]]], *, title: str = "") -> Figure | None:
    """Show thumbnails of what a check warned about, a row a kind; None where it warned of no picture.

    Parameters
    ----------
    pictures : {kind: list of (caption, list of uint8 (h, w))}, from `ovcf.intake.check.Findings`.
    """
    import matplotlib.pyplot as plt

    rows = [(kind, caption, images) for kind, shown in pictures.items() for caption, images in shown[:2]]
    if not rows:
        return None
    columns = max(len(images) for _, _, images in rows)
    figure, axes = plt.subplots(len(rows), columns, figsize=(1.5 * columns + 3, 1.8 * len(rows)), squeeze=False)
    for row, (kind, caption, images) in zip(axes, rows, strict=True):
        for ax in row:
            ax.set_axis_off()
        for ax, image in zip(row, images, strict=False):
            ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        row[0].set_title(f"{kind.replace('_', ' ')}: {caption}", fontsize=8, loc="left")
    figure.suptitle(title, fontsize=10)
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
    ax.set_xticks(x, [level.replace("unknown", "not\nknown") for level in counts.index])
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
    ax.set_ylabel("height / mean height of neighbours")
    return ax
