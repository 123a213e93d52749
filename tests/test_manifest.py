"""A cohort is read whole, or refused with every problem at once and where it stands."""

import json
import os
import unicodedata

import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

from ovcf.cohort.manifest import read_cohort
from ovcf.problems import InputError
from ovcf.words import LEVELS, region_of_level

HEADER = "patch_id,patient_id,image,level,label,x0,y0,x1,y1"


@pytest.fixture
def folder(tmp_path):
    """A data folder with two films of 100 x 80 (width x height)."""
    data = tmp_path / "data"
    (data / "films").mkdir(parents=True)
    for name in ("a.png", "b.png"):
        Image.fromarray(np.arange(8000, dtype=np.uint8).reshape(80, 100)).save(data / "films" / name)
    return data


def write(folder, *rows, header=HEADER, encoding="utf-8", end="\n"):
    path = folder / "manifest.csv"
    path.write_bytes((end.join([header, *rows]) + end).encode(encoding))
    return path


GOOD = (
    "001,0007,films/a.png,T12,fresh,10,10,40,30",
    "002,0007,films/a.png,L1,old,10,40,40,60",
    "003,0008,films/b.png,,old,,,,",
)


def problems(data, **options):
    """Return (kind, row, column) of every problem."""
    with pytest.raises(InputError) as caught:
        read_cohort(data, **options)
    assert all(problem.file for problem in caught.value.problems)
    return [(problem.kind, problem.row, problem.column) for problem in caught.value.problems]


# -- what is read ------------------------------------------------------------------------------------------


def test_a_good_manifest(folder):
    write(folder, *GOOD)
    for data in (folder, folder / "manifest.csv", str(folder)):
        cohort = read_cohort(data)
        assert cohort.root == folder and cohort.source == folder / "manifest.csv" and not cohort.synthetic
        assert cohort.studies is None and cohort.settings == {}
    patches = cohort.patches
    assert patches["patch_id"].tolist() == ["001", "002", "003"]  # leading zeros stay
    assert patches["patient_id"].tolist() == ["0007", "0007", "0008"]
    assert patches["level"].tolist() == ["T12", "L1", ""] and patches["region"].tolist() == ["at", "at", ""]
    assert patches[["x0", "y0", "x1", "y1"]].iloc[0].tolist() == [10, 10, 40, 30]
    assert patches[["x0", "y0", "x1", "y1"]].iloc[2].isna().all()
    assert patches["mm_per_px"].isna().all() and (patches["spacing_origin"] == "unknown").all()
    assert patches["image_width"].tolist() == [100] * 3 and patches["image_kind"].tolist() == ["PNG"] * 3


def test_optional_columns_and_columns_of_the_users_own(folder):
    write(
        folder,
        GOOD[0] + ",0.2,75,F,no,1,Siemens,3.5,09,",
        GOOD[1] + ",0,,male,1,,GE,4e-1,10,",
        GOOD[2] + ",,60.5,,yes,0,GE,,11,",
        header=HEADER + ",mm_per_px,age,sex,normal_segment,normal_height,scanner,dose,code,empty",
    )
    patches = read_cohort(folder).patches
    np.testing.assert_array_equal(patches["mm_per_px"], [0.2, np.nan, np.nan])
    np.testing.assert_array_equal(patches["age"], [75, np.nan, 60.5])
    assert patches["sex"].tolist() == ["female", "male", ""]
    assert patches["normal_segment"].tolist() == [False, True, True]
    assert patches["normal_height"].tolist() == [True, False, False]
    assert patches["spacing_origin"].tolist() == ["manifest", "unknown", "unknown"]
    assert patches["scanner"].tolist() == ["Siemens", "GE", "GE"]
    np.testing.assert_array_equal(patches["dose"], [3.5, 0.4, np.nan])
    assert patches["code"].tolist() == ["09", "10", "11"]  # a leading zero makes it a name, not a number


