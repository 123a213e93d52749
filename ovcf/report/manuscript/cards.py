"""Model card and data sheet of a run, from the same facts as its checklists."""

from ovcf.models.card import RESEARCH_USE
from ovcf.report.manuscript.answers import ANSWERS
from ovcf.report.manuscript.facts import Facts, Unknown
from ovcf.report.manuscript.limitations import limitations
from ovcf.tables.networks import CALIBRATION
from ovcf.tables.show import number
from ovcf.words import network_title

MODEL = {
    "Model": ("technology", "architecture", "weights", "training", "selection"),
    "Data it was made from": ("source", "eligibility", "preprocessing", "demographics"),
    "How well it does": ("internal", "accuracy", "cross_table", "external"),
    "Subgroups": ("fairness_methods", "fairness", "clusters"),
    "Threshold and use": ("cutoff", "input_quality", "interaction", "predicted"),
}
SHEET = {
    "What the data are": ("source", "categories", "others"),
    "How patients were kept": ("eligibility", "interval", "flow"),
    "People": ("demographics", "severity"),
    "Films": ("acquisition", "preprocessing", "identifiers"),
    "Labels": ("reference", "annotators", "annotation", "agreement"),
    "Checks and gaps": ("preparation", "missing"),
    "Folds": ("partitions", "disjoint"),
    "Access": ("data_sharing", "availability"),
}
ASKED = "Not known from the run; to be said by its authors."


def model_card(facts: Facts) -> str:
    """Write the card of a run's chosen network, as Markdown."""
    try:
        title = facts.chosen_title
    except Unknown:
        title = ", ".join(map(network_title, facts.parameters["networks"]))
    lines = [f"# Model card: {title}", "", f"**{RESEARCH_USE}**", "", "## Intended use", "", _intended(facts), ""]
    for heading, names in MODEL.items():
        lines += [f"## {heading}", "", *_said(facts, names), ""]
    lines += ["## Calibration", "", *_calibration(facts), "", "## Limits", "", *_listed(limitations(facts))]
    return "\n".join(lines) + "\n"


def data_sheet(facts: Facts) -> str:
    """Write the data sheet of a run's cohort, as Markdown."""
    lines = [f"# Data sheet: {facts.record.get('data', 'the cohort')}", ""]
    for heading, names in SHEET.items():
        lines += [f"## {heading}", "", *_said(facts, names), ""]
    return "\n".join(lines)


def _intended(facts: Facts) -> str:
    made = (
        "made from films that software drew, to show how such a study is done"
        if facts.synthetic
        else "made for research"
    )
    return (
        "To say how probable it is that a vertebra, boxed by a person on a lateral radiograph, is freshly fractured, "
        f"where it is known to be fractured. This one was {made}. It finds no fracture, names no level and replaces no "
        "MRI."
    )


def _said(facts: Facts, names: tuple[str, ...]) -> list[str]:
    """A line an answer; one that the run cannot give is said to be missing, once."""
    said, missing = [], False
    for name in names:
        before = len(facts.cited)
        try:
            said.append(ANSWERS[name].text(facts))
        except Unknown:
            del facts.cited[before:]
            missing = True
    return _listed(said + [ASKED] * (missing and not said))


def _calibration(facts: Facts) -> list[str]:
    if not facts.has("calibration"):
        return _listed([ASKED])
    said = []
    for metric in ("slope", "intercept", "brier"):
        name, right = CALIBRATION[metric]
        one, low, high = (
            facts.number("calibration", column, number(3), metric=metric) for column in ("estimate", "low", "high")
        )
        said.append(f"{name.capitalize()}: {one} (95 % interval {low} to {high}; right would be {right}).")
    return _listed(said)


def _listed(texts: list[str]) -> list[str]:
    return [f"- {text}" for text in texts]
