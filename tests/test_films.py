"""Films of every kind come out as greys with bone bright, or are refused with their name."""

import multiprocessing
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from ovcf.cohort.films import check_film, read_film, read_header
from ovcf.cohort.films.decoder import IDLE_SECONDS
from ovcf.problems import InputError

pydicom = pytest.importorskip("pydicom")


@pytest.fixture
def greys(rng):
    """8-bit greys (20 high, 30 wide) that hold both ends of the range."""
    values = rng.integers(0, 256, (20, 30)).astype(np.uint8)
    values.flat[:2] = 0, 255
    return values


def dicom(path, stored, bits=None, **elements):
    """Write a minimal DICOM file of one grey frame; None removes an element."""
    from pydicom.uid import ExplicitVRLittleEndian

    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = "1.2.3"
    ds.Modality, ds.PhotometricInterpretation, ds.SamplesPerPixel = "CR", "MONOCHROME2", 1
    ds.Rows, ds.Columns = stored.shape
    ds.BitsAllocated = 8 * stored.itemsize
    ds.BitsStored = bits or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(stored.dtype.kind == "i")
    ds.PixelData = stored.tobytes()
    for keyword, value in elements.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds.save_as(path, enforce_file_format=True)
    return path


def refused(path, *words):
    """Assert that a file is refused with its name and these words, by all three ways in."""
    with pytest.raises(InputError) as caught:
        read_film(path)
    assert path.name in str(caught.value)
    for word in words:
        assert word in str(caught.value)


# -- PNG, JPEG, TIFF ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.tif", "no_suffix"])
def test_eight_bits_are_scaled_by_the_display_range(tmp_path, greys, name):
    path = tmp_path / name
    Image.fromarray(greys).save(path, format="TIFF" if "tif" in name else "PNG")
    film = read_film(path)
    assert film.pixels.dtype == np.float32
    np.testing.assert_array_equal(film.pixels, greys.astype(np.float32) / np.float32(255))
    assert np.isnan(film.mm_per_px) and film.spacing_origin == "unknown"


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_stretched_since_containers_are_seldom_full(tmp_path, rng, suffix):
    stored = rng.integers(100, 4096, (20, 30)).astype(np.uint16)  # 12 bits in 16
    Image.fromarray(stored).save(tmp_path / f"a.{suffix}")
    film = read_film(tmp_path / f"a.{suffix}")
    expected = (stored - stored.min()) / (stored.max() - stored.min())
    np.testing.assert_allclose(film.pixels, expected, atol=1e-6)
    assert film.bits == 16 and "stretched" in " ".join(film.notes)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_zero_tiff_is_inverted(tmp_path, rng, dtype):
    stored = rng.integers(0, 256, (8, 9)).astype(dtype)
    stored.flat[:2] = 0, 255
    Image.fromarray(stored).save(tmp_path / "a.tif", tiffinfo={262: 0})
    # Pillow inverts 8-bit data when saving with this tag as well, so the plain picture comes back
    plain = stored / 255 if dtype == np.uint8 else 1 - stored / 255
    np.testing.assert_allclose(read_film(tmp_path / "a.tif").pixels, plain, atol=1e-6)


def test_jpeg_saved_in_colour_is_read_with_a_note(tmp_path, greys):
    smooth = np.repeat(np.repeat(greys, 8, 0), 8, 1)
    Image.fromarray(np.stack([smooth] * 3, axis=-1)).save(tmp_path / "a.jpg", quality=95)
    film = read_film(tmp_path / "a.jpg")
    assert np.abs(film.pixels - smooth / 255).mean() < 0.02
    assert any("colour" in note for note in film.notes)


