"""How far a long step is: a bar where somebody looks, one dated line per event where the output goes into a file."""

import os
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any

LINES = "OVCF_LINES"
"""Environment variable of a notebook that `ovcf run` executes: its words go into a log, so bars are off."""


def into_a_log() -> bool:
    """Return whether this process's words go into a file or a pipe, through a notebook of `ovcf run` too.

    A notebook opened by hand writes no terminal either, but somebody looks at it.
    """
    return LINES in os.environ


def bar(items: Iterable[Any] | None = None, *, show: bool = True, **options: Any) -> Any:
    """Return a tqdm bar with tqdm's options; it shows nothing where it is not wanted or would fill a log."""
    from tqdm.auto import tqdm

    return tqdm(items, disable=not show or into_a_log(), **options)


def tell(text: str) -> None:
    """Write a line, dated where it goes into a log, to standard error."""
    when = f"{datetime.now().astimezone().isoformat(timespec='seconds')} " if into_a_log() else ""
    print(f"{when}{text}", file=sys.stderr, flush=True)
