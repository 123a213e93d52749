"""What a study reads of an annotation: the manifest, the patients with those left out, and every mark of both."""

import math
import os
from collections import Counter
from pathlib import Path, PurePosixPath

import pandas as pd

from ovcf.annotation.consensus import Settled
from ovcf.annotation.marks import Mark, corner_heights, mark_values
from ovcf.annotation.state import State
from ovcf.annotation.work import OF_PATIENT, WorkFilm
from ovcf.cohort.inclusion import CRITERIA
from ovcf.words import BOX

HEIGHTS = ("anterior", "middle", "posterior")
MANIFEST_COLUMNS = (
    "patch_id", "patient_id", "level", "label", "image", *BOX, "mm_per_px", "age", "sex", "normal_segment",
    *(f"{name}_height_mm" for name in HEIGHTS), "corners",
    *(f"annotator_{who}_{name}" for who in "ab" for name in ("label", *BOX)), "settled_by",
)  # fmt: skip
"""Columns of the manifest, in each of its versions."""
_YES_NO = {"metastasis_or_haematological": "yes", "radiograph_adequate": "no", "mri_available": "no"}


def manifest_table(state: State, cohort: Path) -> pd.DataFrame:
    """Return the manifest of what is settled, cells as text, rows film by film from above downwards.

    Vertebrae called fresh or old, and normal segments taken as old on purpose, on films that stay. What is normal, what
    cannot be said and what is open is not in it; `marks_table` has all.
    """
    films, taken = state.work.by_name, Counter()
    rows = []
    for one in state.settled:
        if one.mark is None or not one.mark.study_label or not one.mark.level:
            continue
        film = films[one.film]
        stem = PurePosixPath(one.film).with_suffix("").as_posix().replace("/", "-")
        name = f"{stem}_{one.mark.level}"
        taken[name] += 1
        patch = name if taken[name] == 1 else f"{name}-{taken[name]}"
        rows.append({"patch_id": patch} | _row(one, film, image_path(state, film.film, cohort)))
    return pd.DataFrame(rows, columns=list(MANIFEST_COLUMNS), dtype=object)


def image_path(state: State, film: str, cohort: Path) -> str:
    """Return a film's path relative to the cohort's folder, as the manifest has it."""
    return Path(os.path.relpath(state.work.path(film), cohort)).as_posix()


def _row(one: Settled, film: WorkFilm, image: str) -> dict[str, str]:
    mark = one.mark
    how = one.how if one.decision is None else f"{one.how}: {one.decision.who}"
    known = {name: film.known.get(name, "") for name in ("age", "sex")}
    row = {"patient_id": film.patient_id, "level": mark.level, "label": mark.study_label, "image": image}
    row |= {name: number(value) for name, value in zip(BOX, mark.box, strict=True)} | known
    # a spacing of the header is left to the header, which knows whose word it is
    row |= {"mm_per_px": film.known.get("mm_per_px", ""), "settled_by": how}
    row |= {"normal_segment": str(int(mark.label == "normal"))} | _heights(mark, film.mm_per_px)
    row["corners"] = " ".join(map(number, mark.corners))
    for who, said in (("a", one.a), ("b", one.b)):
        row[f"annotator_{who}_label"] = said.study_label if said else ""
        box = said.box if said else (math.nan,) * 4
        row |= {f"annotator_{who}_{name}": number(value) for name, value in zip(BOX, box, strict=True)}
    return row


def _heights(mark: Mark, mm_per_px: float) -> dict[str, str]:
    heights = corner_heights(mark.corners)
    values = heights if heights and mm_per_px > 0 else (math.nan,) * 3
    return {f"{name}_height_mm": number(h * mm_per_px, 2) for name, h in zip(HEIGHTS, values, strict=True)}


def number(value: float, digits: int = 5) -> str:
    """Return a number as a cell, "" where it is none."""
    return "" if math.isnan(value) else f"{round(value, digits):g}" if abs(value) < 1e5 else repr(round(value, digits))


def studies_table(state: State) -> pd.DataFrame:
    """Return the patients collected as the study reads them, a row a film: what was known, and why films are left out.

    A reason that a column of its own says (no MRI, say) stands there as well as in `exclusion`.
    """
    columns = {rule.reason: rule.column for rule in CRITERIA}
    rows = []
    for film in state.work.films:
        reason = state.left_out.get(film.film, "")
        row = {"patient_id": film.patient_id} | {name: film.known.get(name, "") for name in OF_PATIENT}
        if (column := columns.get(reason)) in _YES_NO:
            row[column] = _YES_NO[column]
        rows.append(row | {"exclusion": reason, "image": film.film})
    return pd.DataFrame(rows, columns=["patient_id", *OF_PATIENT, "image"], dtype=object)


def marks_table(state: State) -> pd.DataFrame:
    """Return every mark that stands, a row a vertebra and annotator; nothing of it is merged.

    Columns: annotator, film, patient_id, mark (its name), done (whether the film is), left_out, and the mark's values.
    """
    rows = []
    for name, history in zip(state.names, state.histories, strict=True):
        for film in state.work.films:
            now = history[film.film].now
            about = {"annotator": name, "film": film.film, "patient_id": film.patient_id}
            about |= {"done": int(now.is_done), "left_out": now.exclusion}
            for key, mark in now.marks.items():
                values = mark_values(mark)
                corners = " ".join(map(str, values.pop("corners")))
                values["on_purpose"] = int(values["on_purpose"])
                rows.append(about | {"mark": key} | values | {"corners": corners})
            if not now.marks and (now.is_done or now.exclusion):
                rows.append(about)
    first = ["annotator", "film", "patient_id", "done", "left_out", "mark"]
    return pd.DataFrame(rows, columns=[*first, *Mark._fields])


def joint_table(state: State) -> pd.DataFrame:
    """Return every difference of the two annotators and what became of it, a row a difference."""
    rows = []
    for item in state.items:
        decision = state.decisions.get(item.key)
        decision = decision if decision and decision.seen == item.seen else None
        a, b = (item.pair.a, item.pair.b) if item.pair else (None, None)
        said = [f"{m.level} {m.label}".strip() if m else "" for m in (a, b)] if item.pair else item.film.exclusions
        rows.append({
            "film": item.film.film, "patient_id": item.film.patient_id, "differs_in": "; ".join(item.differences),
            "first": said[0], "second": said[1], "decision": decision.choice if decision else "",
            "level": decision.mark.level if decision and decision.mark else "",
            "label": decision.mark.label if decision and decision.mark else "",
            "exclusion": decision.exclusion if decision else "", "who": decision.who if decision else "",
            "time": decision.time if decision else "", "comment": decision.comment if decision else "",
        })  # fmt: skip
    columns = ["film", "patient_id", "differs_in", "first", "second", "decision", "level", "label", "exclusion"]
    return pd.DataFrame(rows, columns=[*columns, "who", "time", "comment"])
