"""What a film is once it is read, the limits it must keep, and how stored numbers become greys."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ovcf.problems import InputError, Problem

# A full-length spine film stitched at 0.1 mm has about 40 million pixels, a chest film 16. This is room
# enough, and keeps one film's float copy under 300 MB.
MAX_PIXELS = 64_000_000
MAX_SIDE = 30_000
MAX_BYTES = 512 * 2**20

# What shows no bone, in greys of [0, 1]: of a patch or a whole film.
BLANK_SPREAD = 0.02  # from the 1st to the 99th percentile
DARK, BRIGHT = 0.04, 0.96  # mean grey
SAMPLE = 500_000  # pixels of a film that are looked at for this
CLIPPED = 0.5  # share of pixels at the ends of the range

# More than this share of visibly coloured pixels is a colour picture; less is a mark drawn on a grey film.
COLOURED_SHARE = 0.01
COLOURED_SPREAD = 32  # grey levels of 255 between the channels of one pixel; JPEG chroma stays well below


class Film(NamedTuple):
    """One radiograph as greys.

    `pixels` is float32 (height, width) in [0, 1] with bone bright; `mm_per_px` is nan where unknown and
    `spacing_origin` says whose word it is; `orientation` and `laterality` are as the header has them;
    `notes` says everything that was done to, or is odd about (`Odd`), the stored numbers; `padding` is where a DICOM
    header says that there is no picture (bool, height, width), or None.
    """

    pixels: NDArray[np.float32]
    mm_per_px: float = math.nan
    spacing_origin: str = "unknown"
    notes: tuple[str, ...] = ()
    kind: str = ""
    bits: int = 8
    orientation: str = ""
    laterality: str = ""
    padding: NDArray[np.bool_] | None = None


class FilmHeader(NamedTuple):
    """What can be known about a film without its pixels; `width`, `height` as `read_film` returns them."""

    width: int
    height: int
    kind: str
    bits: int
    mm_per_px: float = math.nan
    spacing_origin: str = "unknown"
    orientation: str = ""
    laterality: str = ""


class Odd(str):
    """A note on what is odd about a film, for a reviewer to look at; a plain note tells how the film was read."""


def refusal(path: Path, message: str, kind: str = "unreadable_image", **place: Any) -> InputError:
    """Return the error that names a film and why it cannot be used."""
    return InputError(Problem(kind, message, file=str(path), **place))


def check_size(path: Path, width: int, height: int, max_pixels: int = MAX_PIXELS) -> None:
    """Refuse dimensions that no radiograph has, before any memory is taken for them."""
    if width < 1 or height < 1:
        raise refusal(path, "the picture has no pixels", found=f"{width} x {height}")
    if width > MAX_SIDE or height > MAX_SIDE or width * height > max_pixels:
        allowed = f"at most {MAX_SIDE} a side and {max_pixels} pixels"
        raise refusal(
            path, "the picture is larger than any radiograph", "too_large", found=f"{width} x {height}", allowed=allowed
        )


def exposure_fault(greys: NDArray) -> str:
    """Say in words that a patch's greys in [0, 1] are blank, dark, bright or mostly clipped; "" where they are not."""
    low, high = np.percentile(greys, [1, 99])
    clipped = float(np.mean((greys <= 0) | (greys >= 1)))
    return fault_of(float(high - low), float(greys.mean()), clipped)


def fault_of(spread: float, mean: float, clipped: float = 0.0) -> str:
    """The same from the spread (1st to 99th percentile), the mean and the share at the ends of the range."""
    if spread < BLANK_SPREAD:
        return f"blank: hardly any contrast (a spread of {spread:.3f})"
    if mean < DARK or mean > BRIGHT or clipped > CLIPPED:
        kind = "dark" if mean < 0.5 else "bright"
        return f"too {kind}: mean grey {mean:.2f}, {clipped:.0%} of the pixels at the end of the range"
    return ""


def exposure_notes(greys: NDArray) -> list[str]:
    """The note on a film that shows nothing; black round a collimated one is none."""
    sample = greys.ravel()[:: max(1, greys.size // SAMPLE)]
    low, high = np.percentile(sample, [1, 99])
    fault = fault_of(float(high - low), float(sample.mean()))
    return [Odd(f"the whole film is {fault.split(',')[0]}")] if fault else []


def full_range(stored: NDArray, bits: int) -> NDArray[np.float32]:
    """Scale unsigned numbers by what `bits` bits can hold; for 8-bit films that is the display's range."""
    return np.clip(stored.astype(np.float32) / np.float32(2**bits - 1), 0, 1)


def stretch(values: NDArray, path: Path) -> NDArray[np.float32]:
    """Stretch values linearly between their least and greatest; a blank film becomes 0.

    Films of more than 8 bits seldom fill their container (12 bits in 16), so its range says nothing.
    """
    values = values.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise refusal(path, "the picture holds numbers that are not finite (nan or inf)")
    if high <= low:
        return np.zeros(values.shape, dtype=np.float32)
    # Halves first: high - low may overflow float32 in a film of extreme floats.
    span = np.float32(high / 2 - low / 2)
    return np.clip((values / 2 - np.float32(low / 2)) / span, 0, 1)


def grey_of_colour(rgb: NDArray, path: Path) -> tuple[NDArray, str]:
    """Return the grey channel of a grey film saved in three channels, and a note; refuse a colour picture.

    The green channel is kept: where all channels agree it is the film, and JPEG keeps it best.
    """
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    # unsigned, and never below 0; pairwise is five times as fast as max over the last axis
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    limit = rgb.dtype.type(COLOURED_SPREAD * (np.iinfo(rgb.dtype).max // 255))
    coloured = float((spread > limit).mean())
    if coloured > COLOURED_SHARE:
        raise refusal(
            path,
            "a colour picture, not a radiograph",
            "colour",
            found=f"{coloured:.0%} of pixels coloured",
            allowed=f"at most {COLOURED_SHARE:.0%} (a mark drawn on a grey film)",
        )
    marks = f"; {coloured:.2%} of its pixels are coloured marks" if coloured else ""
    return np.ascontiguousarray(green), f"grey film saved in colour: the green channel is read{marks}"
