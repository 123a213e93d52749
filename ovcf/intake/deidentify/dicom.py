"""A DICOM file without its names, by the standard's basic profile.

The table of actions is PS3.15 Table E.1-1 as the library dicom-anonymizer holds it (edition 2026c), with the
option "Retain Longitudinal Temporal Information Modified Dates". Three things the library does not do are
done here: nested items are cleaned too, UIDs and dates are replaced by key (its own are random, or the year
1), and the result is searched for the names and ids it had.
"""

import re
import warnings
from pathlib import Path

from ovcf.intake.deidentify.pseudonyms import Pseudonyms
from ovcf.problems import InputError, Problem

PROFILE = "dicomfields_2026c"
DATES = (
    "StudyDate",
    "SeriesDate",
    "AcquisitionDate",
    "ContentDate",
    "AcquisitionDateTime",
    "InstanceCreationDate",
    "DateOfSecondaryCapture",
)
SHORTEST_NAME = 4  # letters: shorter ids turn up anywhere by chance
OURS = {"PatientID", "PatientName", "DeidentificationMethod", "DeidentificationMethodCodeSequence"}
TEXT = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}


def deidentify_dicom(source: Path, target: Path, patient_id: str, names: Pseudonyms) -> None:
    """Write one DICOM file without anything that identifies; InputError where a name would stay in it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom comments on every value out of order
            _write_clean(source, target, patient_id, names)
    except InputError:
        raise
    except Exception as error:  # an element of a kind nobody knows, a head that cannot be written again
        raise InputError(Problem("unwritable", f"its header cannot be cleaned ({error})", str(source))) from error


def _write_clean(source: Path, target: Path, patient_id: str, names: Pseudonyms) -> None:
    """Read, clean, search for what must be gone, write."""
    import pydicom

    ds = pydicom.dcmread(source, force=True)
    known = _words_to_miss(ds, patient_id)
    clean_dataset(ds, patient_id, names)
    _say_so(ds, names.patient(patient_id))
    _new_meta(ds, names)
    if known & _words(_all_text(ds)):
        raise InputError(
            Problem(
                "identity_left",
                "a name or id of the header would stay in the file, in a field the profile does not cover",
                str(source),
            )
        )
    ds.save_as(target, enforce_file_format=True)


def clean_dataset(ds, patient_id: str, names: Pseudonyms) -> None:
    """Apply the basic profile to a dataset and to everything nested in it, in place."""
    from dicomanonymizer.simpledicomanonymizer import anonymize_dataset

    for element in list(ds):
        if element.VR == "SQ":
            for item in element.value:
                clean_dataset(item, patient_id, names)
    anonymize_dataset(ds, base_rules_gen=lambda: _rules(patient_id, names), delete_private_tags=True)
    for element in list(ds):
        if element.VR == "UI":
            _replace_uid(ds, element.tag, names)


def _rules(patient_id: str, names: Pseudonyms) -> dict:
    """The library's actions, with keyed UIDs and shifted dates, and deletion where an action does not fit."""
    from dicomanonymizer.simpledicomanonymizer import initialize_actions
    from pydicom.datadict import tag_for_keyword

    dates = {(tag_for_keyword(word) >> 16, tag_for_keyword(word) & 0xFFFF) for word in DATES}
    rules = {}
    for tag, action in initialize_actions(PROFILE).items():
        if tag in dates:
            rules[tag] = lambda ds, tag: _shift(ds, tag, patient_id, names)
        elif action.__name__ == "replace_UID":
            rules[tag] = lambda ds, tag: _replace_uid(ds, tag, names)
        elif action.__name__ == "delete":  # the library's own keeps dates as 1 January of year 1
            rules[tag] = lambda ds, tag: ds.pop(tag, None)
        else:
            rules[tag] = lambda ds, tag, action=action: _act(ds, tag, action)
    return rules


def _act(ds, tag, action) -> None:
    """The library's action; the element goes where that action does not know its kind of value."""
    try:
        action(ds, tag)
    except Exception:
        ds.pop(tag, None)


def _shift(ds, tag, patient_id: str, names: Pseudonyms) -> None:
    """Move a date back by the patient's own number of days; a value that is no date goes."""
    if tag in ds:
        ds[tag].value = names.date(str(ds[tag].value or ""), patient_id)


def _replace_uid(ds, tag, names: Pseudonyms) -> None:
    """Replace a UID, or each of several."""
    if tag in ds and ds[tag].value:
        value = ds[tag].value
        ds[tag].value = names.uid(str(value)) if isinstance(value, str) else [names.uid(str(uid)) for uid in value]


def _say_so(ds, name: str) -> None:
    """State what was done, as PS3.15 E.1 asks."""
    from pydicom.dataset import Dataset

    ds.PatientID = ds.PatientName = name
    ds.PatientBirthDate = ""  # the library writes the year 1
    ds.PatientIdentityRemoved, ds.LongitudinalTemporalInformationModified = "YES", "MODIFIED"
    ds.DeidentificationMethod = "ovcf deidentify with dicom-anonymizer"
    codes = []
    for code, meaning in (
        ("113100", "Basic Application Confidentiality Profile"),
        ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    ):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", meaning
        codes.append(item)
    ds.DeidentificationMethodCodeSequence = codes


def _new_meta(ds, names: Pseudonyms) -> None:
    """A file head made anew: preamble and group 2 may hold stations, titles and the old UID."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    implicit, little = ds.original_encoding
    plain = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = getattr(ds, "file_meta", {}).get("TransferSyntaxUID", plain)
    meta.MediaStorageSOPClassUID = ds.get("SOPClassUID") or "1.2.840.10008.5.1.4.1.1.7"  # secondary capture
    ds.SOPClassUID = meta.MediaStorageSOPClassUID
    ds.SOPInstanceUID = ds.get("SOPInstanceUID") or names.uid(names.name("instance", str(ds.filename)))
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta, ds.preamble = meta, b"\0" * 128


def _words_to_miss(ds, patient_id: str) -> set[str]:
    """What must not be found in the result: the patient's ids and the parts of the names."""
    fields = ("PatientID", "AccessionNumber", "PatientName", "ReferringPhysicianName")
    known = _words(" ".join([patient_id, *(str(ds.get(field, "") or "") for field in fields)]))
    return {word for word in known if len(word) >= SHORTEST_NAME}


def _words(text: str) -> set[str]:
    """The words of a text in lower case; ^ and = separate the parts of a DICOM name."""
    return set(re.split(r"[^\w-]+|_", text.lower()))


def _all_text(ds) -> str:
    """All text of a dataset, nested items too, without what was put there on purpose."""
    parts = []
    for element in ds:
        if element.VR == "SQ" and element.keyword not in OURS:
            parts += [_all_text(item) for item in element.value]
        elif element.VR in TEXT and element.keyword not in OURS:
            parts.append(str(element.value))
    return "\n".join(parts)
