"""Commands that make, check and clean a cohort, and that fetch what comes with the package."""

from pathlib import Path
from typing import Any

import click

from ovcf.cli.door import FILE, echo_json


class FormatName(click.ParamType):
    """The name of a format of annotations, from the registry at the time of asking."""

    name = "format"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ovcf.intake.formats import FORMATS

        return value if value in FORMATS else self.fail(f"{value!r} is not one of {', '.join(FORMATS)}", param, ctx)


def pairs(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """CATEGORY=VALUE options as a dict."""
    if wrong := [value for value in values if "=" not in value]:
        raise click.BadParameter(f"{wrong[0]!r} is not of the form CATEGORY=VALUE")
    return dict(value.rsplit("=", 1) for value in values)


@click.command("import")
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


@click.command()
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


@click.command()
@click.argument("films", type=FILE, required=False)
@click.option("--out", "cohort", type=FILE, required=True, help="Folder of the cohort; best above the films.")
@click.option(
    "--reader", "readers", multiple=True, metavar="NAME", help="Annotator with a link of their own. Two at most."
)
@click.option("--patient-pattern", metavar="REGEX", help="Finds the patient id in a film's name or path.")
@click.option("--one-patient-per-film", is_flag=True, help="State that each film is another patient's.")
@click.option("--format", "form", type=FormatName(), help="FILMS are annotations of this format, to be corrected.")
@click.option("--images", type=FILE, help="With --format: folder of the films, where they are not under FILMS.")
@click.option("--flags", type=FILE, metavar="RUN", help="Open the films that reviewers flagged in this run's browser.")
@click.option("--consensus", is_flag=True, help="The joint session's page instead: what the two differ in.")
@click.option("--status", is_flag=True, help="Print how far the annotators are, and stop.")
@click.option("--write", "who", metavar="NAME", help="Write manifest and tables as NAME's work, and stop.")
@click.option("--json", "as_json", is_flag=True, help="With --status: as one JSON object.")
@click.option("--port", default=0, help="Port on this machine  [default: one of the cohort's own].")
@click.option("--browser/--no-browser", default=True, help="Open the page at once.")
def annotate(
    films: Path | None, cohort: Path, readers: tuple[str, ...], flags: Path | None, consensus: bool, **asked: Any
) -> None:
    """From films to a labelled manifest: mark vertebrae, compare two annotators, settle what differs.

    FILMS is a folder of DICOM, PNG, JPEG and TIFF, or a table (image, patient_id, what else is known; boxes open for
    correction); without it the work list of COHORT is taken as it is. Every answer is a line of a journal in
    COHORT/annotation; no mark is ever overwritten.
    """
    from ovcf.annotate import prepare, serve_consensus, serve_marks
    from ovcf.annotation.work import Source

    if asked["status"] or asked["as_json"]:
        return _annotation_status(cohort, asked["as_json"])
    if asked["who"]:
        return _write_annotation(cohort, asked["who"])
    if consensus:
        return serve_consensus(cohort, asked["port"], open_browser=asked["browser"])
    source = Source(asked["patient_pattern"], asked["one_patient_per_film"], asked["form"], asked["images"])
    prepared = prepare(films, cohort, readers, source, flags=flags)
    return serve_marks(prepared, asked["port"], open_browser=asked["browser"])


def _annotation_status(cohort: Path, as_json: bool) -> None:
    from ovcf.annotate import status_of

    table, notes = status_of(cohort)
    if as_json:
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        return echo_json({"annotators": rows, "notes": notes})
    click.echo(table.to_string(index=False))
    for note in notes:
        click.echo(f"note: {note}", err=True)
    return None


def _write_annotation(cohort: Path, who: str) -> None:
    from ovcf.annotation.writing import write_cohort

    written = write_cohort(cohort, who=who)
    for note in written.notes:
        click.echo(f"note: {note}", err=True)
    if written.manifest is None:
        click.echo("no vertebra of the study is settled yet: no manifest", err=True)
    else:
        click.echo(f"{written.manifest}: {written.rows} vertebrae{'' if written.is_new else ' (nothing changed)'}")


@click.command()
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


@click.command()
@click.option("--out", type=FILE, required=True, help="Folder to write the cohort to.")
@click.option("--patients", default=405, show_default=True, type=click.IntRange(min=8))
@click.option("--seed", default=0, show_default=True)
@click.option("--hospital", default="A", show_default=True, type=click.Choice(["A", "B"]), help="B: another one.")
@click.option("--difficulty", type=float, help="How weak the signs of fresh and old are.")
@click.option("--patient-correlation", type=float, help="How alike the vertebrae of one patient are.")
@click.option("--diaphragm", type=float, help="How strongly the diaphragm covers T10-L1.")
@click.option("--weave", type=float, help="How strong a pattern of their own patients have: folds by patch then leak.")
def synthesise(out: Path, patients: int, seed: int, hospital: str, **effects: float | None) -> None:
    """Make a synthetic cohort of lateral spine radiographs."""
    from ovcf.synthetic import Effects, synthesise

    given = Effects(**{name: value for name, value in effects.items() if value is not None})
    made = synthesise(out, patients=patients, seed=seed, effects=given, hospital=hospital)
    click.echo(f"synthetic cohort: {made}")


@click.command()
@click.option("--to", "folder", type=FILE, required=True, help="Folder to keep the weights in.")
def weights(folder: Path) -> None:
    """Fetch all ImageNet weights, for a machine without network."""
    from ovcf.models.sources import fetch_weights

    fetch_weights(folder)
    click.echo(f"weights: {folder} (use them with -p weights {folder})")


@click.command()
@click.argument("folder", metavar="DIR", type=FILE)
def notebooks(folder: Path) -> None:
    """Copy the notebooks into a folder, for editing.

    Open them there with `jupyter lab`; a run they make lies where the parameter `run` says.
    """
    from ovcf.shipped import copy_notebooks

    for path in copy_notebooks(folder):
        click.echo(path)
