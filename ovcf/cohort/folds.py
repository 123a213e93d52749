"""Deal vertebrae to folds: by patient, stratified by label (the default), or by patch."""

import warnings

import numpy as np
import pandas as pd

from ovcf.problems import InputError, Problem
from ovcf.words import LABELS


def assign_folds(patches: pd.DataFrame, *, folds: int = 5, split: str = "patient", seed: int = 0) -> np.ndarray:
    """Return the fold (1 to `folds`) of every row of the patches table.

    Parameters
    ----------
    patches
        Needs `label` ("fresh" or "old") and, for `split="patient"`, `patient_id`.
    split
        "patient" keeps all vertebrae of a patient in one fold and balances the classes as far as that allows
        (scikit-learn's StratifiedGroupKFold). "patch" deals each class by itself, whoever the patient. The
        paper does not say how it dealt; its fold sizes (145, 144, 144, 144, 143 for 364 fresh and 356 old) follow
        from this way, and can from others.
    seed
        Same seed, same folds; the order of the rows matters, the index does not.

    Returns
    -------
    int array (n,)

    Raises
    ------
    InputError
        When there are too few patients, or any fold would lack a class; says the counts.
    """
    label = patches["label"].to_numpy(dtype=object)
    _check_counts(patches, label, folds, split)
    if split == "patient":
        fold = _by_patient(label, patches["patient_id"].to_numpy(dtype=object), folds, seed)
    else:
        fold = _by_patch(label, folds, seed)
    _check_folds(fold, label, folds, split)
    return fold


def fold_table(patches: pd.DataFrame, fold: np.ndarray) -> pd.DataFrame:
    """Count vertebrae, classes and patients of each fold: one row a fold."""
    table = patches[["label", "patient_id"]].assign(fold=fold, n=1)
    for name in LABELS:
        table[name] = (table["label"] == name).astype(int)
    sums = table.groupby("fold")[["n", *LABELS]].sum()
    return sums.assign(patients=table.groupby("fold")["patient_id"].nunique()).reset_index()


def _by_patch(label: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Shuffle each class and cut it into equal runs, the longer ones first."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, folds]))
    fold = np.zeros(len(label), dtype=int)
    for name in LABELS:
        runs = np.array_split(rng.permutation(np.flatnonzero(label == name)), folds)
        for number, run in enumerate(runs, start=1):
            fold[run] = number
    return fold


def _by_patient(label: np.ndarray, patient: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Deal whole patients so that each fold's classes come out as even as they can."""
    from sklearn.model_selection import StratifiedGroupKFold

    fold = np.zeros(len(label), dtype=int)
    dealer = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of small classes; `_check_folds` refuses what matters
        for number, (_, test) in enumerate(dealer.split(label, label == "fresh", groups=patient), start=1):
            fold[test] = number
    return fold


def _check_counts(patches: pd.DataFrame, label: np.ndarray, folds: int, split: str) -> None:
    """Refuse what no dealing can mend, all reasons at once."""
    problems = []
    if split not in ("patient", "patch"):
        problems += [Problem("split", "unknown way to split", found=str(split), allowed="patient, patch")]
    if isinstance(folds, bool) or not isinstance(folds, int | np.integer) or folds < 2:
        problems += [Problem("folds", "folds must be a whole number", found=str(folds), allowed="2 or more")]
        raise InputError(problems)
    unknown = sorted(set(map(str, label)) - set(LABELS))
    if unknown:
        problems += [Problem("label", "unknown label", found=", ".join(unknown[:5]), allowed="fresh, old")]
    for name in LABELS:
        count = int((label == name).sum())
        unit = "vertebra" if count == 1 else "vertebrae"
        if count < folds:
            problems += [
                Problem(
                    "too_few",
                    f"{folds} folds need at least {folds} {name} vertebrae; "
                    f"there {'is' if count == 1 else 'are'} {count} {unit}",
                )
            ]
        elif split == "patient":
            patients = patches.loc[label == name, "patient_id"].nunique()
            if patients < folds:
                problems += [
                    Problem(
                        "too_few",
                        f"{folds} folds by patient need {name} vertebrae of at least "
                        f"{folds} patients; the {count} here are of {patients}",
                    )
                ]
    if problems:
        raise InputError(problems)


def _check_folds(fold: np.ndarray, label: np.ndarray, folds: int, split: str) -> None:
    """Refuse a dealing that leaves a fold without a class (a few patients may hold most vertebrae)."""
    problems = []
    for number in range(1, folds + 1):
        counts = {name: int(((fold == number) & (label == name)).sum()) for name in LABELS}
        if not all(counts.values()):
            text = " and ".join(f"{count} {name}" for name, count in counts.items())
            problems += [
                Problem(
                    "fold_lacks_class",
                    f"fold {number} of {folds} (split {split}) would hold {text}; take fewer folds or another seed",
                )
            ]
    if problems:
        raise InputError(problems)
