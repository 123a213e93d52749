"""The paper's own p values come out of its own printed numbers."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ovcf.problems import InputError
from ovcf.stats.paper_tests import LEVELS, _fisher, level_counts, paper_fold_tests, table1_tests

FRESH = [3, 13, 11, 22, 17, 16, 33, 71, 75, 45, 29, 21, 8]  # Table 1
OLD = [3, 12, 17, 24, 18, 13, 34, 61, 57, 41, 30, 31, 15]
TABLE3 = pd.DataFrame(
    {
        "network": "ResNet101",
        "precision_fresh": [85.45, 79.10, 74.24, 74.03, 71.25],
        "precision_old": [72.22, 76.62, 71.79, 79.10, 77.78],
        "recall_fresh": [65.28, 74.65, 69.01, 80.28, 80.28],
        "recall_old": [89.04, 80.82, 76.71, 72.60, 68.06],
        "f1_fresh": [74.02, 76.81, 71.53, 77.03, 75.50],
        "f1_old": [79.75, 78.67, 74.17, 75.71, 72.59],
    }
)


@pytest.fixture
def patches():
    levels = np.repeat([*LEVELS, *LEVELS], FRESH + OLD)
    return pd.DataFrame(
        {"level": levels, "label": np.repeat(["fresh", "old"], [364, 356]), "patient_id": np.arange(720)}
    )


def test_table_3_p_values_are_two_sample_t_tests():
    table = paper_fold_tests(TABLE3).set_index(["test", "measure"])
    paper = table.loc["two-sample t"]
    assert paper["p"].round(3).tolist() == [0.664, 0.470, 0.496] and set(paper["whose"]) == {"the paper's"}
    assert paper["df"].tolist() == [8, 8, 8]
    theirs = stats.ttest_rel(TABLE3["recall_fresh"], TABLE3["recall_old"])
    ours = table.loc[("paired t", "recall")]
    assert ours["p"] == pytest.approx(theirs.pvalue) and ours["low"] < ours["difference"] < ours["high"]


def test_folds_that_are_all_alike_have_a_difference_and_no_test():
    values = {"precision_fresh": 1.0, "precision_old": 0.9, "recall_fresh": [0.8, 0.9, 0.7], "f1_fresh": 0.8}
    values |= {"recall_old": [0.7, 0.8, 0.6], "f1_old": [0.6, 0.7, 0.9]}
    table = paper_fold_tests(pd.DataFrame(values | {"network": "a", "fold": [1, 2, 3]})).set_index(["measure", "test"])
    known = table[["low", "high", "statistic", "p"]].notna().all(axis=1)
    assert dict(known) == {
        ("precision", "two-sample t"): False, ("precision", "paired t"): False, ("recall", "two-sample t"): True,
        ("recall", "paired t"): False, ("f1", "two-sample t"): True, ("f1", "paired t"): True,
    }  # fmt: skip
    assert table["difference"].tolist() == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.2 / 3, 0.2 / 3])


def test_table_1_p_value_is_a_t_test_of_thirteen_counts(patches):
    table = table1_tests(patches).set_index("test")
    assert round(table.loc["two-sample t of counts", "p"], 3) == 0.939
    assert table.loc["two-sample t of counts", "difference"] == pytest.approx(8 / 13)
    chi2 = stats.chi2_contingency([FRESH, OLD])
    assert table.loc["chi-square", "p"] == pytest.approx(chi2.pvalue) and table.loc["chi-square", "df"] == 12
    assert table.loc["Fisher (Monte Carlo)", "p"] == pytest.approx(chi2.pvalue, abs=0.03)


def test_the_clustered_test_is_pearsons_where_patients_have_one_patch(patches):
    table = table1_tests(patches).set_index("test")
    ours, plain = table.loc["Rao-Scott chi-square, clustered by patient"], table.loc["chi-square"]
    assert ours["statistic"] == pytest.approx(plain["statistic"], rel=0.01)
    assert ours["p"] == pytest.approx(plain["p"], abs=0.01)


def test_the_clustered_test_is_not_moved_by_patches_said_twice(patches):
    once = table1_tests(patches).set_index("test")["p"]
    twice = table1_tests(pd.concat([patches, patches])).set_index("test")["p"]
    name = "Rao-Scott chi-square, clustered by patient"
    assert twice[name] == pytest.approx(once[name]) and twice["chi-square"] < once["chi-square"] - 0.2


def test_t_of_counts_cannot_see_what_chi_square_sees(patches):
    patches["level"] = np.repeat([*LEVELS, *LEVELS], FRESH + OLD[::-1])
    table = table1_tests(patches).set_index("test")["p"]
    assert table["two-sample t of counts"] > 0.9 and table["chi-square"] < 1e-4


def test_unknown_levels_are_left_out_and_strange_ones_refused(patches):
    patches.loc[0, "level"] = ""
    assert level_counts(patches).loc["T5", "fresh"] == 2
    patches.loc[[1, 5], "level"] = "C7"
    patches.loc[2, "label"] = "new"
    with pytest.raises(InputError) as error:
        table1_tests(patches)
    assert [(p.row, p.column) for p in error.value.problems] == [(4, "label"), (3, "level"), (7, "level")]


def test_one_class_is_refused(patches):
    with pytest.raises(InputError, match="both needed"):
        table1_tests(patches[:364])


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (13, 2)])
def test_fishers_p_is_scipys_and_stands_for_ten_thousands_of_patches(shape):
    counts = np.random.default_rng(3).poisson(20, shape) + 1
    method = stats.MonteCarloMethod(n_resamples=9999, rng=np.random.default_rng(0))
    assert _fisher(counts, 0) == pytest.approx(stats.fisher_exact(counts, method=method).pvalue, abs=1e-12)
    many = counts * 1000 + np.eye(*shape, dtype=int) * 300
    assert _fisher(many, 0) == pytest.approx(stats.chi2_contingency(many, correction=False)[1], abs=0.02)
