"""Importers: known boxes from every format, bad lines named, hostile files refused."""

import json
import textwrap

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ovcf.intake.formats import FORMATS
from ovcf.intake.importers import ImportOptions, import_annotations
from ovcf.intake.importers.sources import number
from ovcf.problems import InputError


@pytest.fixture
def films(tmp_path):
    """Two grey films of 200 x 100 px called p1_a.png and p2_a.png, in images/."""
    folder = tmp_path / "set" / "images"
    folder.mkdir(parents=True)
    for name in ("p1_a", "p2_a"):
        Image.fromarray(np.full((100, 200), 90, np.uint8)).save(folder / f"{name}.png")
    return tmp_path / "set"


def run(form, source, **options):
    """Import to a manifest above the images and give what was read, with the manifest as it is on disk."""
    out = (source if source.is_dir() else source.parent) / "manifest.csv"
    if not {"patient_pattern", "patient_column"} & set(options) and not FORMATS[form].patient_pattern:
        options["one_patient_per_film"] = True
    result = import_annotations(form, source, out, ImportOptions(**options))
    return result, pd.read_csv(out, keep_default_na=False)


def boxes(table):
    return table[["x0", "y0", "x1", "y1"]].astype(float).to_numpy().tolist()


def kinds(problems):
    return [problem.kind for problem in problems]


def test_yolo_boxes_levels_and_patients(films):
    labels = films / "labels"
    labels.mkdir()
    (films / "classes.txt").write_text("T12_fresh\nL1\n")
    (labels / "p1_a.txt").write_text("1 0.5 0.75 0.1 0.2\n0 0.5 0.25 0.2 0.5\n")
    (labels / "p2_a.txt").write_text("1 0.5 0.5 0.5\n0 0.5 nan 0.1 0.1\n7 .5 .5 .1 .1\n1 0.5 0.5 1 1\n")
    result, table = run("yolo", films, patient_pattern=r"(?P<patient>p\d)_")
    assert table["level"].tolist() == ["T12", "L1", "L1"]
    assert table["label"].tolist() == ["fresh", "", ""]
    assert table["patient_id"].tolist() == ["p1", "p1", "p2"]
    assert table["image"].tolist() == ["images/p1_a.png"] * 2 + ["images/p2_a.png"]
    assert boxes(table)[:2] == [[80, 0, 120, 50], [90, 65, 110, 85]]
    assert [(problem.file, problem.row) for problem in result.problems] == [
        (str(labels / "p2_a.txt"), row) for row in (1, 2, 3)
    ]


def test_real_frontal_films_are_read_whole(shared, tmp_path):
    films = ImportOptions(one_patient_per_film=True)
    result = import_annotations("yolo", shared / "real" / "spine_frontal", tmp_path / "manifest.csv", films)
    lines = {
        path.stem: len(path.read_text().splitlines())
        for path in (shared / "real" / "spine_frontal" / "labels").glob("*.txt")
    }
    read = result.patches.groupby(result.patches["patient_id"].str.rpartition("/")[2]).size().to_dict()
    assert len(lines) == 120 and lines == read and result.problems == []
    (outline,) = [note for note in result.notes if note.kind == "upright_box"]  # one line of 2,190 is an outline
    assert outline.found == "outline" and outline.message.startswith("1 box")
    assert "missing_label" in kinds(result.notes)


def test_coco(films):
    content = {
        "images": [{"id": 1, "file_name": "images/p1_a.png"}, {"id": "2", "file_name": "p2_a.jpg"}],
        "categories": [{"id": 5, "name": "L1"}, {"id": 6, "name": "Vertebra"}],
        "annotations": [
            {"image_id": 1, "category_id": 5, "bbox": [10, 20, 30, 40]},
            {"image_id": 2, "category_id": 6, "bbox": [190, 20, 30, 40]},  # reaches 20 px beyond the film
            {"image_id": 9, "category_id": 5, "bbox": [1, 2, 3, 4]},
            {"image_id": 1, "category_id": 5, "bbox": [1, 2, 3]},
            {"image_id": 1, "category_id": 5, "bbox": [1, 2, float("nan"), 4]},
            "nonsense",
        ],
    }
    (films / "a.json").write_text(json.dumps(content))
    result, table = run("coco", films / "a.json", label_map={"vertebra": "old"})
    assert boxes(table) == [[10, 20, 40, 60], [190, 20, 200, 60]]
    assert table["label"].tolist() == ["", "old"] and table["level"].tolist() == ["L1", ""]
    assert kinds(result.problems) == ["bad_annotation"] * 4
    assert "annotations[2]" in result.problems[0].message
    assert "clipped_box" in kinds(result.notes)


