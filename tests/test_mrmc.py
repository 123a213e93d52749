"""Obuchowski-Rockette: published answers to all printed digits, literal versions, refusals, type I error."""

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ovcf.intake.readings import read_readings
from ovcf.problems import InputError
from ovcf.stats.readers.components import or_components, prepare, variance_components
from ovcf.stats.readers.covariance import COUNT_METRICS, COVARIANCES, figures_of_merit, merit_covariance
from ovcf.stats.readers.mrmc import obuchowski_rockette, one_treatment
from ovcf.synthetic.readers import roe_metz

# OR-DBM MRMC 2.51 output for Van Dyke, as printed (reader_study/README.md)
AUC = [[".91964573", ".85877617", ".90386473", ".97310789", ".82979066"],
       [".94782609", ".90531401", ".92173913", ".99935588", ".92995169"]]  # fmt: skip
MEAN_SQUARES = {"ms_t": ".004796171", "ms_tr": ".0005510306"}
COMPONENTS = {"error": ".0008022883", "cov1": ".0003466137", "cov2": ".0003440748", "cov3": ".0002390284"}
RANDOM = {"statistic": "4.456319", "df1": "1", "df2": "15.25967", "p": ".05166569", "low": "-.0879595",
          "high": ".0003589"}  # fmt: skip
FIXED_READERS = {"statistic": "5.475953", "df1": "1", "p": ".01927984"}


def printed(value, text):
    """Round a value to the digits a program printed."""
    digits = len(text.partition(".")[2])
    return f"{value:.{digits}f}".replace("0.", ".", 1) if abs(value) < 1 and digits else f"{value:.{digits}f}"


@pytest.fixture(scope="module")
def van_dyke(shared):
    return read_readings(shared / "reader_study" / "VanDyke.csv")


@pytest.fixture(scope="module")
def components(van_dyke):
    return or_components(prepare(van_dyke))


def test_van_dyke_auc_by_reader_and_treatment(components):
    for found, answers in zip(components.theta, AUC, strict=True):
        assert [printed(value, text) for value, text in zip(found, answers, strict=True)] == answers


@pytest.mark.parametrize("name, text", {**MEAN_SQUARES, **COMPONENTS}.items())
def test_van_dyke_components(components, name, text):
    assert printed(variance_components(components)[name], text) == text


@pytest.mark.parametrize("generalisation, answers", [("random", RANDOM), ("fixed_readers", FIXED_READERS)])
def test_van_dyke_tests(van_dyke, generalisation, answers):
    table = obuchowski_rockette(van_dyke).set_index("generalisation").loc[generalisation]
    assert {name: printed(table[name], text) for name, text in answers.items()} == answers


def test_van_dyke_reader_component(components):
    # RJafroc: StSignificanceTesting(dataset02, FOM = "Wilcoxon", method = "OR")$ANOVA$VarCom["VarTR", 1]
    assert round(variance_components(components)["var_tr"], 11) == 0.00020040252


def test_fixed_cases_is_the_paired_t_test_of_the_readers(van_dyke, components):
    entry = obuchowski_rockette(van_dyke).set_index("generalisation").loc["fixed_cases"]
    paired = stats.ttest_rel(*components.theta)
    assert entry["p"] == pytest.approx(paired.pvalue)
    assert [entry["low"], entry["high"]] == pytest.approx(list(paired.confidence_interval()))


def test_every_interval_agrees_with_its_p_value(van_dyke):
    for covariance, metric in itertools.product(COVARIANCES, ("auc", "sensitivity", "specificity")):
        table = obuchowski_rockette(van_dyke, metric, 3, covariance)
        assert ((table["low"] > 0) | (table["high"] < 0)).eq(table["p"] < 0.05).all()
        assert (table["p"].between(0, 1)).all() and table["sentence"].str.lower().str.startswith(metric).all()


# Covariances against literal loops --------------------------------------------------------------------------


@pytest.fixture
def small(rng):
    truth = rng.permutation(np.repeat([True, False], [9, 12]))
    return rng.integers(1, 6, (4, 21)) + truth, truth, rng.integers(0, 12, 21)


def literal_auc(row, truth):
    pairs = [(p > q) + 0.5 * (p == q) for p in row[truth] for q in row[~truth]]
    return np.mean(pairs)


def literal_jackknife(scores, truth, unit, value):
    units = np.unique(unit)
    loo = np.array([[value(row[unit != u], truth[unit != u]) for u in units] for row in scores])
    deviation = loo - loo.mean(axis=1, keepdims=True)
    return (len(units) - 1) / len(units) * deviation @ deviation.T


def test_auc_counts_all_pairs(small):
    scores, truth, _ = small
    assert figures_of_merit(scores, truth) == pytest.approx([literal_auc(row, truth) for row in scores])


@pytest.mark.parametrize("clustered", [False, True])
def test_jackknife_of_auc_is_leaving_one_out(small, clustered):
    scores, truth, patient = small
    unit = patient if clustered else np.arange(truth.size)
    expected = literal_jackknife(scores, truth, unit, literal_auc)
    assert merit_covariance(scores, truth, "auc", "jackknife", unit) == pytest.approx(expected)


