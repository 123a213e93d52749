"""An annotator's journal replayed: what stands on each film, and what undo and redo would bring back.

The journal is the reading room's (`ovcf.reading.journal`): every event on the disk before it counts, none ever edited.
An event holds the whole of a mark as it is then, so the last one of its name stands; taking back is an event too.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ovcf.annotation.marks import Mark, mark_values, read_mark
from ovcf.annotation.work import FOLDER, Work, WorkFilm
from ovcf.cohort.inclusion import CRITERIA
from ovcf.problems import Problem
from ovcf.reading import journal
from ovcf.reading.roster import journal_path, reader_name
from ovcf.words import folded_name

EXCLUSIONS = (*(rule.reason for rule in CRITERIA), "high-energy trauma")
"""Why a film is left out: the reasons of Figure 1, and the trauma that makes a fracture no osteoporotic one."""
TAKEN = ("consensus",)
"""Names that no annotator may have: journals of that name are others'."""
CHANGES = ("mark", "unmark", "film")
"""Events that change a film, and that `undo` and `redo` go along."""


class Standing(NamedTuple):
    """What stands on a film: its marks by name, whether it is done, and why it is left out ("" where it is not)."""

    marks: dict[str, Mark] = {}
    is_done: bool = False
    exclusion: str = ""


class History(NamedTuple):
    """A film's standing, what it was before each change that still counts, and what was undone."""

    now: Standing
    past: tuple[Standing, ...] = ()
    future: tuple[Standing, ...] = ()
    seconds: float = 0.0  # for which the film was in sight, as the events say


def first_standing(film: WorkFilm) -> Standing:
    """Return a film as it was before any annotator: with the marks that came with it."""
    width, height = film.width or float("inf"), film.height or float("inf")
    return Standing({name: read_mark(values, width, height) for name, values in film.given.items()})


def replay(work: Work, events: Iterable[Mapping[str, Any]]) -> dict[str, History]:
    """Return the history of each film after events in their order.

    An event that stands twice (sent again after a lost answer) counts once; one of which too little is left, or whose
    film is not in the list, counts not at all.
    """
    return Replay(work).add(events)


class Replay:
    """Films' histories after the events so far: who adds one event need not go through all of them again."""

    def __init__(self, work: Work) -> None:
        self.films = work.by_name
        self.histories = {name: History(first_standing(film)) for name, film in self.films.items()}
        self.count = 0
        self._uids: set[str] = set()

    def add(self, events: Iterable[Mapping[str, Any]]) -> dict[str, History]:
        """Take further events, and return the histories after them."""
        for event in events:
            self.count += 1
            name, uid = event.get("film"), str(event.get("uid") or "")
            if name in self.films and uid not in self._uids:
                self._uids |= {uid} - {""}
                self.histories[name] = _after(self.histories[name], event, self.films[name])
        return dict(self.histories)


def _after(history: History, event: Mapping[str, Any], film: WorkFilm) -> History:
    now, past, future, seconds = history
    kind = event.get("event")
    seconds += float(event.get("seconds") or 0)
    if kind == "undo" and past:
        return History(past[-1], past[:-1], (now, *future), seconds)
    if kind == "redo" and future:
        return History(future[0], (*past, now), future[1:], seconds)
    changed = _changed(now, event, film) if kind in CHANGES else now
    return History(now, past, future, seconds) if changed == now else History(changed, (*past, now), (), seconds)


def _changed(now: Standing, event: Mapping[str, Any], film: WorkFilm) -> Standing:
    kind, name = event["event"], str(event.get("mark") or "")
    if kind == "film":
        return now._replace(is_done=bool(event.get("done")), exclusion=str(event.get("exclusion") or ""))
    if kind == "unmark":
        return now._replace(marks={key: mark for key, mark in now.marks.items() if key != name})
    try:
        mark = read_mark(event, film.width or float("inf"), film.height or float("inf"))
    except ValueError:  # a damaged line of which too little is left
        return now
    return now._replace(marks=now.marks | {name: mark}) if name else now


