"""A blinded reader session without any widget: which case is next, and every answer on the disk before it.

A study has one plan (`plan.json`): the cases, the training cases, the seed and the washout. Each reader has
one append-only file of answers, and the state of a reader is nothing but what that file says; a killed
kernel, a second window or another day therefore change nothing, and no case is asked twice.
"""

import json
import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from zlib import crc32

import numpy as np
import pandas as pd

from ovcf.intake.imrmc import write_imrmc
from ovcf.problems import InputError, Problem
from ovcf.viz.journal import append_row, read_rows

COLUMNS = (
    "reader", "session", "order", "patch_id", "patient_id", "truth",
    "answer", "confidence", "seconds", "time", "model_p_fresh",
)  # fmt: skip
ANSWERS = ("fresh", "old")
SESSIONS = ("unaided", "aided")


class Plan(NamedTuple):
    """What all readers of a study are asked, fixed when the first reader starts."""

    cases: tuple[str, ...]
    training: tuple[str, ...]
    seed: int
    washout_days: float
    truth: dict  # patch_id -> (patient_id, 1 fresh or 0 old)


class Case(NamedTuple):
    """One question: the `order`-th (from 1) of `of` in its session ("training", "unaided" or "aided")."""

    session: str
    order: int
    of: int
    patch_id: str


def draw_cases(patches: pd.DataFrame, *, cases: int = 40, seed: int = 0, without: Iterable[str] = ()) -> list[str]:
    """Draw patches at random, the classes in the cohort's proportion, one a patient while patients last.

    A second vertebra of a patient tells less than a new patient, so patients are spread first. Each class
    keeps at least one case. Raises InputError when the cohort is too small.
    """
    pool = patches[patches["label"].isin(ANSWERS) & ~patches["patch_id"].isin(list(without))]
    if cases > len(pool) or cases < 2 or pool["label"].nunique() < 2:
        found = f"{len(pool)} patches"
        raise InputError(
            Problem("cases", f"cannot draw {cases} cases", found=found, allowed="2 or more, of both classes")
        )
    rng = np.random.default_rng(np.random.SeedSequence([seed, 40]))
    n_fresh = int(np.clip(round(cases * (pool["label"] == "fresh").mean()), 1, cases - 1))
    shuffled = pool.iloc[rng.permutation(len(pool))]
    drawn, used = [], {}
    for label, wanted in (("fresh", n_fresh), ("old", cases - n_fresh)):
        group = shuffled[shuffled["label"] == label]
        turn = group.groupby("patient_id").cumcount() + group["patient_id"].map(used).fillna(0)
        group = group.assign(_turn=turn).sort_values("_turn", kind="stable").head(wanted)
        used = group["patient_id"].value_counts()
        drawn += group["patch_id"].tolist()
    if len(drawn) < cases:
        raise InputError(f"cannot draw {cases} cases with both classes in proportion: one class is too small")
    return drawn


def make_plan(
    patches: pd.DataFrame,
    folder: Path,
    *,
    cases: int | None = None,
    training: int | None = None,
    seed: int | None = None,
    washout_days: float | None = None,
) -> Plan:
    """The study's plan: made once, read ever after, so that all readers see the same cases.

    Parameters
    ----------
    folder : Path
        The run's `readings` folder, where `plan.json` is kept.
    cases, training, seed, washout_days
        40 cases (all of a smaller cohort), no training cases, seed 0 and 3 days when the plan is made; None
        takes what the plan says.

    Raises
    ------
    InputError
        When a plan exists and says otherwise than asked (all differences at once), or holds unknown patches.
    """
    asked = {"cases": cases, "training": training, "seed": seed, "washout_days": washout_days}
    path = Path(folder) / "plan.json"
    if path.exists():
        stored = json.loads(path.read_text(encoding="utf-8"))
        _refuse_differences(stored, asked, path)
    else:
        stored = _new_plan(patches, **{k: v for k, v in asked.items() if v is not None})
        _write_json(path, stored)
    return _plan_of(stored, patches, path)


