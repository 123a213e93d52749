"""De-identification: nothing that names a patient is left anywhere, and the films look the same."""

import json
import os
import stat

import numpy as np
import pandas as pd
import pydicom
import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from ovcf.cli import main
from ovcf.cohort.films import read_film
from ovcf.intake.deidentify import deidentify, deidentify_film
from ovcf.intake.deidentify.pseudonyms import SHIFT_DAYS, Pseudonyms
from ovcf.problems import InputError

SECRET = "Schneewittchen"


def speckle(rng, shape=(80, 60)):
    """A smooth grey film that the text detector has nothing to say about."""
    return np.clip(rng.normal(120, 12, shape), 0, 255).astype(np.uint8)


def dicom(path, patient="MRN-77123", **more):
    """A small radiograph full of names, dates, UIDs, private and nested fields."""
    ds = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    ds.PatientID, ds.PatientName, ds.PatientBirthDate = patient, f"{SECRET}^Anna", "19410302"
    ds.StudyDate, ds.SeriesDate, ds.AcquisitionDateTime = "20210302", "20210305", "20210302101500.0000"
    ds.InstitutionName, ds.AccessionNumber = "Haus der sieben Zwerge", "ACC-991177"
    item, deep = Dataset(), Dataset()
    deep.PatientName, deep.ReferencedSOPInstanceUID = f"{SECRET}^Nested", "1.2.3.4.5"
    item.ReferencedSOPSequence = [deep]
    ds.SourceImageSequence = [item]  # not in the profile's list: its items must be cleaned nevertheless
    ds.private_block(0x0099, SECRET, create=True).add_new(1, "LO", SECRET)
    ds.preamble = SECRET.encode().ljust(128, b"x")
    for key, value in more.items():
        setattr(ds, key, value)
    ds.save_as(path)
    return path


@pytest.fixture
def cohort(tmp_path, rng):
    """A cohort of one DICOM, one PNG with text and one JPEG with EXIF, every name holding the secret."""
    root = tmp_path / "hospital"
    (root / SECRET).mkdir(parents=True)
    dicom(root / SECRET / "a.dcm")
    info = PngInfo()
    info.add_text("Comment", SECRET)
    Image.fromarray(speckle(rng)).save(root / SECRET / "b.png", pnginfo=info)
    exif = Image.Exif()
    exif[315], exif[274] = SECRET, 6
    Image.fromarray(speckle(rng)).save(root / SECRET / "c.jpg", exif=exif, comment=SECRET.encode(), quality=90)
    pd.DataFrame(
        {
            "patch_id": [f"{SECRET}-1", "2", "3"],
            "patient_id": ["MRN-77123", "MRN-77123", "MRN-88"],
            "level": ["L1", "", "T12"],
            "label": ["fresh", "old", ""],
            "age": [95, 95, 71],
            "image": [f"{SECRET}/{name}" for name in ("a.dcm", "b.png", "c.jpg")],
            "x0": [1, "", 2],
            "y0": [1, "", 2],
            "x1": [40, "", 50],
            "y1": [40, "", 50],
            "remark": [SECRET, "", ""],
            "scanner": ["A", "B", "B"],
            "study_date": ["2021-03-02", "2021-03-12", "?"],
            "date_of_birth": ["1941-03-02"] * 3,
        }
    ).to_csv(root / "manifest.csv", index=False)
    pd.DataFrame({"patient_id": ["MRN-77123", "MRN-99"], "age": [95, 50], "exclusion": ["", SECRET]}).to_csv(
        root / "studies.csv", index=False
    )
    return root


def run(cohort, tmp_path, **options):
    return deidentify(cohort, tmp_path / "out", tmp_path / "key.json", progress=False, **options)


