"""Two cohorts beside each other: a metric's unpaired difference, and what differs between the patients themselves.

Patients are the units throughout: of intervals, and of the permutations that say whether a difference is more than
chance.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import eigsh

from ovcf.stats.compare import holm

PERMUTATIONS = 1999
COMPONENTS = 20  # principal components that features are compared on
UNKNOWN = "unknown"


def difference_of_cohorts(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Subtract the metrics of one cohort from those of another one, which shares no patient with it.

    From the two intervals alone (MOVER; Zou & Donner 2008, Stat. Med. 27: 1693-1702): with estimates e and ends l, u,
    low = d - sqrt((e2 - l2)^2 + (u1 - e1)^2), high = d + sqrt((u2 - e2)^2 + (e1 - l1)^2), d = e2 - e1. So clustered
    intervals give a clustered one, and no patient's data of the first cohort are needed.

    Parameters
    ----------
    first, second : DataFrames with metric, estimate, low, high.

    Returns
    -------
    DataFrame
        metric, first, first_low, first_high, second, second_low, second_high, difference (second less first), low,
        high: metrics that both have, in the first's order. Checked against Newcombe's (1998) method 10 for
        proportions. Cannot see whether the cohorts share patients (`shared_patients` looks for that).
    """
    columns = ["estimate", "low", "high"]
    both = first.set_index("metric")[columns].merge(second.set_index("metric")[columns], on="metric", how="inner")
    e1, l1, u1, e2, l2, u2 = both.to_numpy(float).T
    d = e2 - e1
    table = {
        "metric": both.index,
        **dict(zip(("first", "first_low", "first_high"), (e1, l1, u1), strict=True)),
        **dict(zip(("second", "second_low", "second_high"), (e2, l2, u2), strict=True)),
        "difference": d,
        "low": d - np.hypot(e2 - l2, u1 - e1),
        "high": d + np.hypot(u2 - e2, e1 - l1),
    }
    return pd.DataFrame(table)


