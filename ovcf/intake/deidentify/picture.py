"""A picture written anew: its greys, upright, and nothing else the file carried.

PNG, JPEG and TIFF hold text, times, places, devices, thumbnails and colour profiles in chunks, segments and tags, and
anything behind their end. None is copied: the greys are decoded and stored losslessly, as PNG where they fit
into 16 bits, else as TIFF.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ovcf.cohort.films.pictures import stored_picture
from ovcf.intake.deidentify.rules import Box, Rules, paint_over
from ovcf.intake.deidentify.search import hits_in_pixels
from ovcf.problems import InputError, Problem

EXACT = 2**24  # whole numbers up to here are exact in float32, so that a shift of all leaves the greys as they are


def deidentify_picture(source: Path, folder_and_stem: Path, patient_id: str, rules: Rules, boxes: list[Box]) -> Path:
    """Write one picture anew and return the file, whose suffix says how it is stored.

    Raises as `deidentify_dicom` does.
    """
    picture = stored_picture(source)
    greys = _fitting(picture.stored, picture.white_is_zero and picture.stored.dtype != np.uint8)
    greys = paint_over(greys, boxes, greys.min())
    if "PixelData" not in rules.allow and hits_in_pixels(greys, 8 * greys.dtype.itemsize, {patient_id.casefold()}):
        message = "the pixels spell the patient's id; paint it over with --mask, or use --allow PixelData"
        raise InputError(Problem("identity_left", message, str(source), column="PixelData"))
    if greys.dtype in (np.uint8, np.uint16):
        target = folder_and_stem.with_suffix(".png")
        Image.fromarray(greys).save(target, "PNG")
        return target
    import tifffile

    target = folder_and_stem.with_suffix(".tif")
    tifffile.imwrite(target, greys, photometric="minisblack", compression="zlib", metadata=None, software=False)
    return target


def _fitting(stored: NDArray, white_is_zero: bool) -> NDArray:
    """The greys with bone bright, in 16 bits where a shift brings them there (greys are stretched when shown)."""
    low, high = stored.min(), stored.max()
    if white_is_zero:
        stored = high - stored if stored.dtype.kind == "u" else high.astype(float) + low.astype(float) - stored
    if stored.dtype in (np.uint8, np.uint16) or stored.dtype.kind == "b":
        return stored
    whole = bool(np.all(stored == np.rint(stored)))
    least, most = float(stored.min()), float(stored.max())
    if whole and max(abs(least), abs(most)) < EXACT and most - least < 2**16:
        return (stored.astype(np.int64) - int(least)).astype(np.uint16)
    return stored.astype(np.float32) if stored.dtype.kind == "f" else stored
