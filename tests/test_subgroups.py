"""Subgroups: groups as defined, intervals as elsewhere, a test that finds what is there and little else."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ovcf.problems import InputError
from ovcf.stats.intervals import clustered_auc_interval
from ovcf.stats.paper_tests import LEVELS
from ovcf.stats.roc import clustered_delong
from ovcf.stats.simulate import Design, simulate_predictions
from ovcf.stats.subgroups import age_group, group_of_patches, regions_of, subgroup_table


@pytest.fixture(scope="module")
def predictions():
    return simulate_predictions(Design(), seed=12)


@pytest.fixture
def patches(predictions):
    rng = np.random.default_rng(3)
    patient = predictions["patient_id"].to_numpy()
    return pd.DataFrame(
        {
            "patch_id": predictions["patch_id"],
            "level": rng.choice(LEVELS, 720),
            "sex": rng.choice(["female", "male"], 405)[patient],
            "age": rng.integers(55, 95, 405)[patient].astype(float),
            "normal_height": (rng.random(720) < 0.1) & (predictions["truth"] == 1),
        }
    )


def test_regions_and_ages_are_those_of_the_definition():
    assert regions_of(["T5", "T9", "T10", "L1", "L2", "L5", ""]).tolist() == [
        "above",
        "above",
        "at",
        "at",
        "below",
        "below",
        "unknown",
    ]
    assert age_group([59.9, 60, 69, 70, 80, 99, np.nan]).tolist() == [
        "under 60",
        "60-69",
        "60-69",
        "70-79",
        "80 and over",
        "80 and over",
        "unknown",
    ]


@pytest.mark.parametrize(
    "by, groups",
    [
        ("level", list(LEVELS)),
        ("region", ["above", "at", "below"]),
        ("sex", ["female", "male"]),
        ("age_group", ["under 60", "60-69", "70-79", "80 and over"]),
        ("normal_height", ["no", "yes"]),
    ],
)
def test_groups_come_in_order_and_hold_every_patch(predictions, patches, by, groups):
    table = subgroup_table(predictions, patches, by)
    one = table[table["metric"] == "auc"]
    assert one["group"].tolist() == groups and one["n"].sum() == 720
    assert (one["fresh"] + one["old"] == one["n"]).all()


def test_a_group_has_the_interval_of_its_patches(predictions, patches):
    table = subgroup_table(predictions, patches, "sex").set_index(["metric", "group"])
    part = predictions[(patches["sex"] == "male").to_numpy()]
    expected = clustered_auc_interval(part["truth"], part["p_fresh"], part["patient_id"])
    ours = table.loc[("auc", "male"), ["estimate", "low", "high"]].astype(float)
    np.testing.assert_allclose(ours, expected[:3])


def test_two_groups_of_different_patients_give_the_z_test(predictions, patches):
    row = subgroup_table(predictions, patches, "sex").query("metric == 'auc'").iloc[0]
    areas = [
        clustered_delong(p["truth"], p["p_fresh"], p["patient_id"])
        for p in (predictions[(patches["sex"] == s).to_numpy()] for s in ("female", "male"))
    ]
    z = (areas[0].auc - areas[1].auc) / np.sqrt(areas[0].covariance + areas[1].covariance)[0]
    assert row["p_interaction"] == pytest.approx(2 * stats.norm.sf(abs(z[0])), abs=0.01) and row["df"] == 1


def test_proportions_of_single_patches_give_pearsons_chi_square(rng):
    truth = np.tile([1, 0], 300)
    ids = np.arange(600)
    table = pd.DataFrame(
        {"network": "one", "fold": 1, "patch_id": ids, "patient_id": ids, "truth": truth, "p_fresh": rng.random(600)}
    )
    groups = rng.choice(list("abc"), 600)
    patches = pd.DataFrame({"patch_id": ids, "g": groups})
    ours = subgroup_table(table, patches, "g", metrics=["accuracy"])
    right = (table["p_fresh"] >= 0.5) == truth
    pearson = stats.chi2_contingency(pd.crosstab(groups, right), correction=False)
    assert ours["statistic"].iloc[0] == pytest.approx(pearson.statistic, rel=0.02) and ours["df"].iloc[0] == 2


def test_a_real_difference_is_found(predictions, patches):
    spoiled = predictions.copy()
    male = (patches["sex"] == "male").to_numpy()
    spoiled.loc[male, "p_fresh"] = np.random.default_rng(0).random(male.sum())
    table = subgroup_table(spoiled, patches, "sex").drop_duplicates("metric").set_index("metric")
    assert (table.loc[["auc", "accuracy"], "p_interaction"] < 1e-4).all()


def test_where_nothing_differs_the_test_rejects_about_one_in_twenty():
    rejected = []
    for k in range(60):
        data = simulate_predictions(Design(200, 360), [1, k])
        levels = np.random.default_rng([2, k]).choice(LEVELS, 360)
        table = subgroup_table(data, pd.DataFrame({"patch_id": data["patch_id"], "level": levels}), "region")
        rejected += (table.drop_duplicates("metric")["p_interaction"] < 0.05).tolist()
    assert 0.005 < np.mean(rejected) < 0.13


def test_small_groups_and_unknown_ones_are_shown_and_not_tested(predictions, patches):
    patches.loc[:599, "sex"] = ""
    patches.loc[600:604, "sex"] = "female"
    patches.loc[605:, "sex"] = "male"
    table = subgroup_table(predictions, patches, "sex").query("metric == 'accuracy'").set_index("group")
    assert table["n"].to_dict() == {"female": 5, "male": 115, "unknown": 600}
    assert table["tested"].to_dict() == {"female": False, "male": True, "unknown": False}
    assert table["p_interaction"].isna().all() and table["estimate"].notna().all()


def test_a_group_of_one_class_has_no_auc(predictions, patches):
    table = subgroup_table(predictions, patches, "normal_height").set_index(["metric", "group"])
    assert table.loc[[("auc", "yes"), ("recall_old", "yes")], "estimate"].isna().all()
    assert 0 < table.loc[("recall_fresh", "yes"), "estimate"] <= 1


def test_a_region_column_is_taken_before_the_level(predictions, patches):
    given = patches.assign(region="at")
    assert set(group_of_patches(predictions, given, "region")) == {"at"}


def test_strange_patches_and_columns_are_refused(predictions, patches):
    with pytest.raises(InputError, match="row 2.*patch_id"):
        subgroup_table(predictions, patches[1:], "sex")
    with pytest.raises(InputError, match="scanner"):
        subgroup_table(predictions, patches, "scanner")
    with pytest.raises(InputError, match="sensitivity.*recall_fresh"):
        subgroup_table(predictions, patches, "sex", metrics=["sensitivity"])
