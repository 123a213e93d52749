"""Patients as the cases: counts one by one; widths against cohorts of the size they are foretold for."""

import numpy as np
import pytest

from ovcf.problems import InputError
from ovcf.stats.analytic import wilson
from ovcf.stats.by_patient import patient_results, widths_with_more
from ovcf.stats.intervals import metric_intervals
from ovcf.stats.simulate import Design, simulate_predictions


def test_patients_are_counted_one_by_one():
    predictions = simulate_predictions(Design(patients=80, patches=150), seed=1)
    table = patient_results(predictions, threshold=0.6).set_index("metric")
    hits, fresh, right, single = 0, 0, 0, 0
    for _, own in predictions.groupby("patient_id"):
        has, called = (own["truth"] == 1).any(), (own["p_fresh"] >= 0.6).any()
        fresh, hits = fresh + has, hits + (has and called)
        all_right = ((own["p_fresh"] >= 0.6) == (own["truth"] == 1)).all()
        right, single = right + all_right, single + (all_right and len(own) == 1)
    ones = (predictions.groupby("patient_id").size() == 1).sum()
    for name, k, n in (("sensitivity", hits, fresh), ("all_right", right, 80), ("all_right, 1 patch", single, ones)):
        assert table.loc[name, "n"] == n
        np.testing.assert_allclose(table.loc[name, ["estimate", "low", "high"]].astype(float), wilson(k, n)[:3])
    assert table.loc["auc", "low"] < table.loc["auc", "estimate"] < table.loc["auc", "high"]


def test_a_cohort_without_a_patient_of_old_fractures_alone_has_no_specificity():
    predictions = simulate_predictions(Design(patients=20, patches=60), seed=1)
    mixed = predictions.assign(truth=np.arange(60) % 2)
    mixed = mixed[mixed.groupby("patient_id")["truth"].transform("max") == 1]
    table = patient_results(mixed).set_index("metric")
    assert "auc" not in table.index and np.isnan(table.loc["specificity", "estimate"])


def test_widths_are_those_of_cohorts_of_that_size():
    foretold = widths_with_more(simulate_predictions(Design(200, 356), seed=5), patients=(800,))
    own = foretold[foretold["patients"] == 200].set_index("metric")
    now = metric_intervals(simulate_predictions(Design(200, 356), seed=5)).set_index("metric")
    np.testing.assert_allclose(own["low"], now.loc[own.index, "low"])
    many = foretold[foretold["patients"] == 800].set_index("metric")
    assert (many["patches"] == 1424).all()
    widths = []
    for seed in range(6):
        table = metric_intervals(simulate_predictions(Design(800, 1424), seed=seed)).set_index("metric")
        widths.append((table["high"] - table["low"])[many.index])
    np.testing.assert_allclose(many["width"], np.mean(widths, axis=0), rtol=0.2)
    with pytest.raises(InputError, match="two patients"):
        widths_with_more(simulate_predictions(Design(20, 36)), patients=(1,))
