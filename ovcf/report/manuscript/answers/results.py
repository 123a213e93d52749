"""Answers about what was found, and what stands around it."""

from ovcf.cohort.inclusion import WITHIN_A_WEEK
from ovcf.report.manuscript.answers.registry import answers
from ovcf.report.manuscript.facts import Facts, Unknown
from ovcf.report.manuscript.limitations import limitations
from ovcf.stats.rates import METRICS
from ovcf.tables.show import number, value


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
    gone = facts.number("inclusion", "excluded", step=WITHIN_A_WEEK)
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
