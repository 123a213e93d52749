"""What is true by how a run was made: its parameters, its cohort, its readings."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, Self

import pandas as pd

from ovcf.models.catalogue import pretrained
from ovcf.profiles import defaults, load_profile
from ovcf.sentences import Sentence, Topic
from ovcf.tables.networks import names_with_weights
from ovcf.words import network_title

RECIPE = {
    "epochs": "epochs",
    "learning_rate": "learning rate",
    "momentum": "momentum",
    "decay": "decay",
    "decay_every": "epochs between decays",
    "image_size": "image size",
    "equalisation": "equalisation",
}
"""Parameters that the paper states. It does not state the batch size, the split, the epoch reported, which layers
train, the optimiser's name and the variant of equalisation."""


class Design(NamedTuple):
    """The facts that sentences about a run's design depend on."""

    parameters: Mapping[str, Any]
    chosen: str  # network
    synthetic: bool

    @classmethod
    def of(cls, study: Any, *, trained: bool = True) -> Self:
        """Of an opened study; before its networks were trained none is chosen."""
        return cls(study.parameters, study.chosen if trained else "", study.synthetic)

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]

    @property
    def networks(self) -> list[str]:
        """Printed names of the networks, random weights marked."""
        return list(names_with_weights(self["networks"], self["weights"]).values())

    @property
    def random(self) -> list[str]:
        """Those with random weights."""
        return [network_title(n) for n in self["networks"] if not pretrained(n, self["weights"])]

    @property
    def title(self) -> str:
        """The chosen network's printed name."""
        return network_title(self.chosen)

    @property
    def departures(self) -> list[str]:
        """What the paper states of its recipe and this run has otherwise: `epochs 20 (paper: 100)`."""
        paper = _paper()
        return [
            f"{words} {self[name]} (paper: {paper[name]})"
            for name, words in RECIPE.items()
            if self[name] != paper[name]
        ]


@cache
def _paper() -> dict[str, Any]:
    """The paper's recipe, complete."""
    return defaults() | load_profile("paper")


CHOICE: Topic = (
    Sentence(
        lambda d: d["chosen"] == "best" and len(d["networks"]) > 1,
        lambda d: (
            f"{d.title} was chosen from {len(d['networks'])} networks for its mean AUC over these same folds, which "
            "flatters its results and the p-values of its comparisons; how far it lies ahead of the next one shows how "
            "much room there is for that."
        ),
    ),
    Sentence(
        lambda d: d["chosen"] != "best" and len(d["networks"]) > 1,
        lambda d: f"{d.title} was fixed as a parameter of the run and not chosen for its result on these folds.",
    ),
    Sentence(
        lambda d: len(d["networks"]) == 1,
        lambda d: f"{d.title} is the only network that was trained, so none was chosen.",
    ),
)
"""How the network that is looked into came to be it."""

CHOICE_AGAIN: Topic = (
    Sentence(
        CHOICE[0].when,
        lambda d: f"{d.title} was chosen for its mean AUC over these same folds, which flatters its results.",
    ),
    *CHOICE[1:],
)
"""The same, where the comparison of the networks stands before."""

TRAINED_LAYERS: Topic = (
    Sentence(
        lambda d: d["trainable"] == "all",
        lambda d: "All layers are trained; the paper starts from ImageNet weights and names no frozen layer.",
    ),
    Sentence(
        lambda d: d["trainable"] == "last_stage",
        lambda d: "Only the last stage and the classifier are trained; the paper names no frozen layer.",
    ),
    Sentence(
        lambda d: d["trainable"] == "head",
        lambda d: (
            "Only the classifier is trained; the paper names no frozen layer. The frozen layers are evaluated once for "
            "each of the four flips of a patch, and all epochs and folds use these features."
        ),
    ),
)

RECIPE_KEPT: Topic = (
    Sentence(
        lambda d: not d.departures,
        lambda d: "Epochs, learning rate, momentum, decay, image size and equalisation are those of the paper.",
    ),
    Sentence(lambda d: bool(d.departures), lambda d: f"Other than in the paper: {', '.join(d.departures)}."),
)

RANDOM_WEIGHTS: Topic = (
    Sentence(lambda d: not d.random, lambda d: ""),
    Sentence(
        lambda d: bool(d.random) and d["trainable"] == "all",
        lambda d: f"No weights were pretrained for: {', '.join(d.random)}.",
    ),
    Sentence(
        lambda d: bool(d.random) and d["trainable"] != "all",
        lambda d: (
            f"Frozen layers with random weights: {', '.join(d.random)}. Such a network can only use what random "
            "filters happen to keep, so its result says little of the architecture."
        ),
    ),
)

SPLIT: Topic = (
    Sentence(
        lambda d: d["split"] == "patient",
        lambda d: "Patients were dealt into folds: none has vertebrae in both training and test.",
    ),
    Sentence(
        lambda d: d["split"] == "patch",
        lambda d: (
            "Patches were dealt into folds: a patient with several vertebrae can be in training and test at once, "
            "which can raise every result."
        ),
    ),
)

