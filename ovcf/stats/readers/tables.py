"""Per-reader tables (the paper's Tables 4 and 5, with intervals) and what assistance did to each reader."""

import numpy as np
import pandas as pd

from ovcf.problems import InputError, Problem
from ovcf.stats.intervals import clustered_ratio, wilson
from ovcf.stats.readers.components import average_variance, or_components
from ovcf.stats.readers.covariance import figures_of_merit, merit_covariance
from ovcf.stats.readers.mrmc import compare_treatments, ends, range_of
from ovcf.stats.readers.readings import answers, check_readings, cross, in_both, model_output, one_session
from ovcf.words import AVERAGE

RATES = ("accuracy", "sensitivity", "specificity", "ppv", "npv")


def reader_table(
    readings: pd.DataFrame,
    session: str | None = None,
    *,
    threshold: float | None = None,
    level: float = 0.95,
    missing: str = "available",
) -> pd.DataFrame:
    """Tabulate each reader's answers under one session, and the readers' average.

    Intervals of rates are Wilson's; of kappa against the truth, the jackknife's. Where some patient has
    several cases, `*_low_clustered`, `*_high_clustered` stand beside them (Rao & Scott 1992, see
    `intervals.clustered_ratio`). The average's intervals are for random readers and cases (Hillis 2014, see
    `mrmc.one_treatment`), and its `*_sd` is the sample SD over readers (ddof 1), as the paper's +- is.

    Parameters
    ----------
    readings : DataFrame
        In either shape that `read_readings` takes, with yes/no answers or a threshold.
    session : str, optional
        Session or treatment; not needed where there is only one.
    threshold : float, optional
        Rating from which a reading counts as fresh, where no answers were given.
    missing : {"available", "complete_cases", "refuse"}
        Use each reader's own cases, only those all read, or refuse gaps by name.

    Returns
    -------
    DataFrame: reader, n, tp, fn, tn, fp; for accuracy, sensitivity, specificity, ppv (precision of fresh),
    npv (precision of old) and kappa the value, `_low`, `_high` (and clustered); the last row is "Average"
    with `_sd`.

    Checked against statsmodels, scikit-learn and the printed averages of Tables 4 and 5.

    What it cannot see: how sure a reader was; only the answers count.
    """
    study = one_session(readings, session, threshold, missing)
    yes, truth, r_ = study.ratings[0], study.truth, len(study.readers)
    table = pd.DataFrame({"reader": study.readers, "n": (~np.isnan(yes)).sum(axis=1)})
    table["tp"], table["fn"] = (yes[:, truth] == 1).sum(1), (yes[:, truth] == 0).sum(1)
    table["tn"], table["fp"] = (yes[:, ~truth] == 0).sum(1), (yes[:, ~truth] == 1).sum(1)
    average = {"reader": AVERAGE, "n": truth.size}
    for metric in (*RATES, "kappa"):
        value = figures_of_merit(yes, truth, metric)
        covariance = merit_covariance(yes, truth, metric, "jackknife", study.unit)
        table[metric], table[f"{metric}_sd"] = value, np.nan
        known = (yes, truth, study.unit, metric, value, np.diag(covariance), study.clustered, level)
        for name, limits in _limits(*known).items():
            table[f"{metric}_low{name}"], table[f"{metric}_high{name}"] = limits
        average |= _average(metric, value, covariance, level)
    if r_ > 1:
        table = pd.concat([table, pd.DataFrame([average])], ignore_index=True)
    return table.astype(dict.fromkeys(("n", "tp", "fn", "tn", "fp"), "Int64"))


