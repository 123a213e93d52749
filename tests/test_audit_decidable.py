"""The audit says what can be said: claims and tests of p against an oracle that goes through all answers."""

from itertools import product

import numpy as np
import pytest
from audit import detected
from decidable import honest_twin, matrices
from planting import planted_tree

from ovcf.audit.audit import audit
from ovcf.audit.behind import behind
from ovcf.audit.bounds import exact_mcnemar
from ovcf.audit.findings import CONTRADICTION, NOTE, UNLIKELY
from ovcf.audit.simulate import build, exact_rates, finish, mean_row


@pytest.mark.parametrize("kind", ["significance claimed for all readers", "p of another test"])
@pytest.mark.parametrize("seed", range(4))
def test_what_no_honest_paper_prints_is_seen_and_nothing_else(kind, seed):
    tree, truth = planted_tree(kind, np.random.default_rng([seed, 7]))
    found = audit(build(finish(tree)), simulate=False).findings
    assert detected([(one.kind, one.severity) for one in found]) == (honest_twin(kind, tree, truth) is False)


def claim(before, after, totals=("6", "6")):
    """One reader before and after, accuracy, specificity and sensitivity in percent, on twelve cases."""
    sets = {"read": {"n": "12"} | dict(zip(("positive", "negative"), totals, strict=False))}
    columns = ["accuracy", "specificity", "sensitivity"]
    tables = [{"name": name, "cases": "read", "columns": columns, "rows": {"R": row}}
              for name, row in (("Before", before), ("After", after))]  # fmt: skip
    said = {"quote": "improved", "kind": "improved", "from": "Before / R", "to": "After / R"}
    return {"classes": {"positive": "ill", "negative": "well"}, "sets": sets, "tables": tables, "claims": [said]}


@pytest.mark.parametrize("totals", [("6", "6"), ()])
@pytest.mark.parametrize("rows", [(["50", "50", "50"], ["83", "83", "83"]), (["58", "-", "-"], ["83", "-", "-"])])
def test_bounds_of_p_are_those_of_all_matrices_and_pairings(totals, rows):
    """Rates that are not printed leave several matrices, and several class sizes where they are not printed."""
    sizes = [(6, 6)] if totals else [(p, 12 - p) for p in range(1, 12)]
    names = ("accuracy", "specificity", "sensitivity")
    p = []
    for size in sizes:
        sides = [matrices({k: v for k, v in zip(names, row, strict=True) if v != "-"}, [size]) for row in rows]
        for (a, m, b, n), (c, _, d, _) in product(*sides):
            for i, j in product(range(max(0, a + c - m), min(a, c) + 1), range(max(0, b + d - n), min(b, d) + 1)):
                p.append(exact_mcnemar(c - i + d - j, a - i + b - j))
    found = audit(build(claim(*rows, totals)), simulate=False).bounds.iloc[0]
    assert (found.smallest_p, found.largest_p) == pytest.approx((min(p), max(p)))


def test_a_mean_f1_that_only_rounding_before_averaging_could_give_is_unlikely_and_beyond_that_impossible():
    def severity(f1):
        row = {"kind": "mean", "over": "5", "values": ["80", "80", f1]}
        table = {"name": "N", "columns": ["precision_ill", "recall_ill", "f1_ill"], "rows": {"A": row}}
        tree = {"classes": {"positive": "ill", "negative": "well"}, "tables": [table]}
        found = [one.severity for one in audit(build(tree), simulate=False).findings if one.kind == "f1-bound"]
        return found[0] if found else NOTE

    # at most 80.5 with rounding of all three: 81 stands for 80.5 to 81.5
    assert [severity(f1) for f1 in ("80", "81", "82", "83")] == [NOTE, NOTE, UNLIKELY, CONTRADICTION]


def test_a_calculation_used_what_is_printed_what_it_stands_for_or_what_lies_between():
    tree = claim(["58", "50", "67"], ["83", "83", "83"])
    paper = build(tree)
    from ovcf.audit.findings import Ledger
    from ovcf.audit.recover import recover

    row = paper.row("Before / R")
    found = behind(paper, recover(paper, Ledger(), {}, False), row, "accuracy")  # 7 of 12 is 58.33
    assert float(found.low) == pytest.approx(58 - 0.05) and float(found.high) == pytest.approx(58.3333 + 0.05, abs=1e-3)
    assert behind(paper, None, row, "accuracy") == row.cells["accuracy"].printed.interval()


@pytest.mark.parametrize("seed", [7, 17])
def test_columns_of_a_row_that_no_one_divisor_gives_are_noted_though_each_could_have_either(seed):
    """Whole percents hide which divisor a ± has; the row as a whole, from printed or exact numbers, does not."""

    def noted(tree):
        return [one.kind for one in audit(build(finish(tree)), simulate=False).findings].count("divisor")

    tree, truth = planted_tree("one ± with the other divisor", np.random.default_rng([seed, 7]))
    assert truth["digits"] == 0 and noted(tree) == 1
    average = next(table for table in tree["tables"] if table["name"] == "Folds")["rows"]["Average"]["values"]
    rates = exact_rates(truth["folds"], ["recall_positive"])
    average[3] = tree["statements"][0]["values"]["sensitivity"] = mean_row(rates, 0, truth["ddof"])[0]
    assert noted(tree) == 0  # as it was before the fault
