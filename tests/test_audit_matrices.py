"""The solver of confusion matrices against a loop over all of them, and the printing of numbers."""

from fractions import Fraction

import numpy as np
import pytest

from ovcf.audit.matrices import rates_of, solve
from ovcf.audit.printed import Interval, interval_of, parse, show


def percent(text):
    """Interval of a printed percentage as a fraction."""
    return Interval(*(end / 100 for end in interval_of(text)))


def literal(rates, n):
    """All matrices of n cases that print so, by trying every one."""
    found = []
    for tp in range(n + 1):
        for fn in range(n + 1 - tp):
            for tn in range(n + 1 - tp - fn):
                matrix = tp, fn, tn, n - tp - fn - tn
                exact = rates_of(matrix)
                if all(metric in exact and one.holds(exact[metric]) for metric, one in rates.items()):
                    found.append(matrix)
    return sorted(found)


def test_solver_finds_what_a_loop_over_all_matrices_finds(rng):
    for _ in range(150):
        n = int(rng.integers(2, 15))
        exact = rates_of(rng.multinomial(n, rng.dirichlet(np.ones(4))))
        chosen = [metric for metric in exact if rng.random() < 0.5]
        rates = {metric: percent(show(100 * exact[metric], int(rng.integers(0, 3)))) for metric in chosen}
        found = solve(rates, n)
        assert [tuple(map(int, row)) for row in found.matrices] == literal(rates, n)
        assert found.count == len(found.matrices)


def test_a_range_of_sizes_is_the_union_of_its_sizes():
    rates = {"recall_positive": percent("66.7"), "precision_negative": percent("75.0")}
    each = [solve(rates, n).count for n in range(1, 31)]
    assert solve(rates, (1, 30)).count == sum(each) > 0


def test_given_positives_keep_only_those():
    rates = {"accuracy": percent("80")}
    alone = solve(rates, 40, positives=12)
    assert {p for _, p in alone.sizes} == {12}
    assert alone.count == sum(row[0] + row[1] == 12 for row in solve(rates, 40).matrices)


def test_large_samples_need_no_enumeration(rng):
    matrix = (1621, 276, 2241, 862)
    exact = rates_of(matrix)
    rates = {
        metric: percent(show(100 * exact[metric], 2)) for metric in ("accuracy", "recall_positive", "recall_negative")
    }
    assert [tuple(row) for row in solve(rates, 5000).matrices] == [matrix]
    wide = solve(rates, (1, 5000))
    assert wide.complete and matrix in {tuple(map(int, row)) for row in wide.matrices}


def test_the_limit_lists_fewer_but_counts_all():
    found = solve({"accuracy": percent("50")}, 40, limit=10)
    assert len(found.matrices) == 10 and not found.complete
    assert found.count == sum(tp + tn == 20 for tp in range(41) for tn in range(41) if tp + tn <= 40 for _ in range(21))


def test_impossible_rates_have_no_matrix():
    assert solve({"recall_positive": Interval(Fraction(11, 10), Fraction(12, 10))}, 20).count == 0
    assert solve({"accuracy": percent("33.33")}, 40).count == 0


def test_too_many_cases_are_refused():
    with pytest.raises(ValueError, match="20,000"):
        solve({}, 30_000)


@pytest.mark.parametrize(
    ("text", "value", "sd", "bracket", "relation"),
    [
        ("52.5", "52.5", None, 0, ""),
        ("75.13 ± 2.62%", "75.13", "2.62", 0, ""),
        ("24(1)", "24", None, 1, ""),
        ("< 0.001", "0.001", None, 0, "<"),
        ("0.664 > 0.05", "0.664", None, 0, ""),
        ("−3.5", "-3.5", None, 0, ""),
    ],
)
def test_printed_numbers(text, value, sd, bracket, relation):
    printed = parse(text)
    assert (printed.value, printed.relation, printed.bracket) == (Fraction(value), relation, bracket)
    assert printed.sd == (None if sd is None else Fraction(sd))


@pytest.mark.parametrize("text", ["", "-", "n/a", "12 (a)", "1e5", "1" * 40])
def test_what_is_not_a_printed_number(text):
    assert parse(text) is None


def test_intervals_take_both_ways_of_rounding_a_half():
    interval = interval_of("0.12")
    assert interval.holds(Fraction("0.115")) and interval.holds(Fraction("0.125"))
    assert not interval.holds(Fraction("0.1251"))
    assert interval_of("0.12", truncated=True).holds(Fraction("0.1299"))


def test_show_rounds_half_up():
    assert [show(Fraction("2.345")), show(Fraction("-0.5"), 0), show(Fraction(1, 3), 3)] == [
        "2.35",
        "0",
        "0.333",
    ]
