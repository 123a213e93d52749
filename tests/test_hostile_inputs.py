"""Damaged and made-up inputs are read, or refused by an InputError with the file's name, nothing else."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ovcf.cohort.columns import MANIFEST
from ovcf.cohort.crop import crop_patch
from ovcf.cohort.manifest import read_cohort
from ovcf.cohort.table_file import read_table
from ovcf.problems import InputError
from ovcf.words import LEVELS

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def mutants(monkeypatch):
    """The script that makes 10,000 mutants; here a few hundred of them."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import mutate_inputs

    yield mutate_inputs
    for name in ("mutate_inputs", "sound_inputs"):
        sys.modules.pop(name, None)


def test_sound_inputs_are_read_so_that_damage_has_something_to_damage(mutants, tmp_path):
    sound = mutants.seeds()
    for kind in ("manifest", "picture", "annotation", "workbook"):
        for seed in sound[kind]:
            assert mutants.outcome(seed, seed.files[seed.target], tmp_path)[:2] == ("read", ""), seed.target
    read = [mutants.outcome(seed, seed.files[seed.target], tmp_path)[0] for seed in sound["dicom header"]]
    assert read.count("read") == 17  # the three others are in colour
    clean = [mutants.outcome(seed, seed.files[seed.target], tmp_path)[:2] for seed in sound["deidentified"]]
    assert [why for what, why in clean if what == "escaped"] == [] and [what for what, _ in clean].count("read") == 33


def test_a_quick_slice_of_mutants(mutants):
    rows = mutants.run_range(1, 0, 250)
    assert [row for row in rows if row[3] == "escaped" and "took" not in row[4]] == []
    for kind in mutants.KINDS:
        assert {row[3] for row in rows if row[1] == kind} >= {"read", "refused"}


def test_the_same_seed_makes_the_same_mutants(mutants):
    seed = mutants.seeds()["picture"][0]
    first, second = (mutants.damaged("picture", seed, np.random.default_rng(3)) for _ in range(2))
    assert first == second != seed.files[seed.target]


def test_writes_outside_the_sandbox_are_noticed(mutants, tmp_path):
    (tmp_path / "inside").mkdir()
    with mutants.Writes(tmp_path / "inside") as writes:
        (tmp_path / "inside" / "a").write_text("fine")
        assert writes.found == []
        (tmp_path / "b").write_text("not fine")
        shutil.move(tmp_path / "inside" / "a", tmp_path / "c")
    assert [found.split(" ")[0] for found in writes.found] == ["open", "os.rename"]


# -- manifests by property ---------------------------------------------------------------------------------

NASTY = st.sampled_from(
    [
        "",
        "nan",
        "inf",
        "-1",
        "1e309",
        "1_000",
        "'",
        "=1+1",
        "../a.png",
        "/dev/zero",
        "\x00",
        "a\nb",
        "\u202e",
        "films",
        "T13",
        "Fresh ",
        "½",
        "0x1",
        "-0",
        "1e-320",
    ]
)
NUMBER = st.one_of(st.floats(width=32).map(str), st.integers(-5, 60).map(str), NASTY)
CELLS = {
    "patch_id": st.one_of(st.integers(0, 99).map(str), st.text(max_size=5), NASTY),
    "patient_id": st.one_of(st.integers(0, 5).map("{:03d}".format), NASTY),
    "image": st.one_of(st.sampled_from(["a.png", "b.png", "./a.png", "x/../a.png", "gone.png"]), NASTY),
    "label": st.one_of(st.sampled_from(["fresh", "old", "FRESH"]), NASTY),
    "level": st.one_of(st.sampled_from([*LEVELS, "", "th7"]), NASTY),
    "x0": NUMBER,
    "y0": NUMBER,
    "x1": NUMBER,
    "y1": NUMBER,
    "mm_per_px": NUMBER,
    "age": NUMBER,
    "sex": st.one_of(st.sampled_from(["f", "male", ""]), NASTY),
    "own column": st.text(max_size=5),
}


@st.composite
def manifests(draw):
    """A manifest's bytes: any columns in any order, any rows, any separator, sometimes quoted."""
    names = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=12))
    names = draw(st.permutations([*dict.fromkeys([*names, "patch_id", "patient_id", "image", "label"])]))
    # two sound rows come first, or hardly any table would be read
    sound = (
        {"patch_id": "s1", "patient_id": "p1", "image": "a.png", "label": "fresh"},
        {"patch_id": "s2", "patient_id": "p2", "image": "b.png", "label": "old"},
    )
    rows = [tuple(row.get(name, "") for name in names) for row in sound]
    rows += draw(st.lists(st.tuples(*(CELLS[name] for name in names)), max_size=3))
    separator, quote = draw(st.sampled_from(",;\t")), draw(st.booleans())

    def written(cell):
        return '"' + cell.replace('"', '""') + '"' if quote else cell

    lines = [separator.join(names), *(separator.join(map(written, row)) for row in rows)]
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines).encode("utf-8", errors="replace")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    for name in ("a.png", "b.png"):
        Image.fromarray(np.arange(2000, dtype=np.uint16).astype(np.uint8).reshape(40, 50)).save(folder / name)
    return folder


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=manifests())
def test_any_manifest_is_read_soundly_or_refused_with_its_rows(folder, content):
    (folder / "manifest.csv").write_bytes(content)
    try:
        patches = read_cohort(folder).patches
    except InputError as error:
        lines = content.count(b"\n") + content.count(b"\r") + 1  # a lone \r ends a line too
        assert all(problem.file for problem in error.problems)
        assert all(problem.row is None or 1 <= problem.row <= lines for problem in error.problems)
        return
    assert patches["patch_id"].is_unique and (patches["patient_id"] != "").all()
    assert set(patches["label"]) == {"fresh", "old"} and set(patches["level"]) <= {*LEVELS, ""}
    boxes = patches[["x0", "y0", "x1", "y1"]].dropna()
    assert boxes.ge(-0.5).all(axis=None) and (boxes["x1"] <= 50.5).all() and (boxes["y1"] <= 40.5).all()
    assert (boxes["x1"] > boxes["x0"]).all() and (boxes["y1"] > boxes["y0"]).all()
    assert all((folder / image).resolve().parent == folder.resolve() for image in patches["image"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_any_bytes_are_a_table_or_refused(folder, content):
    path = folder / "bytes.csv"
    path.write_bytes(content)
    try:
        table, _ = read_table(path, MANIFEST)
        assert table["row"].is_monotonic_increasing
    except InputError as error:
        assert all(problem.file == str(path) for problem in error.problems)


@settings(max_examples=100, deadline=None)
@given(
    box=st.tuples(*[st.floats(-100, 200)] * 4),
    margin=st.floats(0, 500),
    height=st.integers(1, 30),
    how=st.sampled_from(["histogram", "none", "clahe"]),
)
def test_any_box_makes_a_patch(box, margin, height, how):
    film = np.linspace(0, 1, height * 20, dtype=np.float32).reshape(height, 20)
    assert crop_patch(film, box, margin_px=margin, size=8, equalisation=how).shape == (8, 8)
