"""A methods and a results paragraph written from a run. Each number in them was taken from a cell or a parameter.

A sentence whose table the run lacks is left out. They are a beginning for a manuscript: what only people know (setting,
ethics, the reference standard) is asked for by the checklists.
"""

from collections.abc import Callable, Iterable

from ovcf.report.manuscript.answers import ANSWERS
from ovcf.report.manuscript.facts import Facts, Unknown
from ovcf.stats.compare import CLUSTERED_DELONG
from ovcf.tables.show import number, value
from ovcf.words import AVERAGE, network_title

Sentence = Callable[[Facts], str]


def methods(facts: Facts) -> str:
    """Write the methods of a run."""
    return _paragraph(METHODS, facts)


def results(facts: Facts) -> str:
    """Write the results of a run."""
    return _paragraph(RESULTS, facts)


def _paragraph(sentences: Iterable[Sentence], facts: Facts) -> str:
    said = []
    for sentence in sentences:
        before = len(facts.cited)
        try:
            said.append(sentence(facts))
        except Unknown:
            del facts.cited[before:]
    return " ".join(said)


def _answer(name: str) -> Sentence:
    return lambda facts: ANSWERS[name].text(facts)


def _networks(facts: Facts) -> str:
    names = [network_title(name) for name in facts.parameters["networks"]]
    compared = f"{', '.join(names[:-1])} and {names[-1]} were compared" if len(names) > 1 else f"{names[0]} was trained"
    return f"{compared}; {facts.counted(len(facts.random), 'recipes', 'random weights')} of them had random weights."


def _panel(facts: Facts) -> str:
    readers = len(facts.rows("readers_unaided")) - 1
    number_of = facts.counted(readers, "readers_unaided", "reader")
    who = f"{number_of} {'simulated ' * facts.simulated}reader{'s' * (readers != 1)}"
    cases = facts.number("readers_unaided", "n", reader=AVERAGE)
    twice = " without and with the model's answer" if facts.has("readers_aided") else " without the model"
    return f"{who} judged {cases} vertebrae{twice}; multi-reader multi-case analysis by Obuchowski and Rockette."


METHODS: tuple[Sentence, ...] = (
    _answer("source"),
    _answer("eligibility"),
    _answer("preprocessing"),
    _networks,
    _answer("training"),
    _answer("partitions"),
    _answer("cutoff"),
    _answer("uncertainty"),
    _panel,
    _answer("software"),
)


# Results -------------------------------------------------------------------------------------------------------


def _chosen(facts: Facts) -> str:
    folds, spread = (
        facts.number("table3_average", name, lambda x: value(x, "auc"), metric="auc") for name in ("mean", "sd_ddof1")
    )
    return (
        f"{facts.chosen_title} reached a mean AUC over folds of {folds} ± {spread} (SD, ddof 1) and, all folds pooled, "
        f"an AUC of {facts.estimate('table3_intervals', 'auc')}."
    )


def _rates(facts: Facts) -> str:
    fresh, old = (facts.estimate("table3_intervals", metric) for metric in ("recall_fresh", "recall_old"))
    return f"At a threshold of {facts.parameter('threshold')}, sensitivity was {fresh} and specificity {old}."


def _next(facts: Facts) -> str:
    rows = facts.rows("comparisons", test=CLUSTERED_DELONG, metric="auc").dropna(subset=["difference"])
    if rows.empty:
        raise Unknown("no comparison")
    closest = rows.loc[rows.difference.idxmin()]
    where = {"test": CLUSTERED_DELONG, "second": closest["second"]}
    gap = facts.estimate("comparisons", "auc", columns=("difference", "low", "high"), **where)
    return (
        f"Its AUC less that of {network_title(closest['second'])}, the closest, was {gap}; "
        f"{facts.p('comparisons', 'p_holm', **where, metric='auc')} (DeLong clustered by patient, Holm)."
    )


def _calibration(facts: Facts) -> str:
    slope, low, high = (
        facts.number("calibration", name, number(3), metric="slope") for name in ("estimate", "low", "high")
    )
    return f"The calibration slope was {slope} (95 % interval {low} to {high}; 1 is right)."


def _leakage(facts: Facts) -> str:
    gain = facts.estimate("leakage", "auc", columns=("difference", "low", "high"), patches="all")
    return f"With folds by vertebra instead of by patient the AUC differed by {gain}."


def _readers(facts: Facts) -> str:
    before, after = (
        facts.number("ai_effect", name, lambda x: value(x), reader=AVERAGE)
        for name in ("accuracy_unaided", "accuracy_aided")
    )
    change = facts.estimate("mrmc", "auc", columns=("difference", "low", "high"), generalisation="random")
    who = "simulated readers" if facts.simulated else "readers"
    return (
        f"Mean accuracy of the {who} was {before} % without and {after} % with the model; their AUC changed by "
        f"{change}, for other readers and cases."
    )


def _against(facts: Facts) -> str:
    gap = facts.estimate("model_against_panel", "auc", columns=("difference", "low", "high"), generalisation="random")
    return f"The model's AUC less the readers' was {gap}."


def _elsewhere(facts: Facts) -> str:
    there = facts.estimate(
        "external_metrics", "auc", columns=("second", "second_low", "second_high"), model="final model"
    )
    patients = facts.number("external_cohorts", "patients", role="this cohort")
    kind = "a second synthetic hospital" if facts.parameters["external"] == "synthetic" else "another cohort"
    return f"In {patients} patients of {kind} the AUC was {there}."


RESULTS: tuple[Sentence, ...] = (
    _answer("flow"),
    _answer("demographics"),
    _chosen,
    _rates,
    _next,
    _calibration,
    _leakage,
    _readers,
    _against,
    _elsewhere,
)
