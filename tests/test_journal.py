"""The journal of flags: rows on the disk, and damage to one that stays in its line."""

import subprocess
import sys

import pytest
from full_disk import room_for

from ovcf.problems import InputError
from ovcf.viz.journal import append_row, read_rows

COLUMNS = ("a", "b", "c")


def some_rows(path, n=3):
    for i in range(n):
        append_row(path, COLUMNS, {"a": i, "b": "kept, with comma", "c": f"said {i}"})
    return path


def test_a_row_torn_by_a_crash_is_dropped(tmp_path):
    path = some_rows(tmp_path / "x.csv", 1)
    whole = path.read_bytes()
    path.write_bytes(whole + b'7,"cut sho')
    assert read_rows(path, COLUMNS)["a"].tolist() == ["0"]
    append_row(path, COLUMNS, {"a": 3, "b": "line\nbreak", "c": ""})
    assert read_rows(path, COLUMNS)["b"].tolist() == ["kept, with comma", "line break"]
    assert path.read_bytes().startswith(whole)


def test_the_end_of_the_last_line_lost_in_an_editor_loses_no_row(tmp_path):
    path = some_rows(tmp_path / "x.csv")
    path.write_bytes(path.read_bytes().rstrip())
    assert len(read_rows(path, COLUMNS)) == 3
    append_row(path, COLUMNS, {"a": 3, "b": "x", "c": "y"})
    assert read_rows(path, COLUMNS)["c"].tolist() == ["said 0", "said 1", "said 2", "y"]


def test_a_quote_or_comma_too_many_stays_in_its_line(tmp_path):
    path = some_rows(tmp_path / "x.csv")
    whole = path.read_text()
    start = whole.index("1,")
    for put in ('"', ","):
        for at in range(start, whole.index("2,") - 1):
            path.write_text(whole[:at] + put + whole[at:])
            rows = read_rows(path, COLUMNS)
            assert len(rows) == 3 and rows["c"].tolist()[::2] == ["said 0", "said 2"], (put, at)


def test_another_programs_file_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("p,q\n1,2\n")
    with pytest.raises(InputError, match="the columns are not these"):
        read_rows(tmp_path / "x.csv", COLUMNS)


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


def test_a_disk_that_fills_anywhere_in_a_row_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "flags.csv"
    append_row(path, ("who", "said"), {"who": "Ben", "said": "poor image"})
    before = path.read_bytes()
    for room in range(0, 14, 3):
        with pytest.raises(InputError, match="cannot be written"), room_for(len(before) + room):
            append_row(path, ("who", "said"), {"who": "Zoë", "said": "other box"})
        assert path.read_bytes() == before
