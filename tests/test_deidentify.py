"""De-identification: nothing that names a patient is left anywhere, and the films look the same."""

import datetime as dt
import json
import os
import re
import shutil
import stat
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
import tifffile
from click.testing import CliRunner
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from ovcf.cli import main
from ovcf.cohort.films import read_film
from ovcf.intake.deidentify import Rules, deidentify, deidentify_film, parse_masks
from ovcf.intake.deidentify.dates import read_days
from ovcf.intake.deidentify.pseudonyms import SHIFT_DAYS, Pseudonyms
from ovcf.intake.deidentify.search import hits_in_pixels
from ovcf.intake.deidentify.tables import holds_dates
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
            "study_date": ["2021-03-02", "2021-03-12 08:15:00", "?"],
            "study_uid": ["1.2.3.4", "1.2.3.4", ""],
            "date_of_birth": ["1941-03-02"] * 3,
        }
    ).to_csv(root / "manifest.csv", index=False)
    pd.DataFrame({"patient_id": ["MRN-77123", "MRN-99"], "age": [95, 50], "exclusion": ["", SECRET]}).to_csv(
        root / "studies.csv", index=False
    )
    return root


def run(cohort, tmp_path, **rules):
    return deidentify(cohort, tmp_path / "out", tmp_path / "key.json", rules=Rules(**rules), progress=False)


NAMES = Pseudonyms(b"k" * 32)


def copied(path, **rules):
    """A film's de-identified copy as a dataset, and its bytes."""
    done = deidentify_film(path, path.parent / "copy", "MRN-77123", NAMES, Rules(**rules))
    return pydicom.dcmread(done.path), done.path.read_bytes()


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
    for _, row in old.iterrows():
        new = table[table["x1"].astype(str) == str(row["x1"])].iloc[0]
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
    assert ds.StudyDate == moved.iloc[0].strftime("%Y%m%d") and "AcquisitionDateTime" not in ds
    assert (pd.Timestamp(ds.SeriesDate) - pd.Timestamp(ds.StudyDate)).days == 3
    assert SHIFT_DAYS[0] <= (pd.Timestamp("2021-03-02") - moved.iloc[0]).days <= SHIFT_DAYS[1]
    assert (days.isna()).sum() == 1  # "?" says that there is none


def test_dicom_says_what_was_done(cohort, tmp_path):
    run(cohort, tmp_path)
    ds = pydicom.dcmread(next((tmp_path / "out").rglob("*.dcm")))
    assert ds.PatientIdentityRemoved == "YES" and str(ds.PatientName) == ds.PatientID
    assert [item.CodeValue for item in ds.DeidentificationMethodCodeSequence] == ["113100", "113107", "113108"]
    assert not any(element.tag.is_private for element in ds.iterall())
    assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID and ds.preamble == b"\0" * 128
    assert ds.PixelSpacing and ds.KVP and ds.ImageType == ["ORIGINAL", "PRIMARY"]


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
    options = ["--keep", "scanner", "--allow", "remark", "--mask", f"{SECRET}/a.dcm=0,0,3,3"]
    result = CliRunner().invoke(main, ["deidentify", str(cohort), str(tmp_path / "copy"), *options])
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
    with pytest.raises(InputError, match="did you mean scanner"):
        deidentify(cohort, tmp_path / "out2", tmp_path / "key.json", rules=Rules(keep=("scaner",)), progress=False)


def with_text(path, rng, text="DOE JANE 1941"):
    image = Image.fromarray(speckle(rng, (200, 300)))
    ImageDraw.Draw(image).text((20, 20), text, fill=255, font=ImageFont.load_default(24))
    image.save(path)


def test_text_in_the_pixels_is_refused_until_looked_at_or_painted_over(cohort, tmp_path, rng):
    with_text(cohort / SECRET / "b.png", rng)
    dicom(cohort / SECRET / "a.dcm", BurnedInAnnotation="YES")
    with pytest.raises(InputError) as error:
        run(cohort, tmp_path)
    assert [(p.kind, p.file[-5:]) for p in error.value.problems] == [
        ("burned_in_text", "a.dcm"),
        ("burned_in_text", "b.png"),
    ]
    assert run(cohort, tmp_path, keep_burned_in=True).films == 3
    shutil.rmtree(tmp_path / "out")
    way_on = re.search(r"--mask '(.*?)'", error.value.problems[1].message)[1]  # what the message offers, works
    masks = parse_masks([way_on, f"{SECRET}/a.dcm=0,0,5,5"])
    done = run(cohort, tmp_path, masks=masks)
    assert done.films == 3 and "a mask covers part of the box in rows 2" in done.notes
    films = [read_film(path).pixels for path in (tmp_path / "out/films").glob("*.png")]
    (painted,) = (film for film in films if film.shape == (200, 300))
    (x0, y0, x1, y1) = masks[f"{SECRET}/b.png"][0]
    assert len(np.unique(painted[y0:y1, x0:x1])) == 1 and (x0, y0) < (22, 26) and x1 > 180


