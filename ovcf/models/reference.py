"""Patches compared by their features: the most similar ones, and how unlike a new one is.

Distances are Euclidean between features standardised on the training patches, divided by sqrt(d), so that two
unrelated patches lie about sqrt(2) apart whatever the network.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ovcf.models.moments import mean_and_sd

NEIGHBOURS = 5
UNLIKE_PERCENTILE = 99
MOST_MEASURED = 2500  # training patches whose distances to all others are taken, so that time grows as their number
AT_ONCE = 256, 4096  # points compared with reference points: memory stays flat however many there are
FEWEST_GREYS = 16  # a blank patch lies in the midst of the features, so distance alone would let it pass
UNLIKE_RULE = (
    f"unlike the training data: mean distance to the {NEIGHBOURS} nearest training patches above the "
    f"{UNLIKE_PERCENTILE}th percentile of the training patches' own, each measured to other patients' patches "
    f"(of {MOST_MEASURED:,} of them drawn at random where there are more); "
    f"or nearly blank, with fewer than {FEWEST_GREYS} greys"
)


class Reference(NamedTuple):
    """The training patches as points: what new patches are compared with."""

    points: NDArray[np.float32]  # (n, d) float32, standardised, divided by sqrt(d)
    mean: NDArray[np.float32]  # (d,)
    scale: NDArray[np.float32]  # (d,)
    distances: NDArray[np.float64]  # (m,) of training patches to their neighbours of other patients, sorted
    threshold: float


def make_reference(features: NDArray[np.float32], patient_ids: ArrayLike) -> Reference:
    """Build the reference from features (n, d) of the training patches, unflipped, and their patients."""
    points, mean, scale = _standardised(features)
    patients = np.asarray(patient_ids)
    rows = _measured(len(points))
    own = neighbour_distance(points[rows], points, patients[rows], patients)
    return Reference(points, mean, scale, np.sort(own), float(np.percentile(own, UNLIKE_PERCENTILE)))


def _standardised(features: NDArray[np.float32]) -> tuple[NDArray, NDArray, NDArray]:
    """Features as points (n, d), and the mean and scale (d,) that make them so; float32."""
    mean, sd = mean_and_sd(features)
    floor = 0.1 * np.sqrt(np.mean(sd**2)) or 1.0  # a feature that hardly moves must not rule the distance
    mean = mean.astype(np.float32)
    scale = (np.maximum(sd, floor) * np.sqrt(features.shape[1])).astype(np.float32)
    points = features - mean
    points /= scale
    return points, mean, scale


def _measured(n: int) -> NDArray[np.intp]:
    """Rows whose distances make the threshold: all, or `MOST_MEASURED` of more, always the same."""
    return np.arange(n) if n <= MOST_MEASURED else np.sort(np.random.default_rng(0).choice(n, MOST_MEASURED, False))


def neighbour_distance(
    points: NDArray, reference: NDArray, patients: ArrayLike | None = None, reference_patients: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Mean distance (n,) of each point to the nearest reference points that are not of the same patient."""
    out = np.empty(len(points))
    if patients is not None:  # as numbers: thousands of names compared with each other take longer than the distances
        who = pd.factorize(np.concatenate([np.asarray(patients), np.asarray(reference_patients)]))[0]
    for start in range(0, len(points), AT_ONCE[0]):
        rows = slice(start, start + AT_ONCE[0])
        far = distances(points[rows], reference)
        if patients is not None:
            far[who[: len(points)][rows, None] == who[len(points) :]] = np.inf
        far.partition(min(NEIGHBOURS, far.shape[1]) - 1, axis=1)
        near = np.sort(far[:, :NEIGHBOURS], 1)
        near[~np.isfinite(near)] = np.nan  # a cohort of very few patients
        out[rows] = np.nanmean(near, 1)
    return out


def distances(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    """Euclidean distances (n, m) between points (n, d) and (m, d), in double precision."""
    a, out = a.astype(np.float64), np.empty((len(a), len(b)))
    for start in range(0, len(b), AT_ONCE[1]):
        some = b[start : start + AT_ONCE[1]].astype(np.float64)
        squared = (a**2).sum(1)[:, None] + (some**2).sum(1) - 2 * a @ some.T
        out[:, start : start + len(some)] = np.sqrt(np.maximum(squared, 0))
    return out


def similar_patches(features: NDArray[np.float32], patches: pd.DataFrame, index: int, k: int = 6) -> pd.DataFrame:
    """List the patches most like one of the cohort's, none of the same patient.

    Parameters
    ----------
    features : (n, d) in the order of `patches`
    index : row of the patch asked about
    k : how many

    Returns
    -------
    patch_id, patient_id, label, level and distance, nearest first.
    """
    points, patient = _standardised(features)[0], patches.patient_id.iloc[index]
    return nearest(points[index], points, patches, k, exclude_patient=patient)


def nearest(
    point: NDArray, points: NDArray, patches: pd.DataFrame, k: int, exclude_patient: str | None = None
) -> pd.DataFrame:
    """List the k patches nearest to a point (d,), without one patient's; ties in the order of the rows."""
    far = distances(point[None], points)[0]
    allowed = np.flatnonzero(patches.patient_id.to_numpy() != exclude_patient)
    rows = allowed[np.argsort(far[allowed], kind="stable")[:k]]
    columns = [c for c in ("patch_id", "patient_id", "label", "level") if c in patches]
    return patches.iloc[rows][columns].assign(distance=far[rows]).reset_index(drop=True)
