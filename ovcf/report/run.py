"""Execute the notebook sequence with papermill into a run folder, and keep an honest record of how it went."""

import json
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovcf import __version__
from ovcf.files import write_text
from ovcf.problems import InputError, Problem
from ovcf.processes import peak_memory
from ovcf.profiles import NAMES, parse_value
from ovcf.progress import LINES, tell
from ovcf.run_folder import from_project
from ovcf.run_folder.holding import EXECUTES
from ovcf.run_folder.record import beating, now, this_process, write_record
from ovcf.shipped import shipped
from ovcf.study import Study

if TYPE_CHECKING:
    from ovcf.report.kernel import ThisInterpreter

NOTEBOOKS = shipped("notebooks")
EXTERNAL = "07_external_validation"  # where there is another cohort
SEQUENCE = (
    "01_dataset",
    "02_preprocessing",
    "03_model_comparison",
    "04_cross_validation",
    "05_reader_study",
    EXTERNAL,
    "06_published_audit",
)  # on the page
WITHOUT_NETWORKS = ("01_dataset", "02_preprocessing", "06_published_audit")


class RunFailed(RuntimeError):
    """A notebook stopped; `record` is what run.json holds."""

    def __init__(self, record: dict[str, Any]):
        self.record = record
        failed = record["failed"]
        super().__init__(f"{failed['notebook']}, cell {failed['cell']}: {failed['error']}")


class Terminated(SystemExit):
    """The system asked this process to end (SIGTERM).

    A SystemExit, which asyncio lets out of its loop; of another BaseException it only makes a line in the log.
    """

    def __init__(self):
        super().__init__("asked to end (SIGTERM)")
        self.code = 143


def run_study(
    profile: str | None = None,
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    overrides: dict[str, str] | None = None,
    allow_outside: bool = False,
    variant_of: str | Path | None = None,
    edition: str = "reader",
) -> Path:
    """Make a run or go on with one: execute every notebook of the study and write the report; return its path.

    Parameters
    ----------
    profile : demo, laptop, paper or the path of a YAML file, for a new run (demo where none is named). A run that is
        there keeps its parameters; a profile, data or override that says otherwise is refused.
    data : manifest or folder, or the word "synthetic"; stands above the profile's.
    out : folder of the run; reports/<profile> by default.
    overrides : parameter names and values, values as text in YAML.
    allow_outside : accept image paths that leave the manifest's folder.
    variant_of : another run whose parameters and finished parts the new one takes, but for the overrides.
    edition : of the report; "full" folds nothing and prints all on paper.

    Raises
    ------
    InputError : for unknown names, wrong types and values, every problem of the data, and a run that has other
        parameters, before anything is written; RunInUse while another process writes into the run.
    RunFailed : when a notebook stops; everything made so far is kept, and run.json and the report say where.
    Terminated, KeyboardInterrupt : when asked to end; what was made is kept, and run.json says "interrupted".
    """
    if not sys.stderr.isatty():
        os.environ[LINES] = "1"  # the kernels inherit it
    changes = changes_of(data, overrides or {}, allow_outside)
    folder = _folder(profile, out, variant_of)
    study = _open_or_make(folder, profile, variant_of, changes)
    with ends_when_asked(), study.hold():
        study.mend()
        study.patches  # noqa: B018 - as the run has them, or made again
        record = _new_record(study, profile) | {"edition": edition}
        write_record(study.run, record)
        with beating(study.run, record):
            page = _execute_all(study, record)
    if record["status"] == "failed":
        raise RunFailed(record)
    return page


def prepare_study(
    profile: str | None = None,
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    overrides: dict[str, str] | None = None,
    allow_outside: bool = False,
    variant_of: str | Path | None = None,
) -> Path:
    """Make a run, or take one, as far as its patches, folds and features; return its folder.

    Arguments and errors are those of `run_study`, which goes on from there.
    """
    folder = _folder(profile, out, variant_of)
    study = _open_or_make(folder, profile, variant_of, changes_of(data, overrides or {}, allow_outside))
    with ends_when_asked(), study.hold():
        study.mend()
        study.prepare_networks()
    return study.run


