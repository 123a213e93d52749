"""What annotations say beside their boxes: the size they were drawn at, shapes, file names, patients, categories."""

import json
import os
import unicodedata

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from doors import DRAWINGS, DRAWN, EACH, coco, film, labelme, landed
from hypothesis import HealthCheck, given, settings

from ovcf.cli import main
from ovcf.cohort.manifest import read_cohort
from ovcf.intake.formats import FORMATS, Format
from ovcf.intake.importers import ImportOptions, import_annotations
from ovcf.intake.importers.boxes import Box
from ovcf.intake.importers.categories import naming, read_category
from ovcf.problems import InputError

CORNERS = ["x0", "y0", "x1", "y1"]


def read(form, folder, options=EACH):
    """Import a folder; what was read."""
    return import_annotations(form, folder, folder / "manifest.csv", options)


def kinds(problems):
    return [problem.kind for problem in problems]


def boxes(result):
    return result.patches[CORNERS].to_numpy().tolist()


# -- the size a box was drawn at ---------------------------------------------------------------------------


@pytest.mark.parametrize("form", DRAWN)
def test_boxes_drawn_at_half_size_are_scaled_and_said(tmp_path, form):
    film(tmp_path / "f.png")
    name, write = DRAWN[form]
    (tmp_path / name).write_text(write(100, 150))
    result = read(form, tmp_path)
    assert boxes(result) == [[20, 30, 100, 120]]
    (note,) = [note for note in result.notes if note.kind == "scaled_box"]
    assert "drawn at 100 x 150 px, the film has 200 x 300" in note.message


@pytest.mark.parametrize("form", DRAWN)
@pytest.mark.parametrize("size, why", [((300, 200), "lies on its side"), ((100, 100), "a crop, or another film")])
def test_boxes_drawn_at_other_proportions_are_refused(tmp_path, form, size, why):
    film(tmp_path / "f.png")
    name, write = DRAWN[form]
    (tmp_path / name).write_text(write(*size))
    with pytest.raises(InputError, match=why):
        read(form, tmp_path)
    assert not (tmp_path / "manifest.csv").exists()


@pytest.mark.parametrize("form", DRAWN)
@pytest.mark.parametrize("size", [(200, 300), (0, 0)])  # the film's own; VOC's way of saying nothing
def test_boxes_drawn_at_the_films_size_stay(tmp_path, form, size):
    film(tmp_path / "f.png")
    name, write = DRAWN[form]
    (tmp_path / name).write_text(write(*size))
    result = read(form, tmp_path)
    assert boxes(result) == [[10, 15, 50, 60]] and "scaled_box" not in kinds(result.notes)


