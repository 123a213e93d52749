"""What rates are made of: each metric by its name, from counts and from shares, and its range over a box of shares.

A matrix is known up to its size by three shares: `prevalence` (of positive cases), sensitivity and specificity. For a
fixed prevalence every metric here rises with both, but the negative likelihood ratio and the two error rates, which
fall; so the corners of a box of shares hold its extremes (for MCC and kappa, which rise and fall with prevalence,
the peak too). That gives exact ranges without any number of cases.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Column names of a file -> canonical metric; recall_<class>, precision_<class>, f1_<class> are read besides.
METRICS = {
    "accuracy": "accuracy",
    "sensitivity": "recall_positive",
    "specificity": "recall_negative",
    "recall": "recall_positive",
    "ppv": "precision_positive",
    "precision": "precision_positive",
    "npv": "precision_negative",
    "f1": "f1_positive",
    "f2": "f2_positive",
    "f0.5": "f05_positive",
    "fpr": "miss_negative",
    "fnr": "miss_positive",
    "auc": "auc",
    "mcc": "mcc",
    "kappa": "kappa",
    "balanced_accuracy": "recall_macro",
    "youden": "youden",
    "lr_positive": "lr_positive",
    "lr_negative": "lr_negative",
    "dor": "dor",
} | {f"{kind}_{average}": f"{kind}_{average}" for kind in ("precision", "recall", "f1") for average in
     ("macro", "weighted", "micro")}  # fmt: skip
BARE = ("precision", "recall", "f1")  # names that say no class: of the positive one, or an average over both
AVERAGES = ("macro", "weighted", "micro")
PLAIN = ("auc", "mcc", "kappa", "youden", "lr_positive", "lr_negative", "dor")  # not printed in percent
UNBOUNDED = ("lr_positive", "lr_negative", "dor")
SIGNED = ("mcc", "kappa", "youden")
WORDS = {
    "auc": "AUC", "mcc": "MCC", "kappa": "kappa", "youden": "Youden's J", "dor": "diagnostic odds ratio",
    "lr_positive": "positive likelihood ratio", "lr_negative": "negative likelihood ratio",
    "recall_macro": "balanced accuracy (macro recall)", "f2_positive": "F2", "f05_positive": "F0.5",
    "miss_negative": "false positive rate", "miss_positive": "false negative rate",
}  # fmt: skip


def of_shares(metric: str, share: Floats, sens: Floats, spec: Floats) -> Floats:
    """Value of a metric at prevalence `share`, sensitivity and specificity (arrays in [0, 1]); NaN for 0/0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(_SHARES[metric](share, sens, spec), dtype=float)


def of_counts(metric: str, matrices: NDArray[np.int64]) -> Floats:
    """Value of a metric for each matrix, int (k, 4) of tp, fn, tn, fp -> float (k,); NaN for 0/0."""
    tp, fn, tn, fp = np.asarray(matrices, dtype=float).reshape(-1, 4).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return of_shares(metric, (tp + fn) / (tp + fn + tn + fp), tp / (tp + fn), tn / (tn + fp))


def limits(metric: str) -> tuple[float, float]:
    """Smallest and largest value that a metric can have."""
    return (0.0, np.inf) if metric in UNBOUNDED else (-1.0, 1.0) if metric in SIGNED else (0.0, 1.0)


