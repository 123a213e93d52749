"""What comes out: manifest and its versions, patients left out, exports that can be imported again, the protocol."""

import json
import shutil

import pandas as pd
import pytest
from annotation_parts import LABELS, annotate, begin, box, make_films
from PIL import Image

from ovcf.annotation.consensus import JointSession
from ovcf.annotation.journal import Annotator
from ovcf.annotation.protocol import read_protocol
from ovcf.annotation.state import read_state
from ovcf.annotation.work import Source, prepare_work
from ovcf.annotation.writing import LAST, write_cohort
from ovcf.cohort.inclusion import inclusion_flow
from ovcf.cohort.manifest import read_cohort
from ovcf.cohort.versions import Change, next_version
from ovcf.intake.importers import ImportOptions, import_annotations
from ovcf.problems import InputError
from ovcf.reading.roster import add_readers
from ovcf.words import BOX


@pytest.fixture
def begun(tmp_path):
    work, cohort = begin(tmp_path, 3)
    add_readers(cohort / "annotation", ["Anna", "Bernd"])
    annotate(work, cohort, "Anna")
    annotate(work, cohort, "Bernd", dx=1, labels=("fresh", "fresh", "normal", "old"))
    return work, cohort


def decide_all(work, cohort, choice="first"):
    for item in read_state(cohort).open:
        JointSession(work, cohort).decide(item, "Anna and Bernd", choice)


def test_the_study_reads_what_is_written_with_both_originals_beside_it(begun):
    work, cohort = begun
    decide_all(work, cohort)
    written = write_cohort(cohort, who="Anna")
    patches = read_cohort(written.manifest).patches
    assert written.rows == 9 and sorted(patches["level"].unique()) == ["L2", "T11", "T12"]
    first = patches.iloc[0]
    assert first[list(BOX)].tolist() == [60.5, 40, 110.5, 80]
    assert [first[f"annotator_{who}_x0"] for who in "ab"] == [60, 61] and first["settled_by"] == "agreed"
    decided = patches[patches["level"] == "T12"]
    assert decided["settled_by"].unique().tolist() == ["joint session: Anna and Bernd"]
    assert decided["annotator_b_label"].unique().tolist() == ["fresh"] and set(decided["label"]) == {"old"}


def test_versions_follow_one_another_and_say_what_changed_and_nothing_is_overwritten(begun):
    work, cohort = begun
    first = write_cohort(cohort, who="Anna").manifest
    kept = first.read_bytes()
    assert write_cohort(cohort, who="Anna") == (first, False, 6, write_cohort(cohort, who="Anna").notes)
    decide_all(work, cohort, "second")
    second = write_cohort(cohort, who="Anna").manifest
    for name in ("Anna", "Bernd"):  # both correct the level of one vertebra, and take another away
        one = Annotator(work, name, cohort)
        one.keep("01.png", "mark", mark=f"{name}0", level="T10", label="fresh", **box(0))
        one.keep("02.png", "unmark", mark=f"{name}3")
    third = write_cohort(cohort, who="Bernd").manifest
    assert [path.name for path in (first, second, third)] == ["manifest.csv", "manifest-v2.csv", "manifest-v3.csv"]
    assert first.read_bytes() == kept and len(pd.read_csv(second)) == 9
    changes = pd.read_csv(cohort / "manifest-v3.changes.csv", dtype=str, keep_default_na=False)
    level = changes[changes["change"] == "level"]
    assert level[["patch_id", "before", "after", "who"]].values.tolist() == [["01_T11", "T11", "T10", "Bernd"]]
    assert changes.loc[changes["change"] == "row left out", "patch_id"].tolist() == ["02_L2"]


def test_a_kill_between_a_version_and_the_note_of_it_adds_no_vertebra_twice(begun):
    work, cohort = begun
    first = write_cohort(cohort, who="Anna").manifest
    note = cohort / "annotation" / LAST
    before = note.read_bytes()
    decide_all(work, cohort, "second")
    second = write_cohort(cohort, who="Anna").manifest
    note.write_bytes(before)  # as it would be had a kill come before it
    again = write_cohort(cohort, who="Anna")
    assert (again.manifest, again.is_new) == (second, False) and len(pd.read_csv(second)) == 9 > len(pd.read_csv(first))
    assert set(pd.read_csv(note)["patch_id"]) == set(pd.read_csv(second)["patch_id"])


def test_what_others_corrected_in_the_manifest_stands(begun):
    work, cohort = begun
    manifest = write_cohort(cohort, who="Anna").manifest
    less = pd.read_csv(manifest, dtype=str, keep_default_na=False).drop(columns=["corners", "settled_by"])
    less.to_csv(manifest, index=False)  # who takes a column out has rows added without it
    next_version(manifest, [Change("01_L2", "label", "fresh", "seen again")], who="reviewer")
    decide_all(work, cohort)
    third = pd.read_csv(write_cohort(cohort, who="Anna").manifest).set_index("patch_id")
    assert third.loc["01_L2", "label"] == "fresh" and len(third) == 9 and "corners" not in third


def test_an_annotation_that_has_one_class_so_far_is_written_and_goes_on(tmp_path):
    work, cohort = begin(tmp_path, 2)
    one = annotate(work, cohort, "Anna", ["01.png"], labels=("fresh",) * 4)
    write_cohort(cohort, who="Anna")
    annotate(work, cohort, "Anna", ["02.png"], labels=("fresh",) * 4)
    written = write_cohort(cohort, who="Anna")
    assert (written.manifest.name, written.rows) == ("manifest-v2.csv", 8)
    assert "no vertebra is old: a study needs both classes" in written.notes
    one.keep("02.png", "mark", mark="Anna0", level="T11", label="old", **box(0))
    assert set(pd.read_csv(write_cohort(cohort, who="Anna").manifest)["label"]) == {"fresh", "old"}


