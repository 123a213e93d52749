"""Which bits of a stored number are the film: left-justified numbers, drawings above BitsStored, padding."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ovcf.cohort.films.greys import Odd

LOOKED_AT = 4_000_000  # pixels looked at when a film must say by itself which of its bits are the picture


class Bits(NamedTuple):
    """A film's numbers (h, w) without foreign bits, how many bits they have, and notes on what was done."""

    stored: NDArray
    bits: int
    notes: tuple[str, ...]


def picture_bits(stored: NDArray, ds: Any, native: bool) -> Bits:
    """Keep the bits that are the picture (PS3.5 8.1.1): BitsStored of them, ending at HighBit.

    Old files keep drawings in the bits left over. Where those bits are set though no overlay claims them, the film
    itself decides: numbers that run on through them more smoothly than without them are the picture, and BitsStored
    is wrong.

    Parameters
    ----------
    stored : integer array (h, w)
        As stored; other kinds come back as they are.
    ds : pydicom Dataset
    native : bool
        Not compressed. A decoder has justified its numbers already, so HighBit says nothing there.
    """
    container = 8 * stored.dtype.itemsize
    bits = int(ds.get("BitsStored") or container)
    if stored.dtype.kind not in "iu" or not 0 < bits < container:
        return Bits(stored, min(bits, container) or container, ())
    raw = stored.view(f"u{stored.dtype.itemsize}")
    high = int(ds.get("HighBit") or bits - 1)
    above = _above(raw, bits, signed=stored.dtype.kind == "i")
    share = float(above.mean())
    left = high + 1 - bits if native and bits <= high < container else 0
    if left and share:
        kept = _signed(raw >> left if stored.dtype.kind == "u" else stored >> left, bits)
        return Bits(
            kept, bits, (Odd(f"HighBit {high}: the numbers are left-justified, and were moved by {left} bits"),)
        )
    notes = (Odd(f"HighBit {high} says left-justified, the numbers are not"),) if left else ()
    kept = _signed(stored, bits)
    if not share:
        return Bits(kept, bits, notes)
    if native and not _overlay_bits(ds) and _roughness(stored) < _roughness(kept):
        highest = int(raw.max()).bit_length() if stored.dtype.kind == "u" else container
        said = Odd(f"BitsStored is {bits}, but the picture has {highest} bits: all are read")
        return Bits(stored, highest, (*notes, said))
    said = Odd(f"bits above BitsStored ({bits}) are set in {share:.2%} of the pixels: left out")
    return Bits(kept, bits, (*notes, said))


def _above(raw: NDArray, bits: int, signed: bool) -> NDArray[np.bool_]:
    """Where bits above the picture's are set; in a signed number they repeat its sign."""
    top = raw >> (bits - 1 if signed else bits)
    whole = (1 << (8 * raw.dtype.itemsize - bits + signed)) - 1
    return (top != 0) & (top != whole) if signed else top != 0


def _signed(stored: NDArray, bits: int) -> NDArray:
    """Only the lowest bits, the sign carried on where there is one."""
    if stored.dtype.kind == "u":
        return stored & stored.dtype.type((1 << bits) - 1)
    spare = 8 * stored.dtype.itemsize - bits
    return (stored << spare) >> spare


def _overlay_bits(ds: Any) -> bool:
    """Whether an overlay of the header lives in bits of the pixels (60xx,0102 with no data of its own)."""
    return any((group, 0x0010) in ds and (group, 0x3000) not in ds for group in range(0x6000, 0x601F, 2))


def _roughness(stored: NDArray) -> float:
    """The mean step from a pixel to the next; a wrapped or drawn-over film has more of it."""
    step = max(1, stored.shape[0] * stored.shape[1] // LOOKED_AT)
    rows = stored[::step].astype(np.int64)
    return float(np.abs(np.diff(rows, axis=1)).mean()) if rows.shape[1] > 1 else 0.0


def padding_of(stored: NDArray, ds: Any) -> NDArray[np.bool_] | None:
    """Where a film is padding: PixelPaddingValue, up to PixelPaddingRangeLimit (PS3.3 C.7.5.1.1.2); None: nowhere."""
    try:
        first = int(ds["PixelPaddingValue"].value)
        last = int(ds["PixelPaddingRangeLimit"].value) if "PixelPaddingRangeLimit" in ds else first
    except (KeyError, TypeError, ValueError):
        return None
    padded = (stored >= min(first, last)) & (stored <= max(first, last))
    return padded if padded.any() and not padded.all() else None
