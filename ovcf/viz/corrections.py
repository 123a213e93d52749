"""Reviewers' flags as corrections of the manifest: labels changed and vertebrae left out, each with its reason."""

from pathlib import Path
from typing import Any

import pandas as pd

from ovcf.cohort.versions import Change, exclude, next_version
from ovcf.problems import InputError, Problem
from ovcf.words import folded_name

RELABEL = {"relabel fresh": "fresh", "relabel old": "old"}
EXCLUDE = "exclude"
CORRECTIONS = (*RELABEL, EXCLUDE)


def corrections(standing: pd.DataFrame) -> list[Change]:
    """Turn the flags that stand into changes of a manifest.

    A reviewer's last word on a patch counts, however the name is spelled.
    Raises InputError where reviewers contradict each other, patch by patch.
    """
    asked = standing[standing["flag"].isin(CORRECTIONS)]
    who = asked["reviewer"].map(folded_name)
    last = asked[~asked.assign(reviewer=who).duplicated(["reviewer", "patch_id"], keep="last")]
    problems, changes = [], []
    for patch_id, rows in last.groupby("patch_id", sort=False):
        said = dict.fromkeys(rows["flag"])
        if len(said) > 1:
            found = "; ".join(f"{row.reviewer or 'unnamed'}: {row.flag}" for row in rows.itertuples())
            words = f"reviewers contradict each other about {patch_id}"
            problems.append(Problem("conflict", words, found=found, patch=str(patch_id)))
            continue
        reason = "; ".join(f"{row.reviewer or 'unnamed'}: {row.comment}" for row in rows.itertuples())
        flag = next(iter(said))
        changes.append(
            exclude(patch_id, reason) if flag == EXCLUDE else Change(patch_id, "label", RELABEL[flag], reason)
        )
    if problems:
        raise InputError(problems)
    return changes


def corrected_manifest(study: Any, standing: pd.DataFrame, who: str) -> tuple[Path, list[Change]]:
    """Write the next version of a run's manifest with the corrections that the flags ask for.

    Returns its path and the changes. Raises InputError where nothing is asked for, reviewers contradict each other,
    the cohort has no manifest, its films changed after the run, or its folder cannot be written.
    """
    source = Path(study.source)
    source = source / "manifest.csv" if source.is_dir() else source
    if not source.is_file():
        raise InputError(Problem("no_manifest", "this cohort is folders of patches and has no manifest", str(source)))
    if study.differs:
        raise InputError(
            Problem("changed_data", "the manifest changed after this run: correct a newer run", str(source))
        )
    changes = corrections(standing)
    if not changes:
        raise InputError("no flag asks for a correction (relabel or exclude)")
    try:
        return next_version(source, changes, who=who), changes
    except OSError as error:
        raise InputError(Problem("folder", f"cannot be written: {error.strerror}", str(source.parent))) from error