def test_spacing_comes_from_the_film_where_the_manifest_has_none(folder, shared):
    spine = shared / "real/dicom/pydicom_cspine_CR1_6154.dcm"
    (folder / "films/c.dcm").write_bytes(spine.read_bytes())
    write(folder, *GOOD, "4,9,films/c.dcm,,fresh,,,,")
    last = read_cohort(folder).patches.iloc[-1]
    assert last["mm_per_px"] == 0.1 and last["spacing_origin"] == "ImagerPixelSpacing (at the detector)"
    assert last["image_kind"] == "DICOM CR"


@pytest.mark.parametrize(
    "delimiter, encoding, end, note",
    [
        (",", "utf-8", "\n", ""),
        (",", "utf-8-sig", "\r\n", ""),
        (";", "utf-8", "\r\n", "semicolons"),
        ("\t", "utf-16", "\n", "UTF-16"),
        (";", "cp1252", "\n", "Windows-1252"),
        (",", "utf-8", "\r", ""),
    ],
)
def test_what_spreadsheets_save_is_read(folder, delimiter, encoding, end, note):
    rows = [line.replace(",", delimiter) for line in (HEADER + ",place", *(row + ",Köln" for row in GOOD))]
    rows[1] = rows[1].replace("10", "10,5") if delimiter == ";" else rows[1]
    write(folder, *rows[1:], header=rows[0], encoding=encoding, end=end)
    cohort = read_cohort(folder)
    assert cohort.patches["place"].tolist() == ["Köln"] * 3
    assert note in " ".join(cohort.notes) and bool(cohort.notes) == bool(note)
    assert cohort.patches["x0"].iloc[0] == (10.5 if delimiter == ";" else 10)


def test_quoted_cells_and_blank_lines_keep_their_line_numbers(folder):
    write(
        folder,
        '"1",p1,films/a.png,T12,fresh,,,,,"two\nlines, quoted"',
        "",
        '2,p2,films/b.png,T99,old,,,,,""',
        header=HEADER + ",remark",
    )
    assert problems(folder) == [("unknown_level", 5, "level")]


def test_headings_may_be_capitals_and_blanks_do_not_count(folder):
    write(folder, *GOOD, header=HEADER.replace("patch_id", " Patch_ID ").replace("label", "LABEL"))
    assert read_cohort(folder).patches["label"].tolist() == ["fresh", "old", "old"]


def test_levels_in_other_spellings(folder):
    write(folder, "1,p,films/a.png,th12,Fresh,1,1,9,9", "2,p,films/a.png,D5,OLD,11,11,19,19", GOOD[2])
    assert read_cohort(folder).patches["level"].tolist() == ["T12", "T5", ""]


@pytest.mark.parametrize("kept, written", [("NFD", "NFC"), ("NFC", "NFD")])
def test_accents_are_found_however_they_are_stored(folder, kept, written):
    name = unicodedata.normalize(kept, "films/R\xf6ntgen.png")
    (folder / "films/a.png").rename(folder / name)
    rows = [row.replace("films/a.png", unicodedata.normalize(written, name)) for row in GOOD]
    write(folder, *rows)
    assert read_cohort(folder).patches["image"].tolist()[:2] == [name] * 2


def test_a_stated_size_that_is_not_the_films_is_refused(folder):
    write(
        folder, GOOD[0] + ",100,80", GOOD[1] + ",200,160", GOOD[2] + ",,NA", header=HEADER + ",image_width,image_height"
    )
    assert problems(folder) == [("other_size", 3, "image_width"), ("other_size", 3, "image_height")]


def test_every_wrong_cell_of_studies_is_named(folder):
    write(folder, *GOOD)
    studies = "patient_id;age;mri_available\n7;61,5;TRUE\n\n;200;perhaps\n"
    (folder / "studies.csv").write_text(studies)
    found = {(row, column) for _, row, column in problems(folder)}
    assert found == {(4, "patient_id"), (4, "age"), (4, "mri_available")}


def test_regions_by_level():
    regions = [region_of_level(level) for level in LEVELS]
    assert regions == ["above"] * 5 + ["at"] * 4 + ["below"] * 4 and region_of_level("") == ""


