"""What every command shares: one clear error (exit 2) for a mistake in the input, and how answers are printed."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ovcf.problems import InputError, Problem

FILE = click.Path(path_type=Path)
IN_USE = 3  # exit status: another process writes into the run
PRINTED = 50  # problems of one kind in the terminal


class Commands(click.Group):
    """Print every problem of an input and exit with 2; no traceback for a user's mistake."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            echo_problems(error.problems)
            ctx.exit(IN_USE if any(problem.kind == "in_use" for problem in error.problems) else 2)


@contextmanager
def goes_on() -> Iterator[None]:
    """Say of a run that failed or was ended where it stopped, and that the same command goes on; exit 2 where its
    input was at fault, 130 and 143 after Ctrl-C and SIGTERM, else 1."""
    from ovcf.report import RunFailed, Terminated

    try:
        yield
    except RunFailed as failure:
        said, status = f"the run stopped at {failure}", 2 if failure.record["failed"].get("kind") == "InputError" else 1
    except (Terminated, KeyboardInterrupt) as asked:
        said, status = "the run was ended.", 143 if isinstance(asked, Terminated) else 130
    else:
        return
    click.echo(f"ovcf: {said}\nWhat was made is kept; the same command goes on from there.", err=True)
    raise SystemExit(status)


def echo_problems(problems: Sequence[Problem]) -> None:
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
