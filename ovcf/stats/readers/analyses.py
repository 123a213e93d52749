"""The registry of analyses of a reader study: what each needs of the readings, and what makes its table."""

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from ovcf.problems import InputError
from ovcf.stats.readers.panel import model_against_panel
from ovcf.stats.readers.sessions import model_on_cases, reader_aucs, time_and_confidence
from ovcf.stats.readers.summaries import SESSIONS, generalisations, next_study
from ovcf.stats.readers.tables import ai_effect
from ovcf.stats.readers.tests import kappa_between_readers, mcnemar_by_reader


class Analysis(NamedTuple):
    """One analysis: its caption, what makes its table, and what it needs.

    `table`: of (readings, one network's predictions, the threshold from which that calls fresh); `sessions`: those that
    the readings must hold; `readers`: how many at least.
    """

    title: str
    table: Callable[[pd.DataFrame, pd.DataFrame, float], pd.DataFrame]
    sessions: tuple[str, ...] = ("unaided",)
    readers: int = 1


ANALYSES: dict[str, Analysis] = {
    "mcnemar": Analysis("Exact McNemar, aided against unaided", lambda r, *_: mcnemar_by_reader(r), SESSIONS),
    "ai_effect": Analysis("What the model's output did", lambda r, _, at: ai_effect(r, threshold=at), SESSIONS),
    "reader_kappa": Analysis("Agreement between readers", lambda r, *_: kappa_between_readers(r), readers=2),
    "mrmc": Analysis("With the model minus without it", lambda r, *_: generalisations(r), SESSIONS),
    "model_against_panel": Analysis("The model against the panel", lambda r, m, _: model_against_panel(r, m)),
    "power": Analysis("Power of the next study", lambda r, *_: next_study(r), SESSIONS, readers=2),
}
"""By the name of its table in a run. Notebook 05 shows these itself, with their arguments; one that is added here is
shown there in its last cell."""

SHOWN = tuple(ANALYSES)  # by the notebook's own cells

ANALYSES |= {
    "reader_auc": Analysis("AUC of each reader, without and with the model", lambda r, *_: reader_aucs(r), ()),
    "model_on_cases": Analysis(
        "The model on the readers' own cases", lambda r, _, at: model_on_cases(r, threshold=at), ("aided",)
    ),
    "time_and_confidence": Analysis("Time and confidence by session", lambda r, *_: time_and_confidence(r), ()),
}


def refused(readings: pd.DataFrame, model: pd.DataFrame, threshold: float = 0.5) -> dict[str, str]:
    """Name the analyses that the readings do not allow, each with the reason, in the registry's order.

    Each is tried: a design, a missing model's output or too few cases of a class forbid some and not others.

    Parameters
    ----------
    readings : DataFrame, the `readings` table. model : predictions of one network. threshold : called fresh from it.

    What it cannot see: readers, cases or answers that leave a statistic undefined; that is said by the analysis.
    """
    reasons = {name: _reason(analysis, readings, model, threshold) for name, analysis in ANALYSES.items()}
    return {name: reason for name, reason in reasons.items() if reason}


def possible(readings: pd.DataFrame, model: pd.DataFrame, threshold: float = 0.5) -> list[str]:
    """Name the analyses that the readings allow, in the registry's order; parameters as `refused`."""
    no = refused(readings, model, threshold)
    return [name for name in ANALYSES if name not in no]


def added(names: list[str]) -> dict[str, Analysis]:
    """Return those of some analyses that the notebook does not show in cells of their own."""
    return {name: ANALYSES[name] for name in names if name not in SHOWN}


def _reason(analysis: Analysis, readings: pd.DataFrame, model: pd.DataFrame, threshold: float) -> str:
    missing = [name for name in analysis.sessions if name not in set(readings.session)]
    if missing:
        return f"no session {' and '.join(missing)}"
    if readings.reader.nunique() < analysis.readers:
        return f"needs {analysis.readers} readers"
    try:
        analysis.table(readings, model, threshold)
    except InputError as error:
        return "; ".join(map(str, error.problems))
    return ""
