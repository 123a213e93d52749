"""The report's first table: each line from the run's own tables, none from an older run."""

import os

import pandas as pd
import pytest

from ovcf.report.brief import COPIES, LINES, brief
from ovcf.sentences.results import changed

TUNED = COPIES["readers"]
RECORD = {"started": "2026-01-01T00:00:00+00:00", "parameters": {"readings": "simulated"}}


@pytest.fixture
def run(tmp_path):
    """A run folder with the tables that a few lines need."""
    (tmp_path / "tables").mkdir()
    patches = {"patch_id": ["a", "b", "c"], "patient_id": ["1", "1", "2"], "label": ["fresh", "old", "old"]}
    comparisons = {
        "test": "DeLong, clustered by patient (Obuchowski)",
        "networks": ["vgg16 - alexnet", "vgg16 - resnet50", "all"],
        "first": ["vgg16", "vgg16", None],
        "second": ["alexnet", "resnet50", None],
        "difference": [0.2, 0.1, None],
        "low": [0.1, -0.05, None],
        "high": [0.3, 0.25, None],
        "p_holm": [0.0001, 0.3, 0.01],
    }
    mrmc = {
        "metric": "auc",
        "generalisation": ["fixed_readers", "random"],
        "difference": [0.3, 0.2],
        "low": 0.1,
        "high": 0.4,
    }
    effect = {"reader": ["r1", "Average"], "accuracy_unaided": [0.4, 0.5], "accuracy_aided": [0.6, 0.75]}
    findings = {"severity": ["contradiction", "note", "note", "very unlikely under the stated method"]}
    factors = {
        "factor": ["age", "file size {x}"],
        "auc": [0.8, 0.7],
        "low": [0.4, 0.6],
        "high": 0.9,
        "suspicious": [False, True],
    }
    tables = {"factors": factors, "patches": patches, "comparisons": comparisons, "mrmc": mrmc, "ai_effect": effect}
    for name, values in {**tables, "published_findings": findings}.items():
        pd.DataFrame(values).to_csv(tmp_path / "tables" / f"{name}.csv", index=False)
    return tmp_path


@pytest.fixture
def whole(run):
    """A run folder with the tables of every line; a row that a line is not about stands before the one it is."""
    intervals = {
        "metric": ["accuracy", "recall_fresh", "recall_old", "auc"],
        "estimate": [0.7, 0.81, 0.62, 0.8],
        "low": [0.6, 0.71, 0.52, 0.7],
        "high": [0.8, 0.91, 0.72, 0.9],
    }
    price = {
        "patches": ["all", "all", "all", "some"],
        "metric": ["auc", "accuracy", "auc", "auc"],
        "difference": [0.01, 0.02, 0.03, 0.04],
        "low": 0.0,
        "high": 0.05,
        "p": [None, 0.5, 0.04, 0.2],
    }
    against = {
        "generalisation": ["fixed_readers", "random"],
        "difference": [0.2, 0.3],
        "low": 0.1,
        "high": 0.4,
        "readers": [5, 4],
    }
    scores = {"metric": ["brier", "slope"], "estimate": [0.2, 0.95], "low": [0.1, 0.8], "high": [0.3, 1.126]}
    seeds = {"metric": ["auc"], "seeds": 5, "mean": 0.79, "sd_ddof1": 0.0042, "least": 0.784, "most": 0.7955}
    regions = {
        "group": ["above", "all", "all"],
        "metric": ["auc", "accuracy", "auc"],
        "difference": [0.3, 0.2, -0.05],
        "low": [0.2, 0.1, -0.09],
        "high": [0.4, 0.3, -0.01],
    }
    elsewhere = {
        "model": ["final model", "final model", "another"],
        "metric": ["accuracy", "auc", "auc"],
        "second": [0.5, 0.7, 0.9],
        "second_low": [0.4, 0.6, 0.8],
        "second_high": [0.6, 0.8, 1.0],
        "difference": [-0.2, -0.1, 0.1],
        "low": [-0.3, -0.2, 0.05],
        "high": [-0.1, -0.02, 0.2],
    }
    tables = {"table3": {"network": ["vgg16"] * 2}, "table3_intervals": intervals, "leakage": price}
    tables |= {"regions": regions, "external_metrics": elsewhere, "seeds": seeds}
    for name, values in {**tables, "model_against_panel": against, "calibration": scores}.items():
        pd.DataFrame(values).to_csv(run / "tables" / f"{name}.csv", index=False)
    return run


