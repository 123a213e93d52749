"""What a run answers to the items of a checklist: one function a subject, each with where the report says it.

A function returns its sentence and raises `Unknown` where the run cannot say: the item's
question is then put to a person. Checklists (`*.yaml`) name the functions; several items share one.
"""

from collections.abc import Callable
from typing import NamedTuple

from ovcf.report.manuscript.facts import Facts, Unknown
from ovcf.report.manuscript.limitations import has_gaps, limitations, missing_facts
from ovcf.stats.rates import METRICS
from ovcf.tables.show import number, value
from ovcf.words import AVERAGE


class Answering(NamedTuple):
    """What makes an answer of a run, and the id of the place in the report that it points to."""

    text: Callable[[Facts], str]
    place: str


ANSWERS: dict[str, Answering] = {}


def answers(place: str) -> Callable[[Callable[[Facts], str]], Callable[[Facts], str]]:
    """Enter a function under its name, with the place that its answer points to."""

    def enter(function: Callable[[Facts], str]) -> Callable[[Facts], str]:
        ANSWERS[function.__name__] = Answering(function, place)
        return function

    return enter


# Study and data ------------------------------------------------------------------------------------------------


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
    spacing = facts.number("spacing", "median mm per px", lambda size: f"{size:.2f}")
    return f"Median pixel spacing {spacing} mm, by origin in the table."


# Reference standard --------------------------------------------------------------------------------------------


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


# Partitions and model ------------------------------------------------------------------------------------------


@answers("table-folds")
def partitions(facts: Facts) -> str:
    folds, split = facts.parameter("folds"), facts.parameters["split"]
    what = "patients" if split == "patient" else "vertebrae"
    return f"{folds} folds of {what}, stratified by class; each is tested once by a network trained on the others."


@answers("table-folds")
def disjoint(facts: Facts) -> str:
    folds = facts.rows("folds")
    shared = facts.counted(
        int((folds["of them also in other folds"] > 0).sum()), "folds", "with patients of other folds"
    )
    return f"Dealt by {facts.parameters['split']}; folds that share a patient with another: {shared}."


@answers("table-interval_widths")
def size(facts: Facts) -> str:
    width = facts.number("interval_widths", "width", number(3), metric="auc")
    patients = facts.number("interval_widths", "patients", metric="auc")
    return f"The run holds no calculation of a size; with {patients} patients the AUC's 95 % interval is {width} wide."


@answers("table-recipes")
def architecture(facts: Facts) -> str:
    side = facts.parameter("image_size")
    return f"{facts.chosen_title}; in: {side} x {side} grey in three equal channels; out: P(fresh)."


@answers("how-this-was-made")
def software(facts: Facts) -> str:
    python, ovcf = facts.recorded("python"), facts.recorded("ovcf")
    return f"Python {python}, ovcf {ovcf}; every package's version in environment.txt of the run."


@answers("table-recipes")
def weights(facts: Facts) -> str:
    recipes = facts.rows("recipes").set_index("network")["weights and training"]
    random = facts.counted(len(facts.random), "recipes", "random weights")
    return f"{facts.chosen_title}: {recipes[facts.chosen_title]}. Networks with random weights: {random}."


@answers("03_model_comparison")
def training(facts: Facts) -> str:
    names = ("epochs", "batch_size", "learning_rate", "momentum", "decay", "decay_every")
    epochs, batch, rate, momentum, decay, every = map(facts.parameter, names)
    what = {"head": "the last layer", "last_stage": "the last stage and layer", "all": "all layers"}
    return (
        f"Stochastic gradient descent of cross-entropy on {what[facts.parameters['trainable']]}: {epochs} epochs, batches of "
        f"{batch}, learning rate {rate} times {decay} every {every} epochs, momentum {momentum}, random flips; the last epoch "
        "counts."
    )


@answers("table-table2")
def selection(facts: Facts) -> str:
    mean = facts.number("table3_average", "mean", lambda x: value(x, "auc"), metric="auc")
    if facts.parameters["chosen"] == "best":
        return f"{facts.chosen_title}: highest mean AUC over folds ({mean})."
    return f"{facts.chosen_title}, named in the parameters; mean AUC over folds {mean}."


@answers("03_model_comparison")
def ensemble(facts: Facts) -> str:
    if facts.has("external_metrics"):
        columns = ("second", "second_low", "second_high")
        mean = facts.estimate("external_metrics", "auc", columns=columns, model="mean of the folds' models")
        return f"None is the model; on the other cohort the mean of the folds' models has AUC {mean}."
    return "None."


@answers("table-operating_points")
def cutoff(facts: Facts) -> str:
    return (
        f"Probability of fresh; called fresh from {facts.parameter('threshold')} on, fixed beforehand; others explored."
    )


