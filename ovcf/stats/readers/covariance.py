"""Figures of merit of readers on the same cases, and how they vary together when the cases are drawn anew.

A *curve* is one reader under one treatment. All of them saw the same cases, so their figures of merit (AUC,
sensitivity, ...) are correlated; every method for reader studies starts from that covariance matrix.
"""

import numpy as np
from numpy.typing import ArrayLike

from ovcf.stats.clusters import Floats
from ovcf.stats.roc import clustered_delong, delong, placements

COUNT_METRICS = {
    "sensitivity": lambda tp, fn, tn, fp: tp / (tp + fn),
    "specificity": lambda tp, fn, tn, fp: tn / (tn + fp),
    "accuracy": lambda tp, fn, tn, fp: (tp + tn) / (tp + fn + tn + fp),
    "ppv": lambda tp, fn, tn, fp: tp / (tp + fp),
    "npv": lambda tp, fn, tn, fp: tn / (tn + fn),
    "kappa": lambda tp, fn, tn, fp: 2 * (tp * tn - fn * fp) / ((tp + fp) * (fp + tn) + (tp + fn) * (fn + tn)),
}
METRICS = ("auc", *COUNT_METRICS)
COVARIANCES = ("jackknife", "delong", "unbiased")


def figures_of_merit(scores: ArrayLike, truth: ArrayLike, metric: str = "auc") -> Floats:
    """Compute one figure of merit for each curve.

    AUC is the share of (positive, negative) pairs ranked rightly, ties counting one half; the others are
    functions of the four counts (Eqs. (1), (2), (4) of the paper; PPV is precision of fresh, NPV of old;
    kappa is Cohen's against the truth).

    Parameters
    ----------
    scores : array (k, n)
        Ratings for `auc`; 0/1 answers for every other metric. NaN marks a reading that was not made; each
        curve is then judged on its own cases.
    truth : array (n,)
        1 fresh (positive), 0 old.
    metric : str
        One of `METRICS`.

    Returns
    -------
    array (k,), NaN where the metric is 0/0.

    Checked against scikit-learn and, for AUC, the published values of the Van Dyke study.
    """
    scores, truth = np.atleast_2d(np.asarray(scores, float)), np.asarray(truth).astype(bool)
    seen = ~np.isnan(scores)
    if metric == "auc" and not seen.all():
        rows = zip(scores, seen, strict=True)
        return np.array([figures_of_merit(row[own], truth[own])[0] if own.any() else np.nan for row, own in rows])
    if metric == "auc":
        both = 0 < truth.sum() < truth.size
        return placements(truth, scores)[0].mean(axis=1) if both else np.full(len(scores), np.nan)
    return _of_counts(_cells(scores, truth).sum(axis=-1), metric)


def merit_covariance(
    scores: ArrayLike, truth: ArrayLike, metric: str = "auc", method: str = "jackknife", unit: ArrayLike | None = None
) -> Floats:
    """Estimate the covariance matrix of the curves' figures of merit over the sampling of cases.

    * `jackknife`: (u-1)/u times the cross-products of the leave-one-unit-out values about their mean
      (Quenouille-Tukey). Units that hold no case the metric looks at (negatives, for sensitivity) are not
      counted in u.
    * `delong`: structural components; S10/m + S01/n (ddof 1). With patients as units the components are
      summed over each patient and the cross term of positives and negatives of one patient is added
      (Obuchowski 1997, Biometrics 53:567). For the metrics of counts it is the linearised (Rao-Scott) ratio
      estimator.
    * `unbiased`: theta_a theta_b minus the mean of psi_a(i,j) psi_b(i',j') over i != i', j != j' (the
      U-statistic of Gallas 2006, Acad Radiol 13:353); cases must be independent, so no patients.

    Where readings are missing, each curve has its own cases: the factors that belong to a number of cases are
    the curve's own, of two curves their geometric mean; sums run over what both have read, so curves without a
    common case do not covary.

    Parameters
    ----------
    scores : array (k, n)
        Ratings (`auc`) or 0/1 answers; NaN marks a missing reading.
    truth : array (n,)
        1 positive, 0 negative.
    metric, method : str
        From `METRICS` and `COVARIANCES`.
    unit : array (n,), optional
        Independent unit of each case (patient); by default every case is its own.

    Returns
    -------
    array (k, k)

    Raises
    ------
    ValueError
        For `unbiased` with several cases to a unit or a metric that is not AUC, sensitivity, specificity or
        accuracy.

    Checked against literal leave-one-out and all-quadruples loops, and the published components of Van Dyke.
    """
    scores, truth = np.atleast_2d(np.asarray(scores, float)), np.asarray(truth).astype(bool)
    unit = np.arange(truth.size) if unit is None else np.unique(np.asarray(unit), return_inverse=True)[1]
    if method == "jackknife":
        return _jackknife(scores, truth, metric, unit)
    if method == "delong":
        if metric != "auc":
            return _linearised_counts(scores, truth, metric, unit)
        repeated = unit.max() + 1 < unit.size
        if np.isnan(scores).any():
            return _delong_with_gaps(scores, truth, unit)
        return (clustered_delong(truth, scores, unit) if repeated else delong(truth, scores)).covariance
    if method != "unbiased":
        raise ValueError(f"covariance must be one of {', '.join(COVARIANCES)}, not {method!r}")
    return _unbiased(scores, truth, metric, unit)