@given(*DRAWINGS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_boxes_drawn_at_another_size_land_where_they_should(tmp_path, size, scale, place, form):
    assert landed(tmp_path, size, scale, place, form) > 0.99


# -- shapes ------------------------------------------------------------------------------------------------

COUNTS = {"counts": [3010, 50, 57940], "size": [300, 200]}
POLYGON = [[10, 100, 60, 100, 60, 140, 10, 140]]
SHAPES = {
    "coco brush mask": ("coco", coco({"iscrowd": 1, "bbox": [10, 10, 50, 40], "segmentation": COUNTS}),
                        [10, 10, 60, 50], "brush mask"),
    "coco polygon": ("coco", coco({"bbox": [], "segmentation": POLYGON}), [10, 100, 60, 140], "polygon"),
    "coco turned": ("coco", coco({"bbox": [10, 10, 60, 20], "attributes": {"rotation": 90.0}}),
                    [30, -10, 50, 50], "turned rectangle"),
    "labelme mask": ("labelme", labelme({"shape_type": "mask", "points": [[10, 210], [60, 250]]}),
                     [10, 210, 60, 250], "mask"),
    "labelme circle": ("labelme", labelme({"shape_type": "circle", "points": [[35, 180], [55, 180]]}),
                       [15, 160, 55, 200], "circle"),
    "labelme turned": ("labelme", labelme({"shape_type": "rotation", "points": [[30, 110], [60, 130], [30, 150],
                                                                               [0, 130]]}),
                       [0, 110, 60, 150], "rotation"),
    "labelme four corners": ("labelme", labelme({"shape_type": "rectangle", "points": [[10, 60], [60, 60], [60, 100],
                                                                                     [10, 100]]}),
                             [10, 60, 60, 100], ""),
    "voc turned": ("voc", "<annotation><filename>f.png</filename><object><name>L1</name><robndbox><cx>50</cx>"
                   "<cy>60</cy><w>40</w><h>20</h><angle>1.5707963267948966</angle></robndbox></object></annotation>",
                   [40, 40, 60, 80], "turned rectangle"),
    "yolo oriented": ("yolo", "0 0.2 0.2 0.4 0.2 0.4 0.4 0.2 0.4\n", [40, 60, 80, 120], "oriented box"),
    "yolo outline": ("yolo", "0 0.2 0.2 0.4 0.25 0.3 0.4\n", [40, 60, 80, 120], "outline"),
    "yolo rounding": ("yolo", "0 0.5 0.5 1.0000001 0.1\n", [0, 135, 200, 165], ""),
    "yolo confidence": ("yolo", "0 0.5 0.5 0.2 0.1 0.93\n", [80, 135, 120, 165], "confidence"),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_the_upright_box_is_taken_and_said(tmp_path, name):
    form, text, expected, shape = SHAPES[name]
    film(tmp_path / "f.png")
    suffix = {"coco": "json", "labelme": "json", "voc": "xml", "yolo": "txt"}[form]
    (tmp_path / f"f.{suffix}").write_text(text)
    result = read(form, tmp_path)
    np.testing.assert_allclose(boxes(result), [np.clip(expected, 0, 300)], atol=0.001)
    said = [note.found for note in result.notes if note.kind == "upright_box"]
    assert len(said) == bool(shape) and (not shape or shape in said[0])


def test_key_points_are_no_outline(tmp_path):
    film(tmp_path / "f.png")
    (tmp_path / "data.yaml").write_text("names: [L1]\nkpt_shape: [2, 2]\n")
    (tmp_path / "f.txt").write_text("0 0.5 0.5 0.2 0.1 0.45 0.5 0.55 0.5\n")
    result = read("yolo", tmp_path)
    assert boxes(result) == [[80, 135, 120, 165]] and "key points" in str(result.notes)


@pytest.mark.parametrize("shape", [
    {"shape_type": "line", "points": [[1, 2], [30, 40]]}, {"shape_type": "point", "points": [[1, 2]]},
    {"shape_type": "circle", "points": [[5, 5], [5, 5]]}, {"label": None, "points": [[1, 1], [2, 2], [3, 1]]},
    {"shape_type": "oriented_rectangle", "points": [[1, 2], [3, 4], [5, 9]]},
])  # fmt: skip
def test_what_has_no_box_is_named(tmp_path, shape):
    film(tmp_path / "f.png")
    (tmp_path / "f.json").write_text(labelme(shape, {"shape_type": "rectangle", "points": [[1, 2], [30, 40]]}))
    result = read("labelme", tmp_path)
    assert boxes(result) == [[1, 2, 30, 40]] and "shapes[0]" in result.problems[0].message


# -- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept, written", [
    ("film 1.png", "images/film%201.png"), ("film_2.png", "/data/upload/3/8f2c1a9b-film_2.png"),
    ("film3.png", "C:\\Users\\dr\\Desktop\\films\\film3.png"), ("film4.png", "/data/local-files/?d=images/film4.png"),
    ("\N{LATIN SMALL LETTER U WITH DIAERESIS}ber.png", "images/" + unicodedata.normalize("NFD", "\xfcber.png")),
    (unicodedata.normalize("NFD", "\xfcber.png"), "images/\xfcber.png"), ("100%25.png", "100%25.png"),
    ("film5.png", "film5_png.rf.777e827eec916a3e5e38f2af77a52a9e.png"),
])  # fmt: skip
def test_names_are_found_as_they_are_meant(tmp_path, kept, written):
    film(tmp_path / "images" / kept)
    film(tmp_path / "images" / "other.png")
    (tmp_path / "a.json").write_text(coco({"bbox": [10, 10, 50, 40]}, name=written))
    result = import_annotations("coco", tmp_path / "a.json", tmp_path / "manifest.csv", EACH)
    assert [os.path.basename(image) for image in result.patches["image"]] == [kept]
    assert result.problems == [] and read_cohort_labelled(tmp_path).patches["image"].tolist() == [f"images/{kept}"]


