"""Two versions of a network on the same patches: the paired difference, overall and in groups, patients as units."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ovcf.problems import InputError, Problem
from ovcf.stats.checks import check_inputs
from ovcf.stats.compare import z_interval
from ovcf.stats.roc import clustered_delong
from ovcf.stats.updating import mean_interval

ALL = "all"
ENDS = {"difference": "estimate", "low": "low", "high": "high"}
FEWEST = 20  # patches of each class below which an AUC is not compared


def paired_versions(
    first: pd.DataFrame,
    second: pd.DataFrame,
    group: ArrayLike | None = None,
    *,
    threshold: float = 0.5,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare two versions of a network, such as one for all regions with one for each, patch by patch.

    AUC by clustered DeLong (Obuchowski 1997); accuracy, recall_fresh and recall_old as mean paired differences with
    their linearised variance over patients and Student's t.

    Parameters
    ----------
    first, second : DataFrames with patch_id, patient_id, truth, p_fresh of the same patches, in any order.
    group : (n,) words in the order of `first`; the rows of each follow those of all patches.

    Returns
    -------
    DataFrame
        group, n, patients, fresh, metric, first, second, difference (second less first), low, high, p (AUC only).
        Groups with fewer than 20 patches of a class have no AUC. Checked against literal versions.

    Raises
    ------
    InputError
        Where the two tables hold different patches, or what `check_inputs` refuses.

    What it cannot see: how networks trained anew would differ; both are held fixed.
    """
    second = _same_order(first, second)
    truth = first["truth"].to_numpy().astype(bool)
    scores = np.stack([first["p_fresh"].to_numpy(float), second["p_fresh"].to_numpy(float)])
    patient = first["patient_id"].to_numpy()
    check_inputs(truth, scores, patient, probabilities=True)
    groups = {ALL: np.ones(truth.size, bool)}
    if group is not None:
        words = np.asarray(group, object)
        groups |= {str(word): words == word for word in pd.unique(words) if word}
    rows = []
    for name, of in groups.items():
        about = {
            "group": name,
            "n": int(of.sum()),
            "patients": len(np.unique(patient[of])),
            "fresh": int(truth[of].sum()),
        }
        rows += [about | row for row in _compared(truth[of], scores[:, of], patient[of], threshold, level)]
    return pd.DataFrame(rows)


def _compared(truth: NDArray, scores: NDArray, patient: NDArray, threshold: float, level: float) -> Iterator[dict]:
    """Rows of one group: AUC, then the rates that are defined."""
    if min(truth.sum(), (~truth).sum()) >= FEWEST:
        areas = clustered_delong(truth, scores, pd.factorize(patient)[0])
        variance = areas.covariance[0, 0] + areas.covariance[1, 1] - 2 * areas.covariance[0, 1]
        test = z_interval(areas.auc[1] - areas.auc[0], variance, level)
        yield {"metric": "auc", "first": areas.auc[0], "second": areas.auc[1], **test}
    right = (scores >= threshold) == truth
    for metric, of in (("accuracy", np.ones(truth.size, bool)), ("recall_fresh", truth), ("recall_old", ~truth)):
        if of.any():
            change = mean_interval(right[1, of].astype(float) - right[0, of], patient[of], level)
            shares = {"first": right[0, of].mean(), "second": right[1, of].mean()}
            ends = {name: np.clip(change[key], -1, 1) for name, key in ENDS.items()}
            yield {"metric": metric, **shares, **ends, "p": np.nan}


def _same_order(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """The second table in the order of the first's patches; a refusal where they are not the same."""
    lost = sorted(set(first["patch_id"]) ^ set(second["patch_id"]))
    if lost:
        found = ", ".join(map(str, lost[:5]))
        raise InputError(Problem("other_patches", "two versions are compared on the same patches", found=found))
    second = second.set_index("patch_id").loc[first["patch_id"]].reset_index()
    if (second["truth"].to_numpy() != first["truth"].to_numpy()).any():
        raise InputError(Problem("differs", "the truth of a patch differs between the two versions", column="truth"))
    return second
