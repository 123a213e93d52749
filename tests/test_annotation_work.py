"""The work list: whose films, what was known of them, boxes that come with them, and what is refused."""

import json

import numpy as np
import pytest
from annotation_parts import make_films
from PIL import Image

from ovcf.annotation.work import Source, prepare_work, read_work
from ovcf.problems import InputError

STUDIES = """image,patient_id,age,sex,film_date,mri_date,exclusion
01.png,0017,71,f,2026-01-01,2026-01-05,
02.png,0018,55,m,2026-01-01,2026-01-05,
03.png,0019,80,f,2026-01-01,2026-02-05,
04.png,0020,80,f,2026-01-01,2026-01-02,high-energy trauma
"""


@pytest.fixture
def films(tmp_path):
    return make_films(tmp_path / "films", 4)


def test_a_folder_needs_a_word_on_whose_its_films_are(films, tmp_path):
    with pytest.raises(InputError, match="nothing says whose the film is") as refused:
        prepare_work(films, tmp_path / "cohort")
    assert len(refused.value.problems) == 4
    work = prepare_work(films, tmp_path / "cohort", Source(patient_pattern=r"\d(\d)"))
    assert [film.patient_id for film in work.films] == ["1", "2", "3", "4"]
    assert (work.films[0].width, work.films[0].height) == (200, 400) and read_work(tmp_path / "cohort") == work


def test_a_studies_table_says_who_is_excluded_by_the_rules_of_figure_1(films, tmp_path):
    (films / "studies.csv").write_text(STUDIES)
    work = prepare_work(films / "studies.csv", tmp_path / "cohort")
    reasons = ["", "younger than 60 years", "more than 7 days between radiograph and MRI", "high-energy trauma"]
    assert [film.excluded for film in work.films] == reasons
    assert work.films[0].known["days_between_radiograph_and_mri"] == "4" and work.films[0].patient_id == "0017"


def test_boxes_of_a_manifest_are_marks_to_be_corrected(films, tmp_path):
    rows = "v1,P1,T12,old,01.png,10,20,60,70,1\nv2,P1,,,01.png,10,90,60,140,\nv3,P2,L1,fresh,02.png,,,,,\n"
    (films / "manifest.csv").write_text("patch_id,patient_id,level,label,image,x0,y0,x1,y1,normal_segment\n" + rows)
    work = prepare_work(films, tmp_path / "cohort")
    given = work.films[0].given
    assert given["v1"] | {"source": ""} == {
        "x0": 10, "y0": 20, "x1": 60, "y1": 70, "level": "T12", "label": "normal", "on_purpose": True, "source": "",
    }  # fmt: skip
    assert given["v2"]["label"] == "" and work.films[1].given == {}


def test_annotations_of_another_program_open_for_correction(films, tmp_path):
    shape = {"label": "T12_fresh", "points": [[10, 20], [60, 70]], "shape_type": "rectangle"}
    (films / "01.json").write_text(json.dumps({"imagePath": "01.png", "shapes": [shape], "imageData": None}))
    work = prepare_work(films, tmp_path / "cohort", Source(one_patient_per_film=True, form="labelme"))
    (film,) = work.films
    assert film.film == "01.png" and next(iter(film.given.values()))["label"] == "fresh"


def test_annotations_may_lie_apart_from_their_films(films, tmp_path):
    shape = {"label": "L1_old", "points": [[10, 20], [60, 70]], "shape_type": "rectangle"}
    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes" / "02.json").write_text(json.dumps({"imagePath": "02.png", "shapes": [shape]}))
    work = prepare_work(tmp_path / "boxes", tmp_path / "cohort", Source(None, True, "labelme", films))
    assert work.path(work.films[0].film) == films / "02.png" and len(work.films[0].given) == 1


def test_dicom_films_say_whose_they_are(tmp_path):
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.PatientID, ds.PixelSpacing, ds.Modality = "H-0042", [0.2, 0.2], "DX"
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit = 40, 30, 16, 12, 11
    ds.SamplesPerPixel, ds.PixelRepresentation, ds.PhotometricInterpretation = 1, 0, "MONOCHROME2"
    ds.PixelData = np.arange(1200, dtype="<u2").tobytes()
    (tmp_path / "films").mkdir()
    ds.save_as(tmp_path / "films" / "a", enforce_file_format=True)
    assert pydicom.dcmread(tmp_path / "films" / "a").PatientID == "H-0042"
    (film,) = prepare_work(tmp_path / "films", tmp_path / "cohort").films
    assert (film.patient_id, film.width, film.mm_per_px) == ("H-0042", 30, 0.2)


def test_films_that_come_later_are_added_and_one_that_cannot_be_read_stays_and_says_so(films, tmp_path):
    first = prepare_work(films, tmp_path / "cohort", Source(one_patient_per_film=True))
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(films / "00.png")
    (films / "05.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    second = prepare_work(films, tmp_path / "cohort", Source(one_patient_per_film=True))
    assert second.films[:4] == first.films and [f.film for f in second.films[4:]] == ["00.png", "05.png"]
    assert second.films[5].unreadable and not second.films[4].unreadable


def test_other_films_than_those_of_the_work_list_are_refused(films, tmp_path):
    prepare_work(films, tmp_path / "cohort", Source(one_patient_per_film=True))
    make_films(tmp_path / "others", 1, seed=3)
    with pytest.raises(InputError, match="films in another folder"):
        prepare_work(tmp_path / "others", tmp_path / "cohort", Source(one_patient_per_film=True))
    with pytest.raises(InputError, match="no such file or folder"):
        prepare_work(tmp_path / "none", tmp_path / "cohort")
    with pytest.raises(InputError, match="no work list"):
        read_work(tmp_path / "none")


@pytest.mark.parametrize(
    "row, words",
    [
        ("01.png,P1,T44,old,1,2,30,40", "unknown level"),
        ("01.png,,T12,old,1,2,30,40", "cell is empty"),
        ("01.png,P1,T12,old,1,2,1,40", "an area"),
        ("01.png,P1,T12,old,one,2,30,40", "x0"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_row(films, tmp_path, row, words):
    (films / "t.csv").write_text(f"image,patient_id,level,label,x0,y0,x1,y1\n02.png,P2,L1,,5,5,50,50\n{row}\n")
    with pytest.raises(InputError, match=words) as refused:
        prepare_work(films / "t.csv", tmp_path / "cohort")
    assert refused.value.problems[0].row == 3
