"""Change a line of the package on purpose, and see whether a test notices.

`planted` swaps one text of one module's source for another while a block runs: the tests of printed tables use it for
errors that are known to have passed once. `mutation.py` beside it draws mutants at random.
"""

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path


@contextmanager
def planted(module: str, old: str, new: str) -> Iterator[None]:
    """Run a block with one text of a module's source changed, wherever its functions were imported to.

    Functions keep their identity and get the changed code, so that `from module import function` elsewhere sees it.

    Raises
    ------
    ValueError : where the text does not stand in the source exactly once.
    """
    target = import_module(module)
    source = Path(target.__file__).read_text(encoding="utf-8")
    if source.count(old) != 1:
        raise ValueError(f"{module} holds {old!r} {source.count(old)} times, not once")
    kept = dict(target.__dict__)
    codes = {name: value.__code__ for name, value in kept.items() if _own_function(value, module)}
    try:
        _change(target, source.replace(old, new))
        yield
    finally:
        target.__dict__.update(kept)
        for name, code in codes.items():
            kept[name].__code__ = code


def _change(target: types.ModuleType, source: str) -> None:
    """Lay changed source over a module: constants anew, functions as they are with new code."""
    changed = {"__name__": target.__name__, "__file__": target.__file__}
    exec(compile(source, target.__file__, "exec"), changed)
    for name, value in changed.items():
        mine = target.__dict__.get(name)
        if _own_function(value, target.__name__) and isinstance(mine, types.FunctionType):
            mine.__code__ = value.__code__
        elif name.isupper() or name.startswith("_") and name.strip("_").isupper():
            target.__dict__[name] = value


def _own_function(value: object, module: str) -> bool:
    return isinstance(value, types.FunctionType) and value.__module__ == module and sys.modules.get(module) is not None
