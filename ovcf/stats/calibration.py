"""Whether p_fresh means what it says, and what acting on it would be worth.

Reliability and its summaries, and decision curves. Bands and intervals take patients as independent.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, stdtrit

from ovcf.problems import InputError, Problem
from ovcf.stats import bootstrap as boot
from ovcf.stats.checks import ALIKE, check_inputs
from ovcf.stats.clusters import effective_patients
from ovcf.stats.intervals import clustered_ratio

SMALLEST = 1e-6  # probabilities nearer to 0 or 1 than this are not told apart


def reliability_curve(
    truth: ArrayLike, p_fresh: ArrayLike, patient: ArrayLike | None = None, *, bins: int = 10, how: str = "quantile",
    level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Compare predicted with observed shares of fresh patches, bin by bin.

    Parameters
    ----------
    truth, p_fresh, patient : (n,) ; probabilities in [0, 1]; without patients each patch stands alone.
    bins : how many; equal counts (how="quantile", fewer where predictions tie) or equal widths
        (how="uniform").
    level : of the bands, `clustered_ratio`'s in each bin.

    Returns
    -------
    DataFrame
        bin, n, predicted (mean p_fresh), observed, low, high; empty bins are left out. Checked against
        sklearn.calibration.calibration_curve.

    Raises
    ------
    InputError
        What `check_inputs` refuses, or an unknown `how`.

    What it cannot see: miscalibration within a bin, or of groups that cancel out in one.
    """
    data = check_inputs(truth, p_fresh, patient, probabilities=True)
    number = bin_numbers(data.scores, bins, how)
    rows = []
    for b in np.unique(number):
        of = number == b
        share = clustered_ratio(data.truth[of], np.ones(of.sum()), data.patient[of], level)
        rows.append(
            {
                "bin": int(b) + 1,
                "n": int(of.sum()),
                "predicted": data.scores[of].mean(),
                "observed": share.estimate,
                "low": share.low,
                "high": share.high,
            }
        )
    return pd.DataFrame(rows)