def test_masks_are_read_or_refused_with_what_would_do(cohort, tmp_path):
    assert parse_masks(["1,2,3,4", "a=b.png=5,6,7,8", "a=b.png=0,0,1,1"]) == {
        "": [(1, 2, 3, 4)],
        "a=b.png": [(5, 6, 7, 8), (0, 0, 1, 1)],
    }
    with pytest.raises(InputError) as error:
        parse_masks(["1,2,3", "5,0,4,9", "x"])
    assert [problem.found for problem in error.value.problems] == ["1,2,3", "5,0,4,9", "x"]
    with pytest.raises(InputError, match=f"did you mean {SECRET}/a.dcm"):
        run(cohort, tmp_path, masks=parse_masks([f"{SECRET}/a.dc=0,0,2,2"]))
    with pytest.raises(InputError, match="lies off the film"):
        run(cohort, tmp_path, masks=parse_masks([f"{SECRET}/a.dcm=500,0,600,2"]))


def test_text_is_sought_on_the_greys_without_their_padding(tmp_path, rng):
    """A rim of padding far from all greys must not make drawn letters look like part of the film."""
    image = Image.fromarray(speckle(rng, (200, 300)))
    ImageDraw.Draw(image).text((20, 20), "DOE JANE 1941", fill=255, font=ImageFont.load_default(24))
    stored = np.asarray(image).astype(np.int16)
    stored[150:] = 30_000
    ds = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    ds.Rows, ds.Columns, ds.PixelData, ds.PixelPaddingValue = 200, 300, stored.tobytes(), 30_000
    ds.save_as(tmp_path / "a.dcm")
    with pytest.raises(InputError, match="seem to hold text"):
        deidentify_film(tmp_path / "a.dcm", tmp_path / "b", "1", NAMES)


def test_check_finds_nobody_in_a_copy(cohort, tmp_path):
    from ovcf.intake.check.identity import header_facts

    before = header_facts(cohort / SECRET / "a.dcm")
    assert {"PatientName", "InstitutionName", "AccessionNumber"} <= set(before["identifying"].split(", "))
    run(cohort, tmp_path)
    for path in (tmp_path / "out/films").iterdir():
        facts = header_facts(path)
        assert (facts["identifying"], facts["age"]) == ("", "")


# -- what is left behind -----------------------------------------------------------------------------------


def test_drawings_in_spare_bits_are_left_behind(tmp_path, rng):
    """Field case 05: an overlay in bit 15 of the pixels spelt the name."""
    stored = rng.integers(0, 4096, (40, 160)).astype(np.uint16)
    image = Image.new("1", (160, 40))
    ImageDraw.Draw(image).text((2, 2), "WU LI 1940", fill=1)
    ds = pydicom.dcmread(dicom(tmp_path / "a.dcm"))
    ds.Rows, ds.Columns, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 40, 160, 12, 11, 0
    ds.PixelData = (stored | (np.asarray(image).astype(np.uint16) << 15)).tobytes()
    ds.add_new(0x60000010, "US", 40)
    ds.add_new(0x60000102, "US", 15)
    del ds.PixelPaddingValue
    ds.save_as(tmp_path / "a.dcm")
    new, _ = copied(tmp_path / "a.dcm")
    np.testing.assert_array_equal(np.frombuffer(new.PixelData, np.uint16).reshape(40, 160), stored)
    assert not any(element.tag.group == 0x6000 for element in new)


@pytest.mark.parametrize(
    "name, charset, left",
    [
        ("Wang^Wei", "ISO_IR 100", "WEI"),
        ("王^伟", "ISO_IR 192", "王伟"),
        ("Ng^A", "ISO_IR 100", "ng"),
        ("Müller-Öz^Ü", "ISO_IR 100", "MULLER"),
        ("Дюма^Ян", "ISO_IR 192", "ЯН"),
    ],
)
def test_short_and_foreign_names_do_not_stay(tmp_path, name, charset, left):
    """Field case 07: kept elements hold words of the standard; copied ones are searched for every part of a name."""
    more = {
        "OperatorsName": name,
        "ImageType": ["ORIGINAL", "PRIMARY", left.upper() * left.isascii()],
        "StudyDescription": f"Rx {left}",
    }
    path = dicom(tmp_path / "a.dcm", SpecificCharacterSet=charset, WindowCenterWidthExplanation=left, **more)
    new, data = copied(path)
    assert new.ImageType == ["ORIGINAL", "PRIMARY"] and "StudyDescription" not in new
    assert len(left.encode()) < 4 or left.encode() not in data
    with pytest.raises(InputError, match="StudyDescription: holds a part of a name .* --allow StudyDescription"):
        copied(path, keep=("StudyDescription",))
    assert copied(path, allow=("StudyDescription",))[0].StudyDescription == f"Rx {left}"


