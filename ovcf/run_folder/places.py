"""Where things are: relative paths of a run, the folder of cohorts made here, and what makes a folder a run."""

import os
from pathlib import Path
from typing import Any

from ovcf.problems import InputError, Problem

PARAMETERS_FILE = "parameters.yaml"
WORDS = {"data": ("synthetic",), "readings": ("simulated",), "published": ("paper",), "external": ("synthetic",)}
"""Parameters that hold a path, and the words they may hold instead."""


def from_project(path: str | Path) -> Path:
    """Make a path absolute: from the working folder, or from its parent where that is `notebooks`.

    JupyterLab runs a notebook in its own folder, papermill wherever it was called: `reports/demo` means the same.
    """
    here = Path.cwd()
    return ((here.parent if here.name == "notebooks" else here) / path).resolve()


def with_whole_paths(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters with their paths absolute, so that every notebook means the same file."""
    whole = dict(parameters)
    for name, words in WORDS.items():
        if whole.get(name) and whole[name] not in words:
            whole[name] = str(from_project(whole[name]))
    weights = whole.get("weights")
    known = weights in (None, "imagenet", "packaged", "none")
    if not known and from_project(weights).is_dir():  # a wrong word is refused as it was written
        whole["weights"] = str(from_project(weights))
    return whole


def data_home() -> Path:
    """Return the folder for cohorts made here: `data/` of a checkout, else a cache folder of the user."""
    checkout = Path(__file__).resolve().parents[2] / "data"
    if os.environ.get("OVCF_DATA"):
        return Path(os.environ["OVCF_DATA"])
    return checkout if (checkout / "published").is_dir() else Path.home() / ".cache" / "ovcf"


def is_run(folder: Path) -> bool:
    """Return whether a folder holds a run: its parameters are written before anything else."""
    return (folder / PARAMETERS_FILE).is_file()


def refuse_foreign(folder: Path) -> None:
    """Raise InputError where a new run would come to lie among somebody's files.

    Empty folders and hidden files do not count: a run killed while it was being made leaves some.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(Problem("not_a_run", "is a file, no folder for a run", str(folder)))
    found = [item.name for item in folder.glob("*") if not item.name.startswith(".") and not _is_empty(item)]
    if found:
        words = "this folder holds other files and is no run; it is left alone"
        named = ", ".join(sorted(found)[:3]) + (" ..." if len(found) > 3 else "")
        raise InputError(Problem("not_a_run", words, str(folder), found=named, allowed="a new or an empty folder"))


def _is_empty(item: Path) -> bool:
    return item.is_dir() and not any(item.iterdir())
