"""The `.imrmc` exchange format of reader studies: free header lines, BEGIN DATA:, then reader, case,
treatment, score.

Truth rows come in two dialects: the reader is `-1` or `truth`, the treatment always `truth`, the score 0 or
1.
"""

import re
from pathlib import Path

import pandas as pd

from ovcf.cohort.table_file import decoded, read_bytes
from ovcf.files import write_text
from ovcf.problems import InputError, Problem
from ovcf.stats.readers.checks import check_readings

DIALECTS = ("-1", "truth")


def read_imrmc(path: str | Path) -> pd.DataFrame:
    """Read an `.imrmc` file of either dialect.

    Parameters
    ----------
    path : path

    Returns
    -------
    DataFrame with reader, treatment, case, truth, rating, as `read_readings` gives it. Counts the header
    declares (N0, N1, NR, NM) that the data contradict stand in `attrs["notes"]`; the data are believed.

    Raises
    ------
    InputError
        Naming the row: no BEGIN DATA line, a row that does not have four fields, a case without truth or with
        two, and everything `check_readings` refuses.

    Checked against `vandyke.imrmc` (the same readings as VanDyke.csv) and `input.imrmc`.
    """
    path = Path(path)
    text, notes = decoded(read_bytes(path), path)
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.strip().upper().startswith("BEGIN DATA")), None)
    if start is None:
        raise InputError(Problem("imrmc", "no line BEGIN DATA:", str(path)))
    table, problems = _rows(lines, start + 1, str(path))
    truth = table[_is_truth(table)]
    if problems:
        raise InputError(problems)
    long = with_truth(table, str(path))
    long.attrs["notes"] = [*notes, *long.attrs["notes"], *_contradictions(lines[:start], truth, long)]
    return long


def with_truth(table: pd.DataFrame, file: str) -> pd.DataFrame:
    """Return readings in the long shape from a table whose truth stands in rows of its own.

    Parameters
    ----------
    table : DataFrame of text
        reader, case, treatment, rating and `line`, the number of each row in its file; of truth rows the treatment
        or the reader is `truth` (or the reader -1), and the rating 1 or 0.
    file : str
        Name for the messages.

    Raises
    ------
    InputError
        Truth that is not binary, a case without truth or with two, and everything `check_readings` refuses.
    """
    is_truth = _is_truth(table)
    truth, readings = table[is_truth], table[~is_truth]
    problems = [
        Problem("truth", "truth is not binary", file, row.line, found=row.rating, allowed="1 or 0")
        for row in truth[~pd.to_numeric(truth["rating"], errors="coerce").isin((0, 1))].itertuples()
    ]
    problems += [
        Problem("duplicate_truth", "a second truth of this case", file, row.line, found=row.case)
        for row in truth[truth.duplicated("case")].itertuples()
    ]
    known = dict(zip(truth["case"], truth["rating"], strict=True))
    problems += [
        Problem("no_truth", "a reading of a case without a truth row", file, row.line, found=row.case)
        for row in readings[~readings["case"].isin(known)].drop_duplicates("case").itertuples()
    ]
    if problems:
        raise InputError(problems)
    readings = readings.assign(truth=readings["case"].map(known))
    return check_readings(readings.drop(columns="line"), file, readings["line"].to_numpy())


def _is_truth(table: pd.DataFrame) -> pd.Series:
    """Which rows say a case's truth."""
    return table["treatment"].str.lower().eq("truth") | table["reader"].str.lower().eq("truth")


def write_imrmc(
    readings: pd.DataFrame,
    path: str | Path,
    *,
    dialect: str = "-1",
    title: str = "Reader study written by ovcf. Research use only.",
) -> Path:
    """Write readings as `.imrmc`; the file appears whole or not at all.

    Parameters
    ----------
    readings : DataFrame
        In either shape that `read_readings` takes.
    path : path
    dialect : {"-1", "truth"}
        Name of the reader in truth rows.
    title : str
        First header line.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        For names that hold a comma or a line break, which the format cannot carry.

    Checked by reading back what was written.
    """
    if dialect not in DIALECTS:
        raise ValueError(f"dialect must be one of {', '.join(DIALECTS)}, not {dialect!r}")
    long = check_readings(readings)
    bad = {n for c in ("reader", "treatment", "case") for n in long[c] if re.search(r"[,\r\n]", n)}
    bad |= set(long["reader"]) & set(DIALECTS) | {n for n in long["treatment"] if n.lower() == "truth"}
    if bad:
        message = "this name cannot stand in an .imrmc file"
        raise InputError([Problem("name", message, found=name) for name in sorted(bad)])
    truth = long.drop_duplicates("case")
    head = [re.sub(r"\s+", " ", title), f"N0:{(truth.truth == 0).sum()}", f"N1:{(truth.truth == 1).sum()}"]
    head += [f"NR:{long.reader.nunique()}", f"NM:{long.treatment.nunique()}", "BEGIN DATA:"]
    body = [f"{dialect},{r.case},truth,{r.truth}" for r in truth.itertuples()]
    body += [f"{r.reader},{r.case},{r.treatment},{r.rating!r}" for r in long.itertuples()]
    path = Path(path)
    write_text(path, "\n".join(head + body) + "\n")
    return path


def _rows(lines, start, file):
    rows, problems = [], []
    for number, line in enumerate(lines[start:], start + 1):
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == 4:
            rows.append((*fields, number))
        elif line.strip():
            message = "not the four fields reader, case, treatment, score"
            problems.append(Problem("imrmc", message, file, number, found=line[:80]))
    columns = ["reader", "case", "treatment", "rating", "line"]
    return pd.DataFrame(rows, columns=columns, dtype=object), problems


def _contradictions(head, truth, long):
    score = truth["rating"].astype(float)
    have = {"N0": (score == 0).sum(), "N1": (score == 1).sum()}
    have |= {"NR": long["reader"].nunique(), "NM": long["treatment"].nunique()}
    said = dict(re.findall(r"^\s*(N0|N1|NR|NM)\s*:\s*(\d+)\s*$", "\n".join(head), re.MULTILINE))
    return [f"the header says {k}:{v}, the data hold {have[k]}" for k, v in said.items() if int(v) != have[k]]