def _execute_all(study: Study, record: dict[str, Any]) -> Path:
    """Execute the notebooks of a run in one kernel, write the page whatever becomes of them, complete the record."""
    from ovcf.report.ahead import ahead_of
    from ovcf.report.kernel import one_kernel

    name = SEQUENCE[0]
    try:
        with writes_for(study.run), ahead_of(study), one_kernel() as kernel:
            for name in order_of(study.parameters):
                _papermill(name, study.run, {"run": str(study.run)}, record, kernel)
                write_record(study.run, record)
        record["status"] = "complete"
    except BaseException as error:  # Ctrl-C and a killed kernel too: the record must say so
        record["status"] = "failed" if isinstance(error, Exception) else "interrupted"
        words = str(error) or type(error).__name__
        record.setdefault("failed", {"notebook": name, "cell": None, "error": words})
        if not isinstance(error, Exception):
            raise
    finally:
        record["finished"] = now()
        record["peak_memory_mb"] = peak_memory() >> 20
        write_record(study.run, record)
        page = _write_page(study, record)
    if record["status"] == "complete":
        _print_on_paper(study.run, record["edition"])
    return page


def order_of(parameters: dict[str, Any]) -> list[str]:
    """Return the notebooks that a run with these parameters executes, in the order of execution.

    Those that need no network come first: meanwhile their features are made (`ahead`).
    """
    names = [name for name in SEQUENCE if name != EXTERNAL or parameters["external"]]
    return sorted(names, key=lambda name: name not in WITHOUT_NETWORKS)


def run_external(run: str | Path, data: str, out: str | Path, *, shared_ids: str = "refuse") -> Path:
    """Execute notebook 07 on a finished run, or a bundle, and another cohort; return the page.

    Parameters
    ----------
    run : folder of the run, or the file of a bundle; only read.
    data : manifest or folder of the other cohort, or "synthetic".
    out : folder for everything that is made, new or empty or of an earlier such validation.
    shared_ids : what to do about ids that stand in both cohorts (`ovcf.intake.across.SHARED_IDS`).

    Raises
    ------
    InputError : for problems of the run and the data, and for patients in both cohorts, before anything is executed.
    RunFailed : when the notebook stops; what was made is kept.
    Terminated, KeyboardInterrupt : when asked to end.
    """
    from ovcf.external import new_shelf, open_validation
    from ovcf.report.kernel import one_kernel
    from ovcf.report.page import write_page

    folder = new_shelf(from_project(out))
    whole = data if data == "synthetic" else str(Path(data).resolve())
    there = open_validation(str(Path(run).resolve()), whole, out=str(folder), shared_ids=shared_ids)
    record = {
        **_about_this("external validation"),
        "data": there.title,
        "synthetic": bool(there.cohort.synthetic),
        "parameters": there.parameters | {"external": whole},
    }
    given = {"run": str(Path(run).resolve()), "external": whole, "out": str(folder), "shared_ids": shared_ids}
    try:
        with ends_when_asked(), one_kernel() as kernel:
            _papermill(EXTERNAL, folder, given, record, kernel)
        record["status"] = "complete"
    except Exception as error:
        record["status"] = "failed"
        record.setdefault("failed", {"notebook": EXTERNAL, "cell": None, "error": str(error)})
    record["finished"] = now()
    write_record(folder, record)
    page = write_page(folder, record, [EXTERNAL])
    if record["status"] == "failed":
        raise RunFailed(record)
    return page


@contextmanager
def writes_for(run: Path) -> Iterator[None]:
    """Let kernels that are started meanwhile write into a run under this process's lock; they inherit its name."""
    os.environ[EXECUTES] = str(run)
    try:
        yield
    finally:
        del os.environ[EXECUTES]


