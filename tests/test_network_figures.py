"""Figures of networks: what is drawn is what stands in the tables."""

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from ovcf.figures import networks as network_figures
from ovcf.figures.style import NETWORK_COLOURS
from ovcf.stats import calibration, roc
from ovcf.stats.flow import probability_counts
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
    """The lines of a forest, from the top: (low, high, y) each."""
    lines = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_lw() == 2.2]
    return [(*line.get_xdata(), line.get_ydata()[0]) for line in lines]


def dots(ax):
    """The estimates of a forest, from the top: (x, y) each."""
    return [(*line.get_xdata(), *line.get_ydata()) for line in ax.lines if line.get_marker() == "o"]


def names(ax):
    return [tick.get_text() for tick in ax.get_yticklabels()]


def dashed(ax):
    """Where dashed lines stand upright."""
    return [line.get_xdata()[0] for line in ax.lines if line.get_ls() == "--" and np.ptp(line.get_xdata()) == 0]


def test_a_forest_holds_each_interval_and_the_papers_value(ax):
    columns = ["network", "metric", "estimate", "low", "high"]
    rows = [("vgg16", "auc", 0.72, 0.6, 0.8), ("vgg16", "accuracy", 0.6, 0.5, 0.7), ("alexnet", "auc", 0.81, 0.7, 0.9)]
    assert network_figures.auc_forest(pd.DataFrame(rows, columns=columns), pd.Series({"vgg16": 0.735}), ax) is ax
    assert ends(ax) == [(0.6, 0.8, 1), (0.7, 0.9, 0)] and dots(ax) == [(0.72, 1), (0.81, 0)]
    assert names(ax) == ["VGG16", "AlexNet"] and ax.get_yticks().tolist() == [1, 0]
    diamonds = next(line for line in ax.lines if line.get_marker() == "D")
    np.testing.assert_equal(diamonds.get_xdata(), [0.735, np.nan])
    assert diamonds.get_ydata().tolist() == pytest.approx([0.7, -0.3])
    assert ax.lines[0].get_color() == NETWORK_COLOURS["vgg16"] and ax.get_ylim() == pytest.approx((-0.6, 1.6))
    assert ax.get_xlabel() == "AUC [95 % interval]" and dashed(ax) == [0.5]
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["the paper's, of other patients"]


def test_a_network_from_elsewhere_has_its_own_name_and_the_ink(ax):
    table = pd.DataFrame({"network": ["mine"], "metric": "auc", "estimate": 0.7, "low": 0.6, "high": 0.8})
    assert network_figures.auc_forest(table, pd.Series(dtype=float), ax) is ax
    assert names(ax) == ["mine"] and ax.lines[0].get_color() == network_figures.INK
    assert network_figures.network_label("resnet50") == "ResNet50"


def test_each_fold_has_a_curve_and_its_auc(predictions, ax):
    mean = roc.mean_roc(predictions)
    assert network_figures.fold_roc(roc.fold_curves(predictions), mean, ax) is ax
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    aucs = fold_table(predictions).set_index("fold").auc
    assert words[:3] == [f"fold {fold}, AUC {auc:.3f}" for fold, auc in aucs.items()]
    assert (
        words[3:] == ["± 1 SD over folds (ddof 1)", f"mean over folds, AUC {aucs.mean():.3f}", "chance"]
        and len(ax.lines) == 5
    )
    first = predictions[predictions.fold == 1]
    curve = roc.roc_points(first.truth, first.p_fresh)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), curve[["fpr", "tpr"]])
    np.testing.assert_array_equal(ax.lines[3].get_xydata(), mean[["fpr", "tpr_mean"]])
    np.testing.assert_array_equal(ax.lines[4].get_xydata(), [[0, 0], [1, 1]])
    band = ax.collections[0].get_paths()[0].vertices
    low = np.clip(mean.tpr_mean - mean.tpr_sd_ddof1, 0, 1)
    high = np.clip(mean.tpr_mean + mean.tpr_sd_ddof1, 0, 1)
    assert band[:, 1].min() == low.min() and band[:, 1].max() == high.max()
    for x, bottom, top in zip(mean.fpr[1:-1:20], low[1:-1:20], high[1:-1:20], strict=True):
        at = band[np.isclose(band[:, 0], x), 1]
        assert (at.min(), at.max()) == pytest.approx((bottom, top))
    assert ax.get_xlim() == ax.get_ylim() == (-0.02, 1.02)
    assert ax.get_xlabel().startswith("1 - specificity") and ax.get_ylabel().startswith("sensitivity")


