"""Write a cohort out of its annotation: versioned manifest, patients, marks, agreement, protocol, exports.

The manifest is never overwritten: `manifest.csv` is followed by `manifest-v2.csv` with its changes
(`ovcf.cohort.versions`), and nothing is written where nothing changed. The other tables are what the journals say now.
"""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ovcf.annotation import protocol
from ovcf.annotation.agreement import agreement_table
from ovcf.annotation.exports import write_exports
from ovcf.annotation.state import State, read_state, remarks
from ovcf.annotation.tables import joint_table, manifest_table, marks_table, studies_table
from ovcf.annotation.work import FOLDER
from ovcf.cohort.columns import MANIFEST
from ovcf.cohort.table_file import read_table
from ovcf.cohort.versions import EXCLUDED, Change, exclude, latest_version, next_version
from ovcf.files import write_text
from ovcf.intake.annotators import box_iou
from ovcf.problems import InputError, Problem
from ovcf.words import BOX, LABELS

LAST = "written.csv"  # in the annotation's folder: the table that it wrote last
SAME = 0.5  # IoU from which a vertebra of the next version is the one of the last


class Written(NamedTuple):
    """What was written: the newest manifest (None: no vertebra of the study is settled), whether it is new, notes."""

    manifest: Path | None
    is_new: bool
    rows: int
    notes: list[str]


def write_cohort(cohort: str | Path, *, who: str, reason: str = "annotation") -> Written:
    """Write everything the study reads of an annotation, from its journals as they are now.

    Parameters
    ----------
    who : whose work a new version of the manifest is.
    reason : of its changes.

    Raises
    ------
    InputError : where nothing is annotated, or a manifest lies there that is not of this annotation.
    """
    cohort = Path(cohort).absolute()
    state = read_state(cohort)
    if not state.names:
        raise InputError(Problem("nothing", "nobody has annotated a film yet", str(cohort)))
    notes = remarks(state)
    table = manifest_table(state, cohort)
    manifest, is_new = _write_manifest(table, cohort, who, reason)
    if missing := [label for label in LABELS if not (table["label"] == label).any()]:
        notes.append(f"no vertebra is {' or '.join(missing)}: a study needs both classes")
    if any(image.startswith("..") for image in table["image"]):
        notes.append("films lie outside the cohort's folder: a run needs -p allow_outside true")
    tables = {
        "studies": studies_table(state), "annotators": marks_table(state), "agreement": agreement_table(state.films),
        "joint_session": joint_table(state), "protocol": protocol.protocol_sheet(state),
    }  # fmt: skip
    for name, rows in tables.items():
        write_text(cohort / f"{name}.csv", rows.to_csv(index=False, lineterminator="\n"))
    write_exports(state, cohort)
    return Written(manifest, is_new, len(table), notes)


def _write_manifest(table: pd.DataFrame, cohort: Path, who: str, reason: str) -> tuple[Path | None, bool]:
    """Write the first manifest, or a next version where the annotation changed since it was last written.

    What others corrected in between (the browser's flags, say) stands: only what the annotation itself changed since
    its own last table is changed.
    """
    first, ours = cohort / "manifest.csv", cohort / FOLDER / LAST
    if not first.is_file():
        if table.empty:
            return None, False
        write_text(ours, _csv(table))
        write_text(first, _csv(table))
        return first, True
    if not ours.is_file():
        words = "lies there and is not of an annotation; name another folder with --out"
        raise InputError(Problem("not_ours", words, str(first)))
    last = latest_version(first)
    before = pd.read_csv(ours, dtype=str, keep_default_na=False)
    standing = read_table(last, MANIFEST, required=("patch_id",))[0].set_index("patch_id")
    before = pd.concat([before, _not_noted(standing, before, table)])
    changes, added, named = differences(before, table, reason, taken=set(standing.index))
    changes = [c for c in changes if c.patch_id in standing.index and _differs(standing, c)]
    path, is_new = last, bool(changes or added)
    added = [{name: value for name, value in row.items() if name in (*standing, "patch_id")} for row in added]
    if is_new:
        path = next_version(last, changes, who=who, added=added, reason=reason, both_classes=False)
    write_text(ours, _csv(named))
    return path, is_new


def _not_noted(standing: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return rows of the annotation that stand in the manifest though its last table lacks them: a kill, or a full
    disk, came between the two. They are not added twice."""
    if not {"image", *BOX} <= set(standing):
        return after.iloc[:0]
    others = standing[~standing.index.isin(before["patch_id"])].reset_index()
    others = others[others[list(BOX)].apply(pd.to_numeric, errors="coerce").notna().all(axis=1)]
    noted = {j for _, j in _matched(before, after)}
    found = [(i, j) for i, j in _matched(others, after) if j not in noted]
    rows = after.iloc[[j for _, j in found]]
    return rows.assign(patch_id=[others["patch_id"].iloc[i] for i, _ in found])


def _differs(standing: pd.DataFrame, change: Change) -> bool:
    """Whether a change would change anything; a column that somebody took out of the manifest stays out."""
    if change.column == EXCLUDED:
        return True
    return change.column in standing and str(standing.at[change.patch_id, change.column]) != change.after


def differences(
    before: pd.DataFrame, after: pd.DataFrame, reason: str, *, taken: Collection[str] = ()
) -> tuple[list[Change], list[dict[str, str]], pd.DataFrame]:
    """Return what makes a manifest of the one before it: changes and rows added; and the table with its patches' names.

    A vertebra keeps its patch_id as long as its box is about where it was on the same film, whatever its level is now.
    `taken` are names that stand in a manifest and are given to no other row.
    """
    same = dict((j, i) for i, j in _matched(before, after))
    used, names = {*taken, *before["patch_id"]}, []
    for j, name in enumerate(after["patch_id"]):
        names.append(before["patch_id"].iloc[same[j]] if j in same else _free(name, used))
        used.add(names[-1])
    named = after.assign(patch_id=names)
    changes = [
        Change(names[j], column, str(named[column].iloc[j]), reason)
        for j, i in same.items()
        for column in named
        if column in before and str(before[column].iloc[i]) != str(named[column].iloc[j])
    ]
    kept = set(same.values())
    changes += [exclude(name, reason) for i, name in enumerate(before["patch_id"]) if i not in kept]
    added = [{name: str(value) for name, value in named.iloc[j].items()} for j in range(len(named)) if j not in same]
    return changes, added, named


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(index=False, lineterminator="\n")


def _free(name: str, taken: set[str]) -> str:
    """Return a name that no row has, or had in the version before."""
    number = 2
    base = name
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _matched(before: pd.DataFrame, after: pd.DataFrame) -> list[tuple[int, int]]:
    """Return which rows are one vertebra, by film and box."""
    from scipy.optimize import linear_sum_assignment

    pairs = []
    for image in dict.fromkeys(before["image"]):
        i, j = (np.flatnonzero((table["image"] == image).to_numpy()) for table in (before, after))
        one, other = (table[list(BOX)].to_numpy()[at].astype(float) for table, at in ((before, i), (after, j)))
        overlap = np.array([box_iou(np.tile(box, (len(other), 1)), other) for box in one]).reshape(len(i), len(j))
        found = zip(*linear_sum_assignment(-overlap), strict=True)
        pairs += [(int(i[a]), int(j[b])) for a, b in found if overlap[a, b] >= SAME]
    return pairs


def agreement_of(cohort: str | Path) -> tuple[State, pd.DataFrame]:
    """Return an annotation's state and the agreement of its two annotators; nothing is written."""
    state = read_state(cohort)
    return state, agreement_table(state.films)