class Annotator:
    """One annotator's journal over a work list.

    Parameters
    ----------
    work : Work
    name : of the annotator, as the roster spells it.
    cohort : folder of the annotation.
    now : returns the present time with a time zone (tests set it).
    """

    def __init__(self, work: Work, name: str, cohort: Path, *, now: Callable[[], datetime] | None = None) -> None:
        self.work, self.name = work, reader_name(name)
        if folded_name(self.name) in TAKEN:
            raise ValueError(f"{self.name!r} is what the joint session's journal is called; take another name")
        self.path = journal_path(Path(cohort) / FOLDER, name)
        self.now = now or (lambda: datetime.now(UTC))
        self._read: tuple[Any, list[dict]] = (None, [])  # what the file was like when it was read, and its events
        self._replay = Replay(work)  # of them

    def events(self) -> list[dict]:
        """Return what the journal says, oldest first; a file that did not change is not read again."""
        if (stamp := _stamp(self.path)) != self._read[0]:
            self._read = stamp, [entry.values for entry in _parsed(self.path, stamp).entries]
            self._replay = Replay(self.work)
        return list(self._read[1])

    def problems(self) -> list[Problem]:
        """Return what is wrong with lines of the journal."""
        return _parsed(self.path, _stamp(self.path)).problems

    def histories(self) -> dict[str, History]:
        """Return every film's history."""
        events = self.events()
        return self._replay.add(events[self._replay.count :])

    def keep(self, film: str, kind: str, uid: str = "", **values: Any) -> History:
        """Append one event of a film and return the film's history after it; an event that is there already is not
        written again.

        Raises
        ------
        ValueError : for a film that is not in the list, an unknown kind, and what no mark or film can be.
        InputError : where it cannot be written; then it does not count.
        """
        about = self._checked(film, kind, values)
        with journal.held(self.path) as file:
            events = self.events()
            if not uid or uid not in {event.get("uid") for event in events}:
                time = self.now().isoformat(timespec="seconds")
                more = {"seconds": round(float(values.get("seconds") or 0), 1), "reader": self.name, "time": time}
                event = {"event": kind, "film": film, **about, **more, "uid": str(uid)}
                file.append(event)
                self._read = _stamp(self.path), [*events, event]
        return self.histories()[film]

    def _checked(self, film: str, kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of an event as they are kept, or refuse them."""
        known = self.work.by_name.get(film)
        if known is None:
            raise ValueError("this film is not in the work list")
        name = str(values.get("mark") or "")
        if kind in ("mark", "unmark") and not (name.isprintable() and 0 < len(name) <= 200):
            raise ValueError("a mark needs a name")
        if kind == "mark":
            mark = read_mark(values, known.width or float("inf"), known.height or float("inf"))
            return {"mark": name} | mark_values(mark)
        if kind == "unmark":
            return {"mark": name}
        if kind == "film":
            exclusion = str(values.get("exclusion") or "")
            if exclusion not in ("", *EXCLUSIONS):
                raise ValueError(f"exclusion is {exclusion!r}; allowed: {', '.join(EXCLUSIONS)}")
            return {"done": bool(values.get("done")), "exclusion": exclusion}
        if kind in ("undo", "redo", "seen"):
            return {}
        raise ValueError(f"no event {kind!r}")


@lru_cache(maxsize=8)
def _parsed(path: Path, stamp: tuple[int, int] | None) -> journal.Journal:
    """Return a journal as it is read: once, as long as its file does not change."""
    return journal.read(path)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file does, None where there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime_ns


def annotators_of(
    work: Work, cohort: Path, names: Iterable[str], known: dict[str, Annotator] | None = None
) -> list[Annotator]:
    """Return the annotators of a roster who have begun, in its order.

    `known` keeps them from one call to the next, so that a journal that did not change is not replayed again.
    """
    known = {} if known is None else known
    for name in (names := list(names)):
        if name not in known or known[name].work != work:
            known[name] = Annotator(work, name, cohort)
    return [known[name] for name in names if known[name].path.exists() and known[name].events()]
