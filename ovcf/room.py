"""The reading room and its coordinator's page: planned, and served on this machine only, each by a link of its own.

`ovcf room RUN` serves a page that holds nothing but the readings: no browser of patches, no labels, no other reader's
name. `ovcf room RUN --status` serves the coordinator's page from another port with another secret.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ovcf.explore import NOTES_OFF, open_study
from ovcf.problems import InputError, Problem
from ovcf.reading.designs import check_design
from ovcf.reading.plan import Plan, make_plan, read_plan
from ovcf.reading.roster import Roster, add_readers, read_roster
from ovcf.reading.table import gather, progress
from ovcf.server import own_port, refuse_used, serve
from ovcf.shipped import shipped

NOTEBOOK = shipped("notebooks") / "room.ipynb"
PAGES = ("readings", "status")


class Room(NamedTuple):
    """A reader study that can begin."""

    study: Any
    plan: Plan
    roster: Roster
    folder: Path


def prepare_room(run: str | Path, readers: Sequence[str] = (), **asked: Any) -> Room:
    """Plan a run's reader study, or open the one it has, and add readers to its roster.

    Parameters
    ----------
    run : a finished run; its tables stay as they are, and its `readings` folder is written.
    readers : names to add.
    asked : of a new plan, as `ovcf.reading.plan.make_plan` takes it; of one that is there, what it must say.

    Raises
    ------
    InputError : for a run that cannot be written, or that has another plan, and for what cannot be planned.
    """
    study = open_study(run)
    if study.notes_off:
        raise InputError(Problem("read_only", NOTES_OFF, str(run)))
    folder = Path(study.run) / "readings"
    known = [*read_roster(folder).readers, *readers]
    check_design(asked.get("design") or "fixed", len(known))
    plan = make_plan(study.patches, folder, **asked)
    check_design(plan.design, len(known))
    return Room(study, plan, add_readers(folder, readers), folder)


def serve_room(run: str | Path, port: int = 0, *, open_browser: bool = True, **asked: Any) -> None:
    """Serve the readers' page of a run on 127.0.0.1 until interrupted; `asked` as `prepare_room` takes it.

    With a roster each reader's link is printed; it stays the same while the port does, and the port is the run's own.
    """
    if port:
        refuse_used(port)
    room = prepare_room(run, **asked)
    port, roster = port or own_port(f"readings {room.study.run}"), room.roster
    for line in (describe(room.plan), *roster.links(port)):
        print(line, flush=True)
    _serve("readings", room.study.run, port, roster.server, open_browser=open_browser and not roster.readers)


def serve_status(run: str | Path, port: int = 0, *, open_browser: bool = True) -> None:
    """Serve the coordinator's page of a run on 127.0.0.1 until interrupted, behind a secret of its own."""
    if port:
        refuse_used(port)
    study = open_study(run)
    folder = Path(study.run) / "readings"
    plan = read_plan(study.patches, folder)
    roster = read_roster(folder) if study.notes_off else add_readers(folder)
    print(describe(plan), flush=True)
    port = port or own_port(f"status {study.run}")
    _serve("status", study.run, port, roster.coordinator, open_browser=open_browser)


def _serve(page: str, run: Path, port: int, token: str, *, open_browser: bool) -> None:
    os.environ["OVCF_RUN"], os.environ["OVCF_ROOM"] = str(run), page  # the kernel inherits them
    serve(NOTEBOOK, port, token, open_browser=open_browser)


def describe(plan: Plan) -> str:
    """Return a plan in a sentence."""
    how = "each reader and case in its own order of them" if plan.design == "crossover" else "one after the other"
    training = f"{len(plan.training)} training cases, " if plan.training else ""
    arms = f"{', '.join(plan.arms)} ({how}, {plan.washout_days:g} days between)" if plan.periods > 1 else plan.arms[0]
    return f"Plan: {training}{len(plan.cases)} cases; {arms}; confidence {plan.scale}."


def status_of(run: str | Path) -> pd.DataFrame:
    """Return how far each reader of a run is (`ovcf.reading.table.progress`); nothing is written."""
    study = open_study(run)
    folder = Path(study.run) / "readings"
    return progress(gather(read_plan(study.patches, folder), folder))


def room_page(run: str | Path, page: str = "readings") -> Any:
    """Return the readers' page of a run, or with `page="status"` the coordinator's, as one widget."""
    from ovcf.viz.tabs import problem_page

    if page not in PAGES:
        raise InputError(Problem("page", "no such page", found=page, allowed=", ".join(PAGES)))
    try:
        study = open_study(run)
    except InputError as error:
        return problem_page(error)
    if page == "status":
        from ovcf.viz.room_status import RoomStatus

        return _wide(RoomStatus(study))
    from ovcf.viz.reading_room import ReadingRoom

    room = ReadingRoom(study)
    room.load_ahead()
    return _wide(room)


def _wide(widget: Any) -> Any:
    """Let a widget take the width of its page; by itself it is as wide as its words."""
    widget.layout.width = "100%"
    return widget
