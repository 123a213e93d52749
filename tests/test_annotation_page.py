"""The annotators' page without a browser: blinding, proposals, what is refused; the joint session's page."""

import socket
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from annotation_parts import annotate, begin, box

from ovcf.annotate import annotation_page, prepare, serve_consensus, serve_marks, status_of
from ovcf.annotation.journal import Annotator
from ovcf.annotation.work import Source, add_flags, read_work
from ovcf.problems import InputError
from ovcf.reading.roster import add_readers, read_roster
from ovcf.viz.annotated import Annotated, annotation_of
from ovcf.viz.annotation import AnnotationRoom
from ovcf.viz.consensus import ConsensusRoom
from ovcf.viz.flags import FlagStore


@pytest.fixture
def begun(tmp_path):
    work, cohort = begin(tmp_path, 2)
    add_readers(cohort / "annotation", ["Anna", "Bernd"])
    return work, cohort


def opened(cohort, name):
    room = AnnotationRoom(cohort)
    token = read_roster(cohort / "annotation").tokens[name]
    return room, room.ask("start", token=token)[0]


def test_an_annotator_sees_nothing_of_the_other_and_nobody_comes_in_without_a_link(begun):
    work, cohort = begun
    annotate(work, cohort, "Anna", labels=("fresh", "fresh", "fresh", "fresh"))
    room, start = opened(cohort, "Bernd")
    film, _ = room.ask("film", number=0)
    assert film["marks"] == [] and not film["done"] and not film["proposals"]
    assert all(not row["done"] and not row["marks"] for row in start["films"])
    assert "Anna" not in str((start, film))
    stranger = AnnotationRoom(cohort)
    assert stranger.ask("hello", token="guessed")[0]["words"]
    with pytest.raises(ValueError, match="your own link"):
        stranger.ask("start", reader="Bernd", token="guessed")


def test_a_new_box_gets_its_level_by_the_count_and_the_next_ones_are_proposed(begun):
    _, cohort = begun
    room, _ = opened(cohort, "Anna")
    room.ask("keep", film="01.png", act="mark", uid="1", mark="m1", level="T11", **box(0))
    kept, _ = room.ask("keep", film="01.png", act="mark", uid="2", mark="m2", level="", count_level=True, **box(1))
    assert [mark["level"] for mark in kept["marks"]] == ["T11", "T12"] and kept["undo"]
    assert [p["level"] for p in kept["proposals"] if p["down"]] == ["L1", "L2", "L3"]
    refused, _ = room.ask("keep", film="01.png", act="mark", uid="3", mark="m3", label="maybe", **box(2))
    assert "label is 'maybe'" in refused["refused"] and len(room.annotator.events()) == 2


def test_a_films_greys_come_at_its_own_size_and_the_kernel_does_not_wait_for_them(begun):
    work, cohort = begun
    room, _ = opened(cohort, "Anna")
    for _ in range(500):
        values, buffers = room.ask("pixels", number=1)
        if values["ready"]:
            break
        time.sleep(0.02)
    assert (values["width"], values["height"], values["scale"]) == (200, 400, 1.0)
    assert len(buffers[0]) == 2 * 200 * 400


def test_the_joint_session_asks_only_what_differs_and_writes_the_manifest(begun):
    work, cohort = begun
    annotate(work, cohort, "Anna")
    annotate(work, cohort, "Bernd", labels=("fresh", "fresh", "normal", "old"))
    room = ConsensusRoom(cohort)
    session, _ = room.ask("hello")
    assert session["names"] == ["Anna", "Bernd"] and [item["open"] for item in session["items"]] == [True, True]
    item, _ = room.ask("item", key=session["items"][0]["key"])
    assert item["differences"] == ["label"] and item["pair"] == 1 and len(item["pairs"]) == 4
    session, _ = room.ask("decide", key=item["key"], who="both", choice="second", comment="")
    assert [one["open"] for one in session["items"]] == [False, True]
    written, _ = room.ask("write", who="both")
    assert written["words"] == "manifest.csv: 5 vertebrae" and written["notes"]
    session, _ = room.ask("reopen", key=item["key"], who="both")
    assert session["items"][0]["open"]


