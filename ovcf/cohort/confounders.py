"""What could predict the label without looking at the bone: age, sex, level, size, scanner, file type ...
each alone.

A network finds such a shortcut before it finds the fracture line, and then fails on the next hospital's
films.
"""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

FOLDS = 5
MOST_CATEGORIES = 30
SMOOTHING = 5.0  # patches' worth of overall prevalence mixed into each category's own
WORTH_A_WARNING = 0.60  # AUC from which a factor whose interval leaves out 0.5 is reported
# columns that are about the answer itself, or measured on the vertebra: no shortcut
_ANSWERS = re.compile(
    r"annotator|consensus|label|truth|normal_|height|p_fresh|predict|reader|confidence|fold|^image_",
    re.IGNORECASE,
)
_OURS = {"patch_id", "patient_id", "image", "label", "row", "x0", "y0", "x1", "y1", "region", "notes",
         "spacing_origin"}

_FILM = {"width": "film width (px)", "height": "film height (px)", "bits": "film bits", "kind": "file type",
         "mean": "film mean grey", "sd": "film contrast (SD of greys)", "manufacturer": "manufacturer",
         "model": "model of the device", "spacing_origin": "origin of the spacing"}


class Factor(NamedTuple):
    """One thing that may predict the label, a value a patch; `anatomy` where bone itself is part of it."""

    name: str
    values: pd.Series
    anatomy: bool = False


def factors(patches: pd.DataFrame, films: pd.DataFrame, seen: pd.DataFrame) -> list[Factor]:
    """All factors a cohort offers, from its table, its films (index: image) and its patches as seen."""
    film = films.reindex(patches["image"]).reset_index(drop=True)
    table = patches.reset_index(drop=True)
    known = {name: table[name] for name in ("age", "sex", "level", "mm_per_px") if name in table}
    known["mm_per_px known"] = np.where(table["mm_per_px"].notna(), "yes", "no")
    known |= {called: film[name] for name, called in _FILM.items()}
    known["file bytes per pixel"] = film["bytes"] / (film["width"] * film["height"])
    known["file folder"] = table["image"].str.rpartition("/")[0]
    known["patches on the film"] = table.groupby("image")["image"].transform("size")
    known |= {
        name: table[name] for name in table if name not in (*known, *_OURS) and not _ANSWERS.search(name)
    }
    found = [Factor(name, pd.Series(values)) for name, values in known.items()]
    size = {"patch width (px)": seen["width"], "patch height (px)": seen["height"]}
    return found + [Factor(name, values, anatomy=True) for name, values in size.items()]


