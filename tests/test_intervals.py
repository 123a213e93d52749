"""Intervals against statsmodels, pROC's digits, literal sums, and simulated truth."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import t as t_distribution
from statsmodels.stats.proportion import proportion_confint

from ovcf.problems import InputError
from ovcf.stats.intervals import (
    METHODS,
    analytic_intervals,
    clustered_auc_interval,
    clustered_ratio,
    delong_interval,
    fold_intervals,
    fold_mean_auc,
    fold_mean_intervals,
    metric_intervals,
    metric_ratios,
    wilson,
)
from ovcf.stats.rates import METRICS, fold_table, rates, summary_table
from ovcf.stats.roc import clustered_delong
from ovcf.stats.simulate import Design, simulate_predictions, true_metrics


@pytest.fixture(scope="module")
def predictions():
    return simulate_predictions(Design(patients=150, patches=300), seed=4)


@pytest.mark.parametrize("successes, n", [(0, 10), (10, 10), (7, 20), (273, 364)])
def test_wilson_is_statsmodels(successes, n):
    ours = wilson(successes, n, 0.9)
    np.testing.assert_allclose(ours[1:3], proportion_confint(successes, n, 0.1, "wilson"), atol=1e-12)
    assert ours.estimate == successes / n


def test_wilson_of_nothing_is_undefined_and_of_too_many_refused():
    assert np.isnan(wilson(0, 0)).all()
    with pytest.raises(InputError, match="5 of 4"):
        wilson(5, 4)


def literal_spread(y, x, terms):
    """The rule of `ratio_spread`, patient by patient and pair by pair; terms: a list of patches' terms a patient."""
    h = x / x.sum()
    singles = [sum(t) ** 2 / (1 - own) for t, own in zip(terms, h, strict=True)]
    base, patches = sum(v**2 for t in terms for v in t), sum(map(len, terms))
    weights, weighted, pairs = 0, 0, 0
    for t in terms:
        own = [a * b for i, a in enumerate(t) for k, b in enumerate(t) if i != k]
        if own:
            weight = 1 / (2 * 0.3**2 + 2 / len(own))
            weights, weighted, pairs = weights + weight, weighted + weight * np.mean(own), pairs + len(own)
    alone = base / patches
    shared = np.clip((weighted + 5 * 0.45 * alone) / (weights + 5), 0, alone)
    effective = x.sum() ** 2 / (x**2).sum()
    model = (base + shared * pairs) / (1 - 1 / effective)
    of_pairs = [len(t) * (len(t) - 1) for t in terms]
    several = sum(of_pairs) ** 2 / sum(n**2 for n in of_pairs) - 1
    believed = several / (several + 2)
    variance = model + believed * max(sum(singles) - model, 0)
    df = np.sqrt((len(terms) - 1) * (effective - 1))
    squares = max(1.2 * sum(singles) ** 2 / sum(v**2 for v in singles), 2) / believed
    return variance, effective, min(df, squares) / (1 - base / variance)


def test_clustered_ratio_has_the_literal_variance(predictions):
    truth, patient = predictions["truth"].to_numpy(), predictions["patient_id"].to_numpy()
    right = ((predictions["p_fresh"] >= 0.5) == truth) & (truth == 1)
    ours, p = clustered_ratio(right, truth, patient), right.sum() / truth.sum()
    of_patients = [np.flatnonzero((patient == k) & (truth == 1)) for k in np.unique(patient[truth == 1])]
    y, x = (np.array([v[rows].sum() for rows in of_patients]) for v in (right, truth))
    variance, effective, df = literal_spread(y, x, [list((right[r] - p) / truth.sum()) for r in of_patients])
    assert ours.estimate == p
    assert ours.se == pytest.approx(np.sqrt(variance), rel=1e-12)
    assert (ours.effective, ours.largest) == pytest.approx((effective, x.max() / x.sum()))
    n = p * (1 - p) / variance
    np.testing.assert_allclose(ours[1:3], wilson(p * n, n, quantile=t_distribution.ppf(0.975, df))[1:3], rtol=1e-10)


