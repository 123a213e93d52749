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
AT_ONCE = 100  # resamples in memory together
SMOOTHING = 5.0  # patches' worth of overall prevalence mixed into each category's own
WORTH_A_WARNING = 0.60  # AUC from which a factor whose interval leaves out 0.5 is reported
# columns that are about the answer itself, or measured on the vertebra: no shortcut
_ANSWERS = re.compile(
    r"annotator|consensus|label|truth|normal_|height|p_fresh|predict|reader|confidence|fold|^image_",
    re.IGNORECASE,
)
_OURS = {"patch_id", "patient_id", "image", "label", "row", "x0", "y0", "x1", "y1", "region", "notes", "spacing_origin"}

_FILM = {
    "width": "film width (px)",
    "height": "film height (px)",
    "bits": "film bits",
    "kind": "file type",
    "mean": "film mean grey",
    "sd": "film contrast (SD of greys)",
    "manufacturer": "manufacturer",
    "model": "model of the device",
    "spacing_origin": "origin of the spacing",
}


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
    known |= {name: table[name] for name in table if name not in (*known, *_OURS) and not _ANSWERS.search(name)}
    found = [Factor(name, pd.Series(values)) for name, values in known.items()]
    size = {"patch width (px)": seen["width"], "patch height (px)": seen["height"]}
    return found + [Factor(name, values, anatomy=True) for name, values in size.items()]


def confounder_table(
    patches: pd.DataFrame, found: list[Factor], *, resamples: int = 1000, seed: int = 0
) -> pd.DataFrame:
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
        so by chance. The row called "all together" is a logistic regression on all of them but anatomy, out
        of fold by patient: what a model could score that never looks at a bone.

    What it cannot see: a shortcut that stands in the pixels only, or in a column the cohort does not bring.
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
    rows += _together(patches, found, truth, patient, resamples, seed) if len(rows) > 1 else []
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


def _together(patches, found, truth, patient, resamples: int, seed: int) -> list[tuple]:
    """The row of all factors together, or none where a fold would lack a class."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    number, columns = _columns([factor for factor in found if not factor.anatomy])
    folds = min(FOLDS, len(np.unique(patient)))
    if folds < 2 or not number:
        return []
    score, fold = np.zeros(len(truth)), np.zeros(len(truth), int)
    dealer = GroupKFold(folds, shuffle=True, random_state=seed)
    for k, (train, test) in enumerate(dealer.split(columns, groups=patient)):
        if truth[train].all() or not truth[train].any():
            return []
        model = LogisticRegression(max_iter=1000).fit(columns[train], truth[train])
        score[test], fold[test] = model.decision_function(columns[test]), k
    rng = np.random.default_rng(np.random.SeedSequence([seed, len(found)]))
    auc, draws = _auc(score, truth, patient, fold, resamples, rng)
    low, high = np.percentile(draws, [2.5, 97.5]) if len(draws) else (np.nan, np.nan)
    return [
        (
            "all together",
            "model",
            len(truth),
            0,
            auc,
            low,
            high,
            f"{number} factors, all but the patch's size",
            bool(auc >= WORTH_A_WARNING and low > 0.5),
        )
    ]


def _columns(found: list[Factor]) -> tuple[int, np.ndarray]:
    """How many factors can be used together, and their columns: ranks in [-1, 1], categories as 0/1."""
    columns = []
    for factor in found:
        kind, values = _as_numbers(factor.values)
        if kind == "number" and values.nunique() > 1:
            ranks = values.rank(pct=True)  # a typing mistake of 9e300 must not rule the rest
            columns.append((2 * ranks - 1).fillna(0).to_numpy()[:, None])
        elif kind == "category" and 1 < values.nunique() <= MOST_CATEGORIES:
            columns.append(pd.get_dummies(values, dummy_na=True).to_numpy(float))
    return len(columns), np.hstack(columns) if columns else np.empty((0, 0))


def _auc(score, truth, patient, fold, resamples: int, rng) -> tuple[float, np.ndarray]:
    """AUC over pairs within a fold, and its bootstrap draws over patients."""
    people = int(patient.max()) + 1
    share = np.full(people, 1 / people)
    draws = []
    for start in range(0, resamples + 1, AT_ONCE):
        times = rng.multinomial(people, share, size=min(AT_ONCE, resamples + 1 - start))  # (draws, people)
        if start == 0:
            times[0] = 1  # the cohort itself
        parts = [_pairs_won(score[fold == k], truth[fold == k], times[:, patient[fold == k]]) for k in np.unique(fold)]
        won, pairs = (sum(values) for values in zip(*parts, strict=True))
        draws.append(np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0))
    auc = np.concatenate(draws)
    return float(auc[0]), auc[1:][np.isfinite(auc[1:])]


def _pairs_won(score: np.ndarray, truth: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of (fresh, old) pairs in which fresh scores higher (ties half), and of all; a draw a row."""
    order = np.argsort(score, kind="stable")
    first = np.flatnonzero(np.diff(score[order], prepend=np.nan) != 0)  # where each distinct score begins
    times = times[:, order].astype(float)
    fresh = np.add.reduceat(times * truth[order], first, axis=1)  # (draws, distinct scores)
    old = np.add.reduceat(times * ~truth[order], first, axis=1)
    below = np.cumsum(old, 1) - old
    return (fresh * (below + old / 2)).sum(1), fresh.sum(1) * old.sum(1)


def _row(
    factor: Factor, kind: str, used, auc: float, draws: np.ndarray, values: pd.Series, truth, strictness: float
) -> tuple:
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
    table = pd.DataFrame({"value": values.to_numpy(), "fresh": truth}).groupby("value")["fresh"].agg(["sum", "size"])
    distance = (table["sum"] - truth.mean() * table["size"]).abs() / np.sqrt(table["size"])
    worst = table.loc[distance.idxmax()]
    return f"{str(distance.idxmax())[:40]}: {int(worst['sum'])} of {int(worst['size'])} fresh"