def read_cohort_labelled(folder):
    """Read the imported manifest with labels filled in, and a second patient so that both classes are there."""
    table = pd.read_csv(folder / "manifest.csv", keep_default_na=False, dtype=str)
    other = table.assign(patch_id="other", patient_id="o", image="images/other.png", label="old")
    pd.concat([table.assign(label="fresh"), other]).to_csv(folder / "filled.csv", index=False)
    cohort = read_cohort(folder / "filled.csv")
    return cohort._replace(patches=cohort.patches.iloc[:-1])


def test_a_name_that_is_there_is_never_decoded(tmp_path):
    film(tmp_path / "a%20b.png")
    film(tmp_path / "a b.png")
    (tmp_path / "a.json").write_text(coco({"bbox": [10, 10, 50, 40]}, name="a%20b.png"))
    assert read("coco", tmp_path).patches["image"].tolist() == ["a%20b.png"]


def test_dicom_without_a_suffix_is_a_film(tmp_path, shared):
    spine = shared / "real/dicom/pydicom_cspine_CR1_6154.dcm"
    (tmp_path / "6154").write_bytes(spine.read_bytes())
    (tmp_path / "1.2.840.99").write_bytes(spine.read_bytes())
    (tmp_path / "README").write_text("no film")
    for name in ("6154.txt", "1.2.840.99.txt"):
        (tmp_path / name).write_text("0 0.5 0.5 0.2 0.2\n")
    assert read("yolo", tmp_path).patches["image"].tolist() == ["1.2.840.99", "6154"]


def test_two_folders_in_the_annotations_are_two_films(tmp_path):
    film(tmp_path / "hospital_b" / "001.png")
    content = json.loads(coco({"bbox": [10, 10, 50, 40]}, name="hospital_a/001.png"))
    content["images"].append({"id": 2, "file_name": "hospital_b/001.png", "width": 200, "height": 300})
    content["annotations"].append({"image_id": 2, "category_id": 1, "bbox": [20, 100, 50, 40]})
    (tmp_path / "a.json").write_text(json.dumps(content))
    result = read("coco", tmp_path)
    assert boxes(result) == [[20, 100, 70, 140]] and kinds(result.problems) == ["same_stem"]
    content["images"][1]["file_name"] = "hospital_c/001.png"  # now nothing says whose film this is
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="2 folders, and one film"):
        import_annotations("coco", tmp_path, tmp_path / "other.csv", EACH)


# -- patients ----------------------------------------------------------------------------------------------


def two_hospitals(folder):
    for place in "ab":
        film(folder / place / "001.png")
        (folder / place / "001.txt").write_text("0 0.5 0.5 0.2 0.1\n")


def test_whose_a_film_is_must_be_said(tmp_path):
    two_hospitals(tmp_path)
    with pytest.raises(InputError, match="nothing says whose.*--patient-pattern.*--one-patient-per-film"):
        read("yolo", tmp_path, ImportOptions())
    with pytest.raises(InputError, match="several ways"):
        read("yolo", tmp_path, ImportOptions(patient_pattern="(.*)", one_patient_per_film=True))
    assert not (tmp_path / "manifest.csv").exists()


def test_one_stem_in_two_folders_is_two_films(tmp_path):
    two_hospitals(tmp_path)
    assert read("yolo", tmp_path).patches["patient_id"].tolist() == ["a/001", "b/001"]
    result = read("yolo", tmp_path, ImportOptions(patient_pattern=r"(\d+)"))
    assert result.patches["patient_id"].tolist() == ["001", "001"]
    assert "one patient, or several?" in str([note for note in result.notes if note.kind == "same_stem"])
    by_folder = read("yolo", tmp_path, ImportOptions(patient_pattern=r"^(\w)/"))
    assert by_folder.patches["patient_id"].tolist() == ["a", "b"] and "same_stem" not in kinds(by_folder.notes)


def test_patients_by_a_column(tmp_path):
    film(tmp_path / "f.png")
    film(tmp_path / "g.png")
    (tmp_path / "train.csv").write_text(
        "image_id;lesion_type;xmin;ymin;xmax;ymax;PatientID\nf;Vertebral collapse;10,5;20;30;40;007\n"
        "g;Vertebral collapse;10;20;30;40;\n"
    )
    result = read("vindr", tmp_path, ImportOptions(patient_column="patientid"))
    assert result.patches["patient_id"].tolist() == ["007"] and boxes(result) == [[10.5, 20, 30, 40]]
    assert kinds(result.problems) == ["patient_column"]
    table = pd.read_csv(tmp_path / "manifest.csv", dtype=str)
    assert table.loc[0, "patient_id"] == "007" and "PatientID" not in table  # or the header would hold it twice