def case_order(cases: Any, reader: str, session: str, seed: int) -> list[str]:
    """The cases in this reader's own order; the same seed, reader and session give the same order."""
    key = crc32(f"{_key(reader)}/{session}".encode())
    rng = np.random.default_rng(np.random.SeedSequence([seed, key]))
    return [cases[i] for i in rng.permutation(len(cases))]


class ReadingSession:
    """One reader's way through a plan.

    Parameters
    ----------
    plan : Plan
    reader : str
        Name or pseudonym; letters, digits, spaces and `. _ -`, at most 40 characters.
    folder : Path
        Where `<reader>.csv` is kept.
    model_p_fresh : dict, optional
        patch_id -> probability by a model that never saw the patient; needed for the aided session.
    now : callable
        Returns the present time with a time zone (tests set it).
    """

    def __init__(
        self,
        plan: Plan,
        reader: str,
        folder: Path,
        *,
        model_p_fresh: Any | None = None,
        now: Callable[[], Any] | None = None,
    ) -> None:
        self.plan, self.reader = plan, reader_name(reader)
        self.path = Path(folder) / f"{quote(_key(self.reader), safe=' ')}.csv"
        self.training_path = self.path.with_suffix(".training.csv")
        self.model_p_fresh = model_p_fresh or {}
        self.now = now or (lambda: datetime.now(UTC))

    def answers(self) -> pd.DataFrame:
        """What this reader has answered, as text, oldest first."""
        return read_rows(self.path, COLUMNS)

    def state(self) -> tuple[str, object]:
        """("case", Case), ("washout", the moment it ends), or ("finished", None)."""
        trained = read_rows(self.training_path, COLUMNS)
        case = self._first_open(self.plan.training, "training", trained)
        if case:
            return "case", case
        given = self.answers()
        case = self._first_open(self.plan.cases, "unaided", given)
        if case:
            return "case", case
        if not self.model_p_fresh:
            return "finished", None
        if self.now() < (until := self.washout_ends(given)):
            return "washout", until
        case = self._first_open(self.plan.cases, "aided", given)
        return ("case", case) if case else ("finished", None)

    def washout_ends(self, given: pd.DataFrame | None = None) -> datetime:
        """When the aided session may start: the last unaided answer and the washout."""
        given = self.answers() if given is None else given
        last = given.loc[given["session"] == "unaided", "time"].max()
        return datetime.fromisoformat(last) + timedelta(days=self.plan.washout_days)

    def answer(self, case: Case, answer: str, confidence: int, seconds: float) -> bool:
        """Keep an answer; True once it is on the disk, False when this case is not (or no longer) open.

        The file is read again first, so an answer given twice, or in two windows, counts once: the first.
        """
        if answer not in ANSWERS or confidence not in (1, 2, 3, 4, 5) or not 0 <= seconds < 1e6:
            given = f"answer {answer!r}, confidence {confidence!r}, seconds {seconds!r}"
            raise ValueError(f"{given} cannot be kept")
        if self.state() != ("case", case):
            return False
        patient, truth = self.plan.truth[case.patch_id]
        p = self.model_p_fresh.get(case.patch_id, "") if case.session == "aided" else ""
        values = (
            self.reader, case.session, case.order, case.patch_id, patient, truth,
            answer, confidence, round(float(seconds), 2), self.now().isoformat(timespec="seconds"), p,
        )  # fmt: skip
        path = self.training_path if case.session == "training" else self.path
        append_row(path, COLUMNS, dict(zip(COLUMNS, values, strict=True)))
        return True

    def _first_open(self, cases, session, given) -> Case | None:
        """The first case of the reader's order that has no answer in this session."""
        done = set(given.loc[given["session"] == session, "patch_id"])
        ordered = case_order(cases, self.reader, session, self.plan.seed)
        for order, patch_id in enumerate(ordered, start=1):
            if patch_id not in done:
                return Case(session, order, len(cases), patch_id)
        return None


