"""Bounds without raw data, against literal enumeration, simulation and other software."""

import itertools

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from ovcf.audit import bounds
from ovcf.audit.averages import averages_of
from ovcf.audit.folds import split_chances
from ovcf.audit.printed import Interval, parse, show
from ovcf.audit.pvalues import Cell, how_computed, p_of, p_over_orders, p_range
from ovcf.audit.simulate import build


def test_exact_mcnemar_is_that_of_statsmodels():
    for gained, lost in [(5, 0), (7, 2), (3, 3), (12, 4)]:
        theirs = mcnemar([[10, gained], [lost, 10]], exact=True).pvalue
        assert bounds.exact_mcnemar(gained, lost) == pytest.approx(theirs)


def test_mcnemar_bounds_are_the_ends_of_all_pairings():
    def all_pairings(right, later, cases):
        """Discordant pairs of every way to have `right` before and `later` after of `cases`."""
        for lost in range(cases + 1):
            gained = later - right + lost
            if 0 <= gained and lost <= right and gained <= cases - right:
                yield gained, lost

    for first, second in itertools.product([(2, 4), (3, 5), (4, 4)], repeat=2):
        before, after = [(first[0], 6), (second[0], 7)], [(first[1], 6), (second[1], 7)]
        ways = [
            bounds.exact_mcnemar(a[0] + b[0], a[1] + b[1])
            for a in all_pairings(first[0], first[1], 6)
            for b in all_pairings(second[0], second[1], 7)
        ]
        found = bounds.mcnemar_bounds(before, after)
        assert (found.smallest, found.largest) == pytest.approx((min(ways), max(ways)))


def test_mean_f1_never_leaves_its_bounds(rng):
    for _ in range(300):
        k = int(rng.integers(2, 8))
        p, r = rng.uniform(0.3, 1, (2, k))
        exact = [Interval(value, value) for value in (p.mean(), r.mean())]
        low, high = bounds.mean_f1_bounds(*exact, p.std(ddof=1), r.std(ddof=1), k)
        assert float(low) - 1e-9 <= np.mean(2 * p * r / (p + r)) <= float(high) + 1e-9


def test_largest_sd_is_reached_by_values_at_the_ends():
    values = np.array([0, 0, 1, 1, 1])
    assert bounds.largest_sd(values.mean(), 0, 1, 5) == pytest.approx(values.std(ddof=1))


def test_auc_lies_within_its_points_bounds(rng):
    scores, truth = rng.normal(size=60), rng.random(60) < 0.5
    scores = scores + truth
    auc = stats.mannwhitneyu(scores[truth], scores[~truth]).statistic / truth.sum() / (~truth).sum()
    for cut in np.linspace(-1, 2, 9):
        low, high = bounds.auc_bounds((scores[truth] > cut).mean(), (scores[~truth] <= cut).mean())
        assert low - 1e-12 <= auc <= high + 1e-12


def test_p_values_are_those_of_scipy(rng):
    x, y = rng.normal(size=(2, 6))
    assert p_of("paired t", x, y) == pytest.approx(stats.ttest_rel(x, y).pvalue)
    assert p_of("two-sample t", x, y) == pytest.approx(stats.ttest_ind(x, y).pvalue)
    assert p_of("Welch t", x, y) == pytest.approx(stats.ttest_ind(x, y, equal_var=False).pvalue)


def cells(printed):
    """Printed numbers and all that they may stand for."""
    return [Cell(one.value, *one.interval()) for one in map(parse, printed)]


def test_p_range_holds_p_of_values_that_print_so(rng):
    for _ in range(25):
        x, y = rng.normal(70, 5, 5), rng.normal(74, 5, 5)
        found = p_range("paired t", *(cells([show(value, 1) for value in side]) for side in (x, y)))
        assert found.low - 1e-9 <= p_of("paired t", x, y) <= found.high + 1e-9


def test_the_test_that_gave_a_p_is_found(rng):
    x, y = rng.normal(70, 5, 6), rng.normal(74, 5, 6)
    printed = parse(show(p_of("paired t", x.round(2), y.round(2)), 3))
    found = how_computed(printed, *(cells([show(value) for value in side]) for side in (x, y))).set_index("test")
    assert found.loc["paired t", "exact"] and not found.loc["two-sample t", "exact"]


def test_all_orders_of_pairing_are_tried():
    low, high, ways = p_over_orders([1.0, 2, 4], [2.0, 4, 3])
    each = [p_of("paired t", [1.0, 2, 4], order) for order in itertools.permutations([2.0, 4, 3])]
    assert (low, high, ways) == (pytest.approx(min(each)), pytest.approx(max(each)), 6)


def averages(values, average):
    """Audit one column's average."""
    rows = {f"Row {j}": [value] for j, value in enumerate(values)}
    rows["Mean"] = {"kind": "mean", "of": "Row *", "values": [average]}
    paper = build({"tables": [{"name": "T", "columns": ["accuracy"], "rows": rows}]})
    table = paper.tables["T"]
    return averages_of(paper, table, table.rows["Mean"])[0]


@pytest.mark.parametrize(("ddof", "name"), [(0, "0"), (1, "1")])
def test_divisor_is_named(ddof, name):
    values = [71.25, 74.5, 80.12, 69.03]
    sd = show(np.std(values, ddof=ddof), 2)
    assert averages([str(v) for v in values], f"{show(np.mean(values))} ± {sd}").ddof == name


def test_the_row_that_would_mend_an_average_is_found():
    values = [60.87, 76.47, 72.22, 68.75, 68.42]
    changed = [60.87, 70.47, 72.22, 68.75, 68.42]
    found = averages([str(v) for v in changed], f"{show(np.mean(values))} ± {show(np.std(values, ddof=1))}")
    assert not found.fits
    low, high = found.mends["Row 1"]
    assert low <= 76.47 <= high and high - low < 0.2


def test_fold_sizes_and_ways_of_splitting():
    sizes = np.array([[73, 72], [73, 71], [73, 71], [73, 71], [72, 71]])
    chances = split_chances(sizes, 405, draws=60).set_index("splitter").chance
    assert chances["per class, remainders to the first folds"] == 1
    assert chances["stratified, whole folds even"] == 0
    assert chances["patients at random, equal patients a fold"] < 0.05


def test_the_stratified_way_is_scikit_learns():
    from sklearn.model_selection import StratifiedKFold

    truth = np.repeat([1, 0], [364, 356])
    folds = StratifiedKFold(5).split(np.zeros(720), truth)
    sizes = np.array([[truth[test].sum(), (1 - truth[test]).sum()] for _, test in folds])
    assert split_chances(sizes, None).set_index("splitter").chance["stratified, whole folds even"] == 1