def test_labelme(films):
    shapes = [
        {"label": "Th11", "shape_type": "rectangle", "points": [[40, 30], [10, 5]]},
        {"label": "L2 old", "shape_type": "polygon", "points": [[10, 50], [30, 40], [20, 70]]},
        {"label": "S1", "shape_type": "rectangle", "points": [[1, 80], [9, 90]]},
        {"label": "L3", "shape_type": "point", "points": [[1, 80]]},
        {"label": "L3", "shape_type": "polygon", "points": [[1, 80], [2], [3, 3]]},
    ]
    (films / "images" / "p1_a.json").write_text(json.dumps({"imagePath": "..\\x\\p1_a.png", "shapes": shapes}))
    result, table = run("labelme", films)
    assert table["level"].tolist() == ["T11", "L2"] and table["label"].tolist() == ["", "old"]
    assert boxes(table) == [[10, 5, 40, 30], [10, 40, 30, 70]]
    assert kinds(result.problems) == ["bad_annotation"] * 2
    assert "level_outside" in kinds(result.notes)


VOC = """<annotation><filename>p1_a.png</filename>
<object><name>L1</name><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>30</xmax><ymax>50</ymax></bndbox></object>
<object><name>L2</name><bndbox><xmin>10</xmin><ymin>x</ymin><xmax>30</xmax><ymax>90</ymax></bndbox></object>
</annotation>"""


def test_voc(films):
    (films / "p1.xml").write_text(VOC)
    result, table = run("voc", films)
    assert boxes(table) == [[10, 20, 30, 50]] and table["level"].tolist() == ["L1"]
    assert kinds(result.problems) == ["bad_annotation"]


def test_voc_refuses_entities_unexpanded(films):
    lol = "".join(f'<!ENTITY a{k} "{f"&a{k - 1};" * 10 if k else "lol"}">' for k in range(12))
    bomb = f"<?xml version='1.0'?><!DOCTYPE annotation [{lol}]><annotation>&a11;</annotation>"
    (films / "bomb.xml").write_text(bomb)
    (films / "p1.xml").write_text(VOC)
    result, table = run("voc", films)
    assert len(table) == 1 and kinds(result.problems)[0] == "unsafe_xml"


def test_vindr_takes_collapse_and_leaves_labels_empty(films):
    (films / "train.csv").write_text(
        textwrap.dedent("""\
        image_id,lesion_type,xmin,ymin,xmax,ymax,rad_id
        p1_a,Vertebral collapse,10,20,30,40,rad1
        p1_a,Osteophytes,1,2,3,4,rad1
        p2_a,No finding,,,,,rad2
        p2_a,Vertebral collapse,10,,30,40,rad2
        gone,Vertebral collapse,10,20,30,40,rad2
        p2_a,Vertebral collapse,10
        """)
    )
    result, table = run("vindr", films)
    assert boxes(table) == [[10, 20, 30, 40]] and table["label"].tolist() == [""]
    assert table["rad_id"].tolist() == ["rad1"]
    assert [(p.kind, p.row) for p in result.problems] == [
        ("cells", 7),
        ("bad_line", 5),
        ("missing_image", 6),
    ]
    assert "Osteophytes (1)" in next(p for p in result.notes if p.kind == "other_findings").message
    _, mapped = run("vindr", films, label_map={"Vertebral collapse": "old"})
    assert mapped["label"].tolist() == ["old"]


def test_vindr_names_missing_columns(films):
    (films / "train.csv").write_text("image_id,xmin\np1_a,3\n")
    with pytest.raises(InputError, match="(?s)column lesion_type is missing.*column ymin is missing"):
        run("vindr", films)


