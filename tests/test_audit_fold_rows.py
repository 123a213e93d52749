"""Rows of means ± SD over folds, beside mlscorecheck and beside trying everything (whole: benchmarks/audit.py)."""

import os
from fractions import Fraction
from itertools import combinations_with_replacement

import numpy as np
import pytest
from fold_tables import beside_everything, beside_mlscorecheck

from ovcf.audit.fold_rounding import WAYS
from ovcf.audit.fold_rows import IMPOSSIBLE, POSSIBLE, check_folds, vectors_of
from ovcf.audit.fold_sizes import even_sizes
from ovcf.audit.printed import interval_of, parse, show
from ovcf.audit.published import published_paper
from ovcf.audit.scores import of_counts
from ovcf.audit.targets import target


@pytest.mark.filterwarnings("ignore")
def test_without_spreads_the_verdict_is_mlscorechecks():
    pytest.importorskip("mlscorecheck")
    found = [beside_mlscorecheck(seed) for seed in range(8)]
    assert all(ours == theirs for ours, theirs in found) and len({ours for ours, _ in found}) == 2


@pytest.mark.parametrize("unknown", [False, True])
def test_with_spreads_the_verdict_is_that_of_trying_everything(unknown):
    found = [beside_everything(seed, unknown) for seed in range(8 if unknown else 60)]
    assert all(ours == theirs for ours, theirs in filter(None, found))
    assert {ours for ours, _ in filter(None, found)} == {POSSIBLE, IMPOSSIBLE}


def test_vectors_are_all_that_have_the_mean_and_spread():
    counts = np.array([5, 4, 5])
    wanted = target(
        parse("0.73").interval(), parse("0.12").sd_interval() if parse("0.12").sd else parse("0.12").interval(), 3
    )
    ours, complete = vectors_of(counts, wanted)
    every = np.array(np.meshgrid(*[np.arange(c + 1) for c in counts])).reshape(3, -1).T
    theirs = every[wanted.holds(every / counts)]
    assert complete and sorted(map(tuple, ours.tolist())) == sorted(map(tuple, theirs.tolist()))


def test_even_sizes_add_up():
    for sizes in even_sizes(17, 22, 5):
        assert np.sum(sizes, axis=0).tolist() == [17, 22] and len(sizes) == 5


def test_the_paper_s_own_average_leads_back_to_its_folds():
    """Table 3's average alone gives the five matrices that its rows give."""
    row = published_paper().tables["Table 3"].rows["Average"]
    names = ["accuracy", "precision_fresh", "precision_old", "recall_fresh", "recall_old", "f1_fresh", "f1_old"]
    targets = {}
    for name in names:
        printed, metric = row.cells[name].printed, published_paper().metric_of(name)
        ends = [end.scaled(Fraction(1, 100)) for end in (printed.interval(), printed.sd_interval())]
        targets[metric] = target(*ends, 5, digits=4)
    found = check_folds(((72, 73), (71, 73), (71, 73), (71, 73), (71, 72)), targets)
    assert found.answer == POSSIBLE
    expected = [[47, 25, 65, 8], [49, 22, 56, 17], [53, 18, 59, 14], [57, 14, 49, 23], [57, 14, 53, 20]]
    assert sorted(found.folds.tolist()) == expected


def printed_row(rng, way):
    """A row over three folds of 8 and 9 cases, to one digit: of exact numbers, of rounded ones, or with one changed."""
    right = rng.integers(1, 9, (3, 2))
    matrices = np.stack([right[:, 0], 8 - right[:, 0], right[:, 1], 9 - right[:, 1]], axis=1)
    row = {}
    for metric in ("accuracy", "recall_positive", "precision_positive", "f1_positive"):
        values = [Fraction(float(v)).limit_denominator(1000) for v in of_counts(metric, matrices)]
        values = [Fraction(show(v, way)) for v in values] if way else values
        row[metric] = show(sum(values) / 3, 2), show(float(np.std([float(v) for v in values], ddof=1)), 2)
    return row


@pytest.mark.parametrize("way", [None, 2, 3, 4])
def test_folds_rounded_before_averaging_are_allowed_for_and_said(way):
    hows = set()
    for seed in range(12):
        row = printed_row(np.random.default_rng([seed, way or 0]), way)
        targets = {m: target(interval_of(a), interval_of(b), 3, digits=2) for m, (a, b) in row.items()}
        found = check_folds(((8, 9),) * 3, targets)
        assert found.answer == POSSIBLE
        hows.add(found.how)
        if found.folds is not None:  # what is shown must print so, in the way that is said
            digits = {"": None, WAYS[1]: 2, WAYS[2]: 3, WAYS[3]: 4}[found.how]
            for metric, (mean, _) in row.items():
                values = [Fraction(float(v)).limit_denominator(1000) for v in of_counts(metric, found.folds)]
                values = [Fraction(show(v, digits)) for v in values] if digits else values
                assert interval_of(mean).holds(sum(values) / 3), (metric, found)
    assert hows != {""} if way == 2 else "" in hows


def test_no_way_of_rounding_gives_a_row_that_none_gives():
    """A mean F1 just above what any way of rounding allows, within what all of them together would."""
    impossible = 0
    for seed in range(40):
        row = printed_row(np.random.default_rng([seed, 5]), None)
        mean, sd = row["f1_positive"]
        row["f1_positive"] = show(Fraction(mean) + Fraction(1, 100)), sd
        targets = {m: target(interval_of(a), interval_of(b), 3, digits=2) for m, (a, b) in row.items()}
        ours, can = check_folds(((8, 9),) * 3, targets), tried(row)
        # 1/8 lies half-way between two digits and may be rounded to either: then no folds are shown
        assert can == (ours.answer == POSSIBLE) or (not can and ours.folds is None), row
        impossible += ours.answer == IMPOSSIBLE
    assert impossible > 10


def tried(row):
    """Every number of right answers in three folds of 8 and 9, kept whole or rounded in each way."""
    fold = np.array([(a, 8 - a, b, 9 - b) for a in range(9) for b in range(10)])
    index = np.array(list(combinations_with_replacement(range(len(fold)), 3)))
    values = {m: of_counts(m, fold) for m in row}
    for digits in (None, 2, 3, 4, 5):
        fits = np.ones(len(index), dtype=bool)
        for metric, (mean, sd) in row.items():
            step = values[metric] if digits is None else np.floor(values[metric] * 10**digits + 0.5 + 1e-9) / 10**digits
            three, ends, spread = step[index], interval_of(mean), interval_of(sd)
            fits &= (three.mean(axis=1) >= float(ends.low) - 1e-9) & (three.mean(axis=1) <= float(ends.high) + 1e-9)
            sds = [three.std(axis=1, ddof=d) for d in (0, 1)]
            fits &= np.any([(s >= float(spread.low) - 1e-9) & (s <= float(spread.high) + 1e-9) for s in sds], axis=0)
        if fits.any():
            return True
    return False


def test_the_solver_writes_nothing_to_standard_output(capfd, monkeypatch):
    """HiGHS prints from C++ now and then; descriptor 1 leads nowhere meanwhile and is given back."""
    from ovcf.audit import highs

    monkeypatch.setattr(highs, "milp", lambda *a, **k: os.write(1, b"HighsMipSolverData"))
    highs.integer_programme()
    os.write(1, b"heard")
    assert capfd.readouterr().out == "heard"
