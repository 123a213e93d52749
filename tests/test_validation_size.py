"""Size of an external validation, against the program of its authors and against simulation."""

import numpy as np
import pytest
from scipy.special import expit

from ovcf.problems import InputError
from ovcf.stats.roc import auc
from ovcf.stats.updating import fit_recalibration
from ovcf.stats.validation_size import Expected, design_effect, expected_of, normal_linear_predictor, validation_size


def of(table, column="independent_patches"):
    return dict(zip(table.criterion, table[column], strict=True))


@pytest.mark.parametrize(
    ("prevalence", "area", "lp", "width", "expected"),
    # pmvalsampsize 0.2.1: pmvalsampsize(type="b", prevalence=, cstatistic=, lpnormal=, oeciwidth=), results_table.
    # It raises the standard error of O/E in steps of 0.0001 until the width is passed, so its first number is one
    # below the exact one.
    [
        (0.018, 0.80, (-5.0, 2.5), 1.0, (905, 4544, 4252)),
        (0.5, 0.80, (0.0, 1.2), 0.2, (385, 2200, 302)),
        (0.35, 0.75, (-0.6, 1.0), 0.2, (715, 2784, 400)),
    ],
)
def test_sizes_are_those_of_pmvalsampsize(prevalence, area, lp, width, expected):
    eta = np.random.RandomState(123456).normal(*lp, size=1_000_000)
    got = of(validation_size(Expected(prevalence, area, eta), widths={"observed over expected": width}))
    assert got == {"observed over expected": expected[0] + 1, "calibration slope": expected[1], "AUC": expected[2]}


def test_net_benefit_is_the_variance_of_simulated_ones():
    phi, sens, spec, t = 0.35, 0.7, 0.72, 0.3
    table = validation_size(Expected(phi, 0.75, [-1.0, 0, 1], sens, spec, t))
    n = of(table)["net benefit"]
    rng = np.random.default_rng(0)
    fresh = rng.binomial(n, phi, 40_000)
    tp, fp = rng.binomial(fresh, sens), rng.binomial(n - fresh, 1 - spec)
    benefit = (tp - fp * t / (1 - t)) / fresh  # standardised: a share of the greatest possible
    assert benefit.std() == pytest.approx(0.2 / (2 * 1.96), rel=0.03)


def test_the_slope_of_so_many_patches_is_as_sure_as_promised():
    eta = normal_linear_predictor(0.4, 0.8)
    n = of(validation_size(Expected(0.4, 0.8, eta), widths={"calibration slope": 0.6}))["calibration slope"]
    rng = np.random.default_rng(1)
    slopes = []
    for _ in range(300):
        x = rng.choice(eta, n)
        slopes.append(fit_recalibration(rng.random(n) < expit(x), expit(x), "intercept and slope").slope)
    assert np.std(slopes) == pytest.approx(0.6 / (2 * 1.96), rel=0.12)


def test_linear_predictor_has_the_prevalence_and_auc_asked_for():
    eta = normal_linear_predictor(0.3, 0.8, seed=3)
    truth = np.random.default_rng(4).random(eta.size) < expit(eta)  # the model is right
    assert truth.mean() == pytest.approx(0.3, abs=0.005)
    assert auc(truth[:20_000], eta[:20_000]) == pytest.approx(0.8, abs=0.01)


def test_clusters_raise_the_number_and_are_counted_in_patients():
    plain = validation_size(Expected(0.4, 0.8, [-1.0, 0, 1]))
    more = validation_size(Expected(0.4, 0.8, [-1.0, 0, 1]), deff=1.5, patches_per_patient=1.8)
    assert more.patches.tolist() == [int(np.ceil(1.5 * n)) for n in plain.independent_patches]
    assert more.patients.tolist() == [int(np.ceil(n / 1.8)) for n in more.patches]
    assert more.fresh.tolist() == [int(np.ceil(0.4 * n)) for n in more.patches]


def test_design_effect_is_the_size_of_clusters_that_hold_one_value():
    assert design_effect(np.repeat([0, 1, 0, 1, 1], 4), np.repeat(np.arange(5), 4)) == pytest.approx(
        4 * 5 / 4 * 19 / 20
    )
    assert np.isnan(design_effect(np.ones(6), np.arange(6)))


def test_impossible_values_are_named_all_at_once():
    with pytest.raises(InputError) as caught:
        validation_size(Expected(1.2, 0.5, [0.0, 1]), deff=0)
    assert [problem.column for problem in caught.value.problems] == ["prevalence", "auc", "deff"]


def test_a_network_that_says_one_thing_or_is_never_wrong_asks_for_a_size_all_the_same():
    truth, patient = np.tile([True, False], 30), np.arange(60)
    said = dict.fromkeys(("one thing", "the truth"))
    for name, p in (("one thing", np.full(60, 0.3)), ("the truth", truth.astype(float))):
        said[name] = validation_size(**expected_of(truth, p, patient, 0.5)).set_index("criterion")["patches"]
        assert (said[name] > 0).all()
    assert "calibration slope" in said["the truth"] and "calibration slope" not in said["one thing"]
