"""Multi-reader multi-case analysis after Obuchowski & Rockette, with Hillis' degrees of freedom.

The model and its parts are in `or_components`; here are the tests and intervals made of them.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, f, norm, t

from ovcf.problems import InputError, Problem
from ovcf.stats.clusters import Floats
from ovcf.stats.readers.components import (
    GENERALISES,
    NOTHING,
    Components,
    average_variance,
    denominator,
    generalisations,
    or_components,
    prepare,
)
from ovcf.stats.readers.nested import nested_variance
from ovcf.stats.readers.readings import Crossed
from ovcf.words import rounded

NARROWER = (
    "This interval is narrower than that for exactly these readers: their differences vary less than chance in the "
    "cases alone would make them vary (a variance component estimated below zero). The wider one is the safer to quote."
)


def obuchowski_rockette(
    readings: pd.DataFrame, metric: str = "auc", threshold: float | None = None, covariance: str = "jackknife", *,
    missing: str = "auto", cluster: str = "auto", level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Compare treatments over readers and cases, in three generalisations side by side.

    With d = max(Cov2 - Cov3, 0), t treatments and r readers:

    * `random` readers and cases: F = MS(T) / (MS(TR) + r d), df1 = t-1,
      df2 = (MS(TR) + r d)^2 / (MS(TR)^2 / ((t-1)(r-1))) (Hillis 2007);
    * `fixed_readers`: chi2 = (t-1) MS(T) / (Error - Cov1 + (r-1) d), df t-1;
    * `fixed_cases`: F = MS(T) / MS(TR), df t-1, (t-1)(r-1).

    The interval of a difference is +- quantile sqrt(2/r x denominator). With more than two treatments the
    overall test comes first (no difference), then every pair, tested by its own t (or normal) statistic
    squared and unadjusted. Where each reader has one treatment only (split-plot), see `nested.nested_variance`.
    Where nothing varies, nothing is estimable: p and interval are NaN, and the sentence says so. Intervals are cut
    at the ends of the metric's range. Where readers differ by less than the cases explain (var(TR) estimated below
    zero), the interval for random readers can be narrower than for exactly these; the sentence says so.

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
        See `cross`. With patients as units the jackknife leaves out one patient at a time, and DeLong sums
        components over patients.

    Returns
    -------
    DataFrame, one row an entry: metric, covariance, generalisation, comparison, statistic, df1, df2 (NaN for
    chi2), p, difference (first minus second treatment in sorted order), low, high, readers, cases, units,
    note, sentence. With one reader only `fixed_readers` is there.

    Raises
    ------
    InputError
        For what `read_readings` refuses, one treatment only, or a design or covariance that does not fit.

    Checked against OR-DBM MRMC 2.51 on the Van Dyke and Franken studies to all printed digits, and literal loops for
    missing readings, cases nested in treatments or readers, and split-plots.

    What it cannot see: effects of order, memory and fatigue, which the two sessions share with the model.
    """
    study = prepare(readings, metric, threshold, missing, cluster)
    return compare_study(study, or_components(study, metric, covariance), metric, covariance, level=level)


