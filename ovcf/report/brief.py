"""The report's first table: each question of the study with this run's answer and the paper's.

Every number is read from the tables that the notebooks wrote, so it cannot differ from what stands below. A run that
stopped early has the lines whose tables were made; what an older run left in the folder is not read.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ovcf.audit.findings import counted
from ovcf.audit.published import paper_table, paper_wide
from ovcf.run_folder import read_table
from ovcf.sentences.results import changed
from ovcf.stats.compare import CLUSTERED_DELONG
from ovcf.tables.show import MISSING, mean_sd, p_said, value, with_interval
from ovcf.words import network_title, rounded

COLUMNS = ["question", "this run [95 % interval]", "the paper", "section", "clinical"]
PAPER_NETWORK = "ResNet101"  # the paper's choice
WHO, THRESHOLD = "<readers>", "<threshold>"  # stand for what the readers are called, and from where fresh is called


def brief(run: Path, record: dict) -> pd.DataFrame:
    """Answer the study's questions in a line each.

    Parameters
    ----------
    run : folder of a run; what is read are its `tables/*.csv`.
    record : of the run (run.json): when it started, whether its readers are simulated.

    Returns
    -------
    DataFrame
        question, this run [95 % interval] (clustered by patient; of readers and cases), the paper (as printed), section
        (the notebook that works it out), clinical (whether the line stands on the clinician's page, before the others).
        No row where its table, or what it is about, is not there.
    """
    started = datetime.fromisoformat(record["started"]).timestamp()
    parameters = record["parameters"]
    words = {
        WHO: "simulated readers" if parameters.get("readings") == "simulated" else "readers",
        THRESHOLD: f"{parameters.get('threshold', 0.5):g}",
    }
    made = {"cohort": record.get("synthetic", False), "readers": parameters.get("readings") == "simulated"}
    rows = []
    for line in LINES:
        tables = [_written_since(run, name, started) for name in line.tables]
        if any(table is None for table in tables):
            continue
        try:
            ours, printed = line.answer(*tables)
        except LookupError:  # the table lacks the row that this line is about: one reader only, say
            continue
        if line.copies and made[line.copies]:
            printed = COPIES[line.copies]
        rows.append((_worded(line.question, words), _worded(ours, words), printed, line.section, line.clinical))
    return pd.DataFrame(rows, columns=COLUMNS)


def _worded(text: str, words: dict[str, str]) -> str:
    """Put what this run has for the words that stand for it."""
    for place, word in words.items():
        text = text.replace(place, word)
    return text


def _written_since(run: Path, name: str, started: float) -> pd.DataFrame | None:
    """Read a table of this run; the cohort's patches may be older, since their key is checked."""
    path = Path(run) / "tables" / f"{name}.csv"
    if not path.is_file() or (name != "patches" and path.stat().st_mtime < started):
        return None
    return read_table(path)


COPIES = {
    "cohort": "the synthetic cohort is drawn in the proportions of Table 1, so agreement is no evidence",
    "readers": "simulated readers are tuned to the paper's accuracies, so agreement is no evidence",
}
"""What stands in the paper's column where the run's numbers were made after the paper's."""


class Line(NamedTuple):
    """A question, the notebook that works it out, the tables it needs, and what makes (ours, the paper's) of them."""

    question: str
    section: str
    tables: tuple[str, ...]
    answer: Callable
    copies: str = ""  # what of the run, when made by software, is made after the paper's numbers
    clinical: bool = False  # one of the few that a clinician asks first


def _cohort(patches):
    n = patches.label.value_counts()
    counts = f"{patches.patient_id.nunique()} patients, {len(patches)} vertebrae: {n['fresh']} fresh, {n['old']} old"
    return counts, "405 patients, 720 vertebrae: 364 fresh, 356 old"


def _shortcut(factors):
    strongest = factors.sort_values(["suspicious", "auc"], ascending=False).iloc[0]
    words = "a shortcut to look into" if strongest.suspicious else "nothing suspicious"
    auc = with_interval(strongest.auc, strongest.low, strongest.high, metric="auc")
    return f"{words}; strongest: {strongest.factor}, AUC {auc}", "not examined"


def _network(folds, intervals):
    name = network_title(folds.network.iloc[0])
    printed = paper_wide(2).loc[PAPER_NETWORK, "auc"]
    return f"AUC {_of_metric(intervals, 'auc')}: {name}", f"AUC {printed}: {PAPER_NETWORK}"


def _rates(intervals):
    printed = paper_wide(2).loc[PAPER_NETWORK]
    both = ("recall_fresh", "recall_old")
    return ", ".join(_of_metric(intervals, m) for m in both), ", ".join(printed[m] for m in both)


def _next_best(comparisons):
    by_patient = comparisons.test == CLUSTERED_DELONG
    closest = comparisons[by_patient & comparisons.difference.notna()].nsmallest(1, "difference").iloc[0]
    ahead = f"AUC {changed(closest)}, against {network_title(closest['second'])}"
    return f"{ahead}; {p_said(closest.p_holm)} (Holm)", "not tested"


def _calibration(scores):
    slope = scores.set_index("metric").loc["slope"]
    ends = f"[{rounded(slope.low, 3)}, {rounded(slope.high, 3)}]"
    return f"calibration slope {rounded(slope.estimate, 3)} {ends}; 1 is right", "not given"


def _leakage(price):
    gain = price[(price.patches == "all") & (price.metric == "auc") & price.p.notna()].iloc[0]
    return f"AUC {changed(gain)} with folds by patch", "not said how folds were dealt"


def _seeds(moved):
    row = moved.set_index("metric").loc["auc"]
    ends = f"{value(row.least, 'auc')} to {value(row.most, 'auc')}"
    return (
        f"AUC {mean_sd(row['mean'], row.sd_ddof1, metric='auc')} (SD over {int(row.seeds)} trainings, ddof 1), {ends}",
        "not said",
    )


def _regions(compared):
    row = compared[(compared.group == "all") & (compared.metric == "auc")].iloc[0]
    return f"AUC {changed(row)} with one network for each region", "proposed, not tried"


def _external(metrics):
    row = metrics[(metrics.metric == "auc") & (metrics.model == metrics.model.iloc[0])].iloc[0]
    here = with_interval(row.second, row.second_low, row.second_high, metric="auc")
    return f"AUC {here} there; against home {changed(row)}", "not examined"


def _readers(mrmc, effect):
    auc = mrmc[(mrmc.metric == "auc") & (mrmc.generalisation == "random")].iloc[0]
    mean = effect.iloc[-1]  # the average, or the only reader
    ours = f"AUC {changed(auc)}; {value(mean.accuracy_unaided)} to {value(mean.accuracy_aided)} % right"
    printed = [_printed_accuracy(4, "Average"), _printed_accuracy(5, "Average result with AI")]
    return ours, " to ".join(rounded(share, 2) for share in printed) + " % right"


def _panel(against):
    row = against[against.generalisation == "random"].iloc[0]
    return f"AUC {changed(row)}, against {row.readers} {WHO}", "yes, by a paired t-test"


def _audit(findings):
    return counted(findings), MISSING


def _printed_accuracy(table: int, row: str) -> float:
    """The accuracy in percent that a row of the paper's tables of readers prints."""
    cells = paper_table(table)
    return cells[(cells.row == row) & (cells["column"] == "accuracy")].value.iloc[0]


def _of_metric(intervals, metric: str) -> str:
    row = intervals.set_index("metric").loc[metric]
    return with_interval(row.estimate, row.low, row.high, metric=metric)


_CV, _READERS = "04_cross_validation", "05_reader_study"
LINES = (
    Line("Who and what", "01_dataset", ("patches",), _cohort, "cohort", clinical=True),
    Line("How well does the network tell fresh from old?", _CV, ("table3", "table3_intervals"), _network,
         clinical=True),
    Line(f"Its sensitivity and specificity at {THRESHOLD}, %", _CV, ("table3_intervals",), _rates, clinical=True),
    Line(f"What does the model do for {WHO}?", _READERS, ("mrmc", "ai_effect"), _readers, "readers", clinical=True),
    Line("Does it hold in another hospital?", "07_external_validation", ("external_metrics",), _external,
         clinical=True),
    Line("Can the label be told without the fracture?", "01_dataset", ("factors",), _shortcut, clinical=True),
    Line("How does it stand beside the closest other network?", "03_model_comparison", ("comparisons",), _next_best),
    Line("Calibration: is a probability of 70 % right in 70 %?", _CV, ("calibration",), _calibration),
    Line("What would leakage between folds add?", _CV, ("leakage",), _leakage),
    Line("How far does luck in training move it?", _CV, ("seeds",), _seeds),
    Line("Would separate networks by region of the diaphragm do better?", _CV, ("regions",), _regions),
    Line("Does the model beat the panel?", _READERS, ("model_against_panel",), _panel),
    Line("Do the published numbers agree with each other?", "06_published_audit", ("published_findings",), _audit),
)  # fmt: skip
