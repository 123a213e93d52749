"""Simulated cohorts have the metrics, the calibration and the clustering their design says."""

import numpy as np
import pytest

from ovcf.problems import InputError
from ovcf.stats.checks import check_predictions
from ovcf.stats.rates import rates
from ovcf.stats.simulate import Design, simulate_predictions, true_metrics


@pytest.mark.parametrize("prevalence, threshold", [(0.5, 0.5), (0.3, 0.4)])
def test_a_huge_cohort_has_the_true_metrics(prevalence, threshold):
    design = Design(patients=500_000, patches=900_000, prevalence=prevalence)
    data = simulate_predictions(design, 1)
    expected = true_metrics(design, threshold)
    found = rates(data["truth"], data["p_fresh"], threshold)
    for metric, value in found.items():
        assert value == pytest.approx(expected[metric], abs=0.003), metric
    close = data["p_fresh"].between(0.58, 0.62)
    assert data.loc[close, "truth"].mean() == pytest.approx(0.6, abs=0.01)  # p_fresh is calibrated


def test_a_cohort_is_a_predictions_table_of_the_papers_size():
    data = simulate_predictions(Design(auc=(0.8, 0.7)), 3)
    assert check_predictions(data, networks="many") is data and len(data) == 2 * 720
    one = data[data["network"] == "simulated 1"]
    assert one["patient_id"].nunique() == 405
    assert (one.groupby("patient_id")["fold"].nunique() == 1).all()
    assert (data.groupby("patch_id")["truth"].nunique() == 1).all()


def test_patches_of_a_patient_resemble_each_other():
    def agreement(correlation):
        data = simulate_predictions(Design(2000, 4000, label_correlation=correlation), 5)
        pairs = data.groupby("patient_id")["truth"].agg(["first", "last", "size"]).query("size > 1")
        return (pairs["first"] == pairs["last"]).mean()

    assert agreement(0) == pytest.approx(0.5, abs=0.05)
    assert agreement(0.6) == pytest.approx(0.5 + np.arcsin(0.6) / np.pi, abs=0.05)  # Sheppard's formula


def test_same_seed_same_table():
    first, again, other = (simulate_predictions(seed=s) for s in (1, 1, 2))
    assert first.equals(again) and not first.equals(other)


def test_designs_that_cannot_be_are_refused_at_once():
    with pytest.raises(InputError) as error:
        simulate_predictions(Design(patients=10, patches=5, auc=(1.0,), prevalence=0, label_correlation=2))
    assert len(error.value.problems) == 4
