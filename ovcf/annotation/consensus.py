"""The joint session: what two annotators differ in, put before people, and what they decided, with who and when.

Decisions are a journal of their own (`annotation/consensus.jsonl`); the annotators' journals stay as they are. A
decision holds for the two marks it was made of: where an annotator changed one since, it is open again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from ovcf.annotation.journal import EXCLUSIONS, History
from ovcf.annotation.marks import Mark, mark_values, read_mark
from ovcf.annotation.pairs import FilmPair, Pair
from ovcf.annotation.work import FOLDER, Work
from ovcf.problems import Problem
from ovcf.reading import journal

FILE = "consensus.jsonl"
CHOICES = ("first", "second", "own", "no case")
"""How a vertebra is decided: as the first or the second annotator has it, otherwise, or left out of the study."""
AGREED, ONE, DECIDED, OPEN = "agreed", "one annotator", "joint session", "open"


class Decision(NamedTuple):
    """What a joint session decided of a vertebra or (`key` of a film) of a film left out."""

    key: str
    choice: str
    mark: Mark | None
    exclusion: str
    who: str
    time: str
    seen: str  # digest of the marks it was made of
    comment: str = ""


class Settled(NamedTuple):
    """One vertebra as it stands after all: its mark (None: no case, or open), how it came to be, and both originals."""

    film: str
    patient_id: str
    mark: Mark | None
    how: str
    decision: Decision | None
    a: Mark | None
    b: Mark | None


class Item(NamedTuple):
    """One thing to decide: a pair of marks, or (`pair` None) whether a film is left out."""

    key: str
    film: FilmPair
    pair: Pair | None
    differences: tuple[str, ...]
    seen: str


def film_key(film: str) -> str:
    """Return what the joint session calls the question whether a film is left out."""
    return f"{film} | left out"


def digest_of(*values: Any) -> str:
    """Return 16 hexadecimal digits that change when a mark or an answer does."""
    text = json.dumps([value._asdict() if isinstance(value, Mark) else value for value in values], sort_keys=True)
    return blake2b(text.encode(), digest_size=8).hexdigest()


def read_decisions(cohort: Path) -> tuple[dict[str, Decision], list[Problem]]:
    """Return the last decision of each question, and what is wrong with lines of the journal."""
    found = journal.read(Path(cohort) / FOLDER / FILE)
    decisions: dict[str, Decision] = {}
    for entry in found.entries:
        values = entry.values
        key = str(values.get("key") or "")
        if values.get("event") == "reopen":
            decisions.pop(key, None)
        elif values.get("event") == "decision" and values.get("choice") in CHOICES and values.get("who"):
            try:
                mark = read_mark(values) if "x0" in values else None
            except ValueError:
                continue
            about = {name: str(values.get(name) or "") for name in ("exclusion", "who", "time", "seen", "comment")}
            decisions[key] = Decision(key, str(values["choice"]), mark, **about)
    return decisions, found.problems


def items_of(films: Sequence[FilmPair]) -> list[Item]:
    """Return everything that two annotators differ in, on films that both called done, in the order of the list."""
    items = []
    for film in films:
        if not all(film.is_done):
            continue
        if film.differs:
            seen = digest_of(*film.exclusions)
            items.append(Item(film_key(film.film), film, None, ("film left out",), seen))
        if film.exclusions[0] and film.exclusions[0] == film.exclusions[1]:
            continue
        for pair in film.pairs:
            if differences := pair.differences:
                items.append(Item(pair.key, film, pair, differences, digest_of(pair.a, pair.b)))
    return items


def open_items(items: Sequence[Item], decisions: Mapping[str, Decision]) -> list[Item]:
    """Return what is not decided, or was decided of marks that have changed since.

    Vertebrae of a film that was decided to be left out need no decision.
    """
    decided = {item.key: decisions[item.key] for item in items if _holds(item, decisions)}
    out = {key for key, decision in decided.items() if decision.exclusion}
    return [i for i in items if i.key not in decided and film_key(i.film.film) not in out]


def _holds(item: Item, decisions: Mapping[str, Decision]) -> bool:
    return item.key in decisions and decisions[item.key].seen == item.seen


class JointSession:
    """People who settle what two annotators differ in.

    Parameters
    ----------
    work : Work
    cohort : folder of the annotation.
    now : returns the present time with a time zone (tests set it).
    """

    def __init__(self, work: Work, cohort: Path, *, now: Callable[[], datetime] | None = None) -> None:
        self.work, self.cohort = work, Path(cohort)
        self.path = self.cohort / FOLDER / FILE
        self.now = now or (lambda: datetime.now(UTC))

    def decide(self, item: Item, who: str, choice: str, **values: Any) -> None:
        """Keep a decision of one question.

        Parameters
        ----------
        who : the people who decided, by name; never empty.
        choice : one of `CHOICES`; for a film, "own" with `exclusion` (empty: the film stays).
        values : of the mark, for "own"; `comment`, `uid`.

        Raises ValueError for what is no decision.
        """
        who = " ".join(str(who).split())
        if not who or not who.isprintable():
            raise ValueError("a decision needs the names of those who made it")
        if choice not in CHOICES:
            raise ValueError(f"choice is {choice!r}; allowed: {', '.join(CHOICES)}")
        about = self._about(item, choice, values)
        comment = "".join(c if c.isprintable() else " " for c in str(values.get("comment") or ""))[:2000].strip()
        time = self.now().isoformat(timespec="seconds")
        event = {"event": "decision", "key": item.key, "film": item.film.film, "choice": choice, **about}
        event |= {"comment": comment, "who": who[:200], "time": time, "seen": item.seen}
        with journal.held(self.path) as file:
            file.append(event | {"uid": str(values.get("uid") or "")})

    def reopen(self, key: str, who: str) -> None:
        """Take a decision back; it stays in the journal."""
        with journal.held(self.path) as file:
            time = self.now().isoformat(timespec="seconds")
            file.append({"event": "reopen", "key": key, "who": str(who)[:200], "time": time})

    def _about(self, item: Item, choice: str, values: Mapping[str, Any]) -> dict[str, Any]:
        if item.pair is None:
            sides = dict(zip(("first", "second"), item.film.exclusions, strict=True))
            exclusion = sides.get(choice, str(values.get("exclusion") or ""))
            if exclusion not in ("", *EXCLUSIONS):
                raise ValueError(f"exclusion is {exclusion!r}; allowed: {', '.join(EXCLUSIONS)}")
            return {"exclusion": exclusion}
        if choice == "no case":
            return {}
        if choice == "own":
            film = self.work.by_name[item.film.film]
            mark = read_mark(values, film.width or float("inf"), film.height or float("inf"))
        else:
            mark = item.pair.a if choice == "first" else item.pair.b
        if mark is None:
            raise ValueError("this annotator has no mark here; decide otherwise, or that it is no case")
        if not mark.is_complete:
            raise ValueError("a decision needs a level and a label")
        return mark_values(mark)


def settle(
    work: Work,
    histories: Sequence[Mapping[str, History]],
    decisions: Mapping[str, Decision],
    films: Sequence[FilmPair],
) -> tuple[list[Settled], dict[str, str]]:
    """Return every vertebra of the films that are done and stay, and why the other films are left out.

    Parameters
    ----------
    histories : of one annotator or of two, as `Annotator.histories` gives them.
    decisions : of the joint session.
    films : two annotators' marks as `pair_up` puts them together; not read for one.

    Where both agree the label and level are theirs and the box is the mean of the two; where they differ a decision
    counts, and without one the vertebra is open. One annotator's marks are called so. No annotator stands above
    the other, and nothing is decided by a count of heads.
    """
    left_out = {film.film: film.excluded for film in work.films if film.excluded}
    if not histories:
        return [], left_out
    if len(histories) == 1:
        return _of_one(work, histories[0], left_out)
    items = {item.key: item for item in items_of(films)}
    held = {key: decisions[key] for key, item in items.items() if _holds(item, decisions)}
    settled: list[Settled] = []
    for film in films:
        if film.film in left_out or not all(film.is_done):
            continue
        reason = _exclusion(film, held)
        if reason:
            left_out[film.film] = reason
        elif reason is not None:
            settled += [_settled(film, pair, items, held) for pair in film.pairs]
    return settled, left_out


def _of_one(work: Work, histories: Mapping[str, History], left_out: dict) -> tuple[list[Settled], dict[str, str]]:
    settled = []
    for film in work.films:
        now = histories[film.film].now
        if now.is_done and now.exclusion:
            left_out.setdefault(film.film, now.exclusion)
        if now.is_done and film.film not in left_out:
            marks = sorted(now.marks.values(), key=lambda mark: mark.y0 + mark.y1)
            settled += [Settled(film.film, film.patient_id, mark, ONE, None, mark, None) for mark in marks]
    return settled, left_out


def _exclusion(film: FilmPair, held: Mapping[str, Decision]) -> str | None:
    """Return why a film is left out, "" where it stays, None while that is open."""
    if not film.differs:
        return film.exclusions[0]
    decision = held.get(film_key(film.film))
    return decision.exclusion if decision else None


def _settled(film: FilmPair, pair: Pair, items: Mapping[str, Item], held: Mapping[str, Decision]) -> Settled:
    about = (film.film, film.patient_id)
    if decision := held.get(pair.key):
        return Settled(*about, decision.mark, DECIDED, decision, pair.a, pair.b)
    if pair.key in items:
        return Settled(*about, None, OPEN, None, pair.a, pair.b)
    return Settled(*about, mean_mark(pair.a, pair.b), AGREED, None, pair.a, pair.b)


def mean_mark(a: Mark, b: Mark) -> Mark:
    """Return what two annotators agree on, with the mean of their boxes; corners where both set them."""
    box = [round((one + other) / 2, 2) for one, other in zip(a.box, b.box, strict=True)]
    both = bool(a.corners and b.corners)
    corners = tuple((p + q) / 2 for p, q in zip(a.corners, b.corners, strict=True)) if both else ()
    comment = " / ".join(dict.fromkeys(filter(None, (a.comment, b.comment))))
    return a._replace(**dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)), corners=corners, comment=comment)
