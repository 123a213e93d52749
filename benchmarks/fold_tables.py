"""Rows of means over folds, half of them impossible: verdicts beside mlscorecheck's and beside trying everything."""

import logging
from fractions import Fraction
from itertools import product

import numpy as np

from ovcf.audit.fold_rows import IMPOSSIBLE, POSSIBLE, check_folds
from ovcf.audit.fold_sizes import check_any_folds
from ovcf.audit.printed import Interval, interval_of, show
from ovcf.audit.scores import of_counts
from ovcf.audit.targets import Target, target

NAMES = {"accuracy": "acc", "recall_positive": "sens", "recall_negative": "spec", "recall_macro": "bacc"}
SMALL = ("accuracy", "recall_positive", "recall_negative", "precision_positive", "f1_positive", "mcc")


def random_row(rng: np.random.Generator, sizes, metrics, digits: int, spoil: bool) -> dict[str, tuple[str, str]]:
    """Print mean and SD (ddof 1) of each metric over folds with random right answers; `spoil`: one number is moved.

    Fractions of 1 as strings; {} where a metric is 0/0 in a fold.
    """
    rates = rng.uniform(0.4, 1, 2)
    matrices = np.array([
        (tp := rng.binomial(p, rates[0]), p - tp, tn := rng.binomial(n, rates[1]), n - tn) for p, n in sizes
    ])  # fmt: skip
    printed = {}
    for metric in metrics:
        values = of_counts(metric, matrices)
        if np.isnan(values).any():
            return {}
        mean = sum(Fraction(float(v)).limit_denominator(10**7) for v in values) / len(values)
        printed[metric] = show(mean, digits), show(float(values.std(ddof=1)), digits)
    if spoil:
        metric, place = str(rng.choice(list(printed))), int(rng.integers(0, 2))
        moved = [Fraction(part) for part in printed[metric]]
        step = int(rng.choice([-1, 1])) * Fraction(int(rng.integers(1, 60)), 10**digits)
        moved[place] = min(abs(moved[place] + step), Fraction(1))  # mlscorecheck cannot start above 1
        printed[metric] = tuple(show(part, digits) for part in moved)
    return printed


def random_sizes(rng: np.random.Generator, folds: int, least: int, most: int) -> tuple[tuple[int, int], ...]:
    """Draw fold sizes: even by class, or any."""
    if rng.random() < 0.5:
        return tuple(tuple(int(x) for x in rng.integers(least, most + 1, 2)) for _ in range(folds))
    totals = rng.integers(least * folds, most * folds + 1, 2)
    return tuple(tuple(int(t // folds + (i < t % folds)) for t in totals) for i in range(folds))


def beside_mlscorecheck(seed: int) -> tuple[bool, bool]:
    """Verdicts (possible?) of ours and of mlscorecheck on one row of means without ±."""
    from mlscorecheck.check.binary import check_1_dataset_known_folds_mos

    logging.getLogger("mlscorecheck").setLevel(logging.CRITICAL)
    rng = np.random.default_rng([seed, 17])
    sizes = random_sizes(rng, int(rng.choice([2, 3, 5, 10])), 5, 60)
    metrics = [m for m in NAMES if m == "accuracy" or rng.random() < 0.7]  # it cannot start without acc or both recalls
    digits = int(rng.integers(2, 5))
    for _ in range(40):  # every second row is spoiled until it cannot be; mlscorecheck then judges it by itself
        row = random_row(rng, sizes, metrics, digits, seed % 2 == 1)
        ours = {m: Target(interval_of(mean)) for m, (mean, _) in row.items()}
        answer = check_folds(sizes, ours).answer
        if seed % 2 == 0 or answer == IMPOSSIBLE:
            break
    found = check_1_dataset_known_folds_mos(
        dataset={"p": sum(p for p, _ in sizes), "n": sum(n for _, n in sizes)},
        folding={"folds": [{"p": p, "n": n} for p, n in sizes]},
        scores={NAMES[m]: float(mean) for m, (mean, _) in row.items()},
        eps=0.5 * 10**-digits,
        verbosity=0,
        numerical_tolerance=1e-9,
    )
    return answer == POSSIBLE, not found["inconsistency"]


def beside_everything(seed: int, unknown: bool = False) -> tuple[str, str] | None:
    """Verdicts of ours and of a loop over all right answers in all folds, ± included; None for 0/0."""
    rng = np.random.default_rng([seed, 23])
    folds = int(rng.integers(2, 4))
    sizes = random_sizes(rng, folds, 2, 4 if folds == 3 else 6)
    metrics = [m for m in SMALL if rng.random() < 0.5] or ["accuracy"]
    row = random_row(rng, sizes, metrics, int(rng.integers(2, 4)), seed % 2 == 1)
    if not row:
        return None
    targets = {m: target(interval_of(mean), interval_of(sd), folds) for m, (mean, sd) in row.items()}
    wanted = {m: (interval_of(mean), interval_of(sd)) for m, (mean, sd) in row.items()}
    totals = sum(p for p, _ in sizes), sum(n for _, n in sizes)
    dealt = _dealings(*totals, folds) if unknown else [sizes]
    theirs = POSSIBLE if any(_anything(one, wanted) for one in dealt) else IMPOSSIBLE
    ours = check_any_folds(*totals, folds, targets) if unknown else check_folds(sizes, targets)
    return ours.answer, theirs


def _dealings(positives: int, negatives: int, folds: int) -> set[tuple[tuple[int, int], ...]]:
    """All sizes of folds that hold some of each class, by a loop over all numbers."""
    ways = [
        [one for one in product(range(1, total + 1), repeat=folds) if sum(one) == total]
        for total in (positives, negatives)
    ]
    return {tuple(sorted(zip(a, b, strict=True))) for a, b in product(*ways)}


def _anything(sizes, wanted: dict[str, tuple[Interval, Interval]]) -> bool:
    """Try every number of right answers in every fold."""
    choices = [[(tp, p - tp, tn, n - tn) for tp in range(p + 1) for tn in range(n + 1)] for p, n in sizes]
    values = {m: [of_counts(m, np.array(fold)) for fold in choices] for m in wanted}
    index = np.array(list(product(*[range(len(fold)) for fold in choices])))
    keep = np.ones(len(index), dtype=bool)
    for metric, (mean, sd) in wanted.items():
        columns = np.stack([values[metric][i][index[:, i]] for i in range(len(sizes))], axis=1)
        average = columns.sum(axis=1) / len(sizes)
        square = ((columns - average[:, None]) ** 2).sum(axis=1)
        fits = [
            (square / (len(sizes) - d) >= float(max(sd.low, 0)) ** 2 - 1e-9)
            & (square / (len(sizes) - d) <= float(sd.high) ** 2 + 1e-9)
            for d in (0, 1)
        ]
        keep &= (average >= float(mean.low) - 1e-9) & (average <= float(mean.high) + 1e-9) & (fits[0] | fits[1])
    return bool(keep.any())
