"""Comparisons of networks against statsmodels, scipy and literal versions."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import cochrans_q, mcnemar
from statsmodels.stats.multitest import multipletests

from ovcf.problems import InputError
from ovcf.stats.compare import TESTS, compare_networks, corrected_t, holm, shared_patches
from ovcf.stats.rates import fold_table
from ovcf.stats.roc import clustered_delong
from ovcf.stats.simulate import Design, simulate_predictions


@pytest.fixture(scope="module")
def predictions():
    return simulate_predictions(Design(200, 360, auc=(0.85, 0.8, 0.75)), seed=8)


@pytest.fixture(scope="module")
def table(predictions):
    return compare_networks(predictions)


def rows_of(table, test, metric=None):
    part = table[table["test"] == test]
    return part if metric is None else part[part["metric"] == metric]


def right(predictions):
    truth, scores, patient, _ = shared_patches(predictions)
    return (scores >= 0.5) == truth, patient


def test_every_test_says_what_it_answers_and_whose_it_is(table):
    assert set(table["test"]) == set(TESTS) and table["question"].notna().all()
    assert set(table.loc[table["whose"] == "common practice", "test"]) == {"paired t over folds"}
    assert (table["networks"] == "all").sum() == 3
    pairs = rows_of(table, "McNemar, exact")["networks"].tolist()
    assert pairs == ["simulated 1 - simulated 2", "simulated 1 - simulated 3", "simulated 2 - simulated 3"]


def test_mcnemar_and_cochran_are_statsmodels(predictions, table):
    r, _ = right(predictions)
    ours = rows_of(table, "McNemar, exact").iloc[1]
    cells = pd.crosstab(r[0], r[2])
    assert ours["p"] == pytest.approx(mcnemar(cells, exact=True).pvalue)
    assert ours["difference"] == pytest.approx(r[0].mean() - r[2].mean())
    assert ours["low"] < ours["difference"] < ours["high"]
    theirs = cochrans_q(r.T.astype(int))
    assert rows_of(table, "Cochran's Q")["p"].item() == pytest.approx(theirs.pvalue)


def test_clustered_mcnemar_is_the_literal_sum(predictions, table):
    r, patient = right(predictions)
    d = [int(r[0][patient == k].sum()) - int(r[1][patient == k].sum()) for k in np.unique(patient)]
    chi2 = sum(d) ** 2 / sum(x * x for x in d)
    ours = rows_of(table, "McNemar, clustered by patient").iloc[0]
    assert ours["statistic"] == pytest.approx(chi2) and ours["p"] == pytest.approx(stats.chi2.sf(chi2, 1))


def test_clustered_delong_has_z_and_an_omnibus_chi_square(predictions, table):
    truth, scores, patient, _ = shared_patches(predictions)
    areas = clustered_delong(truth, scores, patient)
    part = rows_of(table, "DeLong, clustered by patient (Obuchowski)")
    se = np.sqrt(areas.covariance[0, 0] + areas.covariance[2, 2] - 2 * areas.covariance[0, 2])
    assert part.iloc[1]["statistic"] == pytest.approx((areas.auc[0] - areas.auc[2]) / se)
    contrast = np.array([[1, -1, 0], [0, 1, -1]])
    gap = contrast @ areas.auc
    chi2 = gap @ np.linalg.solve(contrast @ areas.covariance @ contrast.T, gap)
    assert part.iloc[3]["statistic"] == pytest.approx(chi2) and part.iloc[3]["df"] == 2


def test_paired_t_over_folds_is_scipys(predictions, table):
    wide = fold_table(predictions).pivot(index="fold", columns="network", values="auc")
    theirs = stats.ttest_rel(wide["simulated 1"], wide["simulated 2"])
    ours = rows_of(table, "paired t over folds", "auc").iloc[0]
    np.testing.assert_allclose(
        ours[["statistic", "p", "low", "high"]].astype(float),
        [theirs.statistic, theirs.pvalue, *theirs.confidence_interval()],
    )


def test_corrected_t_is_nadeau_and_bengios(table):
    d = np.array([0.03, 0.01, 0.05, -0.01, 0.02])
    t = d.mean() / np.sqrt((1 / 5 + 1 / 4) * d.var(ddof=1))
    ours = corrected_t(d, 1 / 4)
    assert ours["statistic"] == pytest.approx(t) and ours["p"] == pytest.approx(2 * stats.t.sf(t, 4))
    assert corrected_t(d)["p"] < ours["p"]
    plain, fair = (
        rows_of(table, test, "auc")["p"].to_numpy()
        for test in ("paired t over folds", "corrected resampled t over folds (Nadeau-Bengio)")
    )
    assert (plain < fair).all()


def test_holm_is_statsmodels(rng, table):
    p = rng.random(9) ** 3
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    for _, family in table[table["networks"] != "all"].groupby(["test", "metric"]):
        np.testing.assert_allclose(family["p_holm"], multipletests(family["p"], method="holm")[1])


def test_versus_one_network_tests_fewer_and_says_its_advantage(predictions, table):
    some = compare_networks(predictions, versus="simulated 3")
    part = rows_of(some, "DeLong")
    assert part["networks"].tolist() == ["simulated 3 - simulated 1", "simulated 3 - simulated 2", "all"]
    assert part["difference"].iloc[0] == pytest.approx(-rows_of(table, "DeLong")["difference"].iloc[1])
    assert (part["p_holm"].iloc[:2] <= rows_of(table, "DeLong")["p_holm"].iloc[[1, 2]].to_numpy()).all()


def test_identical_networks_do_not_differ(predictions):
    one = predictions[predictions["network"] == "simulated 1"]
    both = pd.concat([one, one.assign(network="copy")], ignore_index=True)
    table = compare_networks(both)
    assert (table["p"] == 1).all() and (table["difference"].dropna() == 0).all()


def test_networks_on_other_patches_or_folds_are_refused(predictions):
    def refused(changed):
        with pytest.raises(InputError) as error:
            compare_networks(changed)
        return {(p.kind, p.row) for p in error.value.problems}

    assert refused(predictions.drop(index=719)) == {("missing_patch", None)}
    assert refused(predictions.drop(index=5)) == {("extra_patch", 360 + 7), ("extra_patch", 720 + 7)}
    moved = predictions.copy()
    moved.loc[400, "fold"] = 6 - moved.loc[400, "fold"] + (moved.loc[400, "fold"] == 3)
    assert refused(moved) == {("other_fold", 402)}
    assert refused(predictions[:360]) == {("networks", None)}


def test_unknown_network_is_named(predictions):
    with pytest.raises(InputError, match="simulated 1, simulated 2"):
        compare_networks(predictions, versus="resnet101")
