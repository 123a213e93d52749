"""Equations (1)-(5) per class, against scikit-learn and the paper's own tables."""

import numpy as np
import pandas as pd
import printed
import pytest
from sklearn import metrics as sk

from ovcf.audit.published import paper_wide
from ovcf.problems import InputError
from ovcf.stats.intervals import metric_intervals
from ovcf.stats.rates import METRICS, Metric, confusion, fold_table, rates, rates_from_counts, summary_table
from ovcf.stats.summaries import fold_means, network_intervals
from ovcf.stats.thresholds import operating_points
from ovcf.tables.networks import interval_table, table2

COUNTED = [name for name, metric in METRICS.items() if metric.ratio]


def some(rng, n=200):
    truth = rng.random(n) < 0.4
    return truth, np.clip(rng.normal(0.4 + 0.2 * truth, 0.25), 0, 1).round(2)


def test_confusion_counts_by_hand():
    assert confusion([1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 1]) == (2, 1, 3, 1)


def test_every_rate_is_scikit_learns(rng):
    truth, p = some(rng)
    ours, called = rates(truth, p), p >= 0.5
    precision, recall, f1, _ = sk.precision_recall_fscore_support(truth, called, labels=[1, 0])
    theirs = [sk.accuracy_score(truth, called), *precision, *recall, *f1, sk.roc_auc_score(truth, p)]
    np.testing.assert_allclose(ours[list(METRICS)], theirs, rtol=1e-12)
    tn, fp, fn, tp = sk.confusion_matrix(truth, called).ravel()
    assert confusion(truth, called) == (tp, fn, tn, fp)


def test_f1_is_equation_five(rng):
    r = rates_from_counts(*rng.integers(1, 50, (4, 30)))
    for c in ("fresh", "old"):
        recall, precision = r[f"recall_{c}"], r[f"precision_{c}"]
        np.testing.assert_allclose(r[f"f1_{c}"], 2 * recall * precision / (recall + precision))


def test_undefined_is_nan_and_not_a_number_that_looks_fine():
    r = rates([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4])  # nothing is called fresh
    assert np.isnan(r.precision_fresh) and r.recall_fresh == 0 and r.f1_fresh == 0 and r.precision_old == 0.5
    r = rates([1, 1], [0.1, 0.9])
    assert np.isnan(r[["auc", "recall_old"]]).all() and r.f1_old == 0


def test_a_probability_at_the_threshold_is_called_fresh():
    assert rates([1, 0], [0.5, 0.4]).accuracy == 1


# the paper's Table 3: ResNet101, five folds, in percent (AUC as a fraction)
TABLE3 = pd.DataFrame(
    {
        "network": "ResNet101",
        "fold": [1, 2, 3, 4, 5],
        "accuracy": [77.24, 77.78, 72.92, 76.39, 74.13],
        "precision_fresh": [85.45, 79.10, 74.24, 74.03, 71.25],
        "precision_old": [72.22, 76.62, 71.79, 79.10, 77.78],
        "recall_fresh": [65.28, 74.65, 69.01, 80.28, 80.28],
        "recall_old": [89.04, 80.82, 76.71, 72.60, 68.06],
        "f1_fresh": [74.02, 76.81, 71.53, 77.03, 75.50],
        "f1_old": [79.75, 78.67, 74.17, 75.71, 72.59],
        "auc": [0.808, 0.843, 0.760, 0.791, 0.780],
    }
)


def test_spreads_of_table_3_are_those_the_paper_prints():
    table = summary_table(TABLE3, ddof=1).set_index("metric")
    means = [75.69, 76.81, 75.50, 73.90, 77.45, 74.98, 76.18]
    spreads = [2.08, 5.59, 3.31, 6.71, 8.03, 2.27, 3.00]
    np.testing.assert_allclose(table.loc[COUNTED, "mean"], means, atol=0.0051)
    np.testing.assert_allclose(table.loc[COUNTED, "sd_ddof1"], spreads, atol=0.0051)
    # the AUC alone is printed with ddof 0
    assert round(summary_table(TABLE3, ddof=0).set_index("metric").loc["auc", "sd_ddof0"], 3) == 0.028
    assert round(table.loc["auc", "sd_ddof1"], 3) == 0.031


