"""Radiographs saved as PNG, JPEG or TIFF."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from ovcf.cohort.films.decoder import decode_apart
from ovcf.cohort.films.greys import (
    MAX_PIXELS,
    Film,
    FilmHeader,
    check_size,
    exposure_notes,
    full_range,
    grey_of_colour,
    refusal,
    stretch,
)
from ovcf.problems import InputError

# A progressive JPEG is drawn scan by scan, each over the whole film: ten is usual, thousands take hours.
MOST_SCANS = 100
# Only these plug-ins see a file from outside: fewer parsers, fewer surprises.
FORMATS = ("PNG", "JPEG", "TIFF")
ORIENTATION = 0x0112  # the EXIF and TIFF tag
WHITE_IS_ZERO = 0  # value of the TIFF tag PhotometricInterpretation, 262
SIGNED = 2  # value of the TIFF tag SampleFormat, 339
SAMPLE_FORMATS = {1: "unsigned numbers", 2: "signed numbers", 3: "floats"}
DEEP_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")


class StoredPicture(NamedTuple):
    """A picture's greys (h, w) as stored and upright, their bits, its format, and whether white is 0."""

    stored: NDArray
    bits: int
    kind: str
    white_is_zero: bool
    notes: tuple[str, ...]


@contextmanager
def _opened(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open a picture without decoding it; what a parser or decoder throws becomes a refusal with the name."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns where `check_size` refuses
            # By handle, not by name: by name Pillow 13 maps an uncompressed TIFF into memory with the sides
            # of its turned size, which shears the picture; a file cut short meanwhile would kill the process.
            with open(path, "rb") as file, Image.open(file, formats=FORMATS) as image:
                check_size(path, *image.size, max_pixels)
                # Not n_frames: a TIFF may chain millions of empty directories, and counting walks them all.
                if getattr(image, "is_animated", False):
                    raise refusal(path, "several pictures in one file; save the film alone", "multi_frame")
                if image.format == "JPEG" and image.info.get("progressive"):
                    _check_scans(path)
                yield image
    except InputError:
        raise
    except UnidentifiedImageError as error:
        if unusual := _unusual_tiff(path):
            message = "a TIFF of numbers that cannot be read; save it as 8 or 16 bits a pixel"
            raise refusal(path, message, found=unusual) from error
        raise refusal(path, "damaged: its first bytes promise PNG, JPEG or TIFF, the rest is none") from error
    except Image.DecompressionBombError as error:
        raise refusal(path, "the picture is larger than any radiograph", "too_large") from error
    except Exception as error:  # damaged files raise a dozen types: SyntaxError, struct.error, zlib.error ...
        reason = str(error).replace(str(path), "it") or type(error).__name__
        raise refusal(path, f"cannot be read as PNG, JPEG or TIFF: {reason}") from error


def _check_scans(path: Path) -> None:
    """Refuse a JPEG of more scans than any encoder writes (within a scan no FF is followed by DA)."""
    scans = path.read_bytes().count(b"\xff\xda")
    if scans > MOST_SCANS:
        raise refusal(path, "a JPEG of too many scans", "too_large", found=str(scans), allowed=f"at most {MOST_SCANS}")


def _orientation(image: Image.Image) -> int:
    """Return the orientation tag, 1 where there is none (asking a PNG without the tag would decode it)."""
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    return image.getexif().get(ORIENTATION, 1)


def _turns(image: Image.Image) -> bool:
    """Whether we have to swap width and height (5 to 8 do); Pillow turns TIFF, and its size, by itself."""
    return image.format != "TIFF" and _orientation(image) in (5, 6, 7, 8)


def _header(image: Image.Image) -> FilmHeader:
    """Return the size as viewers show it; a picture's dpi is no spacing one could trust."""
    width, height = image.size[::-1] if _turns(image) else image.size
    return FilmHeader(width, height, str(image.format), _depth(image)[0])


def picture_header(path: Path, max_pixels: int = MAX_PIXELS) -> FilmHeader:
    """Return a picture's size and kind from its header alone."""
    with _opened(path, max_pixels) as image:
        return _header(image)


def check_picture(path: Path, max_pixels: int = MAX_PIXELS) -> FilmHeader:
    """Return the header after proof that the rest is there too.

    PNG carries checksums, so reading them is enough; JPEG is decoded at an eighth of its size, TIFF whole.
    """
    with _opened(path, max_pixels) as image:
        header = _header(image)
        if image.format == "PNG":
            image.verify()
            return header
    decode_apart(path, header.width * header.height, decode_small)
    return header


def decode_small(path: str) -> None:
    """Decode a JPEG at an eighth of its size, another picture whole; runs in the other process."""
    with _opened(Path(path), MAX_PIXELS) as image:
        image.draft("L", (max(image.width // 8, 1), max(image.height // 8, 1)))
        image.load()


def read_picture(path: Path, max_pixels: int = MAX_PIXELS) -> Film:
    """Read a PNG, JPEG or TIFF as a film; what had to be changed is said in its notes."""
    stored, bits, kind, white_is_zero, notes = stored_picture(path, max_pixels)
    if stored.dtype == np.uint8:
        pixels = full_range(stored, 8)
    else:
        pixels = stretch(stored, path)
        notes = (*notes, f"{bits} bits without a window: stretched between its darkest and brightest value")
        if white_is_zero:  # Pillow inverts 8-bit TIFF itself, 16-bit not
            pixels = 1 - pixels
            notes = (*notes, "WhiteIsZero: inverted")
    return Film(pixels, notes=(*notes, *exposure_notes(pixels)), kind=kind, bits=bits)


def stored_picture(path: Path, max_pixels: int = MAX_PIXELS) -> StoredPicture:
    """Return a picture's greys as stored, upright; decoded in another process, which may crash at no other cost."""
    header = picture_header(path, max_pixels)
    return decode_apart(path, header.width * header.height, decode_picture)


def decode_picture(path: str) -> StoredPicture:
    """Decode one picture; runs in the other process."""
    with _opened(Path(path), MAX_PIXELS) as image:
        kind, orientation = str(image.format), _orientation(image)
        white_is_zero = isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(262) == WHITE_IS_ZERO
        stored, bits, notes = _greys(image, Path(path))
        if orientation in range(2, 9):
            # The boxes were drawn on the picture as viewers show it, which is after this turn.
            if kind != "TIFF":
                stored = np.asarray(ImageOps.exif_transpose(_with_tag(stored, orientation)))
            notes.append(f"turned or mirrored as its orientation tag says (EXIF {orientation})")
    return StoredPicture(stored, bits, kind, white_is_zero, tuple(notes))


def _with_tag(stored: NDArray, orientation: int) -> Image.Image:
    """Return the numbers as an image that carries an orientation tag."""
    image = Image.fromarray(stored)
    image.getexif()[ORIENTATION] = orientation
    return image


def _greys(image: Image.Image, path: Path) -> tuple[NDArray, int, list[str]]:
    """Return the stored greys (height, width), their bits and notes; refuse what is no grey film."""
    depth, signed = _depth(image)
    if image.mode in DEEP_MODES:
        values = np.asarray(image)
        if image.mode not in ("I", "F"):
            return values.astype(np.uint16), 16, []
        if depth == 32 and image.mode == "I" and not signed:  # Pillow reads its numbers as signed ones
            return values.view(np.uint32), 32, []
        return values, depth, []
    if image.mode == "L" and signed:  # Pillow reads its numbers as unsigned ones
        return np.asarray(image).view(np.int8), 8, ["signed 8-bit numbers"]
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L")), 8, []
    if image.mode in ("LA", "La"):
        return np.asarray(image.convert("LA"))[..., 0], 8, ["transparency ignored"]
    if image.mode in ("RGB", "RGBA", "RGBX", "P", "PA", "YCbCr"):
        grey, note = grey_of_colour(np.asarray(image.convert("RGB")), path)
        return grey, 8, [note] + ["transparency ignored"] * (image.mode in ("RGBA", "PA"))
    raise refusal(path, "pixels of a kind no radiograph has", "colour", found=image.mode, allowed="grey or RGB")


def _depth(image: Image.Image) -> tuple[int, bool]:
    """Return the bits of a number and whether it is signed, as a TIFF's own tags say (258, 339)."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return (16 if image.mode in DEEP_MODES else 8), False
    bits, kinds = image.tag_v2.get(258, (8,)), image.tag_v2.get(339, (1,))
    return int(np.max(bits)), SIGNED in np.atleast_1d(kinds)


def _unusual_tiff(path: Path) -> str:
    """Say of a TIFF that Pillow does not know what its numbers are; "" where its tags cannot be read."""
    try:
        with open(path, "rb") as file:
            tags = TiffImagePlugin.ImageFileDirectory_v2(file.read(8))
            file.seek(tags.next)
            tags.load(file)
        bits, kind = int(np.max(tags.get(258, (0,)))), int(np.max(tags.get(339, (1,))))
    except Exception:  # no TIFF at all, or a damaged one
        return ""
    negative = ", white is zero" if tags.get(262) == WHITE_IS_ZERO else ""
    return f"{bits}-bit {SAMPLE_FORMATS[kind]}{negative}" if kind in SAMPLE_FORMATS and bits else ""
