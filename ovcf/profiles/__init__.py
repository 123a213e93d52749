"""Profiles: named sets of a run's parameters, as plain YAML. `demo` is complete; the others name what differs."""

from pathlib import Path
from typing import Any

from ovcf.problems import InputError, Problem, unknown
from ovcf.profiles.parameters import AS_THE_RUN, BY_NAME, PARAMETERS

FOLDER = Path(__file__).parent
NAMES = ("demo", "laptop", "paper")


def load_profile(name: str) -> dict[str, Any]:
    """Read a profile by its name or from a YAML file, over the values of `demo`.

    Raises InputError, with the nearest names, for an unknown profile or parameter, a value of another type or one that
    is not allowed.
    """
    path = FOLDER / f"{name}.yaml" if name in NAMES else Path(name)
    if not path.is_file():
        raise InputError(unknown("profile", name, NAMES, also="the path of a YAML file"))
    return merge_parameters(defaults(), _read_yaml(path), source=name if name in NAMES else str(path))


def defaults() -> dict[str, Any]:
    """Return the parameters of the demo, a fresh copy."""
    return {p.name: list(p.default) if isinstance(p.default, list) else p.default for p in PARAMETERS}


def merge_parameters(base: dict[str, Any], changes: dict[str, Any], *, source: str) -> dict[str, Any]:
    """Lay changes over a complete set of parameters.

    Raises InputError for every unknown name, wrong type and value that is not allowed, all at once.
    """
    merged, problems = lay_over(base, changes, source=source)
    if problems:
        raise InputError(problems)
    return merged


def lay_over(base: dict[str, Any], changes: dict[str, Any], *, source: str) -> tuple[dict[str, Any], list[Problem]]:
    """Lay changes over parameters as far as they are sound; return them and what is wrong with the others.

    A change that holds the word "as the run" leaves the base's value.
    """
    merged, problems = dict(base), []
    for name, value in changes.items():
        if name not in BY_NAME:
            problems.append(unknown("parameter", name, BY_NAME, file=source))
        elif value == AS_THE_RUN:
            continue
        else:
            try:
                merged[name] = checked_value(name, value, source)
            except InputError as error:
                problems += error.problems
    return merged, problems


def checked_value(name: str, value: Any, source: str) -> Any:
    """Return a parameter's value in its type; InputError where it is of another one or not allowed."""
    parameter = BY_NAME[name]
    try:
        typed = _as_type_of(parameter.default, value)
    except (TypeError, ValueError, OverflowError):
        kind = type(parameter.default).__name__
        problem = Problem("parameter_type", f"{name} has another type", source, None, name, repr(value), kind)
        raise InputError(problem) from None
    if not parameter.allowed.admits(typed):
        words = getattr(parameter.allowed, "words", None)
        strange = [v for v in (typed if isinstance(typed, list) else [typed]) if words and v not in words]
        if strange and isinstance(words, tuple):
            raise InputError([unknown(name, v, words, file=source)._replace(column=name) for v in strange])
        allowed = str(parameter.allowed)
        raise InputError(Problem("parameter_range", f"{name} is not allowed", source, None, name, repr(value), allowed))
    return typed


def parse_value(text: str) -> Any:
    """Read one value from the command line as YAML (`0.001`, `true`, `["resnet50"]`); other text stays text."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(Problem("profile", f"cannot be read: {error}", str(path))) from None
    if not isinstance(values or {}, dict):
        raise InputError(Problem("profile", "must hold one `name: value` a line", str(path)))
    return values or {}


def _as_type_of(example: Any, value: Any) -> Any:
    """Give a value the type of the default; YAML reads 1e-3 as text and 1 as an integer."""
    if isinstance(example, bool) or isinstance(value, bool):
        if type(example) is not type(value):
            raise TypeError
        return value
    if isinstance(example, list):
        items = value if isinstance(value, list) else str(value).replace(",", " ").split()
        return [str(item) for item in items]
    if isinstance(example, str):
        if isinstance(value, (list, dict)) or value is None:
            raise TypeError
        return str(value)
    if isinstance(example, int):
        if int(value) != float(value):
            raise ValueError
        return int(value)
    return float(value)