def confounder_table(patches: pd.DataFrame, found: list[Factor], *, resamples: int = 1000, seed: int = 0):
    """AUC of each factor alone for fresh against old, with 95 % intervals that resample patients.

    Numbers are used by their rank; categories by the share of fresh among their other patients' patches
    (target encoding out of fold, 5 folds by patient, compared within folds only, so that a useless category
    scores 0.5).

    Returns
    -------
    DataFrame
        factor, kind ("number", "category"), n, missing, auc (numbers: the better of both directions), low,
        high (of the same direction), direction, suspicious. Sorted by AUC; factors with one value are left
        out. An AUC of 0.60 or more is suspicious when it stays above 0.5 by an interval widened for the
        number of factors (Bonferroni, from the bootstrap's SD, ddof 1): at 95 % one factor in twenty would be
        so by chance.
    """
    truth = (patches["label"] == "fresh").to_numpy()
    patient = pd.factorize(patches["patient_id"])[0]
    rows, strictness = [], norm.isf(0.025 / max(len(found), 1))
    for number, factor in enumerate(found):
        kind, values = _as_numbers(factor.values)
        used = pd.notna(values).to_numpy()
        values = values[used]
        if values.nunique() < 2 or truth[used].all() or not truth[used].any():
            continue
        rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
        score, fold = values.to_numpy(), np.zeros(len(values), int)
        if kind == "category":
            if not 1 < values.nunique() <= MOST_CATEGORIES:
                continue
            score, fold = _target_encoded(values, truth[used], patient[used], seed)
        auc, draws = _auc(np.asarray(score, float), truth[used], patient[used], fold, resamples, rng)
        rows.append(_row(factor, kind, used, auc, draws, values, truth[used], strictness))
    columns = ["factor", "kind", "n", "missing", "auc", "low", "high", "direction", "suspicious"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("auc", ascending=False, kind="stable", ignore_index=True)


def _as_numbers(values: pd.Series) -> tuple[str, pd.Series]:
    """The kind of a column, and its values with "" as missing; few whole numbers stay numbers."""
    if pd.api.types.is_bool_dtype(values):
        return "category", values.astype(str)
    if pd.api.types.is_numeric_dtype(values):
        return "number", values.astype(float)
    words = values.astype("string").str.strip()
    return "category", words.mask(words == "")


def _target_encoded(values: pd.Series, truth: np.ndarray, patient: np.ndarray, seed: int):
    """Share of fresh in each row's category among the other folds' patients, and the folds."""
    from sklearn.model_selection import GroupKFold

    folds = min(FOLDS, len(np.unique(patient)))
    codes, score, fold = pd.factorize(values)[0], np.full(len(values), 0.5), np.zeros(len(values), int)
    if folds < 2:
        return score, fold
    # Not stratified by label: folds that know the labels let a chance excess of fresh in a category show up
    # on both sides, and useless factors score 0.57. Where levels were balanced on purpose the score falls
    # below 0.5.
    dealer = GroupKFold(folds, shuffle=True, random_state=seed)
    for number, (train, test) in enumerate(dealer.split(codes, groups=patient)):
        counts = np.bincount(codes[train], minlength=codes.max() + 1)
        fresh = np.bincount(codes[train], weights=truth[train], minlength=codes.max() + 1)
        share = (fresh + SMOOTHING * truth[train].mean()) / (counts + SMOOTHING)
        score[test], fold[test] = share[codes[test]], number
    return score, fold


def _auc(score, truth, patient, fold, resamples: int, rng) -> tuple[float, np.ndarray]:
    """AUC over pairs within a fold, and its bootstrap draws over patients."""
    people = int(patient.max()) + 1
    weights = np.vstack(
        [np.ones(people), rng.multinomial(people, np.full(people, 1 / people), size=resamples)]
    )
    won, pairs = np.zeros(resamples + 1), np.zeros(resamples + 1)
    for number in np.unique(fold):
        part = fold == number
        a, b = _pairs_won(score[part], truth[part], weights[:, patient[part]])
        won, pairs = won + a, pairs + b
    with np.errstate(invalid="ignore"):
        auc = won / pairs
    return float(auc[0]), auc[1:][np.isfinite(auc[1:])]


def _pairs_won(score: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted number of (fresh, old) pairs in which fresh scores higher (ties half), and of all pairs."""
    rank, order = np.unique(score, return_inverse=True)
    fresh, old = (np.zeros((len(rank), len(weights))) for _ in range(2))
    np.add.at(fresh, order[truth], weights[:, truth].T)
    np.add.at(old, order[~truth], weights[:, ~truth].T)
    below = np.cumsum(old, 0) - old
    return (fresh * (below + old / 2)).sum(0), fresh.sum(0) * old.sum(0)


def _row(factor: Factor, kind: str, used, auc: float, draws: np.ndarray, values: pd.Series, truth,
         strictness: float) -> tuple:
    """One line of the table; numbers that run the other way are turned round."""
    low, high = np.percentile(draws, [2.5, 97.5]) if len(draws) else (np.nan, np.nan)
    if kind == "number":
        direction = "higher in fresh" if auc >= 0.5 else "higher in old"
        if auc < 0.5:
            auc, low, high = 1 - auc, 1 - high, 1 - low
    else:
        direction = _most_uneven(values, truth)
    spread = np.std(draws, ddof=1) if len(draws) > 1 else np.inf
    suspicious = bool(auc >= WORTH_A_WARNING and auc - strictness * spread > 0.5 and not factor.anatomy)
    return (factor.name, kind, int(used.sum()), int((~used).sum()), auc, low, high, direction, suspicious)


def _most_uneven(values: pd.Series, truth: np.ndarray) -> str:
    """The category whose share of fresh is farthest from the rest, in words."""
    table = (
        pd.DataFrame({"value": values.to_numpy(), "fresh": truth})
        .groupby("value")["fresh"]
        .agg(["sum", "size"])
    )
    distance = (table["sum"] - truth.mean() * table["size"]).abs() / np.sqrt(table["size"])
    worst = table.loc[distance.idxmax()]
    return f"{str(distance.idxmax())[:40]}: {int(worst['sum'])} of {int(worst['size'])} fresh"
