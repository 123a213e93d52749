"""Every public function of the statistics says what it takes and returns."""

import ast
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[1] / "ovcf" / "stats"


def public(tree):
    """Functions of a module and methods of its public classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from (m for m in node.body if isinstance(m, ast.FunctionDef) and not m.name.startswith("_"))


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.py")), ids=lambda p: p.relative_to(ROOM).as_posix())
def test_every_argument_and_return_has_a_type(path):
    for function in public(ast.parse(path.read_text(encoding="utf-8"))):
        given = function.args
        arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        untyped = [a.arg for a in arguments if a and a.annotation is None and a.arg not in ("self", "cls")]
        assert not untyped and function.returns is not None, f"{path.name}: {function.name} {untyped}"
