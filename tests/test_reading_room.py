"""The reading room's answers without a page: who may come in, what a blinded reader is told, what comes back."""

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO

import numpy as np
import pytest
from clinician_fakes import HOSTILE, FakeStudy
from PIL import Image

from ovcf.intake.readings import read_readings
from ovcf.problems import InputError
from ovcf.reading.plan import make_plan
from ovcf.reading.roster import add_readers, read_roster
from ovcf.reading.table import export_readings, gather
from ovcf.stats.readers.report import analyse
from ovcf.viz.detail import reader_patch
from ovcf.viz.reading_room import ReadingRoom
from ovcf.viz.room_status import RoomStatus

FOUND = {"screen": "1 x 1", "dark": True, "light": True, "px_per_mm": 3.8, "tries": 1, "ratio": 2}
ANSWER = {"answer": "old", "confidence": 4, "seconds": 3.0}


class Clock:
    time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self):
        self.time += timedelta(seconds=1)
        return self.time


@pytest.fixture
def study(tmp_path):
    return FakeStudy(tmp_path)


def planned(study, **plan):
    return make_plan(study.patches, study.run / "readings", cases=6, washout_days=1.0, **plan)


def room(study, reader="Anna", clock=None):
    """A room in which this reader stands before the first case; also the answer that shows it."""
    widget = ReadingRoom(study, now=clock or Clock())
    widget.ask("start", reader=reader, is_new=True, screen="1 x 1")
    shown, _ = widget.ask("display", found=FOUND) if widget.case and not widget.session.events() else widget.ask("case")
    return widget, shown


def test_a_name_never_seen_asks_before_it_starts_and_leaves_nothing(study):
    widget = ReadingRoom(study)
    assert widget.ask("start", reader=" Anna  Test", screen="x")[0] == {"screen": "unknown", "reader": "Anna Test"}
    assert not (study.run / "readings").exists()
    room(study, "Anna Test")
    assert ReadingRoom(study).ask("start", reader="ANNA test", screen="1 x 1")[0]["screen"] != "unknown"
    assert ReadingRoom(study).ask("start", reader="Ana Test", screen="1 x 1")[0]["screen"] == "unknown"


def test_with_a_roster_only_named_links_open_the_room(study):
    planned(study)
    roster = add_readers(study.run / "readings", ["Anna", "Ben"])
    widget = ReadingRoom(study)
    assert "named readers" in widget.ask("hello")[0]["words"]
    for token in ("", "x", roster.server, roster.coordinator, "ä"):
        with pytest.raises(ValueError, match="named readers"):
            widget.ask("start", reader="Anna", token=token, is_new=True)
    hello, _ = widget.ask("hello", token=roster.tokens["Ben"])
    assert (hello["reader"], hello["named"], hello["words"]) == ("Ben", True, "")
    widget.ask("start", reader="Anna", token=roster.tokens["Ben"], screen="x")  # the link says who it is
    assert widget.session.reader == "Ben" and widget.session.rank == 1
    assert oct((study.run / "readings" / "roster.json").stat().st_mode)[-3:] == "600"
    assert add_readers(study.run / "readings", ["BEN", "Zoë"]).readers == ("Anna", "Ben", "Zoë")
    (study.run / "readings" / "roster.json").write_text('{"readers": [')
    with pytest.raises(InputError, match="roster is damaged"):
        read_roster(study.run / "readings")


def test_nothing_of_the_case_or_of_others_travels(tmp_path):
    study = FakeStudy(tmp_path, hostile=True)
    planned(study, arms=("unaided-film",))
    room(study, "Ben")[0].ask("case")
    _, shown = room(study)
    told = json.dumps(shown)
    hidden = [
        *study.patches["patch_id"],
        *study.patches["patient_id"],
        *study.patches["image"],
        "Ben",
        HOSTILE,
        "truth",
    ]
    assert [name for name in hidden if name in told] == [] and "label" not in shown


@pytest.mark.parametrize("session", ["unaided", "unaided-film"])
def test_what_is_shown_keeps_its_proportions(study, session):
    planned(study, arms=(session,))
    widget, shown = room(study)
    picture = Image.open(BytesIO(widget.ask("case")[1][0]))
    if session == "unaided":
        assert picture.size == (640, round(640 * 58 / 78)) and "box" not in shown  # 70 x 50 px and 4 px of margin
    else:
        assert picture.size == (160, 240) and shown["scale"] == 1.0
        assert shown["box"]["x1"] - shown["box"]["x0"] == 70.0
    row = study.patches.iloc[0].to_dict()
    assert reader_patch(study, row, 320).shape == (round(320 * 58 / 78), 320)


def test_the_open_case_and_what_was_chosen_come_back_in_a_new_kernel(study):
    planned(study, arms=("unaided",))
    clock = Clock()
    first, shown = room(study, clock=clock)
    first.ask(
        "draft", case=shown["case"], answer="fresh", confidence=2, reasons=["sclerosis"], comment="c", seconds=9.5
    )
    _, again = room(study, "anna", clock)
    assert again["case"] == shown["case"]
    assert {**again["draft"], "zooms": 0} | {"answer": "fresh", "confidence": 2} == again["draft"]
    assert again["draft"]["seconds"] == 9.5 and again["draft"]["comment"] == "c"


def test_a_slip_is_marked_once_and_asked_again(study):
    planned(study, arms=("unaided",))
    widget, shown = room(study)
    assert shown["last"] is None
    after, _ = widget.ask("answer", case=shown["case"], **ANSWER)
    assert after["kept"] and after["last"] == shown["case"]
    marked, _ = widget.ask("slip", case=after["last"])
    assert marked["marked"] and marked["case"] == after["case"] and marked["last"] is None
    assert not widget.ask("slip", case=after["last"])[0]["marked"]
    seen = [marked]
    while seen[-1]["screen"] == "case":
        seen.append(widget.ask("answer", case=seen[-1]["case"], **ANSWER)[0])
    assert [s.get("again") for s in seen[-2:]] == [1, None] and seen[-2]["order"] == shown["order"]
    assert seen[-1]["screen"] == "finished" and len(seen) == 7