def ai_effect(readings: pd.DataFrame, *, threshold: float = 0.5, level: float = 0.95) -> pd.DataFrame:
    """Tabulate what the model's output did to each reader: aided minus unaided, and the answers that flipped.

    The interval of a reader's difference is Newcombe's method 10 for paired proportions (1998, Stat Med
    17:2635) or, where some patient has several cases, the jackknife over patients with Student's t. A flip is
    *harmful* when the model was wrong and a reader who was right unaided is wrong aided, *helpful* when the
    model was right and a reader who was wrong is right; both stand beside the number of chances there were,
    with Wilson's interval of the rate. The last row averages the readers where there are several, with the
    Obuchowski-Rockette interval for random readers and cases.

    Parameters
    ----------
    readings : DataFrame
        The `readings` table with sessions unaided and aided (others are passed over); `model_p_fresh` in the
        aided rows gives the model's answer.
    threshold : float
        p_fresh from which the model's answer is fresh.

    Returns
    -------
    DataFrame: reader, n; for accuracy, sensitivity and specificity `_unaided`, `_aided`, `_difference`,
    `_difference_low`, `_difference_high`; harmful_flips, harmful_chances, harmful_rate (and `_low`, `_high`),
    the same for helpful, model_right, other_flips (changes not explained by following the model). Each reader is
    judged on the cases they read in both sessions (n; of the average, those that some reader did).

    Raises
    ------
    InputError
        When a session or the model's output is missing, or no reader read a case in both sessions.

    Checked against the published example of Newcombe and a literal count.

    What it cannot see: why an answer changed: a reader who would have changed it without the model counts as having
    followed it.
    """
    study = _two_sessions(readings)
    (aided, unaided), truth = study.ratings, study.truth
    model_right = (model_output(readings, study.cases) >= threshold) == truth
    read = ~np.isnan(unaided)  # (r, n), and aided too
    table = pd.DataFrame({"reader": study.readers, "n": read.sum(axis=1)})
    rows = {"reader": AVERAGE, "n": truth.size}
    for metric in ("accuracy", "sensitivity", "specificity"):
        columns, average = _difference(study, metric, level)
        table, rows = table.assign(**columns), rows | average
    before, after = unaided == truth, aided == truth  # (r, n)
    table["model_right"] = (read & model_right).sum(axis=1)
    for kind, chance, flip in (
        ("harmful", before & ~model_right, before & ~after & ~model_right),
        ("helpful", read & ~before & model_right, ~before & after & model_right),
    ):
        table, sums = _flips(table, kind, flip.sum(1), chance.sum(1), level)
        rows |= sums
    followed = table["harmful_flips"] + table["helpful_flips"]
    table["other_flips"] = (before != after).sum(1) - followed
    rows |= {"model_right": int(model_right.sum()), "other_flips": table["other_flips"].sum()}
    return pd.concat([table, pd.DataFrame([rows])], ignore_index=True) if len(study.readers) > 1 else table


def paired_difference_interval(
    both: int, first_only: int, second_only: int, neither: int, level: float = 0.95
) -> tuple[float, float]:
    """Newcombe's interval (method 10, score intervals squared and added) for a difference of paired
    proportions.

    Parameters
    ----------
    both, first_only, second_only, neither : int
        The cells of the paired 2 x 2 table; the difference is first minus second.

    Returns
    -------
    low, high

    Newcombe 1998, Stat Med 17:2635. Checked against its Table II: cells 36, 12, 2, 0 give 0.0569 to 0.3404.
    """
    a, b, c, d = both, first_only, second_only, neither
    n = a + b + c + d
    first, second = (a + b) / n, (a + c) / n
    (low1, high1), (low2, high2) = (wilson(k, n, level)[1:3] for k in (a + b, a + c))
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    cross_product = a * d - b * c
    if cross_product > 0:  # the continuity correction is for positive association only
        cross_product = max(cross_product - n / 2, 0)
    phi = cross_product / np.sqrt(margins) if margins else 0.0
    down, up = first - low1, high2 - second
    low = first - second - np.sqrt(down**2 - 2 * phi * down * up + up**2)
    down, up = second - low2, high1 - first
    return low, first - second + np.sqrt(down**2 - 2 * phi * down * up + up**2)


def _limits(yes, truth, unit, metric, value, variance, clustered, level):
    if metric == "kappa":  # no binomial to lean on: the jackknife, over patients where they are the units
        pairs = [ends(v, own, np.inf, level, range_of(metric)) for v, own in zip(value, variance, strict=True)]
        return {"": np.array(pairs).T}
    pairs = []
    for row in yes:
        seen = ~np.isnan(row)
        pairs.append((*_ratio(row[seen] == 1, truth[seen], metric), unit[seen]))
    out = {"": _wilson([above.sum() for above, *_ in pairs], [below.sum() for _, below, _ in pairs], level)}
    if clustered:
        out["_clustered"] = np.array([clustered_ratio(*pair, level)[1:3] for pair in pairs]).T
    return out


