"""The registry of networks: what each is called, how it is built and cut, and the words tables use. Free of torch.

Command line and profiles check their choices against this page, so it must be cheap to import: what needs torch is
named ("module:function") and found when a network is built. Besides the six that come along,

    torchvision:NAME    any classification network of torchvision
    timm:NAME           any of timm (`pip install ovcf[timm]`)

work for `trainable: head` and `all`; `register` adds one that can be cut for `last_stage` too.
"""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, NamedTuple

from ovcf.problems import InputError, Problem, unknown
from ovcf.words import LIBRARIES, NETWORKS

# What was kept is used while these stand; raise one when the same inputs would give other numbers.
RECIPE_VERSION = 4  # of training: finished folds are then redone
RANDOM_VERSION = 3  # of random starting weights
FEATURES_VERSION = 4  # of what a frozen trunk makes of a patch

CUTS = "ovcf.models.cuts:"


class Architecture(NamedTuple):
    """One network of the registry; how to add one stands in `register`.

    Parameters
    ----------
    name : as in a profile and in every table and key; its title stands in `words.NETWORKS`
    cut : takes the network as its authors publish it, gives (stem, last stage, width of the features): `head(stage(
        stem(x)))` must be what it computed. A function or its "module:name".
    build : gives that network, without weights, of (name, random); `random` says whether its own random
        initialisation is wanted
    head : how the keys of its thousand-class head begin; these are never loaded. Empty: its last linear layer's
    last_stage : what `trainable: last_stage` trains besides the head, in words; "" where it cannot be cut
    camera : path in the cut network ("stage.0") of the last convolutional activation, whose maps Grad-CAM reads;
        "" for the last convolution
    renaming : beginnings of keys in files by others, and what they are called here (("backbone.0.", "conv1."), ...)
    imagenet : where its ImageNet weights come from, a `sources.Source`
    packaged : whether that file comes with a Python package
    least : side in px of the smallest patch that it takes; 0: nobody said, so the network is asked (`check_size`)
    stream : its number among the random streams; None: a hash of the name. Never a position: a network added
        anywhere leaves all others as they were.
    bfloat16 : how far bfloat16 moves the features of its random trunk, in SDs between patches (112 px, seed 0);
        None: its random trunk runs in float32 unless bfloat16 is asked for
    bfloat16_pretrained : whether `precision: auto` lets its pretrained trunk run in bfloat16; for networks measured so
    """

    name: str
    cut: Callable[[Any], tuple[Any, Any, int]] | str
    build: Callable[[str, bool], Any] | str = CUTS + "of_torchvision"
    head: tuple[str, ...] = ()
    last_stage: str = ""
    camera: str = ""
    renaming: tuple[tuple[str, str], ...] = ()
    imagenet: Any = "ovcf.models.sources:TORCHVISION"
    packaged: bool = False
    least: int = 0
    stream: int | None = None
    bfloat16: float | None = None
    bfloat16_pretrained: bool = False

    @property
    def seed_stream(self) -> int:
        """The number that stands for this network in every seed."""
        if self.stream is not None:
            return self.stream
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:8], "big")


def found(thing: Any) -> Any:
    """Return what may be given by its "module:name"."""
    return resolve_name(thing) if isinstance(thing, str) else thing


# ---------------------------------------------------------------- the six that come along
_RESNET = Architecture(
    "",
    CUTS + "resnet",
    head=("fc.",),
    last_stage="layer4 (3 bottlenecks)",
    camera="stage.0",
    least=1,
    # networks kept as a plain sequence of their parts, as RadImageNet publishes them
    renaming=(("0.", "conv1."), ("1.", "bn1."), *((f"{3 + k}.", f"layer{k}.") for k in range(1, 5))),
)
_HIDDEN = "the two hidden fully connected layers (fc6, fc7)"
_VGG = {"cut": CUTS + "of_layers_in_a_row", "head": ("classifier.6.",), "last_stage": _HIDDEN}

ARCHITECTURES: dict[str, Architecture] = {
    entry.name: entry
    for entry in (
        Architecture("alexnet", camera="stem.11", least=63, stream=0, bfloat16=0.04, **_VGG),
        Architecture("vgg16", camera="stem.29", least=32, stream=1, bfloat16=0.17, **_VGG),
        # its features move by 0.29 in bfloat16 and it is quick, so it stays in float32
        Architecture(
            "googlenet",
            CUTS + "googlenet",
            head=("fc.",),
            last_stage="inception blocks 5a and 5b",
            camera="stage.1",
            least=15,
            stream=2,
        ),
        _RESNET._replace(name="resnet50", stream=3, bfloat16=0.08),
        _RESNET._replace(name="resnet101", stream=4, bfloat16=0.09),
        Architecture(
            "efficientnet_lite0",
            CUTS + "efficientnet_lite",
            CUTS + "of_efficientnet_lite",
            head=("_fc.",),
            last_stage="the last inverted-residual block (320 channels) and the 1280-channel convolution",
            camera="stage.3",
            imagenet="ovcf.models.sources:LITE0",
            packaged=True,
            least=1,
            stream=5,
        ),
    )
}
"""Every network by name. The head is always the last linear layer (two classes); AlexNet's and VGG16's other fully
connected layers count as trunk when only the head trains."""


