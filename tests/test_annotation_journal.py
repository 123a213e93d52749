"""An annotator's journal: what stands after events, undo and redo, lines sent twice, lines damaged."""

from datetime import UTC, datetime

import pytest
from annotation_parts import annotate, begin, box
from hypothesis import given, settings
from hypothesis import strategies as st

from ovcf.annotation.journal import EXCLUSIONS, Annotator, Replay, replay
from ovcf.annotation.marks import read_mark
from ovcf.annotation.work import Work, WorkFilm


@pytest.fixture
def begun(tmp_path):
    return begin(tmp_path, 2)


def test_what_stands_is_what_the_last_event_of_each_mark_says(begun):
    work, cohort = begun
    one = annotate(work, cohort, "Anna", ["01.png"])
    one.keep("01.png", "mark", mark="Anna0", level="T10", label="fresh", **box(0, dx=5))
    history = one.keep("01.png", "unmark", mark="Anna3")
    assert list(history.now.marks) == ["Anna0", "Anna1", "Anna2"] and history.now.is_done
    assert history.now.marks["Anna0"].level == "T10" and history.now.marks["Anna0"].x0 == 65
    again = Annotator(work, "anna", cohort).histories()  # another kernel, the name spelt otherwise
    assert again["01.png"] == history and again["02.png"].now.marks == {}


def test_undo_and_redo_go_along_the_changes_and_a_new_change_ends_redo(begun):
    work, cohort = begun
    one = Annotator(work, "Anna", cohort)
    first = one.keep("01.png", "mark", mark="m", **box(0)).now
    second = one.keep("01.png", "mark", mark="m", **box(0, dx=9)).now
    assert one.keep("01.png", "undo").now == first
    assert one.keep("01.png", "redo").now == second
    one.keep("01.png", "undo")
    assert one.keep("01.png", "undo").now.marks == {} and not one.keep("01.png", "undo").past
    assert one.keep("01.png", "mark", mark="n", **box(2)).future == ()
    assert one.keep("01.png", "redo").now.marks.keys() == {"n"}


def test_an_event_that_is_sent_again_counts_once(begun):
    work, cohort = begun
    one = Annotator(work, "Anna", cohort)
    one.keep("01.png", "mark", "u1", mark="m", **box(0))
    one.keep("01.png", "unmark", "u2", mark="m")
    history = one.keep("01.png", "mark", "u1", mark="m", **box(0))
    assert history.now.marks == {} and len(one.events()) == 2


def test_lines_that_an_editor_damaged_are_named_and_the_rest_stands(begun):
    work, cohort = begun
    one = annotate(work, cohort, "Anna", ["01.png"])
    lines = one.path.read_text().split("\n")
    lines[1] = lines[1][: len(lines[1]) // 2]
    one.path.write_text("\n".join(lines))
    assert len(one.problems()) == 1
    assert {"Anna0", "Anna2", "Anna3"} <= set(one.histories()["01.png"].now.marks)


def test_marks_that_came_with_the_films_are_there_before_any_event_and_can_be_corrected(tmp_path):
    given_ = {"P1_T12": {"x0": 1, "y0": 2, "x1": 30, "y1": 40, "level": "T12", "label": "old", "source": "given"}}
    work = Work(tmp_path, (WorkFilm("a.png", "P1", 100, 100, given=given_),))
    assert replay(work, [])["a.png"].now.marks["P1_T12"].source == "given"
    event = {"event": "mark", "film": "a.png", "mark": "P1_T12", "x0": 3, "y0": 2, "x1": 30, "y1": 40}
    history = replay(work, [event])["a.png"]
    assert history.now.marks["P1_T12"].x0 == 3 and history.past[0].marks["P1_T12"].x0 == 1


@pytest.mark.parametrize(
    "kind, values, words",
    [
        ("mark", {"mark": "", **box(0)}, "a name"),
        ("mark", {"mark": "m", **box(0), "label": "maybe"}, "label is 'maybe'"),
        ("film", {"exclusion": "did not like it"}, "exclusion is"),
        ("burn", {}, "no event 'burn'"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_leaves_no_line(begun, kind, values, words):
    work, cohort = begun
    one = Annotator(work, "Anna", cohort)
    with pytest.raises(ValueError, match=words):
        one.keep("01.png", kind, **values)
    with pytest.raises(ValueError, match="not in the work list"):
        one.keep("99.png", "undo")
    assert one.events() == []


def test_each_line_says_who_and_when_and_the_reasons_of_figure_1_are_those_that_leave_a_film_out(begun):
    work, cohort = begun
    one = Annotator(work, "Anna", cohort, now=lambda: datetime(2026, 4, 1, tzinfo=UTC))
    for reason in EXCLUSIONS:
        assert one.keep("01.png", "film", done=True, exclusion=reason, seconds=2.5).now.exclusion == reason
    event = one.events()[0]
    assert (event["reader"], event["time"]) == ("Anna", "2026-04-01T00:00:00+00:00")
    assert one.histories()["01.png"].seconds == pytest.approx(2.5 * len(EXCLUSIONS))
    assert "high-energy trauma" in EXCLUSIONS and "MRI unavailable" in EXCLUSIONS


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("mark"), st.sampled_from("abc"), st.integers(0, 9)),
        st.tuples(st.just("unmark"), st.sampled_from("abc"), st.just(0)),
        st.tuples(st.sampled_from(("undo", "redo")), st.just(""), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(ACTS)
def test_any_sequence_of_acts_stands_as_a_plain_editor_would_have_it(acts):
    """The slow literal form: a list of states and a place in it."""
    work = Work("", (WorkFilm("f", "P", 200, 200),))
    events, states, at = [], [{}], 0
    for kind, name, x in acts:
        values = {"x0": x, "y0": 0, "x1": x + 20, "y1": 20}
        events.append({"event": kind, "film": "f", "mark": name, **(values if kind == "mark" else {})})
        now = dict(states[at])
        if kind == "mark":
            now[name] = read_mark(values)
        elif kind == "unmark":
            now.pop(name, None)
        if kind in ("undo", "redo"):
            at = max(0, at - 1) if kind == "undo" else min(len(states) - 1, at + 1)
        elif now != states[at]:
            states, at = [*states[: at + 1], now], at + 1
    assert replay(work, events)["f"].now.marks == states[at]
    bit_by_bit = Replay(work)
    for event in events:
        bit_by_bit.add([event])
    assert bit_by_bit.histories == replay(work, events) and bit_by_bit.count == len(events)
