"""Rows of means ± SD over folds, beside mlscorecheck and beside trying everything (whole: benchmarks/audit.py)."""

import os
from fractions import Fraction

import numpy as np
import pytest
from fold_tables import beside_everything, beside_mlscorecheck

from ovcf.audit.fold_rows import IMPOSSIBLE, POSSIBLE, check_folds, target, vectors_of
from ovcf.audit.fold_sizes import even_sizes
from ovcf.audit.printed import parse
from ovcf.audit.published import published_paper


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
        targets[metric] = target(*ends, 5, rounding=Fraction(1, 20_000))
    found = check_folds(((72, 73), (71, 73), (71, 73), (71, 73), (71, 72)), targets)
    assert found.answer == POSSIBLE
    expected = [[47, 25, 65, 8], [49, 22, 56, 17], [53, 18, 59, 14], [57, 14, 49, 23], [57, 14, 53, 20]]
    assert sorted(found.folds.tolist()) == expected


def test_the_solver_writes_nothing_to_standard_output(capfd, monkeypatch):
    """HiGHS prints from C++ now and then; descriptor 1 leads nowhere meanwhile and is given back."""
    from ovcf.audit import highs

    monkeypatch.setattr(highs, "milp", lambda *a, **k: os.write(1, b"HighsMipSolverData"))
    highs.integer_programme()
    os.write(1, b"heard")
    assert capfd.readouterr().out == "heard"
