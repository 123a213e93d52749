"""How far two annotators agree before they sit down together: labels, levels, boxes, films left out.

Every measure has a 95 % interval that resamples patients, since vertebrae of one patient are not independent. The
annotators' classes need not be the same: every word that either used is a class, and nothing is left out for it.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ovcf.annotation.pairs import FilmPair, Pair, shift_of
from ovcf.intake.annotators import cohens_kappa, observed_agreement, per_patient, resample

COLUMNS = ["measure", "value", "low", "high", "n", "patients", "interval"]
INTERVAL = "bootstrap of patients, percentile"
NOT_SAID = "not said"


def agreement_table(films: Sequence[FilmPair], *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Return the agreement of two annotators, a row a measure.

    Parameters
    ----------
    films : as `pair_up` gives them; only those that both called done count.
    resamples, seed : of the bootstrap over patients.

    Returns
    -------
    DataFrame
        measure, value, low, high, n, patients, interval. Vertebrae marked by both of those marked by either; observed
        agreement and Cohen's kappa (1960) of the label over every class that either used, and of the level; the same
        level; the mean IoU of boxes; films left out by both or by neither. A kappa where both said one and the same
        word throughout is NaN; a table of no film is empty.
    """
    done = [film for film in films if all(film.is_done)]
    kept = [film for film in done if not any(film.exclusions)]
    pairs = [pair for film in kept for pair in film.pairs]
    both = [pair for pair in pairs if pair.a and pair.b]
    rng = np.random.default_rng(np.random.SeedSequence([seed, 16]))
    rows = [
        *_shares("vertebrae marked by both, of those marked by either", pairs, [bool(p.a and p.b) for p in pairs]),
        *_shares("same level", both, [p.a.level == p.b.level for p in both]),
        *_words("level", both, [(p.a.level, p.b.level) for p in both]),
        *_words("label", both, [(p.a.label, p.b.label) for p in both]),
        *_shares("mean IoU of boxes", both, [p.iou for p in both]),
        *_shares("same answer on whether, and why, a film is left out", done, [not f.differs for f in done]),
    ]
    return pd.DataFrame([_estimate(*row, resamples, rng) for row in rows], columns=COLUMNS)


def shifts(films: Sequence[FilmPair]) -> pd.DataFrame:
    """Return the films on which one annotator counts the levels otherwise than the other: film, patient_id, levels."""
    rows = [(film.film, film.patient_id, by) for film in films if (by := shift_of(film.pairs))]
    return pd.DataFrame(rows, columns=["film", "patient_id", "levels"])


# Beneath ------------------------------------------------------------------------------------------------------


def _shares(measure: str, items: Sequence[Pair | FilmPair], values: Sequence[float]) -> list[tuple]:
    """A mean over items: sums and counts per patient."""
    if not items:
        return []
    sums = per_patient(pd.Series([i.patient_id for i in items]), np.column_stack([values, np.ones(len(items))]))
    return [(measure, sums.astype(float), lambda s: s[..., 0] / s[..., 1], len(items))]


def _words(what: str, pairs: Sequence[Pair], said: Sequence[tuple[str, str]]) -> list[tuple]:
    """Observed agreement and kappa of what two said, over every word that either used."""
    said = [(one or NOT_SAID, other or NOT_SAID) for one, other in said]
    words = sorted({word for both in said for word in both})
    if not words:
        return []
    k = len(words)
    cells = np.array([k * words.index(one) + words.index(other) for one, other in said])
    sums = per_patient(pd.Series([pair.patient_id for pair in pairs]), np.eye(k * k)[cells])
    same = [] if what == "level" else [(f"same {what}", sums, observed_agreement, len(pairs))]
    return [*same, (f"Cohen's kappa of the {what} ({k} classes)", sums, cohens_kappa, len(pairs))]


def _estimate(measure: str, sums: NDArray, of: object, n: int, resamples: int, rng: np.random.Generator) -> tuple:
    """A row: the estimate, and the percentile interval of the draws that are defined."""
    draws = np.asarray(of(resample(sums, resamples, rng)))
    draws = draws[np.isfinite(draws)]
    low, high = np.percentile(draws, [2.5, 97.5]) if len(draws) else (np.nan, np.nan)
    return measure, float(of(sums.sum(0))), float(low), float(high), n, len(sums), INTERVAL
