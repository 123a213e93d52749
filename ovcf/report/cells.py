"""The cells of a notebook executed in this process, statement by statement, and what they show as Jupyter has it."""

import ast
import io
from contextlib import redirect_stdout
from typing import Any

import nbformat
from nbformat.v4 import new_output


class NeedsFilms(Exception):
    """A statement asked for something that only the films can tell."""


class FromFilms:
    """Stands for what comes from the films: any use of it raises NeedsFilms."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise NeedsFilms

    __getattr__ = __getitem__ = __call__ = __len__ = __iter__ = __bool__ = __array__ = __fspath__ = __str__ = _refuse
    __add__ = __radd__ = __eq__ = __lt__ = __gt__ = __contains__ = _refuse
    __format__ = __int__ = __float__ = __index__ = __sub__ = __mul__ = __truediv__ = _refuse
    __hash__ = None


class Cells:
    """The cells of one notebook, executed one after another among the same names.

    Parameters
    ----------
    study : stands for `Study` where a cell imports it. The other cohort of notebook 07 is left out: its films, and the
        model's answers to them, are not stored whole.
    """

    def __init__(self, study: Any = None) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.stand_ins = {"Study": study, "open_validation": lambda *_, **__: FromFilms(), "display": self._display}
        self.outputs: list[nbformat.NotebookNode] = []

    def execute(self, source: str) -> tuple[list[nbformat.NotebookNode], bool]:
        """Execute one cell.

        Returns
        -------
        Its outputs, and whether they are complete: False where a statement that may print needed the films. Statements
        that do not need them are executed all the same.

        Raises whatever else a statement raises; what it would have bound counts as unknown.
        """
        self.outputs, complete, body = [], True, ast.parse(source).body
        with redirect_stdout(_Stream(self)):
            for place, statement in enumerate(body):
                try:
                    value = _run(statement, self.names)
                except Exception as error:
                    self.names |= {name: FromFilms() for name in _assigned(statement)}
                    if not isinstance(error, NeedsFilms):
                        raise
                    complete &= isinstance(statement, (ast.Assign, ast.AnnAssign))
                else:
                    self._stand_in(statement)
                    if place == len(body) - 1 and value is not None:
                        self._display(value)
        return self.outputs, complete

    def _stand_in(self, statement: ast.stmt) -> None:
        """Give what a cell has just imported its stand-in, in this notebook's names only."""
        if isinstance(statement, ast.ImportFrom):
            self.names |= {name: self.stand_ins[name] for name in self.stand_ins if name in _imported(statement)}

    def _display(self, *values: Any, **_: Any) -> None:
        """Keep what is displayed as Jupyter has it."""
        from IPython.core.formatters import DisplayFormatter

        for value in values:
            data, metadata = DisplayFormatter().format(value)
            self.outputs.append(new_output("display_data", data=data, metadata=metadata))


class _Stream(io.TextIOBase):
    """Standard output of a notebook's cells."""

    def __init__(self, cells: Cells):
        self.cells = cells

    def write(self, text: str) -> int:
        outputs = self.cells.outputs
        if not outputs or outputs[-1].output_type != "stream":
            outputs.append(new_output("stream", name="stdout", text=""))
        outputs[-1].text += text
        return len(text)


def _run(statement: ast.stmt, names: dict[str, Any]) -> Any:
    """Execute a statement; return an expression's value."""
    if isinstance(statement, ast.Expr):
        return eval(compile(ast.Expression(statement.value), "cell", "eval"), names)
    exec(compile(ast.Module([statement], []), "cell", "exec"), names)
    return None


def _imported(statement: ast.ImportFrom) -> set[str]:
    return {alias.asname or alias.name for alias in statement.names}


def _assigned(statement: ast.stmt) -> set[str]:
    """Names that a statement would have bound."""
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
