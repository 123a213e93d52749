"""The reading session: order, resume, washout, one answer a case, and nothing lost however it ends."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ovcf.intake.imrmc import read_imrmc
from ovcf.problems import InputError
from ovcf.viz.journal import append_row, read_rows
from ovcf.viz.sessions import (
    COLUMNS,
    Case,
    ReadingSession,
    case_order,
    draw_cases,
    export_readings,
    make_plan,
    read_readings,
)


@pytest.fixture
def patches():
    """Sixty patches of forty patients; a third fresh."""
    return pd.DataFrame(
        {
            "patch_id": [f"p{i:02d}" for i in range(60)],
            "patient_id": [f"m{i % 40}" for i in range(60)],
            "label": ["fresh" if i % 3 == 0 else "old" for i in range(60)],
        }
    )


class Clock:
    """A present that tests move."""

    def __init__(self):
        self.time = datetime(2026, 1, 1, 9, tzinfo=UTC)

    def __call__(self):
        self.time += timedelta(seconds=1)
        return self.time


def read_all(session, n=None):
    """Answer until nothing is open (or n answers); returns the cases asked."""
    asked = []
    while session.state()[0] == "case" and (n is None or len(asked) < n):
        case = session.state()[1]
        assert session.answer(case, "fresh", 3, 1.5)
        asked.append(case)
    return asked


def test_cases_keep_the_proportion_and_spread_over_patients(patches):
    drawn = draw_cases(patches, cases=12, seed=1)
    rows = patches.set_index("patch_id").loc[drawn]
    assert (rows["label"] == "fresh").sum() == 4 and rows["patient_id"].is_unique
    assert drawn == draw_cases(patches, cases=12, seed=1) != draw_cases(patches, cases=12, seed=2)


def test_too_many_cases_are_refused(patches):
    with pytest.raises(InputError, match="61 cases"):
        draw_cases(patches, cases=61)


def test_a_small_cohort_is_read_whole_by_default(patches, tmp_path):
    assert len(make_plan(patches.head(25), tmp_path).cases) == 25


def test_order_is_the_readers_own_and_repeats():
    cases = [str(i) for i in range(12)]
    mine = case_order(cases, "Anna", "unaided", 0)
    assert sorted(mine) == sorted(cases)
    assert mine == case_order(cases, " anna ", "unaided", 0)
    assert mine != case_order(cases, "Ben", "unaided", 0)
    assert mine != case_order(cases, "Anna", "aided", 0)


def test_a_plan_is_fixed_and_all_differences_are_named(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=12, training=2, seed=5, washout_days=1)
    assert make_plan(patches, tmp_path) == plan
    with pytest.raises(InputError) as error:
        make_plan(patches, tmp_path, cases=10, seed=6)
    assert len(error.value.problems) == 2


def test_training_cases_are_of_other_patients_and_not_in_the_readings(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=12, training=4)
    patient = patches.set_index("patch_id")["patient_id"]
    assert not set(patient[list(plan.training)]) & set(patient[list(plan.cases)])
    session = ReadingSession(plan, "Anna", tmp_path)
    asked = read_all(session)
    assert [c.session for c in asked] == ["training"] * 4 + ["unaided"] * 12
    assert len(read_readings(tmp_path)) == 12


def test_a_reader_comes_back_on_another_day_to_the_next_case(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=12)
    first = read_all(ReadingSession(plan, "Anna", tmp_path), 7)
    rest = read_all(ReadingSession(make_plan(patches, tmp_path), "anna", tmp_path))
    assert sorted(c.patch_id for c in first + rest) == sorted(plan.cases)
    assert [c.order for c in first + rest] == list(range(1, 13))


def test_an_answer_given_twice_or_in_two_windows_counts_once(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=12)
    here, there = (ReadingSession(plan, "Anna", tmp_path) for _ in range(2))
    case = here.state()[1]
    assert here.answer(case, "old", 4, 2.0)
    assert not there.answer(case, "fresh", 1, 3.0)
    assert there.state()[1].order == 2
    assert read_readings(tmp_path)["answer"].tolist() == ["old"]


def test_the_second_session_waits_for_the_washout_and_shows_the_model(patches, tmp_path):
    plan, clock = make_plan(patches, tmp_path, cases=12, washout_days=3), Clock()
    p = dict(zip(patches["patch_id"], np.linspace(0, 1, 60), strict=True))
    session = ReadingSession(plan, "Anna", tmp_path, model_p_fresh=p, now=clock)
    read_all(session)
    kind, until = session.state()
    last = datetime.fromisoformat(read_readings(tmp_path)["time"].max())
    assert kind == "washout" and until == last + timedelta(days=3)
    refused = Case("aided", 1, 12, case_order(plan.cases, "Anna", "aided", 0)[0])
    assert not session.answer(refused, "old", 3, 1.0)
    clock.time += timedelta(days=3)
    assert len(read_all(session)) == 12
    assert session.state() == ("finished", None)
    rows = read_readings(tmp_path)
    aided = rows[rows["session"] == "aided"]
    np.testing.assert_allclose(aided["model_p_fresh"], aided["patch_id"].map(p))
    assert rows.loc[rows["session"] == "unaided", "model_p_fresh"].isna().all()
    assert list(rows.columns) == list(COLUMNS)


@pytest.mark.parametrize("wrong", [("maybe", 3, 1.0), ("old", 6, 1.0), ("old", 3, -1.0), ("old", 3, float("nan"))])
def test_what_cannot_be_an_answer_is_refused_by_name(patches, tmp_path, wrong):
    session = ReadingSession(make_plan(patches, tmp_path, cases=12), "Anna", tmp_path)
    with pytest.raises(ValueError, match="cannot be kept"):
        session.answer(session.state()[1], *wrong)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "=cmd", "x" * 41, "a\nb\0"])
def test_names_that_cannot_name_a_file_are_refused(name, patches, tmp_path):
    with pytest.raises(InputError, match="reader"):
        ReadingSession(make_plan(patches, tmp_path, cases=12), name, tmp_path)


def test_readers_are_told_apart_by_more_than_their_case(patches, tmp_path):
    plan = make_plan(patches, tmp_path, cases=12)
    for name in ("Dr. Møller", "Dr_ Møller", "Reader 1"):
        read_all(ReadingSession(plan, name, tmp_path), 1)
    assert sorted(read_readings(tmp_path)["reader"]) == ["Dr. Møller", "Dr_ Møller", "Reader 1"]


def test_a_row_torn_by_a_crash_is_dropped_and_asked_again(tmp_path):
    path, columns = tmp_path / "x.csv", ("a", "b")
    append_row(path, columns, {"a": 1, "b": "kept, with comma"})
    whole = path.read_bytes()
    append_row(path, columns, {"a": 2, "b": "lost"})
    path.write_bytes(path.read_bytes()[:-3])
    assert read_rows(path, columns)["a"].tolist() == ["1"]
    append_row(path, columns, {"a": 3, "b": "line\nbreak"})
    assert read_rows(path, columns)["b"].tolist() == ["kept, with comma", "line break"]
    assert path.read_bytes().startswith(whole)


def test_a_kept_answer_survives_the_death_of_its_process(patches, tmp_path):
    make_plan(patches, tmp_path, cases=12)
    patches.to_csv(tmp_path / "patches.table", index=False)
    code = """
