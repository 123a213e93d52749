"""Patches compared by their features: the most similar ones, and how unlike a new one is.

Distances are Euclidean between features standardised on the training patches, divided by sqrt(d), so that two
unrelated patches lie about sqrt(2) apart whatever the network.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

NEIGHBOURS = 5
UNLIKE_PERCENTILE = 99
FEWEST_GREYS = 16  # a blank patch lies in the midst of the features, so distance alone would let it pass
UNLIKE_RULE = (
    f"unlike the training data: mean distance to the {NEIGHBOURS} nearest training patches above the "
    f"{UNLIKE_PERCENTILE}th percentile of the training patches' own, each measured to other patients' patches; "
    f"or nearly blank, with fewer than {FEWEST_GREYS} greys"
)


class Reference(NamedTuple):
    """The training patches as points: what new patches are compared with."""

    points: NDArray[np.float32]  # (n, d) float32, standardised, divided by sqrt(d)
    mean: NDArray[np.float32]  # (d,)
    scale: NDArray[np.float32]  # (d,)
    distances: NDArray[np.float64]  # (n,) of each training patch to its neighbours of other patients, sorted
    threshold: float


def make_reference(features: NDArray[np.float32], patient_ids: ArrayLike) -> Reference:
    """Build the reference from features (n, d) of the training patches, unflipped, and their patients."""
    mean, scale = features.mean(0, dtype=np.float64), features.std(0, dtype=np.float64)
    floor = 0.1 * np.sqrt(np.mean(scale**2)) or 1.0  # a feature that hardly moves must not rule the distance
    mean = mean.astype(np.float32)
    scale = (np.maximum(scale, floor) * np.sqrt(features.shape[1])).astype(np.float32)
    points = (features - mean) / scale
    own = neighbour_distance(points, points, patient_ids, patient_ids)
    return Reference(points, mean, scale, np.sort(own), float(np.percentile(own, UNLIKE_PERCENTILE)))


def neighbour_distance(
    points: NDArray, reference: NDArray, patients: ArrayLike | None = None, reference_patients: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Mean distance (n,) of each point to the nearest reference points that are not of the same patient."""
    out = np.empty(len(points))
    for start in range(0, len(points), 256):  # memory stays flat whatever n is
        rows = slice(start, start + 256)
        far = distances(points[rows], reference)
        if patients is not None:
            far[np.asarray(patients)[rows, None] == np.asarray(reference_patients)[None]] = np.inf
        near = np.sort(far, 1)[:, :NEIGHBOURS]
        near[~np.isfinite(near)] = np.nan  # a cohort of very few patients
        out[rows] = np.nanmean(near, 1)
    return out


def distances(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    """Euclidean distances (n, m) between points (n, d) and (m, d), in double precision."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squared, 0))


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
    reference = make_reference(features, patches.patient_id.to_numpy())
    patient = patches.patient_id.iloc[index]
    return nearest(reference.points[index], reference.points, patches, k, exclude_patient=patient)


def nearest(
    point: NDArray, points: NDArray, patches: pd.DataFrame, k: int, exclude_patient: str | None = None
) -> pd.DataFrame:
    """List the k patches nearest to a point (d,), without one patient's; ties in the order of the rows."""
    far = distances(point[None], points)[0]
    allowed = np.flatnonzero(patches.patient_id.to_numpy() != exclude_patient)
    rows = allowed[np.argsort(far[allowed], kind="stable")[:k]]
    columns = [c for c in ("patch_id", "patient_id", "label", "level") if c in patches]
    return patches.iloc[rows][columns].assign(distance=far[rows]).reset_index(drop=True)