def test_every_line_stands_beside_the_papers(whole):
    lines = [
        " | ".join(row).replace("\u00a0", " ")
        for row in brief(whole, RECORD).drop(columns="clinical").itertuples(index=False)
    ]
    assert lines == [
        "Who and what | 2 patients, 3 vertebrae: 1 fresh, 2 old | 405 patients, 720 vertebrae: 364 fresh, 356 old | 01_dataset",
        "How well does the network tell fresh from old? | AUC 0.800 [0.700, 0.900]: VGG16 | AUC 0.796 ± 0.028: ResNet101 | 04_cross_validation",
        "Its sensitivity and specificity at 0.5, % | 81.0 [71.0, 91.0], 62.0 [52.0, 72.0] | 73.90 ± 6.71, 77.45 ± 8.03 | 04_cross_validation",
        f"What does the model do for simulated readers? | AUC higher by 0.200 [0.100, 0.400]; 50.0 to 75.0 % right | {TUNED} | 05_reader_study",
        "Does it hold in another hospital? | AUC 0.700 [0.600, 0.800] there; against home lower by 0.100 [0.020, 0.200] | not examined | 07_external_validation",
        "Can the label be told without the fracture? | a shortcut to look into; strongest: file size {x}, AUC 0.700 [0.600, 0.900] | not examined | 01_dataset",
        "How does it stand beside the closest other network? | AUC no difference shown: 0.100 [-0.050, 0.250], against ResNet50; p = 0.300 (Holm) | not tested | 03_model_comparison",
        "Calibration: is a probability of 70 % right in 70 %? | calibration slope 0.950 [0.800, 1.126]; 1 is right | not given | 04_cross_validation",
        "What would leakage between folds add? | AUC no difference shown: 0.030 [0.000, 0.050] with folds by patch | not said how folds were dealt | 04_cross_validation",
        "How far does luck in training move it? | AUC 0.790 ± 0.004 (SD over 5 trainings, ddof 1), 0.784 to 0.796 | not said | 04_cross_validation",
        "Would separate networks by region of the diaphragm do better? | AUC lower by 0.050 [0.010, 0.090] with one network for each region | proposed, not tried | 04_cross_validation",
        "Does the model beat the panel? | AUC higher by 0.300 [0.100, 0.400], against 4 simulated readers | yes, by a paired t-test | 05_reader_study",
        "Do the published numbers agree with each other? | contradictions: 1, very unlikely: 1, cannot be decided: 0, notes: 2 | – | 06_published_audit",
    ]


def test_a_clinician_reads_the_first_six(whole):
    assert brief(whole, RECORD).clinical.tolist() == [True] * 6 + [False] * 7


def test_the_threshold_of_the_run_is_named(whole):
    record = {**RECORD, "parameters": {"readings": "mine.csv", "threshold": 0.4}}
    assert answers(whole, record)["Its sensitivity and specificity at 0.4, %"].startswith("81.0")
    assert "against 4 readers" in answers(whole, record)["Does the model beat the panel?"]


def test_nothing_suspicious_is_said_too(whole):
    path = whole / "tables" / "factors.csv"
    pd.read_csv(path).assign(suspicious=False).to_csv(path, index=False)
    said = answers(whole)["Can the label be told without the fracture?"]
    assert said == "nothing suspicious; strongest: age, AUC 0.800 [0.400, 0.900]"


def answers(run, record=RECORD):
    table = brief(run, record).set_index("question")["this run [95 % interval]"]
    return table.str.replace("\u00a0", " ").to_dict()


