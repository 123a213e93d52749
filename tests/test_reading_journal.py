"""The journal: every line on the disk, and whatever an editor does to one of them loses none and is named."""

import random
import subprocess
import sys

import pytest
from full_disk import room_for

from ovcf.problems import InputError
from ovcf.reading.journal import held, line_of, parse, read

EVENTS = [
    {"event": "answer", "reader": 'Zoë {"the} first, and "only"', "order": 1, "patch_id": "p,1", "answer": "fresh",
     "confidence": 4, "seconds": 12.5, "comment": 'an "old" edge; {event: none}', "time": "2026-01-01T09:00:00+00:00"},
    {"event": "answer", "reader": "Ben", "order": 2, "patch_id": "p2", "answer": "old", "confidence": None,
     "seconds": 3.25, "comment": "", "time": "2026-01-01T09:00:20+00:00"},
    {"event": "slip", "reader": "Ben", "order": 2, "patch_id": "p2", "time": "2026-01-01T09:00:25+00:00"},
]  # fmt: skip
LINES = [line_of(event) for event in EVENTS]


def journal(lines=LINES):
    return "".join(line + "\n" for line in lines).encode()


def test_what_was_written_is_read_without_a_word(tmp_path):
    path = tmp_path / "readings" / "zoe.jsonl"
    for event in EVENTS:
        with held(path) as file:
            file.append(event)
    assert path.read_bytes() == journal()
    assert [e.values for e in read(path).entries] == EVENTS and [e.line for e in read(path).entries] == [1, 2, 3]
    assert read(path).problems == [] and read(tmp_path / "none.jsonl").entries == []


@pytest.mark.parametrize("put", ['"', ",", " ,", "x", "}", "", "\n"])
def test_one_slip_of_an_editor_anywhere_in_a_line_loses_nothing_and_is_named(put):
    """A character too many at every seventh place of the middle line, or (empty) the one there taken out."""
    whole, start, end = journal().decode(), len(LINES[0]) + 1, len(LINES[0]) + len(LINES[1]) + 2
    for at in range(start, end - (not put), 7):
        damaged = whole[:at] + put + whole[at + (not put) :]
        found = parse(damaged.encode(), "ben.jsonl")
        assert [e.values for e in found.entries] == EVENTS, damaged
        only_space = not (put or whole[at]).strip()
        assert found.problems or only_space, damaged
        assert all(p.row in (1, 2, 3) and p.file == "ben.jsonl" for p in found.problems), damaged


def test_an_end_of_line_lost_between_any_two_lines():
    for at in (1, 2):
        text = journal().decode().splitlines()
        joined = "\n".join([*text[: at - 1], text[at - 1] + text[at], *text[at + 1 :]]) + "\n"
        found = parse(joined.encode(), "ben.jsonl")
        assert [e.values for e in found.entries] == EVENTS
        assert [(p.row, "end of the line" in p.message) for p in found.problems] == [(at, True)]


def test_the_last_end_of_line_lost_keeps_the_last_answer_and_the_next(tmp_path):
    path = tmp_path / "ben.jsonl"
    path.write_bytes(journal(LINES[:2]).rstrip())
    with held(path) as file:
        file.append(EVENTS[2])
    assert [e.values for e in read(path).entries] == EVENTS and not read(path).problems


@pytest.mark.parametrize("how", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_an_editors_encoding_and_ends_of_lines(tmp_path, how):
    path = tmp_path / "ben.jsonl"
    text = journal(LINES[:2]).decode().replace("\n", "\r\n")
    path.write_bytes(("\ufeff" * (how == "utf-16-be") + text).encode(how))
    with held(path) as file:
        file.append(EVENTS[2])
    assert [e.values for e in read(path).entries] == EVENTS and not read(path).problems


def test_an_editors_curly_quotes_and_indents():
    import json

    laid_out = json.dumps(json.loads(LINES[1]), indent=2)
    curly = LINES[2].replace('"patch_id": "p2"', "“patch_id”: “p2”")
    found = parse(journal([laid_out, curly]), "x")
    assert [e.values for e in found.entries] == EVENTS[1:]
    assert [p.row for p in found.problems] == [laid_out.count("\n") + 2]


def test_an_answer_changed_by_hand_is_taken_as_it_stands_and_named():
    found = parse(journal([LINES[0].replace('"fresh"', '"old"'), *LINES[1:]]), "x")
    assert found.entries[0].values["answer"] == "old"
    assert found.problems[0].row == 1 and "changed after it was written" in found.problems[0].message


def test_a_line_cut_short_by_a_crash_is_read_as_far_as_it_goes_and_named():
    for length in range(0, len(LINES[1]), 3):
        found = parse(journal([LINES[0], LINES[1][:length], LINES[2]]), "x")
        assert found.entries[0].values == EVENTS[0] and found.entries[-1].values == EVENTS[2]
        assert all(p.row == 2 for p in found.problems) and (found.problems or not length)


def test_nonsense_is_named_and_takes_nothing_with_it():
    for seed in range(60):
        rng = random.Random(seed)
        nonsense = "".join(rng.choice('{}":,ab \\[]1') for _ in range(rng.randint(1, 40)))
        found = parse(journal([LINES[0], nonsense, LINES[2]]), "x")
        assert EVENTS[0] in [e.values for e in found.entries] and EVENTS[2] in [e.values for e in found.entries]
        assert found.problems or not nonsense.strip()


def test_two_programs_append_at_once_and_no_line_is_lost(tmp_path):
    code = """
import sys
from ovcf.reading.journal import held
for i in range(60):
    with held(sys.argv[1]) as file:
        file.append({"event": "answer", "who": sys.argv[2], "order": i})
"""
    path = tmp_path / "both.jsonl"
    running = [subprocess.Popen([sys.executable, "-c", code, str(path), who]) for who in "xy"]
    assert [p.wait() for p in running] == [0, 0]
    told = {(e.values["who"], e.values["order"]) for e in read(path).entries}
    assert told == {(who, i) for who in "xy" for i in range(60)} and not read(path).problems


def test_a_disk_that_fills_anywhere_in_a_line_leaves_the_journal_as_it_was_and_the_line_can_be_sent_again(tmp_path):
    path = tmp_path / "ben.jsonl"
    for room in range(0, len(LINES[1]) + 1, 5):
        path.write_bytes(journal(LINES[:1]))
        with held(path) as file, pytest.raises(InputError, match="ben.jsonl: cannot be written: File too large"):
            with room_for(len(LINES[0]) + 1 + room):
                file.append(EVENTS[1])
        assert path.read_bytes() == journal(LINES[:1])
        with held(path) as file:
            file.append(EVENTS[1])
        assert path.read_bytes() == journal(LINES[:2])
