"""The report's first table: each question of the study with this run's answer and the paper's.

Every number is read from the tables that the notebooks wrote, so it cannot differ from what stands below. A run that
stopped early has the lines whose tables were made; what an older run left in the folder is not read.
"""

from datetime import datetime
from pathlib import Path

import pandas as pd

from ovcf.run_folder import read_table
from ovcf.stats.published import paper_wide
from ovcf.viz.style import NETWORK_NAMES
from ovcf.viz.tables import MISSING, p_value, with_interval

COLUMNS = ["question", "this run [95 % interval]", "the paper", "section"]
PAPER_NETWORK = "ResNet101"  # the paper's choice


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
        (the notebook that works it out). No row for a table that is not there.
    """
    tables = Tables(run, record["started"])
    who = "simulated readers" if record["parameters"].get("readings") == "simulated" else "readers"
    makers = (_cohort, _shortcut, _network, _rates, _next_best, _calibration, _leakage)
    lines = [make(tables) for make in makers]
    lines += [_readers(tables, who), _panel(tables, who), _audit(tables)]
    return pd.DataFrame([line for line in lines if line], columns=COLUMNS)


class Tables:
    """The tables a run wrote since it started; the cohort's patches may be older, since their key is checked."""

    def __init__(self, run: Path, started: str):
        self.folder, self.started = Path(run) / "tables", datetime.fromisoformat(started).timestamp()

    def read(self, name: str) -> pd.DataFrame | None:
        """One table, None where this run has not written it."""
        path = self.folder / f"{name}.csv"
        if not path.is_file() or (name != "patches" and path.stat().st_mtime < self.started):
            return None
        return read_table(path)


def _cohort(tables):
    patches = tables.read("patches")
    if patches is None:
        return None
    n = patches.label.value_counts()
    counts = f"{patches.patient_id.nunique()} patients, {len(patches)} vertebrae: {n['fresh']} fresh, {n['old']} old"
    return "Who and what", counts, "405 patients, 720 vertebrae: 364 fresh, 356 old", "01_dataset"


def _shortcut(tables):
    factors = tables.read("factors")
    if factors is None or factors.empty:
        return None
    strongest = factors.sort_values(["suspicious", "auc"], ascending=False).iloc[0]
    auc = with_interval(strongest.auc, strongest.low, strongest.high, metric="auc")
    words = "a shortcut to look into" if strongest.suspicious else "nothing suspicious"
    answer = f"{words}: {strongest.factor} alone, AUC {auc}"
    return "Can the label be told without the fracture?", answer, "not examined", "01_dataset"


def _network(tables):
    table, intervals = tables.read("table3"), tables.read("table3_intervals")
    if table is None or intervals is None:
        return None
    auc, name = intervals.set_index("metric").loc["auc"], _name(table.network.iloc[0])
    printed = paper_wide(2).loc[PAPER_NETWORK, "auc"]
    answer = f"AUC {with_interval(auc.estimate, auc.low, auc.high, metric='auc')}: {name}"
    question = "How well does the chosen network tell fresh from old?"
    return question, answer, f"AUC {printed}: {PAPER_NETWORK}", "04_cross_validation"


def _rates(tables):
    intervals = tables.read("table3_intervals")
    if intervals is None:
        return None
    rows, printed = intervals.set_index("metric"), paper_wide(2).loc[PAPER_NETWORK]
    both = [with_interval(*rows.loc[m, ["estimate", "low", "high"]], metric=m) for m in ("recall_fresh", "recall_old")]
    theirs = f"{printed['recall_fresh']}, {printed['recall_old']}"
    return "Its sensitivity and specificity at 0.5, %", ", ".join(both), theirs, "04_cross_validation"


def _next_best(tables):
    table = tables.read("comparisons")
    if table is None:
        return None
    pairs = table[(table.test == "DeLong, clustered by patient (Obuchowski)") & table.difference.notna()]
    if pairs.empty:
        return None
    closest = pairs.loc[pairs.difference.idxmin()]
    rival = _name(closest.networks.split(" - ")[1])
    difference = with_interval(closest.difference, closest.low, closest.high, metric="auc")
    answer = f"AUC higher by {difference} than {rival}, p {p_value(closest.p_holm)} (Holm)"
    return "How far ahead of the next?", answer, "not tested", "03_model_comparison"


def _calibration(tables):
    table = tables.read("calibration")
    if table is None:
        return None
    slope = table.set_index("metric").loc["slope"]
    answer = f"calibration slope {slope.estimate:.2f} [{slope.low:.2f}, {slope.high:.2f}]; 1 is right"
    return "Can its probabilities be taken at their word?", answer, "not given", "04_cross_validation"


def _leakage(tables):
    table = tables.read("leakage")
    if table is None:
        return None
    gain = table[(table.patches == "all") & (table.metric == "auc") & table.p.notna()].iloc[0]
    answer = f"AUC higher by {with_interval(gain.difference, gain.low, gain.high, metric='auc')} with folds by patch"
    return "What would leakage between folds add?", answer, "folds by patch", "04_cross_validation"


def _readers(tables, who):
    mrmc, effect = tables.read("mrmc"), tables.read("ai_effect")
    if mrmc is None or effect is None:
        return None
    auc = mrmc[(mrmc.metric == "auc") & (mrmc.generalisation == "random")].iloc[0]
    mean = effect[effect.reader == "Average"].iloc[0]
    change = with_interval(auc.difference, auc.low, auc.high, metric="auc")
    accuracy = f"{100 * mean.accuracy_unaided:.1f} to {100 * mean.accuracy_aided:.1f} % right"
    printed = [paper_wide(4).loc["Average", "accuracy"], paper_wide(5).loc["Average result with AI", "accuracy"]]
    theirs = " to ".join(text.split(" ")[0] for text in printed) + " % right"
    return f"What does the model do for {who}?", f"AUC higher by {change}; {accuracy}", theirs, "05_reader_study"


def _panel(tables, who):
    table = tables.read("model_against_panel")
    if table is None:
        return None
    row = table[table.generalisation == "random"].iloc[0]
    answer = f"AUC higher by {with_interval(row.difference, row.low, row.high, metric='auc')} than {row.readers} {who}"
    return "Does the model beat the panel?", answer, "yes, by a paired t-test with folds", "05_reader_study"


def _audit(tables):
    table = tables.read("published_findings")
    if table is None:
        return None
    n = {severity: (table.severity.str.startswith(severity)).sum() for severity in ("contradiction", "very", "note")}
    answer = f"contradictions: {n['contradiction']}, very unlikely: {n['very']}, notes: {n['note']}"
    return "Do the published numbers agree with each other?", answer, MISSING, "06_published_audit"


def _name(network: str) -> str:
    return NETWORK_NAMES.get(network, network)
