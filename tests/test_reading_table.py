"""All readers together: the table, the interim export, several workstations, how far each is."""

import shutil
from datetime import timedelta

import pandas as pd
import pytest
from reading_parts import Clock, read_all, some_model, some_patches

from ovcf.intake.imrmc import read_imrmc
from ovcf.intake.readings import read_readings
from ovcf.problems import InputError
from ovcf.profiles import defaults
from ovcf.reading.plan import make_plan
from ovcf.reading.roster import add_readers
from ovcf.reading.session import ReadingSession
from ovcf.reading.table import export_readings, gather, notes_on, progress, readings_table
from ovcf.sentences.design import sessions
from ovcf.study import Study


@pytest.fixture
def study(tmp_path):
    """A plan of six cases without and with the model, a roster of three."""
    folder = tmp_path / "here"
    add_readers(folder, ["Zoë", "Anna", "Ben"])
    return make_plan(some_patches(), folder, cases=6, washout_days=3.0), folder


def reader(study, name, clock=None, folder=None):
    plan, here = study
    return ReadingSession(plan, name, folder or here, model_p_fresh=some_model(), now=clock)


def finish(study, name, clock=None, folder=None):
    clock = clock or Clock()
    session = reader(study, name, clock, folder)
    read_all(session)
    clock.time += timedelta(days=4)
    read_all(session)
    assert session.state()[0] == "finished"
    return session


def test_answers_leave_as_csv_and_imrmc_and_the_analysis_reads_them(study, tmp_path):
    plan, folder = study
    with pytest.raises(InputError, match="nobody has read"):
        export_readings(gather(plan, folder), tmp_path / "out.csv")
    for name in ("anna", "ZOË"):
        finish(study, name)
    gathered = gather(plan, folder)
    table = read_readings(export_readings(gathered, tmp_path / "out.csv"))
    assert len(table) == 2 * plan.questions and not table.duplicated(["reader", "session", "patch_id"]).any()
    assert set(read_imrmc(export_readings(gathered, tmp_path / "out.imrmc")).reader) == {"Anna", "Zoë"}
    assert pd.read_csv(tmp_path / "out.csv")["reader"].unique().tolist() == ["Zoë", "Anna"]  # the roster's order
    truth = some_patches().set_index("patch_id")["label"].eq("fresh").astype(int)
    assert (table["truth"] == table["patch_id"].map(truth)).all()


def test_the_interim_export_leaves_the_unfinished_out_by_name(study, tmp_path):
    plan, folder = study
    finish(study, "Anna")
    read_all(reader(study, "Ben", Clock()), 4)
    gathered = gather(plan, folder)
    export_readings(gathered, tmp_path / "out.csv", finished_only=True)
    assert set(pd.read_csv(tmp_path / "out.csv")["reader"]) == {"Anna"}
    notes = notes_on(gathered, finished_only=True)
    assert notes == ["Ben: left out, unfinished, 8 of 12 answers missing", "Zoë: has not begun"]
    assert len(readings_table(gathered)) == 16
    with pytest.raises(InputError, match="nobody has finished"):
        export_readings(gathered._replace(readers=gathered.readers[1:]), tmp_path / "out.csv", finished_only=True)


def test_journals_of_several_workstations_are_joined_a_copy_counts_once(study, tmp_path):
    plan, folder = study
    there = tmp_path / "there"
    shutil.copytree(folder, there)
    clock = Clock()
    read_all(reader(study, "Anna", clock), 3)
    finish(study, "Ben")
    shutil.copy(folder / "anna.jsonl", there)  # Anna goes on at the other workstation
    finish(study, "Anna", clock, folder=there)
    for order in ((folder, [there]), (there, [folder])):
        gathered = gather(plan, *order)
        assert [r.name for r in gathered.readers] == ["Anna", "Ben"] and gathered.waiting == ["Zoë"]
        assert [r.missing(plan) for r in gathered.readers] == [0, 0]
        table = readings_table(gathered)
        assert len(table) == 2 * plan.questions and not table.duplicated(["reader", "session", "patch_id"]).any()


