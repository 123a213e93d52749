"""What a network got right and wrong, one row a patch: the table behind the browser and the static gallery.

Arrays and tables only: nothing here draws, so notebooks, tests and the widgets share the same filters.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

OUTCOMES = ("FN", "FP", "TP", "TN")
AGREEMENTS = ("any", "all right", "some wrong", "most wrong", "all wrong")
ORDERS = {
    "loss": "loss of the chosen network",
    "confidence": "confidence of the chosen network",
    "disagreement": "disagreement between networks",
    "networks_wrong": "number of networks wrong",
    "label_error": "suspected label error",
    "likeness": "likeness to a patch of another film",
    "p_fresh": "probability of fresh",
    "row": "order in the cohort",
}
_SEARCHED = (
    "patch_id", "patient_id", "level", "region", "label", "fold", "age", "sex", "annotator_a_label",
    "annotator_b_label", "image", "outcome", "called",
)  # fmt: skip
_PREFIX = "p_fresh_"


def browse_table(
    patches: pd.DataFrame, predictions: pd.DataFrame, network: str = "", *, threshold: float
) -> pd.DataFrame:
    """Join patches with what the networks said of them, as seen from one network.

    Parameters
    ----------
    patches : DataFrame
        The cohort's patches; the position of a row is the position of its image.
    predictions : DataFrame
        `network`, `patch_id`, `p_fresh` of one split; several seeds of a network are averaged.
    network : str, optional
        The network whose outcomes are wanted; by default the first in `predictions`.
    threshold : float
        The run's: a patch is called fresh from this probability on.

    Returns
    -------
    DataFrame
        One row for each patch that has a prediction of `network`, in the order of `patches`: all columns of
        `patches`, and `row` (position of its image), `network`, `threshold`, `truth` (1 fresh), `p_fresh`, `called`,
        `outcome` (TP: fresh, called fresh; FN; TN; FP), `loss` (cross-entropy in nats), `confidence` (0 undecided,
        at a probability of 0.5, to 1 certain), `label_error` (0 to 1), `disagreement` (largest minus smallest
        probability of all networks), `networks_wrong` of `networks_asked`, `annotators_disagree`, and
        `p_fresh_<network>` of every one.

    Raises
    ------
    ValueError
        When there is no prediction of that network.
    """
    asked = network_probabilities(predictions)
    network = network or str(predictions["network"].iloc[0])
    if network not in asked:
        raise ValueError(f"no predictions of network {network!r}; there are those of {', '.join(asked)}")
    table = patches.reset_index(drop=True)
    table = table.drop(columns=[c for c in ("row", "network", "threshold") if c in table])
    table.insert(0, "row", np.arange(len(table)))
    every = asked.reindex(table["patch_id"].astype(str)).to_numpy()  # (patches, networks)
    table = pd.concat([table, pd.DataFrame(every, columns=[_PREFIX + n for n in asked])], axis=1)
    table = table.assign(network=network, threshold=float(threshold))
    table = table.assign(**_judged(table, every, asked.columns.get_loc(network)))
    return table[table["p_fresh"].notna()].reset_index(drop=True)


def network_probabilities(predictions: pd.DataFrame) -> pd.DataFrame:
    """Probability of fresh, patches down and networks across in the order they were trained."""
    groups = predictions.groupby(["patch_id", "network"], sort=False, observed=True)
    means = groups["p_fresh"].mean().unstack()
    means.index = means.index.astype(str)
    return means[list(dict.fromkeys(predictions["network"]))]


def networks_of(table: pd.DataFrame) -> list[str]:
    """The networks whose probabilities a browse table holds."""
    return [c.removeprefix(_PREFIX) for c in table.columns if c.startswith(_PREFIX)]


def as_seen_by(table: pd.DataFrame, network: str) -> pd.DataFrame:
    """The same browse table from another network's side, without going back to the predictions."""
    every = table[[_PREFIX + n for n in networks_of(table)]].to_numpy()
    seen = table.assign(network=network, **_judged(table, every, networks_of(table).index(network)))
    return seen[seen["p_fresh"].notna()].reset_index(drop=True)


def outcome_of(truth: ArrayLike, p_fresh: ArrayLike, threshold: ArrayLike) -> NDArray:
    """TP, FN, TN or FP of each probability; one of the threshold itself is called fresh."""
    truth, called = np.asarray(truth) == 1, np.asarray(p_fresh) >= np.asarray(threshold)
    return np.select([truth & called, truth & ~called, ~truth & called], ["TP", "FN", "FP"], "TN")


class Conditions(NamedTuple):
    """What the rows of a browse table are to meet; an empty condition keeps all.

    outcomes, levels, regions, folds : sequences
        Allowed values; for `levels` and `regions`, "unknown" stands for an empty one.
    patient : str
        Exactly this patient.
    p_range : (float, float)
        Smallest and largest probability of fresh by the chosen network, both included.
    agreement : {"any", "all right", "some wrong", "most wrong", "all wrong"}
        How many of the networks are wrong.
    annotators : {"any", "disagree", "agree"}
        Whether the two annotators gave different labels.
    search : str
        Words that must all occur in what is shown of a patch, whichever columns, in any case.
    """

    outcomes: Sequence[str] = ()
    levels: Sequence[str] = ()
    regions: Sequence[str] = ()
    folds: Sequence[int] = ()
    patient: str = ""
    p_range: tuple[float, float] = (0.0, 1.0)
    agreement: str = "any"
    annotators: str = "any"
    search: str = ""


