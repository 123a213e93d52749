"""Pictures as bytes: JPEG thumbnails by page, PNG without loss, data URIs for single-file pages."""

import base64
from collections import OrderedDict
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def to_uint8(pixels: NDArray) -> np.ndarray:
    """Grey values as uint8; floats are taken to lie in [0, 1]."""
    pixels = np.asarray(pixels)
    if pixels.dtype == np.uint8:
        return pixels
    return np.round(np.clip(pixels, 0.0, 1.0) * 255).astype(np.uint8)


def png_bytes(pixels: NDArray) -> bytes:
    """Encode grey (h, w) or colour (h, w, 3 or 4) pixels without loss."""
    with BytesIO() as out:
        Image.fromarray(to_uint8(pixels)).save(out, "PNG", compress_level=3)
        return out.getvalue()


def jpeg_bytes(pixels: NDArray, *, longest: int | None = None, quality: int = 85) -> bytes:
    """Encode grey (h, w) pixels small; `longest` shrinks the longer edge to that many px, never enlarges."""
    picture = Image.fromarray(to_uint8(pixels))
    if longest and max(picture.size) > longest:
        # reduce() by a whole factor first: a film of ten megapixels shrinks several times faster
        picture.thumbnail((longest, longest), Image.Resampling.BILINEAR, reducing_gap=2.0)
    with BytesIO() as out:
        picture.save(out, "JPEG", quality=quality)
        return out.getvalue()


def thumbnail(pixels: NDArray, *, size: int = 112) -> bytes:
    """A JPEG of at most `size` px a side, about 3 kB."""
    return jpeg_bytes(pixels, longest=size, quality=78)


def data_uri(data: bytes) -> str:
    """Wrap PNG or JPEG bytes so that a page holds them itself and asks nobody."""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


class Recent:
    """A function's last results, at most `keep` of them: memory stays flat however long one browses."""

    def __init__(self, make: Callable, keep: int) -> None:
        self._make, self._keep, self._kept = make, keep, OrderedDict()

    def __call__(self, key):
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        value = self._kept[key] = self._make(key)
        while len(self._kept) > self._keep:
            self._kept.popitem(last=False)
        return value

    def __len__(self) -> int:
        return len(self._kept)


class Thumbnails:
    """Thumbnails of an image stack (n, h, w), made when a page asks for them."""

    def __init__(self, images: Sequence, *, size: int = 112, keep: int = 600) -> None:
        self.recent = Recent(lambda row: thumbnail(images[row], size=size), keep)

    def page(self, rows: Any) -> list[bytes]:
        """JPEG bytes of these rows, in order."""
        return [self.recent(int(row)) for row in rows]
