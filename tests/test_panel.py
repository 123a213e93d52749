"""One model against a panel: literal version, DeLong for one reader, coverage, refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ovcf.problems import InputError
from ovcf.stats.readers.components import average_variance
from ovcf.stats.readers.covariance import figures_of_merit, merit_covariance
from ovcf.stats.readers.panel import Panel, _of_differences, _tests, model_against_panel
from ovcf.stats.roc import delong
from ovcf.synthetic.readers import Variances, roe_metz


def study(rng, readers=4, cases=(25, 25)):
    """Readers of one treatment as a long table, and the first curve of another as the model."""
    ratings, truth = roe_metz(rng, readers=readers, cases=cases)
    n = truth.size
    index = pd.MultiIndex.from_product([range(readers), range(n)], names=["reader", "case"])
    table = pd.DataFrame({"rating": ratings[0].ravel()}, index=index).reset_index()
    table = table.assign(treatment="unaided", truth=truth[table["case"]].astype(int))
    model = stats.norm.cdf(ratings[1, 0])
    return table, pd.DataFrame({"patch_id": [str(i) for i in range(n)], "p_fresh": model}), ratings[0], truth


def test_random_readers_and_cases_by_hand(rng):
    table, predictions, ratings, truth = study(rng)
    found = model_against_panel(table, predictions, margin=0.1).set_index("generalisation")
    curves = np.vstack([predictions["p_fresh"], ratings])
    theta, matrix = figures_of_merit(curves, truth), merit_covariance(curves, truth)
    contrast = np.hstack([np.ones((4, 1)), -np.eye(4)])  # model minus each reader
    covariance, difference = contrast @ matrix @ contrast.T, theta[0] - theta[1:]
    cov2 = covariance[~np.eye(4, dtype=bool)].mean()
    ms = difference.var(ddof=1)
    total = ms + 4 * max(cov2, 0)
    df = 3 * (total / ms) ** 2
    row = found.loc["random"]
    assert row["difference"] == pytest.approx(difference.mean()) and row["df2"] == pytest.approx(df)
    expected = stats.t.interval(0.95, df, difference.mean(), np.sqrt(total / 4))
    assert (row["low"], row["high"]) == pytest.approx(expected)
    t = (difference.mean() + 0.1) / np.sqrt(total / 4)
    assert row["p_noninferiority"] == pytest.approx(stats.t.sf(t, df))
    fixed = found.loc["fixed_cases"]
    assert fixed["p_superiority"] == pytest.approx(stats.ttest_1samp(difference, 0).pvalue)
    average = np.full(4, 0.25)
    assert (found.loc["fixed_readers", "high"] - found.loc["fixed_readers", "low"]) == pytest.approx(
        2 * stats.norm.ppf(0.975) * np.sqrt(average @ covariance @ average)
    )


def test_one_reader_is_delongs_paired_test(rng):
    table, predictions, ratings, truth = study(rng, readers=1)
    found = model_against_panel(table, predictions, covariance="delong")
    areas = delong(truth, np.vstack([predictions["p_fresh"], ratings]))
    variance = np.array([1, -1]) @ areas.covariance @ np.array([1, -1])
    assert found["generalisation"].tolist() == ["fixed_readers"]
    assert found["statistic"][0] == pytest.approx((areas.auc[0] - areas.auc[1]) / np.sqrt(variance))


def test_noninferior_means_the_interval_lies_above_the_margin(rng):
    for margin in (0.01, 0.05, 0.2, 0.4):
        found = model_against_panel(*study(rng)[:2], margin=margin)
        assert (found["noninferior"] == (found["low"] > -margin)).all()
        assert found["sentence"].str.contains("non-inferior").all()


def test_binary_metrics_use_both_thresholds(rng):
    table, predictions, ratings, truth = study(rng)
    called = {"panel": Panel(threshold=0.75), "model_threshold": 0.6}
    row = model_against_panel(table, predictions, metric="sensitivity", **called).iloc[0]
    assert row["panel"] == pytest.approx((ratings[:, truth] >= 0.75).mean())
    assert row["model"] == pytest.approx((predictions["p_fresh"][truth] >= 0.6).mean())


def test_interval_covers_the_true_difference(rng):
    # a model without a reader's own variance has the readers' mean AUC, so the true difference is nought
    covered = []
    for _ in range(400):
        ratings, truth = roe_metz(rng, cases=(30, 30))
        model, _ = roe_metz(rng, Variances(r=0, tr=0), readers=1, cases=(30, 30))
        curves = np.vstack([model[0], ratings[0]])
        theta = figures_of_merit(curves, truth)
        difference = theta[0] - theta[1:]
        error, cov2 = _of_differences(merit_covariance(curves, truth))
        variance, df = average_variance(difference, error, cov2, "random")
        ends = _tests(difference.mean(), np.sqrt(variance), df, 0.05, 0.95, "auc")
        covered.append(ends["low"] < 0 < ends["high"])
    assert 0.92 < np.mean(covered) < 0.985


@pytest.mark.parametrize("spoil, arguments, message", [
    (lambda p: p, {"margin": 0}, "margin must be positive"),
    (lambda p: p.iloc[1:], {}, "no prediction for this case.*'0'"),
    (lambda p: pd.concat([p, p]), {}, "several predictions"),
    (lambda p: None, {}, "model's output is missing"),
])  # fmt: skip
def test_refusals(rng, spoil, arguments, message):
    table, predictions, *_ = study(rng)
    with pytest.raises(InputError, match=message):
        model_against_panel(table, spoil(predictions), **arguments)
