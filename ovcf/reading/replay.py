"""What the lines of a reader's journals add up to: the answers that stand, those marked as mis-keyed, what is wrong.

An answer given twice (in two windows, or on two workstations) counts once: the first. A mis-keyed one gives way to the
answer that follows it; both are kept.
"""

import csv
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pandas as pd

from ovcf.problems import Problem
from ovcf.reading import journal
from ovcf.words import LABELS, folded_name

CLOCK = timedelta(days=1)  # by which a clock may be ahead before its time is not believed
OLD_COLUMNS = (
    "reader", "session", "order", "patch_id", "patient_id", "truth",
    "answer", "confidence", "seconds", "time", "model_p_fresh",
)  # fmt: skip
"""Columns of a reader's file as versions before journals wrote it."""


class Event(NamedTuple):
    """One event of a reader, and where it stands."""

    file: str
    line: int
    values: dict

    @property
    def key(self) -> tuple:
        """Which question it is about: period, session, patch."""
        return tuple(self.values.get(name) for name in ("period", "session", "patch_id"))


class Standing(NamedTuple):
    """What a reader's events add up to."""

    answers: dict[tuple, Event]  # key -> the answer that counts
    marked: dict[tuple, list[Event]]  # key -> earlier answers that were mis-keyed, in the order of the marks
    last: Event | None  # the answer given last, unless it was marked since
    twice: list[tuple[Event, Event]]  # (the answer that counts, a later one to the same question)


def read_reader(path: Path) -> tuple[list[Event], list[Problem]]:
    """Return a reader's events, oldest first, and what is wrong with the lines; `path` is that of the journal."""
    entries, problems = _old_entries(path)
    found = journal.read(path)
    events = entries + [Event(str(path), entry.line, entry.values) for entry in found.entries]
    return events, [*problems, *found.problems, *_clock_problems(events)]


def stand(events: Iterable[Event]) -> Standing:
    """Replay events in their order."""
    answers, marked, twice, last = {}, {}, [], None
    for event in events:
        kind = event.values.get("event")
        if None in event.key or (kind == "answer" and not event.values.get("answer")):
            continue  # another kind of event, or a line of which too little was left
        if kind == "answer" and event.key in answers:
            twice.append((answers[event.key], event))
        elif kind == "answer":
            answers[event.key] = last = event
        elif kind == "slip" and event.key in answers:
            marked.setdefault(event.key, []).append(answers.pop(event.key))
            last = None
    return Standing(answers, marked, last, twice)


def time_of(event: Event) -> datetime | None:
    """Return when an event was, None where its line does not say."""
    try:
        time = datetime.fromisoformat(str(event.values.get("time")))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def believed_times(events: list[Event], now: datetime) -> list[datetime | None]:
    """Return the time of each event; None where it is missing, to come, or later than that of a line after it."""
    latest, believed = now + CLOCK, []
    for event in reversed(events):
        time = time_of(event)
        if time is not None and time <= latest:
            latest = min(latest, time + CLOCK)
            believed.append(time)
        else:
            believed.append(None)
    return believed[::-1]


def _clock_problems(events: list[Event]) -> list[Problem]:
    """Name the lines whose time cannot be."""
    times = believed_times(events, datetime.now(UTC))
    words = "its time cannot be (a clock that was wrong?); the answer counts, its time does not"
    return [
        Problem("clock", words, event.file, event.line, "time", str(event.values.get("time")))
        for event, time in zip(events, times, strict=True)
        if time is None
    ]


def _old_entries(path: Path) -> tuple[list[Event], list[Problem]]:
    """Return the answers of a reader's file of an earlier version, and the lines of it that cannot be read."""
    events, problems = [], []
    for old, period in ((path.with_suffix(".training.csv"), 0), (path.with_suffix(".csv"), None)):
        if not old.exists():
            continue
        lines = old.read_bytes().decode("utf-8-sig", errors="replace").splitlines()
        for number, line in enumerate(lines[1:], 2):
            values, wrong = _old_row(line)
            if values:
                at = {"unaided": 1, "aided": 2}.get(values["session"], 0) if period is None else period
                events.append(Event(str(old), number, {"event": "answer", "period": at, **_typed(values)}))
            if wrong and line.strip():
                problems.append(Problem("journal", wrong, str(old), number, found=line[:60]))
    return events, problems


def _old_row(line: str) -> tuple[dict, str]:
    """Return the cells of an old row by name, none where they cannot be told, and what is wrong with it."""
    fields = next(csv.reader([line]), [])
    plain = line.replace('"', "").split(",")
    fewer = [plain[:i] + plain[i + 1 :] for i in range(len(plain)) if not plain[i].strip()]
    for row in (fields, plain, *fewer):
        values = dict(zip(OLD_COLUMNS, map(str.strip, row), strict=False))
        if len(row) == len(OLD_COLUMNS) and values["answer"] in LABELS and values["order"].isdigit():
            return values, "" if row is fields else "was damaged; mended"
    return {}, "is not a row of answers; what it held does not count"


def _typed(values: dict) -> dict:
    """An old row's cells with its numbers as numbers; truth and patient are the run's to say."""
    kept = {name: values[name] for name in OLD_COLUMNS if name not in ("truth", "patient_id")}
    for name in ("order", "confidence", "seconds", "model_p_fresh"):
        number = pd.to_numeric(kept[name], errors="coerce")
        kept[name] = None if pd.isna(number) else int(number) if name in ("order", "confidence") else float(number)
    return kept


def journals_of(folder: Path) -> dict[str, Path]:
    """Return the journals of a readings folder: folded name of the reader -> path (of an old file, as it would be)."""
    found = sorted(Path(folder).glob("*.jsonl"))
    old = [p for p in sorted(Path(folder).glob("*.csv")) if not p.name.endswith(".training.csv")]
    paths = [*found, *(p.with_suffix(".jsonl") for p in old)]
    return {folded_name(unquote(path.stem)): path for path in dict.fromkeys(paths)}
