"""Plant one fault of a known kind in an honest simulated paper; see `simulate`."""

from fractions import Fraction

import numpy as np
from scipy import stats

from ovcf.audit.bounds import exact_mcnemar
from ovcf.audit.matrices import rates_of
from ovcf.audit.printed import Printed, parse, show
from ovcf.audit.simulate import (
    READER_METRICS,
    exact_rates,
    finish,
    honest_paper,
    mean_row,
    print_p,
)


def table_of(tree, name) -> dict:
    return next(table for table in tree["tables"] if table["name"] == name)


def _predictive_values(rng, tree, truth):
    """Sensitivity and specificity columns of all readers hold PPV and NPV."""
    metrics = ["accuracy", "precision_negative", "precision_positive"]
    for name, key in (("Before", "before"), ("After", "after")):
        rates, table = exact_rates(truth[key], metrics), table_of(tree, name)
        for j, row in enumerate(rates, start=1):
            table["rows"][f"Reader {j}"] = [show(value, truth["digits"]) for value in row]
        table["rows"]["Average"]["values"] = mean_row(rates, truth["digits"], truth["ddof"])
    return True


def _classes_swapped(rng, tree, truth):
    """The two classes' columns of the folds stand under each other's heading."""
    totals = np.array(truth["folds"]).sum(axis=0)
    if totals[0] + totals[1] == totals[2] + totals[3]:
        return False
    order = [0, 2, 1, 4, 3, 6, 5]
    rows = table_of(tree, "Folds")["rows"]
    for name, row in rows.items():
        values = row["values"] if isinstance(row, dict) else row
        turned = [values[j] for j in order]
        rows[name] = row | {"values": turned} if isinstance(row, dict) else turned
    average = rows["Average"]["values"]
    tree["statements"][0]["values"] = {"accuracy": average[0], "sensitivity": average[3]}
    tree["tests"] = tree["tests"][:1]
    return True


def _digit(rng, text) -> str:
    """Change one digit of a printed number, not its length."""
    places = [j for j, sign in enumerate(text) if sign.isdigit()]
    j = int(rng.choice(places[1:] if len(places) > 1 else places))
    return text[:j] + str((int(text[j]) + int(rng.integers(1, 10))) % 10) + text[j + 1 :]


def _fold_digit(rng, tree, truth):
    """One digit of one fold's cell."""
    rows = table_of(tree, "Folds")["rows"]
    name, column = f"Fold {rng.integers(1, truth['k'] + 1)}", int(rng.integers(0, 7))
    rows[name][column] = _digit(rng, rows[name][column])
    return True


def _reader_digit(rng, tree, truth):
    """One digit of one reader's cell."""
    rows = table_of(tree, str(rng.choice(["Before", "After"])))["rows"]
    name, column = f"Reader {rng.integers(1, len(truth['before']) + 1)}", int(rng.integers(0, 3))
    rows[name][column] = _digit(rng, rows[name][column])
    return True


def _shift(rng, text, digits, least, most) -> str:
    """Move the value of "a ± b" by some units of the last place."""
    printed: Printed = parse(text)
    moved = printed.value + int(rng.choice([-1, 1])) * Fraction(int(rng.integers(least, most + 1)), 10**digits)
    return f"{show(moved, digits)} ± {printed.sd_digits}"


def _mean(rng, tree, truth):
    """One printed average is off by 2 to 20 units of its last place (1 unit is left to rounding)."""
    table = table_of(tree, str(rng.choice(["Before", "After"])))
    values = table["rows"]["Average"]["values"]
    j = int(rng.integers(0, len(values)))
    values[j] = _shift(rng, values[j], truth["digits"], 2, 20)
    return True


def _divisor(rng, tree, truth):
    """The ± of one column of the folds' average has the other divisor."""
    rates = exact_rates(truth["folds"], ["recall_positive"])
    other = mean_row(rates, truth["digits"], 1 - truth["ddof"])[0]
    average = table_of(tree, "Folds")["rows"]["Average"]["values"]
    changed = average[3] != other
    average[3] = tree["statements"][0]["values"]["sensitivity"] = other
    return changed


