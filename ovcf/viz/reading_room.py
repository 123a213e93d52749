"""The reading room: a blinded session case by case, over `ovcf.reading`.

The page is told only what a blinded reader may know: a picture, the number of the case and, in an aided session, what
the model said. Names of cases and of other readers, labels and earlier answers stay here.
"""

import math
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from ovcf import __version__
from ovcf.files import digest
from ovcf.problems import InputError
from ovcf.reading.designs import TRAINING, is_aided
from ovcf.reading.plan import Plan, make_plan, read_plan
from ovcf.reading.roster import journal_path, read_roster, reader_name
from ovcf.reading.session import REASONS, Case, ReadingSession
from ovcf.viz.maps import Maps, final_model, load_ahead
from ovcf.viz.reading_pictures import Pictures
from ovcf.viz.widget import VIEWER, Asked, script, style

PAGE = ("reading_counts.js", "reading_display.js", "reading_case.js", "reading_room.js")
NOT_NAMED = (
    "This study is read by named readers. Open the page by your own link, or ask the study's coordinator for it."
)


class ReadingRoom(Asked):
    """Read the cases of a run's plan.

    Parameters
    ----------
    study : ovcf.study.Study
    model : callable, optional
        Returns the run's final model, for the activation map of an aided session.
    **plan
        Of a new plan, as `ovcf.reading.plan.make_plan` takes it; what is not given is as the run's plan says.
    now : callable, optional
        Returns the present time; tests set it.
    """

    _esm = script("common.js", *VIEWER, *PAGE)
    _css = style("base.css", "reading_room.css")

    def __init__(
        self, study: Any, *, model: Any | None = None, now: Callable[[], Any] | None = None, **plan: Any
    ) -> None:
        super().__init__()
        self.study, self.folder = study, Path(study.run) / "readings"
        self.asked = plan
        self.pictures = Pictures(study)
        self._model = model or final_model(study)
        self.maps = Maps(study, self._model)
        self._now = now
        self.session: ReadingSession | None = None
        self.case: Case | None = None
        self.screen = ""

    def load_ahead(self) -> None:
        """Load the model before the first reader comes, where the plan has sessions with it."""
        try:
            plan = read_plan(self.study.patches, self.folder)
        except InputError:  # none yet, or a damaged one, which is said to the reader who starts
            return
        if any(map(is_aided, plan.sessions)):
            load_ahead(self._model)

    # What the page asks ---------------------------------------------------------------------------------

    def answer_hello(self, token: str = "") -> Any:
        """Words for the first screen, and whose link it is; the plan is made only when a reader starts."""
        roster = read_roster(self.folder)
        named = roster.whose(str(token))
        words = NOT_NAMED if roster.readers and not named else ""
        current = self.session.reader if self.session else ""
        return {"label": self.study.label, "reader": named or current, "named": bool(named), "words": words}, []

    def answer_start(self, reader: str = "", token: str = "", is_new: bool = False, screen: str = "") -> Any:
        """Begin or go on as this reader; who never read here is asked first."""
        if reason := getattr(self.study, "notes_off", ""):
            raise ValueError(reason)
        roster = read_roster(self.folder)
        reader = roster.whose(str(token)) if roster.readers else reader_name(reader)
        if not reader:
            raise ValueError(NOT_NAMED)
        if not roster.readers and not is_new and not self._has_read(reader):
            return {"screen": "unknown", "reader": reader}, []
        plan = make_plan(self.study.patches, self.folder, **self.asked)
        known = {"model_p_fresh": self.out_of_fold, "facts": self.facts, "now": self._now}
        self.session = ReadingSession(plan, reader, self.folder, rank=roster.rank(reader), **known)
        self.screen = str(screen)[:80]
        return self._next()

    def answer_display(self, found: dict) -> Any:
        """Keep a check of the display."""
        session = self._session()
        kinds = (bool, int, float, type(None))
        kept = {str(name)[:20]: value for name, value in dict(found).items() if isinstance(value, kinds)}
        session.keep_display_check(self.screen, **kept)
        return self._next()

    def answer_case(self) -> Any:
        """The open case again (the page was opened anew)."""
        return self._next()

    def answer_draft(self, case: str, **chosen: Any) -> Any:
        """Keep what is chosen for the open case and not confirmed."""
        if self.case and case == self.case.name:
            self._session().keep_draft(self.case, **chosen)
        return {}, []

    def answer_answer(self, case: str, answer: str, confidence: Any, seconds: float, **seen: Any) -> Any:
        """Keep an answer; only when it is on the disk does the next case go out."""
        session, asked = self._session(), self.case
        if asked is None or case != asked.name:
            raise ValueError("this case is not open any more")
        confidence = None if confidence is None else int(confidence)
        kept = session.answer(asked, str(answer), confidence, float(seconds), **seen)
        values, buffers = self._next()
        values["kept"] = kept
        if asked.period == 0:
            values["feedback"] = {"truth": ("old", "fresh")[session.plan.truth[asked.patch_id][1]]}
        return values, buffers

    def answer_slip(self, case: str) -> Any:
        """Mark the last answer as mis-keyed."""
        session = self._session()
        last = session.last_answer()
        marked = bool(last and case == last.name and session.mark_slip(last))
        values, buffers = self._next()
        return values | {"marked": marked}, buffers

    def answer_map(self, case: str) -> Any:
        """The map of the open case, by the network that was not trained on it; it may take seconds the first time."""
        if self.case is None or case != self.case.name or not is_aided(self.case.session):
            return {"note": ""}, []
        row = self.pictures.row(self.case.patch_id)
        said = self._says(self.out_of_fold[self.case.patch_id])
        picture, note = self.maps.of(row, self.pictures.seen_by_network(row), self.study.chosen, said)
        patch, aspect = self.pictures.small_patch(row)
        return {"note": note, "aspect": aspect}, [picture, patch]

    # The next screen ------------------------------------------------------------------------------------

    def _next(self) -> tuple[dict, list]:
        """What the page shows next: the display check, a case, the washout, or the end."""
        if self.session is None:
            return {"screen": "start"}, []
        kind, value = self.session.state()
        self.case = value if kind == "case" else None
        last = self.session.last_answer()
        shared = {"last": last.name if last else None}
        if kind == "washout":
            return shared | {"screen": "washout", "until": value.isoformat(timespec="minutes")}, []
        if kind == "finished":
            return shared | {"screen": "finished"}, []
        if self.session.needs_display_check(self.screen):
            return {"screen": "display"}, []
        return self._show(value, shared)

    def _show(self, case: Case, shared: dict) -> tuple[dict, list]:
        plan: Plan = self.session.plan
        picture, marks = self.pictures.of(case)
        values = shared | marks | {
            "screen": "case", "case": case.name, "reader": self.session.reader, "period": case.period,
            "session": TRAINING if case.period == 0 else case.session, "order": case.order, "of": case.of,
            "again": case.again, "done": self._done(case), "rating": plan.scale, "reasons": list(REASONS),
            "draft": self.session.draft(case),
        }  # fmt: skip
        if is_aided(case.session):
            p = self.out_of_fold[case.patch_id]
            by = f"By a network that was not trained on this {self.study.parameters['split']}."
            values |= {"p_fresh": p, "says": self._says(p), "called_from": self.study.parameters["threshold"], "by": by}
        return values, [picture]

    def _done(self, case: Case) -> int:
        return case.of - 1 if case.again else case.order - 1

    def _says(self, p: float) -> str:
        return "fresh" if p >= self.study.parameters["threshold"] else "old"

    def _session(self) -> ReadingSession:
        if self.session is None:
            raise ValueError("no case is open; enter the reader's name to go on")
        return self.session

    def _has_read(self, reader: str) -> bool:
        path = journal_path(self.folder, reader)
        return path.exists() or path.with_suffix(".csv").exists()

    @cached_property
    def out_of_fold(self) -> dict[str, float]:
        """The chosen network's probability of each patch, by a fold that did not train on the patient."""
        rows = self.study.predictions
        rows = rows[rows["network"] == self.study.chosen]
        p = rows.groupby("patch_id")["p_fresh"].mean()
        return {str(k): float(v) for k, v in p.items() if not math.isnan(v)}

    @cached_property
    def facts(self) -> dict[str, str]:
        """What every line of a journal says of the software and of the model that is shown."""
        table = Path(self.study.run) / "tables" / "predictions.csv"
        shown = digest(table)[:16] if table.is_file() else ""
        return {"software": f"ovcf {__version__}", "model": self.study.chosen, "model_digest": shown}
