"""How far a network's numbers move when nothing changes but the seed of its training."""

import numpy as np
import pandas as pd
from scipy.stats import t

from ovcf.problems import InputError, Problem
from ovcf.stats.checks import ALIKE, check_predictions, need_columns
from ovcf.stats.rates import METRICS, rates


def seed_variation(*predictions: pd.DataFrame, threshold: float = 0.5, level: float = 0.95) -> pd.DataFrame:
    """Tabulate each metric over trainings that differ in their seed alone.

    Parameters
    ----------
    predictions : tables of one network under one split with a column `seed`, two seeds or more in all; every seed on
        the same patches.

    Returns
    -------
    DataFrame
        metric, seeds, which (in words), mean, sd_ddof1 (over seeds), least, most, low, high: Student's interval of the
        mean over seeds, the patients given, cut to [0, 1], NaN where all seeds gave the same. It says what luck in
        training is worth; not how other patients would do (`ovcf.stats.intervals`). Pooled metrics of each seed.
        Checked against literal means.

    Raises
    ------
    InputError
        What `check_predictions` refuses, one seed only, or seeds on different patches.

    What it cannot see: how other patients would do, or another recipe.
    """
    table = pd.concat(predictions, ignore_index=True)
    need_columns(table, ["seed"])
    parts = {seed: check_predictions(part, networks="one") for seed, part in table.groupby("seed")}
    if len(parts) < 2:
        raise InputError(Problem("seeds", "two seeds are needed", column="seed", found=", ".join(map(str, parts))))
    first = set(next(iter(parts.values()))["patch_id"])
    for seed, part in parts.items():
        if set(part["patch_id"]) != first:
            message = "this seed has other patches than the first"
            raise InputError(Problem("seeds", message, column="seed", found=str(seed)))
    values = pd.DataFrame([rates(part["truth"], part["p_fresh"], threshold) for part in parts.values()])[list(METRICS)]
    mean, sd, k = values.mean(), values.std(ddof=1), len(values)
    half = (t.ppf((1 + level) / 2, k - 1) * sd / np.sqrt(k)).where(sd > ALIKE)
    return pd.DataFrame(
        {"seeds": k, "which": ", ".join(map(str, parts)), "mean": mean, "sd_ddof1": sd,
         "least": values.min(), "most": values.max(),
         "low": (mean - half).clip(0, 1), "high": (mean + half).clip(0, 1)}
    ).rename_axis("metric").reset_index()  # fmt: skip