def filter_rows(table: pd.DataFrame, wanted: Conditions) -> pd.DataFrame:
    """Keep the rows of a browse table that meet every condition."""
    keep = np.ones(len(table), bool)
    among = {"outcome": wanted.outcomes, "level": wanted.levels, "region": wanted.regions, "fold": wanted.folds}
    for column, allowed in among.items():
        if len(allowed) and column in table:
            keep &= table[column].isin(["" if a == "unknown" else a for a in allowed]).to_numpy()
    low, high = wanted.p_range
    keep &= table["p_fresh"].between(low, high).to_numpy()
    if wanted.patient:
        keep &= (table["patient_id"].astype(str) == str(wanted.patient)).to_numpy()
    if wanted.annotators != "any":
        keep &= (table["annotators_disagree"] == (wanted.annotators == "disagree")).to_numpy()
    keep &= _agreement(table, wanted.agreement)
    return _searched(table[keep], wanted.search)


def sort_rows(table: pd.DataFrame, by: str = "loss", *, ascending: bool = False) -> pd.DataFrame:
    """Order a browse table by one of `ORDERS`; equal rows stay in the order of the cohort."""
    if by not in ORDERS:
        raise ValueError(f"cannot sort by {by!r}; allowed: {', '.join(ORDERS)}")
    return table.sort_values(by, ascending=ascending, kind="stable")


def mistakes_first(table: pd.DataFrame, *, limit: int = 160, right: int = 16) -> pd.DataFrame:
    """The patches worth showing when not all can be: the chosen network's worst mistakes, then other
    networks' mistakes, then a few that everyone had right (half of each class, the least certain first)."""
    wrong = sort_rows(table[table["outcome"].isin(["FN", "FP"])])
    others = table[(table["networks_wrong"] > 0) & table["outcome"].isin(["TP", "TN"])]
    others = sort_rows(others, "networks_wrong")
    sure = sort_rows(table[table["networks_wrong"] == 0], "confidence", ascending=True)
    sure = pd.concat([sure[sure["truth"] == t].head((right + 1) // 2) for t in (1, 0)])
    room = max(limit - len(sure), 0)
    return pd.concat([pd.concat([wrong, others]).head(room), sure]).head(limit)


def _judged(table, every, which) -> dict:
    """Columns that follow from the probabilities (patches, networks) seen from the network at `which`."""
    truth, threshold = (table["label"] == "fresh").to_numpy().astype(int), table["threshold"].to_numpy()
    p = every[:, which]
    p_truth = np.where(truth == 1, p, 1 - p)
    known = ~np.isnan(every)
    wrong = known & ((every >= threshold[:, None]) != (truth[:, None] == 1))
    filled = np.where(known, every, p[:, None])  # a network that was not asked does not disagree
    return {
        "truth": truth,
        "p_fresh": p,
        "called": np.where(p >= threshold, "fresh", "old"),
        "outcome": outcome_of(truth, p, threshold),
        # clipped so that a certain mistake sorts first instead of being infinite
        "loss": -np.log(np.clip(p_truth, 1e-12, 1.0)),
        "confidence": np.abs(2 * p - 1),
        "disagreement": filled.max(1) - filled.min(1),
        "networks_wrong": wrong.sum(1),
        "label_error": _label_error(every, truth),
        "networks_asked": known.sum(1),
        "annotators_disagree": _annotators_disagree(table),
    }


def _label_error(every: NDArray, truth: NDArray) -> NDArray:
    """How little the label is believed: 1 less the mean out-of-fold probability of the label given (self-confidence).

    Northcutt et al. (2021), "Confident learning", rank suspected label errors by it; here over all networks asked.
    """
    known = ~np.isnan(every)
    believed = np.where(known, np.where(truth[:, None] == 1, every, 1 - every), 0.0).sum(1)
    return np.where(known.any(1), 1 - believed / np.maximum(known.sum(1), 1), np.nan)


def _annotators_disagree(table) -> np.ndarray:
    """True where both annotators gave a label and the labels differ; False where nothing is known."""
    if not {"annotator_a_label", "annotator_b_label"} <= set(table.columns):
        return np.zeros(len(table), bool)
    a, b = (table[c].fillna("").astype(str) for c in ("annotator_a_label", "annotator_b_label"))
    return ((a != "") & (b != "") & (a != b)).to_numpy()


def _agreement(table, agreement) -> np.ndarray:
    """Which rows have the wanted share of networks wrong."""
    wrong, asked = table["networks_wrong"].to_numpy(), table["networks_asked"].to_numpy()
    conditions = {
        "any": wrong >= 0,
        "all right": wrong == 0,
        "some wrong": (wrong > 0) & (wrong < asked),
        "most wrong": 2 * wrong > asked,
        "all wrong": wrong == asked,
    }
    if agreement not in conditions:
        raise ValueError(f"agreement is {agreement!r}; allowed: {', '.join(AGREEMENTS)}")
    return conditions[agreement]


def _searched(table, search) -> pd.DataFrame:
    """Rows in which every word of `search` occurs, taken literally."""
    words = str(search).casefold().split()
    if not words or table.empty:
        return table
    columns = [c for c in _SEARCHED if c in table]
    text = table[columns[0]].astype(str)
    for column in columns[1:]:
        text = text + "\n" + table[column].astype(str)
    text = text.str.casefold()
    keep = np.logical_and.reduce([text.str.contains(word, regex=False).to_numpy() for word in words])
    return table[keep]
