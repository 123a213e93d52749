"""A picture file without the text, times, places and devices it carries.

The compressed pixels of PNG and JPEG are copied bit for bit and everything else is left behind; a TIFF is
written anew, losslessly, since its tags may lie anywhere between the pixels. Only an unusual EXIF orientation
is kept: boxes were drawn on the turned picture.
"""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from ovcf.problems import InputError, Problem

# critical chunks, and those about greys and size; text, time, EXIF and colour profiles (they hold text) go
PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"sBIT", b"pHYs", b"sRGB", b"cHRM", b"bKGD"}
JPEG_JFIF, JPEG_ADOBE, JPEG_EXIF, JPEG_SCAN = 0xE0, 0xEE, 0xE1, 0xDA


def stripped_picture(source: Path) -> bytes:
    """A picture's bytes without text, time, place and device."""
    data = source.read_bytes()
    try:
        if data.startswith(b"\x89PNG"):
            return _png(data, _orientation(source))
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data, _orientation(source))
        return _tiff(source)
    except (struct.error, IndexError, ValueError) as error:
        raise InputError(
            Problem("unreadable_image", f"its parts cannot be told apart ({error})", str(source))
        ) from None


def _orientation(source: Path) -> bytes:
    """EXIF that holds the orientation and nothing else, or nothing where it is the usual one."""
    with Image.open(source) as image:
        turn = image.getexif().get(274, 1) if image.info.get("exif") else 1
    if turn in (None, 1):
        return b""
    exif = Image.Exif()
    exif[274] = int(turn)
    return exif.tobytes()


def _png(data: bytes, exif: bytes) -> bytes:
    """The chunks that make the picture."""
    kept, place = [data[:8]], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        kind, chunk = data[place + 4 : place + 8], data[place : place + 12 + length]
        if kind in PNG_KEPT:
            kept.append(chunk)
        if kind == b"IHDR" and exif:
            body = b"eXIf" + exif.removeprefix(b"Exif\0\0")
            kept.append(struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)))
        place += 12 + length
        if kind == b"IEND":
            return b"".join(kept)
    raise ValueError("no end of the PNG")


def _jpeg(data: bytes, exif: bytes) -> bytes:
    """The segments that make the picture; comments and application data go, but JFIF and Adobe's flag."""
    kept, place = [data[:2]], 2
    if exif:
        kept.append(struct.pack(">BBH", 0xFF, JPEG_EXIF, len(exif) + 2) + exif)
    while place < len(data):
        if data[place] != 0xFF:
            raise ValueError("no marker where one must be")
        marker = data[place + 1]
        if marker == 0xFF:  # fill
            place += 1
            continue
        if marker == 0xD9:
            return b"".join([*kept, data[place : place + 2]])
        (length,) = struct.unpack(">H", data[place + 2 : place + 4])
        end = place + 2 + length
        if marker == JPEG_SCAN:
            end = _scan_end(data, end)
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker == JPEG_ADOBE:
            kept.append(data[place:end])
        elif marker == JPEG_JFIF and data[place + 4 : place + 9] == b"JFIF\0":
            kept.append(data[place : place + 2] + b"\0\x10" + data[place + 4 : place + 16] + b"\0\0")  # no thumbnail
        place = end
    raise ValueError("no end of the JPEG")


def _scan_end(data: bytes, place: int) -> int:
    """Where the coded data of a scan end: the next marker that is no stuffing and no restart."""
    while True:
        place = data.index(b"\xff", place)
        if data[place + 1] != 0 and not 0xD0 <= data[place + 1] <= 0xD7:
            return place
        place += 2


def _tiff(source: Path) -> bytes:
    """The picture written anew, losslessly: a TIFF's tags may lie anywhere between the pixels."""
    stream = io.BytesIO()
    # by handle: by name Pillow maps an uncompressed TIFF with the sides of its turned size, which shears it
    with open(source, "rb") as file, Image.open(file) as image:
        stored = Image.fromarray(np.asarray(image)) if image.mode not in ("1", "P") else image.copy()
        stored.info = {}
        white_is_zero = {262: 0} if image.tag_v2.get(262) == 0 and image.mode not in ("1", "L", "P") else {}
        stored.save(stream, "TIFF", compression="tiff_deflate", tiffinfo=white_is_zero)
    return stream.getvalue()
