"""The registry of analyses of a reader study: what each needs of the readings, and what makes its table."""

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from ovcf.stats.readers.panel import model_against_panel
from ovcf.stats.readers.sessions import model_on_cases, reader_aucs, time_and_confidence
from ovcf.stats.readers.summaries import SESSIONS, generalisations, next_study
from ovcf.stats.readers.tables import ai_effect
from ovcf.stats.readers.tests import kappa_between_readers, mcnemar_by_reader


class Analysis(NamedTuple):
    """One analysis: its caption, what makes its table, and what it needs.

    `table`: of the readings, one network's predictions, and the probability from which that network calls fresh.
    `sessions`: those that the readings must hold; `readers`: how many at least.
    """

    title: str
    table: Callable[[pd.DataFrame, pd.DataFrame, float], pd.DataFrame]
    sessions: tuple[str, ...] = ("unaided",)
    readers: int = 1


ANALYSES: dict[str, Analysis] = {
    "mcnemar": Analysis("Exact McNemar, aided against unaided", lambda r, *_: mcnemar_by_reader(r), SESSIONS),
    "ai_effect": Analysis(
        "What the model's output did", lambda r, _, threshold: ai_effect(r, threshold=threshold), SESSIONS
    ),
    "reader_kappa": Analysis("Agreement between readers", lambda r, *_: kappa_between_readers(r), readers=2),
    "mrmc": Analysis("With the model minus without it", lambda r, *_: generalisations(r), SESSIONS),
    "model_against_panel": Analysis("The model against the panel", lambda r, p, _: model_against_panel(r, p)),
    "power": Analysis("Power of the next study", lambda r, *_: next_study(r), SESSIONS, readers=2),
}
"""By the name of its table in a run. Notebook 05 shows these itself, with their arguments; one that is added here is
shown there in its last cell."""

SHOWN = tuple(ANALYSES)  # by the notebook's own cells

ANALYSES |= {
    "reader_auc": Analysis("AUC of each reader, without and with the model", lambda r, *_: reader_aucs(r), ()),
    "model_on_cases": Analysis(
        "The model on the readers' own cases",
        lambda r, _, threshold: model_on_cases(r, threshold=threshold),
        ("aided",),
    ),
    "time_and_confidence": Analysis("Time and confidence by session", lambda r, *_: time_and_confidence(r), ()),
}


def possible(readings: pd.DataFrame) -> list[str]:
    """Name the analyses that the readings allow, in the registry's order.

    Parameters
    ----------
    readings : DataFrame, the `readings` table.

    What it cannot see: readers, cases or answers that leave a statistic undefined; that is said by the analysis.
    """
    sessions, readers = set(readings.session), readings.reader.nunique()
    return [n for n, a in ANALYSES.items() if sessions >= set(a.sessions) and readers >= a.readers]


def added(readings: pd.DataFrame) -> dict[str, Analysis]:
    """Return the analyses that were added to those of the notebook, and that the readings allow."""
    return {name: ANALYSES[name] for name in possible(readings) if name not in SHOWN}
