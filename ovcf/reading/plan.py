"""The plan of a reader study: what all readers are asked, fixed once made.

`plan.json` holds the cases, the training cases, the design and a digest of them all, so that a plan that was changed
later, or another workstation's other plan, is named and never read on.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd

from ovcf.files import write_text
from ovcf.problems import InputError, Problem
from ovcf.reading.designs import FILM, TRAINING, Step, arm_of, check_arms, sessions_of, shows_film
from ovcf.words import DESIGNS, LABELS, SCALES, folded_name

PLAN = "plan.json"
DEFAULTS: dict[str, Any] = {
    "seed": 0, "washout_days": 3.0, "arms": ("unaided", "aided"), "design": "fixed", "same_order": False,
    "scale": "1-5",
}  # fmt: skip
"""What a plan is where nothing else is said: the paper's two sessions, three days apart (section 4)."""


class Plan(NamedTuple):
    """What all readers of a study are asked, fixed when it is made."""

    cases: tuple[str, ...]  # class by class
    training: tuple[str, ...]
    seed: int
    washout_days: float
    arms: tuple[str, ...]
    design: str
    same_order: bool  # whether all readers see the cases in one order
    scale: str
    truth: dict  # patch_id -> (patient_id, 1 fresh or 0 old)
    digest: str

    @property
    def periods(self) -> int:
        """How many times a reader goes through the cases, with a washout between."""
        return len(self.arms)

    @property
    def sessions(self) -> tuple[str, ...]:
        """What the analysis calls the treatments, in the plan's order."""
        return tuple(session for arm in self.arms for session in sessions_of(arm))

    @property
    def questions(self) -> int:
        """How many answers a reader gives in all, training aside: each case under each session once."""
        return len(self.cases) * len(self.sessions)

    def steps(self, reader: str, rank: int, period: int) -> list[Step]:
        """Return the questions of a period (from 1; 0 is training) in this reader's order."""
        if period == 0:
            label, cases = TRAINING, self.training
        else:
            label = self.arms[period - 1] if self.design == "fixed" else f"period {period}"
            cases = self.cases
        view = FILM if shows_film(self.arms[0]) else ""  # training shows what the first arm shows, without the model
        steps = []
        for order, i in enumerate(case_order(len(cases), "" if self.same_order else reader, label, self.seed), 1):
            arm = arm_of(self.arms, self.design, rank, i, period) if period else ""
            sessions = sessions_of(arm) if period else (TRAINING + view,)
            steps += [Step(cases[i], session, order) for session in sessions]
        return steps


def case_order(n: int, reader: str, label: str, seed: int) -> list[int]:
    """Return the order of n cases; the same seed, reader (however spelt) and label give the same one."""
    key = crc32(f"{folded_name(reader)}/{label}".encode())
    return np.random.default_rng(np.random.SeedSequence([seed, key])).permutation(n).tolist()


def draw_cases(patches: pd.DataFrame, *, cases: int = 40, seed: int = 0, without: Iterable[str] = ()) -> list[str]:
    """Draw patches at random, the classes in the cohort's proportion, one a patient while patients last.

    A second vertebra of a patient tells less than a new patient, so patients are spread first. Each class
    keeps at least one case. Returns the fresh ones, then the old. Raises InputError when the cohort is too small.
    """
    pool = patches[patches["label"].isin(LABELS) & ~patches["patch_id"].isin(list(without))]
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


def make_plan(patches: pd.DataFrame, folder: Path, **asked: Any) -> Plan:
    """Return the study's plan: made once, read ever after, so that all readers see the same cases.

    Parameters
    ----------
    patches : the run's table of patches.
    folder : the run's `readings` folder, where `plan.json` is kept.
    asked : `cases` and `training` (how many), `seed`, `washout_days`, `arms`, `design`, `same_order`, `scale`. None, or
        left out: what the plan says, and of a new plan 40 cases (all of a smaller cohort), no training and `DEFAULTS`.

    Raises
    ------
    InputError
        When a plan exists and says otherwise than asked (all differences at once), is damaged or was changed, or holds
        unknown patches; for values of a new plan that cannot be.
    """
    asked = {name: value for name, value in asked.items() if value is not None}
    path = Path(folder) / PLAN
    if not path.exists():
        stored = _new_plan(patches, asked)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(stored, indent=1) + "\n")
    stored = _stored(path)
    _refuse_differences(stored, asked, path)
    return _plan_of(stored, patches, path)


def read_plan(patches: pd.DataFrame, folder: Path) -> Plan:
    """Return the plan of a readings folder; InputError where there is none, and as `make_plan`."""
    if not is_planned(folder):
        words = "no reader study was planned in this run yet; plan one with: ovcf room RUN --cases N"
        raise InputError(Problem("no_plan", words, str(Path(folder) / PLAN)))
    return make_plan(patches, folder)


def read_plan_digest(folder: Path) -> str:
    """Return the digest of what the readers of a readings folder are asked; InputError where its plan is damaged."""
    return _digest(_stored(Path(folder) / PLAN))


def is_planned(folder: Path) -> bool:
    """Whether a readings folder has a plan."""
    return (Path(folder) / PLAN).exists()


