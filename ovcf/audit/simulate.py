"""Simulated papers: what the audit must not cry wolf over, and what it must see.

An honest paper holds random confusion matrices, every number computed correctly and rounded to 0-2 decimals:
a table of folds with their mean ± SD, a table of networks with means only, readers before and after help on
the same cases, counts with totals, p-values, an abstract and claims that are true.
"""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from scipy import stats

from .bounds import exact_mcnemar
from .checked import mark
from .matrices import RATES, rates_of
from .paper import Paper
from .printed import show
from .reading import Reader

FOLD_COLUMNS = [
    "accuracy",
    "precision_ill",
    "precision_well",
    "recall_ill",
    "recall_well",
    "f1_ill",
    "f1_well",
]
FOLD_METRICS = [column.replace("ill", "positive").replace("well", "negative") for column in FOLD_COLUMNS]
Matrix = tuple[int, int, int, int]  # tp, fn, tn, fp
READER_COLUMNS = ["accuracy", "specificity", "sensitivity"]
READER_METRICS = ["accuracy", "recall_negative", "recall_positive"]


def build(tree: dict) -> Paper:
    """Turn a plain dictionary in the YAML's form into a `Paper`, with all its checks."""
    return Reader("simulated").paper(mark(tree))


def honest_paper(rng: np.random.Generator) -> tuple[dict, dict]:
    """Draw an honest paper; returns the tree and the truth behind it, for planting faults."""
    digits, ddof, k = int(rng.integers(0, 3)), int(rng.integers(0, 2)), int(rng.choice([3, 5, 10]))
    sizes = _class_sizes(rng, k)
    folds = _matrices(rng, sizes)
    nets = {f"Network {j}": _matrices(rng, sizes) for j in "ABC"}
    before, after, gains = _readers(rng)
    truth = {"digits": digits, "ddof": ddof, "k": k, "folds": folds, "nets": nets}
    truth |= {"before": before, "after": after, "gains": gains}
    counts = rng.integers(1, 60, (int(rng.integers(3, 9)), 2))
    positive, negative = sizes.sum(axis=0)
    cases = int(sum(before[0]))
    tree = {
        "paper": {"title": "A simulated paper"},
        "classes": {"positive": "ill", "negative": "well"},
        "sets": {
            "all": {"n": str(positive + negative), "positive": str(positive), "negative": str(negative)},
            "read": {"n": str(cases), "part_of": "all"},
        },
        "tables": [
            _counts_table(counts),
            _nets_table(truth),
            _folds_table(truth),
            _readers_table("Before", before, truth),
            _readers_table("After", after, truth),
        ],
        "sums": [{"total": "Counts / Total / ill", "parts": ["Counts / * / ill"]}],
        "tests": _tests(rng, truth, before, after),
        "claims": _claims(truth),
    }
    row = next(table for table in tree["tables"] if table["name"] == "Folds")["rows"]["Average"]["values"]
    tree["statements"] = [
        {"place": "Abstract", "of": "Folds / Average", "values": {"accuracy": row[0], "sensitivity": row[3]}}
    ]
    return tree, truth


