"""Readings of a reader study: read, checked, and brought to one shape.

Two shapes are known: the long table of the reader-study programs (reader, treatment, case, truth, rating) and the
study's own `readings` table (reader, session, patch_id, truth, answer, confidence ...). Everything after this module
sees the first, with the reader's answer beside it where one was given.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ovcf.problems import InputError, Problem

LONG = ("reader", "treatment", "case", "truth", "rating")
OWN = ("reader", "session", "patch_id", "truth", "answer", "confidence")
_TRUTH = {"old": 0, "fresh": 1}


class Crossed(NamedTuple):
    """A fully crossed study as arrays: t treatments, r readers, n cases."""

    ratings: np.ndarray  # (t, r, n), NaN where a reading is missing
    truth: np.ndarray  # (n,) bool, True = fresh (positive)
    unit: np.ndarray  # (n,) number of the independent unit: the patient, or the case itself
    treatments: list
    readers: list
    cases: list
    clustered: bool  # some patient holds several cases and units are patients
    note: str  # what was left out, "" if nothing


def read_readings(source):
    """Read and check a reader study.

    Parameters
    ----------
    source : path or DataFrame
        A CSV in either shape, an `.imrmc` file, or a table in either shape. Further columns are ignored, except
        `patient_id`, which lets cases be clustered by patient.

    Returns
    -------
    DataFrame with reader, treatment, case (str), truth (1 fresh / 0 old), rating (float, higher is more surely fresh)
    and, where known, patient_id (str) and answer (1/0). Of the `readings` table the rating is the confidence with the
    sign of the answer (sure of old = -5 ... sure of fresh = 5), and treatment is the session.

    Raises
    ------
    InputError
        Naming the file, row and column of every problem: a missing file or column, truth that is not binary or differs
        between rows of a case, one class only, ratings that are no finite number, answers other than fresh / old, two
        readings of one case by one reader under one treatment, a reader with one session only.

    Checked against both files of `reader_study` and a table of wrong inputs.
    """
    if isinstance(source, pd.DataFrame):
        return check_readings(source)
    path = Path(source)
    if path.suffix.lower() == ".imrmc":
        from ovcf.stats.imrmc import read_imrmc

        return read_imrmc(path)
    table = _read_csv(path)
    return check_readings(table, path.name, table.index.to_numpy() + 2)


def check_readings(table, file=None, rows=None):
    """Check a table in either shape and return it in the long one (see `read_readings`).

    Parameters
    ----------
    table : DataFrame
    file : str, optional
        Name for the messages.
    rows : sequence of int, optional
        Line of each row in that file; by default the table's order under a header in line 1.
    """
    rows = np.arange(2, len(table) + 2) if rows is None else np.asarray(rows)
    own = {"session", "patch_id"} <= set(table.columns)
    missing = [c for c in (OWN if own else LONG) if c not in table.columns]
    if missing or not len(table):
        raise InputError(_shape_problem(table, missing, own, file))
    text = table.rename(columns={"session": "treatment", "patch_id": "case"}) if own else table
    found = _Finder(text, rows, file)
    long = pd.DataFrame({c: found.name(c) for c in ("reader", "treatment", "case")})
    long["truth"] = found.truth()
    if own:
        long["answer"] = found.answer()
        long["rating"] = np.where(long["answer"] == 1, 1, -1) * found.number("confidence", low=1, high=5)
    else:
        long["rating"] = found.number("rating")
        if "answer" in text:
            long["answer"] = found.answer()
    if "patient_id" in text:
        long["patient_id"] = found.name("patient_id")
    found.stop()
    found.check_design(long)
    found.stop()
    return long


def cross(readings, *, values="rating", missing="complete_cases", cluster="auto"):
    """Lay readings out as a fully crossed study.

    Parameters
    ----------
    readings : DataFrame
        From `check_readings`.
    values : str
        Column to lay out: `rating` or `answer`.
    missing : {"complete_cases", "available", "refuse"}
        What to do where a reader left out a case: analyse only the cases everyone read under every treatment (and say
        so in `note`), keep the gaps (the jackknife can take them), or refuse, naming reader, treatment and case.
    cluster : {"auto", "patient", "case"}
        The independent unit; `auto` takes patients where `patient_id` is known and some patient has several cases.

    Returns
    -------
    Crossed

    Raises
    ------
    InputError
        For designs that are not crossed: readers nested in treatments, cases nested in readers.
    """
    wide = readings.pivot(index=["treatment", "reader"], columns="case", values=values)
    treatments, readers = _sorted(readings["treatment"]), _sorted(readings["reader"])
    grid = wide.reindex(index=pd.MultiIndex.from_product([treatments, readers]), columns=_sorted(wide.columns))
    about = readings.drop_duplicates("case").set_index("case").loc[grid.columns]
    ratings = grid.to_numpy(float).reshape(len(treatments), len(readers), -1)
    keep, note = _without_gaps(ratings, treatments, readers, list(grid.columns), missing)
    truth = about["truth"].to_numpy(bool)[keep]
    unit, clustered = _units(about[keep], cluster)
    if truth.all() or not truth.any():
        raise InputError(Problem("one_class", f"the {truth.size} cases left hold one class only; {note}"))
    return Crossed(
        ratings[:, :, keep], truth, unit, treatments, readers, list(grid.columns[keep]), clustered, note
    )


def answers(readings, threshold=None):
    """Return each reading's yes/no (fresh = 1) as an int array.

    The rating against `threshold` (fresh from it upwards) if one is given; else the given answers; else ratings that
    are 0/1 already. Raises InputError where ratings have more levels and no threshold was named.
    """
    rating = readings["rating"].to_numpy(float)
    if threshold is not None:
        return (rating >= threshold).astype(int)
    if "answer" in readings:
        return readings["answer"].to_numpy(int)
    if np.isin(rating, (0, 1)).all():
        return rating.astype(int)
    levels = np.unique(rating)
    raise InputError(
        Problem(
            "no_threshold",
            "ratings are not yes/no: name the rating from which a case counts as fresh (--threshold T)",
            column="rating",
            found=f"{levels.size} levels from {levels[0]:g} to {levels[-1]:g}",
        )
    )


def has_answers(readings, threshold=None):
    """Whether yes/no answers can be had (see `answers`)."""
    return threshold is not None or "answer" in readings or readings["rating"].isin((0, 1)).all()


class _Finder:
    """Reads columns of one table and collects what is wrong with them."""

    limit = 20  # of each kind; more would bury the message

    def __init__(self, table, rows, file):
        self.table, self.rows, self.file, self.problems = table, rows, file, []

    def add(self, kind, where, column, message, allowed=None, values=None):
        where = np.flatnonzero(where)
        values = self.table[column] if values is None else values
        for i in where[: self.limit]:
            found = None if values is False else str(np.asarray(values)[i])
            self.problems.append(Problem(kind, message, self.file, int(self.rows[i]), column, found, allowed))
        if where.size > self.limit:
            more = f"{message}; and {where.size - self.limit} rows more"
            self.problems.append(Problem(kind, more, self.file, None, column))

    def name(self, column):
        text = self.table[column].astype("string").fillna("").str.strip()
        self.add("empty", text == "", column, "is empty", values=False)
        return text.astype(object).to_numpy()

    def truth(self):
        return self._binary("truth", "truth is not binary", "1 (fresh) or 0 (old)")

    def answer(self):
        return self._binary("answer", "not an answer", "fresh or old")

    def _binary(self, column, message, allowed):
        text = self.table[column].astype("string").str.strip().str.lower()
        value = text.map(_TRUTH).fillna(pd.to_numeric(text, errors="coerce"))
        wrong = ~value.isin((0, 1)).fillna(False).to_numpy(bool)
        self.add(column, wrong, column, message, allowed)
        return np.where(wrong, -1, value.fillna(-1).to_numpy(float)).astype(int)

    def number(self, column, low=-np.inf, high=np.inf):
        value = pd.to_numeric(self.table[column], errors="coerce").to_numpy(float)
        # a reading that was not made is a row left out; a row without a rating is a mistake
        self.add("number", ~np.isfinite(value), column, "not a finite number", "a number; leave out missing readings")
        outside = np.isfinite(value) & ((value < low) | (value > high))
        self.add("range", outside, column, "out of range", f"{low:g} to {high:g}")
        return value

    def check_design(self, long):
        again = long.duplicated(["reader", "treatment", "case"]).to_numpy()
        self.add("duplicate", again, "case", "a second reading of this case by this reader", values=long["case"])
        first = long.groupby("case")["truth"].transform("first")
        other = (first != long["truth"]).to_numpy()
        self.add("truth_differs", other, "truth", "truth differs from the case's first row", values=long["truth"])
        if long["truth"].nunique() == 1:
            only = "fresh (1)" if long["truth"].iloc[0] else "old (0)"
            message = f"one class only: every row from this one on is {only}"
            self.problems.append(Problem("one_class", message, self.file, int(self.rows[0]), "truth"))
        self._check_sessions(long)

    def _check_sessions(self, long):
        seen = long.groupby("reader")["treatment"].nunique()
        total = long["treatment"].nunique()
        if total > 1 and (seen == 1).all():
            message = "every reader has one treatment only (readers nested in treatments); the analysis needs readers "
            message += "crossed with treatments"
            self.problems.append(Problem("nested_readers", message, self.file, int(self.rows[0]), "treatment"))
            return
        short = long["reader"].map(seen) < total
        where = (short & ~long["reader"].where(short).duplicated()).to_numpy()
        all_of = ", ".join(map(str, _sorted(long["treatment"])))
        message = "this reader lacks a treatment (session)"
        self.add("one_session", where, "reader", message, f"readings under each of {all_of}", long["reader"])

    def stop(self):
        if self.problems:
            raise InputError(self.problems)


def _read_csv(path):
    try:
        # every line is kept so that rows keep the numbers an editor shows
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skip_blank_lines=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(Problem("missing_file", "no such file", str(path))) from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError, OSError) as error:
        raise InputError(Problem("unreadable", f"not a readable CSV: {error}", str(path))) from None
    table.columns = [str(c).strip() for c in table.columns]
    return table[(table.fillna("") != "").any(axis=1)]


def _shape_problem(table, missing, own, file):
    if not missing:
        return Problem("empty", "holds no readings", file)
    allowed = f"{', '.join(LONG)}; or {', '.join(OWN)}"
    message = f"columns missing: {', '.join(missing)}" + (" (of the readings table)" if own else "")
    return Problem("columns", message, file, 1, found=", ".join(map(str, table.columns)), allowed=allowed)


def _sorted(names):
    """Sort names as numbers where all are numbers."""
    names = list(dict.fromkeys(names))
    try:
        return sorted(names, key=float)
    except ValueError:
        return sorted(names, key=str)


def _without_gaps(ratings, treatments, readers, cases, missing):
    if missing not in ("complete_cases", "available", "refuse"):
        raise ValueError(f"missing must be complete_cases, available or refuse, not {missing!r}")
    gaps = np.isnan(ratings)
    if missing == "available" or not gaps.any():
        return np.ones(len(cases), bool), ""
    if missing == "refuse":
        raise InputError([
            Problem("missing_reading", f"reader {readers[j]} has no reading of case {cases[k]} under {treatments[i]}")
            for i, j, k in np.argwhere(gaps)[: _Finder.limit]
        ])
    keep = ~gaps.any(axis=(0, 1))
    who = ", ".join(str(readers[j]) for j in np.flatnonzero(gaps.any(axis=(0, 2))))
    note = f"{(~keep).sum()} of {keep.size} cases left out because not everyone read them (gaps: {who})"
    if not keep.any():
        raise InputError(Problem("nested_cases", f"no case was read by all readers under all treatments: {note}"))
    return keep, note


def _units(about, cluster):
    if cluster not in ("auto", "patient", "case"):
        raise ValueError(f"cluster must be auto, patient or case, not {cluster!r}")
    if cluster == "patient" and "patient_id" not in about:
        raise InputError(Problem("columns", "clustering by patient needs the column patient_id", column="patient_id"))
    if cluster == "case" or "patient_id" not in about:
        return np.arange(len(about)), False
    unit = pd.factorize(about["patient_id"])[0]
    return unit, len(unit) > unit.max() + 1
