"""The joint session's page: what two annotators differ in, both marks on the film, the decision with who and when."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from ovcf.annotation.agreement import agreement_table
from ovcf.annotation.consensus import Item, JointSession
from ovcf.annotation.journal import Annotator
from ovcf.annotation.marks import Mark, mark_values
from ovcf.annotation.pairs import shift_of
from ovcf.annotation.state import State, read_state, remarks, shift_words
from ovcf.annotation.writing import write_cohort
from ovcf.problems import InputError
from ovcf.viz.annotation import vocabulary
from ovcf.viz.annotation_films import Films
from ovcf.viz.widget import VIEWER, Asked, script, style


class ConsensusRoom(Asked):
    """Settle what two annotators of a cohort differ in.

    Parameters
    ----------
    cohort : folder of the annotation.
    now : returns the present time; tests set it.
    """

    _esm = script("common.js", *VIEWER, "annotate_film.js", "consensus_panel.js", "consensus.js")
    _css = style("base.css", "annotate.css")

    def __init__(self, cohort: str | Path, *, now: Callable[[], datetime] | None = None) -> None:
        super().__init__()
        self.cohort = Path(cohort).absolute()
        self.films = Films()
        self._now = now
        self._state: State | None = None
        self._annotators: dict[str, Annotator] = {}
        self._agreement: tuple[Any, list[dict]] = (None, [])  # the marks it is of, and its rows

    def answer_hello(self) -> Any:
        """The session: who annotated, how far they agree, what must be known, and what is open."""
        return vocabulary() | self._session(self._read()), []

    def answer_item(self, key: str) -> Any:
        """One difference: the film's marks of both, and what was decided."""
        state = self._state = self._read()
        item = _item(state, key)
        film = state.work.by_name[item.film.film]
        numbers = [one.film for one in state.work.films]
        by = shift_of(item.film.pairs)
        pairs = [[_values(mark) for mark in (pair.a, pair.b)] for pair in item.film.pairs]
        decision = state.decisions.get(key)
        mm = film.mm_per_px if film.mm_per_px > 0 else None
        about = {"key": key, "film": film.film, "number": numbers.index(film.film), "patient": film.patient_id}
        about |= {"pairs": pairs, "exclusions": list(item.film.exclusions), "mm_per_px": mm}
        about |= {"pair": item.film.pairs.index(item.pair) if item.pair else None}
        about |= {"differences": list(item.differences), "shift": shift_words(by, state.names) if by else ""}
        held = decision and decision.seen == item.seen
        known = [f"{name.replace('_', ' ')}: {value}" for name, value in film.known.items()]
        return about | {"known": known, "decided": _said(decision) if held else ""}, []

    def answer_pixels(self, number: int) -> Any:
        """A film's greys, or that they are on their way."""
        state = self._state or self._read()
        try:
            shown = self.films.ask(state.work.path(state.work.films[int(number)].film))
        except InputError as error:
            return {"ready": True, "problem": str(error.problems[0].message)}, []
        return (shown.values, [shown.greys]) if shown else ({"ready": False}, [])

    def answer_decide(self, key: str, who: str, choice: str, **values: Any) -> Any:
        """Keep a decision; it is on the disk before the answer."""
        state = self._read()
        session = JointSession(state.work, self.cohort, now=self._now)
        session.decide(_item(state, key), who, choice, **values)
        return self._session(self._read()), []

    def answer_reopen(self, key: str, who: str) -> Any:
        """Take a decision back."""
        JointSession(self._read().work, self.cohort, now=self._now).reopen(key, who)
        return self._session(self._read()), []

    def answer_write(self, who: str) -> Any:
        """Write the manifest (its next version) and the other tables."""
        if not str(who).strip():
            raise ValueError("a manifest needs the name of who writes it")
        written = write_cohort(self.cohort, who=str(who))
        if written.manifest is None:
            return {
                "words": "No vertebra of the study is settled yet: there is no manifest.",
                "notes": written.notes,
            }, []
        how = "" if written.is_new else " (nothing changed since)"
        return {"words": f"{written.manifest.name}: {written.rows} vertebrae{how}", "notes": written.notes}, []

    def _session(self, state: State) -> dict[str, Any]:
        waiting = {item.key for item in state.open}
        items = [
            {"key": item.key, "film": item.film.film, "differences": list(item.differences), "words": _words(item),
             "open": item.key in waiting}
            for item in state.items
        ]  # fmt: skip
        if self._agreement[0] != state.films:  # a decision changes no mark: the agreement stays
            rows = agreement_table(state.films).astype(object)
            self._agreement = state.films, rows.where(rows.notna(), None).to_dict("records")
        said = {"agreement": self._agreement[1], "remarks": remarks(state)}
        return {"names": list(state.names), "items": items, **said}

    def _read(self) -> State:
        return read_state(self.cohort, self._annotators)


def _item(state: State, key: str) -> Item:
    found = next((item for item in state.items if item.key == key), None)
    if found is None:
        raise ValueError("the two do not differ in this (any more)")
    return found


def _values(mark: Mark | None) -> dict[str, Any] | None:
    return mark_values(mark) if mark else None


def _words(item: Item) -> str:
    if item.pair is None:
        return " / ".join(exclusion or "stays" for exclusion in item.film.exclusions)
    said = [f"{mark.level or '?'} {mark.label or '?'}" if mark else "no mark" for mark in (item.pair.a, item.pair.b)]
    return " / ".join(dict.fromkeys(said))


def _said(decision: Any) -> str:
    """A decision in words."""
    what = f"{decision.mark.level} {decision.mark.label}" if decision.mark else decision.exclusion or decision.choice
    return f"{what}, by {decision.who}, {decision.time}"
