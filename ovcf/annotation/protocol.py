"""The protocol sheet of an annotation: who, when, by which criteria, how far they agreed; rows of item and value."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ovcf import __version__
from ovcf.annotation.agreement import agreement_table
from ovcf.annotation.consensus import AGREED, DECIDED, ONE, OPEN
from ovcf.annotation.marks import CALLS
from ovcf.annotation.pairs import ONE_VERTEBRA
from ovcf.annotation.state import State
from ovcf.intake.annotators import IOU_JOINT_REVIEW

FILE = "protocol.csv"
BLINDED = "each on their own page, by their own link, without the other's marks"
MERGED = (
    "agreed label and level, box: the mean of the two; differences: by the joint session only, never by a count of "
    "heads or by seniority"
)


def protocol_sheet(state: State) -> pd.DataFrame:
    """Return the protocol as text: item, value."""
    rows: list[tuple[str, str]] = [("Annotators", ", ".join(state.names) or "none")]
    if len(state.names) == 2:
        rows.append(("Blinded", BLINDED))
    rows += [(f"When, {name}", _when(events)) for name, events in zip(state.names, state.events, strict=True)]
    rows += _films(state) + _criteria(state) + _origins(state) + _settled(state) + _sessions(state)
    table = agreement_table(state.films)
    rows += [(f"Agreement: {row.measure}", _estimate(row)) for row in table.itertuples()]
    rows.append(("Software", f"ovcf {__version__}"))
    return pd.DataFrame(rows, columns=["item", "value"])


def read_protocol(root: Path) -> pd.DataFrame | None:
    """Return the protocol that lies beside a manifest, None where there is none."""
    path = Path(root) / FILE
    if not path.is_file():
        return None
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    return table[["item", "value"]] if {"item", "value"} <= set(table) else None


def _films(state: State) -> list[tuple[str, str]]:
    films = state.work.films
    patients = len({film.patient_id for film in films})
    rows = [("Films", f"{len(films)} of {patients} patients")]
    reasons = Counter(state.left_out.values())
    rows += [("Left out", f"{reason}: {n} film{'s' * (n > 1)}") for reason, n in sorted(reasons.items())]
    return rows


def _criteria(state: State) -> list[tuple[str, str]]:
    two = len(state.names) == 2
    rows = [("What a vertebra may be called", ", ".join(CALLS))]
    same = f"boxes of one vertebra: IoU of {ONE_VERTEBRA:g} or more; to be looked at together: other level or label, "
    same += f"IoU below {IOU_JOINT_REVIEW:g}, marked by one only, left out by one only"
    return [*rows, ("What counts as a difference", same), ("How the two were joined", MERGED)] if two else rows


def _origins(state: State) -> list[tuple[str, str]]:
    """How boxes came to be: a proposal that was taken is no independent measurement."""
    rows = []
    for name, history in zip(state.names, state.histories, strict=True):
        marks = [mark for one in history.values() for mark in one.now.marks.values()]
        counts = Counter(mark.source for mark in marks)
        words = {"drawn": "drawn", "proposed": "proposed along the spine and taken", "given": "came with the films"}
        said = ", ".join(f"{counts[source]} {words[source]}" for source in words if counts[source])
        rows.append((f"Boxes, {name}", said or "none"))
    return rows


def _settled(state: State) -> list[tuple[str, str]]:
    words = {
        AGREED: "agreed", DECIDED: "settled in a joint session", ONE: "marked by the one annotator",
        OPEN: "open, left out until decided",
    }  # fmt: skip
    counts = Counter(one.how for one in state.settled)
    rows = [("Vertebrae", f"{counts[how]} {said}") for how, said in words.items() if counts[how]]
    labels = Counter(one.mark.study_label for one in state.settled if one.mark and one.mark.level)
    purpose = sum(bool(one.mark and one.mark.level and one.mark.on_purpose) for one in state.settled)
    normal = f" ({purpose} of them normal segments, on purpose)" if purpose else ""
    rows.append(("In the study", f"{labels['fresh']} fresh, {labels['old']} old{normal}"))
    return rows


def _sessions(state: State) -> list[tuple[str, str]]:
    held = [d for item in state.items if (d := state.decisions.get(item.key)) and d.seen == item.seen]
    rows = []
    for who in dict.fromkeys(decision.who for decision in held):
        times = sorted(decision.time for decision in held if decision.who == who)
        rows.append((f"Joint session, {who}", f"{len(times)} decision{'s' * (len(times) > 1)}, {_span(times)}"))
    return rows


def _when(events: Sequence[dict]) -> str:
    return _span(sorted(str(event.get("time")) for event in events if event.get("time")))


def _span(times: Sequence[str]) -> str:
    """The first and the last day of some times."""
    days = sorted({time[:10] for time in times})
    return "unknown" if not days else days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _estimate(row: object) -> str:
    value = "not defined" if np.isnan(row.value) else f"{row.value:.2f}"
    interval = "" if np.isnan(row.low) else f" [{row.low:.2f}, {row.high:.2f}]"
    return f"{value}{interval}, n = {row.n}, {row.patients} patients"
