"""Commands on numbers of others: a reader study's readings, published tables."""

import math
from pathlib import Path
from typing import Any

import click

from ovcf.cli.door import FILE, echo_json
from ovcf.problems import InputError, of_file


@click.command()
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
    if threshold is not None and not math.isfinite(threshold):
        raise click.UsageError("--threshold takes a finite number")
    known = {"cluster": cluster, "missing": missing}
    table = read_readings(file)
    with of_file(file):
        if power is None:
            result, text = analyse(table, metric, threshold, **known), as_text
        else:
            result, text = plan(table, power, metric, threshold, margin=margin, **known), plan_as_text
    echo_json(result) if as_json else click.echo(text(result))


@click.command()
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
