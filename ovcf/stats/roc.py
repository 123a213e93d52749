"""ROC curves and the area beneath them: ties, mean curves, DeLong's covariance and its clustered form.

The AUC is the probability that a random fresh patch scores above a random old one, ties counting one half.
DeLong takes patches as independent; Obuchowski (1997) takes patients as independent and patches of one
patient as they come.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from ovcf.stats.checks import check_inputs, check_predictions


class Areas(NamedTuple):
    """AUCs (m,) of m curves on the same patches and their covariance (m, m)."""

    auc: NDArray[np.float64]
    covariance: NDArray[np.float64]


def auc(truth: ArrayLike, scores: ArrayLike) -> float:
    """Compute the area under the empirical ROC curve.

    (sum of the fresh patches' midranks - M (M + 1) / 2) / (M N) for M fresh and N old: Mann-Whitney's U over
    M N, with ties counting one half. Checked against all pairs and sklearn.metrics.roc_auc_score.

    Parameters
    ----------
    truth : (n,) 0/1, 1 = fresh.
    scores : (n,), larger = more probably fresh.

    Raises
    ------
    InputError
        Labels not binary, one class only, scores not finite; with the row.
    """
    data = check_inputs(truth, scores)
    fresh = int(data.truth.sum())
    above = rankdata(data.scores)[data.truth].sum() - fresh * (fresh + 1) / 2
    return float(above / (fresh * (data.truth.size - fresh)))


def placements(
    truth: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Place each patch among those of the other class.

    Each class is sorted and searched in the other (Sun & Xu 2014 do it by midranks), so m curves of n patches
    cost O(m n log n) and no (M, N) matrix is made. Checked against rows and columns of that matrix.

    Parameters
    ----------
    truth : (n,) bool.
    scores : (m, n).

    Returns
    -------
    v10 : (m, M) share of old patches below each fresh one.
    v01 : (m, N) share of fresh patches above each old one.
    """
    below, above = _counts(truth, scores)
    return below / above.shape[1], above / below.shape[1]


def delong(truth: ArrayLike, scores: ArrayLike) -> Areas:
    """Estimate AUCs of m curves on the same patches and DeLong's covariance, patches independent.

    S10 / M + S01 / N, the sample covariances (ddof 1) of the placements. DeLong, DeLong & Clarke-Pearson
    (1988), Biometrics 44: 837-845; fast form of Sun & Xu (2014), IEEE Signal Process. Lett. 21: 1389-1393.
    Checked against all pairs and, for aSAH, every digit that R's pROC prints; once against MLstatkit and
    confidenceinterval too.

    Parameters
    ----------
    truth : (n,) 0/1, 1 = fresh.
    scores : (n,) or (m, n).

    Returns
    -------
    Areas
        auc (m,), covariance (m, m); NaN covariance where a class has a single patch.
    """
    data = check_inputs(truth, scores)
    below, above = _counts(data.truth, np.atleast_2d(data.scores))
    fresh, old = below.shape[1], above.shape[1]
    areas = below.sum(axis=1) / (fresh * old)
    if min(fresh, old) < 2:
        return Areas(areas, np.full((areas.size,) * 2, np.nan))
    return Areas(areas, _covariance(below) / old**2 / fresh + _covariance(above) / fresh**2 / old)


def clustered_delong(truth: ArrayLike, scores: ArrayLike, patient: ArrayLike) -> Areas:
    """Estimate AUCs of m curves on the same patches and their covariance, patients independent.

    With a_k, b_k the sums over patient k of the placements of fresh and old patches about the AUC, I10 and
    I01 the patients that have such patches and I all of them: covariance = I10/(I10-1) sum(a a') / M^2 +
    I01/(I01-1) sum(b b') / N^2 + I/(I-1) sum(a b' + b a') / (M N). Obuchowski (1997), Biometrics 53: 567-578.
    Checked against a literal version, against the clustered bootstrap, and against `delong` where each
    patient has one patch.

    Parameters
    ----------
    truth : (n,) 0/1, 1 = fresh.
    scores : (n,) or (m, n).
    patient : (n,) identifiers.

    Returns
    -------
    Areas
        auc (m,), covariance (m, m); NaN covariance where only one patient has patches of a class.
    """
    data = check_inputs(truth, scores, patient)
    areas, a, b = _cluster_sums(data)
    fresh = np.unique(data.patient[data.truth]).size
    old = np.unique(data.patient[~data.truth]).size
    if min(fresh, old) < 2:
        return Areas(areas, np.full((areas.size,) * 2, np.nan))
    cross = a @ b.T
    return Areas(
        areas,
        fresh / (fresh - 1) * a @ a.T
        + old / (old - 1) * b @ b.T
        + data.clusters / (data.clusters - 1) * (cross + cross.T),
    )


def auc_influence(
    truth: ArrayLike, scores: ArrayLike, patient: ArrayLike, *, by_class: bool = False
) -> tuple[NDArray, ...]:
    """Split an AUC's deviation into one term per patient, so that AUCs of different patches can be combined.

    The variance of any weighted sum of AUCs over the same patients is the sum of squares of the summed terms
    (times I / (I - 1)): used for the mean over folds, for differences of subgroups, and nowhere a covariance
    matrix suffices.

    Parameters
    ----------
    truth, scores, patient : as in `clustered_delong`, with whose covariance the squares are checked.

    Returns
    -------
    areas : (m,)
    influence : (m, clusters), summing to zero over patients; patients as `check_inputs` codes them. With
        `by_class` two of them, the part of the fresh patches and that of the old ones.
    """
    areas, a, b = _cluster_sums(check_inputs(truth, scores, patient))
    return (areas, a, b) if by_class else (areas, a + b)


def roc_points(truth: ArrayLike, scores: ArrayLike) -> pd.DataFrame:
    """List the corners of the empirical ROC curve.

    Parameters
    ----------
    truth : (n,) 0/1, 1 = fresh.
    scores : (n,).

    Returns
    -------
    DataFrame
        threshold (called fresh at or above it; inf first), fpr = 1 - recall_old, tpr = recall_fresh, from (0,
        0) to (1, 1). Its trapezoid area is `auc`. From sklearn.metrics.roc_curve, keeping every threshold.
    """
    from sklearn.metrics import roc_curve  # loaded here: it costs a second that few callers need

    data = check_inputs(truth, scores)
    fpr, tpr, threshold = roc_curve(data.truth, data.scores, drop_intermediate=False)
    return pd.DataFrame({"threshold": threshold, "fpr": fpr, "tpr": tpr})


def fold_curves(predictions: pd.DataFrame) -> pd.DataFrame:
    """Give the ROC curve of each fold of one network (Figure 4), one below the other.

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split.

    Returns
    -------
    DataFrame
        fold, auc (of the fold), then the columns of `roc_points`. A fold of one class has no curve.
    """
    predictions = check_predictions(predictions, networks="one")
    curves = []
    for number, fold in predictions.groupby("fold"):
        if fold["truth"].nunique() > 1:
            curve = roc_points(fold["truth"], fold["p_fresh"])
            curve.insert(0, "auc", auc(fold["truth"], fold["p_fresh"]))
            curve.insert(0, "fold", number)
            curves.append(curve)
    return pd.concat(curves, ignore_index=True)


def mean_roc(predictions: pd.DataFrame, points: int = 101) -> pd.DataFrame:
    """Average one network's ROC curves over folds at equal false positive rates (Figure 4's mean).

    Vertical averaging: Fawcett (2006), Pattern Recognit. Lett. 27: 861-874. At a step the curve's upper end
    is taken. The area under the mean curve is about the mean of the folds' AUCs and not the AUC of the pooled
    scores.

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split.
    points : how many false positive rates, 0 to 1.

    Returns
    -------
    DataFrame
        fpr (points,), tpr_mean, tpr_sd_ddof1 (NaN of one fold), folds.

    What it cannot see: how folds would vary when dealt anew: the band is over these folds, whose training sets overlap.
    """
    predictions = check_predictions(predictions, networks="one")
    grid = np.linspace(0, 1, points)
    curves = []
    for _, fold in predictions.groupby("fold"):
        curve = roc_points(fold["truth"], fold["p_fresh"])
        curves.append(np.interp(grid, curve["fpr"], curve["tpr"]))
        curves[-1][0] = curve.loc[curve["fpr"] == 0, "tpr"].max()
    curves = pd.DataFrame(curves)
    return pd.DataFrame(
        {"fpr": grid, "tpr_mean": curves.mean(), "tpr_sd_ddof1": curves.std(ddof=1), "folds": len(curves)}
    )


def _counts(truth, scores):
    """Count the old patches below each fresh one (m, M), and the fresh ones above each old one (m, N).

    Ties count one half, so these are whole or half numbers, and exact.
    """
    below, above = np.empty((len(scores), truth.sum())), np.empty((len(scores), (~truth).sum()))
    for row, b, a in zip(scores, below, above, strict=True):
        fresh, old = row[truth], row[~truth]
        i, j = np.argsort(fresh), np.argsort(old)
        fresh, old = fresh[i], old[j]  # in order, so that each search starts where the last one ended
        b[i] = (np.searchsorted(old, fresh, "left") + np.searchsorted(old, fresh, "right")) / 2
        a[j] = fresh.size - (np.searchsorted(fresh, old, "left") + np.searchsorted(fresh, old, "right")) / 2
    return below, above


def _covariance(counts):
    """Sample covariance (ddof 1) of rows of whole or half numbers, without rounding before the last division.

    A shift by a whole number is exact, and so are sums up to 2**52: R's last printed digit needs it.
    """
    k = counts.shape[1]
    shifted = counts - np.rint(counts.mean(axis=1, keepdims=True))
    sums = shifted.sum(axis=1)
    return (k * (shifted @ shifted.T) - np.outer(sums, sums)) / (k * (k - 1))


def _cluster_sums(data):
    """Sum (placement - AUC) over each patient's fresh patches / M, old ones / N: each (m, clusters)."""
    v10, v01 = placements(data.truth, np.atleast_2d(data.scores))
    areas = v10.mean(axis=1)
    a, b = (
        np.stack([np.bincount(data.patient[of], row, data.clusters) for row in v - areas[:, None]])
        for of, v in ((data.truth, v10), (~data.truth, v01))
    )
    return areas, a / v10.shape[1], b / v01.shape[1]
