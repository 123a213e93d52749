"""Checks of a reader study's table: everything that is wrong with it, with its row, before any computing."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ovcf.problems import InputError, Problem
from ovcf.words import CANNOT_JUDGE, SCALES, folded_name

LONG = ("reader", "treatment", "case", "truth", "rating")
OWN = ("reader", "session", "patch_id", "truth", "answer", "confidence")
_SHARED = {"session": "treatment", "patch_id": "case"}  # what the long table calls them
_TRUTH = {"old": 0, "fresh": 1}
SHOWN = 20  # problems of one kind that are listed; more would bury the message


def check_readings(table: pd.DataFrame, file: Any | None = None, rows: Sequence[int] | None = None) -> pd.DataFrame:
    """Check a table in either shape and return it in the long one.

    Of the `readings` table the rating is the confidence with the sign of the answer (sure of old = -5 ...
    sure of fresh = 5; -100 to 100 where the column `scale` says 0-100), and treatment is the session. Spellings of one
    reader's name become the first of them, and rows without a judgement are left out; `attrs["notes"]` say so.

    Parameters
    ----------
    table : DataFrame
    file : str, optional
        Name for the messages.
    rows : sequence of int, optional
        Line of each row in that file; by default the table's order under a header in line 1.

    Returns
    -------
    DataFrame with reader, treatment, case (str), truth (1 fresh / 0 old), rating (float, higher is more
    surely fresh; words fresh and old as 1 and 0, percentages without their sign) and, where known, answer (1/0),
    patient_id (str) and model_p_fresh (float, NaN unaided).

    Raises
    ------
    InputError
        Naming the file, row and column of every problem: a missing column, truth that is not binary or
        differs between rows of a case, one class only, ratings that are no finite number, answers other than
        fresh / old, two readings of one case by one reader under one treatment, a reader who lacks a session
        that others have (where each has one treatment only, the study is a split-plot, and taken).

    Checked against a table of wrong inputs, each with the row it must name.
    """
    table = table.copy(deep=False)
    table.attrs = {}  # pandas would copy them at every step
    table, rows, notes = judged(table, rows)
    own = {"session", "patch_id"} <= set(table.columns)
    missing = [c for c in (OWN if own else LONG) if c not in table.columns]
    if missing or not len(table):
        raise InputError(_shape_problem(table, missing, own, file))
    text = table.rename(columns=_SHARED) if own else table
    found = _Finder(text, rows, file, own)
    long = pd.DataFrame({c: found.name(c) for c in ("reader", "treatment", "case")})
    long["reader"], respelled = one_spelling(long["reader"])
    long["truth"] = found.truth()
    if own:
        long["answer"] = found.answer()
        long["rating"] = np.where(long["answer"] == 1, 1, -1) * found.confidence()
    else:
        long["rating"] = found.rating()
        if "answer" in text:
            long["answer"] = found.answer()
    if "patient_id" in text:
        long["patient_id"] = found.name("patient_id")
    if "model_p_fresh" in text:
        long["model_p_fresh"] = found.number("model_p_fresh", 0, 1, empty=True)
    found.check_design(long)
    found.stop()
    long.attrs["notes"] = [*notes, *respelled]
    return long


def judged(table: pd.DataFrame, rows: Sequence[int] | None = None) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """Leave out the readings in which the reader could not judge the case.

    Returns what is left, the line of each of its rows (by default the table's order under a header in line 1), and a
    note of whose readings were left out.
    """
    rows = np.arange(2, len(table) + 2) if rows is None else np.asarray(rows)
    if "answer" not in table:
        return table, rows, []
    given_up = table["answer"].astype("string").fillna("").map(folded_name).eq(CANNOT_JUDGE).to_numpy(bool)
    if not given_up.any():
        return table, rows, []
    who = ", ".join(f"{name}: {n}" for name, n in table.loc[given_up, "reader"].value_counts(sort=False).items())
    note = f"{given_up.sum()} of {len(table)} readings say {CANNOT_JUDGE!r} and count as not made ({who})"
    return table[~given_up], rows[~given_up], [note]


def one_spelling(names: pd.Series) -> tuple[pd.Series, list[str]]:
    """Give all spellings of one reader's name the first of them; returns the names, and a note for each such reader."""
    key = names.map(folded_name)
    spellings = names.groupby(key, sort=False).unique()
    notes = [f"{', '.join(map(repr, s))} are taken for one reader, {s[0]!r}" for s in spellings if len(s) > 1]
    return key.map(spellings.str[0]), notes


def in_order(names: Iterable) -> list:
    """Return distinct names sorted, as numbers where all are numbers."""
    names = list(dict.fromkeys(names))
    try:
        return sorted(names, key=float)
    except ValueError:
        return sorted(names, key=str)


class _Finder:
    """Reads columns of one table and collects what is wrong with them."""

    def __init__(self, table, rows, file, own):
        self.table, self.rows, self.file, self.problems = table, rows, file, []
        self.called = {v: k for k, v in _SHARED.items()} if own else {}

    def add(self, kind, where, column, message, allowed=None, values=None):
        where = np.flatnonzero(where)
        values = self.table[column] if values is None else values
        called = self.called.get(column, column)
        for i in where[:SHOWN]:
            found = None if values is False else str(np.asarray(values)[i])
            self.problems.append(Problem(kind, message, self.file, int(self.rows[i]), called, found, allowed))
        if where.size > SHOWN:
            more = f"{message}; and {where.size - SHOWN} rows more"
            self.problems.append(Problem(kind, more, self.file, None, called))

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
        word = text.map(_TRUTH).to_numpy(float, na_value=np.nan)
        number = pd.to_numeric(text, errors="coerce").to_numpy(float, na_value=np.nan)
        value = np.where(np.isnan(word), number, word)
        wrong = ~np.isin(value, (0, 1))
        self.add(column, wrong, column, message, allowed)
        return np.where(wrong, -1, value).astype(int)

    def rating(self):
        """Read ratings as numbers, with a % sign or without, or as fresh (1) and old (0) where all are words."""
        text = self.table["rating"].astype("string").str.strip()
        words = text.str.lower().map(_TRUTH)
        if words.notna().all():
            return words.to_numpy(float)
        signs = text.str.endswith("%").fillna(False).to_numpy(bool)
        if signs.any() and not signs.all():
            message = f"a rating with a % sign among {(~signs).sum()} without"
            self.add("units", np.cumsum(signs) * signs == 1, "rating", message, "one way of writing for all")
            return np.full(len(text), np.nan)
        if signs.all():
            self.table = self.table.assign(rating=text.str.rstrip("%"))
        return self.number("rating")

    def confidence(self):
        """Confidence on the scale that the table names, 1 to 5 where it names none."""
        scale = self.table["scale"].astype("string").str.strip() if "scale" in self.table else None
        if scale is None:
            return self.number("confidence", *SCALES["1-5"])
        self.add("scale", ~scale.isin(list(SCALES)), "scale", "unknown scale of confidence", ", ".join(SCALES))
        self.add("scale", scale.isin(list(SCALES)) & (scale != scale.iloc[0]), "scale", "a second scale", scale.iloc[0])
        return self.number("confidence", *SCALES.get(scale.iloc[0], (-np.inf, np.inf)))

    def number(self, column, low=-np.inf, high=np.inf, empty=False):
        value = pd.to_numeric(self.table[column], errors="coerce").to_numpy(float)
        wrong = ~np.isfinite(value)
        if empty:
            wrong &= self.table[column].astype("string").fillna("").str.strip().ne("").to_numpy(bool)
        # a reading that was not made is a row left out; a row without a rating is a mistake
        allowed = "a number; a reading that was not made is a row left out"
        self.add("number", wrong, column, "not a finite number", allowed)
        outside = np.isfinite(value) & ((value < low) | (value > high))
        self.add("range", outside, column, "out of range", f"{low:g} to {high:g}")
        return value

    def check_design(self, long):
        again = long.duplicated(["reader", "treatment", "case"]).to_numpy()
        message = "a second reading of this case by this reader"
        self.add("duplicate", again, "case", message, values=long["case"])
        known = long["truth"].where(long["truth"] >= 0)
        first = known.groupby(long["case"]).transform("first")
        other = (known.notna() & (first != known)).to_numpy()
        message = "truth differs from the case's first row"
        self.add("truth_differs", other, "truth", message, values=long["truth"])
        if "patient_id" in long:
            other = (long.groupby("case")["patient_id"].transform("first") != long["patient_id"]).to_numpy()
            message = "another patient than in the case's first row"
            self.add("patient_differs", other, "patient_id", message, values=long["patient_id"])
        if known.notna().all() and known.nunique() == 1:
            only = "fresh (1)" if known.iloc[0] else "old (0)"
            message = f"one class only: every row from this one on is {only}"
            self.problems.append(Problem("one_class", message, self.file, int(self.rows[0]), "truth"))
        self._check_sessions(long)

    def _check_sessions(self, long):
        if (long["treatment"] == "").any():
            return  # said already
        seen = long.groupby("reader")["treatment"].nunique()
        total = long["treatment"].nunique()
        if total > 1 and (seen == 1).all():
            return  # readers nested in treatments: a split-plot study
        short = long["reader"].map(seen) < total
        where = (short & ~long["reader"].where(short).duplicated()).to_numpy()
        all_of = ", ".join(map(str, in_order(long["treatment"])))
        message = "this reader lacks a treatment (session)"
        self.add("one_session", where, "reader", message, f"readings under each of {all_of}", long["reader"])

    def stop(self):
        if self.problems:
            raise InputError(self.problems)


def _shape_problem(table, missing, own, file):
    if not missing:
        return Problem("empty", "holds no readings", file)
    allowed = f"{', '.join(LONG)}; or {', '.join(OWN)}"
    message = f"columns missing: {', '.join(missing)}" + (" (of the readings table)" if own else "")
    return Problem("columns", message, file, 1, found=", ".join(map(str, table.columns)), allowed=allowed)
