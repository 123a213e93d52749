"""Figures of networks: what is drawn is what stands in the tables."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ovcf.figures import networks as network_figures
from ovcf.figures.style import NETWORK_COLOURS
from ovcf.stats import calibration, roc
from ovcf.stats.leakage import price_of_leakage
from ovcf.stats.rates import fold_table
from ovcf.stats.simulate import Design, simulate_predictions


@pytest.fixture
def ax():
    return plt.subplots()[1]


@pytest.fixture(scope="module")
def predictions():
    return simulate_predictions(Design(patients=60, patches=120, folds=3), seed=1)


def ends(ax):
    """The lines of a forest, from the top: (low, high) each."""
    return [tuple(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2 and line.get_lw() == 2.2]


def test_a_forest_holds_each_interval_and_the_papers_value(ax):
    columns = ["network", "metric", "estimate", "low", "high"]
    rows = [("vgg16", "auc", 0.7, 0.6, 0.8), ("vgg16", "accuracy", 0.6, 0.5, 0.7), ("alexnet", "auc", 0.8, 0.7, 0.9)]
    network_figures.auc_forest(pd.DataFrame(rows, columns=columns), pd.Series({"vgg16": 0.735}), ax)
    assert ends(ax) == [(0.6, 0.8), (0.7, 0.9)]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["VGG16", "AlexNet"]
    diamonds = next(line for line in ax.lines if line.get_marker() == "D")
    np.testing.assert_equal(diamonds.get_xdata(), [0.735, np.nan])
    assert ax.lines[0].get_color() == NETWORK_COLOURS["vgg16"]


def test_each_fold_has_a_curve_and_its_auc(predictions, ax):
    network_figures.fold_roc(roc.fold_curves(predictions), roc.mean_roc(predictions), ax)
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    aucs = fold_table(predictions).set_index("fold").auc
    assert words[:3] == [f"fold {fold}, AUC {auc:.3f}" for fold, auc in aucs.items()]
    assert "± 1 SD over folds (ddof 1)" in words and len(ax.lines) == 5  # folds, mean, chance


def test_the_last_confusion_matrix_is_the_sum(predictions):
    folds = fold_table(predictions)
    sheet = network_figures.confusion_sheet(folds)
    counts = [int(text.get_text().split("\n")[0]) for text in sheet.axes[-1].texts]
    assert counts == [folds[name].sum() for name in ("tp", "fn", "fp", "tn")]


def test_calibration_is_drawn_where_the_tables_say(predictions):
    axes = plt.subplots(1, 2)[1]
    scored = predictions.truth, predictions.p_fresh, predictions.patient_id
    curve, benefit = calibration.reliability_curve(*scored), calibration.decision_curve(*scored)
    network_figures.reliability(curve, axes[0])
    network_figures.decision_curve(benefit, axes[1])
    np.testing.assert_allclose(axes[0].collections[-1].get_offsets(), curve[["predicted", "observed"]])
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), benefit.net_benefit)


def test_small_subgroups_are_grey():
    columns = ["by", "group", "n", "estimate", "low", "high", "tested"]
    rows = [("level", "T5", 6, 0.8, 0.1, 1.0, False), ("level", "L1", 90, 0.7, 0.6, 0.8, True)]
    groups = pd.DataFrame([*rows, ("normal_height", "yes", 4, np.nan, np.nan, np.nan, False)], columns=columns)
    ax = network_figures.subgroup_figure(groups).axes[0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["level: T5 (n = 6)", "level: L1 (n = 90)"]
    assert [line.get_color() for line in ax.lines if line.get_lw() == 2.2] == [
        network_figures.PAPER,
        network_figures.INK,
    ]


def test_the_price_of_leakage_names_whom_it_is_about(predictions, ax):
    by_patch = predictions.assign(split="patch")
    price = price_of_leakage(predictions, by_patch, replicates=20)
    network_figures.leakage_figure(price, ax)
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert names[0].startswith("AUC, all (n = 120)") and len(names) == len(ends(ax))