def read_readings(folder: Path) -> pd.DataFrame:
    """All readers' answers as the `readings` table (numbers as numbers), in the order of readers' files."""
    files = sorted(p for p in Path(folder).glob("*.csv") if not p.name.endswith(".training.csv"))
    tables = [read_rows(path, COLUMNS) for path in files]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))
    for column in ("order", "truth", "confidence", "seconds", "model_p_fresh"):
        table[column] = pd.to_numeric(table[column].replace("", None))
    # a case answered in two windows at the same instant: the first counts
    return table.drop_duplicates(["reader", "session", "patch_id"], ignore_index=True)


def export_readings(folder: Path, path: Path) -> Path:
    """Write all readers' answers as one file: `.imrmc` for other programs, else the `readings` table as CSV.

    Raises InputError where nobody has read yet, or the answers do not fit the format (see `write_imrmc`).
    """
    table, path = read_readings(folder), Path(path)
    if table.empty:
        raise InputError(Problem("no_readings", "nobody has read a case of this run yet", str(folder)))
    if path.suffix.lower() == ".imrmc":
        return write_imrmc(table, path)
    partial = path.with_name(path.name + ".part")
    table.to_csv(partial, index=False)
    os.replace(partial, path)
    return path


def reader_name(name: str) -> str:
    """A reader's name with single spaces; InputError when it cannot name a file everywhere."""
    name = " ".join(str(name).split())
    if not re.fullmatch(r"\w[\w .\-]{0,39}", name):
        allowed = "1 to 40 letters, digits, spaces and . _ -"
        raise InputError(Problem("reader", "is not a usable reader name", found=name[:60], allowed=allowed))
    return name


def _key(reader: str) -> str:
    """Readers whose names differ in capitals only are one person (and one file on some disks)."""
    return reader_name(reader).casefold()


def _new_plan(patches, *, cases=None, training=0, seed=0, washout_days=3.0) -> dict:
    cases = min(40, int(patches["label"].isin(ANSWERS).sum())) if cases is None else cases
    drawn = draw_cases(patches, cases=cases, seed=seed)
    # training cases come from other patients, so that nothing of a test case is given away
    patients = set(patches.loc[patches["patch_id"].isin(drawn), "patient_id"])
    others = patches[~patches["patient_id"].isin(patients)]
    first = draw_cases(others, cases=training, seed=seed + 1) if training else []
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return {"made": made, "seed": seed, "washout_days": washout_days, "cases": drawn, "training": first}


def _refuse_differences(stored, asked, path) -> None:
    says = {**stored, "cases": len(stored["cases"]), "training": len(stored["training"])}
    wrong = [
        Problem("plan", "the plan is fixed once made", str(path), None, name, str(value), str(says[name]))
        for name, value in asked.items()
        if value is not None and value != says[name]
    ]
    if wrong:
        raise InputError(wrong)


def _plan_of(stored, patches, path) -> Plan:
    wanted = [*stored["cases"], *stored["training"]]
    rows = patches.assign(patch_id=patches["patch_id"].astype(str)).set_index("patch_id")
    unknown = [p for p in wanted if p not in rows.index]
    if unknown:
        raise InputError(Problem("plan", "names a patch this run does not have", str(path), found=unknown[0]))
    rows = rows.loc[wanted]
    truth = {
        patch: (str(patient), int(label == "fresh"))
        for patch, patient, label in zip(rows.index, rows["patient_id"], rows["label"], strict=True)
    }
    cases, training = tuple(stored["cases"]), tuple(stored["training"])
    return Plan(cases, training, stored["seed"], stored["washout_days"], truth)


def _write_json(path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value, indent=1), encoding="utf-8")
    os.replace(temporary, path)
