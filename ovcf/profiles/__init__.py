"""Profiles: named sets of notebook parameters, as plain YAML. `demo` is complete; the others name what differs."""

from functools import cache
from pathlib import Path

from ovcf.problems import InputError, Problem, unknown

FOLDER = Path(__file__).parent
NAMES = ("demo", "laptop", "paper")


def load_profile(name: str) -> dict:
    """Read a profile by its name or from a YAML file, over the values of `demo`.

    Raises InputError, with the nearest names, for an unknown profile or parameter or a value of another type.
    """
    path = FOLDER / f"{name}.yaml" if name in NAMES else Path(name)
    if not path.is_file():
        raise InputError(unknown("profile", name, NAMES, also="the path of a YAML file"))
    return merge_parameters(defaults(), _read_yaml(path), source=str(path))


def defaults() -> dict:
    """Return the parameters of the demo, a fresh copy."""
    return dict(_demo())


def merge_parameters(base: dict, changes: dict, *, source: str) -> dict:
    """Lay changes over a complete set of parameters; every unknown name and wrong type is reported at once."""
    problems, merged = [], dict(base)
    for name, value in changes.items():
        if name not in base:
            problems.append(unknown("parameter", name, base, file=source))
            continue
        try:
            merged[name] = _as_type_of(base[name], value)
        except (TypeError, ValueError):
            kind = type(base[name]).__name__
            problems.append(
                Problem("parameter_type", f"{name} has another type", source, None, name, repr(value), kind)
            )
    if problems:
        raise InputError(problems)
    return merged


def parse_value(text: str):
    """Read one value from the command line as YAML (`0.001`, `true`, `["resnet50"]`); other text stays text."""
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


@cache
def _demo() -> dict:
    return _read_yaml(FOLDER / "demo.yaml")


def _read_yaml(path: Path) -> dict:
    import yaml

    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(Problem("profile", f"cannot be read: {error}", str(path))) from None
    if not isinstance(values or {}, dict):
        raise InputError(Problem("profile", "must hold one `name: value` a line", str(path)))
    return values or {}


def _as_type_of(example, value):
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
