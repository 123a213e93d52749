"""A model on another hospital's patients: its probabilities updated, honestly, and what that changes.

Four versions of the same model are compared: as it came, with another intercept, with another intercept and slope
(logistic recalibration), and with its head trained anew (whose probabilities the caller brings). Every update is fitted
on other patients than the ones it is applied to. Steyerberg (2019), Clinical Prediction Models, ch. 20.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, stdtrit

from ovcf.problems import InputError, Problem, unknown
from ovcf.stats.analytic import clustered_auc_interval
from ovcf.stats.calibration import SMALLEST, calibration_table, logistic_maximum
from ovcf.stats.checks import check_inputs

UPDATES = ("none", "intercept", "intercept and slope")


class Recalibration(NamedTuple):
    """logit P(fresh) = intercept + slope logit p; NaN where it cannot be estimated."""

    intercept: float
    slope: float


def fit_recalibration(truth: ArrayLike, p_fresh: ArrayLike, how: str) -> Recalibration:
    """Fit a logistic recalibration.

    Parameters
    ----------
    truth, p_fresh : (n,) ; probabilities in [0, 1]; exactly 0 and 1 are taken as 1e-6 from it.
    how : "none" (intercept 0, slope 1), "intercept" (slope 1), or "intercept and slope".

    Returns
    -------
    Recalibration
        Maximum likelihood. NaN where one class is missing, or where a threshold parts the classes and the likelihood
        has no maximum. Checked against R's rms (`lrm`, `val.prob`).

    Raises
    ------
    InputError
        What `check_inputs` refuses, or an unknown `how`.
    """
    if how not in UPDATES:
        raise InputError(unknown("update", how, UPDATES))
    data = check_inputs(truth, p_fresh, probabilities=True, both=False)
    if how == "none":
        return Recalibration(0.0, 1.0)
    x, y = _logit(data.scores), data.truth
    fresh, old = x[y], x[~y]
    apart = not fresh.size or not old.size or (how != "intercept" and _parted(fresh, old))
    return Recalibration(*((np.nan, np.nan) if apart else logistic_maximum(x, y.astype(float), how == "intercept")))


def recalibrate(p_fresh: ArrayLike, by: Recalibration) -> NDArray[np.float64]:
    """Return probabilities (n,) after a recalibration; unchanged, to the bit, by intercept 0 and slope 1."""
    p = np.asarray(p_fresh, float)
    return p.copy() if by == (0.0, 1.0) else expit(by.intercept + by.slope * _logit(p))


def deal_patients(truth: ArrayLike, patient: ArrayLike, *, folds: int = 5, seed: int = 0) -> NDArray[np.int64]:
    """Deal patches (n,) to folds from 0, whole patients together and classes alike where patients allow it.

    Fewer folds where a class has fewer patients.

    Raises
    ------
    InputError
        Where a class has fewer than two patients, so that nothing can be fitted on others.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    data = check_inputs(truth, np.zeros(np.size(truth)), patient)
    fewest = min(np.unique(data.patient[of]).size for of in (data.truth, ~data.truth))
    if fewest < 2:
        raise InputError(Problem("few_patients", "an update needs two patients of each class", found=str(fewest)))
    splitter = StratifiedGroupKFold(min(folds, fewest), shuffle=True, random_state=seed)
    fold = np.empty(data.truth.size, int)
    for number, (_, test) in enumerate(splitter.split(data.truth, data.truth, data.patient)):
        fold[test] = number
    return fold


def cross_fitted(fold: ArrayLike, fit_and_apply: Callable[[NDArray, NDArray], NDArray]) -> NDArray[np.float64]:
    """Return probabilities (n,) each of which comes from a fit on the other folds.

    Parameters
    ----------
    fold : (n,) as `deal_patients` deals them.
    fit_and_apply : of (rows to fit on, rows to apply to), as int arrays; returns the latter's probabilities.
    """
    fold = np.asarray(fold)
    out = np.full(fold.size, np.nan)
    for number in np.unique(fold):
        test = np.flatnonzero(fold == number)
        out[test] = fit_and_apply(np.flatnonzero(fold != number), test)
    return out


