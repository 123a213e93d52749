"""The audit on simulated papers: silent on honest ones, and what it sees of a planted fault (short version).

The full version is benchmarks/audit.py.
"""

import numpy as np
import pytest
from planting import FAULTS, planted_paper

from ovcf.audit import NOTE, UNDECIDED, audit
from ovcf.audit.simulate import build, finish, honest_paper

# Lowest number of 4 that must be seen; the benchmark's rates are higher.
LEAST = {"one ± with the other divisor": 2, "significance claimed for all readers": 1, "p of another test": 2}


def severe(tree):
    found = audit(build(tree), simulate=False).findings
    return [one for one in found if one.severity not in (NOTE, UNDECIDED) or one.kind == "divisor"]


def test_honest_papers_raise_nothing():
    for seed in range(8):
        tree, _ = honest_paper(np.random.default_rng([seed, 99]))
        assert severe(finish(tree)) == [], seed


@pytest.mark.parametrize("kind", FAULTS)
def test_planted_faults_are_seen(kind):
    seen = [bool(severe(planted_paper(kind, np.random.default_rng([seed, 7])))) for seed in range(4)]
    assert sum(seen) >= LEAST.get(kind, 3)


def test_honest_matrices_are_among_those_recovered():
    for seed in range(5):
        tree, truth = honest_paper(np.random.default_rng([seed, 3]))
        found = audit(build(finish(tree)), simulate=False).matrices
        by_row = {}
        for one in found:
            by_row.setdefault((one.table, one.row), []).append(one.matrix)
        for name, matrices in (("Folds", truth["folds"]), ("Before", truth["before"])):
            row = {"Folds": "Fold", "Before": "Reader"}[name]
            for j, matrix in enumerate(matrices, start=1):
                assert matrix in by_row.get((name, f"{row} {j}"), [matrix])


def test_the_same_seed_makes_the_same_paper():
    papers = [finish(honest_paper(np.random.default_rng(5))[0]) for _ in range(2)]
    assert papers[0] == papers[1]
