"""The price of leakage: what a network seems to gain when patches of one patient lie in training and in test.

The same network, the same patches, two ways to deal folds. With `split: patch` a patient's other
patches may be in training; with `split: patient` they never are. The difference flatters the first. The paper does
not say how it dealt folds.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

from ovcf.problems import InputError, Problem
from ovcf.stats import bootstrap as boot
from ovcf.stats.checks import check_predictions, row_numbers
from ovcf.stats.compare import z_interval
from ovcf.stats.rates import FOLD_MEAN, METRICS
from ovcf.stats.roc import auc, clustered_delong

SHUFFLES = 20
COLUMNS = ["patches", "n", "metric", "by_patient", "by_patch", "difference", "low", "high", "p", "method"]


def price_of_leakage(
    patient_predictions: pd.DataFrame, patch_predictions: pd.DataFrame, *, threshold: float = 0.5,
    level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Compare one network under `split: patch` with itself under `split: patient`, on the same patches.

    Parameters
    ----------
    patient_predictions, patch_predictions : DataFrame, one network's predictions under each split, of the same
        patches.
    threshold : called fresh at or above it.
    level : of the intervals.

    Returns
    -------
    DataFrame
        patches, n, metric, by_patient, by_patch, difference (by patch minus by patient), low, high, p,
        method. For all patches: every metric of Table 2 and auc_fold_mean, from the differences of patients'
        influences (`ovcf.stats.bootstrap.influence_of_metrics`), and the pooled AUC also by clustered DeLong.
        Then the pooled AUC among patches whose patient was in training under `split: patch`, and among the others,
        where nothing can leak; the last row tests whether the first gain is the larger one (other patients, so
        variances add): that says whether a gain is leakage or chance. Intervals hold the trained
        networks fixed. Checked against a literal bootstrap that draws the same patients for both splits.

    Raises
    ------
    InputError
        What `check_predictions` refuses, two networks, or splits that hold different patches; with the row.

    What it cannot see: what leaks by other ways than a shared patient (one scanner, one reading session); and training
    anew with other folds.
    """
    patient, patch = _same_patches(patient_predictions, patch_predictions)
    truth, codes = patient["truth"].to_numpy().astype(bool), pd.factorize(patient["patient_id"])[0]
    tables = [_metric_rows(truth, codes, patient, patch, threshold, level)]
    seen = patient_in_training(patch)
    for words, of in (
        ("all", np.ones(truth.size, bool)),
        ("patient in training by patch", seen),
        ("patient not in training by patch", ~seen),
    ):
        tables.append(
            _delong_row(words, truth[of], np.stack([patch["p_fresh"][of], patient["p_fresh"][of]]), codes[of], level)
        )
    return pd.concat([*tables, _difference_row(tables[2], tables[3], truth.size, level)], ignore_index=True)


