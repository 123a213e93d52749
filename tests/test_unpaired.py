"""Unpaired AUCs against pROC on aSAH, type I error on simulated cohorts."""

import numpy as np
import pandas as pd
import pytest

from ovcf.stats.analytic import analytic_intervals
from ovcf.stats.simulate import Design, simulate_predictions
from ovcf.stats.unpaired import areas_of_cohorts, unpaired_auc


def arrays(table):
    return tuple(table[c].to_numpy() for c in ("truth", "p_fresh", "patient_id"))


def test_single_patches_are_procs(shared):
    table = pd.read_csv(shared / "reader_study" / "aSAH.csv")
    truth = (table["outcome"] == "Poor").to_numpy(int)
    samples = []
    for sex in ("Male", "Female"):
        of = (table["gender"] == sex).to_numpy()
        samples.append((truth[of], table.loc[of, "s100b"].to_numpy(), np.arange(of.sum())))
    found = unpaired_auc(*samples)
    # R> m <- subset(aSAH, gender == "Male"); f <- subset(aSAH, gender == "Female")
    # R> roc.test(roc(m$outcome, m$s100b), roc(f$outcome, f$s100b), paired = FALSE)
    assert (found["first"], found["second"]) == pytest.approx((0.772727272727273, 0.72), abs=1e-12)
    assert abs(found["statistic"]) == pytest.approx(0.501880774326713, rel=0.04)  # leverage stands in for n / (n - 1)


def test_two_samples_of_one_population_differ_by_chance_only():
    p = []
    for k in range(200):
        first, second = (simulate_predictions(Design(60, 110), [k, side]) for side in (0, 1))
        found = unpaired_auc(arrays(first), arrays(second))
        p.append(found["p"])
        assert -1 <= found["low"] < found["difference"] < found["high"] <= 1
    assert 0.015 < np.mean(np.array(p) < 0.05) < 0.1


def test_two_perfect_samples_have_an_interval_and_no_test():
    truth, scores = np.repeat([0, 1], 10), np.arange(20.0)
    found = unpaired_auc((truth, scores, np.arange(20)), (truth, scores, np.arange(20)))
    assert found["difference"] == 0 and found["low"] < 0 < found["high"] and np.isnan(found["p"])


def test_what_is_known_of_a_cohort_is_enough_to_test_another_one_against_it():
    first, second = (simulate_predictions(Design(60, 110), [5, side]) for side in (0, 1))
    tables = [analytic_intervals(*arrays(t)).reset_index(names="metric") for t in (first, second)]
    found = areas_of_cohorts(tables[0], {"mine": tables[1]}).iloc[0]
    expected = unpaired_auc(arrays(first), arrays(second))
    assert found["model"] == "mine" and found[list(expected)].tolist() == pytest.approx(list(expected.values()))
