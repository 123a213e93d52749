"""Folders `fresh/` and `old/` of ready patches: each picture is one vertebra, its folder the label."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ovcf.cohort.ready import level_of_name, ready_files
from ovcf.intake.importers.boxes import Box
from ovcf.intake.importers.images import ImageIndex
from ovcf.problems import InputError, Problem


def read_folders(source: Path, images: ImageIndex, options: Any = None) -> Iterator[Box | Problem]:
    """Yield a box as large as its picture for each picture in `fresh/` and `old/`; a level that stands alone in the
    name (_T12, -L1) is taken."""
    for path in ready_files(source):
        try:
            width, height = images.size(path)
        except InputError as error:
            yield from error.problems
            continue
        category = f"{level_of_name(path.stem)} {path.parent.name}".strip()
        yield Box(path, category, 0.0, 0.0, float(width), float(height), str(path))