def test_confusion_matrices_hold_each_fold_and_then_the_sum():
    folds = pd.DataFrame({"fold": [1, 2], "tp": [5, 6], "fn": [1, 2], "tn": [4, 3], "fp": [2, 1]})
    sheet = network_figures.confusion_sheet(folds)
    assert [ax.get_title() for ax in sheet.axes] == ["fold 1", "fold 2", "all folds"]
    cells = [[text.get_text() for text in ax.texts] for ax in sheet.axes]
    assert cells == [
        ["5\n83%", "1\n17%", "2\n33%", "4\n67%"],
        ["6\n75%", "2\n25%", "1\n25%", "3\n75%"],
        ["11\n79%", "3\n21%", "3\n30%", "7\n70%"],
    ]
    first = sheet.axes[0]
    assert [text.get_position() for text in first.texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    np.testing.assert_allclose(first.images[0].get_array(), [[5 / 6, 1 / 6], [2 / 6, 4 / 6]])
    assert [text.get_color() for text in first.texts] == ["white", network_figures.INK, network_figures.INK, "white"]
    for ticks in (first.get_xticklabels(), first.get_yticklabels()):
        assert [(tick.get_text(), tick.get_position()[0] + tick.get_position()[1]) for tick in ticks] == [
            ("fresh", 0),
            ("old", 1),
        ]
    assert [(ax.get_xlabel(), ax.get_ylabel()) for ax in sheet.axes] == [("called", "truth")] + [("called", "")] * 2


def test_calibration_is_drawn_where_the_tables_say(predictions):
    ax = plt.subplots()[1]
    scored = predictions.truth, predictions.p_fresh, predictions.patient_id
    curve = calibration.reliability_curve(*scored)
    assert network_figures.reliability(curve, ax) is ax
    points = ax.collections[-1]
    np.testing.assert_allclose(points.get_offsets(), curve[["predicted", "observed"]])
    bars = [segment[:, 1] for segment in ax.collections[0].get_segments()]
    np.testing.assert_allclose(bars, curve[["low", "high"]], atol=1e-12)
    upright = [segment[:, 0] for segment in ax.collections[0].get_segments()]
    np.testing.assert_allclose(upright, np.column_stack([curve.predicted] * 2))
    assert ax.get_xlim() == ax.get_ylim() == (0, 1)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[0, 0], [1, 1]])
    labels = (ax.get_xlabel(), ax.get_ylabel())
    assert labels == ("predicted P(fresh)", "share that was fresh")
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["perfect", f"{len(curve)} groups of about {curve.n.median():.0f} vertebrae"]


def test_a_decision_curve_stands_against_all_and_none(ax):
    columns = ["threshold", "net_benefit", "low", "high", "treat_all", "treat_none"]
    rows = [(0.1, 0.4, 0.3, 0.5, 0.38, 0.0), (0.5, 0.2, 0.1, 0.3, 0.0, 0.0), (0.9, 0.05, 0.0, 0.1, -3.0, 0.0)]
    table = pd.DataFrame(rows, columns=columns)
    assert network_figures.decision_curve(table, ax) is ax
    drawn = {line.get_label(): line.get_ydata().tolist() for line in ax.lines}
    assert drawn == {
        "the model, 95 % band": [0.4, 0.2, 0.05],
        "call all fresh": [0.38, 0.0, -3.0],
        "call none fresh": [0.0, 0.0, 0.0],
    }
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0.1, 0.5, 0.9]] * 3
    band = ax.collections[0].get_paths()[0].vertices
    assert {tuple(point) for point in band.round(3)} >= {(0.1, 0.3), (0.1, 0.5), (0.9, 0.0), (0.9, 0.1)}
    assert ax.get_ylim() == pytest.approx((-0.1, 0.55)) and ax.get_xlim() == (0, 1)
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "threshold probability of fresh",
        "net benefit (true positives per vertebra)",
    )
    assert ax.get_legend() is not None