@answers("02_preprocessing")
def predictors(_: Facts) -> str:
    return "Grey values of the patch alone; none was selected, and no age, sex or level enters."


@answers("02_preprocessing")
def blind_test(_: Facts) -> str:
    return "The networks see the patch and nothing else; each is tested on folds it was not trained on."


@answers("04_cross_validation")
def predicted(_: Facts) -> str:
    return (
        "The final model with its card lies in the run (`model/`); `ovcf predict` asks it, `ovcf bundle` passes it on."
    )


@answers("table-table1")
def imbalance(facts: Facts) -> str:
    fresh, old = (facts.number("table1", name, row="Total") for name in ("fresh", "old"))
    return f"No method was used: {fresh} fresh, {old} old."


# Evaluation ----------------------------------------------------------------------------------------------------


@answers("table-table2")
def measures(facts: Facts) -> str:
    names = ", ".join(metric.title for metric in METRICS.values())
    return f"{names}; calibration, decision curve, likelihood ratios; printed values of other studies beside."


@answers("table-table3_intervals")
def uncertainty(facts: Facts) -> str:
    replicates = facts.parameter("replicates")
    return (
        f"95 % intervals clustered by patient, bootstrap of {replicates} replicates where no formula is known; DeLong clustered "
        "by patient, Holm's correction."
    )


@answers("table-leakage")
def robustness(facts: Facts) -> str:
    gain = facts.estimate("leakage", "auc", columns=("difference", "low", "high"), patches="all")
    return f"Other folds, regions and views; AUC with folds by patch less folds by patient {gain}."


@answers("04_cross_validation")
def explanation(_: Facts) -> str:
    return "Maps of single answers on demand (`ovcf explore`); they were not validated and no result rests on them."


@answers("table-table3")
def internal(facts: Facts) -> str:
    return f"Cross-validation: AUC {facts.estimate('table3_intervals', 'auc')}."


@answers("table-external_metrics")
def external(facts: Facts) -> str:
    there = facts.estimate(
        "external_metrics", "auc", columns=("second", "second_low", "second_high"), model="final model"
    )
    kind = "a second synthetic hospital" if facts.parameters["external"] == "synthetic" else "another cohort"
    return f"On {kind}: AUC {there}."


@answers("table-external_drift")
def drift(facts: Facts) -> str:
    kept = facts.rows("external_drift")
    differ = facts.counted(int((kept.p_holm < 0.05).sum()), "external_drift", "p_holm below 0.05")
    of = facts.counted(len(kept), "external_drift", "column")
    return f"{differ} of {of} compared properties differ (Holm, 5 %)."


@answers("table-external_updates")
def updating(facts: Facts) -> str:
    slope = facts.number("external_updates", "estimate", number(3), update="none", metric="slope")
    return f"Intercept, intercept and slope, or the head anew, each fitted on other patients; slope as it came {slope}."


@answers("table-subgroups")
def clusters(facts: Facts) -> str:
    found = facts.rows("subgroups", by="scanner", metric="auc")
    units = facts.counted(len(found), "subgroups", "scanner")
    return f"By scanner ({units}), with a test of interaction; hospitals are told apart only by another cohort."


@answers("table-subgroups")
def fairness_methods(facts: Facts) -> str:
    by = facts.rows("subgroups", metric="auc")
    kinds = [kind for kind in ("sex", "age_group") if (by["by"] == kind).any()]
    if not kinds:
        raise Unknown("groups of people")
    groups = facts.counted(int(by["by"].isin(kinds).sum()), "subgroups", "group of people")
    names = " and ".join(kind.replace("_", " ") for kind in kinds)
    return f"AUC, sensitivity and specificity by {names} ({groups} groups), with tests of interaction."


@answers("table-subgroups")
def fairness(facts: Facts) -> str:
    women, men = (facts.estimate("subgroups", "auc", by="sex", group=sex) for sex in ("female", "male"))
    return f"AUC in women {women}, in men {men}."


# Results -------------------------------------------------------------------------------------------------------


@answers("figure-stard")
def flow(facts: Facts) -> str:
    boxes = ("patients", "vertebrae", "called fresh", "called old")
    patients, vertebrae, fresh, old = (facts.number("stard", "n", box=box) for box in boxes)
    return f"{patients} patients, {vertebrae} vertebrae: {fresh} called fresh, {old} called old."


@answers("table-folds")
def numbers(facts: Facts) -> str:
    fresh, old = (facts.number("table1", name, row="Total") for name in ("fresh", "old"))
    folds = facts.parameter("folds")
    return f"Each of {folds} folds in the table; in all {fresh} fresh, {old} old."


@answers("table-table1")
def demographics(facts: Facts) -> str:
    age, spread = (facts.number("patients", name, number(1), quantity="age") for name in ("value", "sd_ddof1"))
    women, men = (facts.number("patients", "value", quantity=sex) for sex in ("female", "male"))
    return f"Age {age} ± {spread} years (mean, SD with ddof 1), {women} women, {men} men."


