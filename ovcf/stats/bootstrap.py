"""The bootstrap over patients: whole patients are drawn with replacement, all their patches with them.

A replicate is a row of counts, how often each patient was drawn; metrics are then weighted sums over
patients, so ten thousand replicates are a few matrix products. Metrics are never averaged over patients: a
replicate's value is the one the same code would give on a table in which the drawn patients' rows stand
repeated.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from ovcf.stats.analytic import metric_ratios
from ovcf.stats.checks import check_inputs
from ovcf.stats.clusters import Floats
from ovcf.stats.rates import METRICS, rates_from_counts
from ovcf.stats.roc import auc_influence

CHUNK = 500  # replicates at a time: 500 x 720 float32 stay in the cache
CELLS = 2**22  # weights held at once, so that a million patches need no more memory
EXACT = 2**24  # float32 holds every whole number up to here


def patient_weights(patients: int, replicates: int, seed: int = 0) -> Iterator[NDArray[np.float32]]:
    """Draw `patients` patients with replacement, `replicates` times.

    Yields
    ------
    (<= 500, patients) float32 arrays of whole numbers; each row sums to `patients`. The same seed gives the
    same bits, and more replicates begin with those of fewer.
    """
    rng = np.random.default_rng(seed)
    rows = max(1, min(CHUNK, CELLS // patients))  # draws come in one stream, however many rows are taken at once
    offset = np.arange(rows)[:, None] * patients
    for start in range(0, replicates, rows):
        drawn = rng.integers(0, patients, size=(rows, patients))
        drawn += offset
        counts = np.bincount(drawn.ravel(), minlength=rows * patients).reshape(rows, patients)
        yield counts[: replicates - start].astype(np.float32)


def metrics_of_weights(
    truth: ArrayLike, scores: ArrayLike, patient: ArrayLike, *, threshold: float = 0.5, folds: ArrayLike | None = None,
    average: str = "pooled",
) -> Callable:  # fmt: skip
    """Prepare a function from patients' weights to the metrics of Table 2.

    Parameters
    ----------
    truth, scores, patient : (n,) arrays, as in `ovcf.stats.checks.check_inputs`.
    threshold : called fresh at or above it.
    folds : (n,) fold numbers; given, the mean over folds of the folds' AUCs is computed too.
    average : "pooled", or "folds" for the means over folds of all metrics (folds that are 0/0 left out).

    Returns
    -------
    Callable
        Of weights (r, clusters) to (r, 8) float64, columns as `METRICS` has them (pooled with folds: one more, the
        last, `FOLD_MEAN`). A metric that is 0/0 in a replicate is NaN there.
    """
    data = check_inputs(truth, scores, patient)
    each = [] if folds is None else [folds == fold for fold in np.unique(folds)]
    if average == "folds":
        parts = [_metrics(data, of, threshold) for of in each]
        return lambda weights: _mean_defined([part(weights) for part in parts])
    pooled = _metrics(data, np.ones(data.truth.size, bool), threshold)
    if not each:
        return pooled
    areas = [weighted_auc(*(x[of] for x in data)) for of in each]

    def with_fold_mean(weights):
        return np.column_stack([pooled(weights), _mean_defined([area(weights) for area in areas])])

    return with_fold_mean


def _metrics(data, of, threshold):
    """Function from weights (r, clusters) to the metrics (r, 8) of some of the patches."""
    truth, scores, patient = (x[of] for x in data)
    called = scores >= threshold
    outcomes = (truth & called, truth & ~called, ~truth & ~called, ~truth & called)
    per_patient = np.stack([np.bincount(patient, o, data.clusters) for o in outcomes], axis=1)
    area = weighted_auc(truth, scores, patient)

    def metrics(weights):
        counts = weights.astype(float) @ per_patient  # (r, 4): tp, fn, tn, fp
        values = rates_from_counts(*counts.T) | {"auc": area(weights)}
        return np.stack([values[name] for name in METRICS], axis=1)

    return metrics


def _mean_defined(values):
    """Mean over the first axis of what is defined; NaN where nothing is."""
    values = np.asarray(values)
    defined = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(defined, values, 0).sum(axis=0) / defined.sum(axis=0)


def weighted_auc(truth: NDArray[np.bool_], scores: Floats, patient: NDArray[np.intp]) -> Callable:
    """Prepare a function from patients' weights (r, clusters) to the AUC (r,) of the patches so weighted.

    Patches are sorted once. For a fresh patch, the weight of old ones below it is a cumulative sum read at
    the ends of its ties: half the sum of both readings counts ties one half. All sums are of whole numbers,
    so float32 is exact while they stay below 2**24, and float64 is used beyond.
    """
    fresh, old = scores[truth], np.sort(scores[~truth])
    below, upto = np.searchsorted(old, fresh, "left"), np.searchsorted(old, fresh, "right")
    of_fresh, of_old = patient[truth], patient[~truth][np.argsort(scores[~truth], kind="stable")]
    # a patch's weight may be as large as the number of patients drawn, though it hardly ever passes ten
    kind = np.float32 if 2 * truth.size * 64 < EXACT else np.float64

    def area(weights):
        weights = weights.astype(kind, copy=False)
        cumulative = np.zeros((len(weights), old.size + 1), kind)
        np.cumsum(weights[:, of_old], axis=1, out=cumulative[:, 1:])
        pairs = cumulative[:, below]
        pairs += cumulative[:, upto]
        mine = weights[:, of_fresh]
        pairs *= mine
        total = mine.sum(axis=1, dtype=float) * cumulative[:, -1]
        with np.errstate(invalid="ignore"):
            return pairs.sum(axis=1, dtype=float) / 2 / total

    step = max(1, CELLS // truth.size)
    return lambda weights: np.concatenate([area(weights[i : i + step]) for i in range(0, len(weights), step)])


def bootstrap(statistic: Callable, patients: int, *, replicates: int = 10_000, seed: int = 0) -> Floats:
    """Evaluate `statistic`, a function of weights (r, patients), on replicates: (replicates, ...)."""
    return np.concatenate([statistic(weights) for weights in patient_weights(patients, replicates, seed)])


def influence_of_metrics(
    truth: ArrayLike, scores: ArrayLike, patient: ArrayLike, *, threshold: float = 0.5, folds: ArrayLike | None = None,
    average: str = "pooled",
) -> Floats:  # fmt: skip
    """Give each patient's influence on each metric: by how much more weight on the patient would move it.

    (y_k - p x_k) / X for a ratio of sums over patients; `auc_influence` for an AUC. One pass over the patches,
    where leaving out each patient in turn would take as many as there are patients.

    Returns
    -------
    (clusters, 8) or, pooled with folds, (clusters, 9): columns as `metrics_of_weights`. Zero for a metric that
    is 0/0. Checked against leaving patients out.
    """
    data = check_inputs(truth, scores, patient)
    every = np.ones(data.truth.size, bool)
    each = [] if folds is None else [np.asarray(folds) == fold for fold in np.unique(folds)]
    if average == "folds":
        return _mean_influence([_influence(data, of, threshold) for of in each])
    pooled = _influence(data, every, threshold)[0]
    if not each:
        return np.nan_to_num(pooled)
    areas = _mean_influence([_influence(data, of, threshold) for of in each])[:, [list(METRICS).index("auc")]]
    return np.hstack([np.nan_to_num(pooled), areas])


def _influence(data, of, threshold):
    """Influences (clusters, 8) on the metrics of some patches, and which metrics are defined (8,)."""
    truth, scores, patient = (x[of] for x in data)
    columns, defined = {"auc": np.zeros(data.clusters)}, {"auc": bool(truth.any() and not truth.all())}
    for name, (above, below) in metric_ratios(truth, scores >= threshold).items():
        total = below.sum()
        defined[name] = total > 0
        terms = above - above.sum() / total * below if total else np.zeros(truth.size)
        columns[name] = np.bincount(patient, terms, data.clusters) / max(total, 1)
    if defined["auc"]:
        codes, names = pd.factorize(patient)
        columns["auc"][names] = auc_influence(truth, scores, codes)[1][0]
    return np.column_stack([columns[m] for m in METRICS]), np.array([defined[m] for m in METRICS])


def _mean_influence(parts):
    """Mean over folds of influences, each metric over the folds where it is defined."""
    influence, defined = (np.array(x) for x in zip(*parts, strict=True))
    return (influence * defined[:, None, :]).sum(axis=0) / np.maximum(defined.sum(axis=0), 1)


def bootstrap_metrics(
    truth: ArrayLike, scores: ArrayLike, patient: ArrayLike, *, threshold: float = 0.5, replicates: int = 10_000,
    seed: int = 0,
) -> Floats:  # fmt: skip
    """Bootstrap every metric of Table 2 over patients.

    Parameters
    ----------
    truth, scores, patient : (n,) arrays; scores (m, n) for m networks, which then share the draws (so
        differences of networks are paired).

    Returns
    -------
    (replicates, 8) or (replicates, m, 8) float64, columns `METRICS`. Checked against a loop that repeats the
    rows of the drawn patients and calls scikit-learn: equal to rounding, replicate by replicate.

    Raises
    ------
    InputError
        What `check_inputs` refuses, with the row.
    """
    data = check_inputs(truth, scores, patient)
    curves = np.atleast_2d(data.scores)
    each = [metrics_of_weights(data.truth, s, data.patient, threshold=threshold) for s in curves]

    def all_curves(weights):
        return np.stack([metrics(weights) for metrics in each], axis=1)

    values = bootstrap(all_curves, data.clusters, replicates=replicates, seed=seed)
    return values if data.scores.ndim == 2 else values[:, 0]


def percentile_interval(values: Floats, level: float = 0.95) -> Floats:
    """Quantiles (1 -+ level) / 2 of replicates (r, ...): (2, ...). Undefined replicates are left out.

    Efron (1979), Ann. Stat. 7: 1-26. Checked by coverage on simulated cohorts (`benchmarks/coverage.py`).
    """
    tail = (1 - level) / 2
    return _quantiles(values, np.broadcast_to([[tail], [1 - tail]], (2, values[0].size)))


def bca_interval(estimate: ArrayLike, values: Floats, influence: Floats, level: float = 0.95) -> Floats:
    """Correct the percentile interval for bias and acceleration.

    z0 = Phi^-1(share of replicates below the estimate, ties half); a = sum l^3 / (6 (sum l^2)^1.5) of the
    patients' influences l; the quantiles are Phi(z0 + (z0 + z) / (1 - a (z0 + z))). Efron (1987), JASA 82:
    171-185. Checked against scipy.stats.bootstrap, which takes
    the jackknife's deviations, and so agrees as patients grow many.

    Parameters
    ----------
    estimate : (...) ; values : (r, ...) replicates ; influence : (patients, ...), see `influence_of_metrics`.

    Returns
    -------
    (2, ...) low and high. Where all replicates are equal, both are that value.
    """
    estimate, tail = np.asarray(estimate, float), (1 - level) / 2
    defined = np.maximum(np.isfinite(values).sum(axis=0), 1)
    share = ((values < estimate).sum(axis=0) + (values == estimate).sum(axis=0) / 2) / defined
    z0 = ndtri(np.clip(share, 1 / (len(values) + 1), len(values) / (len(values) + 1)))
    squares = np.sum(influence**2, axis=0)
    a = np.sum(influence**3, axis=0) / np.maximum(6 * squares**1.5, np.finfo(float).tiny)
    z = z0 + np.multiply.outer(ndtri([tail, 1 - tail]), np.ones_like(z0))
    levels = ndtr(z0 + z / (1 - a * z))
    return _quantiles(values, levels.reshape(2, -1))


def _quantiles(values, levels):
    """Quantiles of replicates (r, ...) at levels (2, k) of their k columns: (2, ...); NaN where undefined."""
    columns = values.reshape(len(values), -1).T
    ends = [
        np.quantile(defined, q) if defined.size else np.full(2, np.nan)
        for defined, q in ((c[np.isfinite(c)], q) for c, q in zip(columns, levels.T, strict=True))
    ]
    return np.stack(ends, axis=-1).reshape(2, *values.shape[1:])


__all__ = [
    "METRICS",
    "bca_interval",
    "bootstrap",
    "bootstrap_metrics",
    "influence_of_metrics",
    "metrics_of_weights",
    "patient_weights",
    "percentile_interval",
    "weighted_auc",
]