def test_predictive_values_rise_and_fall_about_the_cohorts_share(ax):
    columns = ["metric", "prevalence", "estimate", "low", "high"]
    rows = [("lr_fresh", np.nan, 3.0, 2.0, 4.0), ("ppv", 0.5, 0.75, 0.7, 0.8), ("ppv", 0.1, 0.25, 0.2, 0.3),
            ("npv", 0.1, 0.97, 0.9, 0.99), ("npv", 0.5, 0.8, 0.75, 0.85)]  # fmt: skip
    assert network_figures.predictive_values(pd.DataFrame(rows, columns=columns), ax, prevalence=0.4) is ax
    drawn = {line.get_label(): line.get_xydata().tolist() for line in ax.lines}
    assert drawn["called fresh and is fresh"] == [[0.1, 0.25], [0.5, 0.75]]
    assert drawn["called old and is old"] == [[0.1, 0.97], [0.5, 0.8]]
    assert ax.lines[-1].get_xdata() == [0.4, 0.4]
    bands = [{tuple(point) for point in band.get_paths()[0].vertices.round(3)} for band in ax.collections]
    colours = [to_rgba(network_figures.CLASS_COLOURS[name]) for name in ("fresh", "old")]
    assert [to_rgba(line.get_color()) for line in ax.lines[:2]] == colours
    assert [tuple(band.get_facecolor()[0][:3]) for band in ax.collections] == [colour[:3] for colour in colours]
    assert ax.get_xlim() == (0, 1) and ax.get_ylim() == (0, 1.02)
    assert bands[0] >= {(0.1, 0.2), (0.5, 0.8)} and bands[1] >= {(0.1, 0.9), (0.5, 0.85)}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("share of fresh among vertebrae", "share of calls that are right")


def test_a_decision_curve_without_benefit_still_has_room(ax):
    table = pd.DataFrame({"threshold": [0.5], "net_benefit": -0.1, "low": -0.2, "high": 0.0, "treat_all": 0.0})
    assert network_figures.decision_curve(table.assign(treat_none=0.0), ax) is ax
    assert ax.get_ylim() == pytest.approx((-0.1, 0.05))


def test_small_subgroups_are_grey():
    columns = ["by", "group", "n", "estimate", "low", "high", "tested"]
    rows = [("level", "T5", 6, 0.8, 0.1, 1.0, False), ("level", "L1", 90, 0.7, 0.6, 0.8, True)]
    rows += [("normal_height", "no", 99, 0.75, 0.65, 0.85, True), ("normal_height", "yes", 4, *[np.nan] * 3, False)]
    figure = network_figures.subgroup_figure(pd.DataFrame(rows, columns=columns))
    ax = figure.axes[0]
    assert names(ax) == ["level: T5 (n = 6)", "level: L1 (n = 90)", "normal height: no (n = 99)"]
    assert ends(ax) == [(0.1, 1.0, 2), (0.6, 0.8, 1), (0.65, 0.85, 0)]
    colours = [line.get_color() for line in ax.lines if line.get_lw() == 2.2]
    assert colours == [network_figures.GREY, network_figures.INK, network_figures.INK]
    assert dashed(ax) == [0.5]
    between = [line.get_ydata()[0] for line in ax.lines if line.get_lw() == 0.8]
    assert between == [0.5]  # between the groupings, and nowhere else
    assert ax.get_xlabel() == "AUC [95 % interval]"


def test_the_price_of_leakage_names_whom_it_is_about(predictions, ax):
    price = price_of_leakage(predictions, predictions.assign(split="patch"))
    price["difference"] = np.arange(len(price)) / 100
    assert network_figures.leakage_figure(price, ax) is ax
    rows = price[price.metric.isin(["auc", "auc_fold_mean"])]
    words = {"auc": "AUC", "auc_fold_mean": "AUC, mean of folds"}
    expected = [f"{words[r.metric]}, {r.patches} (n = {r.n})\n{fill(r.method, 30)}" for r in rows.itertuples()]
    assert names(ax) == expected and len(expected) == 6
    np.testing.assert_allclose([x for x, _ in dots(ax)], rows.difference)
    assert [line.get_xdata()[0] for line in ax.lines if line.get_ls() == "--"] == [
        0
    ] and ax.get_xlabel() == "difference of AUC"


