"""How far numbers move with the seed of training, as printed: within a run, and over runs of a comparison."""

import pandas as pd

from ovcf.stats.rates import METRICS
from ovcf.tables.show import brackets, heading, mean_sd, value


def seed_table(moved: pd.DataFrame) -> pd.DataFrame:
    """Return one row a metric: how many trainings, mean ± SD over them, the interval of the mean, least and greatest.

    Parameters
    ----------
    moved : DataFrame of `ovcf.stats.seeds.seed_variation`.
    """
    rows = list(moved.rename(columns={"mean": "average"}).itertuples(index=False))
    return pd.DataFrame(
        {
            "of": [heading(r.metric) for r in rows],
            "trainings": moved.seeds,
            "mean ± SD": [mean_sd(r.average, r.sd_ddof1, metric=r.metric) for r in rows],
            "mean [95 % interval over seeds]": [
                f"{value(r.average, r.metric)} {brackets(r.low, r.high, r.metric)}" for r in rows
            ],
            "least": [value(r.least, r.metric) for r in rows],
            "most": [value(r.most, r.metric) for r in rows],
        }
    )


def seed_rows(seeds: pd.DataFrame) -> pd.DataFrame:
    """Return one row a recipe: the seeds by number, each metric as mean ± SD."""
    cells = seeds.assign(text=[mean_sd(r.mean, r.sd_ddof1, metric=r.metric) for r in seeds.itertuples(index=False)])
    wide = cells.pivot(index=["group", "seeds", "which"], columns="metric", values="text")[list(METRICS)].reset_index()
    wide["seeds"] = wide.seeds.astype(str) + ": " + wide.which
    return wide.drop(columns="which").rename(columns={"group": "runs", **{m: heading(m) for m in METRICS}})