def test_clustered_ratio_nears_statsmodels_cluster_robust_mean():
    fresh = simulate_predictions(Design(patients=3000, patches=6000), seed=4).query("truth == 1")
    right = (fresh["p_fresh"] >= 0.5).to_numpy(float)
    groups = pd.factorize(fresh["patient_id"])[0]
    fit = sm.OLS(right, np.ones(right.size)).fit(cov_type="cluster", cov_kwds={"groups": groups})
    assert clustered_ratio(right, np.ones(right.size), groups).se == pytest.approx(fit.bse[0], rel=0.02)


def test_clustered_ratio_of_single_patches_is_nearly_wilson():
    y = np.repeat([1, 0], [300, 100])
    ours, plain = clustered_ratio(y, np.ones(400), np.arange(400)), wilson(300, 400)
    np.testing.assert_allclose(ours[1:3], plain[1:3], atol=3e-4)  # t and K/(K-1) widen it by a hair


def test_repeating_patches_widens_no_clustered_interval_less():
    y, patient = np.repeat([1, 0], [30, 10]), np.arange(40)
    once = clustered_ratio(y, np.ones(40), patient)
    thrice = clustered_ratio(np.tile(y, 3), np.ones(120), np.tile(patient, 3))
    assert thrice.high - thrice.low > 0.97 * (once.high - once.low)