def test_a_difference_that_is_not_defined_is_left_out(ax):
    columns = ["patches", "n", "metric", "difference", "low", "high", "method"]
    rows = [("all", 9, "auc", 0.1, 0.0, 0.2, "m"), ("others", 2, "auc", *[np.nan] * 3, "m")]
    network_figures.leakage_figure(
        pd.DataFrame([*rows, ("all", 9, "accuracy", 0.3, 0.2, 0.4, "m")], columns=columns), ax
    )
    assert len(ax.get_xticks()) <= 6  # few, since "-0.05" is wide
    assert names(ax) == ["AUC, all (n = 9)\nm"] and ends(ax) == [(0.0, 0.2, 0)]


def test_networks_keep_their_colours():
    assert network_figures.network_colours(["vgg16", "mine"]) == [NETWORK_COLOURS["vgg16"], network_figures.INK]
    assert len({to_rgba(colour) for colour in NETWORK_COLOURS.values()}) == len(NETWORK_COLOURS)


def test_probabilities_stand_up_for_fresh_and_down_for_old(ax):
    counts = pd.DataFrame({"low": [0.0, 0.5], "high": [0.5, 1.0], "fresh": [3, 9], "old": [8, 2]})
    network_figures.probabilities(counts, ax, threshold=0.4)
    assert [bar.get_height() for bar in ax.patches] == [3, 9, -8, -2]
    assert [bar.get_x() for bar in ax.patches] == [0, 0.5, 0, 0.5] and {bar.get_width() for bar in ax.patches} == {0.5}
    assert dashed(ax) == [0.4] and ax.get_ylim() == pytest.approx((-9.9, 9.9))
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert sorted(words) == ["fresh", "old", "threshold 0.4"] and ax.get_xlim() == (0, 1)
    assert ax.yaxis.get_major_formatter()(-5, 0) == "5"


def test_reliability_stands_above_the_numbers_of_vertebrae(predictions):
    curve = calibration.reliability_curve(predictions.truth, predictions.p_fresh, predictions.patient_id)
    counts = probability_counts(predictions)
    above, below = network_figures.reliability_panel(curve, counts).axes
    assert [bar.get_height() for bar in below.patches] == (counts.fresh + counts.old).tolist()
    assert below.get_xlim() == above.get_xlim() == (0, 1)
    assert below.get_xlabel() == "predicted P(fresh)" and above.get_xlabel() == ""
    np.testing.assert_allclose(above.collections[-1].get_offsets(), curve[["predicted", "observed"]])


def test_the_flow_leads_from_patients_to_results(ax):
    boxes = ["patients", "vertebrae", "called fresh", "fresh called fresh", "old called fresh"]
    boxes += ["called old", "fresh called old", "old called old"]
    flow = pd.DataFrame({"box": boxes, "n": [10, 1200, 700, 600, 100, 500, 50, 450]})
    network_figures.stard_flow(flow, ax)
    words = [text.get_text().replace("\n", " ") for text in ax.texts if text.get_text()]
    assert words == [
        "Included: 10 patients, 1,200 vertebrae",
        "Index test: 700 called fresh",
        "Reference fresh: 600",
        "Reference old: 100",
        "Index test: 500 called old",
        "Reference fresh: 50",
        "Reference old: 450",
    ]
    known = pd.concat([pd.DataFrame({"box": ["collected", "excluded"], "n": [15, 5]}), flow])
    network_figures.stard_flow(known, other := plt.subplots()[1])
    words = [text.get_text() for text in other.texts if text.get_text()]
    assert words[:3] == ["Included: 10 patients, 1,200 vertebrae", "Collected: 15 patients", "5 excluded"]
    arrows = [text for text in other.texts if not text.get_text()]
    ends = [(arrow.anncoords.get_position(), arrow.xycoords.get_position()) for arrow in arrows]
    assert ends == [
        ((5, 4), (5, 2.8)), ((5, 2.8), (2.5, 1.6)), ((2.5, 1.6), (1.25, 0.3)), ((2.5, 1.6), (3.75, 0.3)),
        ((5, 2.8), (7.5, 1.6)), ((7.5, 1.6), (6.25, 0.3)), ((7.5, 1.6), (8.75, 0.3)),
    ]  # fmt: skip
    assert {(arrow.xyann, arrow.xy) for arrow in arrows} == {((0.5, 0), (0.5, 1))}  # lower edge to upper edge
    assert other.get_xlim() == (0, 10) and other.get_ylim() == (-0.4, 4.4)
    assert sum(not text.get_text() for text in other.texts) == 7 and not other.axison
