"""From a DICOM film's stored numbers to greys as displayed: modality LUT or rescale, VOI LUT or window."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ovcf.cohort.films.greys import full_range, refusal, stretch

LEAST_FILL = 0.25  # a VOI LUT that reaches less of its range than this is scaled by what it reaches


def displayed(stored: NDArray, ds: Any, window: Any, path: Path) -> tuple[NDArray[np.float32], str]:
    """Return a film's greys in [0, 1], before MONOCHROME1 is turned, and a note on how they were made.

    Parameters
    ----------
    window
        None for the file's first VOI LUT or window; an int for another one it holds; "full" for none; or
        (centre, width) in the units after the modality LUT.

    Raises
    ------
    InputError
        For a window the film does not have, or a LUT that cannot be applied.
    """
    values = _modality(stored, ds)
    if isinstance(window, tuple | list):
        centre, width = _given(window, path)
        return windowed(values, centre, width, _function(ds)), f"window {centre:g} / {width:g}, as asked"
    if window != "full":
        index = _index(window, ds, path)
        if index < len(elements(ds, "VOILUTSequence")):
            return _by_lut(values, ds, index, path)
        if index < len(windows(ds)):
            return _by_window(values, ds, index, path, own=window is None)
    if values.dtype == np.uint8 and (ds.get("BitsStored") or 8) == 8:
        return full_range(values, 8), "no window: whole range"
    return stretch(values, path), "no window: stretched between its darkest and brightest value"


def elements(ds: Any, keyword: str) -> list:
    """Return an element's values as a list, however many there are."""
    value = ds.get(keyword)
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)


def windows(ds: Any) -> list[tuple[float, float]]:
    """Return the windows (centre, width) of the header that can be applied."""
    try:
        pairs = zip(elements(ds, "WindowCenter"), elements(ds, "WindowWidth"), strict=False)
        found = [(float(centre), float(width)) for centre, width in pairs]
    except (TypeError, ValueError):
        return []
    return [(centre, width) for centre, width in found if math.isfinite(centre) and 0 < width < math.inf]


def windowed(values: NDArray, centre: float, width: float, function: str) -> NDArray[np.float32]:
    """Apply a window: DICOM PS3.3 C.11.2.1.2 (LINEAR) and C.11.2.1.3, with output range [0, 1].

    pydicom's `apply_windowing` scales to the stored range instead, which the modality LUT makes awkward to
    undo; the tests compare both.
    """
    values = values.astype(np.float32)
    if function == "SIGMOID":
        return (1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -80, 80)))).astype(np.float32)
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1).astype(np.float32)
    if width <= 1:  # LINEAR with width 1 is a threshold
        return (values > centre - 0.5).astype(np.float32)
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1).astype(np.float32)


def _modality(stored: NDArray, ds: Any) -> NDArray:
    """Apply the modality LUT or rescale; one that changes nothing leaves the integers as they are."""
    from pydicom.pixels import apply_modality_lut

    slope, intercept = ds.get("RescaleSlope"), ds.get("RescaleIntercept")
    identity = slope is None or intercept is None or (float(slope) == 1 and float(intercept) == 0)
    if identity and "ModalityLUTSequence" not in ds:
        return stored
    values = apply_modality_lut(stored, ds)
    return values if values.dtype.kind in "iu" else values.astype(np.float32)


def _given(window: Any, path: Path) -> tuple[float, float]:
    """Return a window that the caller gave as numbers."""
    try:
        centre, width = map(float, window)
    except (TypeError, ValueError):
        centre = width = math.nan
    if not (math.isfinite(centre) and 0 < width < math.inf):
        raise refusal(path, "no window", "window", found=str(window), allowed="(centre, width), width above 0")
    return centre, width


def _index(window: Any, ds: Any, path: Path) -> int:
    """Return which of the film's LUTs or windows is meant; None means the first, if there is any."""
    if window is None:
        return 0
    have = max(len(elements(ds, "VOILUTSequence")), len(windows(ds)))
    if isinstance(window, bool) or not isinstance(window, int) or not 0 <= window < have:
        raise refusal(
            path,
            "the film has no such window",
            "window",
            found=str(window),
            allowed=f'None, "full", (centre, width), or a number below {have}',
        )
    return window


def _function(ds: Any) -> str:
    return str(ds.get("VOILUTFunction") or "LINEAR")


def _by_window(values: NDArray, ds: Any, index: int, path: Path, own: bool) -> tuple[NDArray[np.float32], str]:
    """Apply one of the header's windows, unless nobody asked for it and it shows nothing."""
    centre, width = windows(ds)[index]
    pixels = windowed(values, centre, width, _function(ds))
    if pixels.min() < pixels.max() or not own:
        return pixels, f"window {centre:g} / {width:g}"
    return stretch(values, path), f"window {centre:g} / {width:g} would blank the film: stretched instead"


def _by_lut(values: NDArray, ds: Any, index: int, path: Path) -> tuple[NDArray[np.float32], str]:
    """Apply one of the header's VOI LUTs (PS3.3 C.11.2.1.1), whose output range its descriptor gives."""
    from pydicom.pixels import apply_voi

    bits = int(ds.VOILUTSequence[index].LUTDescriptor[2])
    if not 8 <= bits <= 16:
        raise refusal(path, "a VOI LUT of a depth DICOM does not have", found=f"{bits} bits", allowed="8 to 16")
    if values.dtype.kind not in "iu":  # a LUT is looked up by whole numbers
        values = np.rint(values).astype(np.int32)
    looked_up = apply_voi(values, ds, index=index)
    if looked_up.max() < LEAST_FILL * 2**bits:  # 12-bit entries under a descriptor that says 16
        return stretch(looked_up, path), f"VOI LUT applied; it fills little of its {bits} bits: stretched"
    return full_range(looked_up, bits), "VOI LUT applied"
