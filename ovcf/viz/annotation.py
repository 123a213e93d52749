"""The annotators' page: one film at a time, over `ovcf.annotation`.

The page is told of its own annotator's marks only. What it sends is on the disk before it is answered; what it could
not send it keeps, and sends again after a reload.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ovcf.annotation.journal import EXCLUSIONS, Annotator, History
from ovcf.annotation.marks import CALLS, SEQUENCES, SIGNALS, YES_NO, Mark, corner_heights, count_problems, mark_values
from ovcf.annotation.spine import Seen, level_between, propose
from ovcf.annotation.work import FOLDER, WorkFilm, read_work
from ovcf.intake.annotators import box_iou
from ovcf.problems import InputError
from ovcf.profiles.parameters import BY_NAME
from ovcf.reading.roster import Roster, journal_path, read_roster, reader_name
from ovcf.viz.annotation_films import Films
from ovcf.viz.widget import VIEWER, Asked, script, style
from ovcf.words import LEVELS, rounded

PAGE = ("annotate_queue.js", "annotate_film.js", "annotate_panel.js", "annotate_keys.js", "annotate.js")
NOT_NAMED = (
    "These films are annotated by named annotators. Open the page by your own link, or ask the coordinator for it."
)
NEXT = 3  # proposals on either side
TAKEN = 0.2  # IoU with a mark from which a proposal is none
WORDS = {"levels": LEVELS, "labels": CALLS, "signals": SIGNALS, "sequences": SEQUENCES, "yes_no": YES_NO}


def vocabulary() -> dict[str, Any]:
    """Return the words a page offers, and the study's margins."""
    said = {name: list(words) for name, words in WORDS.items()}
    margins = {name: BY_NAME[name].default for name in ("margin_mm", "margin_px")}
    return said | {"exclusions": list(EXCLUSIONS), **margins}


