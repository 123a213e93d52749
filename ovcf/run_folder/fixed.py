"""parameters.yaml: a run's parameters, fixed when it is made and sealed by their own digest."""

import hashlib
from pathlib import Path
from typing import Any

from ovcf.files import write_text
from ovcf.problems import InputError, Problem
from ovcf.profiles import checked_value, defaults
from ovcf.profiles.parameters import ANYWHERE, AS_THE_RUN, BEFORE, BY_NAME
from ovcf.run_folder.places import PARAMETERS_FILE, is_run, with_whole_paths

FORMAT = 2  # of a run folder; 1 had no digests
HEAD = "# The parameters of this run, fixed when it was made. Another value is another run: ovcf run --from.\n"
SEAL = "# format {}, SHA-256 of the lines below: {}\n"


def write_fixed(run: Path, parameters: dict[str, Any]) -> None:
    """Write a new run's parameters; from then on the folder is a run."""
    import yaml

    body = yaml.safe_dump(parameters, sort_keys=False, allow_unicode=True)
    seal = SEAL.format(FORMAT, hashlib.sha256(body.encode()).hexdigest())
    write_text(run / PARAMETERS_FILE, HEAD + seal + body)


def read_fixed(run: Path) -> tuple[dict[str, Any], int]:
    """Return a run's parameters and the format of its folder.

    A parameter that came after the run was made has the value that the run was made with in fact.

    Raises
    ------
    InputError
        Where the folder is no run, its parameters were changed or damaged, or a newer version made it.
    """
    if not is_run(run):
        words = f"there is no run here; notebook 01 or `ovcf run --out {run}` makes one"
        raise InputError(Problem("no_run", words, str(run)))
    path = run / PARAMETERS_FILE
    stored, version = _unsealed(path)
    if strange := sorted(set(stored) - set(BY_NAME)):
        words = f"this run has parameters that this version of ovcf does not know: {', '.join(strange)}"
        raise InputError(Problem("newer_run", words, str(path), allowed="the version that made it, or a newer one"))
    parameters = defaults() | stored
    for name, value in BEFORE.items():
        if name not in stored:
            parameters[name] = value(parameters)
    return parameters, version


def refuse_other_values(run: Path, parameters: dict[str, Any], typed: dict[str, Any], who: str) -> None:
    """Raise InputError for every value that somebody typed and that is not the run's, with the ways out.

    Parameters
    ----------
    typed : values by name; the word "as the run" is no value.
    who : who says the other value: "the cell", "the command line".
    """
    problems = []
    for name, value in typed.items():
        if isinstance(value, str) and value == AS_THE_RUN:
            continue
        try:
            value = with_whole_paths({name: checked_value(name, value, who)})[name] if name in BY_NAME else value
        except InputError as error:
            problems += error.problems
            continue
        if name not in BY_NAME:
            problems.append(Problem("unknown_parameter", f"unknown parameter {name}", who))
        elif value != parameters[name] and name not in ANYWHERE:
            problems.append(Problem("other_value", f"{name}: this run has {parameters[name]}, {who} says {value}"))
    if any(problem.kind == "other_value" for problem in problems):
        problems.append(Problem("ways_out", _ways_out(run, [p for p in typed if p in BY_NAME], parameters, typed)))
    if problems:
        raise InputError(problems)


def _ways_out(run: Path, names: list[str], parameters: dict[str, Any], typed: dict[str, Any]) -> str:
    other = [n for n in names if typed[n] != AS_THE_RUN and typed[n] != parameters[n] and n not in ANYWHERE]
    beside = run.with_name(f"{run.name}-{'-'.join(other)}")
    options = " ".join(f"-p {n} {_quoted(typed[n])}" for n in other)
    return (
        f'nothing was written; leave "{AS_THE_RUN}" in the cell (or drop the option) to open the run as it is, or make '
        f"the variant beside it, which reuses what does not depend on the change: "
        f"ovcf run --from {run} {options} --out {beside}"
    )


def _quoted(value: Any) -> str:
    import json
    import shlex

    return shlex.quote(value if isinstance(value, str) else json.dumps(value))


def _unsealed(path: Path) -> tuple[dict[str, Any], int]:
    """Return what the file holds and the folder's format; InputError for a damaged or a newer one."""
    import yaml

    try:
        text = path.read_bytes().decode("utf-8")
        head, _, rest = text.partition("\n")
        seal, _, body = rest.partition("\n")
        version = int(seal.split(",")[0].removeprefix("# format "))
        sealed = seal + "\n" == SEAL.format(version, hashlib.sha256(body.encode()).hexdigest())
    except (UnicodeDecodeError, ValueError):
        return _of_format_1(path), 1
    if head + "\n" != HEAD or not sealed:
        raise _damaged(path)
    if version > FORMAT:
        words = f"a newer version of ovcf made this run (format {version}; this one reads up to {FORMAT})"
        raise InputError(Problem("newer_run", words, str(path), allowed="that version, or a newer one"))
    return yaml.safe_load(body), version


def _of_format_1(path: Path) -> dict[str, Any]:
    """Read the parameters of a run made before there were digests: plain YAML, complete, no comment, no record."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        stored = yaml.safe_load(text) if "#" not in text else None
    except (UnicodeDecodeError, yaml.YAMLError):
        stored = None
    of_then = set(BY_NAME) - set(BEFORE)
    if not isinstance(stored, dict) or (path.parent / "made.json").exists() or not of_then <= set(stored):
        raise _damaged(path)
    return stored


def _damaged(path: Path) -> InputError:
    words = (
        "the run's parameters were changed or damaged after it was made, so nothing in it can be trusted to be theirs; "
        "run.json and report.html beside it name them too. Another value is another run: ovcf run --from"
    )
    return InputError(Problem("damaged_parameters", words, str(path)))