def test_each_line_says_what_its_table_holds(run):
    assert answers(run) == {
        "Who and what": "2 patients, 3 vertebrae: 1 fresh, 2 old",
        "Can the label be told without the fracture?": (
            "a shortcut to look into; strongest: file size {x}, AUC 0.700 [0.600, 0.900]"
        ),
        "How does it stand beside the closest other network?": (
            "AUC no difference shown: 0.100 [-0.050, 0.250], against ResNet50; p = 0.300 (Holm)"
        ),
        "What does the model do for simulated readers?": "AUC higher by 0.200 [0.100, 0.400]; 50.0 to 75.0 % right",
        "Do the published numbers agree with each other?": "contradictions: 1, very unlikely: 1, cannot be decided: 0, notes: 2",
    }


def test_real_readers_are_not_called_simulated(run):
    real = RECORD | {"parameters": {"readings": "mine.csv"}}
    assert "What does the model do for readers?" in answers(run, real)


def test_what_an_older_run_left_is_not_read(run):
    os.utime(run / "tables" / "comparisons.csv", (0, 0))
    os.utime(run / "tables" / "patches.csv", (0, 0))  # these are used as long as their key fits
    assert set(answers(run)) >= {
        "Who and what"
    } and "How does it stand beside the closest other network?" not in answers(run)


def test_every_line_has_been_answered_here(whole):
    assert [row.section for row in brief(whole, RECORD).itertuples()] == [line.section for line in LINES]


def test_a_threshold_that_is_not_recorded_is_the_default(whole):
    assert "Its sensitivity and specificity at 0.5, %" in answers(whole, {**RECORD, "parameters": {}})


def test_a_run_that_made_nothing_has_no_line(tmp_path):
    assert brief(tmp_path, RECORD).empty


def test_one_reader_leaves_out_what_needs_more(run):
    path = run / "tables" / "mrmc.csv"
    pd.read_csv(path).query("generalisation == 'fixed_readers'").to_csv(path, index=False)
    assert len(answers(run)) == 4 and "What does the model do for simulated readers?" not in answers(run)


@pytest.mark.parametrize("difference", [-0.2, -0.01, 0.0, 0.01, 0.2])
@pytest.mark.parametrize("half", [0.005, 0.05, 0.5])
def test_a_difference_is_worded_by_its_sign_and_interval(difference, half):
    row = pd.Series({"difference": difference, "low": difference - half, "high": difference + half})
    said = changed(row)
    if row.low <= 0 <= row.high:
        assert said.startswith("no difference shown: ")
    else:
        assert said.startswith("higher by " if difference > 0 else "lower by ")
    assert "by -" not in said  # a decrease is not an increase of less than nothing


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.2), (-0.2, 0.0), (-0.1, 0.1)])
def test_an_interval_that_reaches_nought_shows_no_difference(low, high):
    said = changed(pd.Series({"difference": (low + high) / 2, "low": low, "high": high}))
    assert said.startswith("no difference shown: ")


def test_a_decrease_is_told_as_a_gain_of_the_other_side():
    said = changed(pd.Series({"difference": -0.2, "low": -0.3, "high": -0.15})).replace("\u00a0", " ")
    assert said == "lower by 0.200 [0.150, 0.300]"


@pytest.mark.parametrize("synthetic", [True, False])
@pytest.mark.parametrize("readings", ["simulated", "mine.csv"])
def test_what_was_made_after_the_papers_numbers_is_not_set_beside_them(whole, synthetic, readings):
    record = {**RECORD, "synthetic": synthetic, "parameters": {"readings": readings}}
    table = brief(whole, record).set_index("question")["the paper"]
    assert ("no evidence" in table["Who and what"]) == synthetic
    readers = next(text for question, text in table.items() if question.startswith("What does the model do for"))
    assert readers == (TUNED if readings == "simulated" else "51.50 to 67.50 % right")  # of Tables 4 and 5
