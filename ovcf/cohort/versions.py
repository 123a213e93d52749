"""The next version of a manifest: what was corrected, why, by whom and when; no version is ever overwritten.

`manifest.csv` is followed by `manifest-v2.csv`, and so on. Beside each stands `manifest-v2.changes.csv`: every cell
that differs from the version it was made from, rows left out and rows added, each with its reason.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from ovcf.cohort.columns import MANIFEST
from ovcf.cohort.rows import Cells
from ovcf.cohort.table_file import read_table
from ovcf.files import digest, write_text
from ovcf.problems import InputError, Problem
from ovcf.words import LABELS

EXCLUDED, ADDED = "row left out", "row added"
COLUMNS = ("patch_id", "change", "before", "after", "reason", "who", "time", "from_file", "from_sha256")
_VERSION = re.compile(r"(?P<base>.+?)(?:-v(?P<number>[1-9]\d*))?")


class Change(NamedTuple):
    """One correction: a cell's new value, or (`column` EXCLUDED) a vertebra left out."""

    patch_id: str
    column: str
    after: str
    reason: str


def exclude(patch_id: str, reason: str) -> Change:
    """Return the change that leaves a vertebra out."""
    return Change(patch_id, EXCLUDED, "", reason)


def next_version(
    manifest: str | Path,
    changes: Iterable[Change],
    *,
    who: str,
    added: Sequence[Mapping[str, str]] = (),
    reason: str = "",
    when: datetime | None = None,
    both_classes: bool = True,
) -> Path:
    """Write the next version of a manifest beside it, and what changed.

    Parameters
    ----------
    manifest : the version that is corrected; it stays as it is.
    changes : of its cells and rows.
    who : whose corrections they are.
    added : rows to add, cells as text by column; `reason` is theirs.
    when : by default now, UTC.
    both_classes : whether a version without one of the classes is refused; one that is still growing may be.

    Returns
    -------
    Path of the new manifest.

    Raises
    ------
    InputError : for unknown patches and columns, values a column cannot hold, missing reasons, two values for one
        cell, a version without one of the classes, and where nothing would change; all at once.
    OSError : where the folder cannot be written.
    """
    source = Path(manifest)
    table, _ = read_table(source, MANIFEST, required=("patch_id",))
    changes = list(dict.fromkeys(changes))
    problems = _problems(table, changes, source, who) + _added_problems(table, added, source, reason)
    if problems:
        raise InputError(problems)
    corrected, lines = _applied(table, changes)
    lines += [(row["patch_id"], ADDED, "", "", reason) for row in added]
    rows = [{column: str(row.get(column, "")) for column in corrected} for row in added]
    corrected = pd.concat([corrected, pd.DataFrame(rows, columns=corrected.columns, dtype=object)])
    _check(corrected, source, changes, LABELS if both_classes else ())
    if not lines:
        raise InputError(Problem("no_change", "nothing differs from this version", str(source)))
    made = (when or datetime.now(UTC)).isoformat(timespec="seconds")
    about = [(*line, who.strip(), made, source.name, digest(source)) for line in lines]
    return _write(source, corrected.drop(columns="row"), pd.DataFrame(about, columns=list(COLUMNS)))


def latest_version(manifest: str | Path) -> Path:
    """Return the newest version of a manifest that is there; itself where it is the only one."""
    source = Path(manifest)
    base = _VERSION.fullmatch(source.stem)["base"]
    found = [path for path in source.parent.glob(f"{base}*.csv") if _number(path.stem, base) > 1]
    found = [path for path in found if not path.stem.endswith(".changes") and path.stat().st_size]
    return max(found, key=lambda path: _number(path.stem, base), default=source)