def test_settings_and_studies_beside_the_manifest(folder):
    write(folder, *GOOD)
    (folder / "cohort.json").write_text(json.dumps({"synthetic": True, "seed": 3}))
    (folder / "studies.csv").write_text("patient_id,age,exclusion\n0007,75,\n0009,50,too young\n")
    cohort = read_cohort(folder)
    assert cohort.synthetic and cohort.settings["seed"] == 3
    assert cohort.studies["patient_id"].tolist() == ["0007", "0009"]
    (folder / "cohort.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="cohort.json"):
        read_cohort(folder)


# -- folders of ready patches ------------------------------------------------------------------------------


def ready(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(path)


def test_ready_patches_know_level_by_name_and_patient_by_table(tmp_path):
    names = ["fresh/P01_T12.png", "fresh/P02_a.png", "old/P01_L3.jpg", "old/P03.png", "old/P03.tif"]
    ready(tmp_path, *names)
    (tmp_path / "patients.csv").write_text(
        "Image;Patient ID\n" + "".join(f"{n};{n.split('/')[1][:3]}\n" for n in names)
    )
    patches = read_cohort(tmp_path).patches
    assert patches["patch_id"].tolist() == ["fresh-P01_T12", "fresh-P02_a", "old-P01_L3", "old-P03.png", "old-P03.tif"]
    assert patches["patient_id"].tolist() == ["P01", "P02", "P01", "P03", "P03"]
    assert patches["level"].tolist() == ["T12", "", "L3", "", ""]
    assert patches["x0"].isna().all() and patches["label"].tolist() == ["fresh"] * 2 + ["old"] * 3


def test_whose_a_picture_is_is_asked_never_guessed_from_its_name(tmp_path):
    ready(tmp_path, "fresh/P01_T12.png", "old/P02_L3.png")
    with pytest.raises(InputError, match=r"whose are these 2 pictures\? Give patients.csv.*--patient-pattern"):
        read_cohort(tmp_path)


def test_patients_csv_overrules_names(tmp_path):
    ready(tmp_path, "fresh/a.png", "old/b.png")
    (tmp_path / "patients.csv").write_text("image,patient_id\nfresh/a.png,007\n")
    assert problems(tmp_path) == [("empty", None, "patient_id")]
    (tmp_path / "patients.csv").write_text("image,patient_id\nfresh/a.png,007\nold/b.png,007\n")
    assert read_cohort(tmp_path).patches["patient_id"].tolist() == ["007", "007"]


def test_a_folder_that_is_no_cohort(tmp_path):
    (tmp_path / "fresh").mkdir()
    assert problems(tmp_path) == [("no_cohort", None, None)]
    assert problems(tmp_path / "nowhere") == [("missing_file", None, None)]
    (tmp_path / "old").mkdir()
    assert ("empty", None, None) in problems(tmp_path)


# -- what is refused ---------------------------------------------------------------------------------------


def test_every_problem_at_once_with_its_row_and_column(folder):
    (folder / "films/c.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    write(
        folder,
        *GOOD,
        "001,p,films/b.png,T5,fresh,1,1,9,9",  # 5: patch_id again
        ",p,films/b.png,T6,fresh,11,1,19,9",  # 6: empty id
        "6,,films/b.png,T6,fresh,21,1,29,9",  # 7: empty patient
        "7,p,films/gone.png,T6,fresh,1,1,9,9",  # 8: missing file
        "8,p,films/c.png,T6,fresh,1,1,9,9",  # 9: unreadable image
        "9,p,films/a.png,T6,fresh,50,50,120,70",  # 10: outside
        "10,p,films/a.png,T6,fresh,50,50,50,70",  # 11: no area
        "11,p,films/a.png,T6,fresh,60,50,40,70",  # 12: corners swapped
        "12,p,films/a.png,T6,fresh,50,50,,70",  # 13: partial
        "13,p,films/a.png,T6,fresh,5O,50,60,70",  # 14: letter O
        "14,p,films/a.png,T6,fresh,inf,50,60,70",  # 15
        "15,p,films/a.png,T4,fresh,1,50,9,70",  # 16: level
        "16,p,films/a.png,T6,acute,1,60,9,70",  # 17: label
        "17,p,films/a.png,T6,,1,62,9,70",  # 18: no label
        "18,p,films/a.png,T6,old,10,10,40,30",  # 19: as row 2
        "19,p,../other.png,T6,old,1,1,9,9",  # 20
        "20,p,/etc/passwd,T6,old,1,1,9,9",  # 21
        "21,p,C:\\films\\a.png,T6,old,1,1,9,9",  # 22
        "22,p,,T6,old,1,1,9,9",
    )  # 23
    box = "x0, y0, x1, y1"
    assert problems(folder) == [
        ("duplicate_patch", 5, "patch_id"),
        ("empty", 6, "patch_id"),
        ("empty", 7, "patient_id"),
        ("missing_file", 8, "image"),
        ("unreadable_image", 9, "image"),
        ("box_outside", 10, box),
        ("zero_area_box", 11, box),
        ("zero_area_box", 12, box),
        ("partial_box", 13, "x1"),
        ("number", 14, "x0"),
        ("number", 15, "x0"),
        ("unknown_level", 16, "level"),
        ("unknown_label", 17, "label"),
        ("unknown_label", 18, "label"),
        ("listed_twice", 19, "image"),
        ("path_outside", 20, "image"),
        ("path_outside", 21, "image"),
        ("path_outside", 22, "image"),
        ("empty", 23, "image"),
    ]


def test_messages_say_found_and_allowed(folder):
    write(folder, GOOD[0], GOOD[1], "3,p,films/b.png,T12,acute,90,1,130,9")
    with pytest.raises(InputError) as caught:
        read_cohort(folder)
    label, box = map(str, caught.value.problems)
    assert "manifest.csv, row 4, column label: unknown label (found 'acute'); allowed: fresh, old" in label
    assert "(found '90, 1, 130, 9'); allowed: x 0 to 100, y 0 to 80" in box


def test_labels_never_filled_in_are_one_problem(folder):
    write(folder, *(row.replace("fresh", "").replace("old", "") for row in GOOD))
    assert problems(folder) == [("empty", None, "label")]


def test_columns_missing_or_twice(folder):
    write(folder, "1,p,fresh,1,2", header="patch_id,patient_id,label,x0,x0")
    assert problems(folder) == [
        ("missing_column", 1, "image"),
        ("duplicate_column", 1, "x0"),
        ("missing_column", 1, None),
    ]


def test_lines_that_do_not_fit_the_header(folder):
    write(folder, *GOOD, "4,p,films/a.png", "5,p,films/a.png,T5,old,1,1,9,9,extra")
    assert problems(folder) == [("cells", 5, None), ("cells", 6, None)]


@pytest.mark.parametrize("label", ["fresh", "old"])
def test_one_class_only(folder, label):
    write(folder, *(row.replace("fresh", label).replace("old", label) for row in GOOD))
    assert problems(folder) == [("one_class", None, "label")]


def test_files_that_are_no_table(folder):
    for content, kind in (
        (b"", "empty"),
        (b"\xff\xfe\x00", "encoding"),
        (b"\x00" * 40, "missing_column"),
        (b"\x81\x8d\x8f\x90\x9d", "encoding"),
        (b'patch_id,"image', "quoting"),
    ):
        (folder / "manifest.csv").write_bytes(content)
        assert problems(folder)[0][0] == kind
    write(folder)
    assert problems(folder) == [("empty", None, None)]


def test_a_manifest_too_large_is_not_read(folder, monkeypatch):
    write(folder, *GOOD)
    monkeypatch.setattr("ovcf.cohort.table_file.MAX_BYTES", 100)
    assert problems(folder) == [("too_large", None, None)]
    monkeypatch.setattr("ovcf.cohort.table_file.MAX_BYTES", 10_000)
    monkeypatch.setattr("ovcf.cohort.table_file.MAX_ROWS", 2)
    assert problems(folder) == [("too_large", None, None)]


def test_links_that_leave_the_folder_need_leave(folder, tmp_path):
    (folder / "films/a.png").rename(tmp_path / "elsewhere.png")
    os.symlink(tmp_path / "elsewhere.png", folder / "films/a.png")
    write(folder, *GOOD)
    assert problems(folder) == [("path_outside", 2, "image"), ("path_outside", 3, "image")]
    assert len(read_cohort(folder, allow_outside=True).patches) == 3
    write(
        folder, "1,p,../elsewhere.png,,fresh,,,,", GOOD[1], GOOD[2], f"4,p,{tmp_path / 'elsewhere.png'},,fresh,1,1,9,9"
    )
    cohort = read_cohort(folder, allow_outside=True)
    assert (cohort.root / cohort.patches["image"].iloc[3]).is_file()


def test_pipes_and_loops_do_not_hang(folder):
    os.mkfifo(folder / "films/pipe.png")
    os.symlink("loop.png", folder / "films/loop.png")
    write(
        folder,
        *GOOD,
        "4,p,films/pipe.png,,old,,,,",
        "5,p,films/loop.png,,old,,,,",
        "6,p,films,,old,,,,",
        f"7,p,{'x' * 5000}.png,,old,,,,",
    )
    assert [row for _, row, _ in problems(folder)] == [5, 6, 7, 8]


def test_headers_alone_are_read_where_pixels_were_checked_before(folder):
    path = folder / "films/a.png"
    path.write_bytes(path.read_bytes()[:-40])
    write(folder, *GOOD)
    assert problems(folder) == [("unreadable_image", 2, "image")]
    assert len(read_cohort(folder, check_pixels=False).patches) == 3


def test_one_broken_film_of_many_vertebrae_is_said_once(folder):
    (folder / "films/a.png").write_bytes(b"nothing")
    write(folder, *GOOD)
    with pytest.raises(InputError, match=r"also rows 3") as caught:
        read_cohort(folder)
    assert len(caught.value.problems) == 1


def test_many_films_are_checked_by_all_cores(folder, monkeypatch):
    monkeypatch.setattr("ovcf.cohort.manifest.FILMS_A_BATCH", 2)
    rows = []
    for number in range(12):
        Image.new("L", (20, 20), number).save(folder / f"films/{number}.png")
        rows.append(f"{number},p{number},films/{number}.png,,{'fresh' if number % 2 else 'old'},,,,")
    (folder / "films/5.png").write_bytes(b"x" * 200)
    write(folder, *rows)
    assert problems(folder, workers=2) == [("unreadable_image", 7, "image")]


def test_headers_alone_begin_no_worker(folder, monkeypatch):
    monkeypatch.setattr("ovcf.cohort.manifest.FILMS_A_BATCH", 1)
    for number in range(6):
        Image.new("L", (20, 20), number).save(folder / f"films/{number}.png")
    write(folder, *(f"{k},p{k},films/{k}.png,,{'fresh' if k % 2 else 'old'},,,," for k in range(6)))
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    read_cohort(folder, check_pixels=False, workers=2)
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_a_worker_that_dies_is_no_traceback(folder, monkeypatch):
    write(folder, *GOOD, "4,p,films/c.png,,old,,,,", "5,p,films/d.png,,old,,,,")
    monkeypatch.setattr("ovcf.cohort.manifest.FILMS_A_BATCH", 1)
    monkeypatch.setattr("ovcf.cohort.manifest.check_film", lambda path: os._exit(1))
    assert problems(folder, workers=2) == [("worker_died", None, None)]


def test_the_table_survives_a_round_trip_through_csv(folder):
    write(folder, *GOOD)
    patches = read_cohort(folder).patches
    patches.to_csv(folder / "manifest.csv", index=False)
    again = read_cohort(folder).patches
    pd.testing.assert_frame_equal(again, patches)
