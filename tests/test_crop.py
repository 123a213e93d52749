"""Crops, equalisation and the prepared array."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ovcf.cohort.crop import Preparation, crop_patch, crop_slices, equalise, margin_in_px, prepare_each, prepare_patches
from ovcf.problems import InputError

HOW = Preparation(16, 5.0, 2, "histogram")


def test_margin_is_mm_where_spacing_is_known():
    assert margin_in_px(0.2, 5.0, 8) == 25
    for unknown in (np.nan, 0, None, -1, np.inf):
        assert margin_in_px(unknown, 5.0, 8) == 8


@pytest.mark.parametrize(
    "box, margin, rows, columns",
    [
        ((10, 20, 30, 50), 0, (20, 50), (10, 30)),
        ((10, 20, 30, 50), 4, (16, 54), (6, 34)),
        ((10.4, 20.6, 29.5, 49.2), 0, (20, 50), (10, 30)),  # every pixel the box touches
        ((1, 2, 99, 78), 5, (0, 80), (0, 100)),  # clipped at the border
        ((-0.4, 0, 100.4, 80), 0, (0, 80), (0, 100)),
    ],
)
def test_boxes_become_whole_pixels_within_the_film(box, margin, rows, columns):
    assert crop_slices((80, 100), box, margin) == (slice(*rows), slice(*columns))


def test_crop_takes_the_box_and_nothing_else(rng):
    film = rng.random((80, 100)).astype(np.float32)
    film[20:36, 10:26] = np.linspace(0, 1, 256).reshape(16, 16)
    patch = crop_patch(film, (10, 20, 26, 36), margin_px=0, size=16, equalisation="none")
    assert patch.dtype == np.uint8 and patch.shape == (16, 16)
    assert (np.diff(patch.astype(int).ravel()) >= 0).all() and (patch.min(), patch.max()) == (0, 255)


@pytest.mark.parametrize("box", [None, (np.nan,) * 4])
def test_without_a_box_the_film_is_the_patch(rng, box):
    film = rng.random((16, 16)).astype(np.float32)
    whole = crop_patch(film, (0, 0, 16, 16), margin_px=0, size=16, equalisation="histogram")
    ready = crop_patch(film, box, margin_px=5, size=16, equalisation="histogram")
    np.testing.assert_array_equal(ready, whole)


def test_resizing_does_not_alias():
    stripes = np.tile([0.0, 1.0], (512, 256)).astype(np.float32)  # 512 columns, one px each
    patch = crop_patch(stripes, None, margin_px=0, size=64, equalisation="none")
    assert np.ptp(patch[:, 2:-2].astype(int)) <= 2 and abs(int(patch[30, 30]) - 127) <= 2


def test_global_equalisation_against_the_definition(rng):
    patch = rng.beta(2, 8, (40, 50)).astype(np.float32)
    shares = np.array([(patch <= value).mean() for value in patch.ravel()]).reshape(patch.shape)
    np.testing.assert_allclose(equalise(patch, "histogram"), shares, atol=0.02)  # 256 bins


def test_equalisation_ignores_exposure_and_keeps_order(rng):
    patch = rng.random((40, 50)).astype(np.float32)
    darker = (0.1 + 0.5 * patch).astype(np.float32)
    for how in ("histogram", "none"):
        np.testing.assert_allclose(equalise(patch, how), equalise(darker, how), atol=0.01)
    order = np.argsort(patch.ravel())
    assert (np.diff(equalise(patch, "histogram").ravel()[order]) >= 0).all()
    clahe = equalise(patch, "clahe")
    assert clahe.shape == patch.shape and 0 <= clahe.min() and clahe.max() <= 1


@pytest.mark.parametrize("how", ["histogram", "clahe", "none"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2), (40, 50)])
def test_small_and_blank_patches_are_no_accident(rng, how, shape):
    assert (equalise(np.full(shape, 0.3, np.float32), how) == 0.5).all()
    patch = crop_patch(rng.random(shape).astype(np.float32), None, margin_px=0, size=16, equalisation=how)
    assert patch.shape == (16, 16)


# -- the prepared array ------------------------------------------------------------------------------------


@pytest.fixture
def cohort(tmp_path, rng):
    """Six films of three vertebrae each, in mixed order."""
    rows = []
    for film in range(6):
        name = f"{film}.png"
        Image.fromarray(rng.integers(0, 256, (90, 60)).astype(np.uint8)).save(tmp_path / name)
        rows += [(f"{film}-{k}", name, 10, 5 + 25 * k, 40, 25 + 25 * k, 0.5 if film % 2 else np.nan) for k in range(3)]
    columns = ["patch_id", "image", "x0", "y0", "x1", "y1", "mm_per_px"]
    patches = pd.DataFrame(rows, columns=columns).sample(frac=1, random_state=0).reset_index(drop=True)
    return SimpleNamespace(patches=patches, root=tmp_path)


def literal(cohort):
    """Prepare the slow way: row by row."""
    from ovcf.cohort.films import read_film

    patches = []
    for row in cohort.patches.itertuples():
        margin = 10 if row.mm_per_px == 0.5 else 2
        patches.append(
            crop_patch(
                read_film(cohort.root / row.image).pixels,
                (row.x0, row.y0, row.x1, row.y1),
                margin_px=margin,
                size=16,
                equalisation="histogram",
            )
        )
    return np.stack(patches)


@pytest.mark.parametrize("workers", [1, 2])
def test_prepared_patches_equal_the_literal_way_in_row_order(cohort, tmp_path, monkeypatch, workers):
    monkeypatch.setattr("ovcf.cohort.crop.FILMS_A_WORKER", 1)
    images = prepare_patches(cohort, HOW, tmp_path / "out", workers=workers, progress=False)
    assert isinstance(images, np.memmap) and images.dtype == np.uint8
    np.testing.assert_array_equal(images, literal(cohort))
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_each_film_is_opened_once_and_a_second_call_opens_none(cohort, tmp_path, monkeypatch):
    from ovcf.cohort import crop

    opened, read = [], crop.read_film
    monkeypatch.setattr(crop, "read_film", lambda path: opened.append(path) or read(path))
    for _ in range(2):
        prepare_patches(cohort, HOW, tmp_path / "out", workers=1, progress=False)
    assert len(opened) == len(set(opened)) == 6


def test_any_change_of_input_is_prepared_anew(cohort, tmp_path):
    def prepare(**changed):
        prepare_patches(cohort, HOW._replace(**changed), tmp_path / "out", workers=1, progress=False)
        return len(list((tmp_path / "out").glob("*.npy")))

    assert [prepare(), prepare(), prepare(margin_mm=6.0), prepare(equalisation="none")] == [1, 1, 2, 3]
    cohort.patches.loc[0, "x0"] += 1
    assert prepare() == 4
    Image.fromarray(np.eye(90, dtype=np.uint8)).save(tmp_path / "0.png")
    assert prepare() == 5


def test_unreadable_films_are_all_named_and_leave_nothing_behind(cohort, tmp_path):
    (tmp_path / "1.png").write_bytes(b"no picture at all")
    (tmp_path / "4.png").unlink()
    with pytest.raises(InputError) as caught:
        prepare_patches(cohort, HOW, tmp_path / "out", workers=1, progress=False)
    assert [problem.file.rpartition("/")[2] for problem in caught.value.problems] == ["1.png", "4.png"]
    assert "4-0" in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_full_disk_is_said_before_it_is_full(cohort, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match="not enough room"):
        prepare_patches(cohort, HOW, tmp_path / "out", progress=False)


def test_bad_parameters_are_named_at_once(cohort, tmp_path):
    with pytest.raises(InputError) as caught:
        prepare_patches(cohort, Preparation(0, -1, float("nan"), "global"), tmp_path / "out")
    assert len(caught.value.problems) == 4


def test_several_ways_from_one_reading_are_those_of_each_by_itself(cohort, tmp_path, monkeypatch):
    """Each film is read once for all of them; what is kept is not made again."""
    from ovcf.cohort import crop

    ways = [HOW, HOW._replace(equalisation="none"), HOW._replace(context=1)]
    alone = [prepare_patches(cohort, how, tmp_path / "alone", workers=1, progress=False) for how in ways]
    prepare_patches(cohort, ways[1], tmp_path / "out", workers=1, progress=False)
    opened, read = [], crop.read_film
    monkeypatch.setattr(crop, "read_film", lambda path: opened.append(path) or read(path))
    together = prepare_each(cohort, ways, tmp_path / "out", workers=1, progress=False)
    assert len(opened) == 6 and all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
    assert len({array.tobytes() for array in together}) == 3
    prepare_each(cohort, ways, tmp_path / "out", workers=1, progress=False)
    assert len(opened) == 6