def updated_probabilities(truth: ArrayLike, p_fresh: ArrayLike, fold: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Return the model's probabilities under each of `UPDATES`, cross-fitted: name to (n,).

    A fold whose other folds cannot be fitted keeps the probabilities as they came (and an update that changes
    nothing is then what the table shows).
    """
    truth, p = np.asarray(truth), np.asarray(p_fresh, float)

    def by(how: str) -> Callable[[NDArray, NDArray], NDArray]:
        def fit_and_apply(others: NDArray, own: NDArray) -> NDArray:
            fitted = fit_recalibration(truth[others], p[others], how)
            return p[own] if np.isnan(fitted.slope) else recalibrate(p[own], fitted)

        return fit_and_apply

    return {how: cross_fitted(fold, by(how)) for how in UPDATES}


def updating_table(
    truth: ArrayLike,
    versions: Mapping[str, ArrayLike],
    patient: ArrayLike,
    *,
    replicates: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare versions of a model on the same patches.

    Parameters
    ----------
    truth, patient : (n,) ; versions : name to p_fresh (n,), the first as the model came.

    Returns
    -------
    DataFrame
        update, metric (auc, brier, intercept, slope, brier_change), estimate, low, high; intervals clustered by
        patient. `brier_change` is the version's Brier score less the first's on the same patches (negative: better).

    Raises
    ------
    InputError
        What `check_inputs` refuses.

    What it cannot see: what another update would have done, nor how the fit varies with the patients it was fitted on
    (the fitted updates are held fixed).
    """
    first = next(iter(versions.values()))
    rows = []
    for name, p in versions.items():
        data = check_inputs(truth, p, patient, probabilities=True)
        area = clustered_auc_interval(data.truth, data.scores, data.patient, level)
        rows.append({"update": name, "metric": "auc", **_ends(area)})
        table = calibration_table(
            data.truth, data.scores, data.patient, replicates=replicates, seed=seed, level=level
        ).set_index("metric")
        for metric in ("brier", "intercept", "slope"):
            rows.append({"update": name, "metric": metric, **table.loc[metric, ["estimate", "low", "high"]]})
        if name != next(iter(versions)):
            change = (data.scores - data.truth) ** 2 - (np.asarray(first, float) - data.truth) ** 2
            rows.append({"update": name, "metric": "brier_change", **mean_interval(change, data.patient, level)})
    return pd.DataFrame(rows)


def mean_interval(values: ArrayLike, patient: ArrayLike, level: float = 0.95) -> dict[str, float]:
    """Return the mean over patches with its interval: linearised variance over K patients, Student's t on K - 1.

    Checked against statsmodels' cluster-robust mean. `estimate`, `low`, `high`; NaN ends with one patient, and where no
    value differs from the mean: from so few patients nothing is known of its spread.
    """
    values, codes = np.asarray(values, float), pd.factorize(np.asarray(patient))[0]
    mean, patients = values.mean(), codes.max() + 1
    sums = np.bincount(codes, values - mean)
    scale = patients / (patients - 1) if patients > 1 else np.nan
    if not np.any(np.abs(sums) > 1e-12):
        return {"estimate": mean, "low": np.nan, "high": np.nan}
    half = stdtrit(max(patients - 1, 1), (1 + level) / 2) * np.sqrt(scale * np.sum(sums**2)) / values.size
    return {"estimate": mean, "low": mean - half, "high": mean + half}


def _ends(interval) -> dict[str, float]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}


def _logit(p: NDArray) -> NDArray[np.float64]:
    return logit(np.clip(p, SMALLEST, 1 - SMALLEST))


def _parted(fresh: NDArray, old: NDArray) -> bool:
    """Tell whether a threshold parts the classes, or all probabilities are one: then there is no slope."""
    return bool(fresh.min() >= old.max() or fresh.max() <= old.min())