@pytest.fixture
def predictions(rng):
    tables = []
    for network in ("zebra", "ant"):
        truth, p = some(rng, 60)
        tables.append(
            pd.DataFrame(
                {
                    "network": network,
                    "split": "patient",
                    "fold": np.arange(60) % 3 + 1,
                    "patch_id": np.arange(60),
                    "patient_id": np.arange(60) // 2,
                    "truth": np.arange(60) // 3 % 2,
                    "p_fresh": p,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def test_fold_table_has_a_row_for_each_network_and_fold(predictions):
    table = fold_table(predictions, threshold=0.4)
    assert table["network"].tolist() == ["zebra"] * 3 + ["ant"] * 3
    assert table["fold"].tolist() == [1, 2, 3] * 2
    part = predictions.query("network == 'ant' and fold == 2")
    expected = rates(part["truth"], part["p_fresh"], 0.4)
    np.testing.assert_array_equal(table.loc[4, list(METRICS)].astype(float), expected)
    assert (table[["tp", "fn", "tn", "fp"]].sum(axis=1) == table["n"]).all()


def test_summary_counts_the_folds_a_metric_is_defined_in(predictions):
    table = fold_table(predictions)
    table.loc[0, "precision_fresh"] = np.nan
    summary = summary_table(table).set_index(["network", "metric"])
    assert summary.loc[("zebra", "precision_fresh"), "folds"] == 2
    assert summary.loc[("ant", "precision_fresh"), "folds"] == 3


def test_splits_are_kept_apart(predictions):
    both = pd.concat([predictions, predictions.assign(split="patch")], ignore_index=True)
    assert len(fold_table(both)) == 12 and len(summary_table(fold_table(both))) == 4 * len(METRICS)


def test_seeds_are_kept_apart_and_averaged_together(predictions):
    both = pd.concat([predictions.assign(seed=s) for s in (0, 1)], ignore_index=True)
    table = fold_table(both)
    assert len(table) == 12 and table["seed"].tolist() == [0, 0, 0, 1, 1, 1] * 2
    assert (summary_table(table)["folds"] == 6).all() and "seed" not in fold_table(predictions.assign(seed=0))


def test_bad_labels_are_refused_with_their_row():
    with pytest.raises(InputError, match="row 2.*binary"):
        confusion([0, 2, 1], [0, 1, 1])


def test_a_metric_from_outside_is_one_entry_and_one_function(monkeypatch):
    """The share of patches called fresh goes through folds, means, intervals and tables; nothing else moves."""

    def called_fresh(tp, fn, tn, fp):
        return tp + fp, tp + fn + tn + fp

    table, draws = printed.predictions(), {"threshold": 0.5, "replicates": 50, "seed": 3}
    before = network_intervals(table, **draws), fold_means(table, **draws), operating_points(printed.one_network())
    monkeypatch.setitem(METRICS, "called_fresh", Metric("Called fresh", called_fresh))
    after = network_intervals(table, **draws), fold_means(table, **draws), operating_points(printed.one_network())
    for old, new in zip(before, after, strict=True):
        kept = new[new.metric != "called_fresh"].reset_index(drop=True)
        pd.testing.assert_frame_equal(kept, old)
        assert (new.metric == "called_fresh").sum() == len(old[old.metric == "accuracy"])
    share = fold_table(table).called_fresh
    np.testing.assert_allclose(share, [7 / 12, 7 / 12, 7 / 12, 8 / 12])
    np.testing.assert_allclose(after[1].set_index("metric").loc["called_fresh", "mean"], [7 / 12, 7.5 / 12])
    exact = metric_intervals(printed.one_network(), method="analytic").set_index("metric").loc["called_fresh"]
    assert exact.low < exact.estimate == 14 / 24 < exact.high
    cells = table2(after[1], paper_wide(2))
    assert cells.columns[-1] == "Called fresh (%)" and cells.iloc[0, -1].startswith("62.5")
    assert interval_table(after[0]).loc["ResNet101", "Called fresh (%)"].startswith("58.3 [")
