"""The fast bootstrap against one that repeats rows, and BCa against scipy."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from ovcf.stats import bootstrap as boot
from ovcf.stats.rates import METRICS, rates
from ovcf.stats.roc import clustered_delong


def clustered(rng, n=90, patients=40):
    patient = np.sort(np.append(np.arange(patients), rng.integers(0, patients, n - patients)))
    truth = rng.random(n) < 0.5
    return truth, (truth + rng.normal(size=patients)[patient] + rng.normal(size=n)).round(1), patient


def literal(truth, scores, patient, weights, threshold):
    """Repeat the rows of the drawn patients and let scikit-learn count."""
    rows = np.concatenate([np.tile(np.flatnonzero(patient == k), int(w)) for k, w in enumerate(weights)])
    rows = rows.astype(int)
    t, s = truth[rows], scores[rows]
    called = s >= threshold
    precision, recall, f1, _ = sk.precision_recall_fscore_support(t, called, labels=[1, 0])
    return [sk.accuracy_score(t, called), *precision, *recall, *f1, sk.roc_auc_score(t, s)]


def test_each_replicate_is_the_literal_one(rng):
    truth, scores, patient = clustered(rng)
    fast = boot.bootstrap_metrics(truth, scores, patient, threshold=0.7, replicates=40, seed=3)
    (weights,) = boot.patient_weights(40, 40, seed=3)
    slow = [literal(truth, scores, patient, w, 0.7) for w in weights]
    np.testing.assert_allclose(fast, slow, rtol=1e-12)
    assert fast.shape == (40, len(METRICS))


def test_weights_of_one_give_the_estimate(rng):
    truth, scores, patient = clustered(rng)
    once = boot.metrics_of_weights(truth, scores, patient)(np.ones((1, 40), np.float32))[0]
    np.testing.assert_allclose(once, rates(truth, scores), rtol=1e-14)


def test_fold_means_are_the_mean_of_folds_areas(rng):
    truth, scores, patient = clustered(rng)
    folds = patient % 3
    values = boot.metrics_of_weights(truth, scores, patient, folds=folds)(np.ones((1, 40), np.float32))[0]
    expected = np.mean([sk.roc_auc_score(truth[folds == f], scores[folds == f]) for f in range(3)])
    assert values[-1] == pytest.approx(expected) and values.size == len(METRICS) + 1


def test_means_over_folds_are_the_literal_ones(rng):
    truth, scores, patient = clustered(rng)
    folds = patient % 3
    mean = boot.metrics_of_weights(truth, scores, patient, threshold=0.7, folds=folds, average="folds")
    fast = boot.bootstrap(mean, 40, replicates=15, seed=2)
    (weights,) = boot.patient_weights(40, 15, seed=2)
    for w, values in zip(weights, fast, strict=True):
        each = [literal(truth[folds == f], scores[folds == f], patient[folds == f], w, 0.7) for f in range(3)]
        np.testing.assert_allclose(values, np.mean(each, axis=0), rtol=1e-12)


def test_obuchowskis_error_is_the_bootstraps(rng):
    truth, scores, patient = clustered(rng, n=500, patients=250)
    spread = boot.bootstrap_metrics(truth, scores, patient, replicates=4000)[:, -1].std(ddof=1)
    variance = clustered_delong(truth, scores, patient).covariance[0, 0]
    assert spread == pytest.approx(np.sqrt(variance), rel=0.05)


def test_many_patches_are_taken_in_blocks_with_the_same_result(rng, monkeypatch):
    truth, scores, patient = clustered(rng)
    whole = boot.bootstrap_metrics(truth, scores, patient, replicates=30)
    monkeypatch.setattr(boot, "CELLS", 200)  # two replicates at a time, five rows of draws
    monkeypatch.setattr(boot, "EXACT", 0)  # and in float64
    np.testing.assert_array_equal(boot.bootstrap_metrics(truth, scores, patient, replicates=30), whole)


def test_same_seed_same_bits_and_more_replicates_begin_alike(rng):
    data = clustered(rng)
    some = boot.bootstrap_metrics(*data, replicates=500, seed=5)
    np.testing.assert_array_equal(boot.bootstrap_metrics(*data, replicates=1200, seed=5)[:500], some)
    assert (boot.bootstrap_metrics(*data, replicates=500, seed=6) != some).any()


def test_networks_share_their_draws(rng):
    truth, scores, patient = clustered(rng)
    both = boot.bootstrap_metrics(truth, np.stack([scores, scores]), patient, replicates=50)
    assert both.shape == (50, 2, 8)
    np.testing.assert_array_equal(both[:, 0], both[:, 1])


def test_weights_are_whole_draws():
    blocks = list(boot.patient_weights(7, 1100))
    assert [b.shape for b in blocks] == [(500, 7), (500, 7), (100, 7)]
    assert all((b.sum(axis=1) == 7).all() for b in blocks)


def test_influence_is_what_leaving_a_patient_out_would_move(rng):
    truth, scores, patient = clustered(rng, n=900, patients=400)
    folds = patient % 3
    for average, width in (("pooled", 9), ("folds", 8)):
        options = {"threshold": 0.7, "folds": folds, "average": average}
        statistic = boot.metrics_of_weights(truth, scores, patient, **options)
        influence = boot.influence_of_metrics(truth, scores, patient, **options)
        assert influence.shape == (400, width)
        np.testing.assert_allclose(influence.sum(axis=0), 0, atol=1e-12)
        whole, kept = statistic(np.ones((1, 400), np.float32))[0], np.ones((400, 400), np.float32) - np.eye(400)
        moved = whole - statistic(kept.astype(np.float32))  # (patients, metrics)
        np.testing.assert_allclose(influence, moved, atol=0.06 * np.abs(moved).max())


def test_undefined_replicates_are_nan_and_left_out(rng):
    values = boot.bootstrap_metrics([1, 0, 1, 0], [0.9, 0.1, 0.2, 0.3], list("abcd"), replicates=400)
    assert np.isnan(values[:, 1]).any()  # some draws call nothing fresh
    assert np.isfinite(boot.percentile_interval(values)).all()


def test_bca_is_scipys(rng):
    sample = rng.exponential(size=60)
    theirs = stats.bootstrap((sample,), np.mean, method="BCa", n_resamples=20_000, rng=rng)

    def mean(weights):
        return weights.astype(float) @ sample / weights.sum(axis=1)

    values = boot.bootstrap(mean, 60, replicates=20_000)
    ours = boot.bca_interval(sample.mean(), values, (sample - sample.mean()) / 60)
    spread = values.std(ddof=1)
    np.testing.assert_allclose(ours, theirs.confidence_interval, atol=0.06 * spread)
    assert ours[0] > boot.percentile_interval(values)[0] + 0.03 * spread  # which matters: the mean is skewed


def test_bca_takes_many_metrics_at_once(rng):
    data = clustered(rng)
    statistic = boot.metrics_of_weights(*data)
    values, influence = boot.bootstrap(statistic, 40, replicates=300), boot.influence_of_metrics(*data)
    whole = boot.bca_interval(rates(*data[:2]), values, influence)
    assert whole.shape == (2, 8)
    alone = boot.bca_interval(rates(*data[:2])["auc"], values[:, 7], influence[:, 7])
    np.testing.assert_allclose(alone, whole[:, 7])
