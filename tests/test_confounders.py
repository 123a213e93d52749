"""Factors alone: AUC against scikit-learn and all pairs, no alarm without a cause, alarm with one."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from ovcf.intake.check.confounders import Factor, confounder_table


@pytest.fixture
def patches(rng):
    patient = np.repeat(np.arange(150), 2)
    label = np.where(rng.random(150) < 0.5, "fresh", "old")[patient]
    return pd.DataFrame({"patient_id": patient.astype(str), "label": label})


def one(patches, values, **options):
    return confounder_table(patches, [Factor("x", pd.Series(values))], **options).iloc[0]


def test_numbers_match_sklearn_with_ties_in_both_directions(patches, rng):
    truth = patches["label"] == "fresh"
    values = (rng.normal(size=300) + truth).round(1)
    expected = roc_auc_score(truth, values)
    up, down = one(patches, values), one(patches, -values)
    assert up["auc"] == pytest.approx(expected) and down["auc"] == pytest.approx(expected)
    assert (up["direction"], down["direction"]) == ("higher in fresh", "higher in old")
    assert up["low"] < expected < up["high"] and up["suspicious"]


def test_useless_factors_score_half_and_raise_no_alarm(patches, rng):
    aucs, alarms = [], 0
    for _ in range(20):
        rows = confounder_table(
            patches,
            [
                Factor("n", pd.Series(rng.normal(size=300))),
                Factor("c", pd.Series(rng.choice(list("abcdefgh"), 300))),
            ],
            resamples=300,
        )
        aucs.append(rows.set_index("factor").loc["c", "auc"])
        alarms += rows.loc[rows["factor"] != "all together", "suspicious"].sum()
    assert np.mean(aucs) == pytest.approx(0.5, abs=0.035)
    assert alarms <= 1


def test_a_category_that_tells_is_found_whatever_its_name(patches):
    row = one(patches, np.where(patches["label"] == "fresh", "B", "A"))
    assert row["auc"] > 0.99 and row["suspicious"] and row["kind"] == "category"
    assert row["direction"].endswith("fresh")


def test_many_vertebrae_of_few_patients_do_not_narrow_the_interval(rng):
    values, label = rng.normal(size=30), np.where(rng.random(30) < 0.5, "fresh", "old")
    alone = one(pd.DataFrame({"patient_id": range(30), "label": label}), values)
    copies = pd.DataFrame({"patient_id": np.repeat(range(30), 10), "label": np.repeat(label, 10)})
    repeated = one(copies, np.repeat(values, 10))
    assert repeated["high"] - repeated["low"] == pytest.approx(alone["high"] - alone["low"], abs=0.02)


def test_missing_values_and_constants(patches):
    values = np.where(np.arange(300) < 30, np.nan, np.arange(300))
    row = one(patches, values)
    assert (row["n"], row["missing"]) == (270, 30)
    assert confounder_table(patches, [Factor("same", pd.Series(["a"] * 300))]).empty


def test_anatomy_is_shown_and_never_called_suspicious(patches):
    truth = (patches["label"] == "fresh").astype(float)
    table = confounder_table(patches, [Factor("box", truth + 0.0, anatomy=True)])
    assert table["auc"].item() == 1.0 and not table["suspicious"].item()


def test_the_seed_repeats_the_table(patches, rng):
    factor = Factor("c", pd.Series(rng.choice(list("abc"), 300)))
    pd.testing.assert_frame_equal(
        confounder_table(patches, [factor], seed=3), confounder_table(patches, [factor], seed=3)
    )


def test_factors_that_tell_only_together_are_found(rng):
    one, other = rng.normal(size=(2, 400))
    patches = pd.DataFrame({"patient_id": range(400), "label": np.where(one - other > 0, "fresh", "old")})
    found = [
        Factor("a", pd.Series(one + other + one)),
        Factor("b", pd.Series(one + 2 * other)),
        Factor("c", pd.Series(rng.choice(list("xy"), 400))),
    ]
    table = confounder_table(patches, found).set_index("factor")
    assert table.loc["all together", "auc"] > table["auc"].drop("all together").max() + 0.05
    assert table.loc["all together", "suspicious"]


def test_nothing_together_stays_near_half(rng):
    aucs = []
    for _ in range(12):
        patches = pd.DataFrame({"patient_id": np.arange(240) // 2, "label": rng.choice(["fresh", "old"], 240)})
        found = [Factor(name, pd.Series(rng.normal(size=240))) for name in "abcd"]
        aucs.append(confounder_table(patches, found, resamples=50).set_index("factor").loc["all together", "auc"])
    assert np.mean(aucs) == pytest.approx(0.5, abs=0.04)
