"""Commands that use a finished run: its model elsewhere, its browser, its reading room."""

from pathlib import Path
from typing import Any

import click

from ovcf.cli.door import FILE, echo_json


@click.command()
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


@click.command()
@click.argument("run", type=FILE)
@click.option("--out", type=FILE, required=True, help="Folder for everything; the run is only read.")
def export(run: Path, out: Path) -> None:
    """Write what a manuscript needs of a finished run.

    Tables as CSV and LaTeX, figures as PDF, SVG and PNG, a methods and a results paragraph, limitations, reporting
    checklists, model card and data sheet, and the source of every number in them.
    """
    from ovcf.report.manuscript.export import export

    click.echo(f"exported: {export(run, out)}")


@click.command()
@click.argument("run", type=FILE)
@click.option("--out", type=FILE, required=True, help="File to write.")
def bundle(run: str | Path, out: Path) -> None:
    """Write what another hospital needs of a run, and nothing of a patient.

    `ovcf external`, `predict` and own case take it in place of a run.
    """
    from ovcf.external import bundle_run

    click.echo(f"bundle: {bundle_run(run, out)}")


@click.command()
@click.argument("run", type=FILE)
@click.option("--port", default=0, help="Port on this machine  [default: a free one].")
@click.option("--browser/--no-browser", default=True, help="Open the page at once.")
def explore(run: Path, port: int, browser: bool) -> None:
    """Show a run in the browser, on this machine only.

    Its mistakes, the reading room, and a film of your own.
    """
    from ovcf.explore import explore

    explore(run, port, open_browser=browser)


@click.command()
@click.argument("film", type=FILE)
@click.option("--box", required=True, metavar="x0,y0,x1,y1", help="The vertebra, in px of the film.")
@click.option("--run", type=FILE, default="reports/demo", show_default=True, help="Run whose model is asked.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def predict(film: Path, box: str, run: Path, as_json: bool) -> None:
    """Ask a run's final model about one vertebra of a film. Research use only."""
    from ovcf.predict import describe, parse_box, predict_case

    answer = predict_case(film, parse_box(box), run)
    echo_json(answer) if as_json else click.echo(describe(answer))


@click.command()
@click.argument("run", type=FILE)
@click.option("--out", type=FILE, required=True, help="File to write: .imrmc, or .csv for the readings table.")
def readings(run: Path, out: Path) -> None:
    """Collect the answers of a run's reading room.

    Then analyse them with `ovcf readers FILE`, or run the study with `-p readings FILE`.
    """
    from ovcf.viz.sessions import export_readings

    click.echo(f"readings: {export_readings(run / 'readings', out)}")
