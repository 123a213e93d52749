"""What reviewers noted about patches: kept at once, never overwritten, listed for a joint review."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from ovcf.viz.corrections import CORRECTIONS
from ovcf.viz.journal import append_row, read_rows
from ovcf.words import folded_name

COLUMNS = ("time", "reviewer", "patch_id", "network", "flag", "comment")
WITHDRAWN, HEIGHTS = "withdrawn", "heights"
NEED_REASON = CORRECTIONS
FLAGS = ("label doubtful", "poor image", "other finding", *CORRECTIONS, "other box", HEIGHTS, WITHDRAWN)
_SHOWN = ("patch_id", "patient_id", "level", "label", "image", "fold", "p_fresh", "outcome")


class FlagStore:
    """Flags in one CSV (`time, reviewer, patch_id, network, flag, comment`), appended and never edited.

    Nothing is held in memory: filters, kernels and people come and go, and the file stays the truth.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def add(self, patch_id: str, flag: str, *, reviewer: str = "", network: str = "", comment: str = "") -> dict:
        """Keep one flag and return it; `withdrawn` takes back this reviewer's earlier flags of the patch."""
        if flag not in FLAGS:
            raise ValueError(f"flag is {flag!r}; allowed: {', '.join(FLAGS)}")
        if flag in NEED_REASON and not (comment.strip() and reviewer.strip()):
            raise ValueError(f"{flag!r} corrects the manifest: it needs a reason and your name")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        row = dict(zip(COLUMNS, (now, reviewer, patch_id, network, flag, comment[:2000]), strict=True))
        append_row(self.path, COLUMNS, row)
        return row

    def history(self) -> pd.DataFrame:
        """Every flag ever given, oldest first."""
        return read_rows(self.path, COLUMNS)

    def standing(self) -> pd.DataFrame:
        """The flags that stand: those a reviewer, however spelled, gave to a patch after last withdrawing."""
        rows = self.history()
        taken_back = (rows["flag"] == WITHDRAWN).astype(int)
        # how many withdrawals of the same reviewer and patch come at or after each row
        later = taken_back[::-1].groupby([rows["reviewer"].map(folded_name), rows["patch_id"]]).cumsum()[::-1]
        return rows[later == 0].reset_index(drop=True)

    def export(self, path: Path, table: pd.DataFrame | None = None) -> Path:
        """Write the standing flags for a joint review, one row a patch, most often flagged first.

        `table` (patches or a browse table) adds level, label, probability and outcome. Cells that a
        spreadsheet would take for a formula get an apostrophe in front.
        """
        review = joint_review(self.standing(), table)
        temporary = Path(path).with_suffix(".tmp")
        review.map(harmless_cell).rename(columns=harmless_cell).to_csv(temporary, index=False)
        os.replace(temporary, path)
        return Path(path)


def joint_review(standing: pd.DataFrame, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row a flagged patch: how many reviewers, which flags, what they said, room for a decision."""
    groups = [
        (patch_id, rows["reviewer"].map(folded_name).nunique(), "; ".join(dict.fromkeys(rows["flag"])), _comments(rows))
        for patch_id, rows in standing.groupby("patch_id", sort=False)
    ]
    review = pd.DataFrame(groups, columns=["patch_id", "reviewers", "flags", "comments"])
    if table is not None:
        shown = table[[c for c in _SHOWN if c in table]].assign(patch_id=lambda t: t["patch_id"].astype(str))
        review = shown.merge(review, on="patch_id", how="right")
    return review.sort_values("reviewers", ascending=False, kind="stable").assign(decision="")


def harmless_cell(value: object) -> object:
    """Text that a spreadsheet shows and does not run; numbers as they are.

    Follows OWASP's advice on CSV injection: a leading = + - @, tab or return is defused by an apostrophe.
    """
    if isinstance(value, str) and value.lstrip()[:1] in ("=", "+", "-", "@", "\t", "\r", "|", "%"):
        return "'" + value
    return value


def _comments(rows) -> str:
    said = [f"{r.reviewer or 'unnamed'}: {r.comment}" for r in rows.itertuples() if r.comment]
    return " | ".join(said)
