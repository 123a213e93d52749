"""A reader's journal: one JSON object a line, appended and never edited, on the disk before the caller goes on.

Every line ends with a checksum of itself, so that what an editor did to it (a line's end lost, a quote or comma too
many) is undone exactly where it can be, and named with its line in any case. All else follows from these lines.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from pathlib import Path
from string import ascii_letters, digits
from typing import Any, NamedTuple
from zlib import crc32

from ovcf.files import append, appending
from ovcf.problems import Problem

SUM = "sum"  # the name of the checksum: CRC-32 of the line without it, eight hexadecimal digits
# where a line begins, though its start or the end of the line before it were damaged
_START = re.compile(r'^\s*\{|\{[\s",]*event\b|^[\s",]*event\b', re.MULTILINE)
_FIELD = re.compile(r'"?(\w+)"?\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null)')
_SUMMED = re.compile(r"[0-9a-f]{3}.{0,9}$")  # how a line with its checksum ends, damaged or not
LONGEST = 8000  # characters of a line that is mended by trying; a comment has at most 2,000
_QUOTES = str.maketrans("“”„‟″", '"""""')
_PUT_IN = '",:{}[]' + digits + ascii_letters + "-+.; _\\/'()"  # what may be missing, likely ones first


class Entry(NamedTuple):
    """One event of a journal and the line it stands on."""

    line: int
    values: dict


class Journal(NamedTuple):
    """What a journal says, and what is wrong with its lines."""

    entries: list[Entry]
    problems: list[Problem]


class JournalFile:
    """A journal held against other programs: read it, decide, append."""

    def __init__(self, file: Any, path: Path) -> None:
        self._file, self.path = file, path

    def read(self) -> Journal:
        """Return what stands in the file now."""
        self._file.seek(0)
        return parse(self._file.read(), str(self.path))

    def append(self, event: dict) -> None:
        """Write one event and return once it is on the disk, or raise InputError and leave the file as it was."""
        self._file.seek(0)
        before = self._file.read()
        code = _encoding(before)
        # a last line whose end was lost is kept: it may hold an answer
        text = line_of(event) + "\n"
        if before and not before.decode(code, errors="replace").endswith("\n"):
            text = "\n" + text
        append(self._file, text.encode("utf-8" if code == "utf-8-sig" else code))


@contextmanager
def held(path: Path) -> Iterator[JournalFile]:
    """Open a journal for reading and appending, alone; it is made when absent."""
    with appending(path) as file:
        yield JournalFile(file, Path(path))


def read(path: Path) -> Journal:
    """Return a journal's events and the problems of its lines; an absent file has neither."""
    path = Path(path)
    return parse(path.read_bytes(), str(path)) if path.exists() else Journal([], [])


def line_of(event: dict) -> str:
    """Return an event as its line, without the line's end. The event's first name is `event`; its values are flat."""
    text = _canonical(event)
    return f'{text[:-1]}, "{SUM}": "{_checksum(text)}"}}'


def parse(data: bytes, file: str) -> Journal:
    """Read the bytes of a journal, damaged or not."""
    text = data.decode(_encoding(data), errors="replace").lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    starts = _starts(text)
    entries, problems = [], []
    line, counted = 1, 0  # lines up to here: a long journal is gone through once
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        piece = text[start:end]
        if not piece.strip():
            continue
        begins = end - len(piece.lstrip())
        line, counted = line + text.count("\n", counted, begins), begins
        events, wrong = _events(piece.strip())
        if events and not wrong and text[text.rfind("\n", 0, start) + 1 : start].strip():
            wrong = "the end of the line before it is missing"
        entries += [Entry(line, dict(event)) for event in events]
        if wrong:
            problems.append(Problem("journal", wrong, file, line, found=piece.strip()[:60]))
    return Journal(entries, problems)


def _starts(text: str) -> list[int]:
    """Where the events of a text begin; a brace and the name after it are one beginning."""
    starts = [0]
    for match in _START.finditer(text):
        if text[starts[-1] : match.start()].strip(' \n{",'):
            starts.append(match.start())
    return starts


@lru_cache(maxsize=4096)
def _events(piece: str) -> tuple[list[dict], str]:
    """Return the events of a piece of text and what is wrong with it, "" if nothing."""
    if (event := _sound(piece)) is not None:
        return [event], ""
    if (event := _mended(piece.translate(_QUOTES))) is not None:
        return [event], "was damaged; mended, its checksum holds"
    try:
        event, end = json.JSONDecoder(strict=False).raw_decode(piece)
    except ValueError:
        event, end = _by_field(piece), len(piece)
        words = "is damaged; read as far as it can be"
    else:
        words = "was changed after it was written; taken as it stands"
    rest = piece[end:].strip(' \n",;')
    if rest and rest != piece:
        more, _ = _events(rest)
        event = event if _sound(piece[:end]) is None else _sound(piece[:end])
        return [*([event] if _is_event(event) else []), *more], "the end of a line is missing"
    if not _is_event(event):
        return [], "cannot be read; what it held does not count"
    event.pop(SUM, None)
    return [event], words


def _sound(piece: str) -> dict | None:
    """Return the event of an undamaged line, else None."""
    try:
        event = json.loads(piece)
        return event if event.pop(SUM) == _checksum(_canonical(event)) else None
    except (ValueError, TypeError, AttributeError, KeyError):
        return None


def _mended(piece: str) -> dict | None:
    """Return the event of a line that is sound once a character or two are taken out or one is put in, else None."""
    if not _SUMMED.search(piece) or len(piece) > LONGEST:
        return None
    places = range(len(piece) + 1)
    fewer = (piece[:i] + piece[i + n :] for n in (1, 2) for i in places)
    more = (piece[:i] + c + piece[i:] for c in _PUT_IN for i in places)
    sound = (_sound(text) for text in chain([piece], fewer, more))
    return next((event for event in sound if event is not None), None)


def _by_field(piece: str) -> dict:
    """Return what can be read of a line that is no JSON any more, name by name."""
    event = {}
    for name, value in _FIELD.findall(piece):
        try:
            event.setdefault(name, json.loads(value))
        except ValueError:
            continue
    return event


def _is_event(event: Any) -> bool:
    return isinstance(event, dict) and isinstance(event.get("event"), str)


def _canonical(event: dict) -> str:
    """An event as JSON in plain ASCII, whose only braces are its own."""
    text = json.dumps(event, allow_nan=False)
    return "{" + text[1:-1].replace("{", "\\u007b").replace("}", "\\u007d") + "}"


def _checksum(text: str) -> str:
    return f"{crc32(text.encode()):08x}"


def _encoding(data: bytes) -> str:
    """Whatever an editor saved the journal as; it is written in plain ASCII."""
    marks = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
    return marks.get(data[:2], "utf-8-sig")