def test_a_column_that_names_two_patients_for_one_film_is_refused(tmp_path):
    film(tmp_path / "f.png")
    rows = "f,Vertebral collapse,10,20,30,40,p1\nf,Vertebral collapse,10,60,30,80,p2\n"
    (tmp_path / "train.csv").write_text("image_id,lesion_type,xmin,ymin,xmax,ymax,who\n" + rows)
    with pytest.raises(InputError, match="one film belongs to several patients"):
        read("vindr", tmp_path, ImportOptions(patient_column="who"))


# -- categories --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("category, expected", [
    ("L1", ("L1", "", "")), ("T12_fresh", ("T12", "fresh", "")), ("th12 OLD", ("T12", "old", "")),
    ("fresh L1 fresh", ("L1", "fresh", "")), ("L1/L1", ("L1", "", "")), ("L1-old", ("L1", "old", "")),
    ("not fresh", ("", "", "negation")), ("non-fresh L2", ("L2", "", "negation")),
    ("No old fracture", ("", "", "negation")), ("fresh/old", ("", "", "two labels")),
    ("nicht frisch, old", ("", "", "negation")), ("L4-L5", ("", "", "two levels")),
    ("L5/S1", ("", "", "two levels")), ("T12-L1 fresh", ("", "", "two levels")), ("L4/5", ("", "", "two levels")),
    ("L4 disc", ("", "", "disc")), ("unfresh", ("", "", "")), ("vertebra 1", ("", "", "")),
    ("TH11 / TH12", ("", "", "two levels")), ("L4\N{EN DASH}L5", ("", "", "two levels")), ("L1-1", ("L1", "", "")),
    ("L4 and L5 old", ("", "", "two levels")), ("fresh?", ("", "", "unsure")),
    ("L1 probably old", ("L1", "", "unsure")), ("vertebra;L3;old", ("L3", "old", "")),
    ("isn't fresh", ("", "", "negation")), ("fresh: 0", ("", "", "negation")), ("old=no", ("", "", "negation")),
    ("fresh fracture ruled out", ("", "", "negation")), ("fresh_1", ("", "fresh", "")),
])  # fmt: skip
def test_what_a_category_says(category, expected):
    assert tuple(read_category(category, naming(None, None))) == expected


def test_a_mapped_category_says_what_the_map_says():
    names = naming({"L4-L5": "L4"}, {"not fresh": "old"})
    assert tuple(read_category("L4-L5", names)) == ("L4", "", "")
    assert tuple(read_category("Not fresh", names)) == ("", "old", "")


# -- two readers, one vertebra -----------------------------------------------------------------------------

TWO_READERS = (
    "image_id,rad_id,lesion_type,xmin,ymin,xmax,ymax\nf,rad1,Vertebral collapse,10.5,10,60,50\n"
    "f,rad2,Vertebral collapse,11,12,61,52\nf,rad2,Vertebral collapse,11,100,61,140\n"
)


def test_overlapping_boxes_are_said_and_can_be_chosen(tmp_path):
    film(tmp_path / "f.png")
    (tmp_path / "train.csv").write_text(TWO_READERS)
    result = read("vindr", tmp_path)
    (note,) = [note for note in result.notes if note.kind == "overlapping_boxes"]
    assert "IoU 0.88" in note.message and "rad1 and rad2" in note.message and "--keep-reader" in note.message
    chosen = read("vindr", tmp_path, ImportOptions(one_patient_per_film=True, keep_readers=("rad2", "rad1")))
    assert boxes(chosen) == [[11, 12, 61, 52], [11, 100, 61, 140]]
    assert "overlapping_boxes" not in kinds(chosen.notes) and "reader_left_out" in kinds(chosen.notes)


def test_a_level_twice_on_a_film_is_said(tmp_path):
    film(tmp_path / "f.png")
    (tmp_path / "f.txt").write_text("0 0.5 0.2 0.2 0.1\n0 0.5 0.6 0.2 0.1\n")
    (tmp_path / "classes.txt").write_text("L1\n")
    result = read("yolo", tmp_path)
    assert "level_twice" in kinds(result.notes) and result.patches["patch_id"].tolist() == ["f_L1", "f_L1-2"]