def drift_table(
    first: pd.DataFrame,
    second: pd.DataFrame,
    columns: Sequence[str],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> pd.DataFrame:
    """Say column by column how two cohorts' patches differ.

    A number: the standardised mean difference (second less first, over the root of the mean of both variances, ddof 1).
    A word: the total variation distance, half the sum of the absolute differences of the shares; empty is "unknown".
    The p-value permutes whole patients between the cohorts, `permutations` times, (1 + as extreme) / (1 + all); p_holm
    is Holm's over the columns.

    Parameters
    ----------
    first, second : patches, one row a vertebra, with patient_id.
    columns : to compare; those that one table lacks are left out.

    Returns
    -------
    DataFrame
        column, kind ("number" or "word"), first, second (means, or the word whose share differs most with both
        shares), difference, p, p_holm. A column that is empty in one cohort has NaN: that it is missing there is
        itself a difference. Checked against a literal permutation. Cannot see differences in how columns go together,
        nor whether a difference matters to the model.
    """
    both, patients, of_second = _together(first, second)
    swaps = _swaps(of_second, permutations, seed)
    rows = []
    for column in columns:
        if column not in first or column not in second:
            continue
        number = all(pd.api.types.is_numeric_dtype(t[column]) and t[column].dtype != bool for t in (first, second))
        compare = _numbers if number else _words
        rows.append(
            {"column": column, "kind": "number" if number else "word", **compare(both[column], patients, swaps)}
        )
    table = pd.DataFrame(rows, columns=["column", "kind", "first", "second", "difference", "p"])
    known = table["p"].notna().to_numpy()
    table["p_holm"] = np.nan
    table.loc[known, "p_holm"] = holm(table.loc[known, "p"].to_numpy())
    return table


class FeatureTest(NamedTuple):
    """Whether two cohorts' features come from one distribution."""

    statistic: float
    p: float
    components: int
    share: float  # of the variance that the components hold


def feature_drift(
    first: ArrayLike,
    second: ArrayLike,
    first_patient: ArrayLike,
    second_patient: ArrayLike,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> FeatureTest:
    """Test whether a network's features of two cohorts differ: energy distance, patients permuted.

    2 E|X - Y| - E|X - X'| - E|Y - Y'| on the first principal components of both cohorts together (Szekely & Rizzo 2013,
    J. Stat. Plan. Inference 143: 1249-1272).

    Parameters
    ----------
    first (n, d), second (m, d) : features; first_patient (n,), second_patient (m,).

    Returns
    -------
    FeatureTest
        Checked against a literal version. A small p says that the films look different to the network, not that it
        does worse on them; different levels or labels alone make a difference too.

    What it cannot see: a difference that none of the features is of.
    """
    points, share = _principal(np.concatenate([np.asarray(first, float), np.asarray(second, float)]))
    codes, of_second = _patients(first_patient, second_patient)
    apart = np.sqrt(np.maximum(_squared(points), 0))
    grouped = np.zeros((codes.max() + 1, len(points)))
    grouped[codes, np.arange(len(points))] = 1
    between, size = grouped @ apart @ grouped.T, grouped.sum(axis=1)
    values = _energy(_swaps(of_second, permutations, seed).astype(float), between, size)
    return FeatureTest(float(values[0]), _p(values), points.shape[1], share)


def shared_patients(first: ArrayLike, second: ArrayLike) -> list[tuple[str, str]]:
    """Pairs of ids (first's, second's) that are the same but for case, blanks around them and leading zeros."""
    known: dict[str, str] = {}
    for name in pd.unique(np.asarray(first, object)):
        known.setdefault(_plain(name), str(name))
    return [(known[_plain(n)], str(n)) for n in pd.unique(np.asarray(second, object)) if _plain(n) in known]


def _plain(name: object) -> str:
    return str(name).strip().casefold().lstrip("0")


def _together(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, NDArray, NDArray]:
    """Both tables in one; each patch's patient (n,) and whether a patient (k,) is of the second cohort."""
    codes, of_second = _patients(first["patient_id"], second["patient_id"])
    return pd.concat([first, second], ignore_index=True), codes, of_second


def _patients(first: ArrayLike, second: ArrayLike) -> tuple[NDArray, NDArray]:
    """Codes (n,) of patients, the second cohort's after the first's whatever their names; and which are whose (k,)."""
    one, two = pd.factorize(np.asarray(first))[0], pd.factorize(np.asarray(second))[0]
    codes = np.concatenate([one, two + one.max() + 1])
    return codes, np.arange(codes.max() + 1) > one.max()


def _swaps(of_second: NDArray, permutations: int, seed: int) -> NDArray[np.bool_]:
    """Which patients (k,) are of the second cohort: as it is, then permuted; (1 + permutations, k)."""
    rng = np.random.default_rng([seed, 15])
    swapped = rng.permuted(np.broadcast_to(of_second, (permutations, of_second.size)), axis=1)
    return np.concatenate([of_second[None], swapped])


def _numbers(values: pd.Series, patients: NDArray, swaps: NDArray) -> dict:
    """Means of both cohorts, their standardised difference and its p."""
    x = pd.to_numeric(values).to_numpy(float)
    known = np.isfinite(x)
    centre = x[known].mean() if known.any() else 0.0  # sums of squares about 0 would lose digits
    sums = [np.bincount(patients, np.where(known, (x - centre) ** k, 0.0), swaps.shape[1]) for k in (0, 1, 2)]
    parts = []
    for of in (~swaps, swaps):
        n, total, squares = (of.astype(float) @ s for s in sums)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / n
            parts.append((mean, (squares - n * mean**2) / (n - 1)))
    (mean1, var1), (mean2, var2) = parts
    with np.errstate(invalid="ignore", divide="ignore"):
        smd = (mean2 - mean1) / np.sqrt((var1 + var2) / 2)
    shown = {"first": f"{centre + mean1[0]:.3g}", "second": f"{centre + mean2[0]:.3g}"}
    return {**shown, "difference": float(smd[0]), "p": _p(np.abs(smd))}


def _words(values: pd.Series, patients: NDArray, swaps: NDArray) -> dict:
    """The word whose share differs most, both its shares, the total variation distance and its p."""
    words = values.astype(object).where(values.notna() & (values != ""), UNKNOWN).astype(str)
    codes, names = pd.factorize(words, sort=True)
    counts = np.zeros((swaps.shape[1], len(names)))
    np.add.at(counts, (patients, codes), 1)
    shares = []
    for of in (~swaps, swaps):
        of_group = of.astype(float) @ counts
        shares.append(of_group / of_group.sum(axis=1, keepdims=True))
    distance = np.abs(shares[1] - shares[0]).sum(axis=1) / 2
    most = int(np.argmax(np.abs(shares[1][0] - shares[0][0])))
    shown = {k: f"{names[most]} {100 * s[0, most]:.0f} %" for k, s in zip(("first", "second"), shares, strict=True)}
    return {**shown, "difference": float(distance[0]), "p": _p(distance)}


def _p(values: NDArray) -> float:
    """Share of permuted statistics at least as large as the first one; NaN where that is none."""
    if not np.isfinite(values[0]):
        return float("nan")
    return float((1 + np.sum(values[1:] >= values[0] - 1e-12)) / len(values))


def _principal(features: NDArray) -> tuple[NDArray, float]:
    """The first principal components of standardised features (n, d), and their share of the variance."""
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    wide = scaled.shape[1] > scaled.shape[0]
    inner = scaled @ scaled.T if wide else scaled.T @ scaled  # the smaller of both: a tenth of the time of an SVD
    side = len(inner)
    kept = min(COMPONENTS, side)
    if not kept:
        return np.zeros((len(features), 0)), 0.0
    few = side <= 5 * kept  # Lanczos needs room
    # the first vector is fixed, so that the same features give the same digits
    variance, vectors = np.linalg.eigh(inner) if few else eigsh(inner, kept, v0=np.linspace(1, 2, side))
    variance, vectors = np.maximum(variance[-kept:][::-1], 0), vectors[:, -kept:][:, ::-1]
    points = vectors * np.sqrt(variance) if wide else scaled @ vectors
    return points, float(variance.sum() / (np.trace(inner) or 1.0))


def _squared(points: NDArray) -> NDArray:
    """Squared Euclidean distances (n, n)."""
    squares = np.sum(points**2, axis=1)
    return squares[:, None] + squares - 2 * points @ points.T


def _energy(second: NDArray, between: NDArray, size: NDArray) -> NDArray:
    """Energy distance under each assignment (r, k) of patients, from sums of distances between patients (k, k)."""
    first = 1 - second
    n, m = first @ size, second @ size
    cross = np.einsum("rk,rk->r", first @ between, second) / (n * m)
    within1 = np.einsum("rk,rk->r", first @ between, first) / n**2
    within2 = np.einsum("rk,rk->r", second @ between, second) / m**2
    return 2 * cross - within1 - within2
