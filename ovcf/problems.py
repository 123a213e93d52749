"""What is wrong with an input, said once for every reader: file, row, column, found, allowed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong or suspicious about an input.

    `kind` is a short machine-readable name (`missing_file`, `zero_area_box`); `row` counts lines of the file
    as an editor shows them (the header is line 1); `patch` is the patch it is about. Fields that do not apply are None.
    """

    kind: str
    message: str
    file: str | None = None
    row: int | None = None
    column: str | None = None
    found: str | None = None
    allowed: str | None = None
    patch: str | None = None

    def __str__(self) -> str:
        place = [str(self.file)] if self.file else []
        place += [f"row {self.row}"] if self.row is not None else []
        place += [f"column {self.column}"] if self.column else []
        text = f"{', '.join(place)}: {self.message}" if place else self.message
        text += f" (found {self.found!r})" if self.found is not None else ""
        return text + (f"; allowed: {self.allowed}" if self.allowed else "")


def unknown(what: str, found: object, allowed: Iterable[str], *, file: str | None = None, also: str = "") -> Problem:
    """Return the problem of a name nobody knows: the nearest known ones first, then all, then what else would do."""
    from difflib import get_close_matches

    near = get_close_matches(str(found), allowed, n=2, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    words = ", ".join([*allowed, *([also] if also else [])])
    return Problem(f"unknown_{what}", f"unknown {what}{hint}", file, found=str(found), allowed=words)


class InputError(ValueError):
    """Input that cannot be used; holds every problem found, not only the first."""

    def __init__(self, problems: list[Problem] | Problem | str) -> None:
        if isinstance(problems, str):
            problems = Problem("input", problems)
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type["InputError"], tuple[list[Problem]]]:
        """Travel between processes with every problem, not their text alone."""
        return InputError, (self.problems,)


@contextmanager
def of_file(file: object) -> Iterator[None]:
    """Give the problems that are raised within, and name no file, the file that they are about."""
    try:
        yield
    except InputError as error:
        named = [problem if problem.file else problem._replace(file=str(file)) for problem in error.problems]
        raise InputError(named) from None
