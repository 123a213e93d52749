"""The plan of a reader study: what is to be shown and how, fixed before the readings are opened.

A run keeps it as `tables/plan.csv`, with the time and a digest of what it says. It is written once; whoever opens the
run later with other values is told how they deviate, and the plan stays.
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


def lock_plan(
    study: RunFolder, network: str, *, endpoint: str = "auc", question: str = "model not worse than the panel",
    level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """Lock the plan of a run, or hold what is wanted now against the one that is locked.

    Parameters
    ----------
    study : the run; its parameters give threshold and margin. It is asked for nothing that opens the readings.
    network : the model that the readers are compared with.
    endpoint : of `ENDPOINTS`: the one metric that decides. question : in a few words. level : of the interval.

    Returns
    -------
    DataFrame
        item, planned, now, deviation ("" or what differs), one row of `ITEMS` each, then `locked` (UTC) and `digest`
        (SHA-256 over items and time; in `deviation`, whether it still fits what is planned). With `locked` stands
        whether the run's readings were there already: a plan made after them is one no longer, and simulated readings
        need none. It cannot see who looked at a file of readings before the run was made.

    Raises
    ------
    InputError
        An unknown endpoint.
    """
    if endpoint not in ENDPOINTS:
        raise InputError(unknown("endpoint", endpoint, ENDPOINTS))
    parameters = study.parameters
    now = dict(zip(ITEMS, map(str, (endpoint, question, network, parameters["threshold"], parameters["margin"], level,
                                    MULTIPLICITY)), strict=True))  # fmt: skip
    path = study.run / "tables" / "plan.csv"
    if not path.exists():
        late = "after the readings" if (study.run / "tables" / "readings.csv").exists() else "before the readings"
        locked = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}, {late}"
        rows = [*now.items(), ("locked", locked), ("digest", _digest(now, locked))]
        study.save_table("plan", pd.DataFrame(rows, columns=["item", "planned"]))
        planned = dict(rows)
    else:
        planned = dict(pd.read_csv(path, dtype=str, keep_default_na=False).itertuples(index=False))
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


def deviations(plan: pd.DataFrame) -> str:
    """Say in a sentence what a plan of `lock_plan` was locked as, and every deviation from it."""
    planned = plan.set_index("item")["planned"]
    said = f"Plan locked {planned['locked']} (digest {planned['digest'][:12]}). "
    wrong = plan[plan["deviation"] != ""]
    if wrong.empty:
        return said + "No deviation."
    return said + "Deviations: " + "; ".join(f"{row.item}: {row.deviation}" for row in wrong.itertuples()) + "."


def _digest(items, locked):
    text = "\n".join(f"{item}={items[item]}" for item in ITEMS)
    return hashlib.sha256(f"{text}\nlocked={locked}".encode()).hexdigest()
