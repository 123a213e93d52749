"""Every parameter of a run, once: its name, what it is at first, what is allowed, what it means.

Profiles, the notebooks' parameter cells and `ovcf run -p` are checked against this table (tests hold the notebooks and
the demo profile to it).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from ovcf.words import NETWORKS

AS_THE_RUN = "as the run"
"""What a notebook's parameter holds until somebody types a value: the run's own value."""


class Within(NamedTuple):
    """A number from `least` to `most`; `open_below`: not `least` itself."""

    least: float
    most: float
    open_below: bool = False

    def admits(self, value: Any) -> bool:
        """Whether a number lies within; NaN does not."""
        return (self.least < value if self.open_below else self.least <= value) and value <= self.most

    def __str__(self) -> str:
        return f"{'above ' if self.open_below else ''}{self.least:g} to {self.most:g}"


class OneOf(NamedTuple):
    """One of some words."""

    words: tuple[str | bool, ...]

    def admits(self, value: Any) -> bool:
        """Whether a value is one of the words."""
        return value in self.words

    def __str__(self) -> str:
        return ", ".join(map(str, self.words))


class Names(NamedTuple):
    """A list of at least one name, none of them twice; `words` says which, and the registry proves them."""

    words: str

    def admits(self, value: Any) -> bool:
        """Whether a list holds names, each once."""
        return 0 < len(value) == len(set(value))

    def __str__(self) -> str:
        return f"{self.words}; at least one, none twice"


class Anything(NamedTuple):
    """A word or a path, proved when it is read."""

    words: str

    def admits(self, value: Any) -> bool:
        """Whether the run may try it: always."""
        return True

    def __str__(self) -> str:
        return self.words


class Parameter(NamedTuple):
    """A parameter of a run: `default` is the demo's value and gives the type."""

    name: str
    default: Any
    allowed: Within | OneOf | Names | Anything
    meaning: str


_YES = OneOf((True, False))
_NETWORKS = ", ".join(NETWORKS)
_DEMO = ["alexnet", "vgg16", "googlenet", "resnet50", "resnet101", "efficientnet_lite0"]

PARAMETERS = (
    Parameter("data", "synthetic", Anything('"synthetic", or the path of a manifest or folder'), "the cohort"),
    Parameter("allow_outside", False, _YES, "accept image paths that leave the manifest's folder"),
    Parameter("patients", 405, Within(8, 100_000), "patients of the synthetic cohort"),
    Parameter("seed", 0, Within(0, 2**32 - 1), "one seed for cohort, folds, training, bootstrap and simulated readers"),
    Parameter("folds", 5, Within(2, 100), "number of cross-validation folds"),
    Parameter("split", "patient", OneOf(("patient", "patch")), "what is dealt into folds"),
    Parameter("image_size", 88, Within(32, 1024), "side of a patch in pixels"),
    Parameter("margin_mm", 5.0, Within(0, 100), "margin around the box in mm"),
    Parameter("margin_px", 8, Within(0, 1000), "margin in pixels where no pixel spacing is known"),
    Parameter("context", 0, OneOf((0, 1)), "bodies on either side that networks see too: none, or one"),
    Parameter("equalisation", "histogram", OneOf(("histogram", "clahe", "none")), "of the patches' greys"),
    Parameter("networks", _DEMO, Names(f"{_NETWORKS}, torchvision:NAME, timm:NAME"), "networks to compare"),
    Parameter("weights", "packaged", Anything('"imagenet", "packaged", "none", or a folder'), "starting weights"),
    Parameter("trainable", "head", OneOf(("head", "last_stage", "all")), "what trains"),
    Parameter("epochs", 100, Within(1, 10_000), "passes over the training patches"),
    Parameter("batch_size", 16, Within(2, 4096), "patches per step"),
    Parameter("learning_rate", 0.001, Within(0, 10, True), "at the start"),
    Parameter("momentum", 0.9, Within(0, 0.999), "of the gradient descent"),
    Parameter("decay", 0.8, Within(0, 1, True), "factor on the learning rate ..."),
    Parameter("decay_every", 30, Within(1, 10_000), "... after this many epochs"),
    Parameter("precision", "auto", OneOf(("auto", "float32", "bfloat16")), "arithmetic of networks"),
    Parameter("training_seed", -1, Within(-1, 2**32 - 1), "seed of what training draws; -1: the same as seed"),
    Parameter("workers", 2, Within(1, 1024), "jobs at once; the numbers do not depend on it"),
    Parameter("chosen", "best", Anything('"best", or one of the networks'), "the network to look into"),
    Parameter("replicates", 2000, Within(20, 1_000_000), "bootstrap replicates, of patients"),
    Parameter("threshold", 0.5, Within(0, 1), "a patch is called fresh from this probability on"),
    Parameter("leakage", True, _YES, "train under the other split too"),
    Parameter("dealings", 6, Within(0, 100), "dealings into folds by either split, to see a leak among chance"),
    Parameter("regions", "separate", OneOf(("pooled", "separate")), "train by region of the diaphragm too"),
    Parameter("other_context", True, _YES, "train with the other context too"),
    Parameter("more_seeds", 4, Within(0, 100), "trainings of the chosen network with a further seed each"),
    Parameter("readings", "simulated", Anything('"simulated", or the path of a readings file'), "of the readers"),
    Parameter("readers", 5, Within(1, 1000), "number of simulated readers"),
    Parameter("reader_cases", 40, Within(4, 100_000), "cases the simulated readers read"),
    Parameter("margin", 0.05, Within(0, 0.5, True), "loss of AUC against the panel that would still be accepted"),
    Parameter("published", "paper", Anything('"paper", or the path of a YAML file'), "printed numbers to audit"),
    Parameter(
        "external", "synthetic", Anything('"synthetic", "", or a manifest or folder'), "another hospital's cohort"
    ),
)
"""In the order of the notebooks that declare them."""

BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}
ANYWHERE = ("workers",)
"""Parameters that no number depends on: another value is no other run."""

BEFORE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "training_seed": lambda p: -1,
    "threshold": lambda p: 0.5,
    "precision": lambda p: "auto",  # the software chose
    "context": lambda p: 0,
    "dealings": lambda p: 0,
    "regions": lambda p: "pooled",
    "other_context": lambda p: False,
    "more_seeds": lambda p: 0,
    "external": lambda p: "",
}
"""Of a parameter younger than the first format: what runs that lack it were made with, from their other parameters."""
