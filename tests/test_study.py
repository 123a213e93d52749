"""A run folder: tables made once, made again when what they were made from changes, read back as written."""

import numpy as np
import pandas as pd
import pytest

from ovcf.problems import InputError
from ovcf.run_folder import read_table
from ovcf.study import Study

TINY = {"patients": 16, "folds": 2, "image_size": 48, "networks": ["efficientnet_lite0"], "epochs": 2, "workers": 1}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Keep the tiny synthetic cohort in a folder of its own."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVCF_DATA", str(folder))
        yield folder


@pytest.fixture(scope="module")
def run(home, tmp_path_factory):
    """A run folder shared by the tests of this module."""
    folder = tmp_path_factory.mktemp("run")
    Study(folder, **TINY)
    return folder


def test_parameters_are_stored_and_laid_over(run):
    assert Study(run).parameters["patients"] == 16
    assert Study(run).parameters["learning_rate"] == 0.001
    with pytest.raises(InputError, match="did you mean epochs"):
        Study(run, epoch=3)


def test_patches_come_back_as_written(run):
    study = Study(run)
    first = study.patches
    pd.testing.assert_frame_equal(first, read_table(run / "tables" / "patches.csv"))
    pd.testing.assert_frame_equal(first, Study(run).patches)
    assert study.synthetic and study.label.startswith("synthetic cohort, 16 patients")
    assert set(study.patches.fold) == {1, 2}


def test_folds_of_the_other_split_do_not_touch_the_table(run):
    study = Study(run)
    other = study.patches_split("patch")
    assert not np.array_equal(other.fold, study.patches.fold)
    assert np.array_equal(read_table(run / "tables" / "patches.csv").fold, study.patches.fold)


def test_predictions_are_made_once(run):
    first = Study(run).predictions
    path = run / "tables" / "predictions.csv"
    written = path.stat().st_mtime_ns
    pd.testing.assert_frame_equal(Study(run).predictions, first)
    assert path.stat().st_mtime_ns == written
    assert len(first) == len(Study(run).patches)


def test_a_film_that_changed_is_noticed(run):
    before = Study(run)._films
    film = Study(run).cohort.root / Study(run).patches.image.iloc[0]
    film.touch()
    assert Study(run)._films != before


def test_another_parameter_makes_them_again(run):
    assert len(Study(run, epochs=2).predictions)
    written = (run / "tables" / "predictions.csv").stat().st_mtime_ns
    assert len(Study(run, epochs=3).predictions)
    assert (run / "tables" / "predictions.csv").stat().st_mtime_ns != written
    Study(run, epochs=2)


def test_chosen_must_have_been_trained(run):
    with pytest.raises(InputError, match="was not trained"):
        Study(run, chosen="resnet101").chosen  # noqa: B018 - the property raises
    assert Study(run, chosen="best").chosen == "efficientnet_lite0"


def test_readers_see_other_pixels_than_the_network(run):
    study = Study(run)
    assert study.images("none").shape == study.images().shape == (len(study.patches), 48, 48)
    assert not np.array_equal(study.images("none"), study.images())


def test_no_data_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match="--data"):
        Study(tmp_path, data="").cohort  # noqa: B018 - the property raises
