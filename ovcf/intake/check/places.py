"""Where a row of the patches table stands in the user's own file, so that a finding can be looked up."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ovcf.problems import Problem


class Places(NamedTuple):
    """Where each row of the patches table stands: the manifest and its line numbers (None for folders)."""

    table: pd.DataFrame
    file: Path
    lines: tuple[int, ...] | None

    def problem(self, kind: str, place: int, message: str, column: str | None = None, found=None, allowed=None):
        """A problem about the patch in that place."""
        row = self.lines[place] if self.lines else None
        file = str(self.file if self.lines else self.table["image"].iloc[place])
        patch = str(self.table["patch_id"].iloc[place])
        return Problem(kind, f"{patch}: {message}", file, row, column, found, allowed, patch)


def places_of(cohort) -> Places:
    """The places of a cohort's patches; a cohort of ready patches in folders has no lines."""
    return Places(cohort.patches.reset_index(drop=True), cohort.source, cohort.lines)
