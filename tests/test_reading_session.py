"""The reading session: order, resume, washout, one answer a case, mis-keyed ones, and nothing lost however it ends."""

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from reading_parts import Clock, read_all, some_model, some_patches

from ovcf.problems import InputError
from ovcf.reading import journal
from ovcf.reading.plan import make_plan
from ovcf.reading.session import Case, ReadingSession
from ovcf.reading.table import gather, readings_table

ALONE = ("unaided",)


@pytest.fixture
def patches():
    return some_patches()


def readings(plan, folder):
    return readings_table(gather(plan, folder))


def test_training_comes_first_and_is_not_in_the_readings(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=12, training=4, arms=ALONE)
    asked = read_all(ReadingSession(plan, "Anna", tmp_path))
    assert [c.session for c in asked] == ["training"] * 4 + ["unaided"] * 12
    assert len(readings(plan, tmp_path)) == 12


def test_a_reader_comes_back_on_another_day_to_the_next_case_however_the_name_is_spelt(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=12, arms=ALONE)
    first = read_all(ReadingSession(plan, "Zoë  Test", tmp_path), 7)
    rest = read_all(ReadingSession(make_plan(patches, tmp_path), "ZOE\u0308 test", tmp_path))
    assert sorted(c.patch_id for c in first + rest) == sorted(plan.cases)
    assert [c.order for c in first + rest] == list(range(1, 13))
    assert readings(plan, tmp_path)["reader"].unique().tolist() == ["Zoë Test"]


def test_an_answer_given_twice_or_in_two_windows_counts_once(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=12, arms=ALONE)
    here, there = (ReadingSession(plan, "Anna", tmp_path) for _ in range(2))
    case = here.state()[1]
    assert here.answer(case, "old", 4, 2.0)
    assert not there.answer(case, "fresh", 1, 3.0)
    assert there.state()[1].order == 2
    assert readings(plan, tmp_path)["answer"].tolist() == ["old"]


def test_the_second_session_waits_for_the_washout_and_shows_the_model(patches, tmp_path):
    plan, clock = make_plan(patches, tmp_path, cases=12, washout_days=3.0), Clock()
    session = ReadingSession(plan, "Anna", tmp_path, model_p_fresh=some_model(), now=clock)
    read_all(session)
    kind, until = session.state()
    last = datetime.fromisoformat(readings(plan, tmp_path)["time"].max())
    assert kind == "washout" and until == last + timedelta(days=3)
    refused = Case(2, "aided", 1, 12, plan.steps("Anna", 0, 2)[0].patch_id)
    assert not session.answer(refused, "old", 3, 1.0)
    clock.time += timedelta(days=3)
    assert len(read_all(session)) == 12 and session.state() == ("finished", None)
    rows = readings(plan, tmp_path)
    aided = rows[rows["session"] == "aided"]
    assert aided["model_p_fresh"].tolist() == aided["patch_id"].map(some_model()).tolist()
    assert rows.loc[rows["session"] == "unaided", "model_p_fresh"].isna().all()


def test_a_plan_with_the_model_needs_its_answers(patches, tmp_path):
    with pytest.raises(InputError, match="12 of its cases have none"):
        ReadingSession(make_plan(patches, tmp_path, cases=12), "Anna", tmp_path)


NO_ANSWERS = [
    ("maybe", 3, 1.0), ("old", 6, 1.0), ("old", 0, 1.0), ("old", 3, -1.0), ("old", True, 1.0), ("old", None, 1.0),
    ("old", 3, float("nan")), ("cannot judge", 3, 1.0),
]  # fmt: skip


@pytest.mark.parametrize("wrong", NO_ANSWERS)
def test_what_cannot_be_an_answer_is_refused_by_name(patches, tmp_path, wrong):
    session = ReadingSession(make_plan(patches, tmp_path, cases=12, arms=ALONE), "Anna", tmp_path)
    with pytest.raises(ValueError, match="cannot be kept"):
        session.answer(session.state()[1], *wrong)
    assert not session.events()