def register(entry: Architecture, title: str, before: str | None = None) -> None:
    """Add a network, at the end of the order of tables and figures or before another one.

    Parameters
    ----------
    entry : see `Architecture`
    title : as printed

    Raises
    ------
    InputError : where the name is taken, or nobody knows the one it shall stand before.

    Examples
    --------
    def cut(net):  # torchvision's DenseNet121
        *stem, block, norm = net.features
        stage = nn.Sequential(block, norm, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return nn.Sequential(*stem), stage, net.classifier.in_features

    register(Architecture("densenet121", cut, head=("classifier.",), last_stage="dense block 4", camera="stage.2"),
             "DenseNet121", before="resnet50")
    """
    if entry.name in NETWORKS:
        raise InputError(Problem("network", "this name is taken", found=entry.name))
    if before is not None and before not in NETWORKS:
        raise InputError(unknown("network", before, NETWORKS))
    ARCHITECTURES[entry.name] = entry
    after = list(NETWORKS.items())
    place = list(NETWORKS).index(before) if before else len(after)
    NETWORKS.clear()
    NETWORKS.update([*after[:place], (entry.name, title), *after[place:]])


def forget(name: str) -> None:
    """Take a network out of the registry again."""
    ARCHITECTURES.pop(name, None)
    NETWORKS.pop(name, None)


# ---------------------------------------------------------------- networks of other libraries
_OF_LIBRARY = {
    "torchvision": Architecture("", CUTS + "whole"),
    "timm": Architecture("", CUTS + "whole", CUTS + "of_timm", imagenet="ovcf.models.sources:TIMM"),
}


def architecture(name: str) -> Architecture:
    """Return a network's entry, also of `torchvision:NAME` and `timm:NAME`.

    Raises
    ------
    InputError : for a name that neither this registry nor the library knows, and where timm is not installed.
    """
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    library, _, model = name.partition(":")
    if library not in LIBRARIES or not model:
        also = "torchvision:NAME, timm:NAME"
        raise InputError(unknown("network", name, NETWORKS, also=also))
    known = found(f"ovcf.models.sources:{library}_names")()
    if model not in known:
        from difflib import get_close_matches

        near = ", ".join(f"{library}:{n}" for n in get_close_matches(model, known, n=3, cutoff=0.3))
        raise InputError(Problem("unknown_network", f"{library} has no such network", found=name, allowed=near or None))
    return _OF_LIBRARY[library]._replace(name=name)


def network_problems(networks: Iterable[str], trainable: str) -> list[Problem]:
    """What is wrong with a choice of networks: unknown names, and those that cannot be cut for `last_stage`."""
    problems, networks = [], list(networks)
    if not networks:
        problems.append(Problem("no_network", "no network was named", allowed=", ".join(NETWORKS)))
    for name in dict.fromkeys(networks):
        try:
            entry = architecture(name)
        except InputError as error:
            problems += error.problems
            continue
        if trainable == "last_stage" and not entry.last_stage:
            message = "nobody has said where its last stage begins"
            problems.append(Problem("no_last_stage", message, found=name, allowed="trainable: head or all"))
    return problems


def check_size(networks: Iterable[str], size: int) -> None:
    """Refuse networks that cannot take patches of this size (px), before anything is read or trained.

    A network whose entry does not say its least size is asked (`weights.misfit`), which takes seconds.

    Raises
    ------
    InputError : with every network that cannot.
    """
    problems = []
    for name in networks:
        if not (least := architecture(name).least):
            problems += found("ovcf.models.weights:misfit")(name, size)
        elif size < least:
            problems.append(size_problem(name, size, f"it takes {least} px or more"))
    if problems:
        raise InputError(problems)


def size_problem(name: str, size: int, wrong: str) -> Problem:
    """The problem of a network that cannot take patches of this size, and why."""
    message = f"{name} does not turn a patch of {size} px into one vector of features: {wrong}"
    return Problem("network_size", message, allowed="another image_size or network")


# ---------------------------------------------------------------- words
def last_stage(name: str) -> str:
    """Say what `trainable: last_stage` trains of a network besides the head."""
    return architecture(name).last_stage


def pretrained(network: str, weights: str) -> bool:
    """Say whether a network starts from weights that were trained on pictures."""
    packaged = network in ARCHITECTURES and ARCHITECTURES[network].packaged
    return weights != "none" and (weights != "packaged" or packaged)


def describe_weights(network: str, weights: str) -> str:
    """Say in a few words where starting weights come from; of a path only the folder's name."""
    packaged = network in ARCHITECTURES and ARCHITECTURES[network].packaged
    if weights in ("imagenet", "packaged") and packaged:
        return "ImageNet weights (packaged)"
    if weights == "imagenet":
        library = network.partition(":")[0] if ":" in network else ""
        return f"pretrained weights of {library}" if library == "timm" else "ImageNet weights"
    if not pretrained(network, weights):
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


def file_stem(network: str) -> str:
    """Return a network's name as files bear it: without the colon that some systems refuse."""
    return network.replace(":", "-")
