"""Notebook 07's tables cell by cell, and what its figures draw."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ovcf.figures import external as figures
from ovcf.tables import external as tables

GLUE = "\u00a0"


def test_difference_names_both_sides_and_subtracts_the_first():
    row = {"metric": "auc", "first": 0.8, "first_low": 0.75, "first_high": 0.84, "second": 0.7, "second_low": 0.6,
           "second_high": 0.79, "difference": -0.1, "low": -0.21, "high": 0.0, "model": "final model"}  # fmt: skip
    shown = tables.difference_table(pd.DataFrame([row]))
    assert list(shown) == ["model", "metric", "development, out of fold", "this cohort", "difference [95 % interval]"]
    cells = shown.iloc[0].tolist()
    assert cells == ["final model", "AUC", f"0.800 [0.750,{GLUE}0.840]", f"0.700 [0.600,{GLUE}0.790]",
                     f"-0.100 [-0.210,{GLUE}0.000]"]  # fmt: skip


def test_updates_stand_in_their_order_and_what_cannot_be_fitted_says_so():
    rows = [("none", "auc", 0.7, 0.6, 0.8), ("none", "slope", np.nan, np.nan, np.nan), ("none", "brier", 0.2, 0.1, 0.3),
            ("intercept", "auc", 0.71, 0.61, 0.81), ("intercept", "brier_change", -0.01, -0.02, 0.0)]  # fmt: skip
    shown = tables.updating_rows(pd.DataFrame(rows, columns=["update", "metric", "estimate", "low", "high"]))
    assert shown.index.tolist() == ["none", "intercept"]
    assert shown.loc["none", "AUC"] == f"0.700 [0.600,{GLUE}0.800]" and shown.loc["none", "slope"] == "not estimable"
    assert shown.loc["intercept", "change of the Brier score"] == f"-0.010 [-0.020,{GLUE}0.000]"
    assert shown.loc["none", "change of the Brier score"] == "–"


def test_drift_says_how_each_difference_is_measured():
    rows = [("age", "number", "74", "70", -0.4, 0.01, 0.02), ("scanner", "word", "A 90 %", "A 0 %", 0.9, 0.001, 0.002)]
    columns = ["column", "kind", "first", "second", "difference", "p", "p_holm"]
    shown = tables.drift_rows(pd.DataFrame(rows, columns=columns))
    assert shown.iloc[0].tolist() == ["age", "74", "70", "-0.40", "standardised mean difference", 0.01, 0.02]
    assert shown["measured as"].iloc[1] == "total variation distance"
    assert list(shown) == ["of", "development", "this cohort", "difference", "measured as", "p", "p_holm"]
    unknown = pd.DataFrame([("box_height_px", "number", "", "1", np.nan, np.nan, np.nan)], columns=columns)
    assert tables.drift_rows(unknown).iloc[0, :4].tolist() == ["height of the box (px)", "", "1", "–"]
    assert tables.drift_rows(unknown.assign(column="my_own"))["of"].tolist() == ["my own"]


def test_points_give_the_threshold_and_where_it_was_chosen():
    rows = [
        ("Youden", "this cohort, other folds", 0.41, 0.5, "recall_fresh", 0.9, 0.8, 0.95),
        ("Youden", "the development", 0.62, 0.62, "recall_fresh", 0.8, 0.7, 0.9),
    ]
    columns = ["rule", "chosen_on", "threshold_min", "threshold_max", "metric", "estimate", "low", "high"]
    shown = tables.points_table(pd.DataFrame(rows, columns=columns))
    assert shown.threshold.tolist() == ["0.41 to 0.50", "0.62"]
    assert shown.iloc[1, -1] == f"80.0 [70.0,{GLUE}90.0]"
    assert list(shown) == ["rule", "chosen on", "threshold", "Recall fresh = sensitivity (%)"]
    assert shown["chosen on"].tolist() == ["this cohort, other folds", "the development"]  # in the order given


def test_size_says_whether_this_cohort_is_large_enough():
    rows = [("AUC", 0.1, 0.0255, 302, 400, 220, 200), ("slope", 0.2, 0.051, 2200, 2900, 1600, 1450)]
    columns = ["criterion", "width", "se", "independent_patches", "patches", "patients", "fresh"]
    have = {"patches": 500, "patients": 270, "fresh": 240}
    shown = tables.size_table(pd.DataFrame(rows, columns=columns), have)
    assert shown.enough.tolist() == [True, False]
    assert tables.size_table(pd.DataFrame(rows, columns=columns), have | {"patches": 400}).enough.tolist()[0]
    named = ["criterion", "width of the interval", "independent patches", "patches", "patients", "fresh"]
    assert list(shown) == [*named, "this cohort", "enough"]
    assert set(shown["this cohort"]) == {"500 patches, 270 patients, 240 fresh"}


def test_both_curves_are_drawn_and_named():
    curve = pd.DataFrame({"fpr": [0, 0.5, 1], "tpr": [0, 0.8, 1]})
    ax = figures.two_rocs({"home": curve, "here": curve.assign(tpr=[0, 0.6, 1])}, plt.figure().gca())
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["home", "here", "chance"]
    assert [line.get_ydata()[1] for line in ax.lines[:2]] == [0.8, 0.6]
    assert [line.get_xdata().tolist() for line in ax.lines[:2]] == [[0, 0.5, 1]] * 2
    assert [line.get_color() for line in ax.lines] == [figures.INK, figures.ELSEWHERE, figures.GREY]
    assert ax.lines[2].get_xydata().tolist() == [[0, 0], [1, 1]]
    assert ax.get_xlabel().startswith("1 - specificity") and ax.get_ylabel().startswith("sensitivity")
    with pytest.raises(ValueError, match="longer"):  # two cohorts, no fewer
        figures.two_rocs({"home": curve}, ax)


def test_every_update_has_its_panel():
    curve = pd.DataFrame({"predicted": [0.2, 0.7], "observed": [0.3, 0.6], "low": 0.1, "high": 0.8, "n": [10, 20]})
    names = ["none", "intercept", "slope"]
    figure = figures.reliability_sheet({name: curve.assign(observed=[i / 10, 0.6]) for i, name in enumerate(names)})
    assert [ax.get_title() for ax in figure.axes] == ["as it came", "intercept", "slope", ""]
    assert [ax.get_ylabel() for ax in figure.axes] == ["share fresh", "", "share fresh", ""]
    assert [ax.axison for ax in figure.axes] == [True] * 3 + [False] and not any(ax.get_legend() for ax in figure.axes)
    drawn = [ax.collections[-1].get_offsets()[0].tolist() for ax in figure.axes[:3]]
    assert drawn == [[0.2, 0.0], [0.2, 0.1], [0.2, 0.2]]


def test_unpaired_tests_of_areas_name_both_cohorts():
    row = {"model": "final model", "first": 0.8, "second": 0.75, "difference": -0.05, "low": -0.12, "high": 0.02,
           "statistic": -1.4142, "df": 87.6, "p": 0.161}  # fmt: skip
    shown = tables.area_tests(pd.DataFrame([row]))
    assert list(shown) == ["model", "AUC at home", "AUC here", "difference", "t", "df", "p"]
    assert shown.iloc[0].tolist() == [
        "final model",
        "0.800",
        "0.750",
        f"-0.050 [-0.120,{GLUE}0.020]",
        "-1.41",
        "88",
        0.161,
    ]