def range_over(metric: str, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Range of a metric over boxes of shares.

    Parameters
    ----------
    low, high : float (k, 3) corners: prevalence, sensitivity, specificity

    Returns
    -------
    smallest and largest value, float (k,) each; never narrower than the truth. 0/0 leaves the metric's limits.
    """
    if metric in ("lr_negative", "miss_positive", "miss_negative"):
        low, high = _turned(low, high)
    if metric in _PARTED:
        return _parted(metric, low, high)
    ends = []
    for sign, box in ((-1, low), (1, high)):
        values = [of_shares(metric, share, box[:, 1], box[:, 2]) for share in _places(metric, low, high, box)]
        fill = limits(metric)[(sign + 1) // 2]
        values = [np.where(np.isnan(value), fill, value) for value in values]
        ends.append(np.minimum.reduce(values) if sign < 0 else np.maximum.reduce(values))
    return ends[0], ends[1]


def _turned(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Exchange the ends of sensitivity and specificity, for metrics that fall with them."""
    return np.column_stack([low[:, 0], high[:, 1:]]), np.column_stack([high[:, 0], low[:, 1:]])


def _places(metric: str, low: Floats, high: Floats, box: Floats) -> list[Floats]:
    """Prevalences where a metric can be extreme at given sensitivity and specificity: the ends and the peak."""
    ends = [np.minimum(low[:, 0], high[:, 0]), np.maximum(low[:, 0], high[:, 0])]
    if metric not in ("mcc", "kappa"):
        return ends
    sens, false = box[:, 1], 1 - box[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):  # odds at the peak, by setting the derivative to 0
        odds = np.sqrt(false * (1 - false) / (sens * (1 - sens)) if metric == "mcc" else false / (1 - sens))
        peak = np.where(np.isfinite(odds), odds / (1 + odds), ends[1])
    return [*ends, np.clip(peak, *ends)]


def _parted(metric: str, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Range of an average over both classes, from the ranges of its parts."""
    kind, _, average = metric.partition("_")
    positive, negative = (range_over(f"{kind}_{side}", low, high) for side in ("positive", "negative"))
    if average == "macro":
        return (positive[0] + negative[0]) / 2, (positive[1] + negative[1]) / 2
    share = low[:, 0], high[:, 0]
    least = np.minimum(*(s * positive[0] + (1 - s) * negative[0] for s in share))
    most = np.maximum(*(s * positive[1] + (1 - s) * negative[1] for s in share))
    return least, most


def _precision(p, s, c):
    return p * s / (p * s + (1 - p) * (1 - c))


def _npv(p, s, c):
    return _precision(1 - p, c, s)


def _f(beta2: float) -> Callable:
    """F-beta of the positive class with beta squared."""

    def score(p, s, c):
        return (1 + beta2) * p * s / (p * s + (1 - p) * (1 - c) + beta2 * p)

    return score


def _f1_negative(p, s, c):
    return _f(1)(1 - p, c, s)


def _mcc(p, s, c):
    called = p * s + (1 - p) * (1 - c)
    return (s + c - 1) * np.sqrt(p * (1 - p) / (called * (1 - called)))


def _kappa(p, s, c):
    called = p * s + (1 - p) * (1 - c)
    return 2 * p * (1 - p) * (s + c - 1) / (p * (1 - called) + called * (1 - p))


def _accuracy(p, s, c):
    return p * s + (1 - p) * c


_SHARES: dict[str, Callable] = {
    "accuracy": _accuracy,
    "recall_positive": lambda p, s, c: s + 0 * p,
    "recall_negative": lambda p, s, c: c + 0 * p,
    "miss_positive": lambda p, s, c: 1 - s + 0 * p,
    "miss_negative": lambda p, s, c: 1 - c + 0 * p,
    "precision_positive": _precision,
    "precision_negative": _npv,
    "f1_positive": _f(1),
    "f1_negative": _f1_negative,
    "f2_positive": _f(4),
    "f05_positive": _f(0.25),
    "mcc": _mcc,
    "kappa": _kappa,
    "youden": lambda p, s, c: s + c - 1 + 0 * p,
    "lr_positive": lambda p, s, c: s / (1 - c) + 0 * p,
    "lr_negative": lambda p, s, c: (1 - s) / c + 0 * p,
    "dor": lambda p, s, c: s * c / ((1 - s) * (1 - c)) + 0 * p,
    "recall_macro": lambda p, s, c: (s + c) / 2 + 0 * p,
    "precision_macro": lambda p, s, c: (_precision(p, s, c) + _npv(p, s, c)) / 2,
    "f1_macro": lambda p, s, c: (_f(1)(p, s, c) + _f1_negative(p, s, c)) / 2,
    "recall_weighted": _accuracy,
    "precision_weighted": lambda p, s, c: p * _precision(p, s, c) + (1 - p) * _npv(p, s, c),
    "f1_weighted": lambda p, s, c: p * _f(1)(p, s, c) + (1 - p) * _f1_negative(p, s, c),
    "recall_micro": _accuracy,
    "precision_micro": _accuracy,
    "f1_micro": _accuracy,
}
_PARTED = ("precision_macro", "f1_macro", "precision_weighted", "f1_weighted")
SCORES = tuple(_SHARES)
