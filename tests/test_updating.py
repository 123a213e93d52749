"""Recalibration against R's rms, honest cross-fitting, and the table of updates against literal computations."""

import numpy as np
import pytest
import statsmodels.api as sm

from ovcf.problems import InputError
from ovcf.stats import updating
from ovcf.stats.updating import Recalibration, deal_patients, fit_recalibration, recalibrate, updated_probabilities

ROW = np.arange(60)
P = ((ROW * 37) % 101 + 0.5) / 101
Y = ((ROW * 53) % 97) / 97 < 0.15 + 0.6 * P
PATIENT = ROW // 3


def test_intercept_and_slope_are_those_of_rms():
    # R 4.2.2, rms: lrm(y ~ qlogis(p), tol=1e-14, eps=1e-14, maxit=200); val.prob(p, y) prints the same two
    fitted = fit_recalibration(Y, P, "intercept and slope")
    assert fitted == pytest.approx((0.00516267596162971, 0.13255578544901236), abs=1e-12)


def test_intercept_alone_is_that_of_glm():
    # R: glm(y ~ offset(qlogis(p)), family = binomial, control = list(epsilon = 1e-15))
    assert fit_recalibration(Y, P, "intercept") == pytest.approx((0.028709885471939, 1.0), abs=1e-12)


def test_as_it_came_is_the_same_to_the_bit():
    assert fit_recalibration(Y, P, "none") == (0, 1)
    assert (recalibrate(P, Recalibration(0.0, 1.0)) == P).all()


def test_recalibrated_probabilities_have_the_mean_of_the_truth():
    for how in ("intercept", "intercept and slope"):
        assert recalibrate(P, fit_recalibration(Y, P, how)).mean() == pytest.approx(Y.mean(), abs=1e-12)


@pytest.mark.parametrize("truth", [P > 0.5, P < 0.5, np.ones(60, bool)])
def test_no_slope_where_a_threshold_parts_the_classes(truth):
    assert np.isnan(fit_recalibration(truth, P, "intercept and slope")).all()


def test_probabilities_of_0_and_1_are_taken_as_nearly_so():
    p = np.where(ROW < 3, 0.0, np.where(ROW < 6, 1.0, P))
    near = np.clip(p, 1e-6, 1 - 1e-6)
    assert fit_recalibration(Y, p, "intercept and slope") == fit_recalibration(Y, near, "intercept and slope")


def test_an_unknown_update_is_named_with_the_nearest():
    with pytest.raises(InputError, match="did you mean intercept"):
        fit_recalibration(Y, P, "interzept")


def test_patients_stay_whole_and_each_is_left_out_once():
    fold = deal_patients(Y, PATIENT, folds=5, seed=1)
    assert sorted(set(fold)) == [0, 1, 2, 3, 4]
    assert all(len(set(fold[PATIENT == patient])) == 1 for patient in range(20))


def test_one_patient_of_a_class_is_refused():
    with pytest.raises(InputError, match="two patients of each class"):
        deal_patients(PATIENT == 0, PATIENT)


def test_an_update_never_sees_the_patches_it_is_applied_to():
    fold = deal_patients(Y, PATIENT, folds=4, seed=0)
    before = updated_probabilities(Y, P, fold)
    for number in range(4):
        turned = np.where(fold == number, ~Y, Y)
        after = updated_probabilities(turned, P, fold)
        for how in updating.UPDATES:
            assert (after[how][fold == number] == before[how][fold == number]).all()


def test_cross_fitting_is_the_literal_loop():
    fold = deal_patients(Y, PATIENT, folds=3, seed=2)
    got = updated_probabilities(Y, P, fold)["intercept and slope"]
    for number in range(3):
        own, others = fold == number, fold != number
        x = sm.add_constant(np.log(P / (1 - P)))
        fit = sm.GLM(Y[others].astype(float), x[others], family=sm.families.Binomial()).fit(tol=1e-14)
        assert got[own] == pytest.approx(fit.predict(x[own]), abs=1e-9)


def test_table_holds_each_version_and_its_change():
    fold = deal_patients(Y, PATIENT, folds=3, seed=2)
    versions = updated_probabilities(Y, P, fold)
    table = updating.updating_table(Y, versions, PATIENT, replicates=200).set_index(["update", "metric"])
    for name, p in versions.items():
        assert table.loc[(name, "brier"), "estimate"] == pytest.approx(np.mean((p - Y) ** 2))
        x = np.log(p / (1 - p))
        fit = sm.GLM(Y.astype(float), sm.add_constant(x), family=sm.families.Binomial()).fit(tol=1e-14)
        assert table.loc[(name, "slope"), "estimate"] == pytest.approx(fit.params[1], abs=1e-6)
    assert ("none", "brier_change") not in table.index
    change = (versions["intercept"] - Y) ** 2 - (P - Y) ** 2
    assert table.loc[("intercept", "brier_change"), "estimate"] == pytest.approx(change.mean())


def test_mean_interval_is_statsmodels_clustered_mean():
    values = np.sin(ROW)
    fit = sm.OLS(values, np.ones(60)).fit(
        cov_type="cluster", cov_kwds={"groups": PATIENT, "use_correction": False}, use_t=True
    )
    got = updating.mean_interval(values, PATIENT)
    half = (got["high"] - got["low"]) / 2
    t = 2.093024054408263  # qt(.975, 19)
    assert got["estimate"] == pytest.approx(values.mean())
    assert half == pytest.approx(t * fit.bse[0] * np.sqrt(20 / 19))
