"""Radiographs saved as DICOM: computed and digital radiography, secondary capture, any one grey frame."""

import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from ovcf.cohort.films.bits import padding_of, picture_bits
from ovcf.cohort.films.decoder import decode_apart
from ovcf.cohort.films.greys import (
    MAX_BYTES,
    MAX_PIXELS,
    Film,
    FilmHeader,
    check_size,
    exposure_notes,
    grey_of_colour,
    refusal,
)
from ovcf.cohort.films.spacing import spacing_of
from ovcf.cohort.films.windows import displayed, elements
from ovcf.problems import InputError

GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT", "PALETTE COLOR")
DIRECTORY = "1.2.840.10008.1.3.10"  # Media Storage Directory Storage
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
JPEG_KINDS = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70, 80, 81))
CUT_SHORT = "the file is cut short: copy or export it again"
WAY_OUT = "save the film uncompressed (Explicit VR Little Endian) or as PNG where it was exported"


class StoredFilm(NamedTuple):
    """A DICOM film before it is displayed: its dataset, header, numbers (h, w), how many bits they have, and notes.

    `grey` is MONOCHROME1 or MONOCHROME2, whatever the file was; `padding` is where the numbers are no picture, or
    None.
    """

    ds: Any
    header: FilmHeader
    stored: NDArray
    bits: int
    grey: str
    padding: NDArray | None
    notes: tuple[str, ...]


@contextmanager
def _dataset(path: Path, pixels: bool) -> Iterator[Any]:
    """Parse a DICOM file; whatever its parser throws becomes a refusal with the name."""
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom comments on every value out of order
            _check_inflated(path)
            yield pydicom.dcmread(path, stop_before_pixels=not pixels, force=True)
    except InputError:
        raise
    except Exception as error:  # any element may be of the wrong kind, length or character set
        raise refusal(path, f"cannot be read as DICOM: {str(error) or type(error).__name__}") from error


def _check_inflated(path: Path) -> None:
    """Refuse a deflated file that grows past the limit; pydicom would inflate it whole."""
    from pydicom.filereader import _read_file_meta_info, read_preamble
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    with open(path, "rb") as file:
        if not read_preamble(file, force=True):
            return
        meta = _read_file_meta_info(file)
        if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
            return
        inflate, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
        data = file.read(2**16)
        while data:
            size += len(inflate.decompress(data, 2**22))
            if size > MAX_BYTES:
                raise refusal(path, "its deflated part is larger than any radiograph", "too_large")
            data = inflate.unconsumed_tail or file.read(2**16)


def dicom_header(path: Path, max_pixels: int = MAX_PIXELS) -> FilmHeader:
    """Return a DICOM file's size, kind and spacing without its pixels."""
    with _dataset(path, pixels=False) as ds:
        return _header(ds, path, max_pixels)


def check_dicom(path: Path, max_pixels: int = MAX_PIXELS) -> FilmHeader:
    """Return the header after proof that the pixels can be decoded."""
    with _dataset(path, pixels=True) as ds:
        header = _header(ds, path, max_pixels)
        _decoded(ds, path)
    return header


def read_dicom(path: Path, *, window: Any = None, max_pixels: int = MAX_PIXELS) -> Film:
    """Read one grey frame as a film: modality LUT, window, and MONOCHROME1 turned so that bone is bright.

    Parameters
    ----------
    window
        See `displayed`: None for the file's first VOI LUT or window.

    Raises
    ------
    InputError
        For anything but one grey frame that can be decoded; names the file and the transfer syntax.
    """
    with stored_film(path, max_pixels) as film:
        return shown_film(film, path, window)


def shown_film(film: StoredFilm, path: Path, window: Any = None) -> Film:
    """Return a decoded film's greys as displayed; `window` and errors as for `read_dicom`."""
    pixels, how = displayed(film.stored, film.ds, window, path)
    notes = [*_intent(film.ds), *spacing_of(film.ds).notes, *film.notes, how]
    if film.grey == "MONOCHROME1":
        pixels = 1 - pixels
        notes.append("MONOCHROME1: inverted, so that bone is bright")
    _, _, kind, bits, mm_per_px, origin, orientation, laterality = film.header
    notes += exposure_notes(pixels)
    return Film(pixels, mm_per_px, origin, tuple(notes), kind, bits, orientation, laterality, film.padding)


