"""The plan of a reader study: what is to be shown and how, fixed when the run is made.

A run keeps it as `tables/plan.csv`, with the time, what was known then, and a digest of it all. It is written once,
with the run, before anything is trained and its readings are looked at; whoever opens it later with other values is
told how they deviate, and the plan stays.
"""

import hashlib
from datetime import UTC, datetime

import pandas as pd

from ovcf.problems import InputError, unknown
from ovcf.run_folder import RunFolder

ENDPOINTS = ("auc", "sensitivity", "specificity", "accuracy")
ITEMS = ("endpoint", "question", "network", "threshold", "margin", "level", "multiplicity")
MULTIPLICITY = (
    "one primary endpoint and question, tested once at the stated level; every other p value of the report is of a "
    "secondary question, not corrected unless its table says so, and read as a question"
)


BEST = "best: the highest mean AUC over folds"


def lock_plan(
    run: RunFolder, *, endpoint: str = "auc", question: str = "model not worse than the panel", level: float = 0.95,
    known: str = "",
) -> pd.DataFrame:  # fmt: skip
    """Lock the plan of a run, or hold what is wanted now against the one that is locked.

    Parameters
    ----------
    run : its parameters give network, threshold and margin. It is asked for nothing that opens the readings.
    endpoint : of `ENDPOINTS`: the one metric that decides. question : in a few words. level : of the interval.
    known : what was known when the plan was locked, in words that follow on the time; "" says what the run's folder
        shows.

    Returns
    -------
    DataFrame
        item, planned, now, deviation ("" or what differs), one row of `ITEMS` each, then `locked` (UTC, and what was
        known then) and `digest` (SHA-256 over items and time; in `deviation`, whether it still fits what is planned).
        A plan made after readings is one no longer, and says so; simulated readings need none. It cannot see who
        looked at a file of readings before the run was made.

    Raises
    ------
    InputError
        An unknown endpoint.
    """
    if endpoint not in ENDPOINTS:
        raise InputError(unknown("endpoint", endpoint, ENDPOINTS))
    given = run.parameters
    network = BEST if given["chosen"] == "best" else given["chosen"]
    said = (endpoint, question, network, given["threshold"], given["margin"], level, MULTIPLICITY)
    now = dict(zip(ITEMS, map(str, said), strict=True))
    path = run.run / "tables" / "plan.csv"
    planned = _read(path) if path.exists() else _locked(run, now, known or _known(run))
    if now["network"] == BEST and planned.get("network") in given["networks"]:  # locked once it was known which
        now["network"] = run.chosen
    fits = planned.get("digest") == _digest({item: planned.get(item, "") for item in ITEMS}, planned.get("locked", ""))
    table = pd.DataFrame({"item": [*ITEMS, "locked", "digest"]})
    table["planned"] = table["item"].map(planned).fillna("")
    table["now"] = table["item"].map(now).fillna("")
    table["deviation"] = [
        "" if item not in now or planned.get(item) == now[item] else f"planned {planned.get(item)!r}, now {now[item]!r}"
        for item in table["item"]
    ]
    table.loc[table["item"] == "digest", "deviation"] = "" if fits else "the plan was changed after it was locked"
    return table


def _locked(run, now, known):
    """Write the plan into the run; item to what is planned."""
    locked = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}, {known}"
    rows = [*now.items(), ("locked", locked), ("digest", _digest(now, locked))]
    run.save_table("plan", pd.DataFrame(rows, columns=["item", "planned"]))
    return dict(rows)


def _read(path):
    return dict(pd.read_csv(path, dtype=str, keep_default_na=False).itertuples(index=False))


def _known(run):
    """What a run's folder shows of its readings."""
    if (run.run / "tables" / "readings.csv").exists():
        return "after the readings"
    if run.parameters["readings"] == "simulated":
        return "before the readings, which are simulated"
    return "before this run opened the readings, whose file was there already"


def deviations(plan: pd.DataFrame) -> str:
    """Say in a sentence what a plan of `lock_plan` was locked as, and every deviation from it."""
    planned = plan.set_index("item")["planned"]
    when = planned["locked"].replace("T", " ", 1).replace("Z", " UTC", 1)
    said = f"Plan locked {when} (digest {planned['digest'][:12]}). "
    wrong = plan[plan["deviation"] != ""]
    if wrong.empty:
        return said + "No deviation."
    return said + "Deviations: " + "; ".join(f"{row.item}: {row.deviation}" for row in wrong.itertuples()) + "."


def _digest(items, locked):
    text = "\n".join(f"{item}={items[item]}" for item in ITEMS)
    return hashlib.sha256(f"{text}\nlocked={locked}".encode()).hexdigest()
