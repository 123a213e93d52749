"""Radiographs saved as DICOM: computed and digital radiography, secondary capture, any one grey frame."""

import math
import warnings
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ovcf.cohort.films.decoder import decode_apart
from ovcf.cohort.films.greys import (
    MAX_BYTES,
    MAX_PIXELS,
    Film,
    FilmHeader,
    check_size,
    grey_of_colour,
    refusal,
)
from ovcf.cohort.films.windows import displayed, elements
from ovcf.problems import InputError

GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT", "PALETTE COLOR")
WAY_OUT = "save the film uncompressed (Explicit VR Little Endian) or as PNG where it was exported"
EQUAL = 1e-6  # relative; two spacings that agree this well are one number


@contextmanager
def _dataset(path: Path, pixels: bool):
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
        _stored(ds, path)
    return header


def read_dicom(path: Path, *, window=None, max_pixels: int = MAX_PIXELS) -> Film:
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
    with _dataset(path, pixels=True) as ds:
        header = _header(ds, path, max_pixels)
        stored, notes = _stored(ds, path)
        pixels, how = displayed(stored, ds, window, path)
        notes = [*_header_notes(ds), *notes, how]
        if ds.PhotometricInterpretation == "MONOCHROME1":
            pixels = 1 - pixels
            notes.append("MONOCHROME1: inverted, so that bone is bright")
    return Film(
        pixels,
        header.mm_per_px,
        header.spacing_origin,
        tuple(notes),
        header.kind,
        header.bits,
        header.orientation,
        header.laterality,
    )


def _header(ds, path: Path, max_pixels: int) -> FilmHeader:
    """Check what the header promises, in the order a person would ask."""
    rows, columns = _whole(ds, "Rows"), _whole(ds, "Columns")
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
    spacing, origin = _spacing(ds)
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


def _class_name(ds) -> str:
    """Return what kind of object the file says it is, in words."""
    from pydicom.uid import UID

    return UID(str(ds.get("SOPClassUID", ""))).name or "no SOP class"


def _whole(ds, keyword: str) -> int | None:
    """Return an element as a whole number, None where it is absent; a bad one is named."""
    value = ds.get(keyword)
    try:
        return None if value in (None, "") else int(value)
    except (TypeError, ValueError):
        raise ValueError(f"{keyword} is no whole number: {value!r}") from None


def _lengths(ds, keyword: str) -> list[float]:
    """Return a spacing's two values; none where absent or no lengths (some headers hold 0.000)."""
    try:
        values = [float(value) for value in elements(ds, keyword)]
    except (TypeError, ValueError):
        return []
    good = len(values) == 2 and all(math.isfinite(value) and value > 0 for value in values)
    return values if good else []


def _spacing(ds) -> tuple[float, str]:
    """Return (mm per px, its origin): PixelSpacing, else the detector's, else the digitiser's, else unknown.

    Spacing at the detector overstates sizes in the body by the magnification, 1.1 to 1.3 for a lateral spine.
    """
    detector = _lengths(ds, "ImagerPixelSpacing")
    pixel = _lengths(ds, "PixelSpacing")
    if pixel:
        calibrated = ds.get("PixelSpacingCalibrationType")
        same = detector and np.allclose(pixel, detector, rtol=EQUAL) and not calibrated
        return float(np.mean(pixel)), "PixelSpacing (at the detector)" if same else "PixelSpacing"
    if detector:
        return float(np.mean(detector)), "ImagerPixelSpacing (at the detector)"
    scanned = _lengths(ds, "NominalScannedPixelSpacing")
    if scanned:
        return float(np.mean(scanned)), "NominalScannedPixelSpacing (of the film)"
    return math.nan, "unknown"


def _header_notes(ds) -> list[str]:
    """Say what is odd: raw pixels, spacing at the detector, pixels that are not square."""
    origin, notes = _spacing(ds)[1], []
    if "PROCESSING" in str(ds.get("PresentationIntentType", "")):
        notes.append("for processing: the detector's raw signal, not the film that readers see")
    if "detector" in origin:
        notes.append("spacing is that at the detector: sizes in the body are smaller by the magnification")
    lengths = _lengths(ds, origin.split(" ")[0])
    if lengths and not math.isclose(*lengths, rel_tol=0.01):
        notes.append(f"pixels are not square ({lengths[0]:g} x {lengths[1]:g} mm): their mean is used")
    return notes


def _stored(ds, path: Path) -> tuple[np.ndarray, list[str]]:
    """Return the stored numbers (rows, columns) and notes; JPEG is decoded in another process."""
    from pydicom.uid import RLELossless

    syntax = _syntax(ds)
    if not any(keyword in ds for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise refusal(path, "no pixels in this DICOM file", found=_class_name(ds))
    try:
        if syntax == RLELossless or not syntax.is_encapsulated:
            stored, notes = ds.pixel_array, []
        else:
            stored, notes = decode_apart(path, ds.Rows * ds.Columns)
    except Exception as error:
        name = f"{syntax.name} ({syntax})" if syntax.name != syntax else str(syntax)
        refused = isinstance(error, InputError)
        reason = error.problems[0].message if refused else f"its pixels cannot be decoded: {error}"
        raise refusal(path, f"{reason}; {WAY_OUT}", "undecodable", column="transfer syntax", found=name) from error
    if ds.PhotometricInterpretation in COLOUR:
        stored, note = _grey_of_dicom(stored, ds, path)
        notes = [*notes, note]
    if stored.shape != (ds.Rows, ds.Columns):
        raise refusal(path, "the pixels do not have the size the header promises", found=str(stored.shape))
    return _without_overlay(stored, ds), notes


def _syntax(ds):
    """Return the transfer syntax; files of before 1993 do not name it, so what parsed is meant."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if "TransferSyntaxUID" not in ds.file_meta:
        implicit, little = ds.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return ds.file_meta.TransferSyntaxUID


def _grey_of_dicom(stored: np.ndarray, ds, path: Path) -> tuple[np.ndarray, str]:
    """Return the grey of a film saved in colour (pydicom has turned YBR into RGB already), and a note."""
    from pydicom.pixels import apply_color_lut

    if ds.PhotometricInterpretation == "PALETTE COLOR":
        stored = apply_color_lut(stored, ds)
    if stored.ndim != 3 or stored.dtype.kind != "u":
        raise refusal(path, "colour pixels of an unknown kind", found=str(stored.shape))
    return grey_of_colour(stored, path)


def _without_overlay(stored: np.ndarray, ds) -> np.ndarray:
    """Drop bits above BitsStored: old files keep drawings there."""
    bits = _whole(ds, "BitsStored") or 16
    return stored & (2**bits - 1) if stored.dtype.kind == "u" and bits < 8 * stored.itemsize else stored
