"""Features that runs share: taken over with the same bits, within a size, never by a run that shall prove something."""

import os

import numpy as np
import pytest

from ovcf.models import features, store
from ovcf.models.features import trunk_features
from ovcf.models.random_weights import noise_patches
from ovcf.models.recipe import Recipe
from ovcf.problems import InputError
from ovcf.report import rerun

RECIPE = Recipe(weights="none", flips=())


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A folder that runs share."""
    monkeypatch.setenv(store.FOLDER, str(tmp_path / "shared"))
    return tmp_path / "shared" / "features"


def featured(cache, images):
    return trunk_features("alexnet", images, RECIPE, path=None, cache=cache, progress=False)


def never(*_):
    raise AssertionError("a trunk ran")


def test_a_second_run_takes_what_the_first_left(tmp_path, shared, monkeypatch):
    images = noise_patches(3, 64, seed=1)
    first = featured(tmp_path / "one", images)
    monkeypatch.setattr(features, "run_trunk", never)
    second = featured(tmp_path / "two", images)
    assert second.tobytes() == first.tobytes()
    files = [next((tmp_path / run / "features").glob("*.npy")) for run in ("one", "two")]
    assert os.path.samefile(*files) and os.path.samefile(files[0], next(shared.glob("*.npy")))


def test_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.delenv(store.FOLDER, raising=False)
    featured(tmp_path / "one", noise_patches(2, 64, seed=1))
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_what_was_damaged_is_made_again(tmp_path, shared):
    images = noise_patches(3, 64, seed=1)
    first = np.array(featured(tmp_path / "one", images))
    kept = next(shared.glob("*.npy"))
    data = kept.read_bytes()
    kept.unlink()  # the run's own file is another name of it
    kept.write_bytes(data[:-1] + b"\x01")
    assert np.array_equal(featured(tmp_path / "two", images), first)


def made(folder, name, size):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(bytes(size))
    return folder / name


def test_the_longest_unused_goes_first_and_stays_with_its_run(tmp_path, shared, monkeypatch):
    monkeypatch.setenv(store.SIZE, "3e-7")  # 300 bytes
    for age, name in enumerate(("a", "b", "c")):
        store.offer(made(tmp_path / "run", name, 100))
        os.utime(shared / f"{name}.sha256", (age, age))
    (tmp_path / "another").mkdir()
    assert store.fetch(tmp_path / "another" / "a")
    store.offer(made(tmp_path / "run", "d", 150))
    assert sorted(path.name for path in shared.glob("?")) == ["a", "d"]
    assert not store.fetch(tmp_path / "b") and (tmp_path / "run" / "b").stat().st_size == 100
    store.offer(made(tmp_path / "run", "whole", 301))  # larger than the folder: it holds nothing
    assert not list(shared.glob("*.sha256"))


@pytest.mark.parametrize("said", ["much", "0", "-1", "inf", "nan"])
def test_a_size_that_is_none_is_refused(said, tmp_path, shared, monkeypatch):
    monkeypatch.setenv(store.SIZE, said)
    with pytest.raises(InputError, match="no positive number of GB"):
        store.size()


def test_a_run_made_again_takes_nothing_from_there(shared):
    with rerun._nothing_shared():
        assert store.folder() is None
    assert store.folder() == shared


def test_a_folder_that_cannot_be_is_refused_before_any_work(tmp_path, monkeypatch):
    from ovcf.study import Study

    (tmp_path / "file").write_text("")
    monkeypatch.setenv(store.FOLDER, str(tmp_path / "file"))
    monkeypatch.setenv(store.SIZE, "much")
    with pytest.raises(InputError) as refused:  # with all else that is wrong
        Study.begin(tmp_path / "run", networks=["efficientnet_lite0"], chosen="nobody")
    assert {problem.kind for problem in refused.value.problems} == {"cache_folder", "cache_size", "chosen"}
    assert not (tmp_path / "run").exists()


def test_a_full_disk_does_not_stop_a_run_that_has_its_own(tmp_path, shared, monkeypatch, caplog):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "link_or_copy", full)
    store.offer(made(tmp_path, "a", 1))
    assert "a is not shared with other runs: No space left on device" in caplog.text
