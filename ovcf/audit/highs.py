"""SciPy's linear programmes, without the lines that their solver (HiGHS) now and then writes to standard output."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scipy.optimize import OptimizeResult, linprog, milp


def integer_programme(*args: Any, **kwargs: Any) -> OptimizeResult:
    """Call `scipy.optimize.milp` quietly."""
    with _quiet():
        return milp(*args, **kwargs)


def linear_programme(*args: Any, **kwargs: Any) -> OptimizeResult:
    """Call `scipy.optimize.linprog` quietly."""
    with _quiet():
        return linprog(*args, **kwargs)


@contextmanager
def _quiet() -> Iterator[None]:
    """Lead the process's standard output (descriptor 1, which C++ writes to) to nowhere for a while."""
    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # the process has none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
