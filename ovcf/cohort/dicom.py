"""Radiographs saved as DICOM: computed and digital radiography, secondary capture, any one grey frame."""

import math
import warnings
import zlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ovcf.cohort.decoder import decode_apart
from ovcf.cohort.greys import (
    MAX_BYTES,
    MAX_PIXELS,
    Film,
    FilmHeader,
    check_size,
    full_range,
    grey_of_colour,
    refusal,
    stretch,
)
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
        None for the file's first VOI LUT or window; a number for another of those it holds (0 is the first);
        "full" for none; or (centre, width) in the units after the modality LUT.

    Raises
    ------
    InputError
        For anything but one grey frame that can be decoded; names the file and the transfer syntax.
    """
    from pydicom.pixels import apply_modality_lut

    with _dataset(path, pixels=True) as ds:
        header = _header(ds, path, max_pixels)
        stored, notes = _stored(ds, path)
        notes = _spacing_notes(ds) + notes
        values = apply_modality_lut(stored, ds)
        pixels, how = _greys(values, ds, window, path)
        notes += [how]
        if ds.PhotometricInterpretation == "MONOCHROME1":
            pixels = 1 - pixels
            notes.append("MONOCHROME1: inverted, so that bone is bright")
    return Film(pixels, header.mm_per_px, header.spacing_origin, tuple(notes), header.kind, header.bits,
                header.orientation, header.laterality)


def _header(ds, path: Path, max_pixels: int) -> FilmHeader:
    """Check what the header promises, in the order a person would ask."""
    rows, columns = _whole(ds, "Rows"), _whole(ds, "Columns")
    if not rows or not columns:
        raise refusal(path, "no picture in this file (no DICOM, or Rows and Columns missing)",
                      found=_class_name(ds))
    check_size(path, columns, rows, max_pixels)
    frames = _whole(ds, "NumberOfFrames") or 1
    if frames != 1:
        raise refusal(path, "several frames; a film has one, so export the frame alone", "multi_frame",
                      found=f"{frames} frames", allowed="1")
    photometric = str(ds.get("PhotometricInterpretation", ""))
    if photometric not in GREY + COLOUR:
        raise refusal(path, "unknown PhotometricInterpretation", found=photometric,
                      allowed=", ".join(GREY + COLOUR))
    spacing, origin = _spacing(ds)
    kind = " ".join(filter(None, ["DICOM", str(ds.get("Modality", ""))]))
    return FilmHeader(columns, rows, kind, _whole(ds, "BitsStored") or 0, spacing, origin,
                      "\\".join(map(str, _several(ds, "PatientOrientation"))),
                      str(ds.get("ImageLaterality") or ds.get("Laterality") or ""))


def _class_name(ds) -> str:
    from pydicom.uid import UID

    return UID(str(ds.get("SOPClassUID", ""))).name or "no SOP class"


def _whole(ds, keyword: str) -> int | None:
    value = ds.get(keyword)
    try:
        return None if value in (None, "") else int(value)
    except (TypeError, ValueError):
        raise ValueError(f"{keyword} is no whole number: {value!r}") from None


def _several(ds, keyword: str) -> list:
    """Return an element's values as a list, however many there are."""
    value = ds.get(keyword)
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)


def _lengths(ds, keyword: str) -> list[float]:
    """Return a spacing's two values; none where absent or no lengths (some headers hold 0.000)."""
    try:
        values = [float(value) for value in _several(ds, keyword)]
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


def _spacing_notes(ds) -> list[str]:
    """Say what is odd about the spacing: at the detector, or pixels that are not square."""
    origin, notes = _spacing(ds)[1], []
    if "detector" in origin:
        notes.append("spacing is that at the detector: sizes in the body are smaller by the magnification")
    lengths = _lengths(ds, origin.split(" ")[0])
    if lengths and not math.isclose(*lengths, rel_tol=0.01):
        notes.append(f"pixels are not square ({lengths[0]:g} x {lengths[1]:g} mm): their mean is used")
    return notes


