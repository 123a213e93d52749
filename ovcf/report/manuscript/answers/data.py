"""Answers about the study, its data and its reference standard."""

from ovcf.report.manuscript.answers.registry import answers
from ovcf.report.manuscript.facts import Facts, Unknown
from ovcf.report.manuscript.limitations import has_gaps, missing_facts
from ovcf.tables.show import number
from ovcf.words import AVERAGE, rounded


@answers("table-recipes")
def technology(facts: Facts) -> str:
    networks = facts.counted(len(facts.rows("recipes")), "recipes", "network")
    many = f"{networks} convolutional network{'s' * (networks != '1')}"
    return f"Deep learning: {many} on lateral radiographs ({'synthetic films' if facts.synthetic else 'films of patients'})."


@answers("in-brief")
def summary(facts: Facts) -> str:
    auc = facts.estimate("table3_intervals", "auc")
    return f"In brief, the report's first table; main result: AUC {auc}."


@answers("table-plan")
def objectives(facts: Facts) -> str:
    plan = facts.rows("plan").set_index("item").planned
    return f"Of the reader study, locked beforehand: {plan['question']} ({plan['endpoint'].upper()})."


@answers("03_model_comparison")
def goal(facts: Facts) -> str:
    parts = ["development and internal testing of a classifier"]
    parts += ["a study of simulated readers" if facts.simulated else "a reader study"] * facts.has("readers_unaided")
    parts += ["testing on another cohort"] * facts.has("external_metrics")
    return f"{'; '.join(parts).capitalize()}; folds: {facts.parameter('folds')}."


@answers("table-table1")
def source(facts: Facts) -> str:
    patients, vertebrae = (facts.number("stard", "n", box=box) for box in ("patients", "vertebrae"))
    kind = "Films drawn by this software" if facts.synthetic else "The manifest named in the parameters"
    return f"{kind}: {vertebrae} vertebrae of {patients} patients."


@answers("figure-figure1")
def eligibility(facts: Facts) -> str:
    collected, kept = (facts.number("inclusion", "n", step=step) for step in ("Collected", "Included"))
    return f"Criteria by rule, in order: {collected} patients collected, {kept} included."


@answers("figure-figure2")
def preprocessing(facts: Facts) -> str:
    how = {"histogram": "global histogram equalisation", "clahe": "CLAHE", "none": "no equalisation"}
    margin, size = facts.parameter("margin_mm"), facts.parameter("image_size")
    way = how[facts.parameters["equalisation"]]
    return f"Cut with a margin of {margin} mm, {way}, resized to {size} px a side, scaled to -1 to 1."


@answers("table-check")
def preparation(facts: Facts) -> str:
    found = facts.rows("check")
    kinds = facts.counted(len(found), "check", "kind")
    return f"{preprocessing(facts)} Checked for duplicates, blank and blurred patches: {kinds} kinds of warning."


@answers("table-table4")
def subsets(facts: Facts) -> str:
    cases = facts.number("readers_unaided", "n", reader=AVERAGE)
    how = ", drawn at random and stratified by class" if facts.simulated else ""
    return f"Networks see every vertebra; the readers {cases}{how}."


@answers("01_dataset")
def identifiers(facts: Facts) -> str:
    if not facts.synthetic:
        raise Unknown("how films were de-identified")
    return "No patient is behind the films: they were drawn by software."


@answers("01_dataset")
def no_patients(facts: Facts) -> str:
    if not facts.synthetic:
        raise Unknown("what was done with patients")
    return "Does not arise in this run: its films were drawn by software, no patient took part."


@answers("table-columns")
def missing(facts: Facts) -> str:
    every = facts.number("columns", "filled", column="patch_id")
    if has_gaps(facts):
        return missing_facts(facts)
    return (
        f"What the cohort has columns for (level, age, sex, box, spacing, scanner) is known of all {every} vertebrae."
    )


@answers("table-spacing")
def acquisition(facts: Facts) -> str:
    spacing = facts.number("spacing", "median mm per px", lambda size: rounded(size, 2))
    return f"Median pixel spacing {spacing} mm, by origin in the table."


@answers("01_dataset")
def reference(facts: Facts) -> str:
    if not facts.synthetic:
        raise Unknown("what the labels rest on")
    return "Known by construction: each vertebra was drawn as fresh or old."


@answers("01_dataset")
def reference_reason(facts: Facts) -> str:
    return f"{reference(facts)} No other standard could be better known."


@answers("table-table1")
def categories(facts: Facts) -> str:
    fresh, old = (facts.number("table1", name, row="Total") for name in ("fresh", "old"))
    return f"Two categories: fresh ({fresh}, the target condition) and old ({old})."


@answers("table-agreement")
def annotators(facts: Facts) -> str:
    if not facts.synthetic:
        raise Unknown("who annotated")
    return "Two annotators simulated by software."


@answers("table-agreement")
def annotation(facts: Facts) -> str:
    overlap = facts.number("agreement", "value", number(3), measure="mean IoU of boxes")
    return f"Upright boxes by two annotators; mean overlap (IoU) {overlap}."


@answers("table-agreement")
def agreement(facts: Facts) -> str:
    known = {"measure": "Cohen's kappa"}
    kappa, low, high = (facts.number("agreement", name, number(3), **known) for name in ("value", "low", "high"))
    return f"Cohen's kappa of the labels before joint review {kappa} (95 % interval {low} to {high})."
