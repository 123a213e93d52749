"""The report's first table: each line from the run's own tables, none from an older run."""

import os

import pandas as pd
import pytest

from ovcf.report.brief import brief

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


def answers(run, record=RECORD):
    table = brief(run, record).set_index("question")["this run [95 % interval]"]
    return table.str.replace("\u00a0", " ").to_dict()


def test_each_line_says_what_its_table_holds(run):
    assert answers(run) == {
        "Who and what": "2 patients, 3 vertebrae: 1 fresh, 2 old",
        "Can the label be told without the fracture?": (
            "a shortcut to look into; strongest: file size {x}, AUC 0.700 [0.600, 0.900]"
        ),
        "How far ahead of the next?": "AUC higher by 0.100 [-0.050, 0.250] than ResNet50, p 0.300 (Holm)",
        "What does the model do for simulated readers?": "AUC higher by 0.200 [0.100, 0.400]; 50.0 to 75.0 % right",
        "Do the published numbers agree with each other?": "contradictions: 1, very unlikely: 1, notes: 2",
    }


def test_real_readers_are_not_called_simulated(run):
    real = RECORD | {"parameters": {"readings": "mine.csv"}}
    assert "What does the model do for readers?" in answers(run, real)


def test_what_an_older_run_left_is_not_read(run):
    os.utime(run / "tables" / "comparisons.csv", (0, 0))
    os.utime(run / "tables" / "patches.csv", (0, 0))  # these are used as long as their key fits
    assert set(answers(run)) >= {"Who and what"} and "How far ahead of the next?" not in answers(run)


def test_a_run_that_made_nothing_has_no_line(tmp_path):
    assert brief(tmp_path, RECORD).empty


def test_one_reader_leaves_out_what_needs_more(run):
    path = run / "tables" / "mrmc.csv"
    pd.read_csv(path).query("generalisation == 'fixed_readers'").to_csv(path, index=False)
    assert len(answers(run)) == 4 and "What does the model do for simulated readers?" not in answers(run)