@contextmanager
def stored_film(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[StoredFilm]:
    """Give a film's numbers and dataset; whatever goes wrong with them inside becomes a refusal with the name."""
    with _dataset(path, pixels=True) as ds:
        header = _header(ds, path, max_pixels)
        stored, notes, native = _decoded(ds, path)
        grey = str(ds.PhotometricInterpretation)
        if grey in COLOUR:
            stored, note = _grey_of_dicom(stored, ds, path)
            notes, grey = [*notes, note], "MONOCHROME2"
        if stored.shape != (ds.Rows, ds.Columns):
            raise refusal(path, "the pixels do not have the size the header promises", found=str(stored.shape))
        kept = picture_bits(stored, ds, native)
        padding = padding_of(kept.stored, ds)
        yield StoredFilm(ds, header, kept.stored, kept.bits, grey, padding, (*notes, *kept.notes))


def _header(ds: Any, path: Path, max_pixels: int) -> FilmHeader:
    """Check what the header promises, in the order a person would ask."""
    rows, columns = _whole(ds, "Rows"), _whole(ds, "Columns")
    if str(ds.file_meta.get("MediaStorageSOPClassUID", "")) == DIRECTORY or "DirectoryRecordSequence" in ds:
        raise refusal(path, "a DICOMDIR: the list of a disc's files, not a film; name the films themselves", "dicomdir")
    if not len(ds) and len(ds.file_meta):
        raise refusal(path, f"nothing stands behind its head; {CUT_SHORT}", "cut_short")
    if not rows or not columns:
        raise refusal(path, "no picture in this file (no DICOM, or Rows and Columns missing)", found=_class_name(ds))
    check_size(path, columns, rows, max_pixels)
    frames = _whole(ds, "NumberOfFrames") or 1
    if frames != 1:
        raise refusal(
            path,
            "several frames; a film has one, so export the frame alone",
            "multi_frame",
            found=f"{frames} frames",
            allowed="1",
        )
    photometric = str(ds.get("PhotometricInterpretation", ""))
    if photometric not in GREY + COLOUR:
        raise refusal(path, "unknown PhotometricInterpretation", found=photometric, allowed=", ".join(GREY + COLOUR))
    spacing, origin, _ = spacing_of(ds)
    kind = " ".join(filter(None, ["DICOM", str(ds.get("Modality", ""))]))
    return FilmHeader(
        columns,
        rows,
        kind,
        _whole(ds, "BitsStored") or 0,
        spacing,
        origin,
        "\\".join(map(str, elements(ds, "PatientOrientation"))),
        str(ds.get("ImageLaterality") or ds.get("Laterality") or ""),
    )


def _class_name(ds: Any) -> str:
    """Return what kind of object the file says it is, in words."""
    from pydicom.uid import UID

    return UID(str(ds.get("SOPClassUID", ""))).name or "no SOP class"


def _whole(ds: Any, keyword: str) -> int | None:
    """Return an element as a whole number, None where it is absent; a bad one is named."""
    value = ds.get(keyword)
    try:
        return None if value in (None, "") else int(value)
    except (TypeError, ValueError):
        raise ValueError(f"{keyword} is no whole number: {value!r}") from None


def _intent(ds: Any) -> list[str]:
    """Say that a film is raw."""
    raw = "PROCESSING" in str(ds.get("PresentationIntentType", ""))
    return ["for processing: the detector's raw signal, not the film that readers see"] if raw else []


def _decoded(ds: Any, path: Path) -> tuple[NDArray, list[str], bool]:
    """Return the stored numbers, notes, and whether they were not compressed; JPEG is decoded in another process."""
    from pydicom.pixels import pixel_array
    from pydicom.uid import RLELossless

    syntax = _syntax(ds)
    native = not syntax.is_encapsulated
    _check_pixel_data(ds, path, native)
    try:
        if native and ds.PhotometricInterpretation in GREY:
            return pixel_array(ds, correct_unused_bits=False), [], native
        if native or syntax == RLELossless:
            return ds.pixel_array, [], native
        stored, notes = decode_apart(path, ds.Rows * ds.Columns)
    except Exception as error:
        name = f"{syntax.name} ({syntax})" if syntax.name != syntax else str(syntax)
        reason = (
            error.problems[0].message if isinstance(error, InputError) else f"its pixels cannot be decoded: {error}"
        )
        raise refusal(path, f"{reason}; {WAY_OUT}", "undecodable", column="transfer syntax", found=name) from error
    if syntax in JPEG_KINDS and not _ends(ds):
        raise refusal(path, f"its compressed pixels have no end mark; {CUT_SHORT}", "cut_short")
    return stored, notes, native


def _check_pixel_data(ds: Any, path: Path, native: bool) -> None:
    """Refuse a file without pixels, with empty ones, or cut short, in words that say so."""
    keyword = next((word for word in PIXELS if word in ds), None)
    if keyword is None:
        raise refusal(path, "no pixels in this DICOM file: it is cut short, or never had any", found=_class_name(ds))
    data = ds[keyword].value
    if not data:
        raise refusal(path, "its pixel data are empty: export the film again", found=_class_name(ds))
    bits = (_whole(ds, "BitsAllocated") or 0) * ds.Rows * ds.Columns * (_whole(ds, "SamplesPerPixel") or 1)
    if native and ds.PhotometricInterpretation != "YBR_FULL_422" and len(data) < bits // 8:
        raise refusal(path, CUT_SHORT, "cut_short", found=f"{len(data)} bytes of pixels", allowed=f"{bits // 8} bytes")


def _ends(ds: Any) -> bool:
    """Whether a JPEG or JPEG-LS frame has its end mark; decoders fill in what is missing without a word."""
    from pydicom.encaps import get_frame

    try:
        frame = get_frame(ds.PixelData, 0, number_of_frames=1)
        return frame.rfind(b"\xff\xd9") > frame.rfind(b"\xff\xda")  # within a scan FF is followed by neither
    except Exception:  # no fragments to be found: the decoder will say so
        return True


def _syntax(ds: Any) -> Any:
    """Return the transfer syntax; files of before 1993 do not name it, so what parsed is meant."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if "TransferSyntaxUID" not in ds.file_meta:
        implicit, little = ds.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return ds.file_meta.TransferSyntaxUID


def _grey_of_dicom(stored: NDArray, ds: Any, path: Path) -> tuple[NDArray, str]:
    """Return the grey of a film saved in colour (pydicom has turned YBR into RGB already), and a note."""
    from pydicom.pixels import apply_color_lut

    if ds.PhotometricInterpretation == "PALETTE COLOR":
        stored = apply_color_lut(stored, ds)
    if stored.ndim != 3 or stored.dtype.kind != "u":
        raise refusal(path, "colour pixels of an unknown kind", found=str(stored.shape))
    return grey_of_colour(stored, path)