def leave_one_out(scores: Floats, truth: ArrayLike, metric: str, unit: ArrayLike) -> Floats:
    """Return the figure of merit without each unit in turn, (k, u); units are 0..u-1, no score is missing."""
    if metric == "auc":
        return _leave_one_out_auc(scores, truth, unit)
    cells = _cells(scores, truth)  # (k, 4, n)
    per_unit = _sum_by(unit, cells)  # (k, 4, u)
    return _of_counts((cells.sum(axis=-1, keepdims=True) - per_unit).swapaxes(1, 2), metric)


def _leave_one_out_auc(scores, truth, unit):
    # pairs right = all - those of the unit's positives - those of its negatives + its own pairs, taken twice
    pos, neg = np.flatnonzero(truth), np.flatnonzero(~truth)
    m, n = pos.size, neg.size
    lost = np.empty(scores.shape)
    lost[:, pos], lost[:, neg] = placements(truth, scores)
    total = n * lost[:, pos].sum(axis=1, keepdims=True)
    lost = _sum_by(unit, np.where(truth, n, m) * lost)
    if unit.max() + 1 < unit.size:
        i, j = np.nonzero(unit[pos][:, None] == unit[neg][None, :])
        own = _psi(scores[:, pos[i]], scores[:, neg[j]])
        lost = lost - _sum_by(unit[pos[i]], own, unit.max() + 1)
    left = (m - _sum_by(unit, truth[None] * 1.0)) * (n - _sum_by(unit, ~truth[None] * 1.0))  # (1, u)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (total - lost) / left


def _jackknife(scores, truth, metric, unit):
    relevant = _relevant(truth, metric)
    if not np.isnan(scores).any():
        counted = np.unique(unit[relevant])
        loo = leave_one_out(scores, truth, metric, unit)[:, counted]
        deviation = loo - loo.mean(axis=1, keepdims=True)
        return (counted.size - 1) / counted.size * deviation @ deviation.T
    rows = [_own_jackknife(row, truth, metric, unit, relevant) for row in scores]
    return np.array(rows) @ np.array(rows).T


def _own_jackknife(row, truth, metric, unit, relevant):
    """Scaled deviations (u,) of one curve over the units it read, 0 elsewhere: their squares sum to its variance."""
    seen, out = ~np.isnan(row), np.zeros(unit.max() + 1)
    if not seen.any():
        return np.full(out.size, np.nan)
    names, inner = np.unique(unit[seen], return_inverse=True)
    loo = leave_one_out(row[None, seen], truth[seen], metric, inner)[0]
    counted = np.isin(names, unit[seen & relevant])
    own = loo[counted]
    out[names[counted]] = np.sqrt((own.size - 1) / own.size) * (own - own.mean())
    return out


def _delong_with_gaps(scores, truth, unit):
    """DeLong's covariance, by unit, of curves with cases of their own (see `merit_covariance`)."""
    a, b = np.zeros((2, len(scores), unit.max() + 1))
    of_fresh, of_old, of_all = np.ones((3, len(scores)))
    for k, row in enumerate(scores):
        seen = ~np.isnan(row)
        t, own = truth[seen], unit[seen]
        if not 0 < t.sum() < t.size:
            a[k] = b[k] = np.nan
            continue
        v10, v01 = (v[0] for v in placements(t, row[None, seen]))
        area = v10.mean()
        a[k] = np.bincount(own[t], (v10 - area) / v10.size, a.shape[1])
        b[k] = np.bincount(own[~t], (v01 - area) / v01.size, b.shape[1])
        of_fresh[k], of_old[k], of_all[k] = (_factor(own[of]) for of in (t, ~t, t | ~t))
    repeated = unit.max() + 1 < unit.size
    cross = (of_all[:, None] * a) @ (of_all[:, None] * b).T if repeated else 0.0
    covariance = sum((f[:, None] * v) @ (f[:, None] * v).T for f, v in ((of_fresh, a), (of_old, b)))
    return covariance + (cross + cross.T if repeated else 0.0)


