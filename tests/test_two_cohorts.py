"""Two cohorts: differences against Newcombe's, permutations against literal ones, ids that are the same person."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from ovcf.stats import two_cohorts
from ovcf.stats.analytic import wilson
from ovcf.stats.two_cohorts import difference_of_cohorts, drift_table, feature_drift, shared_patients


def cohort(seed, patients, shift=0.0, more_l1=0.5):
    rng = np.random.default_rng(seed)
    n = patients * 2
    return pd.DataFrame(
        {
            "patient_id": [f"{i // 2}" for i in range(n)],
            "mm": rng.normal(shift, 1, n),
            "level": np.where(rng.random(n) < more_l1, "L1", "T8"),
            "empty": "",
        }
    )


def test_difference_of_proportions_is_newcombes():
    ours = [wilson(56, 70), wilson(48, 80)]
    first, second = (
        pd.DataFrame({"metric": ["accuracy"], "estimate": [w.estimate], "low": [w.low], "high": [w.high]}) for w in ours
    )
    row = difference_of_cohorts(first, second).iloc[0]
    low, high = confint_proportions_2indep(48, 80, 56, 70, method="newcomb")
    assert (row.difference, row.low, row.high) == pytest.approx((-0.2, low, high))
    # Newcombe (1998), Stat. Med. 17: 873-890, Table II, method 10, 56/70 - 48/80: 0.0524 to 0.3339
    assert (round(-row.high, 4), round(-row.low, 4)) == (0.0524, 0.3339)


def test_only_metrics_of_both_are_compared_in_the_firsts_order():
    ends = {"estimate": 0.5, "low": 0.4, "high": 0.6}
    first = pd.DataFrame([{"metric": m, **ends} for m in ("b", "a", "c")])
    second = pd.DataFrame([{"metric": m, **ends} for m in ("a", "b")])
    assert difference_of_cohorts(first, second).metric.tolist() == ["b", "a"]


def test_numbers_and_words_against_a_literal_permutation(monkeypatch):
    first, second = cohort(0, 12), cohort(1, 9, shift=0.8, more_l1=0.9)
    table = drift_table(first, second, ["mm", "level", "absent"], permutations=199, seed=3).set_index("column")
    both = pd.concat([first.assign(who=0), second.assign(who=1)], ignore_index=True)
    person = both.who * 100 + both.patient_id.astype(int)
    codes = pd.factorize(person)[0]
    swaps = two_cohorts._swaps(np.arange(21) >= 12, 199, 3)

    def smd(of):
        a, b = both.mm[~of[codes]], both.mm[of[codes]]
        return (b.mean() - a.mean()) / np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)

    def distance(of):
        return abs((both.level[of[codes]] == "L1").mean() - (both.level[~of[codes]] == "L1").mean())

    for column, literal in (("mm", smd), ("level", distance)):
        values = np.array([abs(literal(of)) for of in swaps])
        assert abs(table.loc[column, "difference"]) == pytest.approx(values[0])
        assert table.loc[column, "p"] == np.mean(values >= values[0] - 1e-12)
    assert list(table.index) == ["mm", "level"]
    assert (table.p_holm >= table.p).all()


def test_a_column_missing_in_one_cohort_is_a_difference_in_words():
    table = drift_table(cohort(0, 12), cohort(1, 9).assign(empty="x"), ["empty"], permutations=99)
    assert table.iloc[0][["first", "second", "difference"]].tolist() == ["unknown 100 %", "unknown 0 %", 1.0]


def test_patients_of_one_name_in_both_cohorts_are_two():
    one, two = cohort(0, 5), cohort(1, 5)
    codes, of_second = two_cohorts._patients(one.patient_id, two.patient_id)
    assert codes.max() == 9 and of_second.sum() == 5


def test_features_against_a_literal_energy_distance():
    rng = np.random.default_rng(5)
    x, y = rng.normal(0, 1, (16, 3)), rng.normal(0.7, 1, (10, 3))
    got = feature_drift(x, y, np.arange(16) // 2, np.arange(10) // 2, permutations=99)
    both = np.concatenate([x, y])
    z = (both - both.mean(0)) / both.std(0)

    def mean_apart(a, b):
        return np.mean([[np.linalg.norm(p - q) for q in b] for p in a])

    literal = 2 * mean_apart(z[:16], z[16:]) - mean_apart(z[:16], z[:16]) - mean_apart(z[16:], z[16:])
    assert got.statistic == pytest.approx(literal)
    assert got.share == pytest.approx(1) and got.components == 3


@pytest.mark.parametrize("shape", [(30, 60), (60, 30), (12, 12), (40, 1), (150, 200), (300, 110)])
def test_principal_components_are_those_of_an_svd(shape):
    features = np.random.default_rng(8).normal(3, 2, shape) * np.linspace(0.1, 4, shape[1])
    points, share = two_cohorts._principal(features)
    left, singular, _ = np.linalg.svd((features - features.mean(0)) / features.std(0), full_matrices=False)
    kept = min(two_cohorts.COMPONENTS, singular.size)
    literal = left[:, :kept] * singular[:kept]
    apart = np.linalg.norm(points[:, None] - points, axis=2)  # all that the energy distance reads
    assert apart == pytest.approx(np.linalg.norm(literal[:, None] - literal, axis=2), abs=1e-6)
    assert share == pytest.approx(np.sum(singular[:kept] ** 2) / np.sum(singular**2))
    assert two_cohorts._principal(np.ones((4, 3)))[0].shape == (4, 0)  # nothing varies


def test_feature_test_keeps_its_level_and_finds_a_shift():
    rng = np.random.default_rng(6)
    small = []
    for _ in range(60):
        person = rng.normal(0, 1, (30, 4))
        x = person[np.repeat(np.arange(30), 2)] + rng.normal(0, 0.3, (60, 4))
        who = np.repeat(np.arange(30), 2)
        small.append(feature_drift(x[:36], x[36:], who[:36], who[36:], permutations=99).p)
    assert np.mean(np.array(small) <= 0.1) < 0.22  # patches taken as independent: 0.5 and more
    shifted = feature_drift(x[:36], x[36:] + 1.5, who[:36], who[36:], permutations=199)
    assert shifted.p <= 0.01


def test_ids_that_differ_in_case_or_zeros_are_one_patient():
    assert shared_patients(["P007", "12", "ab"], ["p007", " 012 ", "x", "AB"]) == [
        ("P007", "p007"),
        ("12", " 012 "),
        ("ab", "AB"),
    ]
