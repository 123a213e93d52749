"""AUC and its covariances against all pairs, literal sums, scikit-learn and R's pROC."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from ovcf.problems import InputError
from ovcf.stats.intervals import delong_interval
from ovcf.stats.roc import auc, auc_influence, clustered_delong, delong, mean_roc, placements, roc_points


def clustered(rng, n=120, patients=50, curves=3):
    """Tied scores of `curves` networks, correlated within patient; every third patient has both classes."""
    patient = rng.integers(0, patients, n)
    truth = (rng.random(patients)[patient] + 0.3 * rng.random(n)) > 0.6
    scores = truth + rng.normal(size=(curves, patients))[:, patient] + rng.normal(size=(curves, n))
    return truth, scores.round(1), patient


def all_pairs(truth, scores):
    """psi (M, N): 1 where fresh is above old, one half for ties."""
    fresh, old = scores[truth][:, None], scores[~truth][None]
    return (fresh > old) + 0.5 * (fresh == old)


def test_auc_is_the_share_of_pairs_and_scikit_learns(rng):
    truth, scores, _ = clustered(rng)
    for s in scores:
        assert auc(truth, s) == pytest.approx(all_pairs(truth, s).mean(), abs=1e-15)
        assert auc(truth, s) == pytest.approx(roc_auc_score(truth, s), abs=1e-15)


@pytest.mark.parametrize(
    "scores, area", [([1, 2, 3, 4], 1), ([4, 3, 2, 1], 0), ([7, 7, 7, 7], 0.5), ([1, 3, 2, 4], 0.75)]
)
def test_auc_of_known_orders(scores, area):
    assert auc([0, 0, 1, 1], scores) == area


def test_placements_are_row_and_column_means_of_the_pairs(rng):
    truth, scores, _ = clustered(rng)
    v10, v01 = placements(truth, scores)
    for s, v, w in zip(scores, v10, v01, strict=True):
        np.testing.assert_allclose(v, all_pairs(truth, s).mean(axis=1), atol=1e-14)
        np.testing.assert_allclose(w, all_pairs(truth, s).mean(axis=0), atol=1e-14)


def test_delong_is_the_literal_formula(rng):
    truth, scores, _ = clustered(rng)
    ours = delong(truth, scores)
    for r, one in enumerate(scores):
        for s, other in enumerate(scores):
            a, b = all_pairs(truth, one), all_pairs(truth, other)
            m, n = a.shape
            s10 = sum((a[i].mean() - a.mean()) * (b[i].mean() - b.mean()) for i in range(m)) / (m - 1)
            s01 = sum((a[:, j].mean() - a.mean()) * (b[:, j].mean() - b.mean()) for j in range(n)) / (n - 1)
            assert ours.covariance[r, s] == pytest.approx(s10 / m + s01 / n, rel=1e-12)


def test_clustered_covariance_is_obuchowskis_formula(rng):
    truth, scores, patient = clustered(rng)
    ours = clustered_delong(truth, scores, patient)
    m, n, ids = truth.sum(), (~truth).sum(), np.unique(patient)
    fresh, old = np.unique(patient[truth]).size, np.unique(patient[~truth]).size

    def sums(curve):
        v10, v01 = all_pairs(truth, curve).mean(axis=1), all_pairs(truth, curve).mean(axis=0)
        area = v10.mean()
        a = {k: sum(v - area for v, p in zip(v10, patient[truth], strict=True) if p == k) for k in ids}
        b = {k: sum(v - area for v, p in zip(v01, patient[~truth], strict=True) if p == k) for k in ids}
        return a, b

    for r, one in enumerate(scores):
        for s, other in enumerate(scores):
            (a, b), (c, d) = sums(one), sums(other)
            s10 = fresh / ((fresh - 1) * m) * sum(a[k] * c[k] for k in ids)
            s01 = old / ((old - 1) * n) * sum(b[k] * d[k] for k in ids)
            s11 = ids.size / (ids.size - 1) * sum(a[k] * d[k] for k in ids)
            s11t = ids.size / (ids.size - 1) * sum(b[k] * c[k] for k in ids)
            expected = s10 / m + s01 / n + (s11 + s11t) / (m * n)
            assert ours.covariance[r, s] == pytest.approx(expected, rel=1e-10)


def test_clustered_is_delong_where_each_patient_has_one_patch(rng):
    truth, scores, _ = clustered(rng)
    alone = clustered_delong(truth, scores, np.arange(truth.size))
    np.testing.assert_allclose(alone.covariance, delong(truth, scores).covariance, rtol=1e-12)


def test_patches_said_twice_do_not_narrow_the_clustered_variance(rng):
    truth, scores, patient = clustered(rng)
    once, twice = (clustered_delong(*(np.tile(x, k) for x in (truth, scores, patient))) for k in (1, 2))
    np.testing.assert_allclose(once.covariance, twice.covariance, rtol=1e-10)
    single, double = (delong(np.tile(truth, k), np.tile(scores, k)).covariance[0, 0] for k in (1, 2))
    assert double < 0.6 * single


def test_influences_sum_to_zero_and_square_to_the_variance(rng):
    truth, scores, patient = clustered(rng, n=600, patients=300)
    areas, influence = auc_influence(truth, scores, patient)
    np.testing.assert_allclose(influence.sum(axis=1), 0, atol=1e-12)
    covariance = clustered_delong(truth, scores, patient).covariance
    np.testing.assert_allclose(influence @ influence.T, covariance, rtol=0.03)


def test_roc_points_have_the_auc_beneath_them(rng):
    truth, scores, _ = clustered(rng)
    points = roc_points(truth, scores[0])
    assert np.trapezoid(points["tpr"], points["fpr"]) == pytest.approx(auc(truth, scores[0]))
    assert points.iloc[0, 1:].tolist() == [0, 0] and points.iloc[-1, 1:].tolist() == [1, 1]
    at = points.iloc[7]
    assert at["tpr"] == (scores[0][truth] >= at["threshold"]).mean()


def test_mean_roc_averages_folds(rng):
    truth, scores, patient = clustered(rng, n=600)
    table = pd.DataFrame(
        {
            "network": "one",
            "fold": np.arange(600) % 5,
            "patch_id": np.arange(600),
            "patient_id": patient,
            "truth": truth.astype(int),
            "p_fresh": 1 / (1 + np.exp(-scores[0])),
        }
    )
    mean = mean_roc(table)
    folds = [auc(fold["truth"], fold["p_fresh"]) for _, fold in table.groupby("fold")]
    assert np.trapezoid(mean["tpr_mean"], mean["fpr"]) == pytest.approx(np.mean(folds), abs=0.01)
    assert mean["tpr_mean"].is_monotonic_increasing and mean["tpr_mean"].iloc[-1] == 1
    assert (mean["folds"] == 5).all() and mean["tpr_sd_ddof1"].max() > 0


# R, package pROC, its tests: roc(aSAH$outcome, aSAH$wfns) etc.; roc.test(..., method = "delong"); ci.auc
def test_asah_has_the_areas_interval_and_test_that_proc_prints(shared):
    asah = pd.read_csv(shared / "reader_study" / "aSAH.csv")
    truth = (asah["outcome"] == "Poor").to_numpy()
    areas = delong(truth, asah[["wfns", "s100b", "ndka"]].to_numpy().T)
    expected = [0.823678861788618, 0.731368563685637, 0.611957994579946]
    np.testing.assert_allclose(areas.auc, expected, atol=5e-16, rtol=0)
    ends = delong_interval(truth, asah["ndka"])
    expected = [0.501244999271703, 0.722670989888189]
    np.testing.assert_allclose([ends.low, ends.high], expected, atol=6e-16, rtol=0)
    contrast = np.array([1, -1, 0])
    z = contrast @ areas.auc / np.sqrt(contrast @ areas.covariance @ contrast)
    assert z == pytest.approx(2.20898359144091, abs=6e-15)
    assert 2 * norm.sf(z) == pytest.approx(0.0271757822291882, abs=6e-17)


def test_one_patient_of_a_class_leaves_the_variance_open():
    areas = clustered_delong([1, 1, 0, 0], [3, 2, 1, 0], ["p", "p", "q", "r"])
    assert areas.auc[0] == 1 and np.isnan(areas.covariance).all()


def test_one_class_is_refused():
    with pytest.raises(InputError, match="one class"):
        auc([0, 0], [0.2, 0.3])