def test_an_anonymised_film_is_taken(tmp_path):
    """Field case 09: what stands for a name, and what the tool writes itself, is not sought."""
    for name in ("Anonymized", "ANONYMOUS", "ovcf^deidentify", "Basic^Profile", ""):
        path = dicom(tmp_path / "a.dcm", PatientName=name, OperatorsName="Op^X", InstitutionName="anonymized")
        assert copied(path)[0].PatientIdentityRemoved == "YES"


def test_a_name_in_a_copied_column_is_named_with_its_row(cohort, tmp_path):
    with pytest.raises(InputError) as error:
        run(cohort, tmp_path, keep=("remark", "scanner"))
    assert [(p.row, p.column) for p in error.value.problems] == [(2, "remark")]
    assert "--allow remark" in str(error.value)
    assert run(cohort, tmp_path, allow=("remark",)).films == 3


def test_a_name_spelt_by_pixels_or_tables_is_refused_with_the_way_on(tmp_path):
    ds = pydicom.dcmread(dicom(tmp_path / "a.dcm"))
    pixels = bytearray(ds.PixelData)
    pixels[100:114] = SECRET.encode()
    ds.PixelData = bytes(pixels)
    ds.save_as(tmp_path / "a.dcm")
    with pytest.raises(InputError, match="PixelData: the pixels spell .* --mask"):
        copied(tmp_path / "a.dcm")
    assert copied(tmp_path / "a.dcm", allow=("PixelData",))
    assert copied(tmp_path / "a.dcm", masks=parse_masks(["0,0,128,1"]))


def test_what_a_message_offers_works_on_the_command_line(cohort, tmp_path):
    path = cohort / SECRET / "a.dcm"
    ds = pydicom.dcmread(path)
    ds.PixelData = SECRET.encode() + ds.PixelData[len(SECRET) :]
    ds.save_as(path)
    call = ["deidentify", str(cohort), str(tmp_path / "copy"), "--keep", "StudyID", "--keep", "remark"]
    ways_on = []
    for expected in ("--allow PixelData", "--allow remark"):
        result = CliRunner().invoke(main, [*call, *ways_on])
        assert result.exit_code == 2 and expected in result.output, result.output
        ways_on += expected.split(" ")
    assert CliRunner().invoke(main, [*call, *ways_on]).exit_code == 0


def test_chance_words_in_noise_are_no_names(rng):
    """Neighbouring greys are near letters: a noisy 8-bit film holds every short word of them."""
    film = np.clip(rng.normal(106, 4, (700, 900)), 0, 255).astype(np.uint8)
    words = {"hijk", "jiji", "gehl", "ijab"}
    assert any(word.encode() in film.tobytes() for word in words)
    assert hits_in_pixels(film, 8, words) == []
    film[300, 40:55] = np.frombuffer(b"schneewittchen!", np.uint8)
    assert hits_in_pixels(film, 8, {*words, "schneewittchen"}) == ["schneewittchen"]


def test_devices_stay_apart_without_their_names(tmp_path):
    first, again, other = (
        copied(dicom(tmp_path / "a.dcm", Manufacturer=maker, ManufacturerModelName="X 1"))[0]
        for maker in ("Zwerge AG", "Zwerge AG", "Riesen AG")
    )
    assert first.Manufacturer == again.Manufacturer != other.Manufacturer and "Zwerge" not in first.Manufacturer
    assert first.ManufacturerModelName == other.ManufacturerModelName
    named = copied(dicom(tmp_path / "a.dcm", Manufacturer="Riesen AG"), keep=("Manufacturer",))[0]
    assert named.Manufacturer == "Riesen AG"


