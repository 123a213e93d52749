"""The `ovcf` command: thin, lazy, and one clear error (exit 2) for a mistake in the input."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ovcf import __version__
from ovcf.problems import InputError

FILE = click.Path(path_type=Path)
IN_USE = 3  # exit status: another process writes into the run
PRINTED = 50  # problems of one kind in the terminal


class FormatName(click.ParamType):
    """The name of a format of annotations, from the registry at the time of asking."""

    name = "format"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ovcf.intake.formats import FORMATS

        return value if value in FORMATS else self.fail(f"{value!r} is not one of {', '.join(FORMATS)}", param, ctx)


class Commands(click.Group):
    """Print every problem of an input and exit with 2; no traceback for a user's mistake."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            echo_problems(error.problems)
            ctx.exit(IN_USE if any(problem.kind == "in_use" for problem in error.problems) else 2)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="ovcf")
def main() -> None:
    """Fresh or old vertebral fractures on lateral radiographs: a study companion. Research use only."""


def echo_problems(problems: Sequence[Any]) -> None:
    """Print the problems of an input; of a kind that fills the screen only the first, and how many more."""
    count = len(problems)
    click.echo(f"ovcf: {count} problem{'s' if count > 1 else ''} with the input", err=True)
    kinds = Counter()
    for problem in problems:
        kinds[problem.kind] += 1
        if kinds[problem.kind] <= PRINTED:
            click.echo(f"  - {problem}", err=True)
    for kind, n in kinds.items():
        if n > PRINTED:
            more = f"and {n - PRINTED} more: {kind.replace('_', ' ')}"
            click.echo(f"  - {more} (ovcf check writes every one into check.json)", err=True)


def echo_json(value: object) -> None:
    """Print an object as JSON on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


# The study: run, synthesise, check, weights -----------------------------------------------------------------


@main.command()
@click.option("--profile", help="Of a new run: demo, laptop, paper or a YAML file  [default: demo].")
@click.option("--data", type=FILE, help='Manifest CSV or folder of your own cohort, or "synthetic".')
@click.option("--out", type=FILE, help="Folder of the run, new or to go on with  [default: reports/PROFILE].")
@click.option("-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="Set one parameter of a new run.")
@click.option("--from", "variant_of", type=FILE, metavar="RUN", help="Make a variant of this run; shares what it can.")
@click.option("--allow-outside", is_flag=True, help="Accept image paths that leave the manifest's folder.")
@click.option("--scheduler", metavar="ADDRESS", help="Train on this Dask cluster (tcp://HOST:PORT).")
@click.option("--prepare", is_flag=True, help="Stop after patches, folds and features; see ovcf train.")
def run(parameters: tuple[tuple[str, str], ...], scheduler: str | None, prepare: bool, **options: Any) -> None:
    """Run the whole study and write one report.

    A run that stopped goes on where it was. Its parameters are fixed when it is made; --from makes another beside it.
    """
    from ovcf.processes import SCHEDULER
    from ovcf.report import RunFailed, Terminated, prepare_study, run_study

    if scheduler:
        os.environ[SCHEDULER] = scheduler  # for the notebooks' kernels too
    if prepare:
        click.echo(f"prepared: {prepare_study(overrides=dict(parameters), **options)}")
        return
    kept = "What was made is kept; the same command goes on from there."
    try:
        page = run_study(overrides=dict(parameters), **options)
    except RunFailed as failure:
        wrong_input = failure.record["failed"].get("kind") == "InputError"
        click.echo(f"ovcf: the run stopped at {failure}\n{kept}", err=True)
        raise SystemExit(2 if wrong_input else 1) from None
    except (Terminated, KeyboardInterrupt) as asked:
        click.echo(f"ovcf: the run was ended. {kept}", err=True)
        raise SystemExit(143 if isinstance(asked, Terminated) else 130) from None
    click.echo(f"report: {page}")


@main.command()
@click.argument("folder", metavar="DIR", type=FILE)
def notebooks(folder: Path) -> None:
    """Copy the notebooks into a folder, for editing.

    Open them there with `jupyter lab`; a run they make lies where the parameter `run` says.
    """
    from ovcf.shipped import copy_notebooks

    for path in copy_notebooks(folder):
        click.echo(path)


@main.command()
@click.argument("run", type=FILE)
def clean(run: Path) -> None:
    """Drop a run's cache: patches, features, finished folds.

    Tables, figures, report and model stay. What is needed again is made again.
    """
    from ovcf.run_folder import RunFolder

    click.echo(f"{run}: {RunFolder(run).clean() / 2**20:.1f} MB freed")


@main.command()
@click.argument("run", type=FILE)
@click.option("--network", required=True, metavar="NAME", help="One of the run's networks.")
@click.option("--fold", required=True, type=int, metavar="K", help="Train without this fold, then predict it.")
def train(run: Path, network: str, fold: int) -> None:
    """Train one network without one fold, for a batch queue.

    After `ovcf run --prepare`; many may go on at once, on machines that share the run's disk. `ovcf run` then gathers
    what is there and trains what is missing.
    """
    from ovcf.study import Study

    click.echo(f"trained: {Study(run).train_fold(network, fold)}")


@main.command()
@click.argument("run", type=FILE)
def pdf(run: Path) -> None:
    """Print a run's report as PDF."""
    from ovcf.report.page import write_pdf

    click.echo(f"report: {write_pdf(run)}")


