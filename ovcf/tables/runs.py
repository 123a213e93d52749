"""The tables of a comparison of runs, as printed: one row a run."""

import pandas as pd

from ovcf.stats.rates import METRICS
from ovcf.tables.show import MISSING, heading, with_interval
from ovcf.words import network_title, rounded

PAIRED = ("auc", "accuracy", "recall_fresh", "recall_old")


def metric_rows(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return one row a run: the chosen network and each metric as `estimate [low, high]`."""
    return _wide(metrics, ["run", "network"], tuple(METRICS))


def difference_rows(differences: pd.DataFrame) -> pd.DataFrame:
    """Return one row a run and network: patches shared, differences as `difference [low, high]`, p of the AUC."""
    rows = []
    keys = ["run", "against", "networks", "shared", "patches_here", "patches_there"]
    for (run, against, networks, shared, here, there), part in differences.groupby(keys, sort=False):
        of_all = "all" if shared == here == there else f"of {here} and {there}"
        row = {
            "run": run,
            "less": against,
            "network": networks or "no patch in common",
            "patches": f"{shared}, {of_all}",
        }
        by_metric = part.set_index("metric") if "metric" in part else pd.DataFrame()
        for metric in PAIRED:
            row[heading(metric, " (points)")] = MISSING
            if metric in by_metric.index:
                cell = by_metric.loc[metric]
                row[heading(metric, " (points)")] = with_interval(cell.difference, cell.low, cell.high, metric=metric)
        row["p of the AUC"] = by_metric.loc["auc", "p"] if "auc" in by_metric.index else float("nan")
        rows.append(row)
    return pd.DataFrame(rows)


def fold_rows(folds: pd.DataFrame) -> pd.DataFrame:
    """Return one row a run, one column a fold: AUC and number of patches."""
    texts = [MISSING if pd.isna(r.auc) else f"{rounded(r.auc, 3)} ({r.n})" for r in folds.itertuples()]
    cells = folds.assign(text=texts, column="fold " + folds.fold.astype(str))
    wide = cells.pivot(index="run", columns="column", values="text").reindex(folds.run.unique())
    return wide[list(dict.fromkeys(cells.column))].fillna(MISSING).reset_index()


def time_rows(times: pd.DataFrame) -> pd.DataFrame:
    """Return one row a run: seconds by notebook, to a tenth."""
    numbers = times.select_dtypes("number").columns
    return times.assign(**{name: [MISSING if pd.isna(t) else rounded(t, 1) for t in times[name]] for name in numbers})


def _wide(metrics: pd.DataFrame, keys: list[str], order: tuple[str, ...]) -> pd.DataFrame:
    texts = [with_interval(r.estimate, r.low, r.high, metric=r.metric) for r in metrics.itertuples()]
    wide = metrics.assign(text=texts).pivot(index=keys, columns="metric", values="text")
    wide = wide.reindex(metrics[keys].drop_duplicates().apply(tuple, axis=1))[list(order)].reset_index()
    return wide.assign(network=wide.network.map(network_title)).rename(columns={m: heading(m) for m in order})