def test_training_tells_the_truth_and_the_model_comes_with_its_arm_only(study):
    planned(study, training=2)
    clock = Clock()
    widget, shown = room(study, clock=clock)
    truths = study.patches.set_index("patch_id")["label"]
    while shown["session"] == "training":
        patch = widget.case.patch_id
        shown, _ = widget.ask("answer", case=shown["case"], **ANSWER)
        assert shown.pop("feedback") == {"truth": truths[patch]}
    while shown["screen"] == "case":
        assert "p_fresh" not in shown
        shown, _ = widget.ask("answer", case=shown["case"], **ANSWER)
    assert shown["screen"] == "washout" and shown["last"] and "feedback" not in shown
    clock.time += timedelta(days=2)
    shown, _ = widget.ask("case")
    assert shown["screen"] == "display"  # another day
    shown, _ = widget.ask("display", found=FOUND)
    p = study.predictions.query("network == 'vgg16'").set_index("patch_id")["p_fresh"]
    assert shown["p_fresh"] == p[widget.case.patch_id]
    with pytest.raises(ValueError, match="not open any more"):
        widget.ask("answer", case="1 unaided 1 0", **ANSWER)


def test_the_display_check_is_kept_with_the_session(study):
    planned(study, arms=("unaided",))
    widget, _ = room(study)
    (event,) = [e.values for e in widget.session.events() if e.values["event"] == "display"]
    assert event["dark"] and event["light"] and event["px_per_mm"] == 3.8 and event["ratio"] == 2
    assert event["screen"] == "1 x 1" and event["software"].startswith("ovcf ") and event["model"] == "vgg16"


def test_the_coordinators_page_counts_and_exports(study):
    planned(study, arms=("unaided",))
    add_readers(study.run / "readings", [])
    for name, n in (("Anna", 6), ("Ben", 2)):
        widget, shown = room(study, name)
        for _ in range(n):
            shown, _ = widget.ask("answer", case=shown["case"], **ANSWER)
    page = RoomStatus(study)
    status, _ = page.ask("status")
    assert [(r["reader"], r["state"], r["missing"]) for r in status["rows"]] == [
        ("Anna", "finished", 0),
        ("Ben", "reading", 4),
    ]
    json.dumps(status, allow_nan=False)
    interim, (csv,) = page.ask("export", finished_only=True)
    assert interim["count"] == 6 and interim["notes"] == ["Ben: left out, unfinished, 4 of 6 answers missing"]
    assert csv.count(b"\n") == 7 and np.isfinite(interim["readers"])


# A whole study (benchmarks/reading_room.py: 60 cases, two readers by keys in the browser, programs really killed) ----


def test_a_crossover_study_by_the_pages_messages_is_read_by_the_analysis_every_answer_once(study, tmp_path):
    """Six readers, ten cases; three kernels go away on the way, two windows answer at once, one answer is a slip."""
    plan = make_plan(study.patches, study.run / "readings", cases=10, washout_days=0.0, design="crossover")
    names = [f"Reader {i}" for i in range(6)]
    tokens = add_readers(study.run / "readings", names).tokens
    said, clock = {}, Clock()
    for i, name in enumerate(names):
        widget, shown = opened(study, tokens[name], clock)
        while shown["screen"] == "case":
            question = (name, widget.case.session, widget.case.patch_id)
            right = plan.truth[widget.case.patch_id][1] == (len(said) % 3 > 0)
            choice = {"answer": "fresh" if right else "old", "confidence": 1 + len(said) % 5}
            said[question] = (choice["answer"], choice["confidence"])
            second = opened(study, tokens[name], clock)[0] if (i, len(said)) == (0, 4) else None
            if i < 3 and widget.case.order == 7:
                widget, _ = opened(study, tokens[name], clock)  # the kernel died
            before = shown
            shown, _ = widget.ask("answer", case=shown["case"], seconds=2.0, **choice)
            if second:
                assert not second.ask("answer", case=before["case"], **ANSWER)[0]["kept"]
            if len(said) == 3:
                shown, _ = widget.ask("slip", case=shown["last"])
        assert shown["screen"] == "finished"
    gathered = gather(plan, study.run / "readings")
    table = read_readings(export_readings(gathered, tmp_path / "readings.csv"))
    assert len(table) == len(said) == 6 * 10 * 2 and not gathered.problems
    given = {(r.reader, r.session, r.patch_id): (r.answer, r.confidence) for r in table.itertuples()}
    assert given == said and (table["mis_keyed"].fillna("") != "").sum() == 1
    assert set(table.groupby(["reader", "period", "session"]).size()) == {5}
    design = analyse(table, covariances=("jackknife",))["design"]
    assert (design["readers"], design["treatments"], design["cases"]) == (names, ["aided", "unaided"], 10)


def opened(study, token, clock):
    """A window of the reader whose link this is, and what it shows."""
    widget = ReadingRoom(study, now=clock)
    shown, _ = widget.ask("start", token=token, screen="1 x 1")
    return widget, widget.ask("display", found=FOUND)[0] if shown["screen"] == "display" else shown


@pytest.mark.parametrize("p, says", [(0.39, "old"), (0.4, "fresh"), (0.45, "fresh")])
def test_the_model_calls_at_the_runs_threshold(study, p, says):
    study.predictions["p_fresh"] = p
    planned(study, arms=("aided",))
    assert room(study)[1]["says"] == says  # the run's threshold is 0.4