def test_buu(tmp_path):
    source = tmp_path / "buu"
    for view in ("AP", "LA"):
        (source / view).mkdir(parents=True)
        Image.fromarray(np.zeros((300, 200), np.uint8)).save(source / view / f"0012-F-067Y{view == 'LA':d}.jpg")
    lines = [f"{20 + k},{10 + 20 * k},{60 + k},{12 + 20 * k},{k % 2}" for k in range(11)]
    lines[3] = "20,oops,60,72,0"  # L2 inferior
    (source / "LA" / "0012-F-067Y1.csv").write_text("\n".join(lines))
    (source / "AP" / "0012-F-067Y0.csv").write_text("\n".join(lines))
    result, table = run("buu", source)
    assert table["level"].tolist() == ["L1", "L3", "L4", "L5"]  # the frontal film is left alone
    assert boxes(table)[0] == [20, 10, 61, 32]
    assert table["patient_id"].astype(str).str.zfill(4).unique().tolist() == ["0012"]
    assert table["age"].astype(float).unique() == 67 and table["sex"].unique() == ["female"]
    assert [(p.row, "L2inf" in p.message) for p in result.problems] == [(4, True)]


def test_pattern_that_does_not_fit_is_reported_not_guessed(films):
    (films / "p1_a.txt").write_text("0 .5 .5 .1 .1\n")
    (films / "p2_a.txt").write_text("0 .5 .5 .1 .1\n")
    result, table = run("yolo", films, patient_pattern=r"(p1)_")
    assert table["patient_id"].tolist() == ["p1"] and kinds(result.problems) == ["patient_pattern"]
    assert result.problems[0].file.endswith("p2_a.png")


def test_wrong_pattern_and_maps(films):
    with pytest.raises(InputError) as error:
        run("yolo", films, levels={"0": "L7"}, label_map={"0": "acute"})
    assert kinds(error.value.problems) == ["unknown_level", "unknown_label"]
    with pytest.raises(InputError, match="not a regular expression"):
        run("yolo", films, patient_pattern="(")


def test_a_map_for_a_category_nobody_has_is_refused(films):
    (films / "p1_a.txt").write_text("0 .5 .5 .1 .1\n")
    with pytest.raises(InputError, match="mapped category that no box has"):
        run("yolo", films, label_map={"1": "old"})


def test_paths_inside_annotations_never_leave_the_source(films, tmp_path):
    Image.fromarray(np.zeros((50, 50), np.uint8)).save(tmp_path / "secret.png")
    content = {
        "images": [{"id": 1, "file_name": "../secret.png"}],
        "categories": [{"id": 1, "name": "L1"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}],
    }
    (films / "a.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="not under"):
        run("coco", films / "a.json")


def test_a_longer_stem_is_not_mistaken_for_another_film(films):
    (films / "p1_a.2.txt").write_text("0 .5 .5 .1 .1\n")
    (films / "p1_a.txt").write_text("0 .5 .5 .1 .1\n")
    result, table = run("yolo", films)
    assert len(table) == 1 and kinds(result.problems) == ["missing_image"]


def test_nothing_read_writes_nothing(films):
    with pytest.raises(InputError):
        run("coco", films)
    assert not (films / "manifest.csv").exists()


NO_NUMBERS = ["1_000", "nan", "inf", "١", "", "1e999", "0x10", "--1", True, None, [1], 10**400]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number(text):
    with pytest.raises(ValueError):
        number(text)


HOSTILE = [
    b"",
    b"\0\xff\xfe",
    b"[" * 200_000,
    b'{"images": 9}',
    b'{"shapes": [[]]}',
    b"9" * 10_000,
    b"<a><b></a>",
    b'<?xml version="1.0" encoding="klingon"?><annotation/>',
    b'image_id\n"',
    b"0 0 0 0 0\n" * 5,
    b'{"images":[{"id":1,"file_name":"p1_a.png"}],"categories":[{"id":1,"name":"\\ud800L1"}],'
    b'"annotations":[{"image_id":1,"category_id":1,"bbox":[1,1,1e308,5]}]}',
]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_files_are_read_or_refused_in_our_words(films, form, content):
    suffix = {"yolo": "txt", "coco": "json", "labelme": "json", "voc": "xml"}.get(form, "csv")
    (films / "images" / f"p1_a.{suffix}").write_bytes(content)
    try:
        result, _ = run(form, films)
        assert len(result.patches)
    except InputError as error:
        assert all(problem.file for problem in error.problems)