@pytest.mark.parametrize("scale", ["1-5", "0-100"])
def test_the_scale_of_the_plan_is_the_one_that_counts(patches, tmp_path, scale):
    session = ReadingSession(make_plan(patches, tmp_path, cases=4, arms=ALONE, scale=scale), "Anna", tmp_path)
    if scale == "1-5":
        with pytest.raises(ValueError, match="cannot be kept"):
            session.answer(session.state()[1], "old", 70, 1.0)
    else:
        assert session.answer(session.state()[1], "old", 70, 1.0)
        assert readings(session.plan, tmp_path)["scale"].tolist() == ["0-100"]


def test_a_mis_keyed_answer_is_asked_again_at_the_end_and_both_are_kept(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=6, arms=ALONE)
    session = ReadingSession(plan, "Anna", tmp_path)
    assert session.last_answer() is None
    first, second = read_all(session, 2)
    assert not session.mark_slip(first)  # only the last one
    assert session.mark_slip(second) and not session.mark_slip(second)
    asked = read_all(session, answer="old", confidence=5)
    assert [c.patch_id for c in asked].index(second.patch_id) == 4 == len(asked) - 1
    assert asked[-1] == second._replace(again=1) and session.state()[0] == "finished"
    row = readings(plan, tmp_path).set_index("patch_id").loc[second.patch_id]
    assert (row["answer"], row["confidence"], row["mis_keyed"]) == ("old", 5, "fresh 3")
    assert session.mark_slip(asked[-1])  # the last of all, once more
    assert session.state() == ("case", second._replace(again=2))


def test_a_slip_before_the_washout_opens_the_first_session_again(patches, tmp_path):
    plan, clock = make_plan(patches, tmp_path, cases=4), Clock()
    session = ReadingSession(plan, "Anna", tmp_path, model_p_fresh=some_model(), now=clock)
    last = read_all(session)[-1]
    assert session.state()[0] == "washout" and session.mark_slip(last)
    assert session.state() == ("case", last._replace(again=1))


def test_a_slip_of_both_asks_without_and_with_the_model_again(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=3, arms=("both",))
    session = ReadingSession(plan, "Anna", tmp_path, model_p_fresh=some_model())
    (first,) = read_all(session, 1)
    assert session.mark_slip(first)
    asked = read_all(session)
    assert [c.session for c in asked] == ["unaided", "aided"] * 3
    assert [c.patch_id for c in asked[-2:]] == [first.patch_id] * 2 and asked[-2].again == 1


def test_what_was_chosen_and_not_confirmed_comes_back(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=3, arms=ALONE)
    session = ReadingSession(plan, "Anna", tmp_path)
    case = session.state()[1]
    assert session.draft(case) == {}
    session.keep_draft(case, answer="old", confidence=None, comment="a\nline", seconds=4.5, pauses=1)
    session.keep_draft(case, answer="fresh", confidence=2, reasons=["sclerosis", "x"], seconds=6.0, pauses=1)
    again = ReadingSession(plan, "anna", tmp_path)
    draft = again.draft(again.state()[1])
    assert (draft["answer"], draft["confidence"], draft["seconds"], draft["pauses"]) == ("fresh", 2, 6.0, 1.0)
    assert draft["reasons"] == ["sclerosis"] and readings(plan, tmp_path).empty
    read_all(again, 1)
    assert again.draft(again.state()[1]) == {}


def test_a_display_check_holds_for_its_screen_and_half_a_day(patches, tmp_path):
    plan, clock = make_plan(patches, tmp_path, cases=3, arms=ALONE), Clock()
    session = ReadingSession(plan, "Anna", tmp_path, now=clock)
    assert session.needs_display_check("1920 x 1080, 1")
    session.keep_display_check("1920 x 1080, 1", dark=True, light=True, px_per_mm=3.78)
    assert not session.needs_display_check("1920 x 1080, 1") and session.needs_display_check("390 x 844, 3")
    clock.time += timedelta(hours=13)
    assert session.needs_display_check("1920 x 1080, 1")


def test_a_clock_in_2036_blocks_nobody_and_is_named(patches, tmp_path):
    plan, clock = make_plan(patches, tmp_path, cases=4, washout_days=3.0), Clock()
    session = ReadingSession(plan, "Anna", tmp_path, model_p_fresh=some_model(), now=clock)
    read_all(session, 2)
    right, clock.time = clock.time, clock.time.replace(year=2036)
    read_all(session, 1)
    clock.time = right
    (last,) = read_all(session, 1)
    kind, until = session.state()
    assert kind == "washout" and until < right + timedelta(days=3, minutes=1)
    problems = session.problems()
    assert [(p.row, p.kind) for p in problems] == [(3, "clock")] and "2036" in problems[0].found
    assert len(readings(plan, tmp_path)) == 4 and session.last_answer() == last


