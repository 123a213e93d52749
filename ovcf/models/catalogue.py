"""Which networks there are, which weights, what may train; and the words tables use for them. Free of torch.

Command line and profiles check their choices against this page, so it must be cheap to import.
"""

from pathlib import Path

from ovcf.problems import InputError, Problem, unknown
from ovcf.words import NETWORKS

# What was kept is used while these stand; raise one when the same inputs would give other numbers.
RECIPE_VERSION = 2  # of training: finished folds are then redone
RANDOM_VERSION = 2  # of random starting weights
FEATURES_VERSION = 1  # of what a frozen trunk makes of a patch

PACKAGED = ("efficientnet_lite0",)
WEIGHTS = ("imagenet", "packaged", "none")  # or the path of a folder
TRAINABLE = ("head", "last_stage", "all")

LAST_STAGE = {
    "alexnet": "the two hidden fully connected layers (fc6, fc7)",
    "vgg16": "the two hidden fully connected layers (fc6, fc7)",
    "googlenet": "inception blocks 5a and 5b",
    "resnet50": "layer4 (3 bottlenecks)",
    "resnet101": "layer4 (3 bottlenecks)",
    "efficientnet_lite0": "the last inverted-residual block (320 channels) and the 1280-channel convolution",
}
"""What `trainable: last_stage` trains besides the head. The head is always the last linear layer (two
classes); AlexNet's and VGG16's other fully connected layers count as trunk when only the head trains."""


def describe_weights(network: str, weights: str) -> str:
    """Say in a few words where starting weights come from; of a path only the folder's name."""
    if weights in ("imagenet", "packaged") and network in PACKAGED:
        return "ImageNet weights (packaged)"
    if weights == "imagenet":
        return "ImageNet weights"
    if weights in ("packaged", "none"):
        return "random weights (not pretrained)"
    return f"weights from folder {Path(weights).name}"


def describe_training(network: str, weights: str, trainable: str) -> str:
    """Say what was random and what was frozen, as every table of results must.

    Examples
    --------
    >>> describe_training("resnet101", "packaged", "head")
    'random weights (not pretrained), frozen trunk, trained head'
    """
    parts = {
        "head": "frozen trunk, trained head",
        "last_stage": "frozen trunk, trained last stage and head",
        "all": "all layers trained",
    }
    return f"{describe_weights(network, weights)}, {parts[trainable]}"


def check_choices(networks, weights: str, trainable: str) -> None:
    """Refuse unknown networks, weights and trainable parts, all at once, each with the nearest names."""
    problems = [unknown("network", name, NETWORKS) for name in networks if name not in NETWORKS]
    if not len(list(networks)):
        problems.append(Problem("no_network", "no network was named", allowed=", ".join(NETWORKS)))
    if weights not in WEIGHTS and not Path(weights).is_dir():
        problems.append(unknown("weights", weights, WEIGHTS, also="the path of a folder that exists"))
    if trainable not in TRAINABLE:
        problems.append(unknown("trainable", trainable, TRAINABLE))
    if problems:
        raise InputError(problems)
