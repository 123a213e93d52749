"""A finished run's model on another hospital's cohort, untouched: what is predicted there, and who stands in both.

The run (or the bundle made of it) is only read. Everything made here stands in a folder of its own, or among the tables
of a run that is being made. The statistics are called by notebook 07.
"""

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ovcf.cohort.crop import prepare_patches
from ovcf.cohort.manifest import Cohort, read_cohort
from ovcf.problems import InputError, Problem
from ovcf.stats.two_cohorts import shared_patients

SHARED_IDS = ("refuse", "other people", "leave out")
"""What to do about patient ids that stand in both cohorts."""

DRIFT = "label level region sex age scanner mm_per_px spacing_origin box_height_px grey_mean grey_sd sharpness".split()
"""Columns that two cohorts are compared by; what a cohort does not have is left out."""


class Development(NamedTuple):
    """What is known of the cohort that a model was made on."""

    predictions: pd.DataFrame  # out-of-fold, of the final model's network; columns truth, p_fresh, patient_id, patch_id
    patches: pd.DataFrame | None  # None from a bundle, which holds nothing of a patient
    thumbs: NDArray[np.uint8] | None  # (n, s, s) unequalised, in the order of `patches`
    label: str


class Elsewhere:
    """A model and another cohort's patches, cut as the model's training patches were.

    Parameters
    ----------
    model : FinalModel
    development : what its run tells of its own cohort.
    source : manifest or folder of the other cohort.
    cache : folder for prepared patches.
    shared_ids : one of `SHARED_IDS`.

    Raises
    ------
    InputError
        For problems of the data, all at once, and for ids that stand in both cohorts, by name.
    """

    def __init__(self, model, development: Development, source, *, cache, shared_ids="refuse", allow_outside=False,
                 workers: int | None = None):  # fmt: skip
        self.model, self.development, self.source = model, development, Path(source)
        self.cache, self.workers = Path(cache), workers
        cohort = read_cohort(self.source, allow_outside=allow_outside)
        self.left_out, self.cohort = _settle_ids(cohort, development, shared_ids, self.source)

    @property
    def patches(self) -> pd.DataFrame:
        """One row a vertebra of the other cohort."""
        return self.cohort.patches

    def images(self, equalisation: str | None = None) -> NDArray[np.uint8]:
        """Patches (n, size, size) as the model sees them; `equalisation="none"`: as readers do."""
        how = self.model.card["preprocessing"]
        return prepare_patches(
            self.cohort,
            size=how["image_size"],
            margin_mm=how["margin_mm"],
            margin_px=how["margin_px"],
            equalisation=equalisation or how["equalisation"],
            out=self.cache,
            workers=self.workers,
        )

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row a patch: patch_id, patient_id, truth, probabilities, unlike.

        p_fresh is the final model's, p_ensemble the mean over the models of the folds, low and high range over all.
        """
        said = self.model.predict(self.images())
        members = self.model.members(self.images())
        return pd.DataFrame(
            {
                "patch_id": self.patches.patch_id,
                "patient_id": self.patches.patient_id,
                "truth": (self.patches.label == "fresh").astype(int),
                "p_fresh": said.p_fresh,
                "p_ensemble": members[1:].mean(axis=0),
                "low": said.low,
                "high": said.high,
                "unlike": said.unlike,
            }
        )

    def described(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Both cohorts' patches with the columns of `DRIFT`; only where the development's patches are at hand."""
        pairs = ((self.development.patches, self.development.thumbs), (self.patches, self.images("none")))
        return tuple(with_greys(patches, images) for patches, images in pairs)

    def copies(self) -> pd.DataFrame:
        """Patches of both cohorts that are nearly the same picture: first, second (patch ids), how, correlation.

        Looked for among unequalised patches, also mirrored. Cannot see a film that was cut or windowed far otherwise.
        """
        return shared_pictures(
            self.development.thumbs, self.images("none"), self.development.patches.patch_id, self.patches.patch_id
        )


def with_greys(patches: pd.DataFrame, images: NDArray[np.uint8]) -> pd.DataFrame:
    """Add to patches what their pictures (n, s, s) look like, in greys of 0 to 1.

    grey_mean, grey_sd (over the pixels, ddof 0), sharpness (variance of the Laplacian over that of the greys), and the
    box's height in px.
    """
    from scipy.ndimage import laplace

    greys = [image.astype(np.float32) / 255 for image in images]
    spread = np.array([grey.std() for grey in greys])
    fine = np.array([laplace(grey).var() for grey in greys])
    return patches.assign(
        box_height_px=patches.y1 - patches.y0,
        grey_mean=[grey.mean() for grey in greys],
        grey_sd=spread,
        sharpness=np.divide(fine, spread**2, out=np.zeros_like(fine), where=spread > 1e-4),
    )


def shared_pictures(first: NDArray, second: NDArray, first_ids: pd.Series, second_ids: pd.Series) -> pd.DataFrame:
    """Return pairs of patches (first, second: ids) that are nearly one picture: how they meet, and the correlation."""
    from ovcf.intake.check.duplicates import near_copies
    from ovcf.intake.check.film_facts import phash, thumbnail

    thumbs = np.stack([thumbnail(image / 255) for images in (first, second) for image in images])
    hashes = {
        "as it is": np.array([phash(thumb) for thumb in thumbs]),
        "mirrored": np.array([phash(thumb[:, ::-1]) for thumb in thumbs]),
    }
    rows, n = [], len(first)
    for group in near_copies(hashes, thumbs, np.ptp(thumbs.reshape(len(thumbs), -1), axis=1) < 8):
        mine, theirs = ([m for m in group.members if (m < n) == here] for here in (True, False))
        rows += [
            (first_ids.iloc[a], second_ids.iloc[b - n], group.how, group.correlation) for a in mine for b in theirs
        ]
    return pd.DataFrame(rows, columns=["first", "second", "how", "correlation"])


def _settle_ids(cohort: Cohort, development: Development, shared_ids: str, source: Path) -> tuple[list[str], Cohort]:
    """Ids that were left out, and the cohort without them; a refusal where ids are shared and nothing was said."""
    if shared_ids not in SHARED_IDS:
        allowed = ", ".join(SHARED_IDS)
        raise InputError(Problem("shared_ids", "unknown way with shared ids", found=shared_ids, allowed=allowed))
    pairs = shared_patients(development.predictions.patient_id, cohort.patches.patient_id)
    if pairs and shared_ids == "refuse":
        message = "this patient is also in the cohort that the model was trained on"
        ways = 'shared_ids: "leave out", or "other people" where the numbering is another'
        raise InputError(
            [Problem("shared_patient", message, str(source), None, "patient_id", there, ways) for _, there in pairs]
        )
    if shared_ids != "leave out":
        return [], cohort
    names = [there for _, there in pairs]
    kept = cohort.patches[~cohort.patches.patient_id.isin(names)].reset_index(drop=True)
    return names, cohort._replace(patches=kept)
