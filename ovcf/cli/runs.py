"""Commands that make a run, go on with it, or hold it against itself and others."""

import os
from pathlib import Path
from typing import Any

import click

from ovcf.cli.door import FILE, echo_json, goes_on


@click.command()
@click.option("--profile", help="Of a new run: demo, laptop, paper or a YAML file  [default: demo].")
@click.option("--data", type=FILE, help='Manifest CSV or folder of your own cohort, or "synthetic".')
@click.option("--out", type=FILE, help="Folder of the run, new or to go on with  [default: reports/PROFILE].")
@click.option("-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="Set one parameter of a new run.")
@click.option("--from", "variant_of", type=FILE, metavar="RUN", help="Make a variant of this run; shares what it can.")
@click.option("--allow-outside", is_flag=True, help="Accept image paths that leave the manifest's folder.")
@click.option("--scheduler", metavar="ADDRESS", help="Train on this Dask cluster (tcp://HOST:PORT).")
@click.option("--edition", default="reader", type=click.Choice(["reader", "full"]), help="Full: nothing folded.")
@click.option("--prepare", is_flag=True, help="Stop after patches, folds and features; see ovcf train.")
def run(
    parameters: tuple[tuple[str, str], ...], scheduler: str | None, prepare: bool, edition: str, **options: Any
) -> None:
    """Run the whole study and write one report.

    A run that stopped goes on where it was. Its parameters are fixed when it is made; --from makes another beside it.
    """
    from ovcf.processes import SCHEDULER
    from ovcf.report import prepare_study, run_study

    if scheduler:
        os.environ[SCHEDULER] = scheduler  # for the notebooks' kernels too
    with goes_on():
        if prepare:
            click.echo(f"prepared: {prepare_study(overrides=dict(parameters), **options)}")
        else:
            click.echo(f"report: {run_study(overrides=dict(parameters), edition=edition, **options)}")


@click.command()
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


@click.command()
@click.argument("run", type=FILE)
def clean(run: Path) -> None:
    """Drop a run's cache: patches, features, finished folds.

    Tables, figures, report and model stay. What is needed again is made again.
    """
    from ovcf.run_folder import RunFolder

    click.echo(f"{run}: {RunFolder(run).clean() / 2**20:.1f} MB freed")


@click.command()
@click.argument("run", type=FILE)
@click.option("--edition", default="reader", show_default=True, type=click.Choice(["reader", "full"]))
@click.option("--out", type=FILE, help="File to write  [default: report.pdf of the run, where it has none].")
def pdf(run: Path, edition: str, out: Path | None) -> None:
    """Print a run's report as PDF.

    The full edition prints as an appendix what lies folded on the page. A finished run does not change: --out names
    where another edition goes.
    """
    from ovcf.report.paper import write_pdf

    click.echo(f"report: {write_pdf(run, out, edition)}")


@click.command()
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


@click.command()
@click.argument("run", type=FILE)
@click.option("--out", type=FILE, help="Folder of the repeat  [default: RUN-again].")
def rerun(run: Path, out: Path | None) -> None:
    """Make a run again elsewhere and say which tables are identical.

    From its parameters and data; nothing made before is used. The exit status is 1 where a table differs.
    """
    from ovcf.report.rerun import DIFFERS, as_text, rerun

    with goes_on():
        folder, repeated = rerun(run, out)
    click.echo(f"{folder}: {as_text(repeated)}")
    raise SystemExit(1 if any(x.outcome == DIFFERS or "missing" in x.outcome for x in repeated) else 0)


@click.command()
@click.argument("runs", type=FILE, nargs=-1, required=True)
@click.option("--out", type=FILE, default="reports/comparison.html", show_default=True, help="File of the page.")
def compare(runs: tuple[Path, ...], out: Path) -> None:
    """Compare runs on one page, each with the first.

    Parameters that differ, metrics, paired differences on the patches that both have, folds, seeds, times.
    """
    from ovcf.report.compare import write_comparison

    click.echo(f"comparison: {write_comparison(list(runs), out)}")


@click.command()
@click.option("--profile", help="Of all runs: demo, laptop, paper or a YAML file  [default: demo].")
@click.option("--data", type=FILE, help="Manifest CSV or folder of your own cohort.")
@click.option("-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="A list is an axis of the sweep.")
@click.option("--out", type=FILE, required=True, help="Folder of the runs and of comparison.html.")
def sweep(profile: str | None, data: Path | None, parameters: tuple, out: Path) -> None:
    """Make a run for every combination of values, and compare them.

    Such as -p equalisation '[histogram, clahe, none]' -p training_seed '[0, 1, 2]'. The same command goes on where it
    stopped.
    """
    from ovcf.report.sweep import sweep

    with goes_on():
        click.echo(f"comparison: {sweep(profile, dict(parameters), out, data=data)}")