@pytest.mark.parametrize("metric", COUNT_METRICS)
def test_jackknife_of_counts_is_leaving_one_out(small, metric):
    scores, truth, patient = small
    yes = (scores > 3).astype(float)
    keep = {"sensitivity": truth, "specificity": ~truth}.get(metric, np.ones(21, bool))
    expected = literal_jackknife(
        yes[:, keep], truth[keep], patient[keep], lambda row, y: figures_of_merit(row, y, metric)[0]
    )
    assert merit_covariance(yes, truth, metric, "jackknife", patient) == pytest.approx(expected)


def test_unbiased_covariance_is_the_quadruple_sum(small):
    scores, truth, _ = small
    psi = [[[(p > q) + 0.5 * (p == q) for q in row[~truth]] for p in row[truth]] for row in scores]
    m, n = truth.sum(), (~truth).sum()

    def literal(a, b):
        apart = [
            psi[a][i][j] * psi[b][k][h]
            for i, k in itertools.permutations(range(m), 2)
            for j, h in itertools.permutations(range(n), 2)
        ]
        return np.mean(psi[a]) * np.mean(psi[b]) - np.mean(apart)

    found = merit_covariance(scores, truth, "auc", "unbiased")
    assert found[:2, :2] == pytest.approx(np.array([[literal(a, b) for b in range(2)] for a in range(2)]))


@pytest.mark.parametrize("metric", ["sensitivity", "specificity", "accuracy"])
def test_for_proportions_the_three_covariances_are_one(small, metric):
    scores, truth, _ = small
    yes = (scores > 3).astype(float)
    jackknife, delong, unbiased = (merit_covariance(yes, truth, metric, m) for m in COVARIANCES)
    assert jackknife == pytest.approx(delong) and delong == pytest.approx(unbiased)


def test_unbiased_covariance_is_unbiased(rng):
    draws = [roe_metz(rng, readers=2, cases=(6, 5)) for _ in range(3000)]
    theta = np.array([figures_of_merit(x.reshape(4, -1), y) for x, y in draws])
    mean = np.mean([merit_covariance(x.reshape(4, -1), y, "auc", "unbiased") for x, y in draws], axis=0)
    # readers are drawn anew too, so compare curves of different readers, whose readers' parts are independent
    assert mean[0, 1] == pytest.approx(np.cov(theta.T)[0, 1], rel=0.15)


def test_a_patient_with_one_case_is_a_case(small):
    scores, truth, _ = small
    for method in COVARIANCES:
        alone = merit_covariance(scores, truth, "auc", method, np.arange(100, 121))
        assert alone == pytest.approx(merit_covariance(scores, truth, "auc", method))


def test_unbiased_covariance_refuses_patients(small):
    with pytest.raises(ValueError, match="use jackknife or delong"):
        merit_covariance(*small[:2], "auc", "unbiased", small[2])


# The analysis -----------------------------------------------------------------------------------------------


def as_table(ratings, truth, **further):
    t_, r_, n = ratings.shape
    names = ["treatment", "reader", "case"]
    index = pd.MultiIndex.from_product([range(t_), range(r_), range(n)], names=names)
    table = pd.DataFrame({"rating": ratings.ravel()}, index=index).reset_index()
    return table.assign(truth=truth[table["case"]].astype(int), **further)


def test_three_treatments_get_an_overall_test_and_all_pairs(rng):
    first, truth = roe_metz(rng)
    third = first[:1] + rng.normal(0, 0.5, (1, 5, 40))
    table = obuchowski_rockette(as_table(np.concatenate([first, third]), truth))
    assert table["comparison"].tolist() == ["all", "0 - 1", "0 - 2", "1 - 2"] * 3
    assert table["df1"].tolist() == [2, 1, 1, 1] * 3
    overall = table[table["comparison"] == "all"]
    assert overall["difference"].isna().all() and overall["p"].between(0, 1).all()
    fixed = table[(table["generalisation"] == "fixed_cases")].iloc[0]
    theta = or_components(prepare(as_table(first, truth))).theta
    assert fixed["df2"] == 8 and theta.shape == (2, 5)


def test_one_reader_speaks_for_that_reader_only(rng):
    ratings, truth = roe_metz(rng, readers=1)
    table = obuchowski_rockette(as_table(ratings, truth), covariance="delong")
    assert table["generalisation"].tolist() == ["fixed_readers"]
    matrix = merit_covariance(ratings[:, 0], truth, "auc", "delong")
    variance = matrix[0, 0] + matrix[1, 1] - 2 * matrix[0, 1]
    theta = figures_of_merit(ratings[:, 0], truth)
    # this is DeLong's paired test
    assert table["statistic"][0] == pytest.approx((theta[0] - theta[1]) ** 2 / variance)


