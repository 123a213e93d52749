"""Operating points on another cohort: thresholds carried over from the development, and chosen anew."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ovcf.stats.analytic import clustered_ratio, metric_ratios
from ovcf.stats.checks import check_inputs
from ovcf.stats.thresholds import other_folds_threshold, sensitivity_threshold, youden_threshold

Rule = Callable[[NDArray, NDArray], float]


def threshold_rules(threshold: float = 0.5, target_sensitivity: float = 0.9) -> dict[str, Rule]:
    """Return the rules by name: each takes truth (n,) and p_fresh (n,) and gives a threshold."""
    return {
        f"fixed {threshold:g}": lambda truth, p: threshold,
        "Youden": youden_threshold,
        f"sensitivity {target_sensitivity:g}": partial(sensitivity_threshold, target=target_sensitivity),
    }


def carried_thresholds(development: pd.DataFrame, rules: Mapping[str, Rule]) -> dict[str, float]:
    """Return the threshold that each rule gives on the development's out-of-fold predictions (truth, p_fresh)."""
    data = check_inputs(development["truth"], development["p_fresh"], probabilities=True)
    return {name: float(rule(data.truth, data.scores)) for name, rule in rules.items()}


def carried_over_points(
    elsewhere: pd.DataFrame,
    fold: ArrayLike,
    carried: Mapping[str, float],
    rules: Mapping[str, Rule],
    *,
    level: float = 0.95,
) -> pd.DataFrame:
    """Tabulate a model's rates on another cohort at thresholds that were not chosen on the patches they are applied to.

    Parameters
    ----------
    elsewhere : DataFrame with truth, p_fresh, patient_id.
    fold : (n,) whole patients together (`ovcf.stats.updating.deal_patients`): a threshold that is chosen anew comes
    from
        the other folds.
    carried : rule to the threshold that the development gave (`carried_thresholds`).
    rules : as `threshold_rules` gives them.

    Returns
    -------
    DataFrame
        rule, chosen_on ("the development" or "this cohort, other folds"; "nothing" for a fixed one, which stands once),
        threshold_min, threshold_max, metric, estimate, low, high; intervals clustered by patient, given the thresholds.

    Raises
    ------
    InputError
        What `check_inputs` refuses.

    What it cannot see: how a threshold would move with another development cohort.
    """
    data = check_inputs(elsewhere["truth"], elsewhere["p_fresh"], elsewhere["patient_id"], probabilities=True)
    rows = []
    for name, rule in rules.items():
        fixed = name.startswith("fixed")
        at = np.full(data.truth.size, carried[name])
        rows += _rates(name, "nothing" if fixed else "the development", at, data, level)
        if not fixed:
            anew = other_folds_threshold(data.truth, data.scores, fold, rule)
            rows += _rates(name, "this cohort, other folds", anew, data, level)
    return pd.DataFrame(rows)


def _rates(name, chosen_on, thresholds, data, level) -> list[dict]:
    """Rows of every rate at each patch's threshold."""
    rows = []
    for metric, (above, below) in metric_ratios(data.truth, data.scores >= thresholds).items():
        rate = clustered_ratio(above, below, data.patient, level)
        rows.append(
            {
                "rule": name,
                "chosen_on": chosen_on,
                "threshold_min": thresholds.min(),
                "threshold_max": thresholds.max(),
                "metric": metric,
                "estimate": rate.estimate,
                "low": rate.low,
                "high": rate.high,
            }
        )
    return rows
