"""What travels with the package and is no code: the notebooks, the paper's tables as data.

In a checkout they stand beside the package, where they are edited; an installed wheel carries copies.
"""

import shutil
from pathlib import Path

from ovcf.problems import InputError, Problem

_HERE = Path(__file__).resolve().parent
PLACES = {"notebooks": "notebooks", "published": "data/published"}
"""Name in the wheel (`ovcf/shipped/NAME`) -> folder of a checkout; setup.py copies one to the other."""


def shipped(name: str) -> Path:
    """Return the folder of what is shipped under a name of `PLACES`."""
    carried = _HERE / "shipped" / name
    return carried if carried.is_dir() else _HERE.parent / PLACES[name]


def copy_notebooks(folder: Path) -> list[Path]:
    """Copy the notebooks for editing; those already there are left alone, all or none.

    Raises InputError naming the files that are in the way.
    """
    sources = sorted(shipped("notebooks").glob("*.ipynb"))
    taken = [folder / source.name for source in sources if (folder / source.name).exists()]
    if taken:
        words = "is there already, and may have been edited; it is left alone"
        raise InputError([Problem("not_empty", words, str(path), allowed="another folder") for path in taken])
    folder.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copyfile(source, folder / source.name)) for source in sources]