@pytest.mark.parametrize("value", [0, 1])
def test_no_error_or_no_success_still_has_an_interval(value):
    ours = clustered_ratio(np.full(60, value), np.ones(60), np.arange(60) // 3)
    assert ours.estimate == value and 0 <= ours.low <= value <= ours.high <= 1
    assert ours.high - ours.low > 0.1  # twenty patients, not sixty patches


def test_patients_who_are_all_half_right_still_have_an_interval():
    ours = clustered_ratio(np.tile([1, 0, 0], 30), np.ones(90), np.arange(90) // 3)
    plain = wilson(30, 90)  # no patient differs from another one: as good as independent patches, and not better
    assert ours.high - ours.low >= plain.high - plain.low


def test_one_patient_with_most_patches_widens_the_interval():
    y, alone = np.tile([1, 0, 1, 1], 25), np.arange(100)
    large = np.where(alone < 50, 0, alone)
    even, uneven = (clustered_ratio(y, np.ones(100), patient) for patient in (alone, large))
    assert uneven.high - uneven.low > 1.5 * (even.high - even.low)
    assert uneven.effective == pytest.approx(100**2 / (50**2 + 50))


@pytest.mark.parametrize("auc", [0.6, 0.97])
@pytest.mark.parametrize("sizes", [np.ones(12, int), np.r_[40, np.ones(11, int)], np.r_[20, 20, np.ones(10, int)]])
def test_no_interval_of_finite_data_is_of_zero_width_or_leaves_its_range(auc, sizes):
    for seed in range(8):
        rng = np.random.default_rng([seed, sizes.sum()])
        patient = np.repeat(np.arange(sizes.size), sizes)
        truth = rng.permutation(np.arange(patient.size) % 3 == 0)
        scores = 1 / (1 + np.exp(-3 * (truth - 0.5) / (1.0 - auc) * rng.random() - rng.normal(size=truth.size)))
        folds = rng.integers(1, 3, truth.size)
        tables = (
            analytic_intervals(truth, scores, patient),
            analytic_intervals(truth, scores),
            fold_mean_intervals(truth, scores, patient, folds),
        )
        for table in tables:
            known = table[table["estimate"].notna()]
            assert (known["high"] > known["low"]).all()
            assert (known["low"] >= 0).all() and (known["high"] <= 1).all()
            assert known["estimate"].between(known["low"], known["high"]).all()


def test_few_patients_of_a_class_are_not_estimable_and_few_effective_ones_are_noted():
    few = simulate_predictions(Design(patients=40, patches=60, prevalence=0.5), seed=2)
    fresh = few["patient_id"][few["truth"] == 1].unique()
    few = few[(few["truth"] == 0) | few["patient_id"].isin(fresh[:4])]
    table = metric_intervals(few, threshold=0.5).set_index("metric")
    assert table.loc["recall_fresh", ["low", "high"]].isna().all() and table.loc["recall_old", "low"] > 0
    assert table.loc["recall_fresh", "note"].startswith("not estimable: 4 patients with fresh")
    more = simulate_predictions(Design(patients=24, patches=40, prevalence=0.5), seed=2)
    assert "effective patients" in metric_intervals(more).set_index("metric").loc["auc", "note"]


def test_one_patient_with_much_of_the_data_is_named_and_a_share_near_its_end_too():
    plain = simulate_predictions(Design(patients=150, patches=300), seed=4)
    assert (metric_intervals(plain).set_index("metric").loc[["accuracy", "recall_old"], "note"] == "").all()
    heavy = plain.assign(patient_id=plain["patient_id"].where(plain.index >= 36, 0))
    assert metric_intervals(heavy).set_index("metric").loc["accuracy", "note"].startswith("one patient holds 1")
    sure = plain.assign(p_fresh=np.where(plain["truth"] == 1, 0.9, plain["p_fresh"]))
    assert metric_intervals(sure).set_index("metric").loc["recall_fresh", "note"].startswith("so near its end")


def test_a_bootstrap_gives_way_where_nothing_varies():
    sure = simulate_predictions(Design(patients=60, patches=100), seed=3)
    sure = sure.assign(p_fresh=np.where(sure["truth"] == 1, 0.9, sure["p_fresh"]))  # no fresh patch is missed
    for method in ("percentile", "bca"):
        row = metric_intervals(sure, method=method, replicates=200).set_index("metric").loc["recall_fresh"]
        assert row["estimate"] == 1 and row["low"] < 0.97 and "does not hold" in row["method"]


def test_metric_ratios_are_the_rates(predictions):
    truth, p = predictions["truth"].to_numpy(), predictions["p_fresh"].to_numpy()
    expected = rates(truth, p)
    for name, (above, below) in metric_ratios(truth, p >= 0.5).items():
        assert above.sum() / below.sum() == pytest.approx(expected[name])


def test_plain_delong_interval_is_z_se_and_stays_in_range():
    truth, scores = [0, 0, 0, 1, 1, 1], [1, 3, 2, 2.5, 4, 5]
    ours = delong_interval(truth, scores)
    assert ours.estimate - ours.low == pytest.approx(1.959963984540054 * ours.se)
    logit = delong_interval(truth, scores, scale="logit")
    assert logit.high < ours.high == 1


def test_a_perfect_auc_has_an_honest_lower_end():
    ours = delong_interval([0] * 10 + [1] * 5, np.arange(15.0), scale="logit")
    assert ours.estimate == ours.high == 1
    assert ours.low == pytest.approx(wilson(5, 5).low)


def test_clustered_auc_interval_has_the_literal_variance_near_obuchowskis(predictions):
    data = [predictions[c].to_numpy() for c in ("truth", "p_fresh", "patient_id")]
    truth, scores, patient = data
    ours = clustered_auc_interval(*data)
    fresh, old = scores[truth == 1], scores[truth == 0]
    v10 = np.array([(s > old).mean() for s in fresh]) - ours.estimate
    v01 = np.array([(fresh > s).mean() for s in old]) - ours.estimate
    total = 0
    for k in np.unique(patient):
        own = patient[truth == 1] == k, patient[truth == 0] == k
        parts = (v[of].sum() / v.size / np.sqrt(1 - of.sum() / v.size) for v, of in zip((v10, v01), own, strict=True))
        total += sum(parts) ** 2
    assert ours.se == pytest.approx(np.sqrt(total), rel=1e-10)
    assert ours.se == pytest.approx(np.sqrt(clustered_delong(*data).covariance[0, 0]), rel=0.03)
    assert ours.low < ours.estimate < ours.high


def test_fold_mean_auc_is_the_mean_with_about_the_pooled_error(predictions):
    data = [predictions[c].to_numpy() for c in ("truth", "p_fresh", "patient_id")]
    ours = fold_mean_auc(*data, predictions["fold"].to_numpy())
    areas = [rates(f["truth"], f["p_fresh"])["auc"] for _, f in predictions.groupby("fold")]
    assert ours.estimate == pytest.approx(np.mean(areas))
    assert ours.se == pytest.approx(clustered_auc_interval(*data).se, rel=0.15)


def test_fold_mean_of_independent_folds_adds_their_variances(predictions):
    data = [predictions[c].to_numpy() for c in ("truth", "p_fresh", "patient_id")]
    fold = predictions["fold"].to_numpy()
    each = [clustered_delong(*(x[fold == f] for x in data)).covariance[0, 0] for f in range(1, 6)]
    assert fold_mean_auc(*data, fold).se == pytest.approx(np.sqrt(np.sum(each)) / 5, rel=0.06)


def test_metric_intervals_has_a_row_per_metric_and_method(predictions):
    table = metric_intervals(predictions, method="all", replicates=500)
    assert table["metric"].drop_duplicates().tolist() == [*METRICS, "auc_fold_mean"]
    assert len(table) == 3 * 9
    assert (table["low"] < table["estimate"]).all() and (table["estimate"] < table["high"]).all()
    np.testing.assert_allclose(table.groupby("metric")["estimate"].std(ddof=0), 0, atol=1e-12)
    expected = rates(predictions["truth"], predictions["p_fresh"])
    np.testing.assert_allclose(table.drop_duplicates("metric")["estimate"][:8], expected)


@pytest.mark.parametrize("method", METHODS)
def test_one_method_is_its_rows_of_all(predictions, method):
    one = metric_intervals(predictions, method=method, replicates=500, seed=3)
    every = metric_intervals(predictions, method="all", replicates=500, seed=3)
    part = every.iloc[METHODS.index(method) :: len(METHODS)].reset_index(drop=True)
    pd.testing.assert_frame_equal(one, part)


def test_means_over_folds_are_those_of_the_summary(predictions):
    table = metric_intervals(predictions, method="all", average="folds", replicates=300)
    means = summary_table(fold_table(predictions)).set_index("metric")["mean"]
    assert len(table) == 3 * 8
    np.testing.assert_allclose(table["estimate"], means[table["metric"]])
    assert (table["low"] < table["estimate"]).all() and (table["estimate"] < table["high"]).all()


def test_errors_of_fold_means_add_up(predictions):
    data = [predictions[c].to_numpy() for c in ("truth", "p_fresh", "patient_id")]
    fold = predictions["fold"].to_numpy()
    ours = fold_mean_intervals(*data, fold)
    each = [analytic_intervals(*(x[fold == f] for x in data))["se"] for f in range(1, 6)]
    expected = np.sqrt(sum(se**2 for se in each)) / 5  # folds hold different patients
    np.testing.assert_allclose(ours["se"], expected, rtol=0.06)


def test_each_fold_has_intervals_about_its_row_of_table_3(predictions):
    table = fold_intervals(predictions, method="analytic")
    assert len(table) == 5 * 8 and table.columns[0] == "fold"
    wide = table.pivot(index="fold", columns="metric", values="estimate")[list(METRICS)]
    np.testing.assert_allclose(wide, fold_table(predictions)[list(METRICS)].astype(float))


def test_three_methods_agree_on_many_patients():
    table = metric_intervals(simulate_predictions(Design(1500, 2600), 2), method="all", replicates=1000)
    width = (table["high"] - table["low"]).groupby(table["metric"])
    assert (width.max() / width.min()).max() < 1.1


def test_clustering_widens_where_patients_resemble_themselves():
    design = Design(label_correlation=0.95, score_correlation=0.95)
    table = metric_intervals(simulate_predictions(design, 1), method="analytic").set_index("metric")
    ratio = (table["high"] - table["low"]) / (table["unclustered_high"] - table["unclustered_low"])
    assert ratio[["recall_fresh", "recall_old", "auc"]].min() > 1.15


def test_undefined_metrics_have_no_interval(predictions):
    shy = predictions.assign(p_fresh=predictions["p_fresh"] / 2.1)
    table = metric_intervals(shy, method="all", replicates=200)
    row = table[table["metric"] == "precision_fresh"]  # nothing is called fresh
    assert row[["estimate", "low", "high"]].isna().all(axis=None)
    assert table.loc[table["metric"] == "auc", "low"].notna().all()


def test_unknown_methods_are_refused(predictions):
    with pytest.raises(InputError, match="percentile"):
        metric_intervals(predictions, method="jackknife")
    with pytest.raises(InputError, match="pooled, folds"):
        metric_intervals(predictions, average="patients")


def test_the_short_coverage_run(predictions):
    """Sixty cohorts: variance without patients, or with a factor two lost, would fall out of the bounds."""
    design, hits = Design(patients=200, patches=420, label_correlation=0.9, score_correlation=0.9), []
    truth = true_metrics(design)
    for k in range(60):
        data = simulate_predictions(design, [9, k])
        arrays = [data[c].to_numpy() for c in ("truth", "p_fresh", "patient_id")]
        tables = analytic_intervals(*arrays), analytic_intervals(*arrays[:2])
        hits.append([[t.low[m] <= truth[m] <= t.high[m] for m in METRICS] for t in tables])
    clustered, plain = np.mean(hits, axis=0)
    assert clustered.min() > 0.86 and 0.93 < clustered.mean() < 0.985
    assert plain.mean() < clustered.mean() - 0.05


def test_the_coverage_benchmark_runs_and_compares_each_method_with_and_without_patients():
    path = Path(__file__).parents[1] / "benchmarks" / "coverage.py"
    spec = importlib.util.spec_from_file_location("coverage_benchmark", path)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    table = benchmark.coverage(Design(200, 300, auc=(0.8, 0.75)), cohorts=3, replicates=60)
    assert (table["cohorts"] == 3).all() and table["coverage"].between(0, 1).all()
    each = table.groupby(["metric", "method"])["clustered"].nunique()
    assert (each[~each.index.get_level_values("metric").str.startswith("difference")] == 2).all()
    assert len(table) == 2 * 3 * (9 + 8) + 4


def test_the_grid_benchmark_gives_the_intervals_of_the_package_and_counts_what_is_estimable():
    path = Path(__file__).parents[1] / "benchmarks" / "coverage_grid.py"
    spec = importlib.util.spec_from_file_location("coverage_grid", path)
    grid = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(grid)
    sizes = grid.sizes_of(30, "one of 50")
    patient, truth, score = grid.draw(sizes, 0.8, 0.4, 0.3, 4, np.random.default_rng(1))
    fold = np.arange(30)[patient] % 3
    low, high, _, value = grid.auc_ends(truth, score, patient, fold)
    lows, highs, _, shares = grid.ratio_ends(*metric_ratios(truth, score >= 0)["f1_fresh"], patient, fold)
    for k in range(4):
        ours = fold_mean_intervals(truth[k], score[k], patient, fold, threshold=0).loc[["f1_fresh", "auc"]]
        np.testing.assert_allclose(ours["low"], [lows[k], low[k]], rtol=1e-9)
        np.testing.assert_allclose(ours["high"], [highs[k], high[k]], rtol=1e-9)
        assert ours["estimate"]["auc"] == pytest.approx(value[k])
    table = grid.grid(cohorts=20, patients=(30,))
    assert len(table) == 27 * 16 and (table["zero_width"] == 0).all()
    assert not table.loc[(table["prevalence"] == 0.06) & (table["kind"] == "1-3"), "counts"].all()