def test_damage_to_a_journal_asks_nothing_twice_and_names_the_line(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=6, arms=ALONE)
    session = ReadingSession(plan, "Anna", tmp_path)
    asked = read_all(session, 5)
    lines = session.path.read_text().splitlines()
    lines[1] = lines[1].replace('"fresh"', '""fresh"')
    lines[2] = lines[2].replace('"confidence": 3,', '"confidence": 3,,')
    session.path.write_text(lines[0] + lines[1] + "\n" + "\n".join(lines[2:]))  # two ends lost
    (last,) = read_all(ReadingSession(plan, "Anna", tmp_path))
    assert last.patch_id not in {c.patch_id for c in asked}
    assert len(readings(plan, tmp_path)) == 6
    assert {p.row for p in session.problems()} == {1, 2} and all(
        p.file == str(session.path) for p in session.problems()
    )


def test_a_readers_file_of_an_earlier_version_is_read_on(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=4, training=2, arms=ALONE)
    steps, head = plan.steps("Anna", 0, 1), ("reader,session,order,patch_id,patient_id,truth,answer,confidence,seconds,"
                                             "time,model_p_fresh")  # fmt: skip
    rows = [f"Anna,unaided,{s.order},{s.patch_id},m,1,old,4,2.5,2026-01-01T09:00:0{s.order}+00:00," for s in steps[:3]]
    rows[1], rows[2] = rows[1].replace("old", '"old'), rows[2].replace("old", "old,")  # an editor was here
    (tmp_path / "anna.csv").write_text("\n".join([head, *rows]) + "\n")
    trained = [
        f"Anna,training,{i},{case},m,1,old,4,2.5,2026-01-01T08:00:00+00:00," for i, case in enumerate(plan.training)
    ]
    (tmp_path / "anna.training.csv").write_text("\n".join([head, *trained]) + "\n")
    session = ReadingSession(plan, "ANNA", tmp_path)
    assert [(Path(p.file).name, p.row) for p in session.problems()] == [("anna.csv", 3), ("anna.csv", 4)]
    assert [c.patch_id for c in read_all(session)] == [steps[3].patch_id]
    table = readings(plan, tmp_path)
    assert table["answer"].tolist() == ["old"] * 3 + ["fresh"] and table["order"].tolist() == [1, 2, 3, 4]


def test_a_kept_answer_survives_the_death_of_its_process(patches, tmp_path):
    make_plan(patches, tmp_path, cases=12, arms=ALONE)
    patches.to_csv(tmp_path / "patches.table", index=False)
    code = """
import os, sys, pandas as pd
from ovcf.reading.plan import make_plan
from ovcf.reading.session import ReadingSession
folder = sys.argv[1]
session = ReadingSession(make_plan(pd.read_csv(folder + "/patches.table"), folder), "Anna", folder)
for _ in range(7):
    session.answer(session.state()[1], "old", 2, 1.0)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env={**os.environ}, check=False)
    assert done.returncode == -9
    assert ReadingSession(make_plan(patches, tmp_path), "Anna", tmp_path).state()[1].order == 8


def test_a_line_says_everything_and_nothing_of_the_truth(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=4, arms=ALONE)
    session = ReadingSession(plan, "Anna", tmp_path, facts={"software": "ovcf 0", "model_digest": "abc"})
    seen = {"zooms": 3, "windows": 1, "losses_of_focus": 2, "away_seconds": 7.25, "pauses": 1, "paused_seconds": 30.0}
    session.answer(session.state()[1], "fresh", 4, 12.345, reasons=["sclerosis"], comment="clear", **seen)
    (entry,) = journal.read(session.path).entries
    wanted = {
        **seen,
        "away_seconds": 7.2,
        "seconds": 12.35,
        "software": "ovcf 0",
        "model_digest": "abc",
        "scale": "1-5",
    }
    assert {name: entry.values[name] for name in wanted} == pytest.approx(wanted, abs=0.01)
    assert not {"truth", "patient_id", "label"} & set(entry.values)
    assert pd.notna(readings(plan, tmp_path)["truth"]).all()