@answers("figure-figure3")
def severity(facts: Facts) -> str:
    total = facts.number("table1", "fresh", row="Total")
    if not facts.has("columns") or "middle_height_mm" not in set(facts.rows("columns")["column"]):
        raise Unknown("heights")
    return f"Heights of the {total} fresh fractures against their neighbours, where measured."


@answers("table-table1")
def others(facts: Facts) -> str:
    normal, old = (facts.number("table1", name, row="Total") for name in ("normal", "old"))
    return f"Old fractures and normal segments labelled old: {normal} of {old} are normal."


@answers("figure-figure1")
def interval(facts: Facts) -> str:
    steps = facts.rows("inclusion")
    if not steps.step.str.contains("within a week").any():
        raise Unknown("days between film and MRI")
    gone = facts.number("inclusion", "excluded", step="Radiograph and MRI within a week")
    return f"At most a week between film and MRI; {gone} patients excluded for more."


@answers("table-predictive_values")
def prevalence(facts: Facts) -> str:
    fresh, every = facts.number("table1", "fresh", row="Total"), facts.number("stard", "n", box="vertebrae")
    return f"{fresh} of {every} vertebrae are fresh; predictive values at other shares are in the table."


@answers("figure-figure4")
def cross_table(facts: Facts) -> str:
    names = ("fresh called fresh", "fresh called old", "old called fresh", "old called old")
    cells = [f"{name} {facts.number('stard', 'n', box=name)}" for name in names]
    return f"{', '.join(cells).capitalize()}."


@answers("table-table3_intervals")
def accuracy(facts: Facts) -> str:
    found = [
        f"{METRICS[m].title.split(' = ')[-1]} {facts.estimate('table3_intervals', m)}"
        for m in ("recall_fresh", "recall_old")
    ]
    return f"AUC {facts.estimate('table3_intervals', 'auc')}; {'; '.join(found)}."


@answers("table-subgroups")
def performance(facts: Facts) -> str:
    folds = facts.number("table3_average", "mean", lambda x: value(x, "auc"), metric="auc")
    return f"By fold (mean AUC {folds}) and by subgroup, each with its interval."


@answers("figure-figure4")
def failures(facts: Facts) -> str:
    missed, false = (facts.number("stard", "n", box=box) for box in ("fresh called old", "old called fresh"))
    return f"{missed} fresh called old, {false} old called fresh; those furthest off are shown."


@answers("figure-stard")
def indeterminate(facts: Facts) -> str:
    every = facts.number("stard", "n", box="vertebrae")
    return f"None: each of {every} vertebrae has a probability and a label."


@answers("table-neighbours")
def neighbours(facts: Facts) -> str:
    rows = facts.counted(len(facts.rows("neighbours")), "neighbours", "result")
    return f"{rows} published results of the same question, as printed."


# The rest ------------------------------------------------------------------------------------------------------


@answers("limitations")
def limits(facts: Facts) -> str:
    before = len(facts.cited)
    said = limitations(facts)
    del facts.cited[before:]  # the list is printed elsewhere
    if not said:
        raise Unknown("no limitation")
    return "Those that follow from the run stand in a list of their own."


@answers("table-plan")
def protocol(facts: Facts) -> str:
    plan = facts.rows("plan").set_index("item").planned
    return f"The plan of the reader study, with its time and digest ({plan['question']}); all parameters are kept."


@answers("how-this-was-made")
def availability(facts: Facts) -> str:
    version = facts.recorded("ovcf")
    return f"Code: ovcf {version}, MIT licence. Tables, predictions, final model and notebooks lie in the run's folder."


@answers("how-this-was-made")
def data_sharing(facts: Facts) -> str:
    if not facts.synthetic:
        raise Unknown("who may have the films")
    return f"The films are drawn again by anyone from seed {facts.parameter('seed')}."


@answers("how-this-was-made")
def audit(facts: Facts) -> str:
    every = facts.number("stard", "n", box="vertebrae")
    return f"All answers to {every} vertebrae are stored with digests; `ovcf verify` makes every printed number again."


@answers("04_cross_validation")
def input_quality(_: Facts) -> str:
    return "`ovcf check` names blank, blurred and doubled films; a patch unlike those trained on is said to be so."


@answers("04_cross_validation")
def interaction(_: Facts) -> str:
    return "A user draws the box of one vertebra and reads a probability; which vertebra it is they must know."


@answers("table-external_size")
def next_steps(facts: Facts) -> str:
    need = facts.number("external_size", "patients", criterion="AUC")
    return f"A validation in real patients of another hospital: {need} patients for an AUC known within 0.1."
