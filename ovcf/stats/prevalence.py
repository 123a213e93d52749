"""What a call is worth where fresh fractures are rarer or commoner than here: likelihood and predictive values.

Sensitivity and specificity of a network, or of a reader, are carried to another prevalence by Bayes' theorem. They
cannot see whether patients there are like the ones here: a different mix of easy and hard fractures changes both.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from ovcf.problems import InputError, Problem
from ovcf.stats.analytic import Interval, clustered_ratio, metric_ratios
from ovcf.stats.checks import one_network

CURVE = tuple(np.round(np.arange(0.05, 1.0, 0.05), 2))


def likelihood_ratios(truth: ArrayLike, called: ArrayLike, patient: ArrayLike, level: float = 0.95) -> dict:
    """Return the likelihood ratios of a call of fresh and of a call of old, each an `Interval`.

    LR+ = sensitivity / (1 - specificity) and LR- = (1 - sensitivity) / specificity. The interval of a ratio a / b comes
    from the clustered intervals of a and b on the log scale: log a/b -+ root of the sum of their squared distances
    (MOVER; Zou & Donner 2008, Stat. Med. 27: 1693-1702), as if a and b were independent; patients who have both classes
    make it a little too wide. Where b is 0 the ratio has no upper end (inf).

    Parameters
    ----------
    truth, called : (n,) bool, True = fresh. patient : (n,) identifiers.

    Returns
    -------
    {"lr_fresh": Interval, "lr_old": Interval}. Checked against the Wald
    interval on many patients.
    """
    truth, called = np.asarray(truth, bool), np.asarray(called, bool)
    ratios = metric_ratios(truth, called)
    hit, right = (clustered_ratio(*ratios[m], patient, level) for m in ("recall_fresh", "recall_old"))
    return {"lr_fresh": _ratio(hit, _rest(right)), "lr_old": _ratio(_rest(hit), right)}


def at_prevalence(
    predictions: pd.DataFrame, prevalence: float | Sequence[float] | None = None, *, threshold: float = 0.5,
    level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Tabulate likelihood ratios, and predictive values at stated shares of fresh fractures (a curve by default).

    logit PPV = logit prevalence + log LR+, and logit (1 - NPV) = logit prevalence + log LR-: at a given prevalence the
    interval of a predictive value is that of the likelihood ratio, carried over.

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split.
    prevalence : share, or shares, of patches that are fresh, ends excluded; 5 % to 95 % by default.
    threshold : called fresh at or above it. level : of the intervals.

    Returns
    -------
    DataFrame
        metric (lr_fresh, lr_old, then ppv, npv), prevalence (NaN for the ratios), estimate, low, high. At the cohort's
        own prevalence ppv is precision_fresh and npv precision_old.

    Raises
    ------
    InputError
        What `check_predictions` refuses, or a prevalence out of range.

    What it cannot see: whether patients elsewhere are like these; another mix of easy and hard fractures changes both
    rates.
    """
    shares = np.atleast_1d(np.asarray(CURVE if prevalence is None else prevalence, float))
    if not ((shares > 0) & (shares < 1)).all():
        found = ", ".join(map(str, shares[~((shares > 0) & (shares < 1))]))
        raise InputError(Problem("prevalence", "out of range", found=found, allowed="above 0 and below 1"))
    data = one_network(predictions)
    ratios = likelihood_ratios(data.truth, data.scores >= threshold, data.patient, level)
    rows = [{"metric": m, "prevalence": np.nan, **_ends(i[:3])} for m, i in ratios.items()]
    for share in shares:
        with np.errstate(divide="ignore"):
            fresh, old = (expit(logit(share) + np.log(ratios[m][:3])) for m in ("lr_fresh", "lr_old"))
        rows.append({"metric": "ppv", "prevalence": share, **_ends(fresh)})
        rows.append({"metric": "npv", "prevalence": share, **_ends(1 - old[[0, 2, 1]])})
    return pd.DataFrame(rows)


def _ends(values):
    return dict(zip(("estimate", "low", "high"), map(float, values), strict=True))


def _rest(share):
    return Interval(1 - share.estimate, 1 - share.high, 1 - share.low)


def _ratio(a, b):
    with np.errstate(divide="ignore", invalid="ignore"):
        top, bottom = np.log(a[:3]), np.log(b[:3])
        estimate = top[0] - bottom[0]
        low = estimate - np.hypot(top[0] - top[1], bottom[2] - bottom[0])
        high = estimate + np.hypot(top[2] - top[0], bottom[0] - bottom[1])
        if not (a.estimate > 0 and b.estimate > 0):  # a distance from log 0 has no end: the worst of both ends instead
            low, high = top[1] - bottom[2], top[2] - bottom[1]
    return Interval(*np.exp([estimate, low, high] if not np.isnan(estimate) else [np.nan] * 3))