def test_one_treatment_is_refused_for_a_comparison_and_estimated_alone(rng):
    ratings, truth = roe_metz(rng)
    table = as_table(ratings[:1], truth)
    with pytest.raises(InputError, match="nothing to compare"):
        obuchowski_rockette(table)
    alone = one_treatment(table).set_index("generalisation")
    theta = figures_of_merit(ratings[0], truth)
    expected = stats.t.interval(0.95, 4, theta.mean(), stats.sem(theta))
    assert alone.loc["fixed_cases", ["low", "high"]].tolist() == pytest.approx(list(expected))
    matrix = merit_covariance(ratings[0], truth)
    assert alone.loc["fixed_readers", "standard_error"] == pytest.approx(np.sqrt(matrix.sum()) / 5)
    total = theta.var(ddof=1) + (matrix.sum() - np.trace(matrix)) / 4
    assert alone.loc["random", "standard_error"] == pytest.approx(np.sqrt(total / 5))
    assert alone.loc["random", "df2"] == pytest.approx(4 * (total / theta.var(ddof=1)) ** 2)


def test_equal_readings_are_no_evidence(rng):
    ratings, truth = roe_metz(rng)
    table = obuchowski_rockette(as_table(np.concatenate([ratings[:1], ratings[:1]]), truth))
    assert table["p"].isna().sum() + (table["p"] == 1).sum() == len(table) and (table["difference"] == 0).all()


def test_missing_readings(rng):
    ratings, truth = roe_metz(rng)
    table = as_table(ratings, truth)
    short = table.drop(table.index[[3, 47]])
    complete = obuchowski_rockette(short, missing="complete_cases")
    assert (complete["cases"] == 38).all() and "2 of 40 cases left out" in complete["note"][0]
    kept = np.setdiff1d(np.arange(40), [3, 7])
    assert complete["statistic"].tolist() == pytest.approx(
        obuchowski_rockette(as_table(ratings[:, :, kept], truth[kept]))["statistic"].tolist()
    )
    with pytest.raises(InputError, match="0 did not read case 3 under 0"):
        obuchowski_rockette(short, missing="refuse")
    available = obuchowski_rockette(short)
    assert (available["cases"] == 40).all() and available["p"].between(0, 1).all()
    assert obuchowski_rockette(table, missing="available").equals(obuchowski_rockette(table))


def test_patients_as_units(rng):
    ratings, truth = roe_metz(rng)
    doubled = as_table(np.repeat(ratings, 2, axis=2), np.repeat(truth, 2))
    doubled["patient_id"] = (doubled["case"] // 2).astype(str)
    clustered = obuchowski_rockette(doubled)
    plain = obuchowski_rockette(as_table(ratings, truth))
    # every case twice is no more information than once, and clustering knows it
    assert clustered["p"].tolist() == pytest.approx(plain["p"].tolist())
    assert (clustered["units"] == 40).all() and (clustered["cases"] == 80).all()
    assert (obuchowski_rockette(doubled, cluster="case")["p"] != clustered["p"]).any()
    with pytest.raises(InputError, match="several"):
        obuchowski_rockette(doubled, covariance="unbiased")


@pytest.mark.parametrize("arguments, message", [
    ({"metric": "f1"}, "no such metric"), ({"covariance": "bootstrap"}, "no such covariance"),
    ({"metric": "sensitivity"}, "--threshold"), ({"cluster": "patient"}, "patient_id"),
])  # fmt: skip
def test_refusals_name_the_matter(rng, arguments, message):
    with pytest.raises(InputError, match=message):
        obuchowski_rockette(as_table(*roe_metz(rng)), **arguments)


def test_type_one_error_of_random_readers_and_cases():
    # the short version of the benchmark: 400 null studies, bounds that chance does not cross
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "reader_type_one.py"
    spec = importlib.util.spec_from_file_location("reader_type_one", path)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    structure = benchmark.STRUCTURES["HL"]
    table = benchmark.null_studies("HL", structure, 40, 400, seed=1, analyses=benchmark.ANALYSES[:1])
    found = table.set_index("generalisation")["type_one_error"]
    assert 0.02 < found["random"] < 0.085
    assert found["fixed_cases"] > 0.15  # the paired t over readers takes new cases for granted


def test_a_difference_without_spread_cannot_be_tested():
    # every reader is perfect under one treatment and blind under the other
    truth = np.repeat([False, True], 6)
    ratings = np.stack([np.tile(truth, (3, 1)), np.zeros((3, 12))]).astype(float)
    table = obuchowski_rockette(as_table(ratings, truth))
    assert table["difference"].tolist() == [0.5] * 3 and table["p"].isna().all() and table["low"].isna().all()
    assert table["sentence"].str.contains("not estimable").all()


def test_a_metric_that_does_not_exist_is_nan_not_significant():
    truth = np.repeat([False, True], 6)
    rng = np.random.default_rng(0)
    ratings = rng.integers(0, 2, (2, 3, 12)).astype(float)
    ratings[0, 0] = 0  # this reader never says fresh: no PPV
    assert obuchowski_rockette(as_table(ratings, truth), "ppv")["p"].isna().all()


def test_one_patient_with_all_of_a_class_is_refused(rng):
    ratings, truth = roe_metz(rng)
    table = as_table(ratings, truth)
    table["patient_id"] = np.where(table["truth"] == 1, "one", table["case"].astype(str))
    with pytest.raises(InputError, match="fewer than two patients of a class"):
        obuchowski_rockette(table)
