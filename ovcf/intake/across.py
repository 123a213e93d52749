"""Two cohorts held against each other: who stands in both, what patches look like, and pictures that stand in both."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import laplace

from ovcf.cohort.manifest import Cohort
from ovcf.intake.check.duplicates import near_copies
from ovcf.intake.check.film_facts import phash, thumbnail
from ovcf.problems import InputError, Problem, unknown
from ovcf.stats.two_cohorts import shared_patients

SHARED_IDS = ("refuse", "leave out", "other people")
"""What to do about patient ids that stand in both cohorts."""


def settle_ids(cohort: Cohort, known: NDArray | None, shared_ids: str, source: Path) -> tuple[list[str], Cohort]:
    """Return the ids that were left out, and the cohort without them; refuse shared ids where nothing was said.

    Parameters
    ----------
    cohort : the other one, read from `source`.
    known : patient ids of the first; None where they are not told.
    shared_ids : one of `SHARED_IDS`.

    Raises
    ------
    InputError : for another word, and for every id that stands in both.
    """
    if shared_ids not in SHARED_IDS:
        raise InputError(unknown("shared_ids", shared_ids, SHARED_IDS))
    names = [] if known is None else [there for _, there in shared_patients(known, cohort.patches.patient_id)]
    if names and shared_ids == "refuse":
        message = "this patient is also in the cohort that the model was trained on"
        ways = "a run with another external or none; on a finished run, by `ovcf external` or notebook 07, shared_ids "
        ways += '"leave out", or "other people" where the numbering is another'
        raise InputError(
            [Problem("shared_patient", message, str(source), None, "patient_id", name, ways) for name in names]
        )
    if shared_ids != "leave out":
        return [], cohort
    kept = cohort.patches[~cohort.patches.patient_id.isin(names)].reset_index(drop=True)
    return names, cohort._replace(patches=kept)


def with_greys(patches: pd.DataFrame, images: NDArray[np.uint8]) -> pd.DataFrame:
    """Add to patches what their pictures (n, s, s) look like, in greys of 0 to 1.

    grey_mean, grey_sd (over the pixels, ddof 0), sharpness (variance of the Laplacian over that of the greys), and the
    box's height in px.
    """
    greys = [image.astype(np.float32) / 255 for image in images]
    spread = np.array([grey.std() for grey in greys])
    fine = np.array([laplace(grey).var() for grey in greys])
    return patches.assign(
        box_height_px=patches.y1 - patches.y0,
        grey_mean=[float(grey.mean()) for grey in greys],
        grey_sd=spread,
        sharpness=np.divide(fine, spread**2, out=np.zeros_like(fine), where=spread > 1e-4),
    )


def shared_pictures(first: NDArray, second: NDArray, first_ids: pd.Series, second_ids: pd.Series) -> pd.DataFrame:
    """Return pairs of patches (first, second: ids) that are nearly one picture: how they meet, and the correlation."""
    thumbs = np.stack([thumbnail(image / 255) for images in (first, second) for image in images])
    hashes = {
        "as it is": np.array([phash(thumb) for thumb in thumbs]),
        "mirrored": np.array([phash(thumb[:, ::-1]) for thumb in thumbs]),
    }
    rows, n = [], len(first)
    blank = np.ptp(thumbs.reshape(len(thumbs), -1).astype(int), axis=1) < 8
    for group in near_copies(hashes, thumbs, blank):
        mine, theirs = ([m for m in group.members if (m < n) == here] for here in (True, False))
        rows += [
            (first_ids.iloc[a], second_ids.iloc[b - n], group.how, group.correlation) for a in mine for b in theirs
        ]
    return pd.DataFrame(rows, columns=["first", "second", "how", "correlation"])
