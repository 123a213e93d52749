"""A run: fixed parameters, tables made once and read back as written, nothing written by opening it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from another import another_value
from click.testing import CliRunner

from ovcf.cli import main
from ovcf.explore import open_study
from ovcf.files import digest
from ovcf.problems import InputError
from ovcf.profiles.parameters import ANYWHERE, AS_THE_RUN, PARAMETERS
from ovcf.room import prepare_room
from ovcf.run_folder import read_table
from ovcf.run_folder.places import WORDS
from ovcf.study import Study
from ovcf.viz.browser import Browser
from ovcf.viz.reading_room import ReadingRoom

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
    """A run shared by the tests of this module."""
    return Study.begin(tmp_path_factory.mktemp("run"), **TINY).run


@pytest.fixture(scope="module")
def trained(run):
    """The same run, once its networks were trained."""
    Study(run).train_networks()
    return run


def digests(folder):
    """Return the digest of every file under a folder."""
    return {str(path.relative_to(folder)): digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_parameters_are_those_of_the_run(run):
    assert Study(run).parameters["patients"] == 16
    assert Study(run).parameters["learning_rate"] == 0.001
    with pytest.raises(InputError, match="unknown parameter epoch"):
        Study(run, epoch=3)


@pytest.mark.parametrize("name", [parameter.name for parameter in PARAMETERS if parameter.name not in ANYWHERE])
def test_every_value_that_is_not_the_runs_is_refused_by_name_before_a_write(run, name):
    before, of_the_run = digests(run), Study(run).parameters[name]
    Study(run, **{name: of_the_run})
    Study(run, **{name: AS_THE_RUN})
    with pytest.raises(InputError, match=f"{name}: this run has .*, the cell says .*") as error:
        Study(run, **{name: another_value(name, Study(run))})
    assert "ovcf run --from" in str(error.value) and f"-p {name} " in str(error.value)
    assert digests(run) == before


def test_all_wrong_values_at_once_and_nothing_left_behind(home, tmp_path):
    wrong = {"epochs": 0, "batch_size": 1, "learning_rate": -1.0, "image_size": 4, "margin_mm": -3.0, "replicates": 0}
    wrong |= {"readers": 0, "reader_cases": 0, "workers": 0, "equalisation": "histogramm", "chosen": "resnet9"}
    wrong |= {"readings": "no/such.csv", "published": "no/such.yaml", "data": "no/such/manifest.csv", "decay": 0.0}
    wrong |= {"networks": ["resnet5"], "weights": "imaginet", "trainable": "heads", "momentum": 1.0, "epoch": 1}
    with pytest.raises(InputError) as error:
        Study.begin(tmp_path / "run", **wrong)
    text = str(error.value)
    for name in wrong:
        assert name in text or str(wrong[name]) in text, name
    assert not (tmp_path / "run").exists()


def test_a_mistyped_folder_is_refused_and_not_made(tmp_path):
    with pytest.raises(InputError, match="there is no run here"):
        Study(tmp_path / "reprots")
    assert not (tmp_path / "reprots").exists()


def test_a_folder_of_something_else_is_left_alone(home, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files and is no run"):
        Study.begin(tmp_path, **TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["model"] and (tmp_path / "model" / "mine.txt").exists()


def test_predictions_are_not_trained_unasked(home, tmp_path):
    study = Study.begin(tmp_path / "run", **TINY)
    with pytest.raises(InputError, match="no predictions in .*run notebook 03"):
        study.predictions  # noqa: B018 - the property raises
    assert not (tmp_path / "run" / "cache" / "folds").exists()


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


def test_predictions_are_made_once(trained):
    path = trained / "tables" / "predictions.csv"
    before = digests(trained), path.stat().st_mtime_ns
    first = Study(trained).predictions
    pd.testing.assert_frame_equal(Study(trained).train_networks(), first)
    assert (digests(trained), path.stat().st_mtime_ns) == before
    assert len(first) == len(Study(trained).patches)


def test_opening_and_looking_change_no_byte(trained):
    before = digests(trained)
    study = Study(trained)
    study.images("none")
    before |= {k: v for k, v in digests(trained).items() if "none" in k or k == "made.json"}  # a missing part, added
    study = Study(trained)
    assert len(study.images("none")) == len(study.images()) == len(study.patches)
    study.save_table("predictions", study.predictions.head(3))
    assert study.label and study.synthetic and study.chosen and not study.outdated
    assert digests(trained) == before


def test_a_table_that_was_cut_is_named_and_not_used(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "run")
    table = tmp_path / "run" / "tables" / "predictions.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-3]) + "\n")
    with pytest.raises(InputError, match="predictions.csv: was changed or damaged"):
        Study(tmp_path / "run").predictions  # noqa: B018 - the property raises


def test_data_that_changed_are_noticed_and_nothing_is_added(home, tmp_path):
    study = Study.begin(tmp_path / "run", **TINY | {"seed": 5})
    (study.cohort.root / study.patches.image.iloc[0]).touch()
    with pytest.raises(InputError, match="films changed"):
        Study(study.run).train_networks()
    study.source.touch()
    assert Study(study.run).outdated and not Study(study.run).differs  # a copy, too, says what the run's patches say
    text = study.source.read_text()
    study.source.write_text(text.replace(",fresh,", ",old,", 1))
    assert Study(study.run).differs
    study.source.write_text(text)


def test_a_variant_shares_what_does_not_depend_on_the_change(trained, tmp_path):
    source = Study(trained)
    variant = Study.variant(trained, tmp_path / "v", readers=3)
    assert variant.parameters == source.parameters | {"readers": 3}
    folds = sorted((tmp_path / "v" / "cache" / "folds").glob("*.safetensors"))
    assert folds and all(path.stat().st_nlink > 1 for path in folds)  # the same files
    pd.testing.assert_frame_equal(variant.train_networks(), source.predictions)
    assert sorted((tmp_path / "v" / "cache" / "folds").glob("*.safetensors")) == folds
    assert Study.variant(trained, tmp_path / "v", readers=3).run == variant.run
    with pytest.raises(InputError, match="readers: this run has 3"):
        Study.variant(trained, tmp_path / "v", readers=4)


def test_a_variant_trains_anew_what_does(trained, tmp_path):
    variant = Study.variant(trained, tmp_path / "v", epochs=3)
    assert not np.array_equal(variant.train_networks().p_fresh, Study(trained).predictions.p_fresh)
    assert len(list((tmp_path / "v" / "cache" / "features").glob("*.npy"))) == 1


def test_trained_anew_only_the_training_seed_differs(trained, tmp_path):
    study = Study.variant(trained, tmp_path / "more", more_seeds=2)
    study.train_networks()
    anew, mine = study.other_seeds, study.predictions[study.predictions.network == study.chosen]
    assert list(anew.seed.unique()) == [1, 2] and set(mine.seed) == {0}
    same = ["patch_id", "patient_id", "fold", "split", "truth", "network", "weights"]
    for seed, part in anew.groupby("seed"):
        pd.testing.assert_frame_equal(part[same].reset_index(drop=True), mine[same].reset_index(drop=True))
        other = Study.variant(trained, tmp_path / f"seed-{seed}", training_seed=seed).train_networks()
        assert list(part.p_fresh) == list(other[other.network == study.chosen].p_fresh) != list(mine.p_fresh)


def test_one_process_at_a_time_writes(trained):
    code = f"import time, pathlib\nfrom ovcf.run_folder.holding import hold\nwith hold(pathlib.Path({str(trained)!r})):"
    code += " print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="another process writes into this run"):
            Study(trained).save_table("new", pd.DataFrame({"a": [1]}))
        other.kill()
    Study(trained).save_table("new", pd.DataFrame({"a": [1]}))  # a dead process holds nothing


def test_files_follow_the_umask(home, tmp_path):
    before = os.umask(0o007)
    try:
        run = Study.begin(tmp_path / "run", **TINY).run
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in run.rglob("*") if path.is_file()}
    assert modes == {0o660}


def test_readers_see_other_pixels_than_the_network(run):
    study = Study(run)
    assert study.images("none").shape == study.images().shape == (len(study.patches), 48, 48)
    assert not np.array_equal(study.images("none"), study.images())


def test_no_data_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match="--data"):
        Study.begin(tmp_path / "run", data="")


@contextmanager
def without_rights(folder):
    """Take every right to write into a folder away, from root too: meanwhile the process is nobody."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    root = os.geteuid() == 0
    try:
        os.setresuid(65534, 65534, 0) if root else None
        yield
    finally:
        os.setresuid(0, 0, 0) if root else None
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture
def lent(trained):
    """A copy of the trained run where everybody may look, which pytest's own folders do not let them."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield shutil.copytree(trained, Path(folder) / "run")


def test_a_run_that_cannot_be_written_is_explored_without_flags_and_readings(lent):
    Browser(open_study(lent))  # imports what it needs while everything can be read
    before = digests(lent)
    with without_rights(lent):
        study = open_study(lent)
        browser, room = Browser(study), ReadingRoom(study)
        assert "flags and readings are off" in browser.ask("hello")[0]["warning"]
        for widget, question in ((browser, ("flag", {"patch_id": study.patches.patch_id[0], "flag": "poor image"})),
                                 (browser, ("export", {})), (room, ("start", {"reader": "R"}))):  # fmt: skip
            with pytest.raises(ValueError, match="cannot be written"):
                widget.ask(question[0], **question[1])
        Study(lent).save_table("new", pd.DataFrame({"a": [1]}))
    assert digests(lent) == before


def test_a_reader_study_is_planned_read_and_collected_and_the_run_stays_as_it_was(lent, tmp_path):
    before = digests(lent)
    room = prepare_room(lent, ["Anna", "Ben"], cases=4, washout_days=0.0, arms=("unaided", "aided-film"))
    shutil.copytree(lent, tmp_path / "there")  # another workstation with the same plan
    for run, name in ((lent, "Anna"), (tmp_path / "there", "Ben")):
        widget = ReadingRoom(open_study(run))
        shown, _ = widget.ask("start", token=room.roster.tokens[name], screen="1 x 1")
        shown, pictures = widget.ask("display", found={"dark": True, "light": True})
        for _ in range(8 if name == "Anna" else 6):
            assert len(pictures) == 1 and ("p_fresh" in shown) == (shown["session"] == "aided-film") == ("box" in shown)
            shown, pictures = widget.ask("answer", case=shown["case"], answer="old", confidence=2, seconds=1.0)
    call = lambda *words: CliRunner().invoke(main, [str(word) for word in words])  # noqa: E731
    rows = json.loads(call("room", lent, "--status", "--json").output)
    assert [(r["reader"], r["state"], r["missing"]) for r in rows] == [("Anna", "finished", 0), ("Ben", "not begun", 8)]
    told = call("readings", lent, tmp_path / "there", "--out", tmp_path / "all.csv")
    assert told.exit_code == 0 and "Ben: unfinished, 2 of 8 answers missing" in told.output
    assert pd.read_csv(tmp_path / "all.csv").groupby("reader").size().to_dict() == {"Anna": 8, "Ben": 6}
    told = call("readings", lent, tmp_path / "there", "--out", tmp_path / "some.csv", "--interim")
    assert "Ben: left out" in told.output and set(pd.read_csv(tmp_path / "some.csv")["reader"]) == {"Anna"}
    told = call("room", lent, "--cases", "5", "--no-browser")
    assert told.exit_code == 2 and "the plan is fixed once made" in told.output
    assert {name: digest for name, digest in digests(lent).items() if not name.startswith("readings")} == before


RUNS = Path(__file__).parent / "runs"


def test_a_run_of_the_first_format_opens_and_is_not_continued(home, tmp_path):
    shutil.copytree(RUNS / "format-1", tmp_path / "run")
    before, study = digests(tmp_path / "run"), Study(tmp_path / "run")
    assert study.parameters["patients"] == 12 and study.parameters["context"] == 0  # which it was made with, unsaid
    assert len(study.predictions) == len(study.patches) > 12 and study.chosen == "efficientnet_lite0"
    with pytest.raises(InputError, match="an older version of ovcf made this run"):
        study.final  # noqa: B018 - the property raises
    study.save_table("new", study.patches)
    assert digests(tmp_path / "run") == before


def test_a_run_of_a_newer_format_says_so(tmp_path):
    (tmp_path / "parameters.yaml").write_text(
        (RUNS / "format-2" / "parameters.yaml").read_text().replace("t 2,", "t 3,")
    )
    with pytest.raises(InputError, match="a newer version of ovcf made this run"):
        Study(tmp_path)


def test_a_run_of_todays_format_opens_for_ever(tmp_path):
    """What stands in runs/format-2 was made when the format was new; it must open as long as there are such runs."""
    study = Study(RUNS / "format-2", adds=False)
    assert study.parameters["patients"] == 12 and len(study.predictions) == len(study.patches)
    assert study.synthetic and study.label.startswith("synthetic cohort, 12 patients")


@pytest.mark.parametrize("damage", [b"", b"\0" * 900, None, "cut"])
def test_parameters_that_were_edited_or_damaged_are_named(trained, tmp_path, damage):
    whole = (trained / "parameters.yaml").read_bytes()
    edited = whole.replace(b"epochs: 2", b"epochs: 9") if damage is None else whole[:300] if damage == "cut" else damage
    (tmp_path / "parameters.yaml").write_bytes(edited)
    with pytest.raises(InputError, match="changed or damaged after it was made"):
        Study(tmp_path)


@pytest.mark.parametrize("way", ["histogram", "none"])
def test_a_vertebra_cut_anew_is_the_patch_of_the_run(finished, way, monkeypatch):
    monkeypatch.setenv("OVCF_DATA", str(finished.parent / "data"))
    shown = Study(finished)
    images, rows = shown.images(way), (0, 17)
    for row in rows:
        assert np.array_equal(shown.vertebra(shown.patches.patch_id[row], way), images[row])


def test_a_finished_run_of_an_earlier_recipe_is_read_whole_and_nothing_is_added_to_it(finished, tmp_path, monkeypatch):
    from ovcf.models import catalogue

    monkeypatch.setattr(catalogue, "FEATURES_VERSION", catalogue.FEATURES_VERSION + 1)
    trained = {
        "predictions": "predictions",
        "other_split": "predictions_other_split",
        "dealings": "predictions_dealings",
        "by_region": "predictions_by_region",
        "other_context": "predictions_other_context",
        "other_seeds": "predictions_other_seeds",
    }
    before = digests(finished)
    for name, table in trained.items():
        assert len(getattr(Study(finished), name)) and (finished / "tables" / f"{table}.csv").exists()
    assert Study(finished).final.is_dir() and digests(finished) == before
    for name, table in list(trained.items())[1:]:
        lacking = shutil.copytree(finished, tmp_path / name)
        (lacking / "tables" / f"{table}.csv").unlink()
        with pytest.raises(InputError, match="by another recipe, so nothing is added"):
            getattr(Study(lacking), name)


@pytest.mark.parametrize("name", [*WORDS, "weights"])
def test_a_path_that_is_not_there_is_refused_before_anything_is_drawn_or_made(name, tmp_path, monkeypatch):
    monkeypatch.setenv("OVCF_DATA", str(tmp_path / "data"))
    wrong = str(tmp_path / "not there.csv")
    with pytest.raises(InputError, match="not there.csv"):
        Study.begin(tmp_path / "run", **TINY | {name: wrong})
    assert not list(tmp_path.iterdir())


def test_patients_of_the_other_hospital_who_are_in_the_own_cohort_are_named_before_the_run_is_made(finished, tmp_path):
    source = Study(finished).source
    own = TINY | {"data": str(source), "external": str(source)}
    with pytest.raises(InputError, match="also in the cohort that the model was trained on") as refused:
        Study.begin(tmp_path / "run", **own)
    assert {problem.found for problem in refused.value.problems} == set(Study(finished).patches.patient_id)
    assert "`ovcf external`" in str(refused.value)  # a run has no `shared_ids`
    assert not list(tmp_path.iterdir())