import os, sys, pandas as pd
from ovcf.viz.sessions import ReadingSession, make_plan
folder = sys.argv[1]
session = ReadingSession(make_plan(pd.read_csv(folder + "/patches.table"), folder), "Anna", folder)
for _ in range(7):
    session.answer(session.state()[1], "old", 2, 1.0)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env={**os.environ}, check=False)
    assert done.returncode == -9
    assert ReadingSession(make_plan(patches, tmp_path), "Anna", tmp_path).state()[1].order == 8


def test_two_programs_append_at_once_and_no_row_is_lost(tmp_path):
    code = """
import sys
from ovcf.viz.journal import append_row
for i in range(60):
    append_row(sys.argv[1], ("who", "i"), {"who": sys.argv[2], "i": i})
"""
    path = tmp_path / "both.csv"
    running = [subprocess.Popen([sys.executable, "-c", code, str(path), who]) for who in "xy"]
    assert [p.wait() for p in running] == [0, 0]
    assert read_rows(path, ("who", "i")).value_counts().eq(1).all()
    assert len(read_rows(path, ("who", "i"))) == 120


def test_a_plan_of_another_cohort_is_refused(patches, tmp_path):
    make_plan(patches, tmp_path, cases=12)
    plan = json.loads((tmp_path / "plan.json").read_text())
    (tmp_path / "plan.json").write_text(json.dumps({**plan, "cases": ["nobody"]}))
    with pytest.raises(InputError, match="nobody"):
        make_plan(patches, tmp_path)


def test_answers_leave_as_csv_and_imrmc(patches, tmp_path):
    folder = tmp_path / "readings"
    folder.mkdir()
    with pytest.raises(InputError, match="nobody has read"):
        export_readings(folder, tmp_path / "out.csv")
    plan = make_plan(patches, folder, cases=6)
    for reader in ("Anna", "Ben"):
        read_all(ReadingSession(plan, reader, folder))
    table = pd.read_csv(export_readings(folder, tmp_path / "out.csv"))
    back = read_imrmc(export_readings(folder, tmp_path / "out.imrmc"))
    assert len(table) == len(back) == 12
    assert set(back.reader) == {"Anna", "Ben"}
