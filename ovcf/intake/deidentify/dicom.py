"""A DICOM film written anew: kept elements, and pixels as plain numbers with nothing in their spare bits.

Nothing of the old file is copied as bytes: the pixels are decoded and stored uncompressed (lossless, and without the
comments and application segments of compressed frames, overlays, padding behind the picture and bits above those
stored), tables of greys are rebuilt number by number, and the header is the keep list of `keep.py`.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from ovcf.cohort.films.dicom import StoredFilm
from ovcf.cohort.films.windows import elements
from ovcf.intake.deidentify.keep import kept_elements
from ovcf.intake.deidentify.pseudonyms import Pseudonyms
from ovcf.intake.deidentify.rules import IN_PIXELS, Box, Rules, paint_over
from ovcf.intake.deidentify.search import hits_in_bytes, hits_in_pixels, hits_in_text, parts_of_names
from ovcf.problems import InputError, Problem

CODES = (  # PS3.16 CID 7050
    ("113100", "Basic Application Confidentiality Profile"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ("113108", "Retain Patient Characteristics Option"),
)
LUTS = ("ModalityLUTSequence", "VOILUTSequence")
WAY_ON = "keep the field out, or look at it and use --allow {}"


def deidentify_dicom(
    film: StoredFilm, source: Path, target: Path, patient_id: str, names: Pseudonyms, rules: Rules, boxes: list[Box]
) -> tuple[set[str], list[str]]:
    """Write one DICOM film anew.

    Parameters
    ----------
    film : StoredFilm
        The source, decoded.
    boxes : list of (x0, y0, x1, y1)
        Painted over with the film's darkest grey.

    Returns
    -------
    parts : set of str
        Of names of its header, to be sought in the tables too.
    lost : list of str
        Keywords of the keep list whose values could not stay.

    Raises
    ------
    InputError
        Where a name is found in what would be written; with the field and the way on.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom comments on every value out of order
        parts = parts_of_names(film.ds, patient_id)
        new, lost = kept_elements(film.ds, patient_id, names)
        lost += _copy_fields(film.ds, new, rules.copied)
        _copy_tables(film.ds, new)
        stored = _clean_pixels(film, boxes)
        _refuse_names(new, stored, film.bits, parts, rules, source)
        _add_pixels(new, film, stored)
        if boxes:
            new.BurnedInAnnotation = "NO"
        _say_so(new, names.patient(patient_id), str(source), names)
        new.save_as(target, enforce_file_format=True)
    return parts, lost


def _copy_fields(ds: Any, new: Dataset, keywords: tuple[str, ...]) -> list[str]:
    """Copy the elements a user asked for, as text or numbers; return those that could not be."""
    lost = []
    for keyword in (word for word in keywords if word not in IN_PIXELS):
        try:
            if keyword in ds and ds[keyword].value not in (None, ""):
                new[keyword] = ds[keyword]
        except Exception:
            new.pop(keyword, None)
            lost.append(keyword)
    return lost


def _copy_tables(ds: Any, new: Dataset) -> None:
    """Rebuild the look-up tables of the display: descriptor and entries as numbers, no explanation, no bytes behind."""
    for keyword in LUTS:
        if items := [_table(item, ds) for item in (ds.get(keyword) or [])]:
            setattr(new, keyword, items)


def _table(item: Any, ds: Any) -> Dataset:
    count, first, bits = (int(value) for value in item.LUTDescriptor)
    count = count or 2**16
    data = item.LUTData
    if isinstance(data, bytes):
        order = "<" if ds.original_encoding[1] is not False else ">"
        wide = len(data) >= 2 * count
        entries = np.frombuffer(data[: count * (1 + wide)], f"{order}u2" if wide else "u1")
    else:
        entries = np.atleast_1d(np.array(data))[:count]
    new = Dataset()
    new.add_new("LUTDescriptor", "SS" if first < 0 else "US", [count % 2**16, first, bits])
    new.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    if item.get("ModalityLUTType") is not None:
        new.ModalityLUTType = "US"
    return new


def _clean_pixels(film: StoredFilm, boxes: list[Box]) -> NDArray:
    """The numbers (h, w) with padding made one value and masks painted over."""
    stored = film.stored.astype(film.stored.dtype.newbyteorder("<"))
    picture = stored if film.padding is None else stored[~film.padding]
    if film.padding is not None:
        padded = stored[film.padding]
        below = padded.mean(dtype=float) <= picture.mean(dtype=float)
        stored[film.padding] = padded.min() if below else padded.max()
    return paint_over(stored, boxes, picture.max() if film.grey == "MONOCHROME1" else picture.min())


def _refuse_names(new: Dataset, stored: NDArray, bits: int, parts: set[str], rules: Rules, source: Path) -> None:
    """Search what came from the file, which is all but the tool's own words, for the parts of its names."""
    problems = []
    for keyword in (word for word in rules.keep if word in new and word not in rules.allow):
        if hits_in_text("\\".join(map(str, elements(new, keyword))), parts):
            message = f"holds a part of a name of the header; {WAY_ON.format(keyword)}"
            problems.append(Problem("identity_left", message, str(source), column=keyword))
    for keyword in LUTS:
        data = b"\0".join(item.LUTData for item in new.get(keyword) or [])
        if keyword not in rules.allow and hits_in_bytes(data, parts):
            message = f"spells a part of a name of the header; {WAY_ON.format(keyword)}"
            problems.append(Problem("identity_left", message, str(source), column=keyword))
    if "PixelData" not in rules.allow and hits_in_pixels(stored, bits, parts):
        message = "the pixels spell a part of a name of the header; paint it over with --mask, or use --allow PixelData"
        problems.append(Problem("identity_left", message, str(source), column="PixelData"))
    if problems:
        raise InputError(problems)


def _add_pixels(new: Dataset, film: StoredFilm, stored: NDArray) -> None:
    """Add the numbers, uncompressed, and what says how to read them."""
    new.Rows, new.Columns = stored.shape
    new.SamplesPerPixel, new.PhotometricInterpretation = 1, film.grey
    new.BitsAllocated = 8 * stored.dtype.itemsize
    if stored.dtype.kind == "f":
        setattr(new, "FloatPixelData" if stored.dtype.itemsize == 4 else "DoubleFloatPixelData", stored.tobytes())
        return
    new.BitsStored, new.HighBit = film.bits, film.bits - 1
    new.PixelRepresentation = int(stored.dtype.kind == "i")
    if film.padding is not None:
        new.add_new("PixelPaddingValue", "SS" if stored.dtype.kind == "i" else "US", int(stored[film.padding][0]))
    data = stored.tobytes()
    new.add_new("PixelData", "OB" if stored.dtype.itemsize == 1 else "OW", data + b"\0" * (len(data) % 2))


def _say_so(new: Dataset, name: str, source: str, names: Pseudonyms) -> None:
    """State who this is now and what was done, as PS3.15 E.1 asks, with a file head made anew."""
    new.SpecificCharacterSet = "ISO_IR 192"
    new.PatientID = new.PatientName = name
    new.PatientBirthDate = ""
    new.PatientIdentityRemoved, new.LongitudinalTemporalInformationModified = "YES", "MODIFIED"
    new.DeidentificationMethod = "ovcf deidentify"
    codes = []
    for code, meaning in CODES:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", meaning
        codes.append(item)
    new.DeidentificationMethodCodeSequence = codes
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(new, keyword, new.get(keyword) or names.uid(f"{keyword} {source}"))
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, new.SOPClassUID
    meta.MediaStorageSOPInstanceUID = new.SOPInstanceUID
    new.file_meta, new.preamble = meta, b"\0" * 128
