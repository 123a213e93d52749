"""How many millimetres a pixel is: the header's words on it, in the order of their worth, and their limits."""

import math
from typing import Any, NamedTuple

import numpy as np

from ovcf.cohort.columns import SPACING_MM
from ovcf.cohort.films.greys import Odd
from ovcf.cohort.films.windows import elements

MAGNIFICATION = (1.0, 3.0)  # source to detector over source to body; a lateral spine has 1.1 to 1.3
EQUAL = 1e-6  # relative; two spacings that agree this well are one number
NOT_SQUARE = 0.01  # relative


class Spacing(NamedTuple):
    """A film's spacing (mm per px, nan unknown), whose word it is, and what is odd about the header's words."""

    mm_per_px: float
    origin: str
    notes: tuple[str, ...]


def spacing_of(ds: Any) -> Spacing:
    """Return PixelSpacing, else the detector's spacing, else the digitiser's, else unknown.

    Spacing at the detector overstates sizes in the body by the magnification; where the header states that factor,
    it is taken out. An element that is there and cannot be used is named in a note, never passed over in silence.

    Parameters
    ----------
    ds : pydicom Dataset
    """
    notes: list[str] = []
    pixel, detector, scanned = (
        _lengths(ds, keyword, notes) for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
    )
    at_detector = bool(detector) and not pixel
    if pixel and detector and not ds.get("PixelSpacingCalibrationType"):
        at_detector = np.allclose(pixel, detector, rtol=EQUAL)  # it merely repeats the detector's
    for name, lengths in (
        ("PixelSpacing", pixel),
        ("ImagerPixelSpacing", detector),
        ("NominalScannedPixelSpacing", scanned),
    ):
        if lengths:
            notes += _not_square(lengths)
            return _in_the_body(ds, name, float(np.mean(lengths)), at_detector, notes)
    notes += _aspect(ds)
    return Spacing(math.nan, "unknown", tuple(notes))


def _in_the_body(ds: Any, name: str, mm: float, at_detector: bool, notes: list[str]) -> Spacing:
    """Take the magnification out of a spacing at the detector, where the header states it."""
    if not at_detector:
        return Spacing(mm, name + " (of the film)" * (name == "NominalScannedPixelSpacing"), tuple(notes))
    factor = _factor(ds, notes)
    if factor:
        notes.append(
            f"spacing in the body: that at the detector, {mm:g} mm, over the header's magnification {factor:g}"
        )
        return Spacing(mm / factor, f"{name} / EstimatedRadiographicMagnificationFactor", tuple(notes))
    notes.append("spacing is that at the detector: sizes in the body are smaller by the magnification")
    return Spacing(mm, f"{name} (at the detector)", tuple(notes))


def _factor(ds: Any, notes: list[str]) -> float:
    """Return the magnification the header states, 0 where it states none that can be."""
    value = ds.get("EstimatedRadiographicMagnificationFactor")
    if value in (None, ""):
        return 0.0
    try:
        factor = float(value)
    except (TypeError, ValueError):
        factor = math.nan
    low, high = MAGNIFICATION
    if low <= factor <= high:
        return factor
    limits = f"{low:g} to {high:g}"
    notes.append(Odd(f"EstimatedRadiographicMagnificationFactor is {value}: no magnification ({limits}), not used"))
    return 0.0


def _lengths(ds: Any, keyword: str, notes: list[str]) -> list[float]:
    """Return a spacing's two values, rows then columns; none where absent, or unusable, which is noted."""
    found = elements(ds, keyword)
    if not any(str(value).strip() for value in found):
        return []
    shown = "\\".join(str(value) for value in found)[:40]
    try:
        values = [float(value) for value in found]
    except (TypeError, ValueError):
        values = []
    low, high = SPACING_MM
    if len(values) != 2 or not all(map(math.isfinite, values)):
        notes.append(Odd(f"{keyword} is there and cannot be read ({shown}): not used"))
    elif not all(low <= value <= high for value in values):
        notes.append(Odd(f"{keyword} is {shown} mm, which no film has ({low:g} to {high:g} mm): not used"))
    else:
        return values
    return []


def _not_square(lengths: list[float]) -> list[str]:
    if math.isclose(*lengths, rel_tol=NOT_SQUARE):
        return []
    return [Odd(f"pixels are not square ({lengths[0]:g} x {lengths[1]:g} mm): their mean is used")]


def _aspect(ds: Any) -> list[str]:
    """Say what PixelAspectRatio (height to width) says of pixels whose size is unknown."""
    found = elements(ds, "PixelAspectRatio")
    if not any(str(value).strip() for value in found):
        return []
    shown = "\\".join(str(value) for value in found)[:40]
    try:
        high, wide = (float(value) for value in found)
    except (TypeError, ValueError):
        high = wide = math.nan
    if not (0 < high < math.inf and 0 < wide < math.inf):
        return [Odd(f"PixelAspectRatio is there and cannot be read ({shown}): not used")]
    if math.isclose(high, wide, rel_tol=NOT_SQUARE):
        return []
    return [Odd(f"pixels are not square (PixelAspectRatio {shown}): the film is shown as it is stored")]