class AnnotationRoom(Asked):
    """Annotate the films of a cohort's work list.

    Parameters
    ----------
    cohort : folder of the annotation.
    reader : whose page it is where no link says it (JupyterLab).
    now : returns the present time; tests set it.
    """

    _esm = script("common.js", *VIEWER, *PAGE)
    _css = style("base.css", "annotate.css")

    def __init__(self, cohort: str | Path, *, reader: str = "", now: Callable[[], datetime] | None = None) -> None:
        super().__init__()
        self.reader = reader
        self.cohort = Path(cohort).absolute()
        self.work = read_work(self.cohort)
        self.films = Films()
        self.annotator: Annotator | None = None
        self._now = now

    # What the page asks ---------------------------------------------------------------------------------

    def answer_hello(self, token: str = "") -> Any:
        """Words for the first screen, and whose link it is."""
        roster = read_roster(self.cohort / FOLDER)
        named = self._whose(roster, token)
        words = NOT_NAMED if roster.readers and not named else ""
        films = len(self.work.films)
        return {"reader": named, "named": bool(named), "words": words, "films": films, "cohort": str(self.cohort)}, []

    def answer_start(self, reader: str = "", token: str = "", is_new: bool = False) -> Any:
        """Begin or go on as this annotator; who never was here is asked first."""
        roster = read_roster(self.cohort / FOLDER)
        reader = self._whose(roster, token) if roster.readers else reader_name(reader)
        if not reader:
            raise ValueError(NOT_NAMED)
        known = roster.readers or journal_path(self.cohort / FOLDER, reader).exists()
        if not known and not is_new:
            return {"screen": "unknown", "reader": reader}, []
        self.annotator = Annotator(self.work, reader, self.cohort, now=self._now)
        return {"screen": "films", "reader": reader, "at": self._first_open(), **vocabulary(), **self._list()}, []

    def _whose(self, roster: Roster, token: str) -> str:
        return roster.whose(str(token)) or (roster.spelling(self.reader) if self.reader else "")

    def answer_list(self) -> Any:
        """The work list with what is done and what is open."""
        return self._list(), []

    def answer_film(self, number: int) -> Any:
        """What stands on a film, without its pixels."""
        film = self.work.films[int(number)]
        self.films.ask(self.work.path(film.film)) if not film.unreadable else None
        history = self._annotator().histories()[film.film]
        known = [f"{name.replace('_', ' ')}: {value}" for name, value in film.known.items() if name != "mm_per_px"]
        about = {"number": int(number), "film": film.film, "patient": film.patient_id, "known": known}
        mm = film.mm_per_px if film.mm_per_px > 0 else None
        about |= {"mm_per_px": mm, "excluded": film.excluded, "unreadable": film.unreadable, "flags": list(film.flags)}
        return about | self._standing(film, history), []

    def answer_pixels(self, number: int) -> Any:
        """A film's greys, or that they are on their way: reading a film holds up nothing."""
        film = self.work.films[int(number)]
        try:
            shown = self.films.ask(self.work.path(film.film))
        except InputError as error:
            return {"ready": True, "problem": str(error.problems[0].message)}, []
        if shown is None:
            return {"ready": False}, []
        return shown.values | _stated_size(film), [shown.greys]

    def answer_keep(self, film: str, act: str, uid: str = "", **values: Any) -> Any:
        """Keep an event; it is on the disk before the answer. What can never be kept is refused and not asked again."""
        known = self.work.by_name.get(str(film))
        try:
            if values.pop("count_level", False) and known and not values.get("level"):
                values["level"] = self._counted(known, values)
            history = self._annotator().keep(str(film), str(act), str(uid)[:80], **values)
        except InputError:
            raise
        except ValueError as error:
            return {"refused": str(error)}, []
        return {"uid": uid, "film": film, **self._standing(known, history)}, []

    # What stands ----------------------------------------------------------------------------------------

    def _standing(self, film: WorkFilm, history: History) -> dict[str, Any]:
        now = history.now
        marks = [{"mark": name, **_shown(mark, film.mm_per_px)} for name, mark in now.marks.items()]
        return {
            "marks": marks, "done": now.is_done, "exclusion": now.exclusion, "undo": bool(history.past),
            "redo": bool(history.future), "proposals": self._proposals(film, list(now.marks.values())),
            "problems": count_problems(list(now.marks.values())),
        }  # fmt: skip

    def _proposals(self, film: WorkFilm, marks: Sequence[Mark]) -> list[dict[str, Any]]:
        """Boxes for the next vertebrae, the nearest first, below and above; none where a mark already is."""
        small = self.films.small(self.work.path(film.film))
        every = small[1] if small else 1
        seen = [Seen(tuple(v / every for v in mark.box), mark.level) for mark in marks]
        found = []
        for down in (True, False):
            for proposal in propose(seen, NEXT, down=down, pixels=small[0] if small else None):
                box = [v * every for v in proposal.box]
                if any(box_iou([box], [mark.box])[0] > TAKEN for mark in marks):
                    continue
                corners = dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))
                found.append(corners | {"level": proposal.level, "down": down})
        return found

    def _counted(self, film: WorkFilm, values: dict[str, Any]) -> str:
        """The level of a new box, counted from its neighbours."""
        marks = self._annotator().histories()[film.film].now.marks
        others = [Seen(mark.box, mark.level) for name, mark in marks.items() if name != values.get("mark")]
        return level_between([float(values[name]) for name in ("x0", "y0", "x1", "y1")], others)

    def _list(self) -> dict[str, Any]:
        histories = self._annotator().histories()
        again = self._flagged_since()
        rows = [
            {"film": film.film, "patient": film.patient_id,
             "done": histories[film.film].now.is_done and film.film not in again,
             "out": film.excluded or histories[film.film].now.exclusion, "marks": len(histories[film.film].now.marks),
             "flags": len(film.flags)}
            for film in self.work.films
        ]  # fmt: skip
        return {"films": rows}

    def _first_open(self) -> int:
        """The film to begin with: the first one flagged since it was looked at, else the first open one."""
        histories, again = self._annotator().histories(), self._flagged_since()
        films = [(number, film) for number, film in enumerate(self.work.films) if not film.excluded]
        flagged = [number for number, film in films if film.film in again]
        waiting = [number for number, film in films if not histories[film.film].now.is_done]
        return next(iter([*flagged, *waiting]), 0)

    def _flagged_since(self) -> set[str]:
        """Films on which a reviewer flagged a vertebra after this annotator's last word: they are open again."""
        last = {str(event.get("film")): str(event.get("time") or "") for event in self._annotator().events()}
        newest = {
            film.film: max((str(flag.get("time", "")) for flag in film.flags), default="") for film in self.work.films
        }
        return {film for film, time in newest.items() if time > last.get(film, "")}

    def _annotator(self) -> Annotator:
        if self.annotator is None:
            raise ValueError("no film is open; enter your name to go on")
        return self.annotator


def _stated_size(film: WorkFilm) -> dict[str, str]:
    """The size of a pixel where the studies table states one: it stands above the header's."""
    return {"spacing": f"{rounded(film.mm_per_px, 3)} mm a px (studies table)"} if film.known.get("mm_per_px") else {}


def _shown(mark: Mark, mm_per_px: float) -> dict[str, Any]:
    """A mark as the page has it, with the heights that its corners give."""
    heights = corner_heights(mark.corners)
    if heights is None:
        return mark_values(mark) | {"heights": ""}
    known = mm_per_px > 0
    unit = "mm" if known else "px"
    said = [f"{name} {rounded(value * (mm_per_px if known else 1), 1)}" for name, value in heights._asdict().items()]
    return mark_values(mark) | {"heights": f"{', '.join(said)} {unit}"}
