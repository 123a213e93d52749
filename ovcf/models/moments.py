"""Mean and SD of features a piece at a time: no copy of them all, and the bits that NumPy gives for the whole."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 64  # patches brought to double precision together


class Features(Protocol):
    """Features of patches (n, ...) float32: an array, or what reads one by rows (`feed.Rows`)."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    def __getitem__(self, key, /) -> NDArray: ...


def mean_and_sd(features: Features) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and SD (d,), ddof 0, of features (n, d) or (n, states, d), d at least 2, over all axes but the last."""
    n = np.prod(features.shape[:-1])
    mean = _summed(features, lambda rows: rows) / n
    squares = _summed(features, lambda rows: np.square(rows - mean))
    return mean, np.sqrt(squares / n)


def _summed(features: Features, of: Callable[[NDArray], NDArray]) -> NDArray[np.float64]:
    """Sum (d,) row by row in double precision; the sum so far is the first row of the next piece."""
    total = np.empty((0, features.shape[-1]))
    for start in range(0, features.shape[0], AT_ONCE):
        piece = features[start : start + AT_ONCE].reshape(-1, features.shape[-1]).astype(np.float64)
        total = np.concatenate([total, of(piece)]).sum(0, keepdims=True)
    return total[0]
