"""Simulated papers in every style of printing: no contradiction in honest ones, new faults seen (whole: benchmarks)."""

import numpy as np
import pytest
import styles

from ovcf.audit import CONTRADICTION, NOTE, UNDECIDED, audit
from ovcf.audit.simulate import build


def test_honest_papers_contradict_nothing():
    for seed in range(8):
        found = audit(build(styles.styled(np.random.default_rng([seed, 5]))[0]), simulate=False).findings
        assert [one for one in found if one.severity == CONTRADICTION] == [], seed


@pytest.mark.parametrize("kind", styles.FAULTS)
def test_faults_are_seen(kind):
    for seed in range(2):
        found = audit(build(styles.styled_with(kind, np.random.default_rng([seed, 6]))), simulate=False).findings
        assert any(one.severity not in (NOTE, UNDECIDED) for one in found), seed


def rows(values, sets, **head):
    table = {"name": "T", "columns": ["accuracy", "sensitivity", "specificity"], "rows": values} | head
    return audit(build({"sets": sets, "tables": [table]}), simulate=False)


def test_digits_that_fit_other_totals_than_the_printed_ones():
    sets = {"test": {"n": "100", "positive": "30", "negative": "70"}}
    result = rows({"A": ["71.0", "72.5", "70.0"], "B": ["80.0", "77.5", "81.7"]}, sets, cases="test")
    (found,) = [one for one in result.findings if one.kind == "class-totals"]
    assert found.printed == "30/70" and found.recomputed.startswith("40/60")
    assert not [one for one in result.findings if one.kind == "impossible"]
    assert result.matrices == []  # totals that nobody printed are not assigned


def test_repairs_are_marked_and_no_larger_than_the_set():
    sets = {"all": {"n": "60", "positive": "28", "negative": "32"}}
    values = {"Fold 1": ["80.0", "85.7", "75.0"], "Fold 2": ["93.3", "85.7", "75.0"]}
    result = rows(values, sets, folds_of="all")
    repaired = [one for one in result.matrices if one.repaired]
    assert repaired and all(one.tp + one.fn <= 28 and one.tn + one.fp <= 32 for one in repaired)
    assert all("repaired" in one for one in result.as_json()["matrices"])
