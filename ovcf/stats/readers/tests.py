"""Tests between readers, sessions and a model: the paper's paired t beside exact McNemar and kappa.

The paper names a paired t-test and not its pairs; the p of its Table 4 follow where five readers are paired with five
folds, which have nothing in common but their position in the table. Readers are then the only thing that varies. Its
tests are here so that its numbers can be followed, marked `origin = "paper"`; what stands for a conclusion is
`ovcf.stats.readers.mrmc`.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import ttest_rel

from ovcf.problems import InputError, Problem
from ovcf.stats.readers.covariance import figures_of_merit
from ovcf.stats.readers.mrmc import ends
from ovcf.stats.readers.readings import answers, check_readings, cross, in_both, model_output, one_session

PAPER_METRICS = ("accuracy", "specificity", "sensitivity")
_QUESTIONS = {
    "readers - folds": "Do readers differ from the network, if reader 1 belonged with fold 1, reader 2 with "
    "fold 2 ...? The pairs are arbitrary, so this repeats the kind of test that the paper names and is no evidence.",
    "aided - unaided": "Did these readers change on these cases? Cases are taken as fixed: it says nothing "
    "about new cases.",
}


def paper_paired_tests(
    readings: pd.DataFrame, folds: pd.DataFrame | None = None, *, level: float = 0.95
) -> pd.DataFrame:
    """Repeat the paper's paired t-tests of Tables 4 and 5.

    t = mean(d) / (SD(d) / sqrt(r)), ddof 1, r - 1 degrees of freedom, d the paired differences.

    Parameters
    ----------
    readings : DataFrame
        The `readings` table, one session or both.
    folds : DataFrame, optional
        One row a fold in order, columns accuracy, specificity, sensitivity (0-1) of one network. Only as many
        pairs as readers and folds both have can be made.

    Returns
    -------
    DataFrame: comparison ("readers - folds" for the unaided readers, "aided - unaided"), metric, origin
    ("paper"), pairs, mean_first, sd_first, mean_second, sd_second (ddof 1), difference, low, high, statistic,
    df, p, question. statistic, p, low and high are NaN where all differences are equal or there is one
    pair. Sessions are paired by reader, so a split-plot has no "aided - unaided".

    Checked against scipy and against the printed p-values of Tables 4 and 5.

    What it cannot see: other cases: they are taken as fixed.
    """
    long = check_readings(readings)
    sessions = set(long["treatment"])
    merits = {s: _merits(readings, s) for s in sessions}
    rows = []
    if folds is not None:
        first = merits.get("unaided", next(iter(merits.values())))
        rows += [_paired_t("readers - folds", m, first[m], folds[m], level) for m in PAPER_METRICS]
    both = long[long["treatment"].isin(("aided", "unaided"))].groupby("reader")["treatment"].nunique()
    if {"aided", "unaided"} <= sessions and (both == 2).all():  # of a split-plot no reader pairs them
        pair = merits["aided"], merits["unaided"]
        rows += [_paired_t("aided - unaided", m, pair[0][m], pair[1][m], level) for m in PAPER_METRICS]
    return pd.DataFrame(rows)


def mcnemar_by_reader(
    readings: pd.DataFrame, *, against: str = "unaided", session: str = "aided", threshold: float = 0.5
) -> pd.DataFrame:
    """Test each reader's answers exactly (McNemar), with Holm's correction over the readers.

    p = 2 P(X <= min(b, c)), X binomial(b + c, 1/2), b and c the cases only one of the two got right.

    Parameters
    ----------
    readings : DataFrame
        The `readings` table.
    against : {"unaided", "model"}
        Compare the session with the reader's unaided one, or with the model's own answer.
    session : str
        Session whose answers are tested.
    threshold : float
        p_fresh from which the model's own answer is fresh.

    Returns
    -------
    DataFrame: reader, comparison, n (cases this reader read in both), only_first, only_second (cases only that one got
    right), p, p_holm.

    Raises
    ------
    InputError
        When a session or the model's output is missing, or no reader read a case in both sessions.

    Checked against statsmodels' `mcnemar` and the binomial test of scipy. Takes cases as independent: where
    patients have several, it is too bold, and `mrmc.obuchowski_rockette` should speak.

    What it cannot see: other cases of the same patients, which it takes as independent, and other readers.
    """
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.multitest import multipletests

    if against == "model":
        study = one_session(readings, session)
        first, second = study.ratings[0], (model_output(readings, study.cases) >= threshold)[None, :]
        read = ~np.isnan(first)  # (r, n)
    else:
        long = check_readings(readings)
        long = long[long["treatment"].isin((session, against))]
        study = cross(long.assign(answer=answers(long).astype(float)), values="answer")
        if set(study.treatments) != {session, against}:
            raise InputError(Problem("session", f"needs sessions {session} and {against}", column="session"))
        study = in_both(study)
        first, second = (study.ratings[study.treatments.index(s)] for s in (session, against))
        read = ~np.isnan(first)
    first, second = first == study.truth, second == study.truth
    b, c = (read & first & ~second).sum(axis=1), (read & ~first & second).sum(axis=1)
    p = [mcnemar([[0, i], [j, 0]], exact=True).pvalue if i + j else 1.0 for i, j in zip(b, c, strict=True)]
    return pd.DataFrame({
        "reader": study.readers, "comparison": f"{session} - {against}", "n": read.sum(axis=1),
        "only_first": b, "only_second": c, "p": p, "p_holm": multipletests(p, method="holm")[1],
    })  # fmt: skip


def kappa_between_readers(
    readings: pd.DataFrame, session: str = "unaided", *, threshold: float | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Measure how far readers agree with each other, whatever the truth.

    Cohen's kappa (1960, Educ Psychol Meas 20:37) of every pair with its asymptotic interval, on the cases that both
    read, and Fleiss' kappa of all, with a jackknife interval over the units (patients where known and repeated), on the
    cases that two readers or more read: 1971, Psychol Bull 76:378; with x of k_i readers calling case i fresh, and
    unequal k_i, 1 - sum(x (k_i - x) / k_i) / (n (mean k - 1) P (1 - P)), P the share of all answers that are fresh
    (Fleiss & Cuzick 1979, Appl Psychol Meas 3:537).

    Parameters
    ----------
    readings : DataFrame
    session : str
    threshold : float, optional
        Rating from which a reading counts as fresh, where no answers were given.

    Returns
    -------
    DataFrame: kind ("Cohen" or "Fleiss"), first, second, n, agreement (share of equal answers), kappa, low,
    high.

    Raises
    ------
    InputError
        Where there is one reader, or no case was read by two.

    Checked against scikit-learn (Cohen), and literal Fleiss and Fleiss-Cuzick. NaN where both always give the same one
    answer; intervals are cut at -1 and 1, and NaN where nothing varies.

    What it cannot see: whether readers who agree are right.
    """
    from statsmodels.stats.inter_rater import cohens_kappa

    study = one_session(readings, session, threshold)
    if len(study.readers) < 2:
        raise InputError(Problem("readers", "agreement needs two readers", column="reader"))
    shared = (~np.isnan(study.ratings[0])).sum(axis=0) > 1  # (n,)
    if not shared.any():
        raise InputError(
            Problem("nested_cases", "agreement needs cases that two readers read (cases nested in readers)")
        )
    yes, rows = study.ratings[0][:, shared], []
    for i, j in combinations(range(len(yes)), 2):
        a, b = yes[[i, j]][:, ~np.isnan(yes[[i, j]]).any(axis=0)].astype(int)  # the cases both read
        counts = np.bincount(2 * a + b, minlength=4).reshape(2, 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            found, alike = cohens_kappa(counts), np.divide(np.sum(a == b), a.size)
        low, high = ends(found.kappa, found.std_kappa**2, np.inf, level, (-1.0, 1.0))
        row = {"kind": "Cohen", "first": study.readers[i], "second": study.readers[j], "n": a.size}
        rows.append(row | {"agreement": alike, "kappa": found.kappa, "low": low, "high": high})
    alike = np.nanmean([row["agreement"] for row in rows])
    unit = np.unique(study.unit[shared], return_inverse=True)[1]
    return pd.DataFrame([*rows, _fleiss(yes, unit, level) | {"agreement": alike}])


def _fleiss(yes, unit, level):
    read = (~np.isnan(yes)).sum(axis=0)  # (n,) readers of each case, two at least
    fresh = np.nansum(yes, axis=0)

    def kappa(of):
        x, k = fresh[of], read[of]
        share = x.sum() / k.sum()
        return 1 - np.sum(x * (k - x) / k) / (k.size * (k.mean() - 1) * share * (1 - share))

    with np.errstate(invalid="ignore", divide="ignore"):
        value, units = kappa(unit >= 0), range(unit.max() + 1)
        loo = np.array([kappa(unit != u) if len(units) > 1 else np.nan for u in units])
    low, high = ends(value, (loo.size - 1) * loo.var(), np.inf, level, (-1.0, 1.0))  # (u-1)/u times the sum of squares
    row = {"kind": "Fleiss", "first": "all readers", "second": "", "n": read.size}
    return row | {"kappa": value, "low": low, "high": high}


def _merits(readings, session):
    study = one_session(readings, session)
    return {m: figures_of_merit(study.ratings[0], study.truth, m) for m in PAPER_METRICS}


def _paired_t(comparison, metric, first, second, level):
    def spread(values):
        return values.std(ddof=1) if pairs > 1 else np.nan

    pairs = min(len(first), len(second))
    a, b = np.asarray(first, float)[:pairs], np.asarray(second, float)[:pairs]
    d = a - b
    same = pairs < 2 or np.ptp(d) < 1e-12  # no spread: t is not defined
    statistic, p = (np.nan, np.nan) if same else ttest_rel(a, b)
    low, high = ends(d.mean(), 0.0 if same else d.var(ddof=1) / pairs, pairs - 1, level, (-1.0, 1.0))
    return {
        "comparison": comparison, "metric": metric, "origin": "paper", "pairs": pairs, "mean_first": a.mean(),
        "sd_first": spread(a), "mean_second": b.mean(), "sd_second": spread(b),
        "difference": d.mean(), "low": low, "high": high,
        "statistic": statistic, "df": pairs - 1, "p": p, "question": _QUESTIONS[comparison],
    }  # fmt: skip