def _class_sizes(rng, k):
    """Sizes of k folds, int (k, 2): even per class, or uneven by a few cases."""
    positive, negative = rng.integers(12 * k, 90 * k, 2)
    sizes = np.stack([np.full(k, total // k) + (np.arange(k) < total % k) for total in (positive, negative)], axis=1)
    if rng.random() < 0.5:
        sizes = sizes + rng.integers(-3, 4, sizes.shape)
    return sizes


def _matrices(rng, sizes):
    """Matrices of one network on all folds; its threshold moves a little from fold to fold."""
    rates = rng.uniform(0.55, 0.95, 2)
    return [_matrix(rng, p, n, (rates + rng.uniform(-0.06, 0.06, 2)).clip(0.05, 0.98)) for p, n in sizes]


def _matrix(rng, positives, negatives, rates):
    """Draw tp, fn, tn, fp such that every rate is defined."""
    while True:
        tp, tn = rng.binomial([positives, negatives], rates)
        matrix = (int(tp), int(positives - tp), int(tn), int(negatives - tn))
        if len(rates_of(matrix)) == len(RATES) and tp and tn:
            return matrix


def _readers(rng):
    """Answers of readers to the same cases without and with help: matrices, and (gained, lost) of each."""
    positives, negatives = (int(x) for x in rng.integers(10, 60, 2))
    before, after, gains = [], [], []
    for _ in range(int(rng.integers(2, 6))):
        while True:
            first = [rng.random(size) < rng.uniform(0.4, 0.8) for size in (positives, negatives)]
            second = [np.where(right, rng.random(len(right)) < 0.9, rng.random(len(right)) < 0.5) for right in first]
            pair = [(int(a.sum()), len(a) - int(a.sum()), int(b.sum()), len(b) - int(b.sum()))
                    for a, b in (first, second)]  # fmt: skip
            if all(len(rates_of(matrix)) == len(RATES) for matrix in pair):
                break
        before.append(pair[0])
        after.append(pair[1])
        one, two = np.concatenate(first), np.concatenate(second)
        gains.append((int((two & ~one).sum()), int((one & ~two).sum())))
    return before, after, gains


def exact_rates(matrices: Iterable[Matrix], metrics: Iterable[str]) -> list[list[Fraction]]:
    """Exact rates in percent, one row a matrix: list of lists of Fraction."""
    return [[100 * rates_of(matrix)[metric] for metric in metrics] for matrix in matrices]


def mean_row(rates: list[list[Fraction]], digits: int, ddof: int) -> list[str]:
    """Mean ± SD of each column, computed from exact values and then rounded."""
    return [
        f"{show(sum(column) / len(column), digits)} ± {show(np.std([float(v) for v in column], ddof=ddof), digits)}"
        for column in zip(*rates, strict=True)
    ]


def _folds_table(truth) -> dict:
    rates = exact_rates(truth["folds"], FOLD_METRICS)
    rows = {f"Fold {j}": [show(value, truth["digits"]) for value in row] for j, row in enumerate(rates, start=1)}
    rows["Average"] = {
        "kind": "mean",
        "of": "Fold *",
        "values": mean_row(rates, truth["digits"], truth["ddof"]),
    }
    return {"name": "Folds", "folds_of": "all", "columns": FOLD_COLUMNS, "rows": rows}


def _nets_table(truth) -> dict:
    rows = {
        name: mean_row(exact_rates(matrices, FOLD_METRICS), truth["digits"], truth["ddof"])
        for name, matrices in truth["nets"].items()
    }
    table = {"name": "Networks", "kind": "mean", "over": str(truth["k"]), "folds_of": "all"}
    return table | {"columns": FOLD_COLUMNS, "rows": rows}


def _readers_table(name, matrices, truth) -> dict:
    rates = exact_rates(matrices, READER_METRICS)
    rows = {f"Reader {j}": [show(value, truth["digits"]) for value in row] for j, row in enumerate(rates, start=1)}
    rows["Average"] = {
        "kind": "mean",
        "of": "Reader *",
        "values": mean_row(rates, truth["digits"], truth["ddof"]),
    }
    return {"name": name, "cases": "read", "columns": READER_COLUMNS, "rows": rows}


def _counts_table(counts) -> dict:
    rows = {f"Level {j}": [str(a), str(b)] for j, (a, b) in enumerate(counts, start=1)}
    rows["Total"] = {"kind": "total", "values": [str(total) for total in counts.sum(axis=0)]}
    return {"name": "Counts", "kind": "counts", "columns": ["ill", "well"], "rows": rows}


def print_p(p: float) -> str:
    """Three decimals, "< 0.001", or a dash where the test could not be done."""
    if np.isnan(p):
        return "-"
    return "< 0.001" if p < 0.001 else show(p, 3)


def _tests(rng, truth, before, after) -> list[dict]:
    """A paired t of readers, named, and a two-sample t of the folds' recalls, not named."""
    columns = [[float(row[0]) for row in exact_rates(side, READER_METRICS)] for side in (before, after)]
    readers = {"p": "P values / Readers / p", "method": "paired t"}
    readers |= {"value": print_p(stats.ttest_rel(*columns).pvalue)}
    readers |= {"first": "Before / Reader * / accuracy", "second": "After / Reader * / accuracy"}
    folds = {"p": "P values / Folds / p", "value": print_p(_fold_p(truth))}
    folds |= {"first": "Folds / Fold * / recall_ill", "second": "Folds / Fold * / recall_well"}
    return [readers, folds]


def _fold_p(truth):
    rates = exact_rates(truth["folds"], ["recall_positive", "recall_negative"])
    return stats.ttest_ind(*[[float(row[j]) for row in rates] for j in (0, 1)]).pvalue


def _claims(truth) -> list[dict]:
    """Only claims that are true."""
    claims = []
    if all(gained > lost and exact_mcnemar(gained, lost) <= 0.05 for gained, lost in truth["gains"]):
        claims.append({"quote": "all readers improved significantly", "kind": "improved",
                       "from": "Before / Reader *", "to": "After / Reader *"})  # fmt: skip
    best = max(truth["nets"], key=lambda name: _mean_accuracy(truth["nets"][name]))
    claims.append({"quote": f"{best} was the most accurate", "kind": "best", "row": f"Networks / {best}",
                   "among": "Networks / *", "columns": ["accuracy"]})  # fmt: skip
    return claims


def _mean_accuracy(matrices):
    return sum(rates_of(matrix)["accuracy"] for matrix in matrices) / len(matrices)


def finish(tree: dict) -> dict:
    """Move the p-values into their own table, as the format wants."""
    rows = {test["p"].split(" / ")[1]: {"kind": "p", "values": [test["value"]]} for test in tree["tests"]}
    tests = [{key: value for key, value in test.items() if key != "value"} for test in tree["tests"]]
    table = {"name": "P values", "columns": ["p"], "rows": rows}
    return tree | {"tables": [*tree["tables"], table], "tests": tests}