def _f1(rng, tree, truth):
    """A mean F1 half a point to three points above the F1 of the mean precision and recall."""
    rows = table_of(tree, "Networks")["rows"]
    values = rows[f"Network {rng.choice(list('ABC'))}"]
    p, r = (float(parse(values[j]).value) for j in (1, 3))
    f1 = 2 * p * r / (p + r) + rng.uniform(0.5, 3)
    values[5] = f"{show(f1, truth['digits'])} ± {parse(values[5]).sd_digits}"
    return f1 < 100


def _other_test(rng, tree, truth):
    """The p of a two-sample t-test under the name of a paired one."""
    columns = [[float(row[0]) for row in exact_rates(truth[side], READER_METRICS)] for side in ("before", "after")]
    changed = print_p(stats.ttest_ind(*columns).pvalue)
    different = changed != tree["tests"][0]["value"]
    tree["tests"][0]["value"] = changed
    return different


def _abstract(rng, tree, truth):
    """The abstract's accuracy differs from the table's by 2 to 20 units of the last place."""
    values = tree["statements"][0]["values"]
    values["accuracy"] = _shift(rng, values["accuracy"], truth["digits"], 2, 20)
    return True


def _total(rng, tree, truth):
    """A total of counts is off by 1 to 9."""
    values = table_of(tree, "Counts")["rows"]["Total"]["values"]
    values[0] = str(int(values[0]) + int(rng.integers(1, 10)))
    return True


def _significance(rng, tree, truth):
    """All readers are said to have improved significantly; at least one did not."""
    if all(gained > lost and exact_mcnemar(gained, lost) <= 0.05 for gained, lost in truth["gains"]):
        return False
    tree["claims"] = [{"quote": "all readers improved significantly", "kind": "improved",
                       "from": "Before / Reader *", "to": "After / Reader *"}]  # fmt: skip
    return True


def _best(rng, tree, truth):
    """The least accurate network is said to be the best."""
    means = {name: sum(rates_of(m)["accuracy"] for m in found) for name, found in truth["nets"].items()}
    worst = min(means, key=means.get)
    claim = {"quote": f"{worst} was the most accurate", "kind": "best", "row": f"Networks / {worst}"}
    tree["claims"] = [claim | {"among": "Networks / *", "columns": ["accuracy"]}]
    return True


def _relabelled(rng, tree, truth):
    """The abstract gives the precision of the positive class as sensitivity."""
    average = table_of(tree, "Folds")["rows"]["Average"]["values"]
    tree["statements"][0]["values"]["sensitivity"] = average[1]
    return average[1] != average[3]


FAULTS = {
    "readers' columns hold predictive values": _predictive_values,
    "classes of the folds swapped": _classes_swapped,
    "one digit of a fold": _fold_digit,
    "one digit of a reader": _reader_digit,
    "an average off by 2-20 units": _mean,
    "one ± with the other divisor": _divisor,
    "a mean F1 above its bound": _f1,
    "p of another test": _other_test,
    "abstract and table differ": _abstract,
    "a wrong total": _total,
    "significance claimed for all readers": _significance,
    "best network claimed falsely": _best,
    "sensitivity in the abstract is a precision": _relabelled,
}


def planted_tree(kind: str, rng: np.random.Generator) -> tuple[dict, dict]:
    """Draw an honest paper and plant one fault that changes at least one printed character; also the truth behind."""
    while True:
        tree, truth = honest_paper(rng)
        if FAULTS[kind](rng, tree, truth):
            return tree, truth


def planted_paper(kind: str, rng: np.random.Generator) -> dict:
    """Draw such a paper in the form that is audited."""
    return finish(planted_tree(kind, rng)[0])
