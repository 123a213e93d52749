"""The work list: whose films, what was known of them, boxes that come with them, and what is refused."""

import json

import numpy as np
import pytest
from annotation_parts import make_films
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from ovcf.annotation.state import read_state, remarks
from ovcf.annotation.work import Source, prepare_work, read_work
from ovcf.intake.deidentify import Rules, deidentify
from ovcf.intake.formats import FORMATS
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


def write_dicom(path, patient):
    """Write a film of 30 x 40 px, 0.2 mm each, whose header names a patient."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.PatientID, ds.PixelSpacing, ds.Modality = patient, [0.2, 0.2], "DX"
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit = 40, 30, 16, 12, 11
    ds.SamplesPerPixel, ds.PixelRepresentation, ds.PhotometricInterpretation = 1, 0, "MONOCHROME2"
    ds.PixelData = np.arange(1200, dtype="<u2").tobytes()
    path.parent.mkdir(exist_ok=True)
    ds.save_as(path, enforce_file_format=True)


def test_dicom_films_say_whose_they_are(tmp_path):
    write_dicom(tmp_path / "films" / "a", "H-0042")
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


FORMS = {
    "yolo": {"classes.txt": "T12_fresh\n", "01.txt": "0 0.5 0.5 0.25 0.1\n"},
    "coco": {"all.json": json.dumps({
        "images": [{"id": 1, "file_name": "01.png"}], "categories": [{"id": 5, "name": "T12_fresh"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 5, "bbox": [75, 180, 50, 40]}]})},
    "voc": {"01.xml": "<annotation><filename>01.png</filename><object><name>T12_fresh</name><bndbox><xmin>75</xmin>"
            "<ymin>180</ymin><xmax>125</xmax><ymax>220</ymax></bndbox></object></annotation>"},
    "labelme": {"01.json": json.dumps({"imagePath": "01.png", "shapes": [
        {"label": "T12_fresh", "points": [[75, 180], [125, 220]], "shape_type": "rectangle"}]})},
    "vindr": {"train.csv": "image_id,lesion_type,xmin,ymin,xmax,ymax,rad_id\n01,Vertebral collapse,75,180,125,220,r\n"},
}  # fmt: skip


@pytest.mark.parametrize("form", sorted(set(FORMATS) - {"buu", "folders"}))
def test_annotations_of_every_format_open_for_correction(films, tmp_path, form):
    for name, text in FORMS[form].items():
        (films / name).write_text(text)
    work = prepare_work(films, tmp_path / "cohort", Source(one_patient_per_film=True, form=form))
    (mark,) = next(film for film in work.films if film.film == "01.png").given.values()
    assert [mark[side] for side in ("x0", "y0", "x1", "y1")] == [75, 180, 125, 220] and mark["source"] == "given"
    assert mark["label"] == ("" if form == "vindr" else "fresh") and len(work.films) == 1


def test_edges_of_bodies_and_ready_patches_open_for_correction_too(tmp_path):
    assert set(FORMATS) == {*FORMS, "buu", "folders"}
    (film,) = make_films(tmp_path / "buu" / "LA", 1).glob("*.png")
    film = film.rename(film.with_name("0012-F-067Y1.png"))
    edges = [f"{60 + 2 * k},{20 + 30 * k},{110 + 2 * k},{24 + 30 * k},0" for k in range(11)]  # L1sup, L1inf ... S1sup
    film.with_suffix(".csv").write_text("\n".join(edges))
    (known,) = prepare_work(tmp_path / "buu", tmp_path / "one", Source(form="buu")).films
    assert (known.patient_id, float(known.known["age"])) == ("0012", 67) and len(known.given) == 5
    assert next(iter(known.given.values())) | {"source": ""} == {
        "x0": 60, "y0": 20, "x1": 112, "y1": 54, "level": "L1", "label": "", "source": "",
        "corners": [60, 20, 110, 24, 112, 54, 62, 50],  # from which the heights follow
    }  # fmt: skip
    make_films(tmp_path / "patches" / "fresh", 1, size=(40, 30))
    (tmp_path / "patches" / "old").mkdir()
    source = Source(one_patient_per_film=True, form="folders")
    (patch,) = prepare_work(tmp_path / "patches", tmp_path / "two", source).films
    assert [mark["label"] for mark in patch.given.values()] == ["fresh"]


def test_what_could_not_be_read_and_headers_that_name_others_are_said(tmp_path):
    films = make_films(tmp_path / "films", 1)
    shapes = [
        {"label": "T12_fresh", "points": [[75, 180], [125, 220]], "shape_type": "rectangle"},
        {"label": "L1_old", "points": [[75, 240]], "shape_type": "point"},
    ]
    (films / "01.json").write_text(json.dumps({"imagePath": "01.png", "shapes": shapes}))
    prepare_work(films, cohort := tmp_path / "cohort", Source(one_patient_per_film=True, form="labelme"))
    assert any("01.json" in note and "point" in note for note in remarks(read_state(cohort)))
    folder = tmp_path / "dicom"
    for name, patient in (("a", "X"), ("b", "X"), ("c", "Y")):
        write_dicom(folder / f"{name}.dcm", patient)
    work = prepare_work(folder, tmp_path / "one", Source(one_patient_per_film=True))
    assert work.notes == ("films of 2 patients (a, b) have one PatientID in their headers: one patient?",)
    work = prepare_work(folder, tmp_path / "two", Source(patient_pattern="(.)cm$"))
    assert work.notes == ("films of d have 2 PatientIDs in their headers: several patients?",)
    assert prepare_work(folder, tmp_path / "three").notes == ()


def test_a_de_identified_folder_opens_with_its_marks_and_without_its_names(tmp_path):
    films = make_films(tmp_path / "films", 1)
    rows = "v1,Smith,T12,old,01.png,10,20,60,70\nv2,Smith,L1,fresh,01.png,10,90,60,140\n"
    (films / "manifest.csv").write_text("patch_id,patient_id,level,label,image,x0,y0,x1,y1\n" + rows)
    done = deidentify(films, tmp_path / "out", tmp_path / "key.json", rules=Rules(), progress=False)
    (film,) = prepare_work(done.folder, tmp_path / "cohort").films
    assert sorted(mark["level"] for mark in film.given.values()) == ["L1", "T12"] and film.patient_id != "Smith"
    assert "Smith" not in (tmp_path / "cohort" / "annotation" / "work.json").read_text()