def _problems(table: pd.DataFrame, changes: list[Change], source: Path, who: str) -> list[Problem]:
    """What is wrong with the changes by themselves."""
    problems = [] if who.strip() else [Problem("who", "a correction needs the name of who made it", str(source))]
    known, rows = set(table["patch_id"]), dict(zip(table["patch_id"], table["row"], strict=True))
    told: dict[tuple[str, str], str] = {}
    left_out = {change.patch_id for change in changes if change.column == EXCLUDED}
    for change in changes:
        where = {"file": str(source), "row": rows.get(change.patch_id), "patch": change.patch_id}
        if change.patch_id not in known:
            problems.append(Problem("unknown_patch", "no such patch", found=change.patch_id, **where))
        if change.column != EXCLUDED and (change.column not in table or change.column in ("row", "patch_id")):
            problems.append(Problem("column", "no column to correct", found=change.column, **where))
        if not change.reason.strip():
            problems.append(Problem("reason", f"a correction of {change.patch_id} needs a reason", **where))
        before = told.setdefault((change.patch_id, change.column), change.after)
        if before != change.after or (change.column != EXCLUDED and change.patch_id in left_out):
            words = f"corrections of {change.patch_id} contradict each other"
            problems.append(Problem("conflict", words, column=change.column, found=change.after, **where))
    return problems


def _added_problems(
    table: pd.DataFrame, added: Sequence[Mapping[str, str]], source: Path, reason: str
) -> list[Problem]:
    """What is wrong with rows to add, their values aside."""
    file, problems = str(source), []
    if added and not reason.strip():
        problems.append(Problem("reason", "added rows need a reason", file))
    names = [str(row.get("patch_id", "")) for row in added]
    for name in names:
        if not name or name in set(table["patch_id"]) or names.count(name) > 1:
            problems.append(Problem("patch_id", "an added row needs a patch_id of its own", file, found=name))
    for column in sorted({column for row in added for column in row} - set(table)):
        problems.append(Problem("column", "an added row has a column that the manifest lacks", file, column=column))
    return problems


def _applied(table: pd.DataFrame, changes: list[Change]) -> tuple[pd.DataFrame, list[tuple]]:
    """The corrected table, and a line for each cell that differs: patch, column, before, after, reason."""
    corrected, lines = table.copy(), []
    place = {patch: index for index, patch in zip(table.index, table["patch_id"], strict=True)}
    for patch, column, after, reason in changes:
        if column == EXCLUDED:
            lines.append((patch, EXCLUDED, "", "", reason))
        elif (before := str(table.at[place[patch], column])) != after:
            corrected.at[place[patch], column] = after
            lines.append((patch, column, before, after, reason))
    gone = {patch for patch, change, *_ in lines if change == EXCLUDED}
    return corrected[~corrected["patch_id"].isin(gone)], lines


def _check(corrected: pd.DataFrame, source: Path, changes: list[Change], needed: Sequence[str]) -> None:
    """Refuse values that their column cannot hold, and a manifest that no study can be made of."""
    cells = Cells(corrected, source, MANIFEST)
    for column in {change.column for change in changes if change.column in MANIFEST}:
        cells.values(column)
    for label in needed:
        if "label" in corrected and not (corrected["label"].str.lower() == label).any():
            cells.add("one_class", f"no row would be labelled {label}: a study needs both classes", None, "label")
    if cells.problems:
        raise InputError(cells.problems)


def _write(source: Path, corrected: pd.DataFrame, about: pd.DataFrame) -> Path:
    """Write changes, then manifest, under the next number that is free; the number is taken before."""
    base = _VERSION.fullmatch(source.stem)["base"]
    number = 1 + max(_number(path.stem, base) for path in [source, *source.parent.glob(f"{base}-v*.csv")])
    while True:
        target = source.with_name(f"{base}-v{number}.csv")
        try:
            target.open("x").close()
            break
        except FileExistsError:  # another has just taken it
            number += 1
    try:
        write_text(target.with_name(f"{target.stem}.changes.csv"), _csv(about))
        write_text(target, _csv(corrected))
    except OSError:
        target.unlink(missing_ok=True)
        raise
    return target


def _number(stem: str, base: str) -> int:
    found = _VERSION.fullmatch(stem.removesuffix(".changes"))
    return int(found["number"] or 1) if found and found["base"] == base else 1


def _csv(table: pd.DataFrame) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([list(table.columns), *table.to_numpy(dtype=object).tolist()])
    return out.getvalue()
