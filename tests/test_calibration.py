"""Calibration against scikit-learn, statsmodels, literal sums and cohorts that are calibrated by design."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from ovcf.problems import InputError
from ovcf.stats.calibration import (
    bin_numbers,
    calibration_table,
    decision_curve,
    inner_logit,
    reliability_curve,
)
from ovcf.stats.simulate import Design, simulate_predictions
from ovcf.stats.thresholds import operating_points, other_folds_threshold, sensitivity_threshold, youden_threshold


@pytest.fixture(scope="module")
def predictions():
    return simulate_predictions(Design(auc=(0.85,)), seed=6)


@pytest.fixture(scope="module")
def data(predictions):
    return tuple(predictions[c].to_numpy() for c in ("truth", "p_fresh", "patient_id"))


@pytest.mark.parametrize("how", ["quantile", "uniform"])
def test_reliability_curve_is_scikit_learns(data, how):
    ours = reliability_curve(*data, bins=8, how=how)
    observed, predicted = calibration_curve(*data[:2], n_bins=8, strategy=how)
    np.testing.assert_allclose(ours["observed"], observed)
    np.testing.assert_allclose(ours["predicted"], predicted)
    assert ours["n"].sum() == 720
    assert ((ours["low"] <= ours["observed"]) & (ours["observed"] <= ours["high"])).all()


def test_bands_hold_the_diagonal_where_the_network_is_calibrated(data):
    curve = reliability_curve(*data)
    inside = (curve["low"] <= curve["predicted"]) & (curve["predicted"] <= curve["high"])
    assert inside.sum() >= 8


def test_bands_clustered_by_patient_are_wider(data):
    clustered, alone = reliability_curve(*data, bins=4), reliability_curve(*data[:2], bins=4)
    assert (clustered["high"] - clustered["low"]).mean() > (alone["high"] - alone["low"]).mean()


def test_tied_predictions_share_a_bin():
    numbers = bin_numbers(np.array([0.1] * 6 + [0.2, 0.9]), bins=4)
    assert numbers[:6].tolist() == [0] * 6 and numbers.max() == np.unique(numbers).size - 1


def test_calibration_of_a_calibrated_network(data):
    table = calibration_table(*data).set_index("metric")
    assert table.loc["brier", "estimate"] == pytest.approx(brier_score_loss(*data[:2]))
    assert table.loc["intercept", "low"] < 0 < table.loc["intercept", "high"]
    assert table.loc["slope", "low"] < 1 < table.loc["slope", "high"]
    ece, counted, chance = (table.loc[m] for m in ("ece", "ece_as_counted", "ece_by_chance"))
    assert ece["estimate"] < counted["estimate"] < chance["high"] + 0.01
    known = table.drop("ece_as_counted")
    assert (known["low"] < known["high"]).all()
    assert known["estimate"].between(known["low"], known["high"]).all()


def test_an_overconfident_network_has_a_slope_below_one(data):
    truth, p, patient = data
    table = calibration_table(truth, expit(2 * logit(p) + 1), patient).set_index("metric")
    assert table.loc["slope", "estimate"] == pytest.approx(calibration_slope(truth, p) / 2, rel=1e-3)
    assert table.loc["slope", "high"] < 1 and table.loc["intercept", "high"] < 0
    assert table.loc["ece", "low"] > table.loc["ece_by_chance", "high"] / 2
    assert table.loc["ece_as_counted", "estimate"] > table.loc["ece_by_chance", "high"]


def calibration_slope(truth, p):
    return sm.Logit(truth, sm.add_constant(logit(p))).fit(disp=0).params[1]


def test_ece_is_the_weighted_mean_gap(data):
    truth, p, patient = data
    curve = reliability_curve(*data, bins=6)
    expected = (curve["n"] * (curve["observed"] - curve["predicted"]).abs()).sum() / 720
    table = calibration_table(*data, bins=6, replicates=100).set_index("metric")
    assert table.loc["ece_as_counted", "estimate"] == pytest.approx(expected)


def test_the_ece_less_its_bias_is_nearer_the_truth_and_inside_its_interval():
    counted, freed = [], []
    for k in range(30):
        cohort = simulate_predictions(
            Design(patients=100, patches=180, auc=(0.8,)), [3, k]
        )  # calibrated: the truth is 0
        rows = cohort["truth"], cohort["p_fresh"], cohort["patient_id"]
        table = calibration_table(*rows, replicates=200).set_index("metric")
        counted.append(table.loc["ece_as_counted", "estimate"])
        freed.append(table.loc["ece", "estimate"])
        assert table.loc["ece", "low"] <= freed[-1] <= table.loc["ece", "high"]
    assert np.mean(freed) < 0.7 * np.mean(counted)


def test_an_ece_of_nought_has_an_interval_all_the_same(data):
    truth, _, patient = data
    for p in (np.full(truth.size, truth.mean()), np.full(truth.size, truth.mean() + 0.001)):
        row = calibration_table(truth, p, patient, replicates=200).set_index("metric").loc["ece"]
        assert row["low"] == row["estimate"] == 0 and 0.005 < row["high"] < 0.1


@pytest.mark.parametrize("n", [187, 2000])
def test_probabilities_of_nothing_but_0_and_1_have_an_intercept(n):
    rng = np.random.default_rng(1)
    truth = rng.random(n) < 0.5
    p = (rng.random(n) < np.where(truth, 0.8, 0.2)).astype(float)
    rows = calibration_table(truth, p, np.arange(n) // 2, replicates=20).set_index("metric")
    a, x = rows.loc["intercept", "estimate"], inner_logit(p)[0]
    assert np.sum(expit(a + x)) == pytest.approx(truth.sum())  # the score equation
    assert rows.loc["intercept", "low"] < a < rows.loc["intercept", "high"] < 10


def test_p_of_exactly_0_or_1_is_drawn_in_no_further_than_the_patches_can_tell(data):
    truth, p, patient = data
    ends = np.where(p < 0.02, 0.0, np.where(p > 0.98, 1.0, p))
    x, moved = inner_logit(ends)
    assert moved == np.isin(ends, (0, 1)).sum() > 0 and np.isfinite(x).all()
    assert (np.diff(x[np.argsort(ends, kind="stable")]) >= 0).all() and np.abs(x).max() <= logit(1 - 1 / 1440) + 1e-9
    plain, drawn = (calibration_table(truth, q, patient, replicates=50).set_index("metric") for q in (p, ends))
    assert drawn.loc["slope", "estimate"] == pytest.approx(plain.loc["slope", "estimate"], abs=0.2)
    assert f"{moved} p of 0 or 1 drawn in" in drawn.loc["slope", "method"]


def test_no_number_of_finite_data_has_an_interval_of_zero_width(data):
    truth, _, patient = data
    for p in (np.where(truth, 0.9, 0.1), np.full(truth.size, 0.5), np.ones(truth.size)):
        table = calibration_table(truth, p, patient, replicates=100).set_index("metric")
        assert not (table["high"] - table["low"] < 1e-9).any()
        curve = decision_curve(truth, p, patient, thresholds=[0.3, 0.7])
        widths = [curve[f"{n}high"] - curve[f"{n}low"] for n in ("", "gain_", "over_all_")]
        assert not any((width < 1e-9).any() for width in widths)


def test_classes_that_do_not_overlap_have_no_slope():
    table = calibration_table([0, 0, 1, 1], [0.0, 0.2, 0.7, 1.0], replicates=50).set_index("metric")
    assert np.isnan(table.loc["slope", "estimate"]) and np.isfinite(table.loc["intercept", "estimate"])


def test_net_benefit_is_the_literal_one(data):
    truth, p, _ = data
    table = decision_curve(*data, thresholds=[0.2, 0.5, 0.8])
    for row in table.itertuples():
        odds = row.threshold / (1 - row.threshold)
        called = p >= row.threshold
        expected = (called & (truth == 1)).sum() / 720 - (called & (truth == 0)).sum() / 720 * odds
        everyone = truth.mean() - (1 - truth.mean()) * odds
        assert row.net_benefit == pytest.approx(expected) and row.treat_all == pytest.approx(everyone)
        assert row.gain == pytest.approx(expected - max(everyone, 0))
        assert row.low < row.net_benefit < row.high and row.gain_low <= row.gain <= row.gain_high
    assert (table["treat_none"] == 0).all()


def test_net_benefit_at_zero_is_the_prevalence(data):
    row = decision_curve(*data, thresholds=0).iloc[0]
    assert row["net_benefit"] == row["treat_all"] == pytest.approx(data[0].mean()) and row["gain"] == 0


def test_interval_of_net_benefit_is_the_bootstraps(data):
    truth, p, patient = data
    value = np.where(truth == 1, 1.0, -0.3 / 0.7) * (p >= 0.3)
    rng = np.random.default_rng(1)
    sums, sizes = np.bincount(patient, value), np.bincount(patient)
    draws = rng.integers(0, 405, (4000, 405))
    spread = (sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)).std(ddof=1)
    row = decision_curve(*data, thresholds=0.3).iloc[0]
    assert (row["high"] - row["low"]) / 2 / 1.966 == pytest.approx(spread, rel=0.05)


def test_thresholds_of_known_scores():
    truth, p = np.array([0, 0, 1, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert youden_threshold(truth, p) == 0.5
    assert [sensitivity_threshold(truth, p, t) for t in (0.3, 0.5, 1)] == [0.6, 0.5, 0.3]


def test_a_folds_threshold_never_sees_that_fold(predictions):
    truth, p, fold = (predictions[c].to_numpy() for c in ("truth", "p_fresh", "fold"))
    before = other_folds_threshold(truth, p, fold, youden_threshold)
    changed = p.copy()
    changed[fold == 2] = np.random.default_rng(0).random((fold == 2).sum())
    after = other_folds_threshold(truth, changed, fold, youden_threshold)
    assert (before[fold == 2] == after[fold == 2]).all() and (before != after).any()
    assert before[fold == 2][0] == youden_threshold(truth[fold != 2], p[fold != 2])


def test_operating_points_say_where_they_were_chosen(predictions):
    table = operating_points(predictions, target_sensitivity=0.9)
    assert len(table) == 5 * 7
    assert set(table["chosen_on"]) == {"nothing", "other folds", "same patches (flatters)"}
    reached = table.query("rule == 'sensitivity 0.9' and metric == 'recall_fresh'").set_index("chosen_on")
    assert 0.9 <= reached.loc["same patches (flatters)", "estimate"] < 0.91
    assert reached.loc["other folds", "estimate"] == pytest.approx(0.9, abs=0.02)
    youden = table[table["rule"] == "Youden"].pivot(index="chosen_on", columns="metric", values="estimate")
    both = youden["recall_fresh"] + youden["recall_old"]
    assert both["other folds"] <= both["same patches (flatters)"]


def test_wrong_input_is_refused(predictions, data):
    with pytest.raises(InputError, match="row 3.*probability"):
        calibration_table([0, 1, 0], [0.2, 0.3, 1.2])
    with pytest.raises(InputError, match="two folds"):
        operating_points(predictions[predictions["fold"] == 1])
    with pytest.raises(InputError, match="below 1"):
        decision_curve(*data, thresholds=[1.0])
    with pytest.raises(InputError, match="quantile, uniform"):
        reliability_curve(*data, how="equal")
    with pytest.raises(InputError, match="target"):
        operating_points(predictions, target_sensitivity=90)
