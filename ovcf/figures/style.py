"""Order and colour of classes, networks and readers, fixed once for every figure and widget."""

from collections.abc import Iterable
from itertools import cycle

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


def set_style() -> None:
    """Set matplotlib's defaults for the study's figures; called by notebooks, never on import."""
    import matplotlib as mpl
    import seaborn as sns

    sns.set_theme(style="ticks", context="notebook", font_scale=0.9)
    mpl.rcParams.update(
        {
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.constrained_layout.use": True,
            "figure.dpi": 110,
            "savefig.dpi": 160,
            "image.cmap": "gray",
            "legend.frameon": False,
            "text.parse_math": False,  # a $ in somebody's id is text
        }
    )


def reader_colours(readers: Iterable[str]) -> dict:
    """Give each reader of a study a fixed colour, in order of appearance."""
    palette = cycle(["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#666666"])
    return dict(zip(readers, palette, strict=False))
