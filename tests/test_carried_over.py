"""Thresholds that are carried to another cohort, and those chosen there on other patients."""

import numpy as np
import pandas as pd
import pytest

from ovcf.stats.carried_over import carried_over_points, carried_thresholds, threshold_rules
from ovcf.stats.thresholds import youden_threshold
from ovcf.stats.updating import deal_patients


def table(seed, n, shift):
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 2
    p = np.clip(rng.normal(0.4 + 0.2 * truth + shift, 0.15), 0.01, 0.99)
    return pd.DataFrame({"truth": truth, "p_fresh": p, "patient_id": np.arange(n) // 2})


@pytest.fixture
def points():
    home, away = table(0, 80, 0.0), table(1, 60, 0.15)
    fold = deal_patients(away.truth, away.patient_id, folds=4)
    rules = threshold_rules(0.45)
    return home, away, fold, carried_over_points(away, fold, carried_thresholds(home, rules), rules)


def test_carried_thresholds_come_from_the_development_alone(points):
    home, _, _, found = points
    rows = found[(found.rule == "Youden") & (found.chosen_on == "the development")]
    assert (rows.threshold_min == youden_threshold(home.truth, home.p_fresh)).all()
    assert (rows.threshold_max == rows.threshold_min).all()


def test_rates_are_counted_literally(points):
    home, away, _, found = points
    called = away.p_fresh >= youden_threshold(home.truth, home.p_fresh)
    rows = found[(found.rule == "Youden") & (found.chosen_on == "the development")].set_index("metric").estimate
    assert rows["recall_fresh"] == pytest.approx(called[away.truth == 1].mean())
    assert rows["precision_fresh"] == pytest.approx(away.truth[called].mean())
    assert rows["accuracy"] == pytest.approx((called == (away.truth == 1)).mean())


def test_thresholds_chosen_anew_never_see_their_own_fold(points):
    home, away, fold, before = points
    turned = away.assign(truth=np.where(fold == 0, 1 - away.truth, away.truth))
    rules = threshold_rules(0.45)
    after = carried_over_points(turned, fold, carried_thresholds(home, rules), rules)
    anew = (before.chosen_on == "this cohort, other folds") & (before.rule == "Youden") & (before.metric == "accuracy")
    kept = [youden_threshold(away.truth[fold != f], away.p_fresh[fold != f]) for f in range(4)]
    assert before[anew].threshold_min.item() == pytest.approx(min(kept))
    assert youden_threshold(turned.truth[fold != 0], turned.p_fresh[fold != 0]) == kept[0]
    assert len(after) == len(before)


def test_a_fixed_threshold_stands_once_and_says_that_nothing_chose_it(points):
    fixed = points[3].query("rule == 'fixed 0.45'")
    assert set(fixed.chosen_on) == {"nothing"} and fixed.metric.is_unique
