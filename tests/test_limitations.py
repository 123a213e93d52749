"""Limitations: each is said of the runs it is true of and of no others, over a grid of designs."""

import itertools
import random

import pandas as pd
import pytest

from ovcf.profiles import defaults
from ovcf.report.manuscript.facts import Facts
from ovcf.report.manuscript.limitations import LIMITATIONS, as_list, limitations

GRID = {
    "synthetic": (True, False),
    "external": ("", "synthetic", "other.csv"),
    "chosen": ("best", "resnet50"),
    "networks": (["resnet50"], ["alexnet", "resnet50"]),
    "trainable": ("head", "last_stage", "all"),
    "split": ("patient", "patch"),
    "image_size": (88, 224),
    "readings": ("simulated", "readings.csv"),
    "sessions": (0, 1, 2),
    "gaps": (True, False),
    "weights": ("none", "imagenet"),
}
# What a sentence says, and of which designs it is true.
TRUE_WHERE = {
    "drawn by software: nothing here": lambda d: d["synthetic"],
    "other hospital's films were drawn": lambda d: d["external"] == "synthetic",
    "No cohort of another hospital": lambda d: d["external"] == "",
    "One other cohort was examined": lambda d: d["external"] == "other.csv",
    "One seed (7)": lambda d: True,
    "trained networks as they are": lambda d: True,
    "ResNet50 was chosen by its mean AUC": lambda d: d["chosen"] == "best" and len(d["networks"]) == 2,
    "Only the last layer of each": lambda d: d["trainable"] == "head",
    "Only the last stage and the last layer": lambda d: d["trainable"] == "last_stage",
    "Nothing was pretrained in": lambda d: d["weights"] == "none",
    "Vertebrae and not patients were dealt": lambda d: d["split"] == "patch",
    "resized to 88 pixels": lambda d: d["image_size"] == 88,
    "Of 9 vertebrae some facts are known of fewer: the age of 7.": lambda d: d["gaps"],
    "1 of 3 subgroups have too few": lambda d: True,
    "Of 9 vertebrae 5 are fresh": lambda d: True,
    "The readers were simulated": lambda d: d["readings"] == "simulated" and d["sessions"],
    "2 readers read 4 cases": lambda d: d["readings"] != "simulated" and d["sessions"],
    "The readings hold no session with the model": lambda d: d["sessions"] == 1,
    "The labels are taken as given": lambda d: True,
}


def designs(count=150):
    """Some of the grid's 6,912 designs, drawn at random; each sentence depends on three of its values at most."""
    draw = random.Random(20260430)
    return [{name: draw.choice(values) for name, values in GRID.items()} for _ in range(count)]


def test_the_designs_hold_every_pair_of_values():
    drawn = designs()
    for one, other in itertools.combinations(GRID, 2):
        found = {(str(design[one]), str(design[other])) for design in drawn}
        assert len(found) == len(GRID[one]) * len(GRID[other]), (one, other)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Folders of tables by what they differ in."""
    folders = {}
    for sessions, gaps in itertools.product(GRID["sessions"], GRID["gaps"]):
        run = tmp_path_factory.mktemp("run")
        (run / "tables").mkdir()
        readers = pd.DataFrame({"reader": ["a", "b", "Average"], "n": 4})
        held = {
            "table3": pd.DataFrame({"network": ["resnet50"]}),
            "columns": pd.DataFrame(
                {"column": ["patch_id", "age", "annotator_a_label"], "filled": [9, 7 if gaps else 9, 3]}
            ),
            "subgroups": pd.DataFrame({"metric": ["auc"] * 3 + ["recall_old"], "tested": [True, False, True, False]}),
            "predictive_values": pd.DataFrame({"metric": ["ppv"]}),
            "stard": pd.DataFrame({"box": ["vertebrae"], "n": [9]}),
            "table1": pd.DataFrame({"row": ["T5", "Total"], "fresh": [2, 5]}),
        }
        held |= dict(zip(("readers_unaided", "readers_aided"), [readers] * sessions, strict=False))
        for name, table in held.items():
            table.to_csv(run / "tables" / f"{name}.csv", index=False)
        folders[sessions, gaps] = run
    return folders


def test_each_sentence_is_said_where_it_is_true_and_nowhere_else(tables):
    for design in designs():
        parameters = defaults() | {name: design[name] for name in defaults() if name in design} | {"seed": 7}
        run = tables[design["sessions"], design["gaps"]]
        said = limitations(Facts(run, {"synthetic": design["synthetic"], "parameters": parameters}))
        for words, true in TRUE_WHERE.items():
            assert sum(words in sentence for sentence in said) == bool(true(design)), (words, design, said)
        assert len(said) == sum(bool(true(design)) for true in TRUE_WHERE.values())


def test_nothing_is_left_out_of_the_grid():
    assert len(LIMITATIONS) == len(TRUE_WHERE) - 2  # two sentences of one entry each: the other cohort, what is trained


def test_a_run_without_tables_says_what_its_parameters_tell(tmp_path):
    parameters = defaults() | {"data": "mine.csv", "external": "", "readings": "mine.csv", "trainable": "all"}
    said = limitations(Facts(tmp_path, {"synthetic": False, "parameters": parameters}))
    assert len(said) == 6 and all(sentence.endswith(".") for sentence in said)
    assert as_list(Facts(tmp_path, {"parameters": parameters})).startswith("<ul><li>No cohort of another hospital")