def everything(folder):
    """All bytes below a folder with the files' names."""
    return b"".join(
        str(path.relative_to(folder)).encode() + (path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    )


def test_nothing_that_names_a_patient_is_left(cohort, tmp_path):
    done = run(cohort, tmp_path)
    left = everything(tmp_path / "out")
    words = [SECRET, "Zwerge", "MRN-", "ACC-99", "19410302", "1941-03", "20210302", "2021-03", "1.2.3.4.5"]
    assert [word for word in words if word.encode() in left] == []
    assert done.dropped == ["date_of_birth", "remark", "scanner", "studies.csv: exclusion"]
    assert done.patients == 2 and done.films == 3


def test_films_show_the_same_and_boxes_still_fit(cohort, tmp_path):
    run(cohort, tmp_path)
    table = pd.read_csv(tmp_path / "out" / "manifest.csv", keep_default_na=False)
    old = pd.read_csv(cohort / "manifest.csv", keep_default_na=False)
    suffix = table["image"].str[-4:]
    for _, row in old.iterrows():
        new = table[suffix == row["image"][-4:]].iloc[0]
        np.testing.assert_array_equal(
            read_film(cohort / row["image"]).pixels, read_film(tmp_path / "out" / new["image"]).pixels
        )
        assert str(new["x1"]) == str(row["x1"]) and new["label"] == row["label"]
    assert table["age"].tolist().count(90) == 2  # 95 is written as 90


def test_dates_move_alike_within_a_patient(cohort, tmp_path):
    run(cohort, tmp_path)
    table = pd.read_csv(tmp_path / "out" / "manifest.csv", keep_default_na=False)
    film = next(image for image in table["image"] if image.endswith(".dcm"))
    ds = pydicom.dcmread(tmp_path / "out" / film)
    days = pd.to_datetime(table["study_date"].replace("", None))
    moved = days.dropna().sort_values()
    assert (moved.iloc[1] - moved.iloc[0]).days == 10
    assert ds.StudyDate == moved.iloc[0].strftime("%Y%m%d") == ds.AcquisitionDateTime
    assert (pd.Timestamp(ds.SeriesDate) - pd.Timestamp(ds.StudyDate)).days == 3
    assert SHIFT_DAYS[0] <= (pd.Timestamp("2021-03-02") - moved.iloc[0]).days <= SHIFT_DAYS[1]
    assert (days.isna()).sum() == 1  # what was no date is empty


def test_dicom_says_what_was_done(cohort, tmp_path):
    run(cohort, tmp_path)
    ds = pydicom.dcmread(next((tmp_path / "out").rglob("*.dcm")))
    assert ds.PatientIdentityRemoved == "YES" and str(ds.PatientName) == ds.PatientID
    assert [item.CodeValue for item in ds.DeidentificationMethodCodeSequence] == ["113100", "113107"]
    assert not any(element.tag.is_private for element in ds.iterall())
    assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID and ds.preamble == b"\0" * 128
    assert str(ds.SourceImageSequence[0].ReferencedSOPSequence[0].get("PatientName", "")) == ""
    assert ds.PixelSpacing  # what the study needs is not in the profile


def test_the_same_key_gives_the_same_names_another_key_others(cohort, tmp_path):
    run(cohort, tmp_path)
    again = deidentify(cohort, tmp_path / "again", tmp_path / "key.json", progress=False)
    deidentify(cohort, tmp_path / "other", tmp_path / "key2.json", progress=False)
    first, second, other = ((tmp_path / name / "manifest.csv").read_text() for name in ("out", "again", "other"))
    assert first == second != other and again.films == 3


def test_key_file_is_for_the_owner_and_lists_who_is_who(cohort, tmp_path):
    run(cohort, tmp_path)
    key = tmp_path / "key.json"
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
    content = json.loads(key.read_text())
    assert set(content["patients"].values()) == {"MRN-77123", "MRN-88", "MRN-99"}
    names = pd.read_csv(tmp_path / "out" / "manifest.csv")["patient_id"]
    assert set(names) < set(content["patients"])


def test_the_command_keeps_its_key_beside_the_copy(cohort, tmp_path):
    result = CliRunner().invoke(main, ["deidentify", str(cohort), str(tmp_path / "copy")])
    assert result.exit_code == 0, result.output
    assert stat.S_IMODE(os.stat(tmp_path / "copy.key.json").st_mode) == 0o600
    assert not list((tmp_path / "copy").glob("*key*"))


def test_places_are_refused_together(cohort, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(InputError) as error:
        deidentify(tmp_path / "no", tmp_path / "full", tmp_path / "full" / "key.json")
    assert [p.kind for p in error.value.problems] == ["missing_file", "not_empty", "key_inside"]
    with pytest.raises(InputError, match="apart"):
        deidentify(cohort, cohort / "sub", tmp_path / "key.json")


def test_a_failure_leaves_nothing_behind(cohort, tmp_path):
    (cohort / SECRET / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="b.png"):
        run(cohort, tmp_path)
    assert sorted(tmp_path.iterdir()) == before


def test_a_known_column_cannot_smuggle_text(cohort, tmp_path):
    table = pd.read_csv(cohort / "manifest.csv", keep_default_na=False, dtype=str)
    table.loc[1, "level"], table.loc[2, "age"] = SECRET, "seventy"
    table.to_csv(cohort / "manifest.csv", index=False)
    with pytest.raises(InputError) as error:
        run(cohort, tmp_path)
    assert [(p.row, p.column) for p in error.value.problems] == [(3, "level"), (4, "age")]
    assert not (tmp_path / "out").exists()


def test_columns_are_kept_by_name(cohort, tmp_path):
    run(cohort, tmp_path, keep=("scanner", "age"))
    table = pd.read_csv(tmp_path / "out" / "manifest.csv")
    assert sorted(table["scanner"]) == ["A", "B", "B"] and table["age"].max() == 95
    with pytest.raises(InputError, match="no such column"):
        deidentify(cohort, tmp_path / "out2", tmp_path / "key.json", keep=("scaner",), progress=False)


def test_text_in_the_pixels_is_refused_until_looked_at(cohort, tmp_path, rng):
    image = Image.fromarray(speckle(rng, (200, 300)))
    ImageDraw.Draw(image).text((20, 20), "DOE JANE 1941", fill=255, font=ImageFont.load_default(24))
    image.save(cohort / SECRET / "b.png")
    dicom(cohort / SECRET / "a.dcm", BurnedInAnnotation="YES")
    with pytest.raises(InputError) as error:
        run(cohort, tmp_path)
    assert [(p.kind, p.file[-5:]) for p in error.value.problems] == [
        ("burned_in_text", "a.dcm"),
        ("burned_in_text", "b.png"),
    ]
    assert run(cohort, tmp_path, keep_burned_in=True).films == 3


def test_a_name_in_an_uncovered_field_is_not_let_through(tmp_path):
    path = dicom(tmp_path / "a.dcm", PositionReferenceIndicator=SECRET)
    with pytest.raises(InputError, match="does not cover"):
        deidentify_film(path, tmp_path / "b.dcm", "MRN-77123", Pseudonyms(b"k" * 32))


KINDS = ["L.png", "I;16.png", "turned.png", "L.tif", "I;16.tif", "turned.tif", "RGB.jpg", "progressive.jpg"]


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_keep_their_greys_and_lose_their_text(tmp_path, rng, kind):
    mode, suffix = kind.split(".")
    source, target = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    greys = speckle(rng).astype(np.uint16) * 201 if mode == "I;16" else speckle(rng)
    image = Image.fromarray(np.stack([greys] * 3, -1) if mode == "RGB" else greys)
    extra = {"tif": {"tiffinfo": {270: SECRET, 305: SECRET}}, "jpg": {"comment": SECRET.encode()}}.get(suffix, {})
    if mode == "turned":  # boxes were drawn on the turned picture
        extra["exif"] = Image.Exif()
        extra["exif"][274] = 6
    image.save(source, **extra, **({"progressive": True} if mode == "progressive" else {}))
    source.write_bytes(source.read_bytes() + SECRET.encode())  # behind the end
    deidentify_film(source, target, "1", Pseudonyms(b"k" * 32))
    assert SECRET.encode() not in target.read_bytes()
    np.testing.assert_array_equal(read_film(source).pixels, read_film(target).pixels)


def test_real_films(shared, tmp_path):
    names, done = Pseudonyms(b"k" * 32), 0
    for path in sorted((shared / "real" / "dicom").glob("*.dcm")):
        try:
            read_film(path)
        except InputError:
            continue
        deidentify_film(path, tmp_path / path.name, "ID-12345", names)
        ds = pydicom.dcmread(tmp_path / path.name)
        assert ds.PatientIdentityRemoved == "YES"
        done += 1
    assert done >= 5


def test_uids_are_valid_consistent_and_leave_the_standards_own():
    names, uid = Pseudonyms(b"k" * 32), generate_uid()
    assert names.uid(uid) == names.uid(uid) != uid
    assert pydicom.uid.UID(names.uid(uid)).is_valid
    assert names.uid("1.2.840.10008.1.2.1") == "1.2.840.10008.1.2.1"


def test_damaged_films_are_copied_or_refused_in_our_words(tmp_path):
    sound, rng = dicom(tmp_path / "a.dcm").read_bytes(), np.random.default_rng(4)
    refused = 0
    for _ in range(60):
        damaged = bytearray(sound)
        for place in rng.integers(132, 2500, 3):
            damaged[place] = rng.integers(256)
        (tmp_path / "b.dcm").write_bytes(damaged)
        try:
            deidentify_film(tmp_path / "b.dcm", tmp_path / "c.dcm", "MRN-77123", Pseudonyms(b"k" * 32))
        except InputError as error:
            refused += 1
            assert all("b.dcm" in problem.file for problem in error.problems)
    assert 0 < refused < 60
