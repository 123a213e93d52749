"""Order and colour of classes, networks and readers, fixed once for every figure and widget."""

from collections.abc import Iterable
from itertools import cycle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart by colour-blind readers; a marker or a word always goes with the colour.
FRESH, OLD = "#D55E00", "#0072B2"
CLASS_COLOURS = {"fresh": FRESH, "old": OLD}
CLASS_MARKERS = {"fresh": "^", "old": "o"}
NETWORK_COLOURS = {
    "alexnet": "#999999",
    "vgg16": "#E69F00",
    "googlenet": "#56B4E9",
    "resnet50": "#009E73",
    "resnet101": "#CC79A7",
    "efficientnet_lite0": "#000000",
}
OUTCOME_NAMES = {
    "TP": "fresh, called fresh",
    "FN": "fresh, called old",
    "TN": "old, called old",
    "FP": "old, called fresh",
}


WIDTH = 4.7
"""Inches of a panel: two stand side by side on a desk's screen and in a page's text, one fills a phone's, with its
type readable on all."""
SMALL = 8.5
"""Points of the smallest type: 11 pixels on a screen, 9 where a phone shrinks a panel."""
INK, GREY = "#1c2530", "#737a84"


def panel(height: float, width: float = WIDTH) -> "tuple[Figure, Axes]":
    """Return a figure with one ax, sizes in inches."""
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height))


def set_style() -> None:
    """Set matplotlib's defaults for the study's figures; called by notebooks, never on import."""
    import matplotlib as mpl
    import seaborn as sns

    sns.set_theme(style="ticks", context="notebook", font_scale=0.8)
    mpl.rcParams.update(
        {
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.constrained_layout.use": True,
            "figure.dpi": 96,
            "legend.fontsize": SMALL,
            "svg.hashsalt": "ovcf",  # the same figure is the same file
            "image.cmap": "gray",
            "legend.frameon": False,
            "text.parse_math": False,  # a $ in somebody's id is text
        }
    )


def reader_colours(readers: Iterable[str]) -> dict:
    """Give each reader of a study a fixed colour, in order of appearance."""
    palette = cycle(["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#666666"])
    return dict(zip(readers, palette, strict=False))