def _factor(units):
    """Root of u / (u - 1), u different units."""
    u = np.unique(units).size
    return np.sqrt(u / (u - 1)) if u > 1 else np.nan


def _linearised_counts(scores, truth, metric, unit):
    # influence of a case = gradient at the observed counts; the complex step is exact for rational functions
    cells = _cells(scores, truth)  # (k, 4, n)
    counts = cells.sum(axis=-1)
    step = 1e-20j * np.eye(4)
    gradient = np.stack([_of_counts(counts + s, metric).imag for s in step], axis=1)
    influence = np.einsum("kc,kcn->kn", gradient / 1e-20, cells)
    sums = _sum_by(unit, influence)
    relevant = _relevant(truth, metric)
    factors = np.array([_factor(unit[~np.isnan(row) & relevant]) for row in scores])
    sums = factors[:, None] * sums
    return sums @ sums.T


def _unbiased(scores, truth, metric, unit):
    if unit.max() + 1 < unit.size:
        raise ValueError(
            "the unbiased covariance takes every case as independent and some patients have several; "
            "use jackknife or delong"
        )
    if metric in ("sensitivity", "specificity", "accuracy"):
        return _unbiased_of_means(scores, truth, metric)
    if metric != "auc":
        raise ValueError(f"no unbiased covariance is known for {metric}; use jackknife or delong")
    seen = ~np.isnan(scores)
    m, n = seen[:, truth].astype(float), seen[:, ~truth].astype(float)
    psi = _psi(scores[:, truth][:, :, None], scores[:, ~truth][:, None, :])  # (k, m, n), 0 where one is missing
    theta = psi.sum(axis=(1, 2)) / np.where(m.sum(1) * n.sum(1) > 0, m.sum(1) * n.sum(1), np.nan)
    apart = _apart(psi.sum(axis=2), psi.sum(axis=1), psi.reshape(len(psi), -1))
    pairs = m[:, :, None] * n[:, None, :]
    number = _apart(pairs.sum(axis=2), pairs.sum(axis=1), pairs.reshape(len(psi), -1))
    return np.outer(theta, theta) - apart / np.where(number > 0, number, np.nan)


def _apart(rows, columns, each):
    """Sum over pairs of pairs that share neither a positive nor a negative case, of every two curves: (k, k)."""
    total = rows.sum(axis=1)
    return np.outer(total, total) - rows @ rows.T - columns @ columns.T + each @ each.T


def _unbiased_of_means(scores, truth, metric):
    """Product of two means less the mean product over different cases: s^2/n where both read the same cases."""
    seen = (~np.isnan(scores) & _relevant(truth, metric)).astype(float)
    right = np.where(seen > 0, (scores > 0.5) == truth, 0.0)
    total, n = right.sum(axis=1), seen.sum(axis=1)
    number = np.outer(n, n) - seen @ seen.T
    theta = total / np.where(n > 0, n, np.nan)
    return np.outer(theta, theta) - (np.outer(total, total) - right @ right.T) / np.where(number > 0, number, np.nan)


def _psi(positive, negative):
    """Return 1 where the positive case has the higher rating, one half for a tie."""
    return (positive > negative) + 0.5 * (positive == negative)


def _cells(scores, truth):
    """Return the four one-hot cells (tp, fn, tn, fp) of each 0/1 answer, (k, 4, n); all 0 where it is missing."""
    yes, seen = np.asarray(scores) > 0.5, ~np.isnan(scores)
    cells = np.stack([yes & truth, ~yes & truth, ~yes & ~truth, yes & ~truth], axis=1)
    return (cells & seen[:, None]).astype(float)


def _of_counts(counts, metric):
    with np.errstate(invalid="ignore", divide="ignore"):
        return COUNT_METRICS[metric](*np.moveaxis(counts, {2: 1, 3: 2}[counts.ndim], 0))


def _relevant(truth, metric):
    return {"sensitivity": truth, "specificity": ~truth}.get(metric, np.ones(truth.size, bool))


def _sum_by(unit, values, units=None):
    """Sum the last axis of `values` within units 0..u-1."""
    out = np.zeros((unit.max() + 1 if units is None else units, *values.shape[:-1]))
    np.add.at(out, unit, np.moveaxis(np.broadcast_to(values, values.shape), -1, 0))
    return np.moveaxis(out, 0, -1)
