"""The clinician's page: open a finished run for looking, and serve it on this machine only.

`ovcf explore RUN` starts Voila on loopback (`ovcf.server`); JupyterLab shows the same tabs from
`notebooks/explore.ipynb`.
"""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ovcf.problems import InputError, Problem
from ovcf.server import free_port, refuse_used, serve
from ovcf.shipped import shipped

NOTEBOOK = shipped("notebooks") / "explore.ipynb"


def open_study(run: str | Path) -> Any:
    """Open a finished run for looking: its parameters and tables are taken as they are, and nothing is written.

    Flags and readings are kept in the run, unless its folder cannot be written (`study.notes_off` then says so).

    Raises
    ------
    InputError
        When the folder is not a run, no predictions were made in it yet, or they were changed since.
    """
    from ovcf.study import Study

    study = Study(run, adds=False)
    missing = [name for name in ("patches", "predictions") if not study.holds(f"tables/{name}.csv")]
    if missing:
        words = f"holds no {' and no '.join(missing)}; make the run first with: ovcf run --out {run}"
        raise InputError(Problem("run", words, str(run)))
    study.changed = _changed(study)
    study.notes_off = "" if study.writable else NOTES_OFF
    return study


NOTES_OFF = "This run's folder cannot be written: flags and readings are off."


def _changed(study) -> str:
    """A warning when the films' manifest no longer says what the run's tables were made from."""
    try:
        if not study.differs:
            return ""
    except OSError:
        return "This run's films cannot be read here: its patches and numbers are shown without them."
    return "The data (or how they are read) changed after this run: films and boxes may not fit its numbers."


def explore_page(run: str | Path) -> Any:
    """The tabs of a run as one widget; what is wrong with the run is said in its place.

    The reading room is none of them: whoever reads blinded has a page without the answers (`ovcf.room`). Of films that
    were annotated here a tab says how; they are marked on the annotators' own pages (`ovcf.annotate`).
    """
    from ovcf.viz.tabs import problem_page, tabbed

    try:
        study = open_study(run)
    except InputError as error:
        return problem_page(error)
    from ovcf.viz.annotated import Annotated, annotation_of
    from ovcf.viz.browser import Browser
    from ovcf.viz.maps import final_model, load_ahead
    from ovcf.viz.own_case import OwnCase

    model = final_model(study)
    tabs = {"Browse": Browser(study, model=model), "Own case": OwnCase(study.run, model=model, study=study)}
    if cohort := annotation_of(study):
        tabs["Annotation"] = Annotated(study, cohort)
    load_ahead(model)
    return tabbed(tabs)


def explore(
    run: str | Path, port: int = 0, *, open_browser: bool = True, token: str | None = None, patch: str = ""
) -> None:
    """Serve the clinician's page of a run on 127.0.0.1 until interrupted.

    Parameters
    ----------
    run : path
        A finished run folder; checked before anything starts.
    port : int
        0 takes a free one; another program's is refused (InputError).
    token : str, optional
        By default a fresh random one, part of the printed address.
    patch : str
        The patch that the address leads to; the list of all by default. One the run does not have is an InputError.
    """
    if port:
        refuse_used(port)
    study = open_study(run)
    place = link_of(study, patch)
    os.environ["OVCF_RUN"] = str(study.run)  # the kernel inherits it
    serve(NOTEBOOK, port or free_port(), token or secrets.token_urlsafe(24), open_browser=open_browser, path=place)


def link_of(study: Any, patch: str) -> str:
    """Return where on the page a patch is shown, "/" for no patch; InputError where the run has no such patch."""
    if not patch:
        return "/"
    if patch not in set(study.patches["patch_id"].astype(str)):
        allowed = f"one of its {len(study.patches)} patch_ids, such as {study.patches['patch_id'].iloc[0]}"
        raise InputError(Problem("patch", "this run has no such patch", column="--patch", found=patch, allowed=allowed))
    return f"/#patch={quote(patch, safe='')}"