EQUALISED: Topic = (
    Sentence(
        lambda d: d["equalisation"] == "histogram",
        lambda d: (
            "Networks see the patch with its histogram equalised as a whole; the paper equalises and names no variant."
        ),
    ),
    Sentence(
        lambda d: d["equalisation"] == "clahe",
        lambda d: "Networks see the patch equalised by CLAHE; the paper equalises and names no variant.",
    ),
    Sentence(
        lambda d: d["equalisation"] == "none",
        lambda d: "Networks see the patch without equalisation; the paper equalises.",
    ),
)

LEAKAGE_ASKED: Topic = (
    Sentence(
        lambda d: bool(d["leakage"]),
        lambda d: (
            f"{d.title} was trained under both splits, on the same patches; the interval of the difference is over "
            "patients."
        ),
    ),
    Sentence(
        lambda d: not d["leakage"],
        lambda d: "The network was trained under one split only (`leakage`), so the difference is not known here.",
    ),
)

REGIONS_ASKED: Topic = (
    Sentence(
        lambda d: d["regions"] == "separate",
        lambda d: f"{d.title} was trained for each region by itself too, with the same folds.",
    ),
    Sentence(
        lambda d: d["regions"] != "separate",
        lambda d: "No network was trained by region (`regions`).",
    ),
)

CONTEXT_ASKED: Topic = (
    Sentence(
        lambda d: bool(d["other_context"]) and not d["context"],
        lambda d: f"{d.title} was trained again with one body on either side in view, on the same folds.",
    ),
    Sentence(
        lambda d: bool(d["other_context"]) and bool(d["context"]),
        lambda d: f"{d.title} was trained again with the vertebra alone in view, on the same folds.",
    ),
    Sentence(
        lambda d: not d["other_context"],
        lambda d: "No network was trained with the other context (`other_context`).",
    ),
)

READERS: Topic = (
    Sentence(
        lambda d: d["readings"] == "simulated",
        lambda d: (
            "The readers are simulated and tuned to the accuracies that the paper prints, so agreement with the paper "
            "is no evidence; no time lies between their sessions."
        ),
    ),
    Sentence(lambda d: d["readings"] != "simulated", lambda d: "The readings come from a file of readers."),
)


def sessions(readings: pd.DataFrame) -> str:
    """Say which sessions the readings hold, in which design, and the time between only where it is recorded."""
    found, periods = set(readings.session), _periods(readings)
    held = readings.groupby(["reader", periods]).session.nunique()
    who = readings.groupby("session").reader.unique()
    subject = "Readers" if readings.reader.nunique() > 1 else "The reader"
    if len(found) == 1:
        return f"{subject} read once, {_READ.get(*found, 'in session ' + min(found))}."
    order = periods.groupby(readings.session).mean().sort_values(kind="stable").index
    if len(set().union(*who)) == sum(map(len, who)):
        parts = (f"{len(who[s])} {_READ.get(s, f'in session {s}')}" for s in order)
        return f"Each reader read in one session only: {', '.join(parts)} (split-plot)."
    if found == {"unaided", "aided"}:
        words = f"{subject} read once without and once with the model's probability in view"
    else:
        words = f"{subject} read once {' and once '.join(_READ.get(s, f'in session {s}') for s in order)}"
    if "patch_id" in readings and readings.groupby("patch_id").session.nunique().max() == 1:
        words += ", no case in two sessions"
    elif periods.max() == 1:
        return f"{words}, one straight after the other case by case."
    words += ", in a crossover by reader and case" if held.max() > 1 else ""
    days = _days_between(readings, periods)
    if days is None:
        return f"{words}; how much time lay between is not recorded."
    return f"{words}; the median time from the end of the first to the start of the second was {days:.0f} days."


_READ = {
    "unaided": "without the model",
    "aided": "with the model's output in view",
    "unaided-film": "without the model on the whole film",
    "aided-film": "with the model's output in view on the whole film",
}


def _periods(readings: pd.DataFrame) -> pd.Series:
    """Which time through the cases each reading belongs to, from 1; the session's where no period is recorded."""
    recorded = pd.to_numeric(readings["period"], errors="coerce") if "period" in readings else None
    if recorded is not None and recorded.notna().all():
        return recorded.astype(int)
    return readings.session.map({name: i for i, name in enumerate(sorted(set(readings.session))[::-1], 1)})


def _days_between(readings: pd.DataFrame, periods: pd.Series) -> float | None:
    """Median over readers of the days between the first two periods; None where times are unknown."""
    if "time" not in readings or readings.attrs.get("simulation") is not None:
        return None
    times = pd.to_datetime(readings.time, errors="coerce", utc=True, format="mixed")
    ends = times.groupby([readings.reader, periods]).agg(["min", "max"])
    if times.isna().any() or periods.nunique() < 2:
        return None
    first, second = ends["max"].unstack()[1], ends["min"].unstack()[2]
    return float(((second - first).dt.total_seconds() / 86400).median())


TOPICS: dict[str, Topic] = {
    "choice": CHOICE,
    "choice again": CHOICE_AGAIN,
    "trained layers": TRAINED_LAYERS,
    "recipe": RECIPE_KEPT,
    "random weights": RANDOM_WEIGHTS,
    "split": SPLIT,
    "equalisation": EQUALISED,
    "leakage": LEAKAGE_ASKED,
    "regions": REGIONS_ASKED,
    "context": CONTEXT_ASKED,
    "readers": READERS,
}
"""Every topic of a run's design, by name."""
