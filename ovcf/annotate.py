"""The annotation room: a work list made, and its pages served on this machine only, each by a link of its own.

`ovcf annotate FILMS --out COHORT` serves the annotators' page; with `--consensus` the joint session's, from another
port with another secret. Neither annotator's page ever holds a mark of the other.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from ovcf.annotation.journal import TAKEN
from ovcf.annotation.state import progress, read_state, remarks
from ovcf.annotation.work import FOLDER, Source, Work, add_flags, prepare_work, read_work
from ovcf.problems import InputError, Problem
from ovcf.reading.roster import Roster, add_readers, read_roster
from ovcf.server import own_port, refuse_used, serve
from ovcf.shipped import shipped
from ovcf.words import folded_name

NOTEBOOK = shipped("notebooks") / "annotate.ipynb"
PAGES = ("marks", "consensus")


class Prepared(NamedTuple):
    """An annotation that can begin."""

    work: Work
    roster: Roster
    cohort: Path


def prepare(
    films: str | Path | None,
    cohort: str | Path,
    readers: Sequence[str] = (),
    source: Source | None = None,
    *,
    flags: str | Path | None = None,
) -> Prepared:
    """Make a cohort's work list, or add to it, and add annotators to its roster.

    Parameters
    ----------
    films, source : as `ovcf.annotation.work.prepare_work` takes them; no films: the list as it is.
    cohort : folder of the annotation.
    readers : names to add; two annotators take part.
    flags : a run whose browser's flags open the film at that vertebra.

    Raises
    ------
    InputError : for films or names that cannot be used, and a third annotator.
    """
    cohort = Path(cohort).absolute()
    known = [*read_roster(cohort / FOLDER).readers, *readers]
    if len({folded_name(name) for name in known}) > 2:
        words = "agreement and consensus are of two annotators"
        raise InputError(Problem("reader", words, found=", ".join(known), allowed="two names"))
    if taken := [name for name in readers if folded_name(name) in TAKEN]:
        raise InputError(Problem("reader", "is what the joint session's journal is called", found=taken[0]))
    work = read_work(cohort) if films is None else prepare_work(films, cohort, source)
    if flags:
        work = add_flags(cohort, flagged(flags))
    return Prepared(work, add_readers(cohort / FOLDER, readers), cohort)


def flagged(run: str | Path) -> dict[Path, list[dict[str, Any]]]:
    """Return the flags that stand in a run's browser: film's path -> patch_id, words, time, box (None: ready patch)."""
    from ovcf.explore import open_study
    from ovcf.viz.detail import box_of
    from ovcf.viz.flags import FlagStore

    study = open_study(run)
    standing = FlagStore(study.run / "flags.csv").standing()
    rows = study.patches.set_index(study.patches["patch_id"].astype(str))
    found: dict[Path, list[dict[str, Any]]] = {}
    for patch, given in standing.groupby("patch_id", sort=False):
        if patch not in rows.index:
            continue
        row = rows.loc[patch]
        said = [f"{one.flag} ({one.reviewer or 'unnamed'}) {one.comment}".strip() for one in given.itertuples()]
        box = box_of(row.to_dict())
        about = {
            "patch_id": str(patch),
            "words": "; ".join(said),
            "time": str(given["time"].max()),
            "box": None if box is None else list(map(float, box)),
        }
        found.setdefault((study.cohort.root / row["image"]).resolve(), []).append(about)
    if not found:
        raise InputError(Problem("no_flags", "no flag of the browser stands in this run", str(run)))
    return found


def serve_marks(prepared: Prepared, port: int = 0, *, open_browser: bool = True) -> None:
    """Serve the annotators' page on 127.0.0.1 until interrupted; with a roster each annotator's link is printed."""
    if port:
        refuse_used(port)
    port, roster = port or own_port(f"marks {prepared.cohort}"), prepared.roster
    notes = [f"note: {note}" for note in prepared.work.notes]
    for line in (describe(prepared.work), *notes, *roster.links(port)):
        print(line, flush=True)
    _serve("marks", prepared.cohort, port, roster.server, open_browser=open_browser and not roster.readers)


def serve_consensus(cohort: str | Path, port: int = 0, *, open_browser: bool = True) -> None:
    """Serve the joint session's page of a cohort on 127.0.0.1 until interrupted, behind a secret of its own."""
    if port:
        refuse_used(port)
    cohort = Path(cohort).absolute()
    print(describe(read_state(cohort).work), flush=True)
    port, token = port or own_port(f"consensus {cohort}"), add_readers(cohort / FOLDER).coordinator
    _serve("consensus", cohort, port, token, open_browser=open_browser)


def _serve(page: str, cohort: Path, port: int, token: str, *, open_browser: bool) -> None:
    os.environ["OVCF_COHORT"], os.environ["OVCF_ANNOTATE"] = str(cohort), page  # the kernel inherits them
    serve(NOTEBOOK, port, token, open_browser=open_browser)


def describe(work: Work) -> str:
    """Return a work list in a sentence."""
    patients = len({film.patient_id for film in work.films})
    out = sum(bool(film.excluded) for film in work.films)
    given = sum(len(film.given) for film in work.films)
    more = f"; {out} left out by the studies table" if out else ""
    films = len(work.films)
    said = f"{films} film{'s' * (films != 1)} of {patients} patient{'s' * (patients != 1)}{more}"
    return said + (f"; {given} box{'es' * (given != 1)} to correct" if given else "")


def status_of(cohort: str | Path) -> tuple[pd.DataFrame, list[str]]:
    """Return how far each annotator is (`ovcf.annotation.state.progress`), and what must be known."""
    state = read_state(cohort)
    return progress(state), remarks(state)


def annotation_page(cohort: str | Path, page: str = "marks", reader: str = "") -> Any:
    """Return the annotators' page of a cohort, or with `page="consensus"` the joint session's, as one widget.

    `reader` names whose page it is for who has no link (JupyterLab shows the cohort's files anyway).
    """
    from ovcf.viz.tabs import problem_page

    if page not in PAGES:
        raise InputError(Problem("page", "no such page", found=page, allowed=", ".join(PAGES)))
    try:
        read_state(cohort)
    except InputError as error:
        return problem_page(error)
    if page == "consensus":
        from ovcf.viz.consensus import ConsensusRoom

        widget: Any = ConsensusRoom(cohort)
    else:
        from ovcf.viz.annotation import AnnotationRoom

        widget = AnnotationRoom(cohort, reader=reader)
    widget.layout.width = "100%"
    return widget
