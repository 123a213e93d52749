"""The components of the Obuchowski-Rockette model: mean squares, covariances, and what a test makes of them.

The model of the figure of merit of treatment i and reader j: theta_ij = mu + tau_i + R_j + (tau R)_ij +
eps_ij, where the eps of one set of cases are correlated: Cov1 (same reader, other treatment), Cov2 (other
reader, same treatment), Cov3 (both differ), variance Error. Obuchowski & Rockette 1995, Commun Stat Simul
Comput 24:285; Hillis 2007, Stat Med 26:596 (degrees of freedom); Hillis 2014, Stat Med 33:330 (one treatment,
variance components).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ovcf.problems import InputError, Problem
from ovcf.stats.clusters import Floats
from ovcf.stats.readers.checks import check_readings
from ovcf.stats.readers.covariance import COVARIANCES, METRICS, figures_of_merit, merit_covariance
from ovcf.stats.readers.readings import Crossed, answers, cross

NOTHING = 1e-16
"""A variance or a component of one this near zero is the last digits of the arithmetic, above or below."""

GENERALISES = {
    "random": "holds for readers and cases like these ones (both are taken as drawn from a population)",
    "fixed_readers": "holds for exactly these readers, reading new cases like these",
    "fixed_cases": "holds for readers like these, reading exactly these cases",
}


class Components(NamedTuple):
    """What the Obuchowski-Rockette tests are made of; covariances are over the sampling of cases."""

    theta: Floats  # (t, r) figures of merit; NaN where a reader has no reading under a treatment
    error: float
    cov1: float
    cov2: float
    cov3: float
    error_by: Floats  # (t,) Error within each treatment
    cov2_by: Floats  # (t,) Cov2 within each treatment
    units: int  # cases, or patients where they are the units
    absent: NDArray[np.bool_] | None = None  # (t, r) readers without a reading under a treatment (split-plot)

    @property
    def shape(self) -> tuple[int, int]:
        """(treatments, readers)."""
        return self.theta.shape

    @property
    def nested(self) -> bool:
        """Whether some reader has no reading under some treatment: readers nested in treatments."""
        return self.absent is not None and bool(self.absent.any())

    @property
    def defined(self) -> bool:
        """Whether no figure of merit is 0/0, with all cases or with one left out."""
        theta = self.theta[~self.absent] if self.nested else self.theta
        return bool(np.isfinite([*theta.ravel(), self.error, self.cov1, self.cov2, self.cov3]).all())

    @property
    def mean_squares(self) -> dict[str, float]:
        """MS(T), MS(R), MS(TR) of the figures of merit, NaN where there is one level only; of a split-plot MS(R(T))."""
        theta, (t_, r_) = self.theta, self.shape
        if self.nested:
            return {"ms_t": np.nan, "ms_r": np.nan, "ms_tr": np.nan, "ms_r_t": spread_within(self)[0]}
        grand, by_t, by_r = theta.mean(), theta.mean(axis=1), theta.mean(axis=0)
        rest = theta - by_t[:, None] - by_r[None, :] + grand
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "ms_t": r_ * ((by_t - grand) ** 2).sum() / np.float64(t_ - 1),
                "ms_r": t_ * ((by_r - grand) ** 2).sum() / np.float64(r_ - 1),
                "ms_tr": (rest**2).sum() / np.float64((t_ - 1) * (r_ - 1)),
            }


def prepare(
    readings: pd.DataFrame, metric: str = "auc", threshold: float | None = None, missing: str = "auto",
    cluster: str = "auto",
) -> Crossed:  # fmt: skip
    """Check readings and lay them out for one metric.

    Parameters as `mrmc.obuchowski_rockette`. Returns `Crossed` with ratings (t, r, n): the ratings for auc,
    0/1 answers for every other metric. Raises InputError for what `check_readings` and `cross` refuse.
    """
    return lay_out(check_readings(readings), metric, threshold, missing, cluster)


def lay_out(
    long: pd.DataFrame, metric: str = "auc", threshold: float | None = None, missing: str = "auto",
    cluster: str = "auto",
) -> Crossed:  # fmt: skip
    """`prepare` of readings that `check_readings` has already returned."""
    if metric not in METRICS:
        raise InputError(Problem("metric", "no such metric", found=metric, allowed=", ".join(METRICS)))
    if metric == "auc":
        return cross(long, missing=missing, cluster=cluster)
    long = long.assign(answer=answers(long, threshold).astype(float))
    return cross(long, values="answer", missing=missing, cluster=cluster)


def or_components(study: Crossed, metric: str = "auc", covariance: str = "jackknife") -> Components:
    """Compute the figures of merit of a crossed study and average their covariances.

    Parameters
    ----------
    study : Crossed, ratings (t, r, n)
    metric, covariance : str
        See `merit_covariance`.

    Returns
    -------
    Components

    Raises
    ------
    InputError
        For an unknown or unfit covariance, or fewer than two units (patients or cases) of a class in what some
        reader read.

    Checked against OR-DBM MRMC 2.51 on Van Dyke.
    """
    t_, r_, n = study.ratings.shape
    curves = study.ratings.reshape(t_ * r_, n)
    if covariance not in COVARIANCES:
        allowed = ", ".join(COVARIANCES)
        raise InputError(Problem("covariance", "no such covariance", found=covariance, allowed=allowed))
    check_units(study)
    try:
        matrix = merit_covariance(curves, study.truth, metric, covariance, study.unit)
    except ValueError as error:
        raise InputError(Problem("covariance", str(error))) from None
    theta = figures_of_merit(curves, study.truth, metric).reshape(t_, r_)
    absent = np.isnan(study.ratings).all(axis=2)
    if absent.any() and np.isnan(theta[~absent]).any():
        raise InputError(Problem("undefined", f"{metric} is 0/0 for some reader of this split-plot study"))
    return components_of(theta, matrix, study.unit.max() + 1, absent)


def check_units(study: Crossed) -> None:
    """Refuse a study in which some reader read fewer than two units (patients or cases) of a class."""
    read = [row for row in ~np.isnan(study.ratings.reshape(-1, study.truth.size)) if row.any()]
    units = [np.unique(study.unit[row & (study.truth == y)]).size for row in read for y in (True, False)]
    if min(units) < 2:
        what = "patients" if study.clustered else "cases"
        message = f"fewer than two {what} of a class that some reader read: nothing to estimate a spread from"
        raise InputError(Problem("too_few", message, found=str(min(units)), allowed="2 at least"))


def components_of(theta: Floats, matrix: Floats, units: int, absent: NDArray[np.bool_] | None = None) -> Components:
    """Average a covariance matrix over like pairs of curves.

    Parameters
    ----------
    theta : array (t, r)
    matrix : array (t r, t r)
        Covariances of `theta.ravel()`.
    units : int
        Independent units behind it.
    absent : array (t, r) of bool, optional
        Readers without a reading under a treatment (split-plot); their curves take no part.

    Returns
    -------
    Components. Error: the diagonal; Cov1: same reader, other treatment; Cov2: other reader, same treatment;
    Cov3: both differ (Obuchowski & Rockette 1995); 0 where there is no such pair. Checked against OR-DBM MRMC
    2.51.
    """
    t_, r_ = theta.shape
    there = np.ones((t_, r_), bool) if absent is None else ~absent
    both = np.logical_and.outer(there, there)  # (t, r, t, r)
    cov = matrix.reshape(t_, r_, t_, r_)
    same_t, same_r = np.eye(t_, dtype=bool)[:, None, :, None], np.eye(r_, dtype=bool)[None, :, None, :]

    def mean(where):
        where = where & both
        return float(cov[where].mean()) if where.any() else 0.0  # one reader or treatment: no such pair

    alike = [cov[i][np.ix_(there[i], [i], there[i])][:, 0] for i in range(t_)]  # (r_i, r_i) each
    error_by = np.array([np.trace(own) / len(own) for own in alike])
    cov2_by = [(own.sum() - np.trace(own)) / max(len(own) * (len(own) - 1), 1) for own in alike]
    return Components(
        theta, mean(same_t & same_r), mean(~same_t & same_r), mean(same_t & ~same_r), mean(~same_t & ~same_r),
        error_by, np.array(cov2_by), int(units), None if there.all() else ~there,
    )  # fmt: skip


def spread_within(components: Components) -> tuple[float, int]:
    """Return MS(R(T)), the mean square of readers within treatments, and its degrees of freedom, sum(r_i - 1)."""
    theta = components.theta
    df = int((~np.isnan(theta)).sum() - len(theta))
    squares = np.nansum((theta - np.nanmean(theta, axis=1, keepdims=True)) ** 2)
    return (float(squares / df) if df else np.nan), df


def variance_components(components: Components) -> dict[str, float]:
    """List mean squares, Obuchowski-Rockette components and their Dorfman-Berbaum-Metz counterparts.

    var(R) = (MS(R) - MS(TR)) / t - Cov1 + Cov3; var(TR) = MS(TR) - Error + Cov1 + Cov2 - Cov3 (Hillis 2014,
    estimates may be negative and are not set to nought). On the scale of pseudovalues, n units: var(C) = n
    Cov3, var(TC) = n (Cov2 - Cov3), var(RC) = n (Cov1 - Cov3), var(TRC + error) = n (Error - Cov1 - Cov2 +
    Cov3) (Hillis et al. 2005, Stat Med 24:1579, Table 3). Of a split-plot only var(R(T)) = MS(R(T)) - Error + Cov2,
    that is var(R) + var(TR), can be told apart.

    Parameters
    ----------
    components : Components

    Returns
    -------
    dict of float, NaN where one level leaves nothing to estimate. Checked against OR-DBM MRMC 2.51 on Van
    Dyke.
    """
    c, squares, n = components, components.mean_squares, components.units
    if c.nested:
        known = {"error": c.error, "cov1": np.nan, "cov2": c.cov2, "cov3": c.cov3}
        return squares | known | {"var_r_t": squares["ms_r_t"] - c.error + c.cov2}
    return squares | {
        "error": c.error, "cov1": c.cov1, "cov2": c.cov2, "cov3": c.cov3,
        "var_r": (squares["ms_r"] - squares["ms_tr"]) / c.shape[0] - c.cov1 + c.cov3,
        "var_tr": squares["ms_tr"] - c.error + c.cov1 + c.cov2 - c.cov3,
        "dbm_var_c": n * c.cov3, "dbm_var_tc": n * (c.cov2 - c.cov3), "dbm_var_rc": n * (c.cov1 - c.cov3),
        "dbm_var_error": n * (c.error - c.cov1 - c.cov2 + c.cov3),
    }  # fmt: skip


def negative_components(components: Components) -> list[str]:
    """Say which variance components came out below zero, and what that means: one sentence each.

    Estimates are differences of mean squares and covariances, so chance can carry one below zero though no
    variance is. They are printed as they came out; tests set max(Cov2 - Cov3, 0), power sets var(TR) to 0.
    """
    names = {
        "var_r": ("var(R) of readers", ""),
        "var_tr": ("var(TR) of treatment by reader", ", and taken as 0 in power"),
        "var_r_t": ("var(R(T)) of readers within treatments", ""),
    }
    known = variance_components(components)
    said = [
        f"{name} is estimated at {known[key]:.3g}, below zero: as good as none{more}"
        for key, (name, more) in names.items()
        if known.get(key, np.nan) < -NOTHING
    ]
    if components.shape[0] > 1 and components.shape[1] > 1 and components.cov2 - components.cov3 < -NOTHING:
        said.append("Cov2 - Cov3 is estimated below zero and taken as 0: readers of one treatment seem no more alike")
    return said


def generalisations(components: Components) -> tuple[str, ...]:
    """Return the generalisations a study can speak for: with one reader a treatment, those readers only."""
    t_, r_ = components.shape
    enough = (~components.absent).sum() > t_ if components.nested else r_ > 1
    return tuple(GENERALISES) if enough else ("fixed_readers",)


def denominator(components: Components, generalisation: str) -> tuple[float, float]:
    """Return the variance that MS(T) is held against, and its degrees of freedom (inf for chi2).

    The three formulas stand in `mrmc.obuchowski_rockette`; Hillis 2007, Stat Med 26:596.
    """
    (t_, r_), c = components.shape, components
    ms_tr, spread = c.mean_squares["ms_tr"], max(c.cov2 - c.cov3, 0.0)
    if generalisation == "fixed_readers":
        return c.error - c.cov1 + (r_ - 1) * spread, np.inf
    between = (t_ - 1) * (r_ - 1)
    if generalisation == "fixed_cases":
        return ms_tr, between
    total = ms_tr + r_ * spread
    return total, between * (total / ms_tr) ** 2 if ms_tr > 0 else np.inf


def average_variance(theta: Floats, error: float, cov2: float, generalisation: str) -> tuple[float, float]:
    """Return the variance of the mean over readers of theta (r,), and its df (inf where normal).

    The three formulas stand in `mrmc.one_treatment`; Hillis 2014, Stat Med 33:330.
    """
    r_ = theta.size
    if generalisation == "fixed_readers":
        return max((error + (r_ - 1) * max(cov2, 0.0)) / r_, 0.0), np.inf
    ms_r = theta.var(ddof=1)
    if generalisation == "fixed_cases":
        return ms_r / r_, r_ - 1
    total = ms_r + r_ * max(cov2, 0.0)
    return total / r_, (r_ - 1) * (total / ms_r) ** 2 if ms_r > 0 else np.inf
