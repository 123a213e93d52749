"""An append-only CSV that loses nothing: a row is on the disk before the caller goes on.

One line is one row (line breaks inside a text become spaces), so a line cut short by a crash is recognised by
its missing end and dropped; its writer was never told that it was kept.
"""

import csv
import os
from collections.abc import Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pandas as pd

from ovcf.problems import InputError, Problem


def append_row(path: Path, columns: Sequence[str], row: dict) -> None:
    """Append one row and return once it is on the disk (write, flush, fsync).

    The file is made with its header when absent. Two programs may append at the same time.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file, _alone(file):
        _drop_torn_end(file)
        text = _line(columns) if file.seek(0, os.SEEK_END) == 0 else ""
        # one write call, so that another reader never sees half a row of ours
        file.write((text + _line(_one_line(row.get(c, "")) for c in columns)).encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())


def read_rows(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """All complete rows, as text; an absent file has none.

    Raises
    ------
    InputError
        When the header is not `columns`: the file was made by something else.
    """
    path = Path(path)
    if not path.exists():
        return pd.DataFrame(columns=list(columns), dtype=str)
    whole = path.read_bytes()
    whole = whole[: whole.rfind(b"\n") + 1].decode("utf-8", errors="replace")
    lines = list(csv.reader(StringIO(whole)))
    if lines and lines[0] != list(columns):
        found, allowed = ",".join(lines[0]), ",".join(columns)
        raise InputError(Problem("header", "the columns are not these", str(path), 1, None, found, allowed))
    rows = [line for line in lines[1:] if len(line) == len(columns)]
    return pd.DataFrame(rows, columns=list(columns), dtype=str)


def _line(values) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerow(list(values))
    return out.getvalue()


def _one_line(value) -> str:
    """A value as text without line breaks or other control characters."""
    return "".join(c if c.isprintable() else " " for c in str(value)).strip()


def _drop_torn_end(file) -> None:
    """Cut what stands after the last complete line: a row whose writer died before it was kept."""
    file.seek(0)
    end = file.read().rfind(b"\n") + 1
    if end < file.seek(0, os.SEEK_END):
        file.truncate(end)


@contextmanager
def _alone(file):
    """Hold the file against other programs, where the system can (not on Windows)."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