def test_two_annotators_take_part_and_a_cohort_without_a_work_list_says_so(begun, tmp_path):
    _, cohort = begun
    with pytest.raises(InputError, match="two annotators"):
        prepare(cohort / "films", cohort, ["Carla"], Source(one_patient_per_film=True))
    assert status_of(cohort)[1][0] == "nobody has annotated a film yet"
    assert "no work list" in annotation_page(tmp_path / "none").lines[0]
    with pytest.raises(InputError, match="joint session's journal"):
        prepare(cohort / "films", tmp_path / "new", ["Consensus"], Source(one_patient_per_film=True))
    with pytest.raises(ValueError, match="take another name"):
        Annotator(read_work(cohort), " consensus", cohort)


def test_a_cohorts_links_stay_when_its_page_is_served_again(begun, monkeypatch, capsys):
    _, cohort = begun
    served = []
    monkeypatch.setattr("ovcf.annotate.serve", lambda notebook, port, *rest, **more: served.append(port))
    monkeypatch.setattr("ovcf.annotate.os.environ", {})
    for _ in range(2):
        serve_marks(prepare(None, cohort))
        serve_consensus(cohort)
    assert served[:2] == served[2:] and len(set(served)) == 2
    links = [line for line in capsys.readouterr().out.splitlines() if "http" in line]
    assert len(links) == 4 and links[:2] == links[2:]
    with socket.socket() as other:
        other.bind(("127.0.0.1", served[0]))
        other.listen()
        serve_marks(prepare(None, cohort))
    assert served[-1] not in served[:-1]


@pytest.mark.parametrize("time, again", [("2000-01-01T00:00:00+00:00", False), ("2900-01-01T00:00:00+00:00", True)])
def test_a_film_that_was_flagged_after_it_was_done_comes_first_until_it_is_looked_at_again(begun, time, again):
    work, cohort = begun
    annotate(work, cohort, "Anna")
    film = work.films[1]
    flag = {"patch_id": "p1", "words": "other box (Zoë)", "time": time, "box": [60, 40, 110, 80]}
    add_flags(cohort, {work.path(film.film).resolve(): [flag]})
    room, start = opened(cohort, "Anna")
    assert start["at"] == int(again) and [row["done"] for row in start["films"]] == [True, not again]
    assert room.ask("film", number=1)[0]["flags"] == [flag] and start["films"][1]["flags"] == 1
    room.annotator.now = lambda: datetime(3000, 1, 1, tzinfo=UTC)
    room.ask("keep", film=film.film, act="film", done=True)
    assert all(row["done"] for row in room.ask("list")[0]["films"])


def test_flags_of_films_that_are_not_in_the_list_are_refused(begun):
    _, cohort = begun
    with pytest.raises(InputError, match="none of the flagged films is in this work list"):
        add_flags(cohort, {cohort / "other.png": [{"patch_id": "p1", "words": "", "time": "", "box": None}]})


def test_the_list_is_taken_as_it_is_where_no_films_are_named(begun, tmp_path):
    work, cohort = begun
    assert prepare(None, cohort).work == work
    with pytest.raises(InputError, match="no work list"):
        prepare(None, tmp_path / "none")


def test_the_tab_of_a_run_says_how_its_films_were_annotated_and_how_flags_are_followed(begun, tmp_path):
    work, cohort = begun
    annotate(work, cohort, "Anna")
    (tmp_path / "run").mkdir()
    study = SimpleNamespace(run=tmp_path / "run", parameters={"data": str(cohort / "manifest.csv")})
    assert annotation_of(study) == cohort
    assert annotation_of(SimpleNamespace(parameters={"data": str(tmp_path / "films" / "manifest.csv")})) is None
    FlagStore(study.run / "flags.csv").add("p1", "other box", reviewer="Zoë")
    said, _ = Annotated(study, cohort).ask("hello")
    assert {"item": "Annotators", "value": "Anna"} in said["protocol"] and said["flagged"] == 1
    assert any("one annotator (Anna)" in words for words in said["remarks"])
    assert said["again"] == f"ovcf annotate --out {cohort} --flags {study.run}"
