"""Could an honest paper print the same digits? An oracle that shares no search with the audit.

`honest_twin(kind, tree, truth)` answers True (an honest paper with just these digits was found: nobody can decide),
False (there is none: the fault can be seen) or None (none was found, and none was ruled out). Matrices are found by
going through all numbers of right answers of each class, tests and averages by computing them from each.
"""

from itertools import product

import numpy as np
from planting import table_of
from scipy import stats

from ovcf.audit.printed import parse, show
from ovcf.audit.simulate import print_p

MOST = 60_000  # combinations of matrices that are gone through one by one
ROUNDS, TRIES = 4_000, 6  # of a random search for folds
METRICS = ("accuracy", "precision_ill", "precision_well", "recall_ill", "recall_well", "f1_ill", "f1_well")


def values_of(tp, p, tn, n) -> dict[str, np.ndarray]:
    """Rates in percent of right answers among p and n cases, arrays or numbers; NaN for 0/0."""
    tp, p, tn, n = (np.asarray(x, float) for x in (tp, p, tn, n))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {
            "accuracy": (tp + tn) / (p + n),
            "specificity": tn / n,
            "sensitivity": tp / p,
            "precision_ill": tp / (tp + n - tn),
            "precision_well": tn / (tn + p - tp),
            "recall_ill": tp / p,
            "recall_well": tn / n,
            "f1_ill": 2 * tp / (tp + p + n - tn),
            "f1_well": 2 * tn / (tn + n + p - tp),
        }
    return {name: 100 * value for name, value in found.items()}


def prints_so(value, text: str) -> np.ndarray:
    """Tell whether values in percent round to a printed number (a hair either way)."""
    half = 0.5 * 10.0 ** -len(text.partition(".")[2]) + 1e-9
    return np.abs(np.asarray(value) - float(text)) <= half


def matrices(row: dict[str, str], sizes) -> list[tuple[int, int, int, int]]:
    """All (tp, p, tn, n) with class sizes among `sizes` whose rates print as a row does."""
    found = []
    for p, n in sizes:
        tp, tn = np.meshgrid(np.arange(p + 1), np.arange(n + 1), indexing="ij")
        rates = values_of(tp, p, tn, n)
        fits = np.all([prints_so(rates[name], text) for name, text in row.items()], axis=0)
        found += [(int(a), p, int(b), n) for a, b in zip(tp[fits], tn[fits], strict=True)]
    return found


# Readers: the same cases before and after
# ------------------------------------------------------------------------------------------------------------


def readers(tree: dict) -> dict[int, dict[str, tuple[list, list]]]:
    """By number of ill cases: what every reader's matrices can be before and after, where every reader has some."""
    n, found = int(tree["sets"]["read"]["n"]), {}
    tables = [table_of(tree, name) for name in ("Before", "After")]
    for p in range(1, n):
        each = {}
        for name in (one for one in tables[0]["rows"] if one != "Average"):
            rows = [dict(zip(table["columns"], table["rows"][name], strict=True)) for table in tables]
            each[name] = tuple(matrices(row, [(p, n - p)]) for row in rows)
            if not all(each[name]):
                break
        else:
            found[p] = each
    return found


def _significance(tree, truth) -> bool:
    """Some answers to single cases let every reader improve significantly (a loop over all pairings)."""
    return any(
        all(any(_improves(a, b) for a, b in product(*sides)) for sides in each.values())
        for each in readers(tree).values()
    )


def _improves(before, after) -> bool:
    """Go through all ways in which right answers before and after can fall on the same cases."""
    ways = []
    for right, cases, later in ((before[0], before[1], after[0]), (before[2], before[3], after[2])):
        ways.append(
            [(later - both, right - both) for both in range(max(0, right + later - cases), min(right, later) + 1)]
        )
    changes = {(a + c, b + d) for (a, b), (c, d) in product(*ways)}
    return any(
        gained > lost and stats.binomtest(min(gained, lost), gained + lost, 0.5).pvalue <= 0.05
        for gained, lost in changes
    )


def _other_test(tree, truth) -> bool | None:
    """Some right answers, or the printed accuracies, give the printed p by the paired test that is named."""
    wanted = tree["tests"][0]["value"]
    printed = [
        [float(row[0]) for name, row in table_of(tree, side)["rows"].items() if name != "Average"]
        for side in ("Before", "After")
    ]
    if print_p(_paired(*printed)) == wanted:
        return True
    open_ones = False
    for each in readers(tree).values():
        choices = [
            sorted({100 * (m[0] + m[2]) / (m[1] + m[3]) for m in side}) for pair in each.values() for side in pair
        ]
        if np.prod([float(len(one)) for one in choices]) > MOST:
            open_ones = True
            continue
        for values in product(*choices):
            if print_p(_paired(values[::2], values[1::2])) == wanted:
                return True
    return None if open_ones else False


def _paired(x, y) -> float:
    with np.errstate(all="ignore"):
        return float(stats.ttest_rel(x, y).pvalue)


# Folds
# ------------------------------------------------------------------------------------------------------------