def _ratio(called, truth, metric):
    """Return numerator and denominator of a rate, case by case."""
    below = {"sensitivity": truth, "specificity": ~truth, "ppv": called, "npv": ~called}
    below = below.get(metric, np.ones(truth.size, bool))
    return ((called == truth) & below).astype(float), below.astype(float)


def _average(metric, value, covariance, level):
    if value.size < 2:
        return {}
    r_ = value.size
    error = np.trace(covariance) / r_
    cov2 = (covariance.sum() - np.trace(covariance)) / (r_ * (r_ - 1))
    variance, df = average_variance(value, error, cov2, "random")
    low, high = ends(value.mean(), variance, df, level, range_of(metric))
    return {
        metric: value.mean(), f"{metric}_sd": value.std(ddof=1), f"{metric}_low": low, f"{metric}_high": high,
    }  # fmt: skip


def _two_sessions(readings):
    long = check_readings(readings)
    long = long[long["treatment"].isin(("aided", "unaided"))]
    if long["treatment"].nunique() < 2:
        found = ", ".join(sorted(set(long["treatment"]))) or "neither"
        allowed = "unaided and aided"
        raise InputError(Problem("session", "needs both sessions", None, None, "session", found, allowed))
    return in_both(cross(long.assign(answer=answers(long).astype(float)), values="answer"))


def _difference(study, metric, level):
    components = or_components(study, metric)
    aided, unaided = components.theta
    low, high = _reader_intervals(study, metric, level)
    per_reader = {"_unaided": unaided, "_aided": aided, "_difference": aided - unaided}
    per_reader |= {"_difference_low": low, "_difference_high": high}
    average = {f"{metric}{k}": v.mean() for k, v in per_reader.items() if not k.endswith(("low", "high"))}
    if len(study.readers) > 1:
        entry = compare_treatments(components, study.treatments, "random", level)[0]
        average |= {f"{metric}_difference_low": entry["low"], f"{metric}_difference_high": entry["high"]}
    return {f"{metric}{k}": v for k, v in per_reader.items()}, average


def _reader_intervals(study, metric, level):
    (aided, unaided), truth = study.ratings, study.truth
    keep = {"accuracy": np.ones_like(truth), "sensitivity": truth, "specificity": ~truth}[metric]
    read = ~np.isnan(aided) & keep  # (r, n)
    if not study.clustered:
        after, before = aided == truth, unaided == truth
        cells = [read & own for own in ((after & before), (after & ~before), (~after & before), (~after & ~before))]
        counts = np.stack([cell.sum(axis=1) for cell in cells], axis=1)  # (r, 4)
        limits = [paired_difference_interval(*row, level) for row in counts]
        return np.array(limits).T
    low, high = [], []
    for a, b, own in zip(aided, unaided, read, strict=True):
        units = np.unique(study.unit[own]).size
        theta = figures_of_merit(np.stack([a, b]), truth, metric)
        covariance = merit_covariance(np.stack([a, b]), truth, metric, "jackknife", study.unit)
        variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
        own = ends(theta[0] - theta[1], variance, units - 1, level, range_of(metric, difference=True))
        low, high = [*low, own[0]], [*high, own[1]]
    return np.array(low), np.array(high)


def _flips(table, kind, flips, chances, level):
    low, high = _wilson(flips, chances, level)
    with np.errstate(invalid="ignore"):
        rate = flips / chances
    columns = {"_flips": flips, "_chances": chances, "_rate": rate, "_rate_low": low, "_rate_high": high}
    sums = {f"{kind}_flips": flips.sum(), f"{kind}_chances": chances.sum()}
    # no interval for the sum: readers share the cases, so their flips are not independent
    sums[f"{kind}_rate"] = flips.sum() / chances.sum() if chances.sum() else np.nan
    return table.assign(**{f"{kind}{k}": v for k, v in columns.items()}), sums


def _wilson(counts, sizes, level):
    """Wilson's limits of many proportions, (low, high); NaN where there is nothing to count."""
    usable = [(c, n) if n > 0 and np.isfinite(c) else (0, 0) for c, n in zip(counts, sizes, strict=True)]
    # an effective count may exceed its size by a rounding error
    limits = np.array([wilson(min(c, n), n, level)[1:3] for c, n in usable])
    return limits[:, 0], limits[:, 1]