def test_numbers_words_and_references_are_kept_and_nothing_else_in_their_place(tmp_path):
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "1.2.3.4.5"
    item.PurposeOfReferenceCodeSequence = [Dataset()]
    more = dict(PatientAge="087Y", PatientSex="F", Laterality="L", ViewPosition="LL", FrameOfReferenceUID="1.2.3.9")
    done = deidentify_film(
        dicom(tmp_path / "a.dcm", SourceImageSequence=[item], BodyPartExamined="GIRL", **more),
        tmp_path / "b",
        "1",
        NAMES,
    )
    new = pydicom.dcmread(done.path)
    assert (new.PatientAge, new.PatientSex, new.Laterality, new.ViewPosition) == ("085Y", "F", "L", "LL")
    assert new.SourceImageSequence[0].ReferencedSOPInstanceUID == NAMES.uid("1.2.3.4.5")
    assert "PurposeOfReferenceCodeSequence" not in new.SourceImageSequence[0]
    assert new.FrameOfReferenceUID == NAMES.uid("1.2.3.9") and done.lost == ["BodyPartExamined"]
    old = dicom(tmp_path / "a.dcm", PatientAge="", PatientBirthDate="19300101")
    assert copied(old)[0].PatientAge == "090Y"  # 91 years old


def test_copied_elements_must_be_of_a_kind_that_can_be_copied(cohort, tmp_path):
    with pytest.raises(InputError) as error:
        run(cohort, tmp_path, keep=("SourceImageSequence", "StationNam"))
    assert [p.kind for p in error.value.problems] == ["kind_of_element", "unknown_column"]


def test_tables_of_uids_and_documented_numbers_stay(cohort, tmp_path):
    table = pd.read_csv(cohort / "manifest.csv", keep_default_na=False, dtype=str)
    table["anterior_height_mm"] = ["21.5", "", "NA"]
    table.to_csv(cohort / "manifest.csv", index=False)
    run(cohort, tmp_path)
    new = pd.read_csv(tmp_path / "out/manifest.csv", keep_default_na=False, dtype=str)
    assert sorted(new["anterior_height_mm"]) == ["", "", "21.5"]
    names = Pseudonyms(bytes.fromhex(json.loads((tmp_path / "key.json").read_text())["key"]))
    assert sorted(new["study_uid"]) == ["", names.uid("1.2.3.4"), names.uid("1.2.3.4")]


KINDS = ["L.png", "I;16.png", "turned.png", "L.tif", "I;16.tif", "turned.tif", "RGB.jpg", "progressive.jpg"]


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_keep_their_greys_and_lose_their_text(tmp_path, rng, kind):
    mode, suffix = kind.split(".")
    source = tmp_path / f"a.{suffix}"
    greys = speckle(rng).astype(np.uint16) * 201 if mode == "I;16" else speckle(rng)
    image = Image.fromarray(np.stack([greys] * 3, -1) if mode == "RGB" else greys)
    extra = {"tif": {"tiffinfo": {270: SECRET, 305: SECRET}}, "jpg": {"comment": SECRET.encode()}}.get(suffix, {})
    if mode == "turned":  # boxes were drawn on the turned picture
        extra["exif"] = Image.Exif()
        extra["exif"][274] = 6
    image.save(source, **extra, **({"progressive": True} if mode == "progressive" else {}))
    source.write_bytes(source.read_bytes() + SECRET.encode())  # behind the end
    target = deidentify_film(source, tmp_path / "b", "1", NAMES).path
    assert SECRET.encode() not in target.read_bytes() and target.suffix == ".png"
    np.testing.assert_array_equal(read_film(source).pixels, read_film(target).pixels)
    with Image.open(target) as copy:
        assert copy.info == {} and not copy.getexif()


