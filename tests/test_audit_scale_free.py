"""What holds whatever the number of cases: ranges against points drawn in a box, contradictions against matrices."""

import numpy as np
import pytest

from ovcf.audit import CONTRADICTION, audit, scale_free, scores
from ovcf.audit.matrices import rates_of
from ovcf.audit.simulate import build


@pytest.mark.parametrize("metric", scores.SCORES)
def test_the_range_over_a_box_holds_every_point_of_it(metric, rng):
    for _ in range(60):
        ends = np.sort(rng.uniform(0, 1, (2, 3)), axis=0)
        points = rng.uniform(*ends, (60, 3))
        values = scores.of_shares(metric, *points.T)
        low, high = scores.range_over(metric, ends[:1], ends[1:])
        assert low[0] <= np.nanmin(values) + 1e-9 and high[0] >= np.nanmax(values) - 1e-9


def test_scores_from_counts_are_those_of_scikit_learn(rng):
    from sklearn import metrics

    tp, fn, tn, fp = 41, 9, 55, 15
    truth = np.repeat([1, 1, 0, 0], [tp, fn, tn, fp])
    called = np.repeat([1, 0, 0, 1], [tp, fn, tn, fp])
    theirs = {
        "mcc": metrics.matthews_corrcoef(truth, called),
        "kappa": metrics.cohen_kappa_score(truth, called),
        "recall_macro": metrics.balanced_accuracy_score(truth, called),
        "f2_positive": metrics.fbeta_score(truth, called, beta=2),
        "f05_positive": metrics.fbeta_score(truth, called, beta=0.5),
        "lr_positive": metrics.class_likelihood_ratios(truth, called)[0],
        "lr_negative": metrics.class_likelihood_ratios(truth, called)[1],
        "dor": tp * tn / (fn * fp),
        "youden": tp / (tp + fn) + tn / (tn + fp) - 1,
    }
    for average in ("macro", "weighted", "micro"):
        theirs[f"precision_{average}"] = metrics.precision_score(truth, called, average=average)
        theirs[f"recall_{average}"] = metrics.recall_score(truth, called, average=average)
        theirs[f"f1_{average}"] = metrics.f1_score(truth, called, average=average)
    for name, value in theirs.items():
        assert scores.of_counts(name, np.array([[tp, fn, tn, fp]]))[0] == pytest.approx(value), name


def test_numbers_of_one_matrix_never_contradict(rng):
    for _ in range(60):
        matrix, rates = rng.integers(1, 300, (1, 4)), {}
        for metric in rng.choice(scores.SCORES, 5, replace=False):
            value = scores.of_counts(metric, matrix)[0]
            rates[metric] = (value - 5e-4, value + 5e-4)
        assert scale_free.possible(rates)


@pytest.mark.parametrize(
    ("moved", "by"), [("accuracy", 0.1), ("mcc", 0.05), ("kappa", -0.05), ("f1_positive", 0.04), ("youden", 0.02)]
)
def test_a_number_that_the_others_rule_out(moved, by):
    matrix = np.array([[80, 20, 120, 30]])
    given = ("recall_positive", "recall_negative", "precision_positive", moved)
    rates = {m: (scores.of_counts(m, matrix)[0] - 5e-4, scores.of_counts(m, matrix)[0] + 5e-4) for m in given}
    assert scale_free.possible(rates)
    rates[moved] = (rates[moved][0] + by, rates[moved][1] + by)
    assert moved in scale_free.conflict(rates)


def test_accuracy_lies_between_the_recalls():
    low, high = scale_free.span("accuracy", {"recall_positive": (0.9, 0.9), "recall_negative": (0.8, 0.8)})
    assert (low, high) == pytest.approx((0.8, 0.9), abs=1e-3)


def table(values, columns, cases=None):
    head = {"name": "T", "columns": columns, "rows": {"Model": values}}
    sets = {"many": {"n": "100000", "positive": "40000", "negative": "60000"}}
    return audit(build({"sets": sets, "tables": [head | ({"cases": cases} if cases else {})]}), simulate=False)


@pytest.mark.parametrize("cases", [None, "many"])
def test_impossible_rows_without_a_number_or_with_a_large_one(cases):
    found = table(["95.0", "90.0", "93.0"], ["accuracy", "sensitivity", "specificity"], cases).findings
    assert [(one.kind, one.severity) for one in found] == [("scale-free", CONTRADICTION)]
    found = table(["91.8", "90.0", "93.0"], ["accuracy", "sensitivity", "specificity"], cases).findings
    assert [one.kind for one in found] == ["no-size"] and found[0].decides


def test_bare_columns_may_be_macro_averages():
    exact = rates_of((70, 30, 150, 20))
    macro = [
        100 * (exact[f"{kind}_positive"] + exact[f"{kind}_negative"]) / 2 for kind in ("precision", "recall", "f1")
    ]
    rows = {"Model": [f"{float(100 * exact['accuracy']):.2f}", *(f"{float(v):.2f}" for v in macro)]}
    sets = {"test": {"n": "270", "positive": "100", "negative": "170"}}
    head = {"name": "T", "cases": "test", "columns": ["accuracy", "precision", "recall", "f1"], "rows": rows}
    found = audit(build({"sets": sets, "tables": [head]}), simulate=False).findings
    assert [one.kind for one in found] == ["averages"] and "macro" in found[0].recomputed