def _stored(ds, path: Path) -> tuple[np.ndarray, list[str]]:
    """Return the stored numbers (rows, columns) and notes; JPEG is decoded in another process."""
    syntax = getattr(ds.file_meta, "TransferSyntaxUID", None)
    if not any(keyword in ds for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise refusal(path, "no pixels in this DICOM file", found=_class_name(ds))
    try:
        if syntax is None or syntax.name == "RLE Lossless" or not syntax.is_encapsulated:
            stored, notes = ds.pixel_array, []
        else:
            stored, notes = decode_apart(path, ds.Rows * ds.Columns)
    except Exception as error:
        name = f"{syntax.name} ({syntax})" if syntax else "no transfer syntax"
        refused = isinstance(error, InputError)
        reason = error.problems[0].message if refused else f"its pixels cannot be decoded: {error}"
        raise refusal(path, f"{reason}; {WAY_OUT}", "undecodable", column="transfer syntax",
                      found=name) from error
    if ds.PhotometricInterpretation in COLOUR:
        stored, note = _grey_of_dicom(stored, ds, path)
        notes = [*notes, note]
    if stored.shape != (ds.Rows, ds.Columns):
        raise refusal(path, "the pixels do not have the size the header promises", found=str(stored.shape))
    return _without_overlay(stored, ds), notes


def _grey_of_dicom(stored: np.ndarray, ds, path: Path) -> tuple[np.ndarray, str]:
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


def _greys(values: np.ndarray, ds, window, path: Path) -> tuple[np.ndarray, str]:
    """Return values in [0, 1] and a note of how: VOI LUT, window, whole range or stretched."""
    from pydicom.pixels import apply_voi

    luts, own = _several(ds, "VOILUTSequence"), window is None
    index = window if isinstance(window, int) else 0
    if not isinstance(window, tuple | list) and window != "full":
        if index < len(luts) and values.dtype.kind in "iu":
            bits = int(luts[index].LUTDescriptor[2])
            return full_range(apply_voi(values, ds, index=index), bits), "VOI LUT applied"
        window = _windows(ds)[index : index + 1]
        window = window[0] if window else None
    if window is not None and window != "full":
        centre, width = map(float, window)
        pixels = _windowed(values, centre, width, str(ds.get("VOILUTFunction") or "LINEAR"))
        if pixels.min() < pixels.max() or not own:
            return pixels, f"window {centre:g} / {width:g}"
        return stretch(values, path), f"window {centre:g} / {width:g} would blank the film: stretched instead"
    if values.dtype == np.uint8 and (_whole(ds, "BitsStored") or 8) == 8:
        return full_range(values, 8), "no window: whole range"
    return stretch(values, path), "no window: stretched between its darkest and brightest value"


def _windows(ds) -> list[tuple[float, float]]:
    """Return the windows (centre, width) of the header that can be applied."""
    try:
        pairs = zip(_several(ds, "WindowCenter"), _several(ds, "WindowWidth"), strict=False)
        pairs = [(float(centre), float(width)) for centre, width in pairs]
    except (TypeError, ValueError):
        return []
    return [(centre, width) for centre, width in pairs if math.isfinite(centre) and 0 < width < math.inf]


def _windowed(values: np.ndarray, centre: float, width: float, function: str) -> np.ndarray:
    """Apply a window: DICOM PS3.3 C.11.2.1.2 (LINEAR) and C.11.2.1.3, with output range [0, 1].

    pydicom's `apply_windowing` scales to the stored range instead, which the modality LUT makes awkward to
    undo; the tests compare both.
    """
    values = values.astype(np.float32)
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -80, 80)))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1)
    if width <= 1:  # LINEAR with width 1 is a threshold
        return (values > centre - 0.5).astype(np.float32)
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1).astype(np.float32)