def test_a_manifest_that_is_no_annotations_is_left_alone(begun):
    _, cohort = begun
    (cohort / "manifest.csv").write_text("patch_id\nmine\n")
    with pytest.raises(InputError, match="not of an annotation"):
        write_cohort(cohort, who="Anna")
    assert (cohort / "manifest.csv").read_text() == "patch_id\nmine\n"


def test_normal_segments_taken_on_purpose_are_old_and_marked_as_such(tmp_path):
    work, cohort = begin(tmp_path, 1)
    one = annotate(work, cohort, "Anna")
    one.keep("01.png", "mark", mark="Anna2", level="L1", label="normal", on_purpose=True, **box(2))
    corners = (110, 220, 60, 222, 60, 262, 110, 250)
    one.keep("01.png", "mark", mark="Anna3", level="L2", label="old", corners=corners)
    written = write_cohort(cohort, who="Anna")
    patches = read_cohort(written.manifest).patches.set_index("level")
    assert patches.loc["L1", "label"] == "old" and patches["normal_segment"].tolist() == [False, False, True, False]
    assert patches.loc["L2", ["x0", "y0", "x1", "y1"]].tolist() == [60, 220, 110, 262]
    assert any("one annotator (Anna)" in note for note in written.notes)
    (again,) = prepare_work(written.manifest, tmp_path / "again").films  # our own manifest, opened for correction
    assert [mark.get("corners") for mark in again.given.values()] == [None, None, None, list(map(float, corners))]
    assert "on purpose" in read_protocol(cohort).set_index("item").loc["In the study", "value"]


def test_patients_left_out_stand_in_figure_1_with_their_reason(begun):
    work, cohort = begun
    for name in ("Anna", "Bernd"):
        Annotator(work, name, cohort).keep("03.png", "film", done=True, exclusion="MRI unavailable")
        Annotator(work, name, cohort).keep("02.png", "film", done=True, exclusion="high-energy trauma")
    manifest = write_cohort(cohort, who="Anna").manifest
    flow = inclusion_flow(read_cohort(manifest).studies).set_index("step")
    assert flow.loc["MRI available", "excluded"] == 1 and flow.loc["Other exclusion", "reason"] == "high-energy trauma"
    assert flow.loc["Included", "n"] == 1


@pytest.mark.parametrize("form, source", [("coco", "coco.json"), ("labelme", "labelme")])
def test_exports_come_back_through_the_importer(begun, form, source, tmp_path):
    work, cohort = begun
    decide_all(work, cohort)
    written = write_cohort(cohort, who="Anna")
    options = ImportOptions(one_patient_per_film=True, images=cohort / "films")
    back = import_annotations(form, cohort / source, cohort / "back.csv", options)
    ours = read_cohort(written.manifest).patches.set_index("patch_id")
    theirs = back.patches[back.patches["label"] != ""].set_index("patch_id")
    assert not back.problems and sorted(theirs.index) == sorted(ours.index)
    assert (theirs.loc[ours.index, list(BOX)] - ours[list(BOX)]).abs().to_numpy().max() < 0.01
    assert (theirs.loc[ours.index, "label"] == ours["label"]).all()


@pytest.mark.parametrize("form, source", [("coco", "coco.json"), ("labelme", "labelme")])
def test_films_of_one_name_are_exported_apart_and_what_is_taken_back_leaves_no_old_box(form, source, tmp_path):
    cohort = tmp_path / "cohort"
    for folder in ("films", "films/a b"):
        make_films(cohort / folder, 1)
    shutil.copy(cohort / "films" / "01.png", cohort / "films" / "a b-01.png")
    Image.open(cohort / "films" / "01.png").save(cohort / "films" / "01.tif")
    work = prepare_work(cohort / "films", cohort, Source(one_patient_per_film=True))
    one = annotate(work, cohort, "Anna")
    options = ImportOptions(one_patient_per_film=True, images=cohort / "films")
    for films in (4, 3):
        write_cohort(cohort, who="Anna")
        back = import_annotations(form, cohort / source, tmp_path / f"{films}.csv", options).patches
        assert sorted(back["level"].value_counts()) == [films] * 4
        for place in range(4):
            one.keep("a b/01.png", "unmark", mark=f"Anna{place}")


def test_the_protocol_says_who_when_how_and_how_far_they_agreed(begun):
    work, cohort = begun
    decide_all(work, cohort)
    write_cohort(cohort, who="Anna")
    said = read_protocol(cohort).set_index("item")["value"]
    assert said["Annotators"] == "Anna, Bernd" and "without the other's marks" in said["Blinded"]
    assert said["Vertebrae"].tolist() == ["9 agreed", "3 settled in a joint session"]
    assert said["Agreement: same label"].startswith("0.75 [") and said["Joint session, Anna and Bernd"].startswith("3 ")
    assert "by a count of heads" in said["How the two were joined"] and said["Boxes, Anna"] == "12 drawn"
    agreement = pd.read_csv(cohort / "agreement.csv").set_index("measure")
    assert agreement.loc["same label", "value"] == 0.75
    marks = pd.read_csv(cohort / "annotators.csv", keep_default_na=False)
    assert len(marks) == 24 and set(marks["label"]) == set(LABELS) | {"fresh"}
    assert len(json.loads((cohort / "coco.json").read_text())["annotations"]) == 12
