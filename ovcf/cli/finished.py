"""Commands that use a finished run: its model elsewhere, its browser, its reading room, its readers' answers."""

from pathlib import Path
from typing import Any

import click

from ovcf.cli.door import FILE, echo_json, goes_on
from ovcf.words import ARMS, DESIGNS, SCALES


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
    from ovcf.report.run import run_external

    with goes_on():
        click.echo(f"report: {run_external(run, data, out, shared_ids=shared_ids)}")


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
@click.option("--patch", default="", metavar="ID", help="Lead to this patch: the printed address is a link to it.")
def explore(run: Path, port: int, browser: bool, patch: str) -> None:
    """Show a run in the browser, on this machine only.

    Its mistakes, and a film of your own.
    """
    from ovcf.explore import explore

    explore(run, port, open_browser=browser, patch=patch)


@click.command()
@click.argument("film", type=FILE)
@click.option(
    "--box", "boxes", required=True, multiple=True, metavar="x0,y0,x1,y1", help="A vertebra, in px. Repeatable."
)
@click.option("--run", type=FILE, default="reports/demo", show_default=True, help="Run or bundle whose model is asked.")
@click.option("--mm-per-px", type=float, metavar="MM", help="Size of a pixel, where the film does not say.")
@click.option("--flip", is_flag=True, help="Turn the vertebra left to right: the film faces the other way.")
@click.option(
    "--accept-synthetic-model", "accept_synthetic", is_flag=True, help="Go on with a model of synthetic films."
)
@click.option("--save", type=FILE, metavar="FILE.html", help="Write the answers as one page, with film and map.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object (a list for several boxes).")
def predict(film: Path, boxes: tuple[str, ...], run: Path, save: Path | None, as_json: bool, **how: Any) -> None:
    """Ask a run's final model about vertebrae of a film. Research use only."""
    from ovcf.predict import describe, load_model, parse_box, predict_cases

    corners, model = [parse_box(box) for box in boxes], load_model(run)
    answers = predict_cases(film, corners, run, model=model, **how)
    if save:
        from ovcf.viz.sheet import write_sheet

        write_sheet(save, film, answers, model)
    if as_json:
        return echo_json(answers[0] if len(answers) == 1 else answers)
    click.echo("\n\n".join(map(describe, answers)))


@click.command()
@click.argument("run", type=FILE)
@click.option("--cases", type=int, help="Of a new plan: cases  [default: 40].")
@click.option("--training", type=int, help="Of a new plan: training cases first, with the truth after each.")
@click.option("--washout", "washout_days", type=float, metavar="DAYS", help="Between sessions  [default: 3].")
@click.option("--arm", "arms", multiple=True, type=click.Choice(ARMS), help="Repeatable  [default: unaided, aided].")
@click.option("--design", type=click.Choice(DESIGNS), help="All cases arm by arm, or crossover by reader and case.")
@click.option("--same-order", is_flag=True, default=None, help="All readers see the cases in one order.")
@click.option("--scale", type=click.Choice(list(SCALES)), help="Of confidence  [default: 1-5].")
@click.option("--seed", type=int, help="Of cases and orders  [default: 0].")
@click.option("--reader", "readers", multiple=True, metavar="NAME", help="Add to the roster. Repeatable.")
@click.option("--status", is_flag=True, help="The coordinator's page instead: how far each reader is.")
@click.option("--json", "as_json", is_flag=True, help="With --status: print it, and stop.")
@click.option("--port", default=0, help="Port on this machine  [default: one of the run's own].")
@click.option("--browser/--no-browser", default=True, help="Open the page at once.")
def room(run: Path, status: bool, as_json: bool, port: int, browser: bool, **asked: Any) -> None:
    """Let readers read a run's cases, blinded, on this machine only.

    The plan is fixed once made. With --reader each reader gets a link; the links stay while --port is the same. An arm
    is unaided, aided or both (first without the model, then at once with it), -film with the whole film.
    """
    from ovcf.room import serve_room, serve_status, status_of

    if as_json and not status:
        raise click.UsageError("--json belongs to --status")
    if as_json:
        table = status_of(run)
        return echo_json(table.astype(object).where(table.notna(), None).to_dict("records"))
    if status:
        if given := [name for name, value in asked.items() if value not in (None, ())]:
            raise click.UsageError(f"--status shows what is; {', '.join(given)} cannot be set with it")
        return serve_status(run, port, open_browser=browser)
    asked["arms"] = asked["arms"] or None
    return serve_room(run, port, open_browser=browser, **asked)


@click.command()
@click.argument("run", type=FILE)
@click.argument("others", type=FILE, nargs=-1, metavar="[OTHER]...")
@click.option("--out", type=FILE, required=True, help="File to write: .imrmc, or .csv for the readings table.")
@click.option("--interim", is_flag=True, help="Leave unfinished readers out, and name them.")
def readings(run: Path, others: tuple[Path, ...], out: Path, interim: bool) -> None:
    """Collect the answers of a run's reading room.

    OTHER is the run, or its readings folder, of another workstation with the same plan. Then analyse them with
    `ovcf readers FILE`, or run the study with `-p readings FILE`.
    """
    from ovcf.reading.plan import read_plan
    from ovcf.reading.table import export_readings, gather, notes_on
    from ovcf.study import Study

    patches = Study(run, adds=False).patches
    gathered = gather(read_plan(patches, run / "readings"), run / "readings", others)
    click.echo(f"readings: {export_readings(gathered, out, finished_only=interim)}")
    for note in notes_on(gathered, finished_only=interim):
        click.echo(f"note: {note}", err=True)
