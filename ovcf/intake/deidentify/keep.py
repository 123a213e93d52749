"""What a de-identified film may hold: the elements the study needs, each with what makes its value harmless.

A keep list, not a drop list: an element that nobody thought of is left behind. Words must be the standard's own
(defined terms of PS3.3), numbers must be numbers, UIDs and devices are replaced by key, dates are shifted. So no text
that came with the film gets through, whatever element it was put into.
"""

import math
import re
from collections.abc import Callable
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.uid import UID, UID_dictionary

from ovcf.cohort.films.windows import elements
from ovcf.intake.deidentify.dates import read_day
from ovcf.intake.deidentify.pseudonyms import Pseudonyms

_SIDES = "A P R L H F AL AR AH AF PL PR PH PF RH RF LH LF RA RP LA LP HA HP HL HR FA FP FL FR"
WORDS: dict[str, frozenset[str]] = {
    keyword: frozenset(terms.split(" "))
    for keyword, terms in {
        "ImageType": "ORIGINAL DERIVED PRIMARY SECONDARY",
        "Modality": "CR DX DR RG XA RF OT MG IO PX CT MR US NM PT SC RTIMAGE RTDOSE ES XC GM HC",
        "ConversionType": "DV DI DF WSD SD SI DRW SYN",
        "PresentationIntentType": "FOR_PRESENTATION FOR_PROCESSING",
        "PatientSex": "M F O",
        "BodyPartExamined": "SPINE CSPINE TSPINE LSPINE CTSPINE TLSPINE LSSPINE SSPINE WHOLESPINE THORAX CHEST "
        "ABDOMEN PELVIS HIP COCCYX SACRUM WHOLEBODY",
        "ViewPosition": "AP PA LL RL RLD LLD RLO LLO LAT",
        "PatientOrientation": _SIDES,
        "Laterality": "R L B U",
        "ImageLaterality": "R L B U",
        "PixelSpacingCalibrationType": "GEOMETRY FIDUCIAL",
        "VOILUTFunction": "LINEAR LINEAR_EXACT SIGMOID",
        "RescaleType": "US OD HU",
        "PresentationLUTShape": "IDENTITY INVERSE",
        "PixelIntensityRelationship": "LIN LOG",
        "LossyImageCompression": "00 01",
        "LossyImageCompressionMethod": "ISO_10918_1 ISO_14495_1 ISO_15444_1 ISO_13818_2",
        "DetectorType": "DIRECT SCINTILLATOR STORAGE FILM",
        "BurnedInAnnotation": "YES NO",
    }.items()
}
NUMBERS = (
    "PixelSpacing ImagerPixelSpacing NominalScannedPixelSpacing PixelAspectRatio "
    "EstimatedRadiographicMagnificationFactor DistanceSourceToDetector DistanceSourceToPatient "
    "KVP ExposureTime ExposureTimeInuS XRayTubeCurrent XRayTubeCurrentInuA Exposure ExposureInuAs "
    "FocalSpots ExposureIndex TargetExposureIndex DeviationIndex RelativeXRayExposure Sensitivity "
    "RescaleIntercept RescaleSlope WindowCenter WindowWidth PixelIntensityRelationshipSign "
    "LossyImageCompressionRatio"
).split()
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
REFERENCES = ("SourceImageSequence", "ReferencedImageSequence")
DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
DEVICES = ("Manufacturer", "ManufacturerModelName")
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
AGE_BAND, OLDEST = 5, 90  # years; ages above 89 identify (HIPAA safe harbor), a band is written as its first year
MOST_VALUES = 32
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,2})?", re.ASCII)
_AGE = re.compile(r"(\d{1,3})([DWMY])", re.ASCII)


