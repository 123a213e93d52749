"""One model against a panel of readers on the same cases: superiority and non-inferiority."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from ovcf.problems import InputError, Problem
from ovcf.stats.readers.checks import check_readings
from ovcf.stats.readers.components import GENERALISES, average_variance, check_units, prepare
from ovcf.stats.readers.covariance import figures_of_merit, merit_covariance
from ovcf.stats.readers.mrmc import ends, extends, not_estimable, range_of
from ovcf.stats.readers.readings import model_output
from ovcf.words import rounded


class Panel(NamedTuple):
    """Which readings are the panel's, and how they are taken.

    session : of the readers (treatment); of a study with one session, that one.
    threshold : rating from which an answer is fresh. missing, cluster : see `mrmc.obuchowski_rockette`.
    """

    session: str = "unaided"
    threshold: float | None = None
    missing: str = "auto"
    cluster: str = "auto"


UNAIDED = Panel()  # the readings without the model, as they are


def model_against_panel(
    readings: pd.DataFrame, predictions: pd.DataFrame | None = None, *, metric: str = "auc", margin: float = 0.05,
    panel: Panel = UNAIDED, model_threshold: float = 0.5, covariance: str = "jackknife", level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Compare one model with the average reader, and test that it is not worse by more than a margin.

    With D_j = theta_model - theta_j, the D_j are analysed as the figures of merit of one treatment: their
    mean has variance (MS(R) + max(r Cov2, 0)) / r with Hillis' degrees of freedom for random readers and
    cases, where Cov2 = var(model) - Cov(model, j) - Cov(model, j') + Cov(j, j') averaged over pairs; see
    `mrmc.one_treatment` for the fixed generalisations. The model is one, fixed. Superiority: D / SE against
    0, two-sided. Non-inferiority: (D + margin) / SE, one-sided at (1 - level) / 2, which is to say that the
    interval lies above -margin.

    Parameters
    ----------
    readings : DataFrame
        In either shape that `read_readings` takes.
    predictions : DataFrame, optional
        One row a case: patch_id, p_fresh; by default the `model_p_fresh` of the aided readings.
    metric : str
        auc, sensitivity, specificity, accuracy, ppv, npv or kappa.
    margin : float
        The loss that would still be accepted, > 0, chosen before the data are seen.
    panel : Panel
        The session, and how its readings are taken.
    model_threshold : float
        p_fresh from which the model's answer is fresh.
    covariance : str
        See `mrmc.obuchowski_rockette`.

    Returns
    -------
    DataFrame, one row a generalisation: metric, covariance, generalisation, model, panel (means), difference,
    low, high, df2 (NaN where normal), statistic, p_superiority, margin, p_noninferiority, noninferior (bool),
    readers, cases, sentence.

    Raises
    ------
    InputError
        For what `read_readings` refuses, a case without a prediction, fewer than two units of a class, or a margin
        that is not positive.

    Hillis 2014, Stat Med 33:330; Chen, Petrick & Sahiner 2012, Acad Radiol 19:1158 (non-inferiority);
    Chakraborty 2017, Observer Performance Methods, ch. 22 (one model against readers). Checked against a
    literal version, the paired DeLong test for one reader, and by simulated coverage.

    What it cannot see: a model trained anew: this one is taken as fixed.
    """
    if not margin > 0:
        raise InputError(Problem("margin", "the margin must be positive", found=str(margin)))
    study = prepare(_of_session(readings, panel.session), metric, panel.threshold, panel.missing, panel.cluster)
    check_units(study)
    given = predictions is not None
    p_fresh = _predicted(predictions, study.cases) if given else model_output(readings, study.cases)
    own = p_fresh if metric == "auc" else np.where(p_fresh >= model_threshold, 1.0, 0.0)
    curves = np.concatenate([own[None], study.ratings[0]])  # (1 + r, n), the model first
    theta = figures_of_merit(curves, study.truth, metric)
    difference = theta[0] - theta[1:]
    error, cov2 = _of_differences(merit_covariance(curves, study.truth, metric, covariance, study.unit))
    rows = []
    for generalisation in GENERALISES if difference.size > 1 else ("fixed_readers",):
        variance, df = average_variance(difference, error, cov2, generalisation)
        rows.append(
            {"metric": metric, "covariance": covariance, "generalisation": generalisation, "model": theta[0],
             "panel": theta[1:].mean(), "difference": difference.mean()}
            | _tests(difference.mean(), np.sqrt(variance), df, margin, level, metric)
            | {"readers": difference.size, "cases": study.truth.size}
        )  # fmt: skip
    table = pd.DataFrame(rows)
    defined = bool(np.isfinite([*difference, error, cov2]).all())
    return table.assign(sentence=[_sentence(row, level, defined) for row in table.itertuples()])


def _of_session(readings, session):
    long = check_readings(readings)
    names = sorted(set(long["treatment"]))
    if session not in names and len(names) > 1:
        allowed = ", ".join(names)
        raise InputError(Problem("session", "no such session", None, None, "session", session, allowed))
    return long[long["treatment"] == (session if session in names else names[0])]


def _predicted(predictions, cases):
    names = predictions["patch_id"].astype(str)
    if names.duplicated().any():
        found = names[names.duplicated()].iloc[0]
        message = "several predictions of one case: choose one network, split and seed first"
        raise InputError(Problem("duplicate", message, column="patch_id", found=found))
    p = pd.Series(predictions["p_fresh"].to_numpy(float), names).reindex(cases).to_numpy()
    if np.isnan(p).any():
        found = str(cases[int(np.flatnonzero(np.isnan(p))[0])])
        raise InputError(Problem("missing", "no prediction for this case", column="p_fresh", found=found))
    return p


def _of_differences(matrix):
    """Return Error and Cov2 of model minus reader from the covariance with the model in the first place."""
    apart = matrix[0, 0] - matrix[0, 1:][:, None] - matrix[0, 1:][None, :] + matrix[1:, 1:]  # (r, r)
    r_ = len(apart)
    return np.trace(apart) / r_, (apart.sum() - np.trace(apart)) / max(r_ * (r_ - 1), 1)


def _tests(difference, error, df, margin, level, metric):
    law = norm if df == np.inf else t(df)
    low, high = ends(difference, error**2, df, level, range_of(metric, difference=True))
    statistic = difference / error if error > 0 else np.nan
    p_lower = float(law.sf((difference + margin) / error)) if error > 0 else np.nan
    return {
        "low": low, "high": high, "df2": df if df < np.inf else np.nan,
        "statistic": statistic, "p_superiority": float(2 * law.sf(abs(statistic))), "margin": margin,
        "p_noninferiority": p_lower, "noninferior": bool(p_lower < (1 - level) / 2),
    }  # fmt: skip


def _sentence(row, level, defined):
    metric = "AUC" if row.metric == "auc" else row.metric
    if np.isnan(row.low):
        difference = "" if np.isnan(row.difference) else f" {rounded(row.difference, 3)},"
        return f"{metric}: model minus panel{difference} {not_estimable(row.generalisation, defined)}."
    verdict = "non-inferior" if row.noninferior else "not shown to be non-inferior"
    better = ", and superior" if row.low > 0 else ""
    return (
        f"{metric}: model minus panel {rounded(row.difference, 3)} [{rounded(row.low, 3)}, {rounded(row.high, 3)}] "
        f"({100 * level:g} % interval): {verdict} at a margin of {row.margin:g}{better}; "
        f"{extends(row.generalisation, row.readers)}."
    )
