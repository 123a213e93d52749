"""One cohort's annotation as it stands: who takes part, how far each is, what is settled and what is open."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pandas as pd

from ovcf.annotation.consensus import FILE as CONSENSUS
from ovcf.annotation.consensus import (
    OPEN,
    Decision,
    Item,
    Settled,
    items_of,
    open_items,
    read_decisions,
    settle,
)
from ovcf.annotation.journal import Annotator, History, annotators_of
from ovcf.annotation.marks import count_problems
from ovcf.annotation.pairs import FilmPair, pair_up, shift_of
from ovcf.annotation.work import FOLDER, Work, read_work
from ovcf.problems import Problem
from ovcf.reading import journal
from ovcf.reading.replay import journals_of
from ovcf.reading.roster import read_roster
from ovcf.words import folded_name


class State(NamedTuple):
    """Everything about an annotation, read from its journals; `histories` are in the annotators' order."""

    work: Work
    cohort: Path
    names: tuple[str, ...]  # the first two annotators who have begun
    events: tuple[list[dict], ...]
    histories: tuple[Mapping[str, History], ...]
    films: tuple[FilmPair, ...]  # empty with fewer than two annotators
    items: tuple[Item, ...]
    open: tuple[Item, ...]
    decisions: Mapping[str, Decision]
    settled: tuple[Settled, ...]
    left_out: Mapping[str, str]
    problems: tuple[Problem, ...]
    others: tuple[str, ...] = ()  # annotators beyond the first two, who are not compared


def read_state(cohort: str | Path, known: dict[str, Annotator] | None = None) -> State:
    """Return how an annotation stands; nothing is written. InputError where the cohort has no work list.

    Who asks again and again gives a dict that keeps the annotators in between (`annotators_of`).
    """
    cohort = Path(cohort).absolute()
    work = read_work(cohort)
    begun = annotators_of(work, cohort, names_of(cohort), known)
    two = begun[:2]
    events = tuple(one.events() for one in two)
    histories = tuple(one.histories() for one in two)
    films = tuple(pair_up(work, *histories)) if len(two) == 2 else ()
    decisions, problems = read_decisions(cohort)
    items = tuple(items_of(films))
    settled, left_out = settle(work, histories, decisions, films)
    wrong = [problem for one in begun for problem in one.problems()] + problems
    return State(
        work, cohort, tuple(one.name for one in two), events, histories, films, items,
        tuple(open_items(items, decisions)), decisions, tuple(settled), left_out, tuple(wrong),
        tuple(one.name for one in begun[2:]),
    )  # fmt: skip


def names_of(cohort: Path) -> list[str]:
    """Return the annotators of a cohort: the roster's in its order, then whose journal lies there."""
    folder = Path(cohort) / FOLDER
    roster = list(read_roster(folder).readers)
    known = {folded_name(name) for name in roster} | {Path(CONSENSUS).stem}
    found = [path for name, path in journals_of(folder).items() if name not in known and path.exists()]
    return roster + [_spelt(path) for path in found]


def _spelt(path: Path) -> str:
    """Return an annotator's name as the journal has it."""
    entries = journal.read(path).entries
    return next((str(e.values["reader"]) for e in entries if e.values.get("reader")), unquote(path.stem))


def remarks(state: State) -> list[str]:
    """Return what whoever writes the cohort must know: films not done, gone or unreadable, shifts, what is open."""
    found = list(state.work.notes)
    found += [f"{film.film}: cannot be read ({film.unreadable})" for film in state.work.films if film.unreadable]
    found += [f"{film.film}: is missing" for film in state.work.films if not state.work.path(film.film).is_file()]
    if len(state.names) == 1:
        found.append(f"one annotator ({state.names[0]}): there is no agreement, and nobody has looked a second time")
    if not state.names:
        found.append("nobody has annotated a film yet")
    found += [f"{name}: a third annotator, not compared" for name in state.others]
    found += _undone(state) + _counts(state)
    for film in state.films:
        if by := shift_of(film.pairs):
            found.append(f"{film.film}: {shift_words(by, state.names)}")
    if state.open:
        found.append(f"{len(state.open)} differences wait for a joint session; their vertebrae are left out until then")
    return [*found, *map(str, state.problems)]


def shift_words(by: int, names: tuple[str, ...]) -> str:
    """Say that one annotator counts the levels otherwise than the other."""
    side = "below" if by > 0 else "above"
    return f"{names[1]} counts {abs(by)} level{'s' * (abs(by) > 1)} {side} {names[0]}: one of them miscounted?"


def _undone(state: State) -> list[str]:
    said = []
    for name, history in zip(state.names, state.histories, strict=True):
        waiting = [f.film for f in state.work.films if not (history[f.film].now.is_done or f.excluded)]
        if waiting:
            said.append(
                f"{name}: {len(waiting)} of {len(state.work.films)} films not done; they are left out until then"
            )
    return said


def _counts(state: State) -> list[str]:
    found = []
    for name, history in zip(state.names, state.histories, strict=True):
        for film, one in history.items():
            found += [f"{film}, {name}: {words}" for words in count_problems(list(one.now.marks.values()))]
            less = [m for m in one.now.marks.values() if not m.is_complete]
            if one.now.is_done and less and not one.now.exclusion:
                found.append(f"{film}, {name}: {len(less)} marks without level or label")
    return found


def progress(state: State) -> pd.DataFrame:
    """Return a row an annotator: films done, left out and open, marks, seconds a film; nothing of what was said."""
    rows = []
    for name, history in zip(state.names, state.histories, strict=True):
        done = [one for one in history.values() if one.now.is_done]
        seconds = pd.Series([one.seconds for one in done if one.seconds > 0], dtype=float)
        rows.append({
            "annotator": name, "done": len(done), "left_out": sum(bool(one.now.exclusion) for one in done),
            "open": len(history) - len(done), "of": len(history),
            "marks": sum(len(one.now.marks) for one in history.values()), "median_seconds_a_film": seconds.median(),
        })  # fmt: skip
    columns = ["annotator", "done", "left_out", "open", "of", "marks", "median_seconds_a_film"]
    return pd.DataFrame(rows, columns=columns)


def open_vertebrae(state: State) -> int:
    """Return how many vertebrae wait for a decision."""
    return sum(one.how == OPEN for one in state.settled)
