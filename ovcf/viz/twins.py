"""Which patches look nearly the same though they come from different films: a copy under another name, perhaps."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ovcf.intake.check.film_facts import phash, thumbnail

BITS = 64  # of a perceptual hash
ROWS = 32  # compared at once: memory stays flat


class Twins(NamedTuple):
    """For each patch the nearest one of another film: its row (-1: there is none), and by how many bits it differs."""

    row: NDArray[np.int64]
    apart: NDArray[np.int64]


def nearest_twins(images: Sequence[NDArray[np.uint8]], films: Sequence[str]) -> Twins:
    """Compare the perceptual hashes of patches (n, h, w) with those of all other films' patches; ties by row."""
    hashes = np.array([phash(thumbnail(np.asarray(image) / 255)) for image in images], np.uint64)
    _, film = np.unique(np.asarray(films, dtype=object).astype(str), return_inverse=True)
    row, apart = np.full(len(hashes), -1), np.full(len(hashes), BITS)
    for start in range(0, len(hashes), ROWS):
        rows = slice(start, start + ROWS)
        bits = np.bitwise_count(hashes[rows, None] ^ hashes[None])  # (rows, n) uint8
        bits[film[rows, None] == film[None]] = BITS + 1
        best = bits.argmin(axis=1)
        least = bits[np.arange(len(best)), best]
        found = least <= BITS
        row[rows] = np.where(found, best, -1)
        apart[rows] = np.where(found, least, BITS)
    return Twins(row, apart)
