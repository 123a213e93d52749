"""The two tests whose p the paper prints beneath its tables, and the ones the questions call for.

Table 3's p row compares the five folds' values of fresh with those of old; Table 1's compares thirteen counts
with thirteen counts. The paper names the two-sample t-test for Table 1 and no test for Table 3; with pooled
variance it gives both as printed.
"""

import warnings

import numpy as np
import pandas as pd
from scipy import stats

from ovcf.problems import InputError, Problem
from ovcf.stats.checks import ALIKE, need_columns, row_numbers
from ovcf.words import LEVELS

OURS, PAPER = "ours", "the paper's"


def paper_fold_tests(fold_table: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Compare fresh with old over folds (Table 3's row "p value").

    Parameters
    ----------
    fold_table : DataFrame of `ovcf.stats.rates.fold_table`, or any with network, fold and the columns
        precision_fresh, precision_old, recall_..., f1_....

    Returns
    -------
    DataFrame
        network, measure, test, whose, question, difference (mean of fresh minus mean of old), low, high,
        statistic (t), df, p. "two-sample t" (pooled variance) reproduces the paper's 0.664, 0.470 and 0.496
        from its printed folds; "paired t" takes each fold as the pair it is. Neither p says the classes are
        alike: a few folds could hardly show that they are not. Without a spread over folds there is no more than
        the difference.

    What it cannot see: that folds share training patches and patients share folds: they are taken as independent.
    """
    measures = ("precision", "recall", "f1")
    need_columns(fold_table, ["network", *(f"{m}_{c}" for m in measures for c in ("fresh", "old"))])
    rows = []
    for network, folds in fold_table.groupby("network", sort=False):
        for measure in measures:
            pair = folds[[f"{measure}_fresh", f"{measure}_old"]].dropna().to_numpy(float).T
            for test, whose, run, question in _FOLD_TESTS:
                rows.append(
                    {
                        "network": network,
                        "measure": measure,
                        "test": test,
                        "whose": whose,
                        "question": question,
                        **_t_test(run, *pair, level),
                    }
                )
    return pd.DataFrame(rows)


_FOLD_TESTS = (
    (
        "two-sample t",
        PAPER,
        stats.ttest_ind,
        "Do fresh and old differ on average over folds, were all these numbers unrelated?",
    ),
    ("paired t", OURS, stats.ttest_rel, "Do fresh and old differ within folds? Folds still share training patches."),
)


def _fisher(counts: np.ndarray, seed: int, drawn: int = 9999) -> float:
    """Fisher's p of an r x c table from drawn tables; scipy's own way fails at ten thousands of patches."""
    tables = stats.random_table(counts.sum(1), counts.sum(0))
    like = tables.logpmf(tables.rvs(drawn, random_state=np.random.default_rng(seed)))
    return float((1 + np.sum(like <= tables.logpmf(counts) + 1e-9)) / (drawn + 1))


def table1_tests(patches: pd.DataFrame, level: float = 0.95, seed: int = 0) -> pd.DataFrame:
    """Compare the levels of fresh and old fractures (Table 1's p): the paper's test, and those that ask the question.

    Parameters
    ----------
    patches : DataFrame with label ("fresh"/"old"), level (T5..L5; "" unknown is left out) and, for the
        clustered test, patient_id.
    seed : of the Monte Carlo tables of Fisher's test.

    Returns
    -------
    DataFrame
        test, whose, question, difference (for t: mean patches per level, fresh minus old), low, high,
        statistic, df, p. The paper's counts give t's p 0.939. Checked against scipy.stats on those counts;
        the clustered test against Pearson's where each patient has one patch.

    Raises
    ------
    InputError
        Unknown labels or levels with their rows, or one class only.

    What it cannot see: differences that were not recorded, and any after the first when levels are many: the p are not
    corrected.
    """
    counts = level_counts(patches)
    t = _t_test(stats.ttest_ind, counts["fresh"].to_numpy(), counts["old"].to_numpy(), level)
    seen = counts[counts.sum(axis=1) > 0].to_numpy()
    chi2 = stats.chi2_contingency(seen, correction=False)
    same = "Are fresh and old fractures spread alike over levels"
    rows = [
        {
            "test": "two-sample t of counts",
            "whose": PAPER,
            **t,
            "question": "Do the two totals differ? The test of mean counts asks nothing else.",
        },
        {
            "test": "chi-square",
            "whose": OURS,
            "question": f"{same}, were patches independent?",
            "statistic": chi2.statistic,
            "df": chi2.dof,
            "p": chi2.pvalue,
        },
        {
            "test": "Fisher (Monte Carlo)",
            "whose": OURS,
            "question": f"{same}? Exact for sparse levels.",
            "p": _fisher(seen, seed),
        },
    ]
    if "patient_id" in patches:
        rows.append(
            {
                "test": "Rao-Scott chi-square, clustered by patient",
                "whose": OURS,
                "question": f"{same}?",
                **_rao_scott(patches[patches["level"].isin(LEVELS)]),
            }
        )
    order = ["test", "whose", "question", "difference", "low", "high", "statistic", "df", "p"]
    return pd.DataFrame(rows).reindex(columns=order)


def level_counts(patches: pd.DataFrame) -> pd.DataFrame:
    """Count patches by level (rows T5..L5) and label (fresh, old); refuse unknown words with their row."""
    need_columns(patches, ["label", "level"])
    rows, problems = row_numbers(patches), []
    for column, allowed in (("label", ("fresh", "old")), ("level", (*LEVELS, ""))):
        values = patches[column].fillna("").to_numpy()
        problems += [
            Problem(
                f"unknown_{column}",
                f"unknown {column}",
                row=int(rows[i]),
                column=column,
                found=str(values[i]),
                allowed=", ".join(allowed),
            )
            for i in np.flatnonzero(~np.isin(values, allowed))
        ]
    if problems:
        raise InputError(problems)
    counts = pd.crosstab(patches["level"], patches["label"]).reindex(index=LEVELS, columns=["fresh", "old"])
    counts = counts.fillna(0).astype(int)
    if not counts.sum().all():
        raise InputError(
            Problem("one_class", "fresh and old patches with a known level are both needed", column="label")
        )
    return counts


def _t_test(run, fresh, old, level):
    """One of scipy's t tests as a row; nothing but the difference with fewer than two values or without a spread."""
    apart = [fresh - old] if run is stats.ttest_rel else [fresh, old]
    if fresh.size < 2 or max(map(np.ptp, apart)) < ALIKE:
        return {"difference": float(np.mean(fresh - old)) if fresh.size else np.nan}
    with warnings.catch_warnings():  # scipy doubts a class that is alike in every fold; its variance is 0 all the same
        warnings.simplefilter("ignore", RuntimeWarning)
        result = run(fresh, old)
    low, high = result.confidence_interval(level)
    return {
        "difference": fresh.mean() - old.mean(),
        "low": low,
        "high": high,
        "statistic": result.statistic,
        "df": result.df,
        "p": result.pvalue,
    }


def _rao_scott(patches):
    """Pearson's chi-square with the second-order correction for clusters.

    Under no association, the deviations of each level's fresh count have the covariance V of patients' sums;
    the eigenvalues of D^-1/2 V D^-1/2, D the multinomial variances, scale chi-square and its df
    (Satterthwaite). Rao & Scott (1984), Ann. Stat. 12: 46-60.
    """
    fresh = (patches["label"] == "fresh").to_numpy(float)
    levels, patient = (pd.factorize(patches[c])[0] for c in ("level", "patient_id"))
    share, size = fresh.mean(), np.bincount(levels)
    deviation = np.zeros((patient.max() + 1, size.size))
    np.add.at(deviation, (patient, levels), fresh - share)
    observed = deviation.sum(axis=0)
    deviation -= np.multiply.outer(deviation.sum(axis=1), size / size.sum())  # `share` is estimated too
    scale = np.sqrt(size * share * (1 - share))
    covariance = len(deviation) / (len(deviation) - 1) * deviation.T @ deviation / np.outer(scale, scale)
    total, squares = np.trace(covariance), np.sum(covariance**2)
    chi2, df = np.sum((observed / scale) ** 2) * total / squares, total**2 / squares
    return {"statistic": chi2, "df": df, "p": stats.chi2.sf(chi2, df)}
