"""What a file says about patient and device besides the pixels: names of fields, never their content."""

import hashlib
import re
import warnings
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from ovcf.cohort.columns import SEX
from ovcf.cohort.films import film_kind

# Elements that say who the patient is. PS3.15 lists hundreds to remove; these a reader recognises.
IDENTIFYING = (
    "PatientName",
    "PatientBirthDate",
    "PatientAddress",
    "PatientTelephoneNumbers",
    "OtherPatientIDs",
    "OtherPatientNames",
    "PatientMotherBirthName",
    "MedicalRecordLocator",
    "AccessionNumber",
    "InstitutionName",
    "InstitutionAddress",
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "OperatorsName",
    "PatientComments",
)
# EXIF fields that can hold a name, a place or a time; orientation and resolution cannot
_EXIF = {
    tag.value: tag.name
    for tag in (
        ExifTags.Base.Artist,
        ExifTags.Base.Copyright,
        ExifTags.Base.DateTime,
        ExifTags.Base.ImageDescription,
        ExifTags.Base.HostComputer,
        ExifTags.Base.XPAuthor,
        ExifTags.Base.XPComment,
        ExifTags.Base.XPTitle,
        ExifTags.Base.GPSInfo,
    )
}
_HARMLESS = {
    "jfif_unit",
    "dpi",
    "compression",
    "software",
    "icc_profile",
    "date:create",
    "date:modify",
    "date:timestamp",
}


def header_facts(path: Path) -> dict[str, str]:
    """Facts from a film's header.

    Returns
    -------
    dict of str
        `identifying`: names of the filled fields that can identify a patient, with commas; `burned_in`: the
        header's own word on text in the pixels ("YES", "NO" or ""); `manufacturer` and `model` of the device;
        `patient`: a digest of the header's PatientID, which tells two patients apart and nobody's id ("" none);
        `sex` ("female", "male" or "") and `age` (years at the study as text, "" unknown).
    """
    facts = dict.fromkeys(("identifying", "burned_in", "manufacturer", "model", "patient", "sex", "age"), "")
    try:
        return facts | (_of_dicom(path) if film_kind(path) == "dicom" else {"identifying": _of_picture(path)})
    except Exception:  # whatever a damaged header throws; the film reader has accepted the pixels
        return facts


def _of_dicom(path: Path) -> dict[str, str]:
    import pydicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(path, stop_before_pixels=True, force=True)

        def text(keyword: str) -> str:
            return str(ds.get(keyword, "") or "").strip()

        # in a de-identified copy the name is the id, and the age the first year of a band
        removed, pseudonym = text("PatientIdentityRemoved") == "YES", text("PatientID")
        return {
            "identifying": ", ".join(
                word for word in _named(ds) if text(word) and not (removed and text(word) == pseudonym)
            ),
            "burned_in": text("BurnedInAnnotation").upper(),
            "manufacturer": text("Manufacturer"),
            "model": text("ManufacturerModelName"),
            "patient": _digest(text("PatientID").casefold()),
            "sex": SEX.meaning.get(text("PatientSex").lower(), ""),
            "age": "" if removed else _age(text("PatientAge"), text("PatientBirthDate"), text("StudyDate")),
        }


def _named(ds: Any) -> list[str]:
    """The elements that say who a person or a place is: those of the list, and all others that hold a person's name."""
    persons = [element.keyword for element in ds if element.VR == "PN" and element.keyword]
    return list(dict.fromkeys([*IDENTIFYING, *persons]))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).hexdigest() if text else ""


def _age(stated: str, birth: str, study: str) -> str:
    """Return the age in years at the study, by the years of birth and study, else as the header states it."""
    if re.fullmatch(r"\d{8}", birth, re.ASCII) and re.fullmatch(r"\d{8}", study, re.ASCII):
        return f"{(int(study) - int(birth)) / 10_000:.1f}"  # the whole years stand before the point
    match = re.fullmatch(r"(\d{3})Y", stated, re.ASCII)
    return str(int(match[1])) if match else ""


def _of_picture(path: Path) -> str:
    """Names of the text fields a PNG, JPEG or TIFF carries."""
    with Image.open(path) as image:
        named = [
            str(key)[:40]
            for key, value in image.info.items()
            if isinstance(value, (str, bytes)) and value and str(key).lower() not in _HARMLESS | {"exif"}
        ]
        if image.format != "PNG" or "exif" in image.info:  # asking a PNG without EXIF would decode it
            named += [f"EXIF {_EXIF[tag]}" for tag in image.getexif() if tag in _EXIF]
        return ", ".join(named)
