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
CHAINS, ROUNDS, TRIES = 240, 2_500, 3  # of a random search for folds
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
        half = 0.5 * 10.0 ** -len(f.digits.partition(".")[2])  # folds may have been rounded before they were averaged
        highest = [float(one.interval().high) + half for one in (p, r)]
        if float(f.interval().low) - half > 2 * highest[0] * highest[1] / sum(highest) + 1e-9:
            return False  # F1 is concave: its mean is at most that of the means
        rng, drawn = np.random.default_rng([len(name), j]), np.array(truth["nets"][name])
        cases, right = np.stack([drawn[:, 0] + drawn[:, 1], drawn[:, 2] + drawn[:, 3]], axis=1), drawn[:, [0, 2]]
        if _distance(cells, cases, right) > 0:  # what was drawn does not print so: this row was altered
            answers.append(any(_folds_found(cells, totals, truth["k"], rng) for _ in range(TRIES)))
    return True if all(answers) else None


def _folds_found(cells, totals, k, rng) -> bool:
    """Look for folds at random: chains of small changes of answers or cases, each bringing the row nearer as it cools.

    A third of the chains keeps the folds' numbers exact, the others round them, to as many digits as the means or to
    one more, before they are averaged, as honest papers do, too.
    """
    digits = len(cells[0].digits.partition(".")[2])
    more = np.tile([9, digits, digits + 1], CHAINS // 3)  # digits that a chain's folds are rounded to; 9: exact
    even = np.array([[t // k + (i < t % k) for t in totals] for i in range(k)])
    rates = np.array([float(cells[i].value) / 100 for i in (3, 4)])
    cases = np.repeat(even[None], len(more), axis=0)  # (chains, k, 2)
    right = np.clip(np.round(cases * rates + rng.normal(0, 1.5, cases.shape)), 0, cases).astype(int)
    now = _distance(cells, cases, right, more)
    for heat in np.geomspace(1.5, 0.02, ROUNDS):
        if (now <= 0).any():
            return True
        later, hits = _moved(cases, right, rng)
        allowed = ((hits >= 0) & (hits <= later) & (later >= 1)).all(axis=(1, 2))
        then = np.where(allowed, _distance(cells, later, np.clip(hits, 0, np.maximum(later, 1)), more), np.inf)
        take = rng.random(len(now)) < np.exp(np.minimum((now - then) / heat, 0))
        cases[take], right[take], now[take] = later[take], hits[take], then[take]
    return bool((now <= 0).any())


def _moved(cases, right, rng):
    """Change each chain a little: one more or fewer right, one right answer or one case moved to another fold."""
    later, hits, every = cases.copy(), right.copy(), np.arange(len(cases))
    c, what, sign = rng.integers(2, size=len(every)), rng.random(len(every)), rng.choice([-1, 1], len(every))
    i, j = rng.integers(cases.shape[1], size=(2, len(every)))
    answers, dealt = what < 0.8, what >= 0.8
    hits[every[answers], i[answers], c[answers]] += sign[answers]
    both = answers & (what < 0.5)
    hits[every[both], j[both], c[both]] -= sign[both]
    later[every[dealt], i[dealt], c[dealt]] += 1
    later[every[dealt], j[dealt], c[dealt]] -= 1
    return later, hits


def _distance(cells, cases, right, more=9):
    """How far, in units of the last digit, means and ± (the better divisor) lie outside of what is printed.

    cases, right : (..., k, 2); more : digits that the folds' numbers are rounded to, one a chain (9: exact).
    """
    rates = values_of(right[..., 0], cases[..., 0], right[..., 1], cases[..., 1])
    values = np.stack([rates[name] for name in METRICS], axis=-1)  # (..., k, metrics)
    scale = 10.0 ** np.asarray(more)[..., None, None]
    values = np.where(scale > 1e8, values, np.floor(values * scale + 0.5 + 1e-9) / scale)
    ends = np.array([[*one.interval(), *one.sd_interval()] for one in cells], dtype=float)
    unit, mean = ends[:, 1] - ends[:, 0], values.mean(axis=-2)
    outside = np.maximum(np.maximum(ends[:, 0] - mean, mean - ends[:, 1]), 0) / unit
    spreads = [values.std(axis=-2, ddof=ddof) for ddof in (0, 1)]
    away = [np.maximum(np.maximum(ends[:, 2] - sd, sd - ends[:, 3]), 0) / unit for sd in spreads]
    total = outside.sum(axis=-1) + np.minimum(*(one.sum(axis=-1) for one in away))
    return np.where(np.isnan(values).any(axis=(-1, -2)), 1e9, total)


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
