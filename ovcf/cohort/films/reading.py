"""Read a radiograph from any file a hospital exports: PNG, JPEG, TIFF or DICOM."""

from pathlib import Path
from typing import Any

from ovcf.cohort.films.dicom import check_dicom, dicom_header, read_dicom
from ovcf.cohort.films.greys import MAX_BYTES, MAX_PIXELS, Film, FilmHeader, refusal
from ovcf.cohort.films.pictures import check_picture, picture_header, read_picture

__all__ = ["MAX_PIXELS", "Film", "FilmHeader", "check_film", "film_kind", "read_film", "read_header"]

# A file is what its first bytes say, whatever its name says.
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "picture",
    b"\xff\xd8\xff": "picture",
    b"II*\x00": "picture",
    b"MM\x00*": "picture",
}
# DICOM files of before 1993 lack the signature; they are tried where the name does not speak against it.
DICOM_SUFFIXES = ("", ".dcm", ".dicom", ".dic", ".ima", ".img")


def read_film(path: str | Path, *, window: Any = None, max_pixels: int = MAX_PIXELS) -> Film:
    """Read one radiograph as greys in [0, 1] with bone bright.

    Parameters
    ----------
    path
        PNG, JPEG or TIFF of 8 or 16 bits, grey or grey saved in colour; DICOM of one grey frame.
    window
        DICOM only: None for the file's first VOI LUT or window, an int for another one it holds, "full" for
        none, or (centre, width).
    max_pixels
        Larger films are refused before memory is taken for them.

    Returns
    -------
    Film
        `pixels` float32 (height, width), `mm_per_px` with its origin, and notes on what was done.

    Raises
    ------
    InputError
        For a file that is missing, damaged, too large, in colour, of several frames, or compressed in a way
        that cannot be decoded here; it names the file and the reason.
    """
    path = Path(path)
    if film_kind(path) == "dicom":
        return read_dicom(path, window=window, max_pixels=max_pixels)
    return read_picture(path, max_pixels)


def read_header(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> FilmHeader:
    """Return a film's size, kind and spacing without decoding it; raises like `read_film`."""
    path = Path(path)
    return dicom_header(path, max_pixels) if film_kind(path) == "dicom" else picture_header(path, max_pixels)


def check_film(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> FilmHeader:
    """Return a film's header after proof that its pixels are whole, cheaply; raises like `read_film`."""
    path = Path(path)
    return check_dicom(path, max_pixels) if film_kind(path) == "dicom" else check_picture(path, max_pixels)


def film_kind(path: Path) -> str:
    """Return "picture" or "dicom" from a file's first bytes, or refuse it."""
    try:
        if not path.is_file():  # a folder, a pipe or a device would be read for ever
            raise refusal(path, "no such file", "missing_file")
        size = path.stat().st_size
        with open(path, "rb") as file:
            start = file.read(132)
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) and hasattr(error, "problems"):
            raise
        raise refusal(path, f"cannot be opened: {error}") from error
    if size > MAX_BYTES:
        raise refusal(
            path,
            "the file is larger than any radiograph",
            "too_large",
            found=f"{size} bytes",
            allowed=f"at most {MAX_BYTES}",
        )
    if start[128:132] == b"DICM":
        return "dicom"
    kinds = [kind for signature, kind in SIGNATURES.items() if start.startswith(signature)]
    if kinds:
        return kinds[0]
    if size > 132 and path.suffix.lower() in DICOM_SUFFIXES:
        return "dicom"
    raise refusal(
        path, "no picture this software knows", found=path.suffix or "no suffix", allowed="PNG, JPEG, TIFF or DICOM"
    )