# -- what may be overwritten -------------------------------------------------------------------------------


def test_a_manifest_with_labels_filled_in_is_not_overwritten(tmp_path):
    film(tmp_path / "f.png")
    (tmp_path / "f.txt").write_text("0 0.5 0.5 0.2 0.1\n")
    out = tmp_path / "manifest.csv"
    read("yolo", tmp_path)
    read("yolo", tmp_path)  # as it was written: again
    pd.read_csv(out).assign(label="fresh").to_csv(out, index=False)
    before = out.read_bytes()
    with pytest.raises(InputError, match="changed since it was imported"):
        read("yolo", tmp_path)
    assert out.read_bytes() == before
    read("yolo", tmp_path, ImportOptions(one_patient_per_film=True, force=True))
    assert out.read_bytes() != before


def test_films_and_unread_annotations_are_sources_too(tmp_path):
    film(tmp_path / "f.png")
    (tmp_path / "f.txt").write_text("0 0.5 0.5 0.2 0.1\n")
    (tmp_path / "g.txt").write_text("0 0.5 0.5 0.2 0.1\n")  # its film is missing
    forced = ImportOptions(one_patient_per_film=True, force=True)
    for name in ("f.png", "f.txt", "g.txt"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(InputError, match="overwrite"):
            import_annotations("yolo", tmp_path, tmp_path / name, forced)
        assert (tmp_path / name).read_bytes() == before


def test_a_file_that_no_import_wrote_is_not_overwritten(tmp_path):
    film(tmp_path / "f.png")
    (tmp_path / "f.txt").write_text("0 0.5 0.5 0.2 0.1\n")
    (tmp_path / "manifest.csv").write_text("mine\n")
    with pytest.raises(InputError, match="no import wrote it; --force"):
        read("yolo", tmp_path)
    assert (tmp_path / "manifest.csv").read_text() == "mine\n"


@pytest.mark.parametrize("source", ["train.csv", "."])
def test_the_source_is_never_overwritten(tmp_path, source):
    film(tmp_path / "f.png")
    (tmp_path / "train.csv").write_text(TWO_READERS)
    forced = ImportOptions(one_patient_per_film=True, force=True)
    with pytest.raises(InputError, match="overwrite what it is made from"):
        import_annotations("vindr", tmp_path / source, tmp_path / "train.csv", forced)
    assert (tmp_path / "train.csv").read_text() == TWO_READERS


# -- the registry ------------------------------------------------------------------------------------------


def read_lines(source, images, options):
    """A format from outside: a line a vertebra, name and corners."""
    for line in (source / "boxes.tsv").read_text().splitlines():
        name, category, *corners = line.split("\t")
        yield Box(images.find(name, source), category, *map(float, corners), str(source / "boxes.tsv"))


def test_a_format_from_outside_needs_one_entry(tmp_path, monkeypatch):
    film(tmp_path / "f.png")
    (tmp_path / "boxes.tsv").write_text("f\tL1_old\t10\t20\t30\t40\n")
    monkeypatch.setitem(FORMATS, "lines", Format("lines of our own", read_lines))
    arguments = ["import", "lines", str(tmp_path), "--out", str(tmp_path / "m.csv"), "--one-patient-per-film"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0 and "1 vertebrae on 1 films of 1 patients" in result.output
    assert pd.read_csv(tmp_path / "m.csv")["label"].tolist() == ["old"]


def test_an_unknown_format_is_named_with_all_known_ones():
    result = CliRunner().invoke(main, ["import", "tfrecord", ".", "--out", "m.csv"])
    assert result.exit_code == 2 and ", ".join(FORMATS) in result.output
    assert all(name in CliRunner().invoke(main, ["import", "--help"]).output for name in FORMATS)


def test_ready_patches_become_a_manifest(tmp_path):
    film(tmp_path / "fresh" / "P01_T12.png", 40, 30)
    film(tmp_path / "old" / "P01_L3.png", 40, 30)
    result = read("folders", tmp_path, ImportOptions(patient_pattern="(P[0-9]+)_"))
    assert result.patches[["patient_id", "level", "label"]].to_numpy().tolist() == [
        ["P01", "T12", "fresh"], ["P01", "L3", "old"]]  # fmt: skip
    assert read_cohort(tmp_path).patches["x1"].tolist() == [40, 40]
