"""Who is who: one patient under two ids, headers against the manifest, one vertebra twice; said by the check."""

import io

import numpy as np
import pydicom
import pytest
from PIL import Image

from ovcf.intake.check import check
from ovcf.intake.check.identities import _plain
from ovcf.intake.overlaps import overlaps

HEADER = "patch_id,patient_id,image,label,level,x0,y0,x1,y1,age,sex"


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def dicom(rng, **header) -> bytes:
    """A small film with a header."""
    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    ds.Modality, ds.Rows, ds.Columns, ds.SamplesPerPixel = "CR", 80, 96, 1
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.PixelData = rng.integers(0, 255, (80, 96)).astype(np.uint8).tobytes()
    for name, value in header.items():
        setattr(ds, name, value)
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def cohort(folder, *rows, films=None, rng=None):
    """A cohort of those rows; every film a picture unless given."""
    (folder / "manifest.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    for row in rows:
        image = row.split(",")[2]
        if films and image in films:
            (folder / image).write_bytes(films[image])
        elif not (folder / image).exists():
            pixels = (rng or np.random.default_rng(len(image))).integers(0, 255, (80, 96))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / image)
    return check(folder, workers=1, progress=False)


def found(findings, kind):
    """(row, column) of a kind's warnings."""
    assert findings.errors == []
    return [(problem.row, problem.column) for problem in findings.warnings if problem.kind == kind]


def test_one_header_patient_under_two_ids(tmp_path, rng):
    films = {f"{k}.dcm": dicom(rng, PatientID="H77", PatientSex="M") for k in "ab"}
    rows = ("v0,M0,a.dcm,old,,10,10,60,50,,female", "v1,M1,b.dcm,fresh,,20,10,70,50,,female")
    findings = cohort(tmp_path, *rows, films=films)
    assert found(findings, "header_patient") == [(3, "patient_id")]
    assert found(findings, "sex_differs") == [(2, "sex"), (3, "sex")]
    assert "H77" not in str(findings.as_dict())  # whose the header says it is stays in the header


def test_two_header_patients_under_one_id(tmp_path, rng):
    films = {f"{k}.dcm": dicom(rng, PatientID=k) for k in "ab"}
    rows = ("v0,M0,a.dcm,old,,10,10,60,50,,", "v1,M0,b.dcm,fresh,,20,10,70,50,,")
    assert found(cohort(tmp_path, *rows, films=films), "header_patient") == [(3, "patient_id")]


@pytest.mark.parametrize("header, age, said", [
    ({"PatientBirthDate": "19400612", "StudyDate": "20200613"}, 80, False),
    ({"PatientBirthDate": "19400612", "StudyDate": "20200611"}, 80, False),  # a year that rounding may make
    ({"PatientBirthDate": "19400612", "StudyDate": "20200613"}, 72, True),
    ({"PatientAge": "080Y"}, 72, True), ({"PatientAge": "080Y"}, 80, False), ({"PatientBirthDate": "1940"}, 20, False),
])  # fmt: skip
def test_age_against_the_header(tmp_path, rng, header, age, said):
    films = {"a.dcm": dicom(rng, **header)}
    rows = (f"v0,M0,a.dcm,old,,10,10,60,50,{age},", "v1,M1,b.png,fresh,,20,10,70,50,,")
    assert found(cohort(tmp_path, *rows, films=films), "age_differs") == ([(2, "age")] if said else [])


@pytest.mark.parametrize("one, other", [("007", "7"), ("p1", "P1"), ("P-01", "P1"), ("J\xfcrgen", "Ju\u0308rgen")])
def test_ids_that_spreadsheets_change(tmp_path, one, other):
    rows = (f"v0,{one},a.png,old,,10,10,60,50,,", f"v1,{other},b.png,fresh,,20,10,70,50,,")
    assert found(cohort(tmp_path, *rows), "alike_ids") == [(3, "patient_id")]


def test_ids_that_a_spreadsheet_has_rounded(tmp_path):
    rows = ("v0,1.23457E+12,a.png,old,,10,10,60,50,,", "v1,12E4B,b.png,fresh,,20,10,70,50,,")
    assert found(cohort(tmp_path, *rows), "alike_ids") == [(2, "patient_id")]


def test_ids_that_differ_are_not_alike():
    ids = [f"P{k}" for k in range(300)] + ["P", "", "0", "A1B2", "A12B", "12A"]
    assert len({_plain(patient) for patient in ids}) == len(ids)


def test_one_vertebra_twice(tmp_path):
    rows = (
        "v0,M0,a.png,old,L1,10,10,60,40,,",
        "v1,M0,a.png,old,L1,11,12,61,41,,",  # 3: outlined again
        "v2,M0,a.png,old,L2,10,45,60,75,,",
        "v3,M0,a.png,old,L2,65,45,90,75,,",  # 5: elsewhere, the same level
        "v4,M1,b.png,fresh,L2,10,45,60,75,,",
        "v5,M1,b.png,fresh,,20,50,40,70,,",  # 7: within another
    )
    findings = cohort(tmp_path, *rows)
    assert found(findings, "overlapping_boxes") == [(3, "x0, y0, x1, y1"), (7, "x0, y0, x1, y1")]
    assert found(findings, "level_twice") == [(5, "level")]


def test_a_forgotten_box_is_a_warning_and_no_patch(tmp_path):
    rows = ("v0,M0,a.png,old,L1,10,10,60,40,,", "v1,M0,a.png,old,L2,,,,,,", "v2,M1,b.png,fresh,,,,,,,")
    findings = cohort(tmp_path, *rows)
    assert found(findings, "forgotten_box") == [(3, "x0, y0, x1, y1")]
    assert findings.counts["patches"] == 2  # v2's whole picture is a ready patch: no row of its film has a box


def test_neighbours_on_real_films_are_not_taken_for_one_vertebra(shared):
    folder, pairs = shared / "real" / "spine_frontal" / "labels", 0
    for file in sorted(folder.glob("*.txt")):
        lines = [line.split() for line in file.read_text().splitlines()]
        sides = np.array([line[1:] for line in lines if len(line) == 5], dtype=float)
        pairs += len(overlaps(np.hstack([sides[:, :2] - sides[:, 2:] / 2, sides[:, :2] + sides[:, 2:] / 2])))
    assert pairs == 0
