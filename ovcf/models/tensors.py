"""Patches as tensors: uint8 grey in, three equal channels in [-1, 1] out, the four flips, and a digest."""

import hashlib
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray


def to_tensor(images: NDArray[np.uint8], device: torch.device | str = "cpu") -> torch.Tensor:
    """Turn grey patches into what every network here takes.

    Parameters
    ----------
    images : (n, s, s) uint8

    Returns
    -------
    (n, 3, s, s) float32 in [-1, 1], channels-last in memory; the three channels are equal.
    """
    if images.dtype != np.uint8 or images.ndim != 3:
        found = f"{images.dtype} of shape {images.shape}"
        raise ValueError(f"patches must be uint8 of shape (n, s, s); found {found}")
    grey = torch.from_numpy(np.array(images)).to(device)  # a copy: images may be a read-only memory map
    return scaled(grey)


def scaled(grey: torch.Tensor) -> torch.Tensor:
    """Bring grey bytes (n, s, s) to (n, 3, s, s) float32 in [-1, 1], channels-last."""
    grey = grey.float().div_(127.5).sub_(1.0)[:, None]  # (n, 1, s, s) in [-1, 1]
    return grey.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def flip(x: torch.Tensor, state: Iterable[str]) -> torch.Tensor:
    """Flip images (n, c, h, w) left-right and/or top-bottom, as one of `Recipe.states` says."""
    dims = [{"lr": 3, "tb": 2}[f] for f in state]
    return x.flip(dims) if dims else x


def check_range(x: torch.Tensor) -> torch.Tensor:
    """Hold an input against the contract (n, 3, s, s) in [-1, 1]; raise ValueError quoting what was found."""
    if x.ndim != 4 or x.shape[1] != 3 or x.shape[2] != x.shape[3]:
        raise ValueError(f"input must have shape (n, 3, s, s); found {tuple(x.shape)}")
    low, high = (float(v) for v in torch.aminmax(x.detach())) if x.numel() else (0.0, 0.0)
    if not (-1.0 <= low and high <= 1.0):  # written so that NaN is refused too
        raise ValueError(f"input must lie in [-1, 1]; found values from {low:g} to {high:g}")
    return x


def images_digest(images: NDArray[np.uint8]) -> str:
    """Hash patches, their number and size: sha256 over the pixels, in pieces so that memory stays flat."""
    digest = hashlib.sha256(f"{images.dtype}{images.shape}".encode())
    for start in range(0, len(images), 256):
        digest.update(np.ascontiguousarray(images[start : start + 256]).data)
    return digest.hexdigest()