def one_treatment(
    readings: pd.DataFrame, metric: str = "auc", threshold: float | None = None, covariance: str = "jackknife", *,
    missing: str = "auto", cluster: str = "auto", level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
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
        for entry in compare_treatments(components, study.treatments, generalisation, level, metric):
            rows.append(about | entry)
    table = pd.DataFrame(rows).assign(
        readers=len(study.readers), cases=study.truth.size, units=components.units, note=study.note
    )
    sentences = [_sentence(row, level, components.defined) for row in table.itertuples()]
    less = narrower(table, "comparison")
    return table.assign(sentence=[f"{s} {NARROWER}" if n else s for s, n in zip(sentences, less, strict=True)])


def narrower(table: pd.DataFrame, by: str) -> NDArray[np.bool_]:
    """Tell which rows of random readers have an interval within that of exactly these readers.

    Parameters
    ----------
    table : of `compare_study` or `average_study`. by : "comparison" or "treatment", what both rows must share.
    """
    width = (table["high"] - table["low"]).to_numpy()
    fixed = table[by].map(pd.Series(width, table[by])[(table["generalisation"] == "fixed_readers").to_numpy()])
    return ((table["generalisation"] == "random") & (width < fixed)).to_numpy()


def average_study(
    study: Crossed, components: Components, metric: str, covariance: str, *, level: float = 0.95
) -> pd.DataFrame:
    """`one_treatment` of a study laid out by `prepare`, from its components."""
    rows = []
    for i, treatment in enumerate(study.treatments):
        theta = components.theta[i][~components.absent[i]] if components.nested else components.theta[i]
        for generalisation in generalisations(components) if theta.size > 1 else ("fixed_readers",):
            parts = components.error_by[i], components.cov2_by[i]
            variance, df = average_variance(theta, *parts, generalisation)
            low, high = ends(theta.mean(), variance, df, level, range_of(metric))
            rows.append({
                "metric": metric, "covariance": covariance, "generalisation": generalisation,
                "treatment": treatment, "estimate": theta.mean(), "standard_error": np.sqrt(variance),
                "df2": df if df < np.inf else np.nan, "low": low, "high": high,
                "sd": theta.std(ddof=1) if theta.size > 1 else np.nan,
                "readers": theta.size, "cases": study.truth.size,
            })  # fmt: skip
    return pd.DataFrame(rows)


def single_readers(
    study: Crossed, components: Components, matrix: Floats, metric: str, covariance: str, *, level: float = 0.95
) -> pd.DataFrame:
    """Compare treatments for each reader alone, on new cases like these (part 2d of OR-DBM's output).

    z = D_j / sqrt(var_j,1 + var_j,2 - 2 cov_j), from that reader's own variances and covariance: with both
    treatments' variances averaged this is sqrt(2 (Error_j - Cov1_j)).

    Parameters
    ----------
    matrix : (t r, t r) covariance of `components.theta`, of `merit_covariance`.

    Returns
    -------
    DataFrame: metric, covariance, reader, comparison, difference, standard_error, low, high, statistic, p, error
    (Error_j), cov1 (Cov1_j). Empty for one treatment and for split-plots. It speaks for one reader at a time, without
    correction for how many there are. Checked against OR-DBM MRMC 2.51 on Franken.
    """
    t_, r_ = components.shape
    cov, rows = matrix.reshape(t_, r_, t_, r_), []
    for j, reader in enumerate(study.readers if not components.nested else []):
        for a, b in combinations(range(t_), 2):
            error, cov1 = (cov[a, j, a, j] + cov[b, j, b, j]) / 2, cov[a, j, b, j]
            difference, variance = components.theta[a, j] - components.theta[b, j], max(2 * (error - cov1), 0.0)
            low, high = ends(difference, variance, np.inf, level, range_of(metric, difference=True))
            z = difference / np.sqrt(variance) if variance > NOTHING else np.nan
            rows.append({
                "metric": metric, "covariance": covariance, "reader": reader,
                "comparison": f"{study.treatments[a]} - {study.treatments[b]}", "difference": difference,
                "standard_error": np.sqrt(variance), "low": low, "high": high, "statistic": z,
                "p": 2 * norm.sf(abs(z)), "error": error, "cov1": cov1,
            })  # fmt: skip
    return pd.DataFrame(rows)


def compare_treatments(
    components: Components, treatments: Sequence[str], generalisation: str, level: float = 0.95, metric: str = "auc"
) -> list[dict]:
    """Test all treatments and each pair under one generalisation.

    F = MS(T) / denominator, or chi2 = (t-1) F where the denominator has infinite df; a pair by D^2 over its
    variance, its interval D +- quantile times the root of it. p and the interval are NaN where nothing varies.

    Parameters
    ----------
    components : Components, theta (t, r)
    treatments : sequence of t names
    generalisation : str, see `GENERALISES`

    Returns
    -------
    list of dict: comparison ("all" first where t > 2, then pairs), statistic, df1, df2, p, difference, low,
    high.

    Hillis 2007, Stat Med 26:596. Checked against OR-DBM MRMC 2.51 and scipy's paired and two-sample t.
    """
    t_, means = components.shape[0], (np.nanmean if components.nested else np.mean)(components.theta, axis=1)
    rows = [] if t_ == 2 else [_overall(components, generalisation)]
    for a, b in combinations(range(t_), 2):
        difference, (variance, df) = means[a] - means[b], _pair_variance(components, a, b, generalisation)
        row = _test(f"{treatments[a]} - {treatments[b]}", difference**2, variance, 1, df)
        low, high = ends(difference, variance, df, level, range_of(metric, difference=True))
        rows.append(row | {"difference": difference, "low": low, "high": high})
    return rows


def ends(estimate: float, variance: float, df: float, level: float, within: tuple[float, float]) -> tuple[float, float]:
    """Return estimate -+ quantile root(variance), cut to the metric's range; NaN where nothing varies."""
    if not variance > NOTHING:
        return np.nan, np.nan
    half = _quantile(level, df) * np.sqrt(variance)
    return max(estimate - half, within[0]), min(estimate + half, within[1])


def range_of(metric: str, *, difference: bool = False) -> tuple[float, float]:
    """Return the least and the greatest value a metric, or a difference of two, can have."""
    low = -1.0 if metric == "kappa" else 0.0
    return (low - 1.0, 1.0 - low) if difference else (low, 1.0)


def _pair_variance(components, a, b, generalisation):
    if components.nested:
        readers = tuple((~np.isnan(components.theta[i])).sum() for i in (a, b))
        return nested_variance(components, readers, generalisation)
    variance, df = denominator(components, generalisation)
    return 2 / components.shape[1] * variance, df


def _overall(components, generalisation):
    """The test of all treatments at once; of a split-plot with the harmonic mean of the numbers of readers."""
    t_, r_ = components.shape
    if not components.nested:
        variance, df = denominator(components, generalisation)
        return _test("all", components.mean_squares["ms_t"], variance, t_ - 1, df)
    r_ = t_ / np.sum(1 / (~np.isnan(components.theta)).sum(axis=1))
    variance, df = nested_variance(components, (r_, r_), generalisation)
    return _test("all", r_ * np.nanmean(components.theta, axis=1).var(ddof=1), variance * r_ / 2, t_ - 1, df)


def _test(comparison, ms, variance, df1, df2):
    ratio = ms / variance if variance > NOTHING else np.nan
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


def _sentence(row, level, defined):
    metric = "AUC" if row.metric == "auc" else row.metric
    note = f" {row.note[0].upper()}{row.note[1:]}." if row.note else ""
    if np.isnan(row.p):
        difference = "" if np.isnan(row.difference) else f" {rounded(row.difference, 3)},"
        return f"{metric} {row.comparison}:{difference} {not_estimable(row.generalisation, defined)}.{note}"
    p = "p < 0.001" if row.p < 0.001 else f"p = {rounded(row.p, 3)}"
    found = f"all treatments alike in {metric}: {p}"
    if row.comparison != "all":
        found = f"{metric} {row.comparison}: {rounded(row.difference, 3)} [{rounded(row.low, 3)}, "
        found += f"{rounded(row.high, 3)}] ({100 * level:g} % interval), {p}"
    return f"{found}; {extends(row.generalisation, row.readers)}.{note}"


def not_estimable(generalisation: str, defined: bool) -> str:
    """Say why an analysis has no interval, and of whom it says nothing; `defined`: no figure of merit is 0/0."""
    reason, whom = {
        "random": (
            "it varies neither between readers nor, for all of them together, with the cases",
            "other readers or cases",
        ),
        "fixed_readers": ("it does not vary with the cases", "other cases"),
        "fixed_cases": ("it does not vary between readers", "other readers"),
    }[generalisation]
    reason = reason if defined else "it is 0/0 for some reader, with all cases or with one left out"
    return f"not estimable, since {reason}; nothing is said of {whom}"


def extends(generalisation: str, readers: int) -> str:
    """Say to whom and what an analysis extends, of one reader in the singular."""
    said = GENERALISES[generalisation]
    return said if readers > 1 else said.replace("these readers", "this reader")
