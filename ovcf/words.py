"""Each word of the study once: levels, regions of the diaphragm, labels, columns of a box, networks."""

import math
import unicodedata
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

LEVELS = ("T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5")
"""Vertebral levels that the paper's Table 1 counts, from above downwards."""

LABELS = ("fresh", "old")
"""The two classes; fresh is the positive one."""

CANNOT_JUDGE = "cannot judge"
"""What a reader says of a case that cannot be read; it counts as a reading that was not made."""

ARMS = ("unaided", "aided", "both", "unaided-film", "aided-film", "both-film")
"""How a reader may see a case: without the model, with it, first without and at once with it; patch, or whole film."""

DESIGNS = ("fixed", "crossover")
"""Designs of a reader study: arm by arm for all, or in balanced orders by reader and case."""

SCALES: dict[str, tuple[int, int]] = {"1-5": (1, 5), "0-100": (0, 100)}
"""Scales of a reader's confidence: least and most."""

REGIONS = ("above", "at", "below")
"""Where a level lies by the diaphragm."""

BOX = ("x0", "y0", "x1", "y1")
"""Columns of a vertebra's upright box, in pixels of its film; x1 and y1 are exclusive."""


NETWORKS: dict[str, str] = {
    "alexnet": "AlexNet",
    "vgg16": "VGG16",
    "googlenet": "GoogLeNet",
    "resnet50": "ResNet50",
    "resnet101": "ResNet101",
    "efficientnet_lite0": "EfficientNet-Lite0",
}
"""The networks, as written in a profile and as printed, in the order of every table: the paper's five, one whose
ImageNet weights come with a pip package, and what `ovcf.models.catalogue.register` adds."""

LIBRARIES = ("torchvision", "timm")
"""Whose classification networks can be named as LIBRARY:NAME."""


AVERAGE, TOTAL = "Average", "Total"
"""What the last row of a printed table is called."""


def region_of_level(level: str) -> str:
    """Return where a level lies by the diaphragm: T5-T9 above, T10-L1 at, L2-L5 below, "" unknown."""
    if level not in LEVELS:
        return ""
    place = LEVELS.index(level)
    return "above" if place < LEVELS.index("T10") else "at" if place <= LEVELS.index("L1") else "below"


def network_title(name: str) -> str:
    """Return a network's printed name: "ResNet50"; of another library's "densenet121 (torchvision)"."""
    library, _, model = name.partition(":")
    return NETWORKS.get(name) or (f"{model} ({library})" if library in LIBRARIES and model else name)


def networks_in_order(names: Iterable[str]) -> list[str]:
    """Put names of networks into the order of every table; those of other libraries come last, as they were met."""
    names = list(dict.fromkeys(names))
    return [name for name in NETWORKS if name in names] + [name for name in names if name not in NETWORKS]


def folded_name(name: str) -> str:
    """Return what all spellings of one person's name have in common, for comparing, never for showing.

    Capitals, spaces, invisible characters and the ways Unicode has to write one letter make no other person
    (NFKC and casefolding, Unicode Standard Annex 15 and section 3.13).
    """
    shown = "".join(letter for letter in str(name) if unicodedata.category(letter) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold()).split())


def rounded(number: float, decimals: int) -> str:
    """Write a number with so many decimals, the same wherever it is printed: 0.487 and 0.488 are no two prints of one.

    A half goes away from zero, as the number reads in decimals (0.4875: `0.488`), whatever last bits one way of
    computing it leaves and another does not: digits beyond the twelfth are dropped first. Nothing is `-0.000`.
    """
    if not math.isfinite(number):
        return str(float(number))
    text = str(Decimal(f"{number:.12g}").quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))
    return text.lstrip("-") if not text.strip("-0.") else text