def price_over_dealings(dealings: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Compare `split: patch` with `split: patient` over several dealings of the same patches into folds.

    One dealing and one training move a patch's answer by chance, more than a leak does. A patch's answer here is the
    mean of its log-odds over the dealings, so that chance goes down and a leak stays. It can only be where a patient
    has several patches.

    Parameters
    ----------
    dealings : out-of-fold predictions of one network: split ("patient" or "patch"), dealing, patch_id, patient_id,
        truth, p_fresh; each patch once in every dealing of either split.
    level : of the intervals.

    Returns
    -------
    DataFrame
        As `price_of_leakage`, of the pooled AUC: all patches, those of patients with several, those of patients with
        one, and the first gain less the second. The variance is that of clustered DeLong, which holds the trained
        networks fixed, and where there are several dealings what they move in all patients alike (`_chance`): without
        it, patients with one vertebra, who cannot leak, seem to too often (benchmarks/leakage.py).

    Raises
    ------
    InputError
        What `check_predictions` refuses, in any dealing, and splits whose dealings hold different patches.

    What it cannot see: what leaks by other ways than a shared patient, and how one dealing's answers would leak.
    """
    first, odds = zip(*(_odds(dealings[dealings["split"] == split]) for split in ("patient", "patch")), strict=True)
    patient, patch = _same_patches(
        *(table.assign(p_fresh=expit(o.mean(axis=0))) for table, o in zip(first, odds, strict=True))
    )
    odds = odds[0], odds[1][:, first[1].set_index("patch_id").index.get_indexer(patient["patch_id"])]
    truth, codes = patient["truth"].to_numpy().astype(bool), pd.factorize(patient["patient_id"])[0]
    several = (np.bincount(codes) > 1)[codes]
    groups = {
        "all": np.ones(truth.size, bool),
        "of patients with several patches": several,
        "of patients with one patch": ~several,
    }
    scores = np.stack([patch["p_fresh"], patient["p_fresh"]])
    tables = [_delong_row(words, truth[of], scores[:, of], codes[of], level) for words, of in groups.items()]
    difference = _difference_row(*tables[1:], truth.size, level).assign(patches="several less one")
    table = pd.concat([*tables, difference], ignore_index=True)
    return _with_chance(table, _chance(odds, truth, codes, list(groups.values())), level)


def _odds(dealings: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """The predictions of a split's first dealing, and the log-odds of all (dealings, n), patches in its order."""
    parts = [check_predictions(part, networks="one") for _, part in dealings.groupby("dealing", sort=False)]
    if not parts:
        raise InputError(Problem("empty", "no predictions of this split"))
    ids = parts[0]["patch_id"]
    for number, part in enumerate(parts, 1):
        if set(part["patch_id"]) != set(ids):
            raise InputError(Problem("other_patches", "dealings hold different patches", found=f"dealing {number}"))
    given = [part.set_index("patch_id")["p_fresh"].loc[ids] for part in parts]
    return parts[0], logit(np.clip(given, 1e-12, 1 - 1e-12))


def _chance(
    odds: Sequence[NDArray], truth: NDArray[np.bool_], codes: NDArray[np.intp], groups: list[NDArray[np.bool_]]
) -> NDArray[np.float64]:
    """Variance over dealings, in each group and of the second less the third, that patients have in common.

    Two-way clusters (Cameron, Gelbach and Miller 2011, doi:10.1198/jbes.2010.07136): the variance over patients holds
    what chance does to each of them apart already. So it is the variance over dealings less that over dealings that
    are shuffled patient by patient, and 0 at least.
    """
    rng, shuffled = np.random.default_rng(0), []
    for _ in range(SHUFFLES):
        orders = [rng.permuted(np.tile(np.arange(len(each))[:, None], codes.max() + 1), axis=0) for each in odds]
        mixed = [np.take_along_axis(each, order[:, codes], axis=0) for each, order in zip(odds, orders, strict=True)]
        shuffled.append(_over_dealings(mixed, truth, groups))
    return np.maximum(_over_dealings(odds, truth, groups) - np.mean(shuffled, axis=0), 0)


def _over_dealings(odds: Sequence[NDArray], truth: NDArray[np.bool_], groups: list[NDArray[np.bool_]]) -> NDArray:
    """Variance of the gains by a jackknife that leaves out one dealing of either split at a time; 0 for one dealing."""
    variance = np.zeros(len(groups) + 1)
    for split in (0, 1):
        k, means = len(odds[split]), [each.mean(axis=0) for each in odds]
        if k == 1:
            continue
        gains = []
        for left_out in odds[split]:
            means[split] = (odds[split].sum(axis=0) - left_out) / (k - 1)
            gains.append(_gains(*means, truth, groups))
        variance += (k - 1) * np.var(gains, axis=0)
    return variance


def _gains(patient: NDArray, patch: NDArray, truth: NDArray[np.bool_], groups: list[NDArray[np.bool_]]) -> list[float]:
    """AUC by patch less that by patient in each group, and the second less the third; NaN for one class."""
    found = [
        auc(truth[of], patch[of]) - auc(truth[of], patient[of]) if 0 < truth[of].sum() < of.sum() else np.nan
        for of in groups
    ]
    return [*found, found[1] - found[2]]


def _with_chance(table: pd.DataFrame, chance: NDArray[np.float64], level: float) -> pd.DataFrame:
    """Add a variance to that of each row's difference; rows without a difference stay as they are."""
    rows, half = table.to_dict("records"), norm.ppf((1 + level) / 2)
    for row, more in zip(rows, chance, strict=True):
        if more > 0:
            width = 0.0 if np.isnan(row["low"]) else row["high"] - row["low"]
            row |= z_interval(row["difference"], (width / 2 / half) ** 2 + more, level)
            row["method"] += "; jackknife over dealings"
    return pd.DataFrame(rows)[COLUMNS]


def patient_in_training(predictions: pd.DataFrame) -> NDArray[np.bool_]:
    """Say of each patch (n,) whether another patch of its patient lies in another fold, so was trained on."""
    folds = predictions.groupby("patient_id")["fold"]
    return (folds.transform("nunique") > 1).to_numpy()


def _metric_rows(truth, codes, patient, patch, threshold, level):
    """Every metric under both splits; the difference's variance is that of patients' differences of influence."""
    tables = [
        (truth, t["p_fresh"].to_numpy(float), codes, {"threshold": threshold, "folds": t["fold"].to_numpy()})
        for t in (patient, patch)
    ]
    once = np.ones((1, codes.max() + 1), np.float32)
    first, second = (boot.metrics_of_weights(*arrays, **o)(once)[0] for *arrays, o in tables)
    moved = np.subtract(*(boot.influence_of_metrics(*arrays, **o) for *arrays, o in tables[::-1]))  # (patients, 9)
    variance = len(moved) / max(len(moved) - 1, 1) * np.sum(moved**2, axis=0)
    rows = [z_interval(d, v if d or v > 1e-20 else 0.0, level) for d, v in zip(second - first, variance, strict=True)]
    table = pd.DataFrame(rows).drop(columns="statistic")
    return table.assign(
        patches="all", n=truth.size, metric=[*METRICS, FOLD_MEAN], by_patient=first, by_patch=second,
        method="influence of patients, paired",
    )[COLUMNS]  # fmt: skip


def _delong_row(words, truth, scores, codes, level):
    """Difference of pooled AUCs among some patches, by clustered DeLong; NaN where they are of one class."""
    row = {"patches": words, "n": truth.size, "metric": "auc", "method": "clustered DeLong (Obuchowski)"}
    if 0 < truth.sum() < truth.size:
        areas = clustered_delong(truth, scores, codes)
        variance = areas.covariance[0, 0] + areas.covariance[1, 1] - 2 * areas.covariance[0, 1]
        row |= {"by_patch": areas.auc[0], "by_patient": areas.auc[1]}
        row |= z_interval(areas.auc[0] - areas.auc[1], variance, level)
    return pd.DataFrame([row]).reindex(columns=COLUMNS)


def _difference_row(seen, unseen, n, level):
    """Gain among patients in training less that among the others; NaN where one of them has no gain to show."""
    (a,), (b,) = seen.to_dict("records"), unseen.to_dict("records")
    row = {"patches": "in training less not in training", "n": n, "metric": "auc", "method": seen["method"].iloc[0]}
    half = norm.ppf((1 + level) / 2)
    # where both splits rank all patches alike there is no interval, and no variance to add
    widths = [0.0 if part["p"] == 1 and np.isnan(part["low"]) else part["high"] - part["low"] for part in (a, b)]
    variance = sum((width / 2 / half) ** 2 for width in widths)
    return pd.DataFrame([row | z_interval(a["difference"] - b["difference"], variance, level)]).reindex(columns=COLUMNS)


def _same_patches(patient, patch):
    """Both tables in the order of the first's patches, or a refusal that names what differs."""
    patient, patch = (check_predictions(table, networks="one") for table in (patient, patch))
    problems = []
    names = [str(t["network"].iloc[0]) for t in (patient, patch)]
    if names[0] != names[1]:
        problems.append(
            Problem(
                "networks",
                "the price of leakage compares a network with itself",
                column="network",
                found=" and ".join(names),
            )
        )
    for here, there, split in ((patient, patch, "patch"), (patch, patient, "patient")):
        lost = ~here["patch_id"].isin(there["patch_id"]).to_numpy()
        found = zip(row_numbers(here)[lost], here["patch_id"][lost], strict=True)
        problems += [
            Problem(
                "missing_patch", f"no prediction with split: {split}", row=int(row), column="patch_id", found=str(name)
            )
            for row, name in found
        ]
    if not problems:
        patch = patch.set_index("patch_id").loc[patient["patch_id"]].reset_index()
        rows = row_numbers(patient)
        for column in ("truth", "patient_id"):
            for i in np.flatnonzero(patch[column].to_numpy() != patient[column].to_numpy()):
                problems.append(
                    Problem(
                        "differs",
                        f"{column} differs between the splits",
                        row=int(rows[i]),
                        column=column,
                        found=str(patient[column].iloc[i]),
                    )
                )
    if problems:
        raise InputError(problems[:100])
    return patient.reset_index(drop=True), patch