def test_real_colour_is_refused_but_a_coloured_mark_is_not(tmp_path, rng):
    rgb = np.repeat(rng.integers(0, 256, (40, 40, 1)), 3, axis=2).astype(np.uint8)
    rgb[5, 5:10] = 255, 255, 0  # five pixels of 1,600
    Image.fromarray(rgb).save(tmp_path / "marked.png")
    assert "0.31% of its pixels are coloured" in " ".join(read_film(tmp_path / "marked.png").notes)
    rgb[:20] = 200, 80, 60
    Image.fromarray(rgb).save(tmp_path / "photo.png")
    refused(tmp_path / "photo.png", "colour picture", "50%")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_tag_is_followed_in_pixels_and_header(tmp_path, suffix, orientation):
    upright = np.zeros((16, 32), np.uint8)
    upright[:8, :8] = 255  # bright where a viewer shows the top left
    undo = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: np.rot90(upright, 2).T,
        8: np.rot90(upright, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.ascontiguousarray(undo[orientation])).save(path, exif=exif)
    film, header = read_film(path), read_header(path)
    np.testing.assert_allclose(film.pixels, upright / 255, atol=0.05)
    assert (header.height, header.width) == film.pixels.shape == (16, 32)
    assert bool(film.notes) == (orientation > 1)


@pytest.mark.parametrize("dtype", ["int8", "uint32", "int32", "int16", "float32"])
def test_tiffs_of_unusual_depth_keep_their_order(tmp_path, dtype):
    """Field case 17: Pillow alone wraps signed 8-bit and large 32-bit numbers."""
    kind = np.dtype(dtype)
    low, high = (-1.5, 2.5) if kind.kind == "f" else (np.iinfo(kind).min, np.iinfo(kind).max)
    slope = np.linspace(0, 1, 600).reshape(20, 30)
    tifffile.imwrite(tmp_path / "a.tif", (low + slope * (high - low)).astype(kind))
    film = read_film(tmp_path / "a.tif")
    np.testing.assert_allclose(film.pixels, slope, atol=0.005)
    assert check_film(tmp_path / "a.tif").bits == 8 * kind.itemsize


@pytest.mark.parametrize("dtype, words", [("float64", "64-bit floats"), ("uint64", "64-bit unsigned numbers")])
def test_tiffs_of_numbers_no_radiograph_has_are_named(tmp_path, dtype, words):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((9, 9), dtype))
    refused(tmp_path / "a.tif", words, "8 or 16 bits")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_a_picture_that_crashes_its_decoder_is_refused_by_name(tmp_path, greys, monkeypatch, suffix):
    import os

    from ovcf.cohort.films import pictures

    Image.fromarray(greys).save(tmp_path / f"a.{suffix}")
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "decode_picture", lambda path: os.abort())
        refused(tmp_path / f"a.{suffix}", "crashed")
    assert read_film(tmp_path / f"a.{suffix}").pixels.shape == (20, 30)


def test_a_worker_that_decoded_a_film_ends_at_once(tmp_path, greys):
    """A process waits for its children before it ends, and an idle decoder would stay for five minutes."""
    Image.fromarray(greys).save(tmp_path / "film.png")
    worker = multiprocessing.get_context("spawn").Process(target=read_film, args=(tmp_path / "film.png",))
    worker.start()
    worker.join(timeout=IDLE_SECONDS / 5)
    ended = worker.exitcode
    worker.kill()
    assert ended == 0


def test_several_frames_are_refused(tmp_path, greys):
    Image.fromarray(greys).save(tmp_path / "a.tif", save_all=True, append_images=[Image.fromarray(greys)])
    refused(tmp_path / "a.tif", "several pictures")