def kept_elements(ds: Any, patient_id: str, names: Pseudonyms) -> tuple[Dataset, list[str]]:
    """Return a new dataset of what may stay, pixels apart, and the keywords whose values could not.

    Parameters
    ----------
    ds : pydicom Dataset
        The film's; it is not changed.
    patient_id : str
        The manifest's: UIDs are mapped by key alone, dates by key and patient.
    """
    new, lost = Dataset(), []
    ways: list[tuple[tuple[str, ...], Callable[[Any, str], Any]]] = [
        (tuple(WORDS), _words),
        (tuple(NUMBERS), _numbers),
        (UIDS, lambda ds, keyword: names.uid(_text(ds, keyword))),
        (DATES, lambda ds, keyword: _moved(_text(ds, keyword), patient_id, names)),
        (DEVICES, lambda ds, keyword: f"device {names.name(keyword, _text(ds, keyword))}"),
        (REFERENCES, lambda ds, keyword: _references(ds[keyword].value, names)),
    ]
    for keywords, way in ways:
        for keyword in keywords:
            if not _filled(ds, keyword):
                continue
            value = _attempt(way, ds, keyword)
            if value in (None, "", []):
                lost.append(keyword)
            else:
                setattr(new, keyword, value)
    new.SOPClassUID = _sop_class(ds)
    new.Modality = new.get("Modality", "OT")
    if age := _age_band(ds):
        new.PatientAge = age
    return new, lost


def _filled(ds: Any, keyword: str) -> bool:
    """Whether an element is there with something in it; one that cannot even be parsed counts."""
    try:
        return ds.get(keyword) not in (None, "", [])
    except Exception:
        return True


def _attempt(way: Callable[[Any, str], Any], ds: Any, keyword: str) -> Any:
    """The value that may stay, None where the element holds something else than it should."""
    try:
        return way(ds, keyword)
    except Exception:  # whatever a damaged or abused element throws: it is left behind
        return None


def _text(ds: Any, keyword: str) -> str:
    return str(ds.get(keyword) or "").strip()


def _words(ds: Any, keyword: str) -> list[str] | str:
    """The values that are words of the standard; of a direction in space all or none."""
    values = [str(value).strip().upper() for value in elements(ds, keyword)]
    known = [value for value in values if value.replace(" ", "_") in WORDS[keyword]]
    if keyword == "PatientOrientation" and len(known) < len(values):
        return []
    return known if len(known) != 1 else known[0]


def _numbers(ds: Any, keyword: str) -> Any:
    """All values, where all are numbers, as they were written."""
    values = elements(ds, keyword)
    if not 0 < len(values) <= MOST_VALUES:
        return None
    texts = [str(getattr(value, "original_string", value)).strip() for value in values]
    if not all(len(text) <= 16 and _NUMBER.fullmatch(text) and math.isfinite(float(text)) for text in texts):
        return None
    if dictionary_VR(keyword) in ("DS", "IS"):
        return texts if len(texts) > 1 else texts[0]
    return [float(text) for text in texts]


def _moved(text: str, patient_id: str, names: Pseudonyms) -> str | None:
    """A date moved back by the patient's days, as DICOM writes it."""
    day = read_day(text)
    return f"{names.moved(day, patient_id):%Y%m%d}" if day else None


def _references(items: Any, names: Pseudonyms) -> list[Dataset]:
    """Which pictures a film was made from: classes as they are, UIDs mapped like the pictures' own."""
    new = []
    for item in items:
        reference = Dataset()
        reference.ReferencedSOPClassUID = _standard(_text(item, "ReferencedSOPClassUID"))
        reference.ReferencedSOPInstanceUID = names.uid(_text(item, "ReferencedSOPInstanceUID"))
        if reference.ReferencedSOPInstanceUID:
            new.append(reference)
    return new


def _sop_class(ds: Any) -> str:
    return _standard(_text(ds, "SOPClassUID")) or SECONDARY_CAPTURE


def _standard(uid: str) -> str:
    """A UID of the standard's own list, "" for another."""
    return uid if UID(uid) in UID_dictionary else ""


def _age_band(ds: Any) -> str:
    """The first year of the patient's age band, from the age or the dates of birth and study; "" unknown."""
    age = _AGE.fullmatch(_text(ds, "PatientAge"))
    if age:
        years = int(age[1]) if age[2] == "Y" else 0
    else:
        born, seen = read_day(_text(ds, "PatientBirthDate")), read_day(_text(ds, "StudyDate"))
        if not born or not seen or seen < born:
            return ""
        years = seen.year - born.year - ((seen.month, seen.day) < (born.month, born.day))
    return f"{min(years // AGE_BAND * AGE_BAND, OLDEST):03d}Y"