def test_conflicts_of_two_workstations_are_named_with_both_lines(study, tmp_path):
    plan, folder = study
    there = tmp_path / "there"
    shutil.copytree(folder, there)
    read_all(reader(study, "Anna", Clock()), 3)
    read_all(reader(study, "Anna", Clock(), there), 2, answer="old")
    with pytest.raises(InputError) as error:
        gather(plan, folder, [there])
    assert len(error.value.problems) == 2
    for line, problem in enumerate(error.value.problems, 1):
        assert f"anna.jsonl, line {line}: " in problem.message and problem.row == line
        assert str(there) in problem.file and str(folder) in problem.message
    assert read_all(reader(study, "Anna", Clock()), 1)[0].order == 4  # nothing was changed


def test_another_plan_is_refused_and_named(study, tmp_path):
    plan, folder = study
    make_plan(some_patches(), tmp_path / "there", cases=6, seed=9)
    with pytest.raises(InputError, match="another plan"):
        gather(plan, folder, [tmp_path / "there"])
    with pytest.raises(InputError, match="no run with a plan"):
        gather(plan, folder, [tmp_path / "nowhere"])


def test_progress_says_how_far_each_reader_is_and_nothing_of_right_and_wrong(study):
    plan, folder = study
    clock = Clock()
    anna, zoe = reader(study, "Anna", clock), finish(study, "Zoë", Clock())
    anna.keep_display_check("1920 x 1080", dark=True, light=False)
    read_all(anna)
    anna.mark_slip(anna.last_answer())
    read_all(anna, answer="cannot judge", confidence=None)
    table = progress(gather(plan, folder), clock()).set_index("reader")
    assert table.loc["Zoë", ["state", "answered", "missing", "of"]].tolist() == ["finished", 12, 0, 12]
    row = table.loc["Anna"]
    assert row[["state", "answered", "missing", "answered_1", "answered_2"]].tolist() == ["washout", 6, 6, 6, 0]
    assert row[["cannot_judge", "mis_keyed", "median_seconds"]].tolist() == [1, 1, 1.5]
    assert (
        row["washout_ends"] == anna.state()[1].isoformat(timespec="minutes")
        and row["display"] == "steps not told apart"
    )
    assert table.loc["Ben", "state"] == "not begun" and table.loc["Ben", "missing"] == 12
    assert not {"truth", "correct", "accuracy", "auc"} & set(table.columns) and zoe


# What the study makes of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({}, "once with the model's probability in view; the median time from the end of the first to the start of the "
             "second was 4 days."),
        ({"design": "crossover"}, "in a crossover by reader and case; the median time from the end of the first to the "
                                  "start of the second was 4 days."),
        ({"arms": ("both",)}, "in view, one straight after the other case by case."),
        ({"arms": ("unaided",)}, "Readers read once, without the model."),
        ({"arms": ("unaided-film", "unaided")},
             "Readers read once without the model on the whole film and once without the "
             "model; the median time from the end of the first to the start of the second was 4 days."),
    ],
)  # fmt: skip
def test_the_report_says_in_which_design_the_cases_were_read(tmp_path, plan, said):
    folder = tmp_path / "here"
    add_readers(folder, ["Anna", "Ben"])
    made = make_plan(some_patches(), folder, cases=6, washout_days=3.0, **plan)
    for rank, name in enumerate(("Anna", "Ben")):
        clock = Clock()
        session = ReadingSession(made, name, folder, rank=rank, model_p_fresh=some_model(), now=clock)
        read_all(session)
        clock.time += timedelta(days=4)
        read_all(session)
    export_readings(gather(made, folder), tmp_path / "out.csv")
    assert sessions(read_readings(tmp_path / "out.csv")).endswith(said)


def test_readings_that_tables_4_and_5_cannot_show_are_refused_before_a_run_begins(tmp_path):
    folder = tmp_path / "here"
    plan = make_plan(some_patches(), folder, cases=6, arms=("unaided-film",))
    read_all(ReadingSession(plan, "Anna", folder))
    path = export_readings(gather(plan, folder), tmp_path / "out.csv")
    with pytest.raises(InputError, match="no session `unaided`.*unaided-film"):
        Study.unborn(tmp_path / "run", defaults() | {"readings": str(path)}).check()
    assert not (tmp_path / "run").exists()