def test_other_formats_and_no_file_are_refused(tmp_path, greys):
    Image.fromarray(greys).save(tmp_path / "a.gif")
    refused(tmp_path / "a.gif", "PNG, JPEG, TIFF or DICOM")
    refused(tmp_path / "gone.png", "no such file")
    refused(tmp_path, "no such file")
    (tmp_path / "empty.png").write_bytes(b"")
    refused(tmp_path / "empty.png", "no picture")


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "dcm"])
def test_truncated_files_are_found_without_reading_them_fully(tmp_path, rng, suffix):
    path = tmp_path / f"a.{suffix}"
    stored = rng.integers(0, 256, (64, 64)).astype(np.uint8)
    dicom(path, stored) if suffix == "dcm" else Image.fromarray(stored).save(path)
    assert check_film(path).width == 64
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(InputError, match=path.name):
        check_film(path)
    refused(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_tiny_pictures_are_pictures(tmp_path, suffix):
    Image.new("L", (3, 2), 77).save(tmp_path / f"a.{suffix}")
    assert check_film(tmp_path / f"a.{suffix}").width == 3
    assert read_film(tmp_path / f"a.{suffix}").pixels.shape == (2, 3)


def test_a_jpeg_of_endless_scans_is_refused(tmp_path, greys):
    Image.fromarray(greys).save(tmp_path / "a.jpg", progressive=True)
    assert read_film(tmp_path / "a.jpg").pixels.shape == (20, 30)
    data = (tmp_path / "a.jpg").read_bytes()
    at = data.rfind(b"\xff\xda")
    (tmp_path / "a.jpg").write_bytes(data[:at] + data[at:-2] * 500 + b"\xff\xd9")
    refused(tmp_path / "a.jpg", "too many scans")


def test_bombs_are_refused_before_they_grow(tmp_path):
    def png(width, height):
        def chunk(name, data):
            return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)

        head = width.to_bytes(4) + height.to_bytes(4) + b"\x08\x00\x00\x00\x00"
        data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + data

    for size in ((50_000, 50_000), (40_000, 10), (2**31 - 1, 2**31 - 1)):
        (tmp_path / "bomb.png").write_bytes(png(*size))
        refused(tmp_path / "bomb.png", "larger than any radiograph")
    Image.new("L", (100, 100)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="at most 30000 a side and 5000 pixels"):
        read_film(tmp_path / "a.png", max_pixels=5000)


# -- DICOM -------------------------------------------------------------------------------------------------


