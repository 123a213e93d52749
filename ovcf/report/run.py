"""Execute the notebook sequence with papermill into a run folder, and keep an honest record of how it went."""

import json
import os
import platform
import resource
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

from ovcf import __version__
from ovcf.files import write_text
from ovcf.profiles import NAMES, load_profile, merge_parameters, parse_value
from ovcf.study import Study

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SEQUENCE = (
    "01_dataset",
    "02_preprocessing",
    "03_model_comparison",
    "04_cross_validation",
    "05_reader_study",
    "06_published_audit",
)


class RunFailed(RuntimeError):
    """A notebook stopped; `record` is what run.json holds."""

    def __init__(self, record: dict):
        self.record = record
        failed = record["failed"]
        super().__init__(f"{failed['notebook']}, cell {failed['cell']}: {failed['error']}")


def run_study(profile: str, *, data=None, out=None, overrides: dict | None = None, allow_outside=False) -> Path:
    """Run every notebook of the study and write the report; return its path.

    Parameters
    ----------
    profile : demo, laptop, paper or the path of a YAML file.
    data : manifest or folder; stands above the profile's.
    out : folder of the run; reports/<profile> by default. What is in it already is used where it still fits.
    overrides : parameter names and values, values as text in YAML.
    allow_outside : accept image paths that leave the manifest's folder.

    Raises
    ------
    InputError : for unknown names, wrong types, and every problem of the data, before any notebook starts.
    RunFailed : when a notebook stops; everything made so far is kept, and run.json and the report say where.
    """
    run = Path(out).resolve() if out else Path("reports") / (profile if profile in NAMES else Path(profile).stem)
    parameters = _parameters(profile, data, overrides or {}, allow_outside)
    study = Study(run, **parameters)
    study.prepare()
    record = _new_record(study, profile)
    _write_record(study.run, record)
    try:
        for name in SEQUENCE:
            _execute(name, study, record)
        record["status"] = "complete"
    except BaseException as error:  # Ctrl-C and a killed kernel too: the record must say so
        record["status"] = "failed"
        record.setdefault("failed", {"notebook": name, "cell": None, "error": str(error) or repr(error)})
        if not isinstance(error, Exception):
            raise
    finally:
        record["finished"] = _now()
        record["peak_memory_mb"] = _peak_memory()
        _write_record(study.run, record)
        page = _write_page(study, record)
    if record["status"] == "failed":
        raise RunFailed(record)
    _print_on_paper(study.run)
    return page


def notebook_parameters(path: Path) -> dict:
    """Return the parameters a notebook declares: name to {default, help}."""
    import papermill

    return {name: found for name, found in papermill.inspect_notebook(str(path)).items()}


def _parameters(profile: str, data, overrides: dict, allow_outside: bool) -> dict:
    """Join profile, --data and -p into one complete set; every mistake is reported at once."""
    parameters = load_profile(profile)
    changes = {name: parse_value(text) for name, text in overrides.items()}
    if data is not None:
        changes["data"] = str(Path(data).resolve())
    if allow_outside:
        changes["allow_outside"] = True
    return merge_parameters(parameters, changes, source="the command line")


def _execute(name: str, study: Study, record: dict) -> None:
    """Run one notebook with the parameters it declares; note its time, or the cell that failed."""
    import papermill

    source, output = NOTEBOOKS / f"{name}.ipynb", study.run / "notebooks" / f"{name}.ipynb"
    output.parent.mkdir(exist_ok=True)
    declared = notebook_parameters(source)
    chosen = {key: value for key, value in study.parameters.items() if key in declared}
    print(f"{name} ...", file=sys.stderr, flush=True)
    started = time.monotonic()
    try:
        papermill.execute_notebook(
            str(source),
            str(output),
            parameters=chosen | {"run": str(study.run)},
            kernel_name="python3",
            language="python",
            kernel_manager_class="ovcf.report.kernel.ThisInterpreter",
            cwd=str(NOTEBOOKS),
            progress_bar=False,
            autosave_cell_every=2,
            store_widget_state=False,
            stderr_file=sys.stderr,
        )
    except Exception as error:
        record["failed"] = _failure(name, output, error)
        raise
    record["notebooks"][name] = round(time.monotonic() - started, 1)
    _write_record(study.run, record)


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


def _new_record(study: Study, profile: str) -> dict:
    (study.run / "environment.txt").write_text(
        "\n".join(sorted({f"{d.name}=={d.version}" for d in distributions()}, key=str.lower)) + "\n"
    )
    return {
        "status": "running",
        "profile": profile,
        "data": study.label,
        "synthetic": study.synthetic,
        "started": _now(),
        "ovcf": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "parameters": study.parameters,
        "notebooks": {},
    }


def _write_record(run: Path, record: dict) -> None:
    write_text(run / "run.json", json.dumps(record, indent=2, ensure_ascii=False, default=str))


def _write_page(study: Study, record: dict) -> Path:
    from ovcf.report.page import write_page

    failed = record.get("failed", {}).get("notebook")
    begun = [name for name in SEQUENCE if name in record["notebooks"] or name == failed]
    return write_page(study.run, record, begun)  # an older run's notebooks may lie in the same folder


def _print_on_paper(run: Path) -> None:
    """Write `report.pdf` too; a machine without the library that sets text (Pango) does without it, and is told."""
    from ovcf.report.page import write_pdf

    print("report.pdf ...", file=sys.stderr, flush=True)
    try:
        write_pdf(run)
    except OSError as error:
        print(f"report.pdf was not made: {str(error).strip().splitlines()[0]}", file=sys.stderr)


def _peak_memory() -> int:
    """Return the largest resident memory of this process and of any process it waited for, in MB."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) // 1024


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
