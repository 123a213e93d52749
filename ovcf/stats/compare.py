"""Networks against each other on the same patches: the tests a reviewer would ask for; the paper has none.

Each row says which test it is, what it answers and whose it is. They answer two different questions. DeLong
and McNemar ask whether these trained networks differ on other patients; the tests over folds ask whether
networks trained anew would differ, and have only as many numbers as there are folds.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ovcf.problems import InputError, Problem
from ovcf.stats.checks import check_predictions, row_numbers
from ovcf.stats.clusters import effective_patients, left
from ovcf.stats.paper_tests import paper_fold_tests, table1_tests
from ovcf.stats.rates import fold_table
from ovcf.stats.roc import clustered_delong, delong

OURS, COMMON = "ours", "common practice"
COLUMNS = [
    "test",
    "metric",
    "question",
    "whose",
    "networks",
    "first",
    "second",
    "difference",
    "low",
    "high",
    "statistic",
    "df",
    "p",
    "p_holm",
]
CLUSTERED_DELONG = "DeLong, clustered by patient (Obuchowski)"
TESTS = {
    CLUSTERED_DELONG: (
        OURS,
        "Would the AUCs of these trained networks differ on other patients like these?",
    ),
    "DeLong": (OURS, "As above, ignoring clustering: intervals are too narrow where a patient has several patches."),
    "McNemar, clustered by patient": (
        OURS,
        "Would one of these trained networks be right more often on other patients like these?",
    ),
    "McNemar, exact": (OURS, "As above, ignoring clustering by patient."),
    "Cochran's Q": (OURS, "Are all networks right equally often, ignoring clustering by patient?"),
    "corrected resampled t over folds (Nadeau-Bengio)": (
        OURS,
        "Would networks trained anew differ? Allows for folds that share training patches.",
    ),
    "paired t over folds": (
        COMMON,
        "Naive paired t over folds: ignores shared training data, so p is usually too small.",
    ),
}


def compare_networks(
    predictions: pd.DataFrame, *, versus: str | None = None, threshold: float = 0.5, level: float = 0.95
) -> pd.DataFrame:
    """Compare all pairs of networks, or one network with each other, by every test of `TESTS`.

    Parameters
    ----------
    predictions : DataFrame, predictions of two or more networks on the same patches and folds, of one split.
    versus : name of a network; only its pairs are tested, and Holm corrects for these alone.
    threshold : called fresh at or above it (McNemar, Cochran, accuracy).
    level : of the intervals.

    Returns
    -------
    DataFrame
        test, metric, question, whose, networks ("a - b" or "all"), first and second (a, b; "" for all), difference
        (first minus second, as a fraction), low, high, statistic (z, t, chi-square or, for exact McNemar, the patches
        only the first got right), df (NaN for z and exact tests), p (two-sided), p_holm (within test and metric; Holm
        1979).
        References stand at each test. Checked against statsmodels (McNemar, Cochran, Holm), scipy (paired t)
        and literal sums. A network that was chosen because it came out best on these folds has p values that
        flatter it.

    Raises
    ------
    InputError
        What `check_predictions` refuses, fewer than two networks, or a patch that a network lacks or has in
        another fold; with the row.

    What it cannot see: networks that were not trained, and a difference that only other films or scanners would show; a
    large p is no proof of equality.
    """
    truth, scores, patient, names = shared_patches(predictions)
    if versus is not None and versus not in names:
        raise InputError(
            Problem(
                "network",
                "no predictions of this network",
                column="network",
                found=str(versus),
                allowed=", ".join(names),
            )
        )
    pairs = [(i, j) for i, j in combinations(range(len(names)), 2) if versus in (None, names[i], names[j])]
    if versus is not None:  # the named network first, so that differences read as its advantage
        pairs = [(i, j) if names[i] == versus else (j, i) for i, j in pairs]
    right = (scores >= threshold) == truth
    clustered, plain = clustered_delong(truth, scores, patient), delong(truth, scores)
    rows = _auc_rows(CLUSTERED_DELONG, clustered, pairs, level)
    rows += _auc_rows("DeLong", plain, pairs, level)
    rows += [_clustered_mcnemar(right, patient, pair, level) for pair in pairs]
    rows += [_exact_mcnemar(right, pair, level) for pair in pairs] + [_cochran(right)]
    rows += _fold_rows(fold_table(predictions, threshold), names, pairs, level)
    return _finished(rows, names)


def shared_patches(
    predictions: pd.DataFrame,
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.intp], list[str]]:
    """Line up the networks of a predictions table on their patches.

    Parameters
    ----------
    predictions : DataFrame, predictions of two or more networks of one split.

    Returns
    -------
    truth (n,) bool, scores (m, n), patient (n,) int codes, names: m networks in order of appearance.

    Raises
    ------
    InputError
        As `compare_networks`.
    """
    predictions = check_predictions(predictions, networks="many")
    names = list(pd.unique(predictions["network"]))
    if len(names) < 2:
        raise InputError(
            Problem("networks", "a comparison needs two networks or more", column="network", found=", ".join(names))
        )
    first = predictions[predictions["network"] == names[0]].set_index("patch_id")
    problems = []
    for name in names[1:]:
        problems += _mismatches(first, predictions[predictions["network"] == name], names[0], name)
    if problems:
        raise InputError(problems[:100])
    wide = predictions.pivot(index="network", columns="patch_id", values="p_fresh").loc[names, first.index]
    truth, patient = first["truth"].to_numpy().astype(bool), pd.factorize(first["patient_id"])[0]
    return truth, wide.to_numpy(float), patient, names


def z_interval(difference: float, variance: float, level: float) -> dict[str, float]:
    """Test a difference against zero by the normal distribution: difference, low, high, statistic, p.

    Where the variance is zero (two networks with the same ranks) nothing can be estimated: no interval, no statistic;
    p is 1 where there is no difference either.
    """
    se = np.sqrt(max(variance, 0)) if np.isfinite(variance) else np.nan
    if not se > 0:
        nothing = dict.fromkeys(("low", "high", "statistic"), np.nan)
        return {"difference": difference, **nothing, "p": 1.0 if difference == 0 else np.nan}
    z = difference / se
    half = stats.norm.ppf((1 + level) / 2) * se
    return {
        "difference": difference,
        "low": difference - half,
        "high": difference + half,
        "statistic": z,
        "p": 2 * stats.norm.sf(abs(z)),
    }


def corrected_t(differences: ArrayLike, test_over_train: float = 0.0, level: float = 0.95) -> dict[str, float]:
    """Test the mean of folds' differences by Student's t, allowing for folds that share training data.

    t = mean / sqrt((1/J + n_test/n_train) s^2), s with ddof 1, J - 1 degrees of freedom. Nadeau & Bengio
    (2003), Machine Learning 52: 239-281. With `test_over_train` 0 it is the plain paired t. Checked against
    scipy.stats.ttest_rel and a literal version.

    Parameters
    ----------
    differences : (J,) one per fold; folds where it is undefined are left out.
    """
    d = np.asarray(differences, float)
    d = d[np.isfinite(d)]
    if d.size < 2:
        return {"difference": d.mean() if d.size else np.nan, "df": d.size - 1}
    se = np.sqrt((1 / d.size + test_over_train) * d.var(ddof=1))
    if not se > 0:  # all folds differ by the same: no spread, so nothing to estimate
        return {"difference": d.mean(), "df": d.size - 1, "p": 1.0 if d.mean() == 0 else np.nan}
    t = d.mean() / se
    half = stats.t.ppf((1 + level) / 2, d.size - 1) * se
    return {
        "difference": d.mean(),
        "low": d.mean() - half,
        "high": d.mean() + half,
        "statistic": t,
        "df": d.size - 1,
        "p": 2 * stats.t.sf(abs(t), d.size - 1),
    }


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Correct (k,) p values for k tests, step down (Holm 1979, Scand. J. Stat. 6: 65-70).

    Checked against statsmodels' multipletests, which collects garbage at each call and so takes a thousand
    times longer.
    """
    p = np.asarray(p, float)
    order = np.argsort(p)
    corrected = np.empty(p.size)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1)
    return corrected


