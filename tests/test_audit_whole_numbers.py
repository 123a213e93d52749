"""Means of whole numbers (GRIM, GRIMMER) against all sets of numbers; printed statistics against scipy."""

from fractions import Fraction
from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from scipy import stats

from ovcf.audit import CONTRADICTION, audit
from ovcf.audit.grim import _listed, mean_possible, sd_possible
from ovcf.audit.printed import interval_of, show
from ovcf.audit.simulate import build
from ovcf.audit.statistics import p_interval, read_statistic


def test_grim_by_hand():
    # 28 answers: sums 96 and 97 give 3.43 and 3.46, so 3.45 cannot be (Brown and Heathers 2017, same reasoning)
    assert mean_possible(interval_of("3.46"), 28) and not mean_possible(interval_of("3.45"), 28)
    assert mean_possible(interval_of("3.45"), 28, items=5)


def test_grimmer_is_what_all_sets_of_answers_give(rng):
    for _ in range(80):
        n, high = int(rng.integers(2, 6)), int(rng.integers(2, 6))
        values = rng.integers(1, high + 1, n)
        mean = interval_of(show(Fraction(int(values.sum()), n)))
        sd = interval_of(show(abs(float(values.std(ddof=1)) + rng.choice([0, 0.01, -0.02, 0.05]))))
        every = np.array(list(product(range(1, high + 1), repeat=n)))
        means = every.mean(axis=1)
        fits = (means >= float(mean.low) - 1e-12) & (means <= float(mean.high) + 1e-12)
        spreads = [every.std(axis=1, ddof=d)[fits] for d in (0, 1)]
        theirs = any(((s >= float(sd.low) - 1e-12) & (s <= float(sd.high) + 1e-12)).any() for s in spreads)
        assert sd_possible(mean, sd, n, 1, Fraction(1), Fraction(high)) == theirs


@pytest.mark.parametrize(
    ("text", "p"),
    [
        ("t(28) = 2.20, p = .036", 2 * stats.t.sf(2.2, 28)),
        ("F(2, 45) = 3.10, p = .055", stats.f.sf(3.1, 2, 45)),
        ("χ2(1, N = 90) = 4.02, p = .045", stats.chi2.sf(4.02, 1)),
        ("z = −1.96; p = 0,050", 2 * stats.norm.sf(1.96)),
        ("t(27.3) = 2.2, p < .05", 2 * stats.t.sf(2.2, 27.3)),
    ],
)
def test_statistics_are_those_of_scipy(text, p):
    low, high = p_interval(read_statistic(text))
    assert low <= p <= high and high - low < 0.01


def severities(text, **fields):
    table = {"name": "T", "columns": ["accuracy"], "rows": {"A": ["80"]}}
    paper = build({"tables": [table], "statistics": [{"printed": text} | fields]})
    return [(one.kind, one.severity) for one in audit(paper, simulate=False).findings if one.kind != "no-size"]


def test_a_wrong_p_a_right_one_and_a_one_sided_one():
    assert severities("t(28) = 2.20, p = .036") == []
    assert severities("t(28) = 2.20, p = .061") == [("statistic", CONTRADICTION)]
    assert severities("t(28) = 2.20, p = .018")[0][0] == "p-sides"
    assert severities("t(28) = 2.20, p = .018", tails="1") == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("t(0) = 2.20, p = .036", "degrees of freedom are above 0"),
        ("F(2, 0) = 3.10, p = .055", "degrees of freedom are above 0"),
        ("F(2, 45) = -3.10, p = .055", "never below 0"),
        ("χ2(1) = -4.02, p = .045", "never below 0"),
        ("r(28) = 1.20, p = .001", "between -1 and 1"),
        ("r(28) = -1.20, p = .001", "between -1 and 1"),
        ("z = 0.10, p = 1.92", "between 0 and 1"),
    ],
)
def test_what_no_test_prints_is_said_with_its_reason(text, why):
    paper = build(
        {"tables": [{"name": "T", "columns": ["x"], "rows": {"A": ["80"]}}], "statistics": [{"printed": text}]}
    )
    (found,) = [one for one in audit(paper, simulate=False).findings if one.kind == "statistic"]
    assert found.severity == CONTRADICTION and why in found.message and "nan" not in found.message


@pytest.mark.parametrize(
    "text", ["t(28) = 0.00, p = 1.000", "χ2(1) = 0.00, p = 1", "F(1, 28) = 90, p = .000", "r(28) = 1.00, p = .000"]
)
def test_a_p_of_exactly_nought_or_one_is_held_against_its_statistic(text):
    assert severities(text) == []
    assert severities(text.split("p =")[0] + "p = .400") == [("statistic", CONTRADICTION)]


@pytest.mark.parametrize("ends", [(1, 4), (0, None), (None, None)])
def test_sums_of_squares_that_n_numbers_reach_are_those_of_all_their_choices(ends):
    least, most = ends
    values = range(-6 if least is None else least, (6 if most is None else most) + 1)
    for n in (2, 3, 4):
        every = list(combinations_with_replacement(values, n))
        for total in {sum(one) for one in every if 4 <= sum(one) <= 8}:
            reached = {sum(v * v for v in one) for one in every if sum(one) == total}
            for square in range(total**2 // n + 1, 40):  # numbers beyond `values` need larger squares
                assert _listed(total, n, np.array([square]), least, most) == (square in reached), (n, total, square)
