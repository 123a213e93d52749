"""Predictions held against the run's own patches: the same vertebrae, patients, classes and folds.

A digest says that a file is the one that was written; this says that two files belong together, also in a run of the
first format, which kept no digests. It cannot see a probability that was changed; `ovcf verify` can.
"""

from pathlib import Path

import pandas as pd

from ovcf.problems import InputError, Problem

TRAINING = ["network", "split", "seed"]  # within each, a patch is predicted once
MOST = 20  # rows named of each kind


def check_agreement(predictions: pd.DataFrame, patches: pd.DataFrame, file: Path, *, whole: bool = True) -> None:
    """Refuse predictions that are not of these patches.

    Parameters
    ----------
    predictions : network, fold, patch_id, patient_id, truth and perhaps split, seed
    patches : patch_id, patient_id, label, fold, dealt under the predictions' split
    file : of the predictions, for messages
    whole : whether every patch must be there (not where one region was trained by itself)

    Raises
    ------
    InputError : with every row whose patch is unknown, twice there, or of another patient, class or fold, and with
        the patches that are missing.
    """
    problems = disagreements(predictions, patches, file, whole=whole)
    if problems:
        raise InputError(problems)


def disagreements(predictions: pd.DataFrame, patches: pd.DataFrame, file: Path, *, whole: bool = True) -> list[Problem]:
    """List what `check_agreement` refuses; rows are counted as an editor shows the file, the header being row 1."""
    mine = patches.set_index("patch_id")
    known = predictions.patch_id.isin(mine.index)
    expected = {
        "patient_id": predictions.patch_id.map(mine.patient_id),
        "truth": predictions.patch_id.map((mine.label == "fresh").astype(int)),
        "fold": predictions.patch_id.map(mine.fold),
    }
    keys = [name for name in TRAINING if name in predictions]
    twice = predictions.duplicated([*keys, "patch_id"])
    problems = _named(~known, predictions.patch_id, "no such patch in the run's patches", "patch_id", file)
    problems += _named(twice, predictions.patch_id, "this patch is predicted twice", "patch_id", file)
    for column, values in expected.items():
        other = known & (predictions[column] != values)
        words = "is not what tables/patches.csv of this run says"
        problems += _named(other, predictions[column], words, column, file, values)
    for key, part in predictions.groupby(keys, sort=False) if whole else ():
        missing = mine.index.difference(pd.Index(part.patch_id))
        if len(missing):
            which = ", ".join(map(str, key))
            words = f"{which}: {len(missing)} of the run's {len(mine)} patches have no prediction"
            problems.append(Problem("patches_missing", words, str(file), found=", ".join(missing[:3])))
    return problems


def _named(
    wrong: pd.Series, found: pd.Series, words: str, column: str, file: Path, allowed: pd.Series | None = None
) -> list[Problem]:
    """One problem a row, the first MOST of them."""
    rows = wrong.index[wrong.to_numpy()][:MOST]
    right = {row: None if allowed is None else str(allowed[row]) for row in rows}
    return [
        Problem("other_patches", words, str(file), row + 2, column, found=str(found[row]), allowed=right[row])
        for row in rows
    ]