@contextmanager
def ends_when_asked() -> Iterator[None]:
    """Let SIGTERM raise `Terminated` meanwhile, as Ctrl-C raises KeyboardInterrupt; only a main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: the page is being written
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def notebook_parameters(path: Path) -> dict[str, dict[str, Any]]:
    """Return the parameters a notebook declares: name to {default, help}."""
    import papermill

    return {name: found for name, found in papermill.inspect_notebook(str(path)).items()}


def changes_of(data: str | Path | None, overrides: dict[str, str], allow_outside: bool) -> dict[str, Any]:
    """Join --data, --allow-outside and -p, values as text in YAML, into values by name."""
    changes = {name: parse_value(text) for name, text in overrides.items()}
    if data is not None:
        changes["data"] = "synthetic" if str(data) == "synthetic" else str(Path(data).resolve())
    if allow_outside:
        changes["allow_outside"] = True
    return changes


def _folder(profile: str | None, out: str | Path | None, variant_of: str | Path | None) -> Path:
    if out is not None:
        return Path(out).resolve()
    if variant_of is not None:
        raise InputError(Problem("no_folder", "a variant needs a folder of its own: name it with --out"))
    name = profile or "demo"
    return (Path("reports") / (name if name in NAMES else Path(name).stem)).resolve()


def _open_or_make(folder: Path, profile: str | None, variant_of: str | Path | None, changes: dict) -> Study:
    who = "the command line"
    if variant_of is None:
        study = Study.begin(folder, profile, who=who, **changes)
    elif profile is None:
        study = Study.variant(variant_of, folder, who=who, **changes)
    else:
        raise InputError(Problem("two_sources", "a run's parameters come from a profile or from a run, not from both"))
    if not study.adds:
        study.refuse_adding("report.html")
    return study


def _papermill(name: str, folder: Path, parameters: dict[str, str], record: dict, kernel: "ThisInterpreter") -> None:
    """Execute one notebook into a folder, all but these parameters as the run has them; note its time, or the cell
    that failed."""
    import papermill

    from ovcf.report.kernel import forget

    source, output = NOTEBOOKS / f"{name}.ipynb", folder / "notebooks" / f"{name}.ipynb"
    output.parent.mkdir(exist_ok=True)
    tell(f"{name} ...")
    started = time.monotonic()
    try:
        forget(kernel)
        papermill.execute_notebook(
            str(source),
            str(output),
            parameters=parameters,
            kernel_name="python3",
            language="python",
            km=kernel,
            cwd=str(NOTEBOOKS),
            progress_bar=False,
            autosave_cell_every=2,
            store_widget_state=False,
            stderr_file=sys.stderr,
        )
    except Exception as error:
        record["failed"] = _failure(name, output, error)
        raise
    took = record["notebooks"] | {name: round(time.monotonic() - started, 1)}
    record["notebooks"] = {each: took[each] for each in SEQUENCE if each in took}


def _failure(name: str, output: Path, error: Exception) -> dict:
    """Say where a notebook stopped. papermill's own metadata calls cells completed after a dead kernel."""
    message = getattr(error, "evalue", None) or str(error).strip().splitlines()[-1]
    kind = getattr(error, "ename", None) or type(error).__name__
    cell = getattr(error, "cell_index", None)
    if cell is None:
        cell = _last_started_cell(output)
    return {
        "notebook": name,
        "cell": cell,
        "kind": kind,
        "error": f"{kind}: {message}",
        "source": getattr(error, "source", None) or _cell_source(output, cell),
    }


def _last_started_cell(output: Path) -> int | None:
    """Return the index of the last code cell that began, from the notebook papermill saved."""
    cells = _saved_cells(output)
    started = [i for i, cell in enumerate(cells) if cell.get("metadata", {}).get("papermill", {}).get("start_time")]
    return started[-1] if started else None


def _cell_source(output: Path, index: int | None) -> str | None:
    cells = _saved_cells(output)
    if index is None or index >= len(cells):
        return None
    return "".join(cells[index]["source"])


def _saved_cells(output: Path) -> list:
    try:
        return json.loads(output.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return []


def _new_record(study: Study, profile: str | None) -> dict[str, Any]:
    installed = sorted({f"{d.name}=={d.version}" for d in distributions()}, key=str.lower)
    write_text(study.run / "environment.txt", "\n".join(installed) + "\n")
    about = {"data": study.label, "synthetic": study.synthetic, "parameters": study.parameters}
    return _about_this(profile) | about


def _about_this(profile: str | None) -> dict[str, Any]:
    """What a record says of this process and machine, before anything was executed."""
    return {
        "status": "running",
        "process": this_process(),
        "profile": profile,
        "started": now(),
        "ovcf": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "notebooks": {},
    }


def _write_page(study: Study, record: dict) -> Path:
    from ovcf.report.page import write_page

    failed = record.get("failed", {}).get("notebook")
    begun = [name for name in SEQUENCE if name in record["notebooks"] or name == failed]
    page = write_page(study.run, record, begun)  # an older run's notebooks may lie in the same folder
    study.ledger.enter("report.html", "ledger.csv")
    return page


def _print_on_paper(run: Path, edition: str) -> None:
    """Write `report.pdf` too; a machine without the library that sets text (Pango) does without it, and is told."""
    from ovcf.report.paper import write_pdf

    tell("report.pdf ...")
    try:
        (run / "report.pdf").unlink(missing_ok=True)  # of an earlier, unfinished try
        write_pdf(run, edition=edition)
    except OSError as error:
        tell(f"report.pdf was not made: {str(error).strip().splitlines()[0]}")
