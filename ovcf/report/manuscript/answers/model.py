"""Answers about folds, networks, and how they were judged."""

from ovcf.report.manuscript.answers.registry import answers
from ovcf.report.manuscript.facts import Facts, Unknown
from ovcf.stats.rates import METRICS
from ovcf.tables.show import number, value


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