def calibration_table(
    truth: ArrayLike, p_fresh: ArrayLike, patient: ArrayLike | None = None, *, bins: int = 10, replicates: int = 2000,
    seed: int = 0, level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Summarise calibration in numbers with intervals.

    - brier: mean (p - y)^2; from the variance over patients, Student's t.
    - intercept: a of logit P(y) = a + logit p (calibration in the large; 0 is right), and slope: b of
      logit P(y) = a + b logit p (1 is right, below 1 too extreme). Logistic regression with standard errors
      clustered by patient. Cox (1958), Biometrika 45: 562-565; Van Calster et al. (2019), BMC Med. 17: 230.
    - ece_as_counted: sum over `bins` of equal counts of n_b/n |observed - predicted|. It is never negative and grows
      with noise, so it lies too high and has no interval of its own.
    - ece: the same less its bias, 2 ECE - mean of the patient bootstrap, with the mirrored (basic) interval, none below
      0 (Davison & Hinkley 1997, ch. 2 and 5). Where noise explains all of it the upper end is the percentile one's,
      which lies too high.
    - ece_by_chance: mean and quantiles of the ECE as counted that perfect calibration would show on as many independent
      patches with these p_fresh. Only an ECE as counted above it speaks against calibration.

    Parameters
    ----------
    truth, p_fresh, patient : (n,) ; probabilities in [0, 1].

    Returns
    -------
    DataFrame
        metric, estimate, low, high, method. Slope and intercept are NaN where fresh and old do not overlap.
        Checked against sklearn.metrics.brier_score_loss, statsmodels, and simulated cohorts that are
        calibrated.

    Raises
    ------
    InputError
        What `check_inputs` refuses.

    What it cannot see: miscalibration that cancels out over the patches, and the calibration at another hospital or
    another share of fresh.
    """
    data = check_inputs(truth, p_fresh, patient, probabilities=True)
    rows = [{"metric": "brier", "method": "t, clustered by patient", **_brier(data, level)}]
    rows += _logistic(data, level)
    number = bin_numbers(data.scores, bins, "quantile")
    gaps = np.zeros((data.clusters, number.max() + 1))  # sum of y - p by patient and bin
    np.add.at(gaps, (data.patient, number), data.truth - data.scores)

    sums = np.column_stack([gaps, np.bincount(data.patient)])

    def ece(weights):
        values = weights.astype(float, copy=False) @ sums
        return np.abs(values[:, :-1]).sum(axis=1) / values[:, -1]

    plain = ece(np.ones((1, data.clusters)))[0]
    values = boot.bootstrap(ece, data.clusters, replicates=replicates, seed=seed)
    low, high = boot.percentile_interval(values, level)
    # replicates are noisier than the sample by as much as the sample is than the truth: mirrored, they take it away
    freed = {"estimate": 2 * plain - values.mean(), "low": 2 * plain - high, "high": 2 * plain - low}
    method = "less its bias by noise: patient bootstrap, mirrored"
    if not high - low > ALIKE:  # every replicate is alike: no spread to estimate
        freed |= {"low": np.nan, "high": np.nan}
    elif not freed["estimate"] > 0:  # it is all noise: mirrored, little or nothing lies above 0
        freed["high"] = high
    rows.append({"metric": "ece", "method": method, **{k: max(v, 0.0) for k, v in freed.items()}})
    rows.append({"metric": "ece_as_counted", "method": "with its bias by noise", "estimate": plain})
    rows.append(
        {
            "metric": "ece_by_chance",
            "method": "simulated: labels drawn with the predicted probabilities",
            **_ece_by_chance(data.scores, number, replicates, seed, level),
        }
    )
    return pd.DataFrame(rows).reindex(columns=["metric", "estimate", "low", "high", "method"])


def bin_numbers(p: ArrayLike, bins: int = 10, how: str = "quantile") -> NDArray[np.intp]:
    """Number (n,) probabilities by occupied bin, from 0: equal counts ("quantile") or widths ("uniform")."""
    if how not in ("quantile", "uniform"):
        raise InputError(Problem("how", "unknown way to form bins", found=str(how), allowed="quantile, uniform"))
    inner = np.arange(1, bins) / bins
    edges = np.quantile(p, inner) if how == "quantile" else inner
    return np.unique(np.searchsorted(edges, p, side="right"), return_inverse=True)[1]


def decision_curve(
    truth: ArrayLike, p_fresh: ArrayLike, patient: ArrayLike | None = None, *, thresholds: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Weigh what treating by p_fresh is worth against treating all and none.

    Net benefit at threshold t = TP/n - FP/n t/(1 - t): true positives per patch, less false ones at the rate
    of exchange that t implies. Vickers & Elkin (2006), Med. Decis. Making 26: 565-574. Intervals are
    pointwise, from the linearised variance over patients and Student's t. Checked against a literal version.

    Parameters
    ----------
    truth, p_fresh, patient : (n,) ; probabilities in [0, 1].
    thresholds : (k,) in [0, 1); 0.01 to 0.99 by default.

    Returns
    -------
    DataFrame
        threshold, net_benefit (which is the gain over treating none), low, high, treat_all, treat_none (0), gain (over
        the better of both), gain_low, gain_high, over_all (gain over treating all), over_all_low, over_all_high. In
        true positives per patch. The better of both is chosen on these patches: where they cross, read the two others.

    Raises
    ------
    InputError
        What `check_inputs` refuses, or thresholds out of range.

    What it cannot see: what a wrong call costs; the reader puts that in by choosing a threshold.
    """
    data = check_inputs(truth, p_fresh, patient, probabilities=True)
    t = np.arange(1, 100) / 100 if thresholds is None else np.atleast_1d(np.asarray(thresholds, float))
    if not ((t >= 0) & (t < 1)).all():
        raise InputError(
            Problem("thresholds", "a threshold must be at least 0 and below 1", found=str(t), allowed="[0, 1)")
        )
    worth = np.where(data.truth, 1.0, -(t / (1 - t))[:, None])  # (k, n) of calling a patch fresh
    model = worth * (data.scores >= t[:, None])
    all_fresh = worth.mean(axis=1)
    best = np.where((all_fresh > 0)[:, None], worth, 0.0)
    benefit, low, high = _clustered_mean(model, data, level)
    gain, gain_low, gain_high = _clustered_mean(model - best, data, level)
    over_all, over_low, over_high = _clustered_mean(model - worth, data, level)
    return pd.DataFrame(
        {
            "threshold": t,
            "net_benefit": benefit,
            "low": low,
            "high": high,
            "treat_all": all_fresh,
            "treat_none": 0.0,
            "gain": gain,
            "gain_low": gain_low,
            "gain_high": gain_high,
            "over_all": over_all,
            "over_all_low": over_low,
            "over_all_high": over_high,
        }
    )


def inner_logit(p_fresh: ArrayLike) -> tuple[NDArray[np.float64], int]:
    """Return logits (n,) of probabilities, and how many of exactly 0 or 1 had to be drawn in first.

    A p of 0 or 1 has no logit, and any stand-in near the end would pull slope and intercept by itself. n patches cannot
    tell p from 1/(2n): they are put there, or half as far from the end as the nearest other p where that is nearer, so
    that the order stays.
    """
    p = np.asarray(p_fresh, float)
    distance = np.minimum(p, 1 - p)
    at_end = distance < SMALLEST
    others = distance[~at_end]
    inside = min(1 / (2 * p.size), others.min() / 2) if others.size else 1 / (2 * p.size)
    return logit(np.where(at_end, np.where(p < 0.5, inside, 1 - inside), p)), int(at_end.sum())


def logistic_maximum(x: NDArray[np.float64], y: NDArray[np.float64], only_intercept: bool) -> tuple[float, float]:
    """Maximise the logistic likelihood of y (n,) given logits x (n,), by Newton's iterations with halved steps.

    Returns intercept and slope, 1 with `only_intercept`. Where a threshold parts the classes there is no maximum.
    """
    design = np.ones((x.size, 1)) if only_intercept else np.column_stack([np.ones(x.size), x])
    offset = x if only_intercept else np.zeros(x.size)
    beta = np.zeros(design.shape[1])
    for _ in range(100):
        p = expit(offset + design @ beta)
        step = np.linalg.solve(design.T @ (design * (p * (1 - p))[:, None]), design.T @ (y - p))
        while _loss(offset + design @ (beta + step), y) > _loss(offset + design @ beta, y) + 1e-12:
            step /= 2
        beta = beta + step
        if np.abs(step).max() < 1e-12:
            break
    return float(beta[0]), 1.0 if only_intercept else float(beta[1])


def _loss(eta, y):
    """Negative log-likelihood of linear predictors (n,)."""
    return float(np.sum(np.logaddexp(0, eta) - y * eta))


def _brier(data, level):
    """Mean squared error with its interval, from the variance over patients and Student's t."""
    loss = (data.scores - data.truth) ** 2
    estimate, low, high = (float(v[0]) for v in _clustered_mean(loss[None], data, level))
    return {"estimate": estimate, "low": max(low, 0.0), "high": min(high, 1.0)}


def _logistic(data, level):
    """Intercept with slope 1, and slope, of the logistic recalibration; errors clustered by patient."""
    import statsmodels.api as sm  # loaded here: statsmodels costs a second

    x, moved = inner_logit(data.scores)
    method = "logistic regression, clustered by patient"
    method += f"; {moved} p of 0 or 1 drawn in" if moved else ""
    fresh, old = x[data.truth], x[~data.truth]
    rows = []
    one = np.ones((x.size, 1))
    for metric, design, offset in (("intercept", one, x), ("slope", np.column_stack([one, x]), None)):
        row = {"metric": metric, "method": method}
        apart = metric == "slope" and (fresh.min() >= old.max() or fresh.max() <= old.min())
        if not apart and design.shape[1] == np.linalg.matrix_rank(design):
            model = sm.GLM(data.truth.astype(float), design, family=sm.families.Binomial(), offset=offset)
            # where p lies at its ends, reweighting from its usual start runs away
            start = logistic_maximum(x, data.truth.astype(float), offset is not None)[: design.shape[1]]
            fit = model.fit(start_params=start, cov_type="cluster", cov_kwds={"groups": data.patient})
            low, high = fit.conf_int(1 - level)[-1]
            row |= {"estimate": fit.params[-1], "low": low, "high": high}
        rows.append(row)
    return rows


def _ece_by_chance(p, number, replicates, seed, level):
    """Mean and quantiles of the ECE of labels drawn from the probabilities themselves."""
    rng = np.random.default_rng([seed, 1])  # other draws than the bootstrap's
    order = np.argsort(number, kind="stable")
    starts = np.searchsorted(number[order], np.arange(number.max() + 1))
    values = []
    for start in range(0, replicates, step := max(1, boot.CELLS // p.size)):  # a few at a time, whatever the cohort
        drawn = rng.random((min(step, replicates - start), p.size), dtype=np.float32) < p[order]
        values.append(np.abs(np.add.reduceat(drawn - p[order], starts, axis=1)).sum(axis=1) / p.size)
    values = np.concatenate(values)
    low, high = boot.percentile_interval(values, level)
    # probabilities of 0 and 1 leave nothing to chance
    return {"estimate": values.mean()} | ({"low": low, "high": high} if high - low > ALIKE else {})


def _clustered_mean(values, data, level):
    """Mean over patches of (k, n) values, low and high from the variance over patients: three of (k,)."""
    mean, patients = values.mean(axis=1), data.clusters
    sums = np.stack([np.bincount(data.patient, row, patients) for row in values - mean[:, None]])  # (k, patients)
    se = np.sqrt(patients / max(patients - 1, 1) * (sums**2).sum(axis=1)) / values.shape[1]
    half = stdtrit(max(effective_patients(np.bincount(data.patient).astype(float)) - 1, 1), (1 + level) / 2) * se
    half = np.where(se > ALIKE, half, np.nan)  # alike for every patient (nobody treated): no spread to estimate
    return mean, mean - half, mean + half
