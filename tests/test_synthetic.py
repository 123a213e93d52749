"""The whole cohort on disk: same seed same bytes, agreed columns, refusals."""

import hashlib
import json

import pandas as pd
import pytest
from PIL import Image

from ovcf.problems import InputError
from ovcf.synthetic import Effects, synthesise
from ovcf.synthetic.roster import LEVELS


def digests(folder):
    """SHA-256 of every file under a folder."""
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.rglob("*")) if p.is_file()}  # fmt: skip


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort")
    synthesise(out, patients=8, seed=4, workers=1, progress=False)
    return out


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_workers(cohort, tmp_path):
    synthesise(tmp_path, patients=8, seed=4, workers=2, progress=False)
    assert digests(tmp_path) == digests(cohort)
    assert len(digests(cohort)) == 8 + 4


def test_manifest_has_the_agreed_columns_and_boxes_on_the_films(cohort):
    table = pd.read_csv(cohort / "manifest.csv")
    wanted = {"patch_id", "patient_id", "level", "label", "image", "x0", "y0", "x1", "y1", "mm_per_px", "age",
              "sex", "normal_segment", "normal_height", "scanner", "anterior_height_mm", "middle_height_mm",
              "posterior_height_mm", "neighbour_height_mm", "annotator_a_label",
              "annotator_b_y1"}  # fmt: skip
    assert wanted <= set(table.columns) and table.patch_id.is_unique
    assert set(table.label) == {"fresh", "old"} and set(table.level) <= set(LEVELS) and len(table) == 14
    for row in table.itertuples():
        with Image.open(cohort / row.image) as film:
            assert film.mode == "L" and 0 < row.x0 < row.x1 < film.width and 0 < row.y0 < row.y1 < film.height


def test_heights_follow_the_neighbours_except_where_compressed(cohort):
    table = pd.read_csv(cohort / "manifest.csv")
    whole = table.normal_segment | table.normal_height
    lowest = table[["anterior_height_mm", "middle_height_mm", "posterior_height_mm"]].min(axis=1)
    ratio = lowest / table.neighbour_height_mm
    assert ratio[~whole].median() < 0.85 and ratio.between(0.15, 1.2).all()


def test_vertebrae_table_holds_neighbours_and_every_labelled_body(cohort):
    manifest, bodies = pd.read_csv(cohort / "manifest.csv"), pd.read_csv(cohort / "vertebrae.csv")
    labelled = bodies.dropna(subset=["label"])
    assert len(labelled) == len(manifest)
    bodies = bodies.rename(columns={"film": "image"})
    joined = manifest.merge(bodies, on=["image", "level"], suffixes=("", "_b"))
    assert len(joined) == len(manifest) and (joined.x0 == joined.x0_b).all()
    assert bodies.groupby("image").size().min() >= 5 and (~bodies.fractured).sum() > len(manifest)


def test_annotators_disagree_a_little(cohort):
    table = pd.read_csv(cohort / "manifest.csv")
    for key in "ab":
        assert (table[f"annotator_{key}_label"] == table.label).mean() > 0.6
        shift = (table[f"annotator_{key}_x0"] - table.x0) * table.mm_per_px
        assert 0.2 < shift.std(ddof=1) < 3


def test_settings_say_synthetic_and_hold_every_parameter(cohort):
    settings = json.loads((cohort / "cohort.json").read_text())
    assert settings["synthetic"] is True and settings["seed"] == 4
    assert {"difficulty", "patient_correlation", "diaphragm", "weave", "auc_ceiling", "patients"} <= set(settings)


def test_all_bad_arguments_are_refused_at_once(tmp_path):
    with pytest.raises(InputError, match="patients is out of range") as caught:
        synthesise(tmp_path / "x", patients=2, effects=Effects(1.5, -1, weave=-0.1), progress=False)
    assert [p.column for p in caught.value.problems] == ["patients", "difficulty", "patient_correlation", "weave"]
    assert not (tmp_path / "x").exists()


def test_a_folder_with_real_data_is_left_alone(tmp_path):
    (tmp_path / "manifest.csv").write_text("patch_id\n")
    with pytest.raises(InputError, match="left alone"):
        synthesise(tmp_path, patients=6, workers=1, progress=False)
    assert (tmp_path / "manifest.csv").read_text() == "patch_id\n"


def test_another_seed_replaces_a_larger_cohort_whole(cohort, tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "P0099.png").write_bytes(b"stale")
    (tmp_path / "manifest.csv").write_text("patch_id\n")
    (tmp_path / "cohort.json").write_text('{"synthetic": true}')
    synthesise(tmp_path, patients=6, seed=5, workers=1, progress=False)
    films = {v for k, v in digests(tmp_path).items() if k.startswith("films/")}
    assert len(films) == 6 and films.isdisjoint(digests(cohort).values())