def _auc_rows(test, areas, pairs, level):
    """Each pair's difference of AUC, and all AUCs at once (chi-square) where there are more than two."""
    same, m, rows = {"test": test, "metric": "auc"}, areas.auc.size, []
    for i, j in pairs:
        contrast = np.zeros(m)
        contrast[[i, j]] = 1, -1
        variance = contrast @ areas.covariance @ contrast
        rows.append({**same, "pair": (i, j), **z_interval(contrast @ areas.auc, variance, level)})
    if m > 2:
        contrasts = np.eye(m - 1, m) - np.eye(m - 1, m, 1)
        gap = contrasts @ areas.auc
        covariance = contrasts @ areas.covariance @ contrasts.T
        df = int(np.linalg.matrix_rank(covariance))
        chi2 = float(gap @ np.linalg.pinv(covariance) @ gap)
        rows.append({**same, "statistic": chi2, "df": df, "p": stats.chi2.sf(chi2, df)})
    return rows


def _exact_mcnemar(right, pair, level):
    """Exact McNemar (binomial on discordant patches; McNemar 1947) with Agresti & Min's (2005) interval."""
    only = [int((right[i] & ~right[j]).sum()) for i, j in (pair, pair[::-1])]
    n, discordant = right.shape[1], sum(only)
    p = stats.binomtest(only[0], discordant).pvalue if discordant else 1.0
    # half a patch added to each of the four cells keeps the interval honest where few disagree
    middle = (only[0] - only[1]) / (n + 2)
    half = stats.norm.ppf((1 + level) / 2) * np.sqrt((discordant + 1) / (n + 2) - middle**2) / np.sqrt(n + 2)
    row = {"test": "McNemar, exact", "metric": "accuracy", "pair": pair, "statistic": only[0], "p": p}
    return {**row, "difference": (only[0] - only[1]) / n, "low": middle - half, "high": middle + half}


