"""Tables of simulated papers in the styles that papers print: averages over classes, counts, intervals, digits cut off.

`styled(rng)` is an honest paper; `FAULTS` are errors planted in one. Each keeps its truth beside what it prints.
"""

from fractions import Fraction

import numpy as np
from scipy import stats

from ovcf.audit.cells import BASES, intervals_of
from ovcf.audit.matrices import rates_of, solve
from ovcf.audit.printed import interval_of, show
from ovcf.audit.scores import of_counts

SINGLE = ("accuracy", "sensitivity", "specificity", "ppv", "npv")
METRIC = {
    "accuracy": "accuracy",
    "sensitivity": "recall_positive",
    "specificity": "recall_negative",
    "ppv": "precision_positive",
    "npv": "precision_negative",
}
PLAIN = {"mcc": "mcc", "kappa": "kappa", "youden": "youden"}
AVERAGES = ("positive", "macro", "weighted", "micro")


class Printer:
    """How one paper prints: digits, rounding or cutting off, the sign of its decimals, what stands behind a rate."""

    def __init__(self, rng: np.random.Generator):
        self.digits = int(rng.integers(1, 3))
        self.cut = rng.random() < 0.15
        self.point = str(rng.choice([".", ".", ".", ",", "·"]))
        self.behind = str(rng.choice(["", "", "counts", "interval", "both"]))
        self.method = str(rng.choice(["Wilson", "Clopper-Pearson", "Wald", "Agresti-Coull", "Jeffreys"]))
        self.named = rng.random() < 0.5

    def number(self, value, digits=None) -> str:
        """Print a number, rounded half up or cut off."""
        digits = self.digits if digits is None else digits
        step = Fraction(1, 10**digits)
        cut = (Fraction(value) // step) * step if value >= 0 else -((-Fraction(value)) // step) * step
        return show(cut if self.cut else value, digits).replace(".", self.point)

    def rate(self, metric: str, matrix, cases_factor: int = 1) -> str:
        """Print a rate in percent with what stands behind it; its interval is of `cases_factor` times the cases."""
        exact = rates_of(matrix)[metric]
        hits, cases = self.parts(metric, matrix)
        text = self.number(100 * exact)
        if self.behind in ("counts", "both"):
            text += f" ({hits}/{cases})"
        if self.behind in ("interval", "both"):
            found = {one.method: one for one in intervals_of(hits * cases_factor, cases * cases_factor)}[self.method]
            low, high = (self.number(100 * min(max(end, 0.0), 1.0)) for end in (found.low, found.high))
            text += f" [{low}; {high}]"
        return text

    @staticmethod
    def parts(metric: str, matrix) -> tuple[int, int]:
        """Right answers and cases of a rate."""
        cases = sum(a * b for a, b in zip(BASES[metric], matrix, strict=True))
        return int(rates_of(matrix)[metric] * cases), cases


def matrices_of(rng: np.random.Generator, sizes, rows: int) -> list[tuple[int, int, int, int]]:
    """Draw matrices with both answers given to both classes."""
    found = []
    while len(found) < rows:
        tp, tn = (int(x) for x in rng.binomial(sizes, rng.uniform(0.5, 0.97, 2)))
        matrix = tp, int(sizes[0]) - tp, tn, int(sizes[1]) - tn
        if min(matrix) > 0:
            found.append(matrix)
    return found


def styled(rng: np.random.Generator) -> tuple[dict, dict]:
    """Draw an honest paper in one style of printing; returns the tree of its file and the truth."""
    printer = Printer(rng)
    sizes = tuple(int(x) for x in rng.integers(15, 150, 2))
    truth = {"printer": printer, "sizes": sizes, "tested": matrices_of(rng, sizes, 3)}
    tree = {
        "paper": {"title": "A simulated paper"},
        "classes": {"positive": "ill", "negative": "well"},
        "sets": {"tested": {"n": str(sum(sizes)), "positive": str(sizes[0]), "negative": str(sizes[1])}},
        "tables": [
            _rates("Tested", truth["tested"], printer, cases="tested"),
            _averaged(rng, truth, printer),
            _own_cases(rng, truth, printer),
            _no_number(rng, truth, printer),
            _folds(rng, truth, printer),
        ],
        "statistics": [{"printed": text} for text in _statistics(rng)],
        "facts": _means(rng, truth),
    }
    return tree, truth


def _rates(name, matrices, printer, factor=1, **head) -> dict:
    rows = {f"Model {j}": [printer.rate(METRIC[c], m, factor) for c in SINGLE] for j, m in enumerate(matrices, start=1)}
    head |= {"intervals": printer.method} if printer.named and printer.behind in ("interval", "both") else {}
    return {"name": name, "columns": list(SINGLE), "rows": rows} | head


def _averaged(rng, truth, printer) -> dict:
    """Bare precision, recall and F1 of the positive class, or averages over both; and MCC, kappa, Youden's J."""
    average, plain = str(rng.choice(AVERAGES)), str(rng.choice(list(PLAIN)))
    names = ["accuracy", *(f"{kind}_{average}" for kind in ("precision", "recall", "f1"))]
    rows = {}
    for j, matrix in enumerate(truth["tested"], start=1):
        values = [float(of_counts(metric, np.array([matrix]))[0]) for metric in names]
        last = float(of_counts(PLAIN[plain], np.array([matrix]))[0])
        rows[f"Model {j}"] = [printer.number(100 * v) for v in values] + [printer.number(last, printer.digits + 1)]
    columns = ["accuracy", "precision", "recall", "f1", plain]
    return {"name": "Averaged", "cases": "tested", "columns": columns, "rows": rows}


def _own_cases(rng, truth, printer) -> dict:
    """Rows that each print their own number of cases."""
    truth["own"] = [matrices_of(rng, tuple(rng.integers(15, 120, 2)), 1)[0] for _ in range(2)]
    rows = {}
    for name, m in zip(("Internal", "External"), truth["own"], strict=True):
        values = [printer.rate(METRIC[c], m) for c in SINGLE]
        rows[name] = {"values": values, "positive": str(m[0] + m[1]), "negative": str(m[2] + m[3])}
    return {"name": "Own cases", "columns": list(SINGLE), "rows": rows}


def _no_number(rng, truth, printer) -> dict:
    """Rows whose number of cases is not printed anywhere."""
    truth["free"] = matrices_of(rng, rng.integers(20, 4000, 2), 2)
    rows = {f"Model {j}": [printer.number(100 * rates_of(m)[METRIC[c]]) for c in SINGLE]
            for j, m in enumerate(truth["free"], start=1)}  # fmt: skip
    return {"name": "No number", "columns": list(SINGLE), "rows": rows}


def _folds(rng, truth, printer) -> dict:
    """Uneven folds and their average: plain, weighted by cases or pooled, of exact or of printed numbers."""
    k = int(rng.choice([3, 5]))
    folds = [matrices_of(rng, rng.integers(20, 60, 2), 1)[0] for _ in range(k)]
    way = str(rng.choice(["plain", "of printed", "weighted", "pooled"]))
    metrics = [METRIC[c] for c in SINGLE]
    exact = [[100 * rates_of(m)[metric] for metric in metrics] for m in folds]
    rows = {f"Fold {j}": [printer.number(v) for v in row] for j, row in enumerate(exact, start=1)}
    printed = [[Fraction(v.replace(",", ".").replace("·", ".")) for v in row] for row in rows.values()]
    weights = [sum(m) for m in folds]
    pooled = rates_of(np.array(folds).sum(axis=0))
    average = {
        "plain": [sum(column) / k for column in zip(*exact, strict=True)],
        "of printed": [sum(column) / k for column in zip(*printed, strict=True)],
        "weighted": [sum(w * v for w, v in zip(weights, column, strict=True)) / sum(weights)
                     for column in zip(*exact, strict=True)],
        "pooled": [100 * pooled[metric] for metric in metrics],
    }[way]  # fmt: skip
    rows["Average"] = {"kind": "mean", "of": "Fold *", "values": [printer.number(v) for v in average]}
    truth["folds"] = folds
    if rng.random() < 0.5:  # the size of each fold is printed
        for j, m in enumerate(folds, start=1):
            rows[f"Fold {j}"] = {"values": rows[f"Fold {j}"], "n": str(sum(m))}
    return {"name": "Folds", "columns": list(SINGLE), "rows": rows}


def _statistics(rng) -> list[str]:
    """Printed tests whose p follows from the printed statistic."""
    df, value = int(rng.integers(5, 90)), round(float(rng.uniform(0.2, 3.5)), 2)
    t = f"t({df}) = {value:.2f}, p = {show(2 * stats.t.sf(value, df), 3)}"
    chi = f"χ2({1 + df % 4}) = {3 * value:.2f}, p = {show(stats.chi2.sf(round(3 * value, 2), 1 + df % 4), 3)}"
    f = f"F(2, {df}) = {value:.2f}, p = {show(stats.f.sf(value, 2, df), 3)}"
    z = f"z = {value:.2f}, p = {show(2 * stats.norm.sf(value), 3)}"
    return [t, chi, f, z]


def _means(rng, truth) -> dict:
    """A mean ± SD of whole numbers."""
    n = int(rng.integers(8, 60))
    values = rng.integers(1, 8, n)
    truth["whole"] = n, values
    mean, sd = show(Fraction(int(values.sum()), n)), show(float(values.std(ddof=1)))
    return {"score": {"printed": f"{mean} ± {sd}", "n": str(n), "at_least": "1", "at_most": "7"}}


# Faults
# ------------------------------------------------------------------------------------------------------------


def table_of(tree: dict, name: str) -> dict:
    """Table of a tree by name."""
    return next(table for table in tree["tables"] if table["name"] == name)


def _fits(printer: Printer, row: dict[str, object], sizes) -> bool:
    """Tell whether rounded rates can be of these class sizes (the fault is decidable where they cannot)."""
    rates = {}
    for metric, exact in row.items():
        text = show(100 * exact, printer.digits)
        rates[metric] = interval_of(text, True).scaled(Fraction(1, 100))
    return solve(rates, sum(sizes), positives=int(sizes[0]), limit=1).count > 0


def _columns(rng, tree, truth) -> bool:
    """Sensitivity and specificity of a set with printed class totals stand under each other's heading."""
    printer, table = truth["printer"], table_of(tree, "Tested")
    for row in table["rows"].values():
        row[1], row[2] = row[2], row[1]
    rows = [{METRIC[c]: rates_of(m)[METRIC[c]] for c in SINGLE} for m in truth["tested"]]
    for row in rows:
        row["recall_positive"], row["recall_negative"] = row["recall_negative"], row["recall_positive"]
    return not all(_fits(printer, row, truth["sizes"]) for row in rows)


def _rows(rng, tree, truth) -> bool:
    """Two rows with their own numbers of cases are exchanged."""
    rows = table_of(tree, "Own cases")["rows"]
    a, b = rows["Internal"], rows["External"]
    a["values"], b["values"] = b["values"], a["values"]
    sizes = [(m[0] + m[1], m[2] + m[3]) for m in truth["own"]]
    rates = [{METRIC[c]: rates_of(m)[METRIC[c]] for c in SINGLE} for m in truth["own"]]
    return not (_fits(truth["printer"], rates[0], sizes[1]) and _fits(truth["printer"], rates[1], sizes[0]))


def _accuracy(rng, tree, truth) -> bool:
    """Accuracy, printed without a number of cases, lies 1 to 5 points outside of what the recalls allow."""
    printer, rows = truth["printer"], table_of(tree, "No number")["rows"]
    rates = rates_of(truth["free"][0])
    top = 100 * max(rates["recall_positive"], rates["recall_negative"]) + Fraction(int(rng.integers(10, 50)), 10)
    rows["Model 1"][0] = printer.number(top)
    return top < 100


def _interval(rng, tree, truth) -> bool:
    """The intervals of a table are of four times the cases."""
    printer = truth["printer"]
    printer.behind = "interval"
    tree["tables"][0] = _rates("Tested", truth["tested"], printer, 4, cases="tested")
    return True


def _p_value(rng, tree, truth) -> bool:
    """The p of a printed t is another one, neither its own nor half of it."""
    entry = tree["statistics"][0]
    head, _, p = entry["printed"].rpartition(" ")
    other = float(p) + float(rng.choice([-1, 1])) * float(rng.uniform(0.01, 0.2))
    entry["printed"] = f"{head} {other:.3f}"
    return 0 < other < 1 and abs(other - float(p) / 2) > 0.01


def _count(rng, tree, truth) -> bool:
    """Right answers of cases do not give the rate before them."""
    printer = truth["printer"]
    printer.behind = "counts"
    tree["tables"][0] = _rates("Tested", truth["tested"], printer, cases="tested")
    row = table_of(tree, "Tested")["rows"]["Model 1"]
    hits, cases = printer.parts("recall_positive", truth["tested"][0])
    row[1] = f"{printer.number(100 * Fraction(hits, cases))} ({hits - 1}/{cases})"
    return hits > 1


def _mean(rng, tree, truth) -> bool:
    """A mean of whole numbers that no sum gives."""
    n, values = truth["whole"]
    text = show(Fraction(int(values.sum()), n) + Fraction(1, 2 * n))
    tree["facts"]["score"]["printed"] = f"{text} ± {show(float(values.std(ddof=1)))}"
    interval = interval_of(text, True)
    return not (interval.low * n) // 1 < (interval.high * n) // 1 and (interval.low * n).denominator != 1


def _equal(rng, tree, truth) -> bool:
    """A column is a copy of another."""
    for row in table_of(tree, "Tested")["rows"].values():
        row[2] = row[1]
    return True


FAULTS = {
    "columns exchanged, totals printed": _columns,
    "rows exchanged": _rows,
    "accuracy impossible, no number of cases": _accuracy,
    "interval of four times the cases": _interval,
    "p of a printed statistic": _p_value,
    "right answers and rate differ": _count,
    "mean of whole numbers": _mean,
    "one column a copy of another": _equal,
}


def styled_with(kind: str, rng: np.random.Generator) -> dict:
    """Draw an honest paper and plant a fault where it can be decided."""
    while True:
        tree, truth = styled(rng)
        if FAULTS[kind](rng, tree, truth):
            return tree