@pytest.mark.parametrize(
    "dtype, photometric",
    [
        *((dtype, "minisblack") for dtype in ("int8", "uint32", "int32", "int16", "float32")),
        *((dtype, "miniswhite") for dtype in ("uint8", "uint16", "float32")),
    ],
)
def test_tiffs_of_unusual_depth_keep_their_greys(tmp_path, dtype, photometric):
    kind = np.dtype(dtype)
    low, high = (-1.5, 2.5) if kind.kind == "f" else (np.iinfo(kind).min, np.iinfo(kind).max)
    slope = np.linspace(0, 1, 600).reshape(20, 30)
    tifffile.imwrite(tmp_path / "a.tif", (low + slope * (high - low)).astype(kind), photometric=photometric)
    target = deidentify_film(tmp_path / "a.tif", tmp_path / "b", "1", NAMES).path
    np.testing.assert_allclose(read_film(tmp_path / "a.tif").pixels, read_film(target).pixels, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_public_files_are_taken(tmp_path):
    """pydicom's own test files, most of them anonymised: every one that is a film is written and looks the same."""
    folder, done = Path(pydicom.__file__).parent / "data", 0
    for path in sorted(folder.rglob("*")):
        try:
            read_film(path)
        except InputError:
            continue
        new, _ = copied_to(path, tmp_path / f"{done}")
        assert new.PatientIdentityRemoved == "YES" and new.PatientID.startswith("P")
        done += 1
    assert done == 71  # of pydicom 3.0.2


def copied_to(path, target):
    done = deidentify_film(path, target, "ID-12345", NAMES)
    return pydicom.dcmread(done.path), done


def test_real_films(shared, tmp_path):
    refused = []
    for path in sorted((shared / "real" / "dicom").glob("*.dcm")):
        try:
            assert copied_to(path, tmp_path / path.stem)[0].PatientIdentityRemoved == "YES"
        except InputError as error:
            refused.append((path.name, error.problems[0].kind))
    assert refused == [("pydicomdata_vlut_04.dcm", "burned_in_text")]  # SMPTE TEST PATTERN stands in its pixels


def test_names_planted_all_over_are_not_found_by_other_means(tmp_path):
    """A short run of benchmarks/deidentify_names.py."""
    import deidentify_names

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts, found = deidentify_names.run(60, 3, tmp_path)
    assert (counts["copied"], counts["leaks"], found) == (60, 0, [])


def test_the_search_of_the_benchmark_finds_what_is_planted(tmp_path):
    """A search that finds nothing anywhere would prove nothing: nearly every film as it was is full of finds."""
    import deidentify_names

    blind = []
    for number in range(40):
        film = deidentify_names.planted(np.random.default_rng([3, number]))
        if film.suffix != ".dcm":
            continue
        (tmp_path / "a.dcm").write_bytes(film.data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not deidentify_names.leaks(tmp_path / "a.dcm", film.names):
                blind.append(film.places)
    assert len(blind) <= 3, blind  # short names in spare bits or padding alone


# -- dates ---------------------------------------------------------------------------------------------------


def test_columns_of_dates_are_known_by_their_names():
    dates = ["date", "study_date", "StudyDate", "MRI date", "date1", "examdate", "Untersuchungsdatum", "dates of MRI"]
    assert all(map(holds_dates, dates))
    assert not any(
        map(holds_dates, ["candidate", "update", "validated", "mandate", "sedated", "date_of_birth", "birthDate"])
    )


@pytest.mark.parametrize(
    "cells",
    [
        ["2021-03-02", "2021-03-12T10:15:00Z", "2021-03-13 08:00"],
        ["20210302", "20210312101500.0000", ""],
        ["02.03.2021", "2.3.2021", "25.12.2020"],
        ["25/12/2020", "01/02/2021", "NA"],
        ["12/25/2020 3:15 PM", "02/01/2021 03:15 AM", "-"],
        ["2 Mar 2021", "12 March 2021", "?"],
        ["Mar 2, 2021", "March 12, 2021"],
        ["2021年3月2日", "2021年12月25日"],
        ["2021/03/02", "2021.03.02"],
        ["25.12.20", "31.01.21"],
    ],
)
def test_dates_of_any_readable_format_are_read(cells):
    days = read_days(cells)
    assert not any(isinstance(day, str) for day in days), days
    assert [day is None for day in days] == [cell in ("", "NA", "-", "?") for cell in cells]
    assert {day.year for day in days if day} <= {2020, 2021}


def test_day_and_month_are_not_guessed():
    assert read_days(["03/04/2021", "05/06/2021"]) == ["day and month could be either way round"] * 2
    assert read_days(["03/04/2021", "25/06/2021"]) == [dt.date(2021, 4, 3), dt.date(2021, 6, 25)]  # the other tells
    assert read_days(["04/04/2021"]) == [dt.date(2021, 4, 4)]  # either way the same
    assert read_days(["2021-13-02", "spring", "1941", "44257", "0203-01-02"]) == ["no date that can be read"] * 5
    assert read_days(["2021-03-02", "2021-02-30"]) == [dt.date(2021, 3, 2), "no date that can be read"]


def test_dates_that_cannot_be_read_are_refused_with_their_rows(cohort, tmp_path):
    table = pd.read_csv(cohort / "manifest.csv", keep_default_na=False, dtype=str)
    table["mri_date"] = ["2021-03-01", "spring", "1.4.21"]
    table.to_csv(cohort / "manifest.csv", index=False)
    with pytest.raises(InputError) as error:
        run(cohort, tmp_path)
    assert [(p.row, p.column, p.found) for p in error.value.problems] == [(3, "mri_date", "spring")]


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
            deidentify_film(tmp_path / "b.dcm", tmp_path / "c", "MRN-77123", NAMES)
        except InputError as error:
            refused += 1
            assert all("b.dcm" in problem.file for problem in error.problems)
    assert 0 < refused < 60
