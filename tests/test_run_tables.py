"""The tables of a comparison of runs, cell by cell."""

import numpy as np
import pandas as pd
import printed

from ovcf.stats.rates import METRICS
from ovcf.tables import runs as tables
from ovcf.tables import seeds as seed_tables

NAN = float("nan")


def test_each_run_has_its_row_in_the_order_given():
    rows = [
        (run, network, metric, start + i / 100, 0.1 + i / 100, 0.9)
        for run, network, start in (("late", "vgg16", 0.7), ("early", "alexnet", 0.6))
        for i, metric in enumerate(METRICS)
    ]
    metrics = pd.DataFrame(rows, columns=["run", "network", "metric", "estimate", "low", "high"])
    assert printed.across(tables.metric_rows(metrics)) == [
        " | 0 | 1",
        "run | late | early",
        "network | VGG16 | AlexNet",
        "Accuracy (%) | 70.0 [10.0, 90.0] | 60.0 [10.0, 90.0]",
        "Precision fresh (%) | 71.0 [11.0, 90.0] | 61.0 [11.0, 90.0]",
        "Precision old (%) | 72.0 [12.0, 90.0] | 62.0 [12.0, 90.0]",
        "Recall fresh = sensitivity (%) | 73.0 [13.0, 90.0] | 63.0 [13.0, 90.0]",
        "Recall old = specificity (%) | 74.0 [14.0, 90.0] | 64.0 [14.0, 90.0]",
        "F1 fresh (%) | 75.0 [15.0, 90.0] | 65.0 [15.0, 90.0]",
        "F1 old (%) | 76.0 [16.0, 90.0] | 66.0 [16.0, 90.0]",
        "AUC | 0.770 [0.170, 0.900] | 0.670 [0.170, 0.900]",
    ]


def test_differences_say_which_patches_are_shared():
    about = ["run", "against", "networks", "shared", "patches_here", "patches_there"]
    same, part, none = ("b", "a", "VGG16", 9, 9, 9), ("c", "a", "VGG16", 5, 9, 7), ("d", "a", "", 0, 4, 9)
    rows = [
        (*same, "auc", 0.1, 0.01, 0.2, 0.03),
        (*same, "accuracy", 0.02, -0.1, 0.3, NAN),
        (*part, "recall_fresh", -0.25, -0.5, 0.0, NAN),
        (*part, "recall_old", 0.125, 0.1, 0.2, NAN),
        (*none, None, NAN, NAN, NAN, NAN),
    ]
    differences = pd.DataFrame(rows, columns=[*about, "metric", "difference", "low", "high", "p"])
    assert printed.across(tables.difference_rows(differences)) == [
        " | 0 | 1 | 2",
        "run | b | c | d",
        "less | a | a | a",
        "network | VGG16 | VGG16 | no patch in common",
        "patches | 9, all | 5, of 9 and 7 | 0, of 4 and 9",
        "AUC | 0.100 [0.010, 0.200] | – | –",
        "Accuracy (points) | 2.0 [-10.0, 30.0] | – | –",
        "Recall fresh = sensitivity (points) | – | -25.0 [-50.0, 0.0] | –",
        "Recall old = specificity (points) | – | 12.5 [10.0, 20.0] | –",
        "p of the AUC | 0.03 | nan | nan",
    ]
    bare = tables.difference_rows(differences[about].tail(1))
    assert bare.network.tolist() == ["no patch in common"] and bare["AUC"].tolist() == ["–"]


def test_seeds_are_counted_and_named():
    rows = [("a", 2, "0, 1", metric, 0.5 + i / 100, 0.02) for i, metric in enumerate(METRICS)]
    seeds = pd.DataFrame(rows, columns=["group", "seeds", "which", "metric", "mean", "sd_ddof1"])
    assert printed.across(seed_tables.seed_rows(seeds)) == [
        " | 0",
        "runs | a",
        "seeds | 2: 0, 1",
        "Accuracy (%) | 50.0 ± 2.0",
        "Precision fresh (%) | 51.0 ± 2.0",
        "Precision old (%) | 52.0 ± 2.0",
        "Recall fresh = sensitivity (%) | 53.0 ± 2.0",
        "Recall old = specificity (%) | 54.0 ± 2.0",
        "F1 fresh (%) | 55.0 ± 2.0",
        "F1 old (%) | 56.0 ± 2.0",
        "AUC | 0.570 ± 0.020",
    ]


def test_a_fold_that_a_run_has_not_is_a_dash():
    folds = pd.DataFrame({"run": ["b", "b", "a"], "fold": [1, 2, 1], "auc": [0.75, np.nan, 0.5], "n": [12, 3, 9]})
    assert printed.lines(tables.fold_rows(folds)) == [
        "run | fold 1 | fold 2",
        "b | 0.750 (12) | –",
        "a | 0.500 (9) | –",
    ]


def test_times_are_printed_to_a_tenth():
    times = pd.DataFrame({"run": ["a", "b"], "01_dataset": [1.25, np.nan], "whole": [10.0, 3.14159]})
    assert printed.lines(tables.time_rows(times)) == [
        "run | 01_dataset | whole",
        "a | 1.3 | 10.0",
        "b | – | 3.1",
    ]