def _clustered_mcnemar(right, patient, pair, level):
    """McNemar on patients' sums d of the differences: (sum d)^2 / sum d^2 (Yang, Sun & Hardin 2010)."""
    d = np.bincount(patient, right[pair[0]].astype(float) - right[pair[1]])
    size, n = np.bincount(patient), right.shape[1]
    difference = d.sum() / n
    share = left(size / n)
    variance = np.sum((d - difference * size) ** 2 / share) / n**2
    squares = np.sum(d**2)
    chi2 = d.sum() ** 2 / squares if squares else 0.0
    if not variance > 0:  # no patient for whom they differ: half a patient for each side (Agresti & Min 2005)
        variance = 1 / (effective_patients(size.astype(float)) + 2) ** 2
    row = {
        "test": "McNemar, clustered by patient",
        "metric": "accuracy",
        "pair": pair,
        **z_interval(difference, variance, level),
    }
    return {**row, "statistic": chi2, "df": 1, "p": stats.chi2.sf(chi2, 1)}


def _cochran(right):
    from statsmodels.stats.contingency_tables import cochrans_q  # loaded here: statsmodels costs a second

    row = {"test": "Cochran's Q", "metric": "accuracy", "df": len(right) - 1}
    if (right == right[0]).all():
        return {**row, "statistic": 0.0, "p": 1.0}
    result = cochrans_q(right.T.astype(int))
    return {**row, "statistic": float(result.statistic), "p": float(result.pvalue)}


def _fold_rows(table, names, pairs, level):
    """Both t tests over folds, for the AUC and the accuracy of each fold."""
    rows = []
    n = table.loc[table["network"] == names[0], "n"].to_numpy()
    ratio = np.mean(n / (n.sum() - n)) if n.size > 1 else np.nan
    corrections = {"corrected resampled t over folds (Nadeau-Bengio)": ratio, "paired t over folds": 0}
    for test, correction in corrections.items():
        for metric in ("auc", "accuracy"):
            wide = table.pivot(index="fold", columns="network", values=metric)
            rows += [
                {
                    "test": test,
                    "metric": metric,
                    "pair": (i, j),
                    **corrected_t(wide[names[i]] - wide[names[j]], correction, level),
                }
                for i, j in pairs
            ]
    return rows


def _finished(rows, names):
    """Name the networks, say what each test answers, and correct by Holm within test and metric."""
    table = pd.DataFrame(rows)
    whole = table["pair"].isna()
    table["networks"] = [
        "all" if w else " - ".join(names[k] for k in pair) for pair, w in zip(table["pair"], whole, strict=True)
    ]
    for place, column in enumerate(("first", "second")):
        table[column] = ["" if w else names[pair[place]] for pair, w in zip(table["pair"], whole, strict=True)]
    table["question"] = table["test"].map({test: question for test, (_, question) in TESTS.items()})
    table["whose"] = table["test"].map({test: whose for test, (whose, _) in TESTS.items()})
    table["p_holm"] = table["p"].where(whole)
    for _, family in table[~whole & table["p"].notna()].groupby(["test", "metric"]):
        table.loc[family.index, "p_holm"] = holm(family["p"])
    return table.reindex(columns=COLUMNS)


def _mismatches(first, other, first_name, name):
    """Problems where a second network has other patches, or other folds, than the first."""
    lines = pd.Series(row_numbers(other), index=other["patch_id"])
    theirs = other.set_index("patch_id")
    lacking = first.index.difference(theirs.index)
    problems = [
        Problem(
            "missing_patch",
            f"{name} has no prediction of a patch that {first_name} has",
            column="patch_id",
            found=str(patch),
        )
        for patch in lacking
    ]
    extra = theirs.index.difference(first.index)
    problems += [
        Problem(
            "extra_patch",
            f"{name} has a patch that {first_name} lacks",
            row=int(lines[patch]),
            column="patch_id",
            found=str(patch),
        )
        for patch in extra
    ]
    both = theirs.index.intersection(first.index)
    moved = both[(theirs.loc[both, "fold"] != first.loc[both, "fold"]).to_numpy()]
    return problems + [
        Problem(
            "other_fold",
            f"{name} and {first_name} have this patch in different folds",
            row=int(lines[patch]),
            column="fold",
            found=str(theirs.loc[patch, "fold"]),
        )
        for patch in moved
    ]


__all__ = [
    "TESTS",
    "compare_networks",
    "corrected_t",
    "holm",
    "paper_fold_tests",
    "shared_patches",
    "table1_tests",
    "z_interval",
]
