"""Commands of the documents that need a run, carried out on the tiny one; every command is carried out somewhere."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from ovcf.annotate import prepare
from ovcf.annotation.work import Source
from ovcf.cli import main

TESTS = Path(__file__).parent
NEED_A_NETWORK = {"weights"}  # tests reach none
OF_A_SWEEP = {"sweep"}  # carried out as a function in tests/test_compare_runs.py: its command is one call of it


def carried_out(*arguments, status=0):
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == status, done.output
    return done.output


def test_the_final_model_is_asked_about_one_vertebra(finished):
    patch = pd.read_csv(finished / "tables" / "patches.csv").iloc[0]
    film = next(finished.parent.rglob(Path(patch.image).name))
    box = ",".join(f"{patch[corner]:g}" for corner in ("x0", "y0", "x1", "y1"))
    said = carried_out("predict", film, "--box", box, "--run", finished)
    assert "Research use only" in said and re.search(r"P\(fresh\)|probability", said)


def test_a_bundle_answers_as_its_run_does(finished, tmp_path):
    carried_out("bundle", finished, "--out", tmp_path / "model.zip")
    patch = pd.read_csv(finished / "tables" / "patches.csv").iloc[1]
    film = next(finished.parent.rglob(Path(patch.image).name))
    question = ["predict", film, "--box", ",".join(f"{patch[c]:g}" for c in ("x0", "y0", "x1", "y1")), "--json"]
    answers = [carried_out(*question, "--run", run) for run in (finished, tmp_path / "model.zip")]
    shares = [re.search(r'"p_fresh": [\d.]+', answer)[0] for answer in answers]
    assert shares[0] == shares[1]


def test_a_work_list_says_how_far_its_annotators_are(tmp_path):
    films, cohort = tmp_path / "cohort" / "films", tmp_path / "cohort"
    films.mkdir(parents=True)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 60), dtype=np.uint8)).save(films / "a.png")
    prepare(films, cohort, ("Ann", "Ben"), Source("", True, None))
    said = carried_out("annotate", films, "--out", cohort, "--status")
    assert "nobody has annotated a film yet" in said


def test_a_runs_report_is_printed_again(finished, tmp_path):
    said = carried_out("pdf", finished, "--edition", "full", "--out", tmp_path / "full.pdf")
    assert "full.pdf" in said and (tmp_path / "full.pdf").read_bytes().startswith(b"%PDF")


def test_a_reading_rooms_answers_are_collected(finished, tmp_path):
    assert "no reader study was planned" in carried_out("readings", finished, "--out", tmp_path / "mine.csv", status=2)


def test_a_cache_is_dropped_and_the_tables_stay(finished, tmp_path):
    run = shutil.copytree(finished, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (run / "tables").iterdir()}
    assert "MB freed" in carried_out("clean", run)
    assert not list((run / "cache").glob("*.npy")) if (run / "cache").is_dir() else True
    assert {path.name: path.read_bytes() for path in (run / "tables").iterdir()} == before


def test_a_synthetic_cohort_is_drawn_and_found_sound(tmp_path):
    said = carried_out(
        "synthesise", "--out", tmp_path / "cohort", "--patients", 8, "--diaphragm", 0, "--hospital", "B", "--weave", 0.1
    )
    assert "manifest.csv" in said
    about = (tmp_path / "cohort" / "cohort.json").read_text()
    for set_to in ('"diaphragm": 0', '"difficulty": 0.4', '"hospital": "B"', '"weave": 0.1'):
        assert set_to in about


def test_folders_of_patches_become_a_manifest(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("fresh", "old"):
        (tmp_path / "films" / label).mkdir(parents=True)
        for i in range(3):
            picture = Image.fromarray(rng.integers(0, 255, (64, 64)).astype(np.uint8))
            picture.save(tmp_path / "films" / label / f"{label}{i}.png")
    source, out = tmp_path / "films", tmp_path / "films" / "manifest.csv"
    said = carried_out("import", "folders", source, "--out", out, "--one-patient-per-film")
    assert "6 vertebrae on 6 films of 6 patients" in said
    assert pd.read_csv(out).label.value_counts().to_dict() == {"fresh": 3, "old": 3}


@pytest.mark.parametrize("name", sorted(set(main.commands) - NEED_A_NETWORK - OF_A_SWEEP))
def test_every_command_is_carried_out_by_a_test(name):
    sources = [path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")]
    called = rf"""(carried_out|invoke|Popen|check_call|run)\(\s*(main,\s*)?\[?[^)]*?"{name}","""
    started = rf"""["']ovcf\.cli["'], ["']{name}["']|ovcf {name}`|\["{name}", """
    assert any(re.search(called, source) or re.search(started, source) for source in sources)
