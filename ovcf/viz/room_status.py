"""The coordinator's page: how far each reader is, and the readings as a file. Nothing of right and wrong is shown."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ovcf.reading.plan import read_plan
from ovcf.reading.table import Gathered, gather, notes_on, progress, readings_table
from ovcf.viz.widget import Asked, script, style


class RoomStatus(Asked):
    """Show the state of a run's reader study.

    Parameters
    ----------
    study : ovcf.study.Study
    """

    _esm = script("common.js", "room_status.js")
    _css = style("base.css", "room_status.css")

    def __init__(self, study: Any) -> None:
        super().__init__()
        self.study, self.folder = study, Path(study.run) / "readings"

    def answer_status(self) -> Any:
        """The plan and a row a reader, from the journals as they are now."""
        gathered = self._gathered()
        plan, table = gathered.plan, progress(gathered)
        words = {"label": self.study.label, "arms": list(plan.arms), "design": plan.design, "scale": plan.scale}
        sizes = {"cases": len(plan.cases), "training": len(plan.training), "washout_days": plan.washout_days}
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return {**words, **sizes, "rows": rows, "problems": list(map(str, gathered.problems)), "now": now}, []

    def answer_export(self, finished_only: bool) -> Any:
        """The readings table as CSV, and what its reader must know of it."""
        gathered = self._gathered()
        table = readings_table(gathered, finished_only=bool(finished_only))
        notes = notes_on(gathered, finished_only=bool(finished_only))
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        name = f"readings-{'interim-' if finished_only else ''}{day}.csv"
        return {"name": name, "readers": int(table["reader"].nunique()), "count": len(table), "notes": notes}, [
            _csv(table)
        ]

    def _gathered(self) -> Gathered:
        return gather(read_plan(self.study.patches, self.folder), self.folder)


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode("utf-8")
