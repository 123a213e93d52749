"""What a network is fed: batches on its device, each patch in the flip state drawn for it."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ovcf.models.tensors import scaled

HELD_SHARE = 0.5  # of a GPU's free memory that patches or maps may fill; what does not fit comes batch by batch


class Source(Protocol):
    """Patches (n, s, s) uint8 or their stem's maps (n, states, c, h, w): an array, or what reads one by rows."""

    ndim: int

    def __len__(self) -> int: ...
    def __getitem__(self, key, /) -> NDArray: ...


class Rows:
    """Some rows of a large array, read from disk only when a batch asks for them."""

    def __init__(self, array: NDArray, rows: NDArray[np.intp]):
        self.array, self.rows, self.ndim = array, rows, array.ndim

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the array with these rows only."""
        return len(self.rows), *self.array.shape[1:]

    def __getitem__(self, key) -> NDArray:
        rows, *more = key if isinstance(key, tuple) else (key,)
        return self.array[(self.rows[rows], *more)]


class Feed:
    """Batches of a source; on a GPU the whole source lies there beforehand, if it fits.

    Parameters
    ----------
    source : patches, or maps whose flips were made before the stem
    states : `Recipe.states`; of maps, their second axis
    """

    def __init__(self, source: Source, states: Sequence[Sequence[str]], device: torch.device):
        self.source, self.maps, self.device = source, source.ndim == 5, device
        self.turned = torch.tensor([[f in state for f in ("lr", "tb")] for state in states], device=device)  # (k, 2)
        self.held = _held(source, device) if device.type == "cuda" else None

    def __call__(self, rows: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """Return inputs (b, 3, s, s) in [-1, 1], or maps (b, c, h, w) float32, of rows in the states drawn for them."""
        if self.maps:
            return self._picked(rows, drawn).float().contiguous(memory_format=torch.channels_last)
        return scaled(self._flipped(self._picked(rows), drawn))

    def _picked(self, *places: torch.Tensor) -> torch.Tensor:
        if self.held is not None:
            return self.held[places]
        found = self.source[tuple(place.cpu().numpy() for place in places)]
        return torch.from_numpy(np.array(found)).to(self.device)

    def _flipped(self, grey: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """Flip each of (b, s, s) as its state says; on bytes, an eighth of the work it is on three channels."""
        left, top = self.turned[drawn].T[:, :, None, None]  # (b, 1, 1) each
        grey = torch.where(left, grey.flip(2), grey)
        return torch.where(top, grey.flip(1), grey)


def _held(source: Source, device: torch.device) -> torch.Tensor | None:
    """The whole source on a GPU, None where it would fill too much of it."""
    first = source[np.arange(min(1, len(source)))]
    free, _ = torch.cuda.mem_get_info(device)
    if first.nbytes * len(source) > HELD_SHARE * free:
        return None
    return torch.from_numpy(np.array(source[np.arange(len(source))])).to(device)