def _new_plan(patches: pd.DataFrame, asked: dict) -> dict:
    values = DEFAULTS | {name: value for name, value in asked.items() if name in DEFAULTS}
    if problems := _wrong_values(values, None):
        raise InputError(problems)
    cases = min(40, int(patches["label"].isin(LABELS).sum())) if "cases" not in asked else asked["cases"]
    drawn = draw_cases(patches, cases=cases, seed=values["seed"])
    # training cases come from other patients, so that nothing of a test case is given away
    patients = set(patches.loc[patches["patch_id"].isin(drawn), "patient_id"])
    others = patches[~patches["patient_id"].isin(patients)]
    training = asked.get("training", 0)
    first = draw_cases(others, cases=training, seed=values["seed"] + 1) if training else []
    made = {"made": datetime.now(UTC).isoformat(timespec="seconds")}
    plan = {**values, "arms": list(values["arms"]), "cases": drawn, "training": first}
    return {**made, **plan, "digest": _digest(plan)}


def _digest(stored: dict) -> str:
    """16 hex digits of all that readers are asked; when it was made is no part of it."""
    asked = {name: stored[name] for name in (*DEFAULTS, "cases", "training")}
    return blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=8).hexdigest()


def _stored(path: Path) -> dict:
    """Read a plan's file; InputError, naming what is wrong with it."""
    advice = "put back a copy of it (every workstation of the study has the same)"
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        words = f"the plan is damaged and cannot be read: {error}; {advice}"
        raise InputError(Problem("plan", words, str(path), getattr(error, "lineno", None))) from None
    if not isinstance(found, dict):
        raise InputError(Problem("plan", f"the plan is damaged: it is no JSON object; {advice}", str(path)))
    stored = {**DEFAULTS, **found}  # a plan of an earlier version names only some
    stored["arms"] = list(stored["arms"]) if isinstance(stored["arms"], list | tuple) else stored["arms"]
    if problems := [*_wrong_lists(stored, path), *_wrong_values(stored, path)]:
        raise InputError([problem._replace(message=f"{problem.message}; {advice}") for problem in problems])
    if "digest" in found and found["digest"] != _digest(stored):
        words = f"the plan was changed after it was made, and readers were asked another one; {advice}"
        raise InputError(Problem("plan", words, str(path), column="digest", found=str(found["digest"])))
    return stored


def _wrong_lists(stored: dict, path: Path) -> list[Problem]:
    problems = []
    for name in ("cases", "training"):
        found = stored.get(name)
        if not isinstance(found, list) or not all(isinstance(x, str) for x in found):
            problems.append(Problem("plan", "is no list of patches", str(path), None, name, str(found)[:60]))
        elif len(set(found)) < len(found):
            problems.append(Problem("plan", "names a patch twice", str(path), None, name))
    return problems


def _wrong_values(values: dict, path: Path | None) -> list[Problem]:
    """Return what cannot be among a plan's values; `path` is its file, None of a plan that is being made."""
    seed, days, same, arms = (values[name] for name in ("seed", "washout_days", "same_order", "arms"))
    number = int | float
    allowed = {
        "seed": (isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0, "a whole number from 0"),
        "washout_days": (isinstance(days, number) and 0 <= days <= 3650, "0 to 3650"),
        "same_order": (isinstance(same, bool), "true or false"),
        "design": (values["design"] in DESIGNS, ", ".join(DESIGNS)),
        "scale": (values["scale"] in SCALES, ", ".join(SCALES)),
    }
    file = str(path) if path else None
    problems = [
        Problem("plan", f"{name} cannot be used", file, None, name if path else None, str(values[name]), words)
        for name, (is_fine, words) in allowed.items()
        if not is_fine
    ]
    listed = tuple(arms) if isinstance(arms, list | tuple) else (arms,)
    return problems + [problem._replace(file=file) for problem in check_arms(listed)]


def _refuse_differences(stored: dict, asked: dict, path: Path) -> None:
    says = {**stored, "cases": len(stored["cases"]), "training": len(stored["training"])}
    wrong = [
        Problem("plan", "the plan is fixed once made", str(path), None, name, str(value), str(says[name]))
        for name, value in asked.items()
        if (list(value) if isinstance(value, tuple) else value) != says[name]
    ]
    if wrong:
        raise InputError(wrong)


def _plan_of(stored: dict, patches: pd.DataFrame, path: Path) -> Plan:
    wanted = [*stored["cases"], *stored["training"]]
    rows = patches.assign(patch_id=patches["patch_id"].astype(str)).set_index("patch_id")
    unknown = [p for p in wanted if p not in rows.index]
    if unknown:
        words = f"the plan names {len(unknown)} patches that this run does not have: it is another run's"
        raise InputError(Problem("plan", words, str(path), found=unknown[0]))
    rows = rows.loc[wanted]
    truth = {
        patch: (str(patient), int(label == "fresh"))
        for patch, patient, label in zip(rows.index, rows["patient_id"], rows["label"], strict=True)
    }
    values = {name: stored[name] for name in DEFAULTS} | {"arms": tuple(stored["arms"])}
    return Plan(tuple(stored["cases"]), tuple(stored["training"]), **values, truth=truth, digest=_digest(stored))