@main.command()
@click.argument("run", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one object with every failure.")
def verify(run: Path, as_json: bool) -> None:
    """Make a report's numbers again and hold each against it.

    From the run's stored patches, predictions, readings and published numbers; nothing is written. The exit status is 1
    where a number no longer follows.
    """
    from ovcf.report.verdict import as_text
    from ovcf.report.verify import verify

    verdict = verify(run)
    echo_json(verdict.as_dict()) if as_json else click.echo(as_text(verdict))
    raise SystemExit(0 if verdict.holds else 1)


@main.command()
@click.argument("run", type=FILE)
@click.option("--out", type=FILE, help="Folder of the repeat  [default: RUN-again].")
def rerun(run: Path, out: Path | None) -> None:
    """Make a run again elsewhere and say which tables are identical.

    From its parameters and data; nothing made before is used. The exit status is 1 where a table differs.
    """
    from ovcf.report.rerun import DIFFERS, as_text, rerun

    folder, repeated = rerun(run, out)
    click.echo(f"{folder}: {as_text(repeated)}")
    raise SystemExit(1 if any(x.outcome == DIFFERS or "missing" in x.outcome for x in repeated) else 0)


@main.command()
@click.argument("runs", type=FILE, nargs=-1, required=True)
@click.option("--out", type=FILE, default="reports/comparison.html", show_default=True, help="File of the page.")
def compare(runs: tuple[Path, ...], out: Path) -> None:
    """Compare runs on one page, each with the first.

    Parameters that differ, metrics, paired differences on the patches that both have, folds, seeds, times.
    """
    from ovcf.report.compare import write_comparison

    click.echo(f"comparison: {write_comparison(list(runs), out)}")


@main.command()
@click.option("--profile", help="Of all runs: demo, laptop, paper or a YAML file  [default: demo].")
@click.option("--data", type=FILE, help="Manifest CSV or folder of your own cohort.")
@click.option("-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="A list is an axis of the sweep.")
@click.option("--out", type=FILE, required=True, help="Folder of the runs and of comparison.html.")
def sweep(profile: str | None, data: Path | None, parameters: tuple, out: Path) -> None:
    """Make a run for every combination of values, and compare them.

    Such as -p equalisation '[histogram, clahe, none]' -p training_seed '[0, 1, 2]'. The same command goes on where it
    stopped.
    """
    from ovcf.report import RunFailed
    from ovcf.report.sweep import sweep

    try:
        click.echo(f"comparison: {sweep(profile, dict(parameters), out, data=data)}")
    except RunFailed as failure:
        click.echo(f"ovcf: a run stopped at {failure}\nThe same command goes on from there.", err=True)
        raise SystemExit(1) from None


@main.command()
@click.option("--out", type=FILE, required=True, help="Folder to write the cohort to.")
@click.option("--patients", default=405, show_default=True, type=click.IntRange(min=8))
@click.option("--seed", default=0, show_default=True)
@click.option("--hospital", default="A", show_default=True, type=click.Choice(["A", "B"]), help="B: another one.")
@click.option("--difficulty", type=float, help="How weak the signs of fresh and old are.")
@click.option("--patient-correlation", type=float, help="How alike the vertebrae of one patient are.")
@click.option("--diaphragm", type=float, help="How strongly the diaphragm covers T10-L1.")
def synthesise(out: Path, patients: int, seed: int, **effects: Any) -> None:
    """Make a synthetic cohort of lateral spine radiographs."""
    from ovcf.synthetic import synthesise

    given = {name: value for name, value in effects.items() if value is not None}
    click.echo(f"synthetic cohort: {synthesise(out, patients=patients, seed=seed, **given)}")


@main.command()
@click.option("--to", "folder", type=FILE, required=True, help="Folder to keep the weights in.")
def weights(folder: Path) -> None:
    """Fetch all ImageNet weights, for a machine without network."""
    from ovcf.models.sources import fetch_weights

    fetch_weights(folder)
    click.echo(f"weights: {folder} (use them with -p weights {folder})")


# Cohorts: import, check, deidentify -------------------------------------------------------------------------


def pairs(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """CATEGORY=VALUE options as a dict."""
    if wrong := [value for value in values if "=" not in value]:
        raise click.BadParameter(f"{wrong[0]!r} is not of the form CATEGORY=VALUE")
    return dict(value.rsplit("=", 1) for value in values)


@main.command("import")
@click.argument("form", metavar="FORMAT", type=FormatName())
@click.argument("source", type=FILE)
@click.option("--out", type=FILE, required=True, help="Manifest CSV to write; best above the images.")
@click.option(
    "--patient-pattern",
    metavar="REGEX",
    help="Finds the patient id in a film's name or path: its group `patient`, else the first ("
    "groups `age` and `sex` count too).",
)
@click.option("--patient-column", metavar="NAME", help="Column of the annotations that holds the patient id.")
@click.option("--one-patient-per-film", is_flag=True, help="State that each film is another patient's.")
@click.option("--levels", multiple=True, callback=pairs, metavar="CATEGORY=LEVEL", help="Repeatable.")
@click.option(
    "--label-map",
    "--map",
    multiple=True,
    callback=pairs,
    metavar="CATEGORY=fresh|old",
    help="Repeatable; without it labels the source does not have stay empty.",
)
@click.option("--images", type=FILE, help="Folder of the images, where they are not under SOURCE.")
@click.option("--classes", type=FILE, help="YOLO's file of class names.")
@click.option(
    "--keep-reader",
    "keep_readers",
    multiple=True,
    metavar="NAME",
    help="Of boxes that overlap keep this reader's (id, or name of their file or folder). Repeatable, first counts.",
)
@click.option("--force", is_flag=True, help="Overwrite a manifest that was changed by hand or that no import wrote.")
def import_(form: str, source: Path, out: Path, **options: Any) -> None:
    """Turn annotations into a manifest.

    FORMAT is yolo, coco, voc, labelme, vindr, buu or folders (fresh/ and old/ of ready patches). Whose a film is
    must be said: by a pattern, a column, or that each is another patient's.
    """
    from ovcf.intake.importers import ImportOptions, import_annotations

    result = import_annotations(form, source, out, ImportOptions(**options))
    for problem in result.problems:
        click.echo(f"not read: {problem}", err=True)
    for note in result.notes:
        click.echo(f"note: {note}", err=True)
    films, patients = result.patches["image"].nunique(), result.patches["patient_id"].nunique()
    click.echo(
        f"{out}: {len(result.patches)} vertebrae on {films} films of {patients} patients; "
        f"{len(result.problems)} problems, {len(result.notes)} notes"
    )


# Another hospital: external, bundle --------------------------------------------------------------------------


@main.command()
@click.argument("run", type=FILE)
@click.option("--data", required=True, metavar="MANIFEST", help='The other cohort: manifest, folder, or "synthetic".')
@click.option("--out", type=FILE, required=True, help="Folder for what is made; the run is only read.")
@click.option(
    "--shared-ids",
    default="refuse",
    show_default=True,
    type=click.Choice(["refuse", "leave out", "other people"]),
    help="Ids that stand in both cohorts.",
)
def external(run: str | Path, data: Path, out: Path, shared_ids: Any) -> None:
    """Validate a run's model on another hospital's cohort.

    RUN is a finished run, or the file that `ovcf bundle` makes of one.
    """
    from ovcf.report.run import RunFailed, run_external

    try:
        click.echo(f"report: {run_external(run, data, out, shared_ids=shared_ids)}")
    except RunFailed as failure:
        click.echo(f"ovcf: the validation stopped at {failure}", err=True)
        raise SystemExit(1) from None


@main.command()
@click.argument("run", type=FILE)
@click.option("--out", type=FILE, required=True, help="File to write.")
def bundle(run: str | Path, out: Path) -> None:
    """Write what another hospital needs of a run, and nothing of a patient.

    `ovcf external`, `predict` and own case take it in place of a run.
    """
    from ovcf.external import bundle_run

    click.echo(f"bundle: {bundle_run(run, out)}")


# For clinicians: explore, predict --------------------------------------------------------------------------


@main.command()
@click.argument("run", type=FILE)
@click.option("--port", default=0, help="Port on this machine  [default: a free one].")
@click.option("--browser/--no-browser", default=True, help="Open the page at once.")
def explore(run: Path, port: int, browser: bool) -> None:
    """Show a run in the browser, on this machine only.

    Its mistakes, the reading room, and a film of your own.
    """
    from ovcf.explore import explore

    explore(run, port, open_browser=browser)


@main.command()
@click.argument("film", type=FILE)
@click.option("--box", required=True, metavar="x0,y0,x1,y1", help="The vertebra, in px of the film.")
@click.option("--run", type=FILE, default="reports/demo", show_default=True, help="Run whose model is asked.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def predict(film: Path, box: str, run: Path, as_json: bool) -> None:
    """Ask a run's final model about one vertebra of a film. Research use only."""
    from ovcf.predict import describe, parse_box, predict_case

    answer = predict_case(film, parse_box(box), run)
    echo_json(answer) if as_json else click.echo(describe(answer))


@main.command()
@click.argument("data", type=FILE)
@click.option("--out", type=FILE, help="Folder for check.html and check.json  [default: reports/check-NAME].")
@click.option("--json", "as_json", is_flag=True, help="Print one object with `errors` and `warnings`.")
@click.option("--allow-outside", is_flag=True, help="Accept image paths that leave the manifest's folder.")
def check(data: Path, out: Path, as_json: bool, allow_outside: bool) -> None:
    """Look a cohort over for what is wrong or suspicious.

    Errors end with exit status 2; warnings are what a reviewer would raise.
    """
    from ovcf.intake.check import check
    from ovcf.intake.check.report import as_text, write_check

    findings = check(data, allow_outside=allow_outside)
    name = data.absolute().parent.name if data.is_file() else data.absolute().name
    page, table = write_check(findings, out or Path("reports") / f"check-{name}")
    if as_json:
        echo_json(findings.as_dict())
    else:
        click.echo(f"{as_text(findings)}\n\n{page}\n{table}")
    raise SystemExit(findings.exit_code)


@main.command()
@click.argument("src", type=FILE)
@click.argument("dst", type=FILE)
@click.option("--key-file", type=FILE, help="Outside DST; made where there is none (0600)  [default: DST.key.json].")
@click.option("--keep", multiple=True, metavar="FIELD", help="Copy this column or DICOM element too. Repeatable.")
@click.option(
    "--allow", multiple=True, metavar="FIELD", help="The same, though a name of a header is in it. Repeatable."
)
@click.option(
    "--mask", multiple=True, metavar="[FILM=]x0,y0,x1,y1", help="Paint this box over, on one film or all. Repeatable."
)
@click.option("--keep-burned-in", is_flag=True, help="Copy films that seem to hold text in their pixels.")
def deidentify(
    src: Path, dst: Path, key_file: Path, keep: tuple[str, ...], allow: tuple[str, ...], mask: Any, keep_burned_in: bool
) -> None:
    """Copy a cohort without names.

    Films are written anew with only what the study needs; ids are replaced by key, dates shifted.
    """
    from ovcf.intake.deidentify import Rules, deidentify, parse_masks

    key_file = key_file or dst.absolute().with_name(f"{dst.absolute().name}.key.json")
    done = deidentify(src, dst, key_file, rules=Rules(keep, allow, parse_masks(mask), keep_burned_in))
    films, patients = (
        f"{done.films} film{'s' * (done.films != 1)}",
        f"{done.patients} patient{'s' * (done.patients != 1)}",
    )
    click.echo(f"{done.folder}: {films} of {patients}; key: {key_file} (keep apart)")
    for note in [*done.notes, f"columns left out: {', '.join(done.dropped)}"] if done.dropped else done.notes:
        click.echo(f"note: {note}", err=True)


@main.command()
@click.argument("run", type=FILE)
@click.option("--out", type=FILE, required=True, help="File to write: .imrmc, or .csv for the readings table.")
def readings(run: Path, out: Path) -> None:
    """Collect the answers of a run's reading room.

    Then analyse them with `ovcf readers FILE`, or run the study with `-p readings FILE`.
    """
    from ovcf.viz.sessions import export_readings

    click.echo(f"readings: {export_readings(run / 'readings', out)}")


# Reader studies ---------------------------------------------------------------------------------------------


@main.command()
@click.argument("file", type=FILE)
@click.option(
    "--metric",
    default="auc",
    show_default=True,
    type=click.Choice(["auc", "sensitivity", "specificity", "accuracy", "ppv", "npv", "kappa"]),
)
@click.option("--threshold", type=float, help="Rating from which a reading counts as fresh.")
@click.option("--cluster", default="auto", show_default=True, type=click.Choice(["auto", "patient", "case"]))
@click.option(
    "--missing",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "available", "complete_cases", "refuse"]),
    help="Gaps: auto and available judge each reader on the cases they read.",
)
@click.option(
    "--power", type=float, metavar="EFFECT", help="Plan a study with FILE as pilot: power at this difference."
)
@click.option("--margin", type=float, help="With --power: power to show a loss of no more than this.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def readers(
    file: Path, metric: str, threshold: float, cluster: str, missing: str, power: Any, margin: Any, as_json: bool
) -> None:
    """Analyse a reader study (long table, readings table or .imrmc; CSV of any dialect or .xlsx)."""
    from ovcf.intake.readings import read_readings
    from ovcf.stats.readers.report import analyse, as_text, plan, plan_as_text

    if margin is not None and power is None:
        raise click.UsageError("--margin belongs to --power EFFECT (0 for a true difference of nothing)")
    known = {"cluster": cluster, "missing": missing}
    if power is None:
        result, text = analyse(read_readings(file), metric, threshold, **known), as_text
    else:
        result = plan(read_readings(file), power, metric, threshold, margin=margin, **known)
        text = plan_as_text
    echo_json(result) if as_json else click.echo(text(result))


# Published tables ------------------------------------------------------------------------------------------


@main.command()
@click.argument("file", type=FILE, required=False)
@click.option("--from-csv", "table", type=FILE, help="A table as CSV instead of YAML (see --template).")
@click.option("--template", is_flag=True, help="Print a CSV to fill in, and stop.")
@click.option("--out", type=FILE, help="Write one self-contained HTML page for a referee.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: findings and matrices.")
def audit(file: Path | None, table: Path | None, template: bool, out: Path | None, as_json: bool) -> None:
    """Check whether published numbers can be right.

    FILE is YAML, described in data/published/README.md; without it, the paper's numbers are checked.
    """
    from ovcf.audit import audit as run_audit
    from ovcf.audit.audit import as_text, read_source
    from ovcf.audit.from_csv import TEMPLATE, read_csv

    if template:
        return click.echo(TEMPLATE, nl=False)
    if file and table:
        raise click.UsageError("give FILE or --from-csv, not both")
    if out and not out.absolute().parent.is_dir():
        raise InputError(f"{out}: there is no such folder to write into")
    paper = read_csv(table) if table else read_source(file)
    result = run_audit(paper)
    if out:
        from ovcf.audit.page import write_page

        click.echo(f"page: {write_page(paper, result, out)}", err=as_json)
    if as_json or not out:
        echo_json(result.as_json()) if as_json else click.echo(as_text(result))


if __name__ == "__main__":
    main()
