"""The reading room: a blinded session case by case, over `sessions`.

The page is told only what a blinded reader may know: a picture, the number of the case and, in the aided
session, what the model said. Names, labels and earlier answers stay here.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ovcf.viz import detail, sessions
from ovcf.viz.image_data import png_bytes
from ovcf.viz.maps import Maps, final_model
from ovcf.viz.widget import VIEWER, Asked, script, style

PATCH_EDGE = 448  # px; cut from the film at full resolution, so a small training size does not blur the case


class ReadingRoom(Asked):
    """Read the cases of a run's plan.

    Parameters
    ----------
    study : ovcf.study.Study
    model : callable, optional
        Returns the run's final model, for the activation map of the aided session.
    **plan
        `cases`, `training`, `washout_days`, `seed` of a new plan; what is not given is as the run's plan
        says, or 40, 0, 3 days, 0 (see `sessions.make_plan`).
    now : callable, optional
        Returns the present time; tests set it.
    """

    _esm = script("common.js", *VIEWER, "reading_case.js", "reading_room.js")
    _css = style("base.css", "reading_room.css")

    def __init__(
        self, study: Any, *, model: Any | None = None, now: Callable[[], Any] | None = None, **plan: Any
    ) -> None:
        super().__init__()
        self.study, self.folder = study, Path(study.run) / "readings"
        self.plan = plan
        self.maps = Maps(study, model or final_model(study))
        self._now = now
        self._images = study.images()
        self.session = None
        self.case = None

    # What the page asks ---------------------------------------------------------------------------------

    def answer_hello(self) -> Any:
        """Words for the first screen; the plan is made only when a reader starts."""
        made = (self.folder / "plan.json").exists()
        return {"label": self.study.label, "planned": made, "current": self._current_name()}, []

    def answer_start(self, reader: str) -> Any:
        """Begin or go on as this reader."""
        if reason := getattr(self.study, "notes_off", ""):
            raise ValueError(reason)
        plan = sessions.make_plan(self.study.patches, self.folder, **self.plan)
        self.session = sessions.ReadingSession(
            plan, reader, self.folder, model_p_fresh=self._out_of_fold(), now=self._now
        )
        return self._next()

    def answer_case(self) -> Any:
        """The open case again (the page was opened anew)."""
        return self._next()

    def answer_answer(self, session: str, order: int, answer: str, confidence: int, seconds: float) -> Any:
        """Keep an answer; only when it is on the disk does the next case go out."""
        if self.session is None or self.case is None:
            raise ValueError("no case is open; enter the reader's name to go on")
        if (session, order) != (self.case.session, self.case.order):
            raise ValueError("this case is not open any more")
        case = self.case
        kept = self.session.answer(case, str(answer), int(confidence), float(seconds))
        values, buffers = self._next()
        values["kept"] = kept
        if case.session == "training":
            values["feedback"] = {"truth": ("old", "fresh")[self.session.plan.truth[case.patch_id][1]]}
        return values, buffers

    # The next screen ------------------------------------------------------------------------------------

    def _next(self) -> tuple[dict, list]:
        """What the page shows next: a case, the washout, or the end."""
        if self.session is None:
            return {"screen": "start"}, []
        kind, value = self.session.state()
        self.case = value if kind == "case" else None
        if kind == "washout":
            return {"screen": "washout", "until": value.isoformat(timespec="minutes")}, []
        if kind == "finished":
            return {"screen": "finished", "path": str(self.session.path)}, []
        values = {"screen": "case", "reader": self.session.reader}
        values |= {"session": value.session, "order": value.order, "of": value.of}
        row = self._row(value.patch_id)
        buffers = [png_bytes(detail.reader_patch(self.study, row, PATCH_EDGE))]
        if value.session == "aided":
            aid, picture = self._aid(row)
            values |= aid
            buffers += picture
        return values, buffers

    def _aid(self, row) -> tuple[dict, list]:
        """What the model says of a case: its out-of-fold probability, and the map where there is a model."""
        p = self.session.model_p_fresh[row["patch_id"]]
        unseen = self.study.parameters["split"]  # "patient" or "patch"
        aid = {"p_fresh": p, "says": "fresh" if p >= 0.5 else "old"}
        aid["by"] = f"By a network that was not trained on this {unseen}."
        try:
            picture, note = self.maps.of(row, self._images[row["row"]], self.study.chosen, aid["says"])
        except ValueError as reason:  # a run without its networks still has its probabilities
            return aid | {"map_note": str(reason)}, []
        return aid | {"map_note": note}, [picture, png_bytes(self._images[row["row"]])]

    def _row(self, patch_id) -> dict:
        patches = self.study.patches.reset_index(drop=True)
        at = int((patches["patch_id"] == patch_id).to_numpy().argmax())
        return patches.iloc[at].to_dict() | {"row": at}

    def _out_of_fold(self) -> dict:
        """The chosen network's probability of each patch, by a fold that did not train on the patient."""
        rows = self.study.predictions
        rows = rows[rows["network"] == self.study.chosen]
        p = rows.groupby("patch_id")["p_fresh"].mean()
        return {str(k): float(v) for k, v in p.items() if not math.isnan(v)}

    def _current_name(self) -> str:
        return self.session.reader if self.session else ""