def test_monochrome1_is_the_negative(tmp_path, greys):
    plain = read_film(dicom(tmp_path / "2.dcm", greys)).pixels
    negative = read_film(dicom(tmp_path / "1.dcm", greys, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(negative.pixels, 1 - plain)
    assert any("MONOCHROME1" in note for note in negative.notes)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_match_pydicom_after_the_rescale(tmp_path, rng, function):
    stored = rng.integers(0, 4096, (20, 30)).astype(np.uint16)
    path = dicom(
        tmp_path / "a.dcm",
        stored,
        bits=12,
        RescaleSlope="0.684",
        RescaleIntercept="200",
        WindowCenter=["1600", "900"],
        WindowWidth=["2800", "300"],
        VOILUTFunction=function,
    )
    ds = pydicom.dcmread(path)
    values = pydicom.pixels.apply_modality_lut(ds.pixel_array, ds)
    low, high = 200, 0.684 * 4095 + 200  # what pydicom scales to
    for index, window in ((0, None), (1, 1), (1, (900, 300))):
        expected = (pydicom.pixels.apply_windowing(values, ds, index=index) - low) / (high - low)
        np.testing.assert_allclose(read_film(path, window=window).pixels, expected, atol=1e-5)


def test_full_range_and_unusable_windows(tmp_path, rng):
    stored = rng.integers(50, 4000, (20, 30)).astype(np.uint16)
    stretched = (stored - stored.min()) / (stored.max() - stored.min())
    path = dicom(tmp_path / "a.dcm", stored, bits=12, WindowCenter="1000", WindowWidth="0")
    np.testing.assert_allclose(read_film(path).pixels, stretched, atol=1e-6)
    path = dicom(tmp_path / "b.dcm", stored, bits=12, WindowCenter="1000", WindowWidth="100")
    np.testing.assert_allclose(read_film(path, window="full").pixels, stretched, atol=1e-6)
    path = dicom(tmp_path / "c.dcm", stored, bits=12, WindowCenter="9000", WindowWidth="100")
    np.testing.assert_allclose(read_film(path).pixels, stretched, atol=1e-6)
    assert read_film(path, window=0).pixels.max() == 0  # asked for, so given
    assert any("would blank the film" in note for note in read_film(path).notes)


def test_a_window_the_film_does_not_have_is_refused(tmp_path, greys):
    path = dicom(tmp_path / "a.dcm", greys, WindowCenter=["100", "90"], WindowWidth=["80", "60"])
    for window in (2, -1, True, "lung", (100, 0), (100,), ("a", "b"), (float("nan"), 3)):
        with pytest.raises(InputError, match="a.dcm.* window"):
            read_film(path, window=window)


def voi_lut(descriptor, data):
    lut = pydicom.Dataset()
    lut.LUTDescriptor, lut.LUTData = descriptor, np.array(data, "<u2").tobytes()
    return [lut]


def test_voi_lut_is_looked_up_after_the_rescale_and_before_any_window(tmp_path):
    stored = np.array([[0, 1], [2, 3]], np.uint8)
    options = dict(RescaleSlope="2", RescaleIntercept="0", WindowCenter="1", WindowWidth="1")
    lut = voi_lut([8, 0, 12], [0, 9, 4095, 9, 2000, 9, 1000, 9])
    film = read_film(dicom(tmp_path / "a.dcm", stored, VOILUTSequence=lut, **options))
    np.testing.assert_allclose(film.pixels, np.array([[0, 4095], [2000, 1000]]) / 4095, atol=1e-6)
    sparse = voi_lut([8, 0, 16], [0, 9, 4095, 9, 2000, 9, 1000, 9])  # the descriptor boasts
    film = read_film(dicom(tmp_path / "b.dcm", stored, VOILUTSequence=sparse, **options))
    np.testing.assert_allclose(film.pixels, np.array([[0, 4095], [2000, 1000]]) / 4095, atol=1e-6)
    assert any("fills little" in note for note in film.notes)
    refused(dicom(tmp_path / "c.dcm", stored, VOILUTSequence=voi_lut([8, 0, 0], range(8))), "0 bits")


def test_a_rescale_that_changes_nothing_changes_nothing(tmp_path, greys):
    plain = read_film(dicom(tmp_path / "a.dcm", greys // 2)).pixels
    same = read_film(dicom(tmp_path / "b.dcm", greys // 2, RescaleSlope="1", RescaleIntercept="0")).pixels
    np.testing.assert_array_equal(plain, same)


def test_raw_pixels_are_noted(tmp_path, greys):
    film = read_film(dicom(tmp_path / "a.dcm", greys, PresentationIntentType="FOR PROCESSING"))
    assert any("raw signal" in note for note in film.notes)


@pytest.mark.parametrize("implicit", [True, False])
def test_files_without_the_header_of_today_are_read(tmp_path, greys, implicit):
    ds = pydicom.dcmread(dicom(tmp_path / "a.dcm", greys))
    del ds.file_meta
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydicom.dcmwrite(tmp_path / "old.dcm", ds, implicit_vr=implicit, little_endian=True)
    np.testing.assert_allclose(read_film(tmp_path / "old.dcm").pixels, greys / 255, atol=1e-6)


def test_bits_above_those_stored_are_dropped(tmp_path, rng):
    stored = rng.integers(0, 4096, (20, 30)).astype(np.uint16)
    plain = read_film(dicom(tmp_path / "a.dcm", stored, bits=12)).pixels
    drawn = read_film(dicom(tmp_path / "b.dcm", stored | 0xF000, bits=12)).pixels
    np.testing.assert_array_equal(plain, drawn)


def test_an_overlay_in_spare_bits_is_left_out_and_said(tmp_path, rng):
    stored = rng.integers(0, 4096, (20, 30)).astype(np.uint16)
    plain = read_film(dicom(tmp_path / "a.dcm", stored, bits=12))
    drawn = stored.copy()
    drawn[3:6, 4:20] |= 0x8000
    film = read_film(dicom(tmp_path / "b.dcm", drawn, bits=12))
    np.testing.assert_array_equal(plain.pixels, film.pixels)
    assert "bits above BitsStored (12) are set in 8.00% of the pixels: left out" in film.notes


def test_left_justified_numbers_are_moved(tmp_path, rng):
    stored = rng.integers(0, 4096, (20, 30)).astype(np.uint16)
    options = dict(bits=12, WindowCenter="2000", WindowWidth="3000")
    plain = read_film(dicom(tmp_path / "a.dcm", stored, **options)).pixels
    left = read_film(dicom(tmp_path / "b.dcm", stored << 4, HighBit=15, **options))
    np.testing.assert_array_equal(plain, left.pixels)
    assert any("left-justified, and were moved by 4 bits" in note for note in left.notes)
    wrong = read_film(dicom(tmp_path / "c.dcm", stored, HighBit=15, **options))  # the header errs, the numbers do not
    np.testing.assert_array_equal(plain, wrong.pixels)
    assert "HighBit 15 says left-justified, the numbers are not" in wrong.notes


def test_a_film_with_more_bits_than_its_header_says_is_read_whole(tmp_path):
    slope = np.add.outer(np.arange(80) * 300, np.arange(90) * 300).astype(np.uint16)  # smooth, to 50,700
    film = read_film(dicom(tmp_path / "a.dcm", slope, bits=12))
    np.testing.assert_allclose(film.pixels, slope / slope.max(), atol=1e-6)
    assert "BitsStored is 12, but the picture has 16 bits: all are read" in film.notes


def test_signed_numbers_of_few_bits_carry_their_sign_on(tmp_path):
    stored = np.arange(-8, 8, dtype=np.int16).reshape(4, 4)
    film = read_film(dicom(tmp_path / "a.dcm", stored & 0xFF, bits=8))  # the sign bit is the eighth
    np.testing.assert_allclose(film.pixels.ravel(), np.arange(16) / 15, atol=1e-6)


def test_what_is_no_film_or_not_all_of_one_is_called_so(tmp_path, greys):
    folder = Path(pydicom.__file__).parent / "data/test_files"
    refused(folder / "dicomdirtests/DICOMDIR", "a DICOMDIR: the list of a disc's files")
    refused(dicom(tmp_path / "e.dcm", greys, PixelData=b""), "pixel data are empty")
    whole = dicom(tmp_path / "c.dcm", greys)
    ds = pydicom.dcmread(whole)
    ds.PixelData = ds.PixelData[:-100]
    ds.save_as(tmp_path / "short.dcm")
    refused(tmp_path / "short.dcm", "cut short", "500 bytes of pixels", "600 bytes")
    whole.write_bytes(whole.read_bytes()[:-100])
    refused(whole, "cut short")


@pytest.mark.parametrize("name", ["JPEGLSNearLossless_08.dcm", "JPGExtended.dcm", "MR_small_jpeg_ls_lossless.dcm"])
def test_a_compressed_film_cut_short_is_refused_where_its_decoder_makes_up_the_rest(tmp_path, name):
    from pydicom.encaps import encapsulate, get_frame

    ds = pydicom.dcmread(Path(pydicom.__file__).parent / "data/test_files" / name)
    frame = get_frame(ds.PixelData, 0, number_of_frames=1)
    ds.PixelData = encapsulate([frame[: len(frame) * 9 // 10]])
    ds.save_as(tmp_path / "a.dcm")
    refused(tmp_path / "a.dcm", "no end mark", "cut short")


def test_a_blank_film_is_said_to_be_blank(tmp_path, greys):
    assert read_film(dicom(tmp_path / "a.dcm", greys * 0 + 7)).notes[-1].startswith("the whole film is blank")
    Image.fromarray(greys // 128 + 253).save(tmp_path / "b.png")
    assert "the whole film is blank" in " ".join(read_film(tmp_path / "b.png").notes)
    assert read_film(dicom(tmp_path / "d.dcm", greys)).notes == ("no window: whole range",)


def test_signed_numbers_and_modality_lut(tmp_path):
    stored = np.arange(-8, 8, dtype=np.int16).reshape(4, 4)
    film = read_film(dicom(tmp_path / "a.dcm", stored))
    np.testing.assert_allclose(film.pixels.ravel(), np.arange(16) / 15, atol=1e-6)
    lut = pydicom.Dataset()
    lut.LUTDescriptor, lut.ModalityLUTType = [4, 0, 16], "US"
    lut.LUTData = np.array([30, 20, 10, 0], "<u2").tobytes()
    stored = np.array([[0, 1], [2, 3]], np.uint8)
    film = read_film(dicom(tmp_path / "b.dcm", stored, ModalityLUTSequence=[lut]))
    np.testing.assert_allclose(film.pixels, [[1, 2 / 3], [1 / 3, 0]], atol=1e-6)


@pytest.mark.parametrize(
    "elements, mm, origin",
    [
        ({"PixelSpacing": [0.2, 0.2]}, 0.2, "PixelSpacing"),
        ({"ImagerPixelSpacing": [0.1, 0.1]}, 0.1, "ImagerPixelSpacing (at the detector)"),
        ({"PixelSpacing": [0.18, 0.18], "ImagerPixelSpacing": [0.2, 0.2]}, 0.18, "PixelSpacing"),
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]}, 0.2, "PixelSpacing (at the detector)"),
        (
            {"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2], "PixelSpacingCalibrationType": "GEOMETRY"},
            0.2,
            "PixelSpacing",
        ),
        (
            {"PixelSpacing": ["0.000", "0.000"], "ImagerPixelSpacing": [0.1, 0.1]},
            0.1,
            "ImagerPixelSpacing (at the detector)",
        ),
        ({"PixelSpacing": ["0.000", "0.000"]}, np.nan, "unknown"),
        ({"NominalScannedPixelSpacing": [0.1, 0.1]}, 0.1, "NominalScannedPixelSpacing (of the film)"),
        ({}, np.nan, "unknown"),
    ],
)
def test_spacing_names_its_origin(tmp_path, greys, elements, mm, origin):
    path = dicom(tmp_path / "a.dcm", greys, **elements)
    film, header = read_film(path), read_header(path)
    np.testing.assert_equal([film.mm_per_px, header.mm_per_px], [mm, mm])
    assert film.spacing_origin == header.spacing_origin == origin
    assert any("magnification" in note for note in film.notes) == ("detector" in origin)


@pytest.mark.parametrize(
    "elements, mm, origin, words",
    [
        ({"PixelSpacing": b"0,143\\0,143"}, np.nan, "unknown", "PixelSpacing is there and cannot be read"),
        (
            {"PixelSpacing": b"0,143\\0,143", "ImagerPixelSpacing": [0.2, 0.2]},
            0.2,
            "ImagerPixelSpacing (at the detector)",
            "PixelSpacing is there and cannot be read (0,143",
        ),
        ({"PixelSpacing": b"0.143"}, np.nan, "unknown", "cannot be read (0.143)"),
        ({"PixelSpacing": [143, 143]}, np.nan, "unknown", "PixelSpacing is 143"),
        ({"PixelSpacing": ["0.000143"] * 2}, np.nan, "unknown", "0.01 to 10 mm"),
        (
            {"PixelSpacing": ["0.000"] * 2, "ImagerPixelSpacing": [143, 143]},
            np.nan,
            "unknown",
            "ImagerPixelSpacing is 143",
        ),
        (
            {"ImagerPixelSpacing": [0.2, 0.2], "EstimatedRadiographicMagnificationFactor": "1.25"},
            0.16,
            "ImagerPixelSpacing / EstimatedRadiographicMagnificationFactor",
            "over the header's magnification 1.25",
        ),
        (
            {"ImagerPixelSpacing": [0.2, 0.2], "EstimatedRadiographicMagnificationFactor": "80"},
            0.2,
            "ImagerPixelSpacing (at the detector)",
            "no magnification",
        ),
        ({"PixelSpacing": [0.2, 0.2], "EstimatedRadiographicMagnificationFactor": "1.25"}, 0.2, "PixelSpacing", ""),
        ({"PixelAspectRatio": ["2", "1"]}, np.nan, "unknown", "not square (PixelAspectRatio 2\\1)"),
        ({"PixelAspectRatio": ["1", "1"]}, np.nan, "unknown", ""),
    ],
)
def test_spacing_that_cannot_be_used_is_named(tmp_path, greys, elements, mm, origin, words):
    """Field case 14 and its kin: a header's word on size is used, or the note says why not."""
    raw = elements.pop("PixelSpacing") if isinstance(elements.get("PixelSpacing"), bytes) else None
    path = dicom(tmp_path / "a.dcm", greys, **elements)
    if raw:  # pydicom would not write it
        ds = pydicom.dcmread(path)
        ds[0x00280030] = pydicom.dataelem.RawDataElement(
            pydicom.tag.Tag(0x00280030), "DS", len(raw), raw, 0, False, True
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ds.save_as(path)
    film, header = read_film(path), read_header(path)
    np.testing.assert_allclose([film.mm_per_px, header.mm_per_px], [mm, mm])
    assert film.spacing_origin == header.spacing_origin == origin
    assert words in "; ".join(film.notes)
    assert bool(words) == any("ixel" in note and "not" in note or "magnification" in note for note in film.notes)


def test_pixels_that_are_not_square_are_noted(tmp_path, greys):
    film = read_film(dicom(tmp_path / "a.dcm", greys, PixelSpacing=[0.1, 0.3]))
    assert film.mm_per_px == pytest.approx(0.2) and any("not square" in note for note in film.notes)


def test_side_is_kept_as_read(tmp_path, greys):
    path = dicom(tmp_path / "a.dcm", greys, PatientOrientation=["A", "F"], ImageLaterality="L")
    assert (read_film(path).orientation, read_film(path).laterality) == ("A\\F", "L")


def test_what_is_no_single_grey_frame_is_refused_by_name(tmp_path, greys):
    refused(dicom(tmp_path / "m.dcm", greys, NumberOfFrames=2), "2 frames", "export the frame alone")
    refused(dicom(tmp_path / "r.dcm", greys, Rows=60_000), "larger than any radiograph")
    refused(dicom(tmp_path / "p.dcm", greys, PixelData=None), "no pixels")
    refused(dicom(tmp_path / "h.dcm", greys, PhotometricInterpretation="HSV"), "HSV")


@pytest.mark.parametrize(
    "uid, name",
    [
        ("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1"),
        ("1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)"),
    ],
)
def test_undecodable_pixels_name_the_transfer_syntax_and_the_way_out(tmp_path, greys, uid, name):
    path = dicom(tmp_path / "a.dcm", greys)
    ds = pydicom.dcmread(path)
    ds.file_meta.TransferSyntaxUID = uid
    ds.PixelData = pydicom.encaps.encapsulate([b"\x00\x00\x00\x01nothing"])
    ds["PixelData"].VR = "OB"
    ds.save_as(path)
    refused(path, name, uid, "as PNG")


def test_a_deflated_bomb_is_refused_before_it_grows(tmp_path, greys, monkeypatch):
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    path = dicom(tmp_path / "a.dcm", greys)
    ds = pydicom.dcmread(path)
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    ds.save_as(path)
    assert read_film(path).pixels.shape == (20, 30)
    monkeypatch.setattr("ovcf.cohort.films.dicom.MAX_BYTES", 300)
    refused(path, "deflated")


def spin(path):
    while True:
        pass


def test_a_decoder_that_crashes_spins_or_sleeps_costs_only_the_file(monkeypatch):
    import os
    import time

    from ovcf.cohort.films import decoder

    path = Path(pydicom.__file__).parent / "data/test_files/JPEGLSNearLossless_08.dcm"
    broken = [
        (lambda path: os.abort(), "crashed"),
        (spin, "not return in time"),
        (lambda path: time.sleep(99), "not return in time"),
    ]
    for function, word in broken:
        with monkeypatch.context() as patch:
            patch.setattr(decoder, "_decode", function)
            patch.setattr(decoder, "DECODE_SECONDS", 0.2)
            patch.setattr(decoder, "PATIENCE", 5 if "sleep" in function.__code__.co_names else 200)
            refused(path, word)
    assert read_film(path).pixels.shape == (45, 10)  # and the next film is read as before


# -- real files --------------------------------------------------------------------------------------------


def test_real_twins_are_exact_negatives(shared):
    folder = shared / "real/dicom"
    one, two = (
        read_film(folder / name).pixels
        for name in ("txv_fake_mono1_same_pixels.dcm", "txv_rsna_cxr_jpegbaseline_mono2.dcm")
    )
    np.testing.assert_array_equal(one, 1 - two)


def test_real_headers_and_compressions(shared):
    folder = shared / "real/dicom"
    spine = read_film(folder / "pydicom_cspine_CR1_6154.dcm")
    assert spine.mm_per_px == 0.1 and spine.spacing_origin == "ImagerPixelSpacing (at the detector)"
    assert (spine.orientation, spine.bits) == ("L\\F", 12)
    hip = read_film(folder / "WG04_RG2_JLSN.dcm")
    assert hip.pixels.shape == (2140, 1760) and hip.mm_per_px == 0.2
    pattern = read_film(folder / "pydicomdata_vlut_04.dcm")
    assert "VOI LUT applied" in pattern.notes and pattern.pixels.max() == 1


def test_limits_that_a_system_does_not_set_refuse_no_film(monkeypatch):
    """macOS refuses RLIMIT_AS with ValueError; Windows has no `resource` at all."""
    from ovcf.cohort.films import decoder

    resource = pytest.importorskip("resource")

    def refused(kind, limits):
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refused)
    decoder._prepare()
    assert decoder._timed(str.upper, "film", 1.0) == "FILM"
    monkeypatch.setitem(sys.modules, "resource", None)
    decoder._prepare()
    assert decoder._timed(str.upper, "film", 1.0) == "FILM"


def test_the_extended_jpeg_that_decoders_refuse_is_mended(shared):
    lossless = read_film(shared / "real/dicom/WG04_RG3_J2KR.dcm").pixels
    mended = read_film(shared / "real/dicom/WG04_RG3_JPLY.dcm")
    assert any("mended" in note for note in mended.notes)
    assert np.abs(mended.pixels - lossless).mean() < 0.003  # 3 of 1,024 grey levels; it is a lossy copy


@pytest.mark.filterwarnings("ignore")
def test_single_grey_frames_that_ship_with_pydicom_are_read_or_refused_by_name():
    folder = Path(pydicom.__file__).parent / "data/test_files"
    read = refused = 0
    for path in sorted(folder.rglob("*")):
        try:
            ds = pydicom.dcmread(path, stop_before_pixels=True)
        except Exception:
            continue
        grey = str(ds.get("PhotometricInterpretation", "")).startswith("MONOCHROME")
        if not grey or str(ds.get("NumberOfFrames") or 1) != "1":
            continue
        try:
            film = read_film(path)
            read += 1
            assert film.pixels.shape == (ds.Rows, ds.Columns)
            assert film.pixels.min() >= 0 and film.pixels.max() <= 1 and film.pixels.std() > 0
        except InputError as error:
            refused += 1
            assert path.name in str(error)
    assert (read, refused) == (54, 2)  # of pydicom 3.0.2: one is cut short, one's JPEG 2000 is damaged