def _divisor(tree, truth) -> bool | None:
    """One divisor gives every ± of the folds' average, from exact or from printed numbers."""
    rows = table_of(tree, "Folds")["rows"]
    average = [parse(text) for text in rows["Average"]["values"]]
    folds = [row for name, row in rows.items() if name != "Average"]
    printed = np.array([[float(text) for text in row] for row in folds])
    if _one_divisor(printed, average):
        return True
    largest = [max(m[i] + m[i + 1] for m in truth["folds"]) + 8 for i in (0, 2)]  # sizes of folds are not printed
    sizes = list(product(range(1, largest[0]), range(1, largest[1])))
    choices = []
    for row in folds:
        given = dict(zip(METRICS, row, strict=True))
        near = [(p, n) for p, n in sizes if _near(p, given["recall_ill"]) and _near(n, given["recall_well"])]
        choices.append(matrices(given, near))
    several = np.prod([float(len(one)) for one in choices])
    for values in _some(choices, several):
        rates = values_of(*np.array(values).T)
        if _one_divisor(np.stack([rates[name] for name in METRICS], axis=1), average):
            return True
    return False if several <= MOST else None


def _near(cases: int, text: str) -> bool:
    return bool(prints_so(100 * np.arange(cases + 1) / cases, text).any())


def _some(choices, several):
    """All combinations where they are few, else random ones."""
    if several <= MOST:
        return product(*choices)
    rng = np.random.default_rng(5)
    return ([one[rng.integers(len(one))] for one in choices] for _ in range(MOST // 10))


def _one_divisor(values, average) -> bool:
    return any(
        all(
            show(float(sd), len(one.sd_digits.partition(".")[2])) == one.sd_digits
            for sd, one in zip(sds, average, strict=True)
        )
        for sds in (values.std(axis=0, ddof=ddof) for ddof in (0, 1))
    )


def _f1(tree, truth) -> bool | None:
    """Some folds of the printed class totals have every mean and ± of the row that was altered."""
    table, cases = table_of(tree, "Networks"), tree["sets"]["all"]
    totals = int(cases["positive"]), int(cases["negative"])
    answers = []
    for j, (name, row) in enumerate(table["rows"].items()):
        cells = [parse(text) for text in row]
        p, r, f = (cells[i] for i in (1, 3, 5))
        highest = [float(one.interval().high) for one in (p, r)]
        if float(f.interval().low) > 2 * highest[0] * highest[1] / sum(highest) + 1e-9:
            return False  # F1 is concave: its mean is at most that of the means
        rng, drawn = np.random.default_rng([len(name), j]), np.array(truth["nets"][name])
        cases, right = np.stack([drawn[:, 0] + drawn[:, 1], drawn[:, 2] + drawn[:, 3]], axis=1), drawn[:, [0, 2]]
        if _distance(cells, cases, right) > 0:  # what was drawn does not print so: this row was altered
            answers.append(any(_folds_found(cells, totals, truth["k"], rng) for _ in range(TRIES)))
    return True if all(answers) else None


def _folds_found(cells, totals, k, rng) -> bool:
    """Look for folds at random: move answers or cases between folds where that brings the row nearer."""
    state = np.array([[t // k + (i < t % k) for t in totals] for i in range(k)])
    rates = [float(cells[i].value) / 100 for i in (3, 4)]
    right = np.clip(np.round(state * rates + rng.normal(0, 1, state.shape)), 0, state).astype(int)
    now = _distance(cells, state, right)
    for step in range(ROUNDS):
        if now <= 0:
            return True
        cases, hits = state.copy(), right.copy()
        c = rng.integers(2)
        if rng.random() < 0.25:
            i, j = rng.choice(k, 2, replace=False)
            cases[i, c] += 1
            cases[j, c] -= 1
        else:
            hits[rng.integers(k), c] += rng.choice([-1, 1])
        if (hits < 0).any() or (hits > cases).any() or (cases < 1).any():
            continue
        then = _distance(cells, cases, hits)
        if then <= now or rng.random() < np.exp((now - then) * (1 + step / 40)):
            state, right, now = cases, hits, then
    return now <= 0


def _distance(cells, cases, right) -> float:
    """How far, in units of the last digit, means and ± (the better divisor) lie outside of what is printed."""
    rates = values_of(right[:, 0], cases[:, 0], right[:, 1], cases[:, 1])
    values = np.stack([rates[name] for name in METRICS], axis=1)
    if np.isnan(values).any():
        return 1e9
    ends = np.array([[*one.interval(), *one.sd_interval()] for one in cells], dtype=float)
    unit = ends[:, 1] - ends[:, 0]
    outside = np.maximum(np.maximum(ends[:, 0] - values.mean(axis=0), values.mean(axis=0) - ends[:, 1]), 0) / unit
    spreads = [values.std(axis=0, ddof=ddof) for ddof in (0, 1)]
    away = [np.maximum(np.maximum(ends[:, 2] - sd, sd - ends[:, 3]), 0) / unit for sd in spreads]
    return float(outside.sum() + min(one.sum() for one in away))


ORACLES = {
    "one ± with the other divisor": _divisor,
    "a mean F1 above its bound": _f1,
    "p of another test": _other_test,
    "significance claimed for all readers": _significance,
}


def honest_twin(kind: str, tree: dict, truth: dict) -> bool | None:
    """Tell whether an honest paper prints the same digits; None where that was not settled (see the module's text)."""
    return ORACLES[kind](tree, truth) if kind in ORACLES else None


__all__ = ["ORACLES", "honest_twin"]
