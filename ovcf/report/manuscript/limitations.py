"""The limitations of a run, each a sentence that is said where it applies and nowhere else.

A sentence that depends on the run is a predicate and a text; nothing here judges how much a limitation matters.
"""

from collections.abc import Callable
from html import escape
from typing import NamedTuple

from ovcf.report.manuscript.facts import Facts, Unknown

COPIED = "agreement with the paper is no evidence"


class Limitation(NamedTuple):
    """A sentence, whether it applies to a run, and what it is about."""

    about: str
    applies: Callable[[Facts], bool]
    text: Callable[[Facts], str]


def limitations(facts: Facts) -> list[str]:
    """Return the sentences that apply to a run, in their order; one whose table the run lacks is left out."""
    said = []
    for limitation in LIMITATIONS:
        try:
            if limitation.applies(facts):
                said.append(limitation.text(facts))
        except Unknown:  # an unfinished run, or one without the analysis
            continue
    return said


def as_list(facts: Facts) -> str:
    """Return the limitations as an HTML list, for a notebook."""
    return f"<ul>{''.join(f'<li>{escape(text)}</li>' for text in limitations(facts))}</ul>"


def _always(_: Facts) -> bool:
    return True


def _is(name: str, *values: object) -> Callable[[Facts], bool]:
    return lambda facts: facts.parameters[name] in values


def _not(name: str, *values: object) -> Callable[[Facts], bool]:
    return lambda facts: facts.parameters[name] not in values


# Sentences that need more than a line ---------------------------------------------------------------------------


def _one_cohort(facts: Facts) -> str:
    if facts.parameters["external"] == "synthetic":
        return "The other hospital's films were drawn by software too; no second real cohort was examined."
    return "No cohort of another hospital was examined, so how the model does elsewhere is not known."


def _second_cohort(_: Facts) -> str:
    return "One other cohort was examined; it stands for no third hospital."


def _trainable(facts: Facts) -> str:
    what = {"head": "Only the last layer", "last_stage": "Only the last stage and the last layer"}
    return (
        f"{what[facts.parameters['trainable']]} of each network was trained; the layers beneath stayed as they were, "
        "while the paper names no frozen layer."
    )


def _random(facts: Facts) -> str:
    names = ", ".join(facts.random)
    return f"Nothing was pretrained in {names}: their results say little of these architectures."


def missing_facts(facts: Facts) -> str:
    """Say which facts are known of fewer vertebrae than there are."""
    gaps = [f"{_known(column)} of {filled}" for column, filled in _gaps(facts)]
    total = facts.number("columns", "filled", column="patch_id")
    known = f"Of {total} vertebrae some facts are known of fewer: {', '.join(gaps)}."
    return f"{known} Where one is needed, the others are left out."


def _gaps(facts: Facts) -> list[tuple[str, str]]:
    table = facts.rows("columns")
    total = table.filled[table["column"] == "patch_id"].iloc[0]
    short = table[(table.filled < total) & table["column"].isin(KNOWN)]
    return [(name, facts.number("columns", "filled", column=name)) for name in short["column"]]


def has_gaps(facts: Facts) -> bool:
    """Whether there is such a fact."""
    table = facts.rows("columns")
    total = table.filled[table["column"] == "patch_id"].iloc[0]
    return bool(((table.filled < total) & table["column"].isin(KNOWN)).any())


KNOWN = {
    "level": "the level",
    "age": "the age",
    "sex": "the sex",
    "mm_per_px": "the pixel spacing",
    "x0": "the box",
    "scanner": "the scanner",
}


def _known(column: str) -> str:
    return KNOWN[column]


def _untested(facts: Facts) -> str:
    groups = facts.rows("subgroups", metric="auc")
    small, every = int((~groups.tested.astype(bool)).sum()), len(groups)
    return (
        f"{facts.counted(small, 'subgroups', 'not tested')} of {facts.counted(every, 'subgroups', 'group')} subgroups "
        "have too few vertebrae of a class to be tested."
    )


def _has_untested(facts: Facts) -> bool:
    return not facts.rows("subgroups", metric="auc").tested.astype(bool).all()


def _real_readers(facts: Facts) -> str:
    points = facts.rows("readers_unaided")
    readers = facts.counted(len(points) - 1, "readers_unaided", "reader")
    cases = facts.number("readers_unaided", "n")
    return (
        f"{readers} reader{'s' * (readers != '1')} read {cases} cases; intervals for other readers rest on these alone."
    )


def _one_session(facts: Facts) -> bool:
    return facts.has("readers_unaided") and not facts.has("readers_aided")


LIMITATIONS = (
    Limitation(
        "films",
        lambda facts: facts.synthetic,
        lambda _: (
            "All films were drawn by software: nothing here says how well fresh and old fractures are told apart in "
            f"patients. The cohort is drawn in the proportions of the paper's Table 1, so {COPIED}."
        ),
    ),
    Limitation(
        "centre",
        lambda facts: facts.parameters["external"] in ("", "synthetic"),
        _one_cohort,
    ),
    Limitation("centre", _not("external", "", "synthetic"), _second_cohort),
    Limitation(
        "seed",
        _always,
        lambda facts: (
            f"One seed ({facts.parameter('seed')}) dealt the folds; what another would change is in no interval."
        ),
    ),
    Limitation(
        "networks",
        _always,
        lambda _: (
            "Intervals take patients as the sample and the trained networks as they are: training again on other "
            "patients would add to them."
        ),
    ),
    Limitation(
        "selection",
        lambda facts: facts.parameters["chosen"] == "best" and len(facts.parameters["networks"]) > 1,
        lambda facts: (
            f"{facts.chosen_title} was chosen by its mean AUC on the very folds that its results are from, which "
            "flatters them."
        ),
    ),
    Limitation("trunks", _not("trainable", "all"), _trainable),
    Limitation("weights", lambda facts: bool(facts.random), _random),
    Limitation(
        "folds",
        _is("split", "patch"),
        lambda _: (
            "Vertebrae and not patients were dealt into folds, so that a patient can be in training and test at once."
        ),
    ),
    Limitation(
        "size",
        lambda facts: facts.parameters["image_size"] < 224,
        lambda facts: f"Patches were resized to {facts.parameter('image_size')} pixels a side, fewer than the paper's.",
    ),
    Limitation("missing data", has_gaps, missing_facts),
    Limitation("subgroups", _has_untested, _untested),
    Limitation(
        "prevalence",
        lambda facts: facts.has("predictive_values"),
        lambda facts: (
            f"Of {facts.number('stard', 'n', box='vertebrae')} vertebrae "
            f"{facts.number('table1', 'fresh', row='Total')} are fresh; precision holds for this share and no other."
        ),
    ),
    Limitation(
        "readers",
        lambda facts: facts.simulated and facts.has("readers_unaided"),
        lambda _: (
            f"The readers were simulated and tuned to the paper's accuracies, so {COPIED}, and nothing here says what "
            "surgeons or radiologists would answer."
        ),
    ),
    Limitation("readers", lambda facts: not facts.simulated and facts.has("readers_unaided"), _real_readers),
    Limitation(
        "sessions",
        _one_session,
        lambda _: "The readings hold no session with the model, so what it does for readers was not examined.",
    ),
    Limitation(
        "reference standard",
        _always,
        lambda _: "The labels are taken as given: an error of the reference standard counts as one of the model.",
    ),
)
"""Every limitation that can be said of a run. `tests/test_limitations.py` runs them over a grid of designs."""
