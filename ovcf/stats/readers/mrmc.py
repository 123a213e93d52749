"""Multi-reader multi-case analysis after Obuchowski & Rockette, with Hillis' degrees of freedom.

The model and its parts are in `or_components`; here are the tests and intervals made of them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, f, norm, t

from ovcf.problems import InputError, Problem
from ovcf.stats.readers.components import (
    GENERALISES,
    Components,
    average_variance,
    denominator,
    generalisations,
    or_components,
    prepare,
)
from ovcf.stats.readers.readings import Crossed


def obuchowski_rockette(
    readings: pd.DataFrame,
    metric: str = "auc",
    threshold: float | None = None,
    covariance: str = "jackknife",
    *,
    missing: str = "complete_cases",
    cluster: str = "auto",
    level: float = 0.95,
) -> pd.DataFrame:
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
    return compare_study(study, or_components(study, metric, covariance), metric, covariance, level=level)


def one_treatment(
    readings: pd.DataFrame,
    metric: str = "auc",
    threshold: float | None = None,
    covariance: str = "jackknife",
    *,
    missing: str = "complete_cases",
    cluster: str = "auto",
    level: float = 0.95,
) -> pd.DataFrame:
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
    return average_study(study, or_components(study, metric, covariance), metric, covariance, level=level)


def compare_study(
    study: Crossed, components: Components, metric: str, covariance: str, *, level: float = 0.95
) -> pd.DataFrame:
    """`obuchowski_rockette` of a study laid out by `prepare`, from its components."""
    if components.shape[0] < 2:
        message = f"one treatment only ({study.treatments[0]}): nothing to compare; see one_treatment"
        raise InputError(Problem("one_treatment", message))
    rows = []
    for generalisation in generalisations(components):
        about = {"metric": metric, "covariance": covariance, "generalisation": generalisation}
        for entry in compare_treatments(components, study.treatments, generalisation, level):
            rows.append(about | entry)
    table = pd.DataFrame(rows).assign(
        readers=len(study.readers), cases=study.truth.size, units=components.units, note=study.note
    )
    return table.assign(sentence=[_sentence(row, level) for row in table.itertuples()])


def average_study(
    study: Crossed, components: Components, metric: str, covariance: str, *, level: float = 0.95
) -> pd.DataFrame:
    """`one_treatment` of a study laid out by `prepare`, from its components."""
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


def compare_treatments(
    components: Components, treatments: Sequence[str], generalisation: str, level: float = 0.95
) -> list[dict[str, Any]]:
    """Test all treatments and each pair under one generalisation.

    F = MS(T) / denominator, or chi2 = (t-1) F where the denominator has infinite df; a pair by r D^2 / 2 in
    place of MS(T), its interval D +- quantile sqrt(2/r denominator). p is NaN where a difference has no
    spread at all.

    Parameters
    ----------
    components : Components, theta (t, r)
    treatments : sequence of t names
    generalisation : str, see `GENERALISES`

    Returns
    -------
    list of dict: comparison ("all" first where t > 2, then pairs), statistic, df1, df2, p, difference, low,
    high.

    Hillis 2007, Stat Med 26:596. Checked against OR-DBM MRMC 2.51 and scipy's paired t.
    """
    (t_, r_), means = components.shape, components.theta.mean(axis=1)
    variance, df = denominator(components, generalisation)
    # without spread there is no interval, unless there is no difference either
    half = _quantile(level, df) * np.sqrt(2 / r_ * variance) if variance > 0 else np.nan
    pairs = [(a, b) for a in range(t_) for b in range(a + 1, t_)]
    rows = [] if t_ == 2 else [_test("all", components.mean_squares["ms_t"], variance, t_ - 1, df)]
    for a, b in pairs:
        difference = means[a] - means[b]
        row = _test(f"{treatments[a]} - {treatments[b]}", r_ * difference**2 / 2, variance, 1, df)
        own = 0.0 if np.isnan(half) and row["p"] == 1 else half
        rows.append(row | {"difference": difference, "low": difference - own, "high": difference + own})
    return rows


def _test(comparison, ms, variance, df1, df2):
    if variance > 0:
        ratio = ms / variance
    else:  # 0/0 is no evidence of a difference (p = 1); a difference without any spread cannot be tested
        ratio = 0.0 if ms <= 1e-30 else np.nan
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
    p = "not testable, nothing varies" if np.isnan(row.p) else p
    metric = "AUC" if row.metric == "auc" else row.metric
    found = f"all treatments alike in {metric}: {p}"
    if row.comparison != "all":
        found = f"{metric} {row.comparison}: {row.difference:+.3f} "
        found += f"({level:.0%} interval {row.low:+.3f} to {row.high:+.3f}, {p})"
    note = f" {row.note}." if row.note else ""
    return f"{found}; {GENERALISES[row.generalisation]}.{note}"
