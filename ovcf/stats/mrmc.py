"""Multi-reader multi-case analysis after Obuchowski & Rockette, with Hillis' degrees of freedom.

The model of the figure of merit of treatment i and reader j: theta_ij = mu + tau_i + R_j + (tau R)_ij +
eps_ij, where the eps of one set of cases are correlated: Cov1 (same reader, other treatment), Cov2 (other
reader, same treatment), Cov3 (both differ), variance Error. Obuchowski & Rockette 1995, Commun Stat Simul
Comput 24:285; Hillis 2007, Stat Med 26:596 (degrees of freedom); Hillis 2014, Stat Med 33:330 (one treatment,
variance components).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import chi2, f, norm, t

from ovcf.problems import InputError, Problem
from ovcf.stats.reader_covariance import COVARIANCES, METRICS, figures_of_merit, merit_covariance
from ovcf.stats.readings import Crossed, answers, check_readings, cross

GENERALISES = {
    "random": "holds for readers and cases like these ones (both are taken as drawn from a population)",
    "fixed_readers": "holds for exactly these readers, reading new cases like these",
    "fixed_cases": "holds for readers like these, reading exactly these cases",
}


class Components(NamedTuple):
    """What the Obuchowski-Rockette tests are made of; covariances are over the sampling of cases."""

    theta: np.ndarray  # (t, r) figures of merit
    error: float
    cov1: float
    cov2: float
    cov3: float
    error_by: np.ndarray  # (t,) Error within each treatment
    cov2_by: np.ndarray  # (t,) Cov2 within each treatment
    units: int  # cases, or patients where they are the units

    @property
    def shape(self):
        """(treatments, readers)."""
        return self.theta.shape

    @property
    def mean_squares(self):
        """MS(T), MS(R), MS(TR) of the figures of merit; NaN where there is one level only."""
        theta, (t_, r_) = self.theta, self.shape
        grand, by_t, by_r = theta.mean(), theta.mean(axis=1), theta.mean(axis=0)
        rest = theta - by_t[:, None] - by_r[None, :] + grand
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "ms_t": r_ * ((by_t - grand) ** 2).sum() / np.float64(t_ - 1),
                "ms_r": t_ * ((by_r - grand) ** 2).sum() / np.float64(r_ - 1),
                "ms_tr": (rest**2).sum() / np.float64((t_ - 1) * (r_ - 1)),
            }


def obuchowski_rockette(readings, metric="auc", threshold=None, covariance="jackknife", *,
                        missing="complete_cases", cluster="auto", level=0.95):  # fmt: skip
    """Compare treatments over readers and cases, in three generalisations side by side.

    With d = max(Cov2 - Cov3, 0), t treatments and r readers:

    * `random` readers and cases: F = MS(T) / (MS(TR) + r d), df1 = t-1,
      df2 = (MS(TR) + r d)^2 / (MS(TR)^2 / ((t-1)(r-1))) (Hillis 2007);
    * `fixed_readers`: chi2 = (t-1) MS(T) / (Error - Cov1 + (r-1) d), df t-1;
    * `fixed_cases`: F = MS(T) / MS(TR), df t-1, (t-1)(r-1).

    The interval of a difference is +- quantile sqrt(2/r x denominator). With more than two treatments the
    overall test comes first (no difference), then every pair, tested by its own t (or normal) statistic
    squared and unadjusted.

    Parameters
    ----------
    readings : DataFrame
        In either shape that `read_readings` takes.
    metric : str
        auc, sensitivity, specificity, accuracy, ppv, npv or kappa. All but auc are of yes/no answers.
    threshold : float, optional
        Rating from which a reading counts as fresh; not needed where answers were given.
    covariance : {"jackknife", "delong", "unbiased"}
        See `merit_covariance`.
    missing, cluster : str
        See `cross`; `missing="available"` goes with the jackknife only. With patients as units the jackknife
        leaves out one patient at a time, and DeLong sums components over patients.

    Returns
    -------
    DataFrame, one row an entry: metric, covariance, generalisation, comparison, statistic, df1, df2 (NaN for
    chi2), p, difference (first minus second treatment in sorted order), low, high, readers, cases, units,
    note, sentence. With one reader only `fixed_readers` is there.

    Raises
    ------
    InputError
        For what `read_readings` refuses, one treatment only, or a design or covariance that does not fit.

    Checked against OR-DBM MRMC 2.51 on the Van Dyke study to all printed digits.
    """
    study = prepare(readings, metric, threshold, missing, cluster)
    components = or_components(study, metric, covariance)
    if components.shape[0] < 2:
        message = f"one treatment only ({study.treatments[0]}): nothing to compare; see one_treatment"
        raise InputError(Problem("one_treatment", message))
    rows = []
    for generalisation in generalisations(components):
        for entry in compare_treatments(components, study.treatments, generalisation, level):
            about = {"metric": metric, "covariance": covariance, "generalisation": generalisation}
            rows.append(about | entry)
    table = pd.DataFrame(rows).assign(
        readers=len(study.readers), cases=study.truth.size, units=components.units, note=study.note
    )
    return table.assign(sentence=[_sentence(row, level) for row in table.itertuples()])


def one_treatment(readings, metric="auc", threshold=None, covariance="jackknife", *, missing="complete_cases",
                  cluster="auto", level=0.95):  # fmt: skip
    """Estimate the readers' average under each treatment alone, in the three generalisations.

    The variance of theta_i. is (MS(R)_i + max(r Cov2_i, 0)) / r with df2 = (MS(R)_i + max(r Cov2_i, 0))^2 /
    (MS(R)_i^2 / (r-1)) for random readers and cases, (Error_i + (r-1) max(Cov2_i, 0)) / r for fixed readers
    (normal), and MS(R)_i / r with r-1 for fixed cases; every part from that treatment's readings alone
    (Hillis 2014).

    Parameters as `obuchowski_rockette`. Returns a DataFrame: metric, covariance, generalisation, treatment,
    estimate, standard_error, df2 (NaN where normal), low, high, sd (over readers, ddof 1), readers, cases.
    Checked against a literal calculation.
    """
    study = prepare(readings, metric, threshold, missing, cluster)
    components = or_components(study, metric, covariance)
    rows = []
    for i, treatment in enumerate(study.treatments):
        theta = components.theta[i]
        for generalisation in generalisations(components):
            parts = components.error_by[i], components.cov2_by[i]
            variance, df = average_variance(theta, *parts, generalisation)
            half = _quantile(level, df) * np.sqrt(variance)
            rows.append({
                "metric": metric, "covariance": covariance, "generalisation": generalisation,
                "treatment": treatment, "estimate": theta.mean(), "standard_error": np.sqrt(variance),
                "df2": df if df < np.inf else np.nan, "low": theta.mean() - half, "high": theta.mean() + half,
                "sd": theta.std(ddof=1) if theta.size > 1 else np.nan,
                "readers": theta.size, "cases": study.truth.size,
            })  # fmt: skip
    return pd.DataFrame(rows)


def variance_components(components):
    """List mean squares, Obuchowski-Rockette components and their Dorfman-Berbaum-Metz counterparts.

    var(R) = (MS(R) - MS(TR)) / t - Cov1 + Cov3; var(TR) = MS(TR) - Error + Cov1 + Cov2 - Cov3 (Hillis 2014,
    estimates may be negative and are not set to nought). On the scale of pseudovalues, n units: var(C) = n
    Cov3, var(TC) = n (Cov2 - Cov3), var(RC) = n (Cov1 - Cov3), var(TRC + error) = n (Error - Cov1 - Cov2 +
    Cov3) (Hillis et al. 2005, Stat Med 24:1579, Table 3).

    Parameters
    ----------
    components : Components

    Returns
    -------
    dict of float, NaN where one level leaves nothing to estimate. Checked against OR-DBM MRMC 2.51 on Van
    Dyke.
    """
    c, squares, n = components, components.mean_squares, components.units
    return squares | {
        "error": c.error, "cov1": c.cov1, "cov2": c.cov2, "cov3": c.cov3,
        "var_r": (squares["ms_r"] - squares["ms_tr"]) / c.shape[0] - c.cov1 + c.cov3,
        "var_tr": squares["ms_tr"] - c.error + c.cov1 + c.cov2 - c.cov3,
        "dbm_var_c": n * c.cov3, "dbm_var_tc": n * (c.cov2 - c.cov3), "dbm_var_rc": n * (c.cov1 - c.cov3),
        "dbm_var_error": n * (c.error - c.cov1 - c.cov2 + c.cov3),
    }  # fmt: skip


def prepare(readings, metric="auc", threshold=None, missing="complete_cases", cluster="auto"):
    """Check readings and lay them out as `Crossed`: ratings for auc, 0/1 answers for every other metric."""
    if metric not in METRICS:
        raise InputError(Problem("metric", "no such metric", found=metric, allowed=", ".join(METRICS)))
    readings = check_readings(readings)
    if metric != "auc":
        readings = readings.assign(answer=answers(readings, threshold).astype(float))
    return cross(readings, values="rating" if metric == "auc" else "answer", missing=missing, cluster=cluster)


def or_components(study: Crossed, metric="auc", covariance="jackknife"):
    """Compute the figures of merit of a crossed study and average their covariances; returns `Components`."""
    t_, r_, n = study.ratings.shape
    curves = study.ratings.reshape(t_ * r_, n)
    if covariance not in COVARIANCES:
        allowed = ", ".join(COVARIANCES)
        raise InputError(Problem("covariance", "no such covariance", found=covariance, allowed=allowed))
    if np.isnan(curves).any() and covariance != "jackknife":
        message = f"{covariance} cannot take missing readings; use the jackknife or complete cases"
        raise InputError(Problem("missing_reading", message))
    try:
        matrix = merit_covariance(curves, study.truth, metric, covariance, study.unit)
    except ValueError as error:
        raise InputError(Problem("covariance", str(error))) from None
    theta = figures_of_merit(curves, study.truth, metric).reshape(t_, r_)
    return components_of(theta, matrix, study.unit.max() + 1)


def components_of(theta, matrix, units):
    """Average a covariance matrix (t r, t r), curves in the order of `theta` (t, r), into `Components`."""
    t_, r_ = theta.shape
    cov = matrix.reshape(t_, r_, t_, r_)
    same_t, same_r = np.eye(t_, dtype=bool)[:, None, :, None], np.eye(r_, dtype=bool)[None, :, None, :]

    def mean(where):
        where = np.broadcast_to(where, cov.shape)
        return float(cov[where].mean()) if where.any() else 0.0  # one reader or treatment: no such pair

    within = cov[np.arange(t_), :, np.arange(t_), :]  # (t, r, r)
    error_by = np.einsum("ijj->ij", within).mean(axis=1)
    others = within.sum(axis=(1, 2)) - r_ * error_by
    return Components(
        theta, mean(same_t & same_r), mean(~same_t & same_r), mean(same_t & ~same_r), mean(~same_t & ~same_r),
        error_by, others / max(r_ * (r_ - 1), 1), int(units),
    )  # fmt: skip


def generalisations(components):
    """Return the generalisations a study can speak for: with one reader, that reader only."""
    return tuple(GENERALISES) if components.shape[1] > 1 else ("fixed_readers",)


def denominator(components, generalisation):
    """Return the variance that MS(T) is held against, and its degrees of freedom (inf for chi2)."""
    (t_, r_), c = components.shape, components
    ms_tr, spread = c.mean_squares["ms_tr"], max(c.cov2 - c.cov3, 0.0)
    if generalisation == "fixed_readers":
        return c.error - c.cov1 + (r_ - 1) * spread, np.inf
    between = (t_ - 1) * (r_ - 1)
    if generalisation == "fixed_cases":
        return ms_tr, between
    total = ms_tr + r_ * spread
    return total, between * (total / ms_tr) ** 2 if ms_tr > 0 else np.inf


def compare_treatments(components, treatments, generalisation, level=0.95):
    """Test all treatments and each pair under one generalisation; returns a list of dict."""
    (t_, r_), means = components.shape, components.theta.mean(axis=1)
    variance, df = denominator(components, generalisation)
    half = _quantile(level, df) * np.sqrt(max(2 / r_ * variance, 0.0))
    pairs = [(a, b) for a in range(t_) for b in range(a + 1, t_)]
    rows = [] if t_ == 2 else [_test("all", components.mean_squares["ms_t"], variance, t_ - 1, df)]
    for a, b in pairs:
        difference = means[a] - means[b]
        row = _test(f"{treatments[a]} - {treatments[b]}", r_ * difference**2 / 2, variance, 1, df)
        rows.append(row | {"difference": difference, "low": difference - half, "high": difference + half})
    return rows


def average_variance(theta, error, cov2, generalisation):
    """Return the variance of the mean over readers of theta (r,) under one treatment, and its df."""
    r_ = theta.size
    if generalisation == "fixed_readers":
        return max((error + (r_ - 1) * max(cov2, 0.0)) / r_, 0.0), np.inf
    ms_r = theta.var(ddof=1)
    if generalisation == "fixed_cases":
        return ms_r / r_, r_ - 1
    total = ms_r + r_ * max(cov2, 0.0)
    return total / r_, (r_ - 1) * (total / ms_r) ** 2 if ms_r > 0 else np.inf


def _test(comparison, ms, variance, df1, df2):
    # equal figures of merit throughout leave 0/0: no evidence of a difference, so p = 1
    ratio = ms / variance if variance > 0 else (0.0 if ms <= 1e-30 else np.inf)
    if df2 == np.inf:  # chi2 of df1 is df1 times F with infinite df2
        ratio, p = df1 * ratio, chi2.sf(df1 * ratio, df1)
    else:
        p = f.sf(ratio, df1, df2)
    return {
        "comparison": comparison, "statistic": ratio, "df1": df1,
        "df2": df2 if df2 < np.inf else np.nan, "p": p, "difference": np.nan, "low": np.nan, "high": np.nan,
    }  # fmt: skip


def _quantile(level, df):
    tail = (1 + level) / 2
    return norm.ppf(tail) if df == np.inf else t.ppf(tail, df)


def _sentence(row, level):
    p = "p < 0.001" if row.p < 0.001 else f"p = {row.p:.3f}"
    found = f"the treatments do not all have the same {row.metric} if p is small ({p})"
    if row.comparison != "all":
        found = f"{row.metric} {row.comparison}: {row.difference:+.3f} "
        found += f"({level:.0%} interval {row.low:+.3f} to {row.high:+.3f}, {p})"
    note = f" {row.note}." if row.note else ""
    return f"{found}; {GENERALISES[row.generalisation]}.{note}"
