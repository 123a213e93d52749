"""All that is chosen about training, in one object that is passed whole. Free of torch.

The defaults are the paper's (3.1): learning rate 0.001, momentum 0.9, cross-entropy, 100 epochs, decay 0.8 every 30.
The paper leaves unsaid the optimiser (ours is plain SGD with momentum), the batch size (16) and the epoch reported (the
last).
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from ovcf.models.catalogue import network_problems
from ovcf.problems import InputError, Problem, unknown

FLIPS = ("lr", "tb")
"""The paper's augmentation (2.2.2): random left-right and top-bottom flips. Here each is a coin toss (it gives no
probability), so an augmented patch is one of four, each as likely as the others."""

WEIGHTS = ("imagenet", "packaged", "none")  # or the path of a folder
TRAINABLE = ("head", "last_stage", "all")
PRECISIONS = ("auto", "float32", "bfloat16")

AS_SEED = -1
"""The training seed that means: the same as `seed`."""

RANGES: dict[str, tuple[type, float, float]] = {
    "epochs": (int, 1, 100_000),
    "batch_size": (int, 1, 65_536),
    "learning_rate": (float, 0.0, 1_000.0),
    "momentum": (float, 0.0, 1.0),
    "decay": (float, 0.0, 1.0),
    "decay_every": (int, 1, 1_000_000),
    "seed": (int, 0, 2**63 - 1),
    "training_seed": (int, AS_SEED, 2**63 - 1),
}
"""Kind, least and greatest value of each number of a recipe."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Parameters
    ----------
    weights : where training starts: "imagenet", "packaged", "none", or a folder of files
    trainable : "head", "last_stage" (and the head), or "all"
    learning_rate, momentum, decay, decay_every : SGD; the rate is multiplied by `decay` every so many epochs
    flips : which of FLIPS an epoch may draw for a patch
    seed : of the weights of random trunks
    training_seed : fixes everything that is drawn in training (first weights of the head, order, flips), through
        (training_seed, network, fold); AS_SEED: the same as `seed`. Runs that differ in it alone can be paired.
    precision : "float32", "bfloat16" or "auto"; `arithmetic` says what comes of it on this machine

    Raises
    ------
    InputError : with every value that is unknown or out of range.
    """

    weights: str = "imagenet"
    trainable: str = "head"
    epochs: int = 100
    batch_size: int = 16
    learning_rate: float = 0.001
    momentum: float = 0.9
    decay: float = 0.8
    decay_every: int = 30  # epochs
    flips: tuple[str, ...] = FLIPS
    seed: int = 0
    training_seed: int = AS_SEED
    precision: str = "auto"

    def __post_init__(self) -> None:
        if problems := _problems(self):
            raise InputError(problems)

    @classmethod
    def chosen(cls, parameters: Mapping[str, Any]) -> Self:
        """Take the recipe out of a run's parameters, which also name the networks it is meant for.

        Raises
        ------
        InputError : with everything that is wrong with either.
        """
        values = {field.name: parameters[field.name] for field in dataclasses.fields(cls) if field.name in parameters}
        problems = network_problems(parameters["networks"], parameters["trainable"])
        try:
            recipe = cls(**values)
        except InputError as error:
            problems += error.problems
        if problems:
            raise InputError(problems)
        return recipe

    @property
    def draws(self) -> int:
        """The seed that training draws from."""
        return self.seed if self.training_seed == AS_SEED else self.training_seed

    def rate(self, epoch: int) -> float:
        """Learning rate in an epoch counted from 0: 0.001 until epoch 30, then 0.0008, ..."""
        return self.learning_rate * self.decay ** (epoch // self.decay_every)

    @property
    def states(self) -> tuple[tuple[str, ...], ...]:
        """The flips a patch can have; unflipped first: (), (lr,), (tb,), (lr, tb) when both are allowed."""
        flips = tuple(f for f in FLIPS if f in self.flips)
        return ((),) + tuple((f,) for f in flips) + ((flips,) if len(flips) == 2 else ())

    def training(self) -> dict[str, Any]:
        """What training depends on besides data, starting weights and arithmetic: for keys, notes and cards."""
        flips = tuple(f for f in FLIPS if f in self.flips)
        values = dataclasses.asdict(self) | {"flips": flips, "training_seed": self.draws}
        return {name: value for name, value in values.items() if name not in ("weights", "precision")}


def _problems(recipe: Recipe) -> list[Problem]:
    """What is wrong with a recipe, all at once."""
    problems = []
    if recipe.weights not in WEIGHTS and not Path(recipe.weights).is_dir():
        problems.append(unknown("weights", recipe.weights, WEIGHTS, also="the path of a folder that exists"))
    if recipe.trainable not in TRAINABLE:
        problems.append(unknown("trainable", recipe.trainable, TRAINABLE))
    if recipe.precision not in PRECISIONS:
        problems.append(unknown("precision", recipe.precision, PRECISIONS))
    for name, (kind, least, most) in RANGES.items():
        value = getattr(recipe, name)
        kinds = int if kind is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            allowed = f"{'a whole number' if kind is int else 'a number'} from {least:g} to {most:g}"
            problems.append(Problem("parameter", f"{name} is out of range", None, None, name, repr(value), allowed))
    if isinstance(recipe.flips, str) or (wrong := [f for f in recipe.flips if f not in FLIPS]):
        found = recipe.flips if isinstance(recipe.flips, str) else wrong[0]
        problems.append(unknown("flip", found, FLIPS))
    return problems
