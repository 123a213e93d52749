"""Likelihood ratios and predictive values at a prevalence against Bayes' theorem and the Wald interval."""

import numpy as np
import pytest

from ovcf.problems import InputError
from ovcf.stats.prevalence import CURVE, at_prevalence, likelihood_ratios
from ovcf.stats.rates import rates
from ovcf.stats.simulate import Design, simulate_predictions


@pytest.fixture(scope="module")
def predictions():
    return simulate_predictions(Design(patients=300, patches=520, prevalence=0.4), seed=3)


def test_at_the_own_prevalence_they_are_the_precisions(predictions):
    own, found = predictions["truth"].mean(), rates(predictions["truth"], predictions["p_fresh"])
    table = at_prevalence(predictions, own).set_index("metric")
    assert table.loc["ppv", "estimate"] == pytest.approx(found["precision_fresh"])
    assert table.loc["npv", "estimate"] == pytest.approx(found["precision_old"])
    assert table.loc["lr_fresh", "estimate"] == pytest.approx(found["recall_fresh"] / (1 - found["recall_old"]))


def test_the_curve_rises_for_fresh_and_falls_for_old(predictions):
    table = at_prevalence(predictions)
    ppv, npv = (table[table["metric"] == m] for m in ("ppv", "npv"))
    assert ppv["prevalence"].tolist() == list(CURVE)
    assert ppv["estimate"].is_monotonic_increasing and npv["estimate"].is_monotonic_decreasing
    for part in (ppv, npv):
        assert ((0 <= part["low"]) & (part["low"] < part["estimate"]) & (part["estimate"] < part["high"])).all()
        assert (part["high"] <= 1).all()


def test_with_many_patients_of_one_patch_it_is_the_wald_interval():
    rng = np.random.default_rng(4)
    truth = rng.random(20_000) < 0.5
    called = rng.random(20_000) < np.where(truth, 0.8, 0.3)
    found = likelihood_ratios(truth, called, np.arange(20_000))["lr_fresh"]
    tp, fn, fp, tn = (truth & called).sum(), (truth & ~called).sum(), (~truth & called).sum(), (~truth & ~called).sum()
    se = np.sqrt(1 / tp - 1 / (tp + fn) + 1 / fp - 1 / (fp + tn))
    ratio = tp / (tp + fn) / (fp / (fp + tn))
    np.testing.assert_allclose(found[:3], ratio * np.exp(np.array([0, -1.96, 1.96]) * se), rtol=2e-3)


def test_what_is_never_called_has_no_ratio_and_no_predictive_value(predictions):
    table = at_prevalence(predictions, threshold=1.0)
    assert table[table["metric"].isin(["lr_fresh", "ppv"])][["estimate", "low", "high"]].isna().all(axis=None)
    assert table[table["metric"].isin(["lr_old", "npv"])][["estimate", "low", "high"]].notna().all(axis=None)


def test_a_specificity_of_one_leaves_the_ratio_without_an_upper_end():
    truth, patient = np.repeat([True, False], 30), np.arange(60)
    found = likelihood_ratios(truth, truth & (np.arange(60) % 3 > 0), patient)
    assert found["lr_fresh"].estimate == found["lr_fresh"].high == np.inf
    assert 1 < found["lr_fresh"].low < 20
    assert found["lr_old"].low < found["lr_old"].estimate < found["lr_old"].high


@pytest.mark.parametrize("prevalence", [0, 1, [0.2, 1.5]])
def test_a_prevalence_out_of_range_is_refused(predictions, prevalence):
    with pytest.raises(InputError, match="above 0 and below 1"):
        at_prevalence(predictions, prevalence)
