"""Readings of a reader study from a file: a table in any dialect that the manifest has, or `.imrmc`.

Two shapes are known: the long table of the reader-study programs (reader, treatment, case, truth, rating; iMRMC calls
them readerID, modalityID, caseID, score, and gives truth as rows) and the study's own `readings` table.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from ovcf.cohort.columns import TEXT, Column
from ovcf.cohort.table_file import decoded, read_bytes, read_table
from ovcf.cohort.workbook import is_workbook
from ovcf.intake.imrmc import read_imrmc, with_truth
from ovcf.problems import InputError, Problem
from ovcf.stats.readers.checks import SHOWN, check_readings, judged
from ovcf.stats.roc import auc
from ovcf.words import rounded

_NUMBER = Column("number")
READINGS: dict[str, Column] = {
    # a missing id is no name: all readings without a patient would be one patient's
    **dict.fromkeys(
        ("reader", "treatment", "session", "case", "patch_id", "patient_id", "answer", "time", "scale"), TEXT
    ),
    **dict.fromkeys(("truth", "rating", "order", "confidence", "seconds", "model_p_fresh"), _NUMBER),
}
ALIASES = {
    "readerid": "reader",
    "modalityid": "treatment",
    "modality": "treatment",
    "caseid": "case",
    "score": "rating",
}
REVERSED = 0.4  # mean AUC up to which readers who are all below 0.5 make one ask about the scale


def read_readings(source: str | Path | pd.DataFrame) -> pd.DataFrame:
    """Read and check a reader study.

    Parameters
    ----------
    source : path or DataFrame
        A table in either shape (CSV, .xlsx), an `.imrmc` file, or a DataFrame. Further columns are kept and
        ignored, except `patient_id`, which lets cases be clustered by patient.

    Returns
    -------
    DataFrame in the shape it came in, numbers as numbers: either reader, treatment, case, truth, rating, or
    the `readings` table (reader, session, order, patch_id, patient_id, truth, answer, confidence ...). Every
    function of reader studies takes both. `attrs` hold the `file`'s name and `notes` on how it was read.

    Raises
    ------
    InputError
        When the file is missing or unreadable, and for everything `check_readings` refuses, with the row.

    Checked against both files of `reader_study`.
    """
    if isinstance(source, pd.DataFrame):
        table, rows, notes = judged(source)
        return _finished(table, check_readings(table, rows=rows), notes, None)
    path = Path(source)
    if path.suffix.lower() == ".imrmc" or _holds_imrmc(path):
        long = read_imrmc(path)
        return _finished(long, long, [], path.name)
    table, notes = read_table(path, READINGS, aliases=ALIASES)
    rows, table = table["row"].to_numpy(), table.drop(columns="row")
    if {"reader", "treatment", "case", "rating"} <= set(table) and "truth" not in table:
        long = with_truth(table.assign(line=rows), str(path))
        return _finished(long, long, notes, path.name)
    table, rows, left_out = judged(table, rows)
    long = check_readings(table, str(path), rows)
    _check_numbers(table, str(path), rows)
    return _finished(table, long, [*notes, *left_out], path.name)


def check_cases(readings: pd.DataFrame, patches: pd.DataFrame, file: str) -> None:
    """Refuse readings of other cases than a run's, with another truth, or of one class in a session.

    Parameters
    ----------
    readings : the `readings` table, as `read_readings` gives it. patches : of the run, with patch_id and label.
    file : name for the messages.

    Raises
    ------
    InputError
        Naming every case that the run does not have or knows with another truth, and every session of one class.
    """
    truth = (patches.set_index(patches["patch_id"].astype(str))["label"] == "fresh").astype(int)
    once = readings.drop_duplicates("patch_id").set_index("patch_id")["truth"]
    strange = once.index.difference(truth.index, sort=False)
    known = once.drop(strange)
    other = known[known.astype(int) != truth.reindex(known.index)]
    problems = [
        Problem("unknown_case", "the run's cohort has no such vertebra", file, None, "patch_id", case)
        for case in strange[:SHOWN]
    ]
    problems += [
        Problem("truth_differs", f"truth of {case} differs from the cohort's", file, None, "truth", str(said),
                "fresh (1)" if truth[case] else "old (0)")
        for case, said in other.iloc[:SHOWN].items()
    ]  # fmt: skip
    rest = len(strange) + len(other) - len(problems)
    problems += [Problem("cases", f"and {rest} cases more", file)] * (rest > 0)
    for session, own in readings.groupby("session"):
        if own["truth"].nunique() == 1:
            message = f"session {session} holds one class only"
            problems.append(Problem("one_class", message, file, None, "truth", str(own["truth"].iloc[0])))
    if problems:
        raise InputError(problems)


def _check_numbers(table: pd.DataFrame, file: str, rows: np.ndarray) -> None:
    """Refuse cells of `order` and `seconds` that are no numbers; `check_readings` looks at what the analysis reads."""
    problems = [
        Problem("number", "not a number", file, int(rows[k]), name, table[name].iloc[k], "a number or empty")
        for name in table.columns.intersection(["order", "seconds"])
        for k in np.flatnonzero((table[name] != "") & pd.to_numeric(table[name], errors="coerce").isna())
    ]
    if problems:
        raise InputError(problems)


def _holds_imrmc(path: Path) -> bool:
    """Whether a file under another name is an `.imrmc` one."""
    data = read_bytes(path)
    return not is_workbook(data) and "\nBEGIN DATA" in decoded(data, path)[0].upper()


def _finished(table: pd.DataFrame, long: pd.DataFrame, notes: list[str], file: str | None) -> pd.DataFrame:
    """Return a checked table with its numbers as numbers, its names as text, and what to say about it."""
    out = table.reset_index(drop=True).copy()
    same = {"treatment": "session", "case": "patch_id"} if "session" in out and "patch_id" in out else {}
    for column in ("reader", "treatment", "case", "truth", "patient_id", "model_p_fresh"):
        if column in long:
            out[same.get(column, column)] = long[column]
    if not same:
        out["rating"] = long["rating"]
    for column in out.columns.intersection(["rating", "order", "confidence", "seconds"]):
        out[column] = pd.to_numeric(out[column], errors="coerce")
    out.attrs = {"notes": [*notes, *long.attrs.get("notes", ()), *_reversed(long)], "file": file}
    return out


def _reversed(long: pd.DataFrame) -> list[str]:
    """Ask about the scale where every reader is worse than chance and the mean AUC is well below 0.5."""
    areas = [
        auc(readings["truth"], readings["rating"])
        for _, readings in long.groupby(["reader", "treatment"])
        if readings["truth"].nunique() == 2
    ]
    if not areas or max(areas) >= 0.5 or np.mean(areas) > REVERSED:
        return []
    return [
        f"every reader's AUC is below 0.5 (mean {rounded(float(np.mean(areas)), 3)}): the ratings seem to run the "
        "other way; they must rise with the certainty of fresh"
    ]
