"""One run for every combination of some parameters' values, and the page that compares them.

Runs share what does not depend on their difference (prepared patches, features): each is a variant of the finished run
that is nearest to it. A sweep that stopped goes on with the same command.
"""

import json
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from ovcf.problems import InputError, Problem
from ovcf.profiles import defaults, lay_over, load_profile, parse_value
from ovcf.profiles.parameters import ANYWHERE, BY_NAME
from ovcf.report.compare import write_comparison
from ovcf.report.run import changes_of, run_study
from ovcf.run_folder import RunFolder, is_run, read_record
from ovcf.study import Study
from ovcf.study.cohort import COHORT

LAST = "training_seed"  # runs that differ in it alone share the most
LONGEST = 40  # letters of a value in a folder's name


def sweep(profile: str | None, values: dict[str, str], out: Path, *, data: str | Path | None = None) -> Path:
    """Make the runs of a sweep and their comparison; return its page.

    Parameters
    ----------
    profile : of all runs, demo where none is named.
    values : parameter names and values as text in YAML; a list is an axis of the sweep (for a parameter that is a list
        itself, a list of lists).
    out : folder; each run in a folder of its own there, the page as `comparison.html`.
    data : manifest or folder; stands above the profile's.

    Raises
    ------
    InputError
        Where no parameter has several values, and what `run_study` refuses, before any run is made.
    RunFailed
        When a notebook of a run stops; the same command goes on from there.
    """
    axes, fixed = split_axes(values)
    out, made = Path(out).resolve(), {}
    points = [dict(zip(axes, point, strict=True)) for point in product(*axes.values())]
    check_points(out, points, load_profile(profile or "demo") | changes_of(data, {}, False) | fixed)
    for number, point in enumerate(points, 1):
        folder = out / folder_name(point)
        print(f"run {number} of {len(points)}: {folder.name}", file=sys.stderr, flush=True)
        if not is_complete(folder, point):
            source = nearest(point, made)
            chosen = point if source else fixed | point
            overrides = {name: json.dumps(value) for name, value in chosen.items()}
            about = {"variant_of": source} if source else {"profile": profile, "data": data}
            run_study(out=folder, overrides=overrides, **about)
        made[folder] = point
    return write_comparison(list(made), out / "comparison.html")


def check_points(out: Path, points: list[dict[str, Any]], shared: dict[str, Any]) -> None:
    """Raise InputError with all that would be refused of any run that is not there yet; nothing is written."""
    new = [(point, out / folder_name(point)) for point in points]
    runs = {folder: lay_over(defaults(), shared | point, source="the command line") for point, folder in new}
    of_films = [*COHORT, "external"]
    cohorts = {str([parameters[name] for name in of_films]): folder for folder, (parameters, _) in runs.items()}
    for films, folders in ((False, list(runs)), (True, list(cohorts.values()))):  # each cohort is proved once
        problems = []
        for folder in (folder for folder in folders if not is_run(folder)):
            parameters, wrong = runs[folder]
            try:
                Study.unborn(folder, parameters).check(wrong, films=films)
            except InputError as error:
                problems += error.problems
        if problems:
            raise InputError(list(dict.fromkeys(problems)))


def split_axes(values: dict[str, str]) -> tuple[dict[str, list], dict[str, Any]]:
    """Tell the parameters that have several values from those that have one.

    Raises InputError where none has several.
    """
    parsed = {name: parse_value(text) for name, text in values.items()}
    axes = {name: list(value) for name, value in parsed.items() if _is_axis(name, value)}
    if not axes:
        words = "a sweep needs a parameter with several values, such as -p training_seed '[0, 1, 2]'"
        raise InputError(Problem("sweep", words))
    wrong = [name for name, value in axes.items() if name in ANYWHERE or len(set(map(str, value))) < len(value)]
    if wrong:
        words = "no number depends on it, or a value stands twice"
        raise InputError([Problem("sweep", words, column=name, found=values[name]) for name in wrong])
    return axes, {name: value for name, value in parsed.items() if name not in axes}


def _is_axis(name: str, value: Any) -> bool:
    of_lists = name in BY_NAME and isinstance(BY_NAME[name].default, list)
    return isinstance(value, list) and bool(value) and (not of_lists or all(isinstance(item, list) for item in value))


def folder_name(point: dict[str, Any]) -> str:
    """Return the name of a run's folder: `equalisation-clahe_training_seed-1`."""
    return "_".join(f"{name}-{''.join(_letters(value))[:LONGEST]}" for name, value in point.items())


def _letters(value: Any) -> Iterator[str]:
    for letter in "-".join(map(str, value)) if isinstance(value, list) else str(value):
        yield letter if letter.isalnum() or letter in ".-" else "-"


def nearest(point: dict[str, Any], made: dict[Path, dict[str, Any]]) -> Path | None:
    """Return the run that shares most with a new one: the fewest other values, the training seed counting least."""

    def distance(folder: Path) -> tuple[int, int]:
        other = [name for name in point if made[folder][name] != point[name]]
        return len([name for name in other if name != LAST]), len(other)

    return min(made, key=distance, default=None)


def is_complete(folder: Path, point: dict[str, Any]) -> bool:
    """Whether a run of the sweep is there and complete; one with other values is refused when it is opened."""
    if not is_run(folder) or read_record(folder).get("status") != "complete":
        return False
    RunFolder(folder, adds=False, who="the sweep", **point)
    return True
