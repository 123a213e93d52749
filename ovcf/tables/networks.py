"""The tables of notebooks 03 and 04 as printed: Tables 2 and 3 beside the paper's, intervals, comparisons."""

import pandas as pd

from ovcf.audit import recovered_rates
from ovcf.audit.published import paper_table, paper_wide
from ovcf.models.catalogue import describe_training
from ovcf.stats.compare import compare_networks
from ovcf.stats.intervals import fold_intervals, metric_intervals
from ovcf.stats.rates import METRICS, fold_table, summary_table
from ovcf.stats.subgroups import subgroup_table
from ovcf.tables.show import METRIC_NAMES, MISSING, beside_paper, mean_sd, with_interval
from ovcf.words import network_title, networks_in_order

# The paper's spelling of the networks' names
PAPER_ROWS = {
    "AlexNet": "alexnet",
    "Vgg16": "vgg16",
    "GoogleNet": "googlenet",
    "ResNet50": "resnet50",
    "ResNet101": "resnet101",
}
FOLD_MEAN = "auc_fold_mean"
# Grouping to the column it comes from
SUBGROUPS = {"region": "level", "level": "level", "sex": "sex", "age_group": "age", "normal_height": "normal_height"}


def recipes(networks, weights: str, trainable: str) -> pd.DataFrame:
    """Say for each network where its weights came from, what was frozen and what trained."""
    rows = [(network_title(n), describe_training(n, weights, trainable)) for n in networks]
    return pd.DataFrame(rows, columns=["network", "weights and training"])


def recipe_of(study) -> str:
    """Say in a few words how the chosen network was trained, for titles."""
    return describe_training(study.chosen, study.parameters["weights"], study.parameters["trainable"])


def table2(predictions: pd.DataFrame, *, replicates: int, seed: int) -> pd.DataFrame:
    """Return each metric's mean over folds, its SD (ddof 1) and the mean's patient-clustered interval, as numbers."""
    means = summary_table(fold_table(predictions), ddof=1)
    options = {"average": "folds", "replicates": replicates, "seed": seed}
    intervals = [
        metric_intervals(mine, **options).assign(network=network)
        for network, mine in predictions.groupby("network", sort=False)
    ]
    columns = ["network", "metric", "low", "high", "method"]
    return means.merge(pd.concat(intervals)[columns], on=["network", "metric"], how="left", validate="one_to_one")


def table2_beside_paper(table: pd.DataFrame) -> pd.DataFrame:
    """Return `table2` as printed text, the paper's row beneath each of ours; networks in the paper's order."""
    cells = table.assign(text=[_mean_cell(row) for row in table.to_dict("records")])
    ours = cells.pivot(index="network", columns="metric", values="text")
    ours = ours.reindex(networks_in_order(ours.index))[list(METRICS)]
    printed = paper_wide(2).rename(index=PAPER_ROWS)
    return _named(beside_paper(ours, printed.loc[printed.index.isin(ours.index)]))


def all_intervals(predictions: pd.DataFrame, *, replicates: int, seed: int) -> pd.DataFrame:
    """Return pooled metrics of every network with patient-clustered BCa intervals (see `metric_intervals`)."""
    tables = [
        intervals_of(mine, replicates=replicates, seed=seed).assign(network=network)
        for network, mine in predictions.groupby("network", sort=False)
    ]
    return pd.concat(tables, ignore_index=True)


def intervals_of(predictions: pd.DataFrame, *, replicates: int, seed: int) -> pd.DataFrame:
    """Return pooled metrics of one network with patient-clustered intervals."""
    return metric_intervals(predictions, replicates=replicates, seed=seed)


def interval_table(intervals: pd.DataFrame) -> pd.DataFrame:
    """Return one row a network, one column a metric, as `estimate [low, high]`."""
    cells = intervals.assign(text=_texts(intervals))
    wide = cells.pivot(index="network", columns="metric", values="text")
    columns = [*METRICS, *([FOLD_MEAN] if FOLD_MEAN in wide else [])]
    wide = wide.reindex(networks_in_order(wide.index))[columns]
    return _named(wide)


def interval_methods(intervals: pd.DataFrame) -> pd.DataFrame:
    """Return one network's metrics with the clustered interval, and the interval patches as units would give."""
    naive = intervals.rename(columns={"unclustered_low": "lo", "unclustered_high": "hi"})
    return pd.DataFrame(
        {
            "metric": [_metric_name(m) for m in intervals.metric],
            "estimate [95 % interval, patients as units]": _texts(intervals),
            "if patches were independent": [
                with_interval(r.estimate, r.lo, r.hi, metric=r.metric) for r in naive.itertuples()
            ],
            "method": intervals.method,
        }
    )


def table3(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return counts and metrics of each fold of one network, as numbers."""
    return fold_table(predictions)


def table3_beside_paper(predictions: pd.DataFrame, *, replicates: int, seed: int) -> pd.DataFrame:
    """Return Table 3 as text with clustered intervals: folds and average, the paper's ResNet101 beneath ours."""
    folds = fold_intervals(predictions, replicates=replicates, seed=seed)
    cells = folds.assign(text=_texts(folds), row="Fold " + folds.fold.astype(str))
    ours = cells.pivot(index="row", columns="metric", values="text").reindex(cells.row.unique())[list(METRICS)]
    average = table2(predictions, replicates=replicates, seed=seed).set_index("metric")
    ours.loc["Average"] = {m: _mean_cell({"metric": m, **average.loc[m]}) for m in METRICS}
    printed = paper_wide(3)
    return _named(beside_paper(ours, printed.loc[printed.index.isin(ours.index)]))


def _mean_cell(row: dict) -> str:
    """`75.69 ± 2.08 [72.1, 79.0]`."""
    interval = with_interval(row["mean"], row["low"], row["high"], metric=row["metric"])
    return mean_sd(row["mean"], row["sd_ddof1"], metric=row["metric"]) + interval[interval.find(" ") :]


def paper_counts(number: int) -> pd.DataFrame:
    """Return the confusion matrices behind the paper's printed digits and the rates that follow (notebook 06)."""
    found = recovered_rates().query("table == @name", local_dict={"name": f"Table {number}"})
    return counts_shown(found.drop(columns="table"))


def counts_shown(rates: pd.DataFrame) -> pd.DataFrame:
    """Return recovered rates (`recovered_rates`) as printed: a dash where nothing can be said."""
    return rates.drop(columns="unique").replace({"": MISSING})


def paper_auc() -> pd.Series:
    """Return the AUCs printed in Table 2 by network."""
    table = paper_table(2).query("column == 'auc'").set_index("row").value
    return table.rename(index=PAPER_ROWS)


def comparisons(predictions: pd.DataFrame, chosen: str) -> pd.DataFrame:
    """Return every test of the chosen network against each other (`ovcf.stats.compare.compare_networks`)."""
    return compare_networks(predictions, versus=chosen)


def comparison_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the comparisons with differences and intervals as text and printed names of networks."""
    names = [" - ".join(map(network_title, pair.split(" - "))) for pair in table.networks]
    return pd.DataFrame(
        {
            "test": table.test,
            "whose": table.whose,
            "of": table.metric.map(_metric_name).str.replace(" (%)", ", points"),
            "networks": names,
            "difference [95 % interval]": [
                with_interval(r.difference, r.low, r.high, metric=r.metric) for r in table.itertuples()
            ],
            "p": table.p,
            "p_holm": table.p_holm,
            "what it answers": table.question,
        }
    ).set_index(["what it answers", "test", "whose", "of"])


def subgroups(predictions: pd.DataFrame, patches: pd.DataFrame) -> pd.DataFrame:
    """Return the AUC of every subgroup the cohort has the columns for (`ovcf.stats.subgroups`)."""
    known = [by for by, column in SUBGROUPS.items() if _has_groups(patches, column)]
    tables = [subgroup_table(predictions, patches, by, metrics=("auc",)) for by in known]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["by", "estimate", "tested"])


def subgroup_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the subgroups as text, the test of interaction once per grouping."""
    return pd.DataFrame(
        {
            "by": table.by.str.replace("_", " "),
            "group": table.group,
            "patches": table.n,
            "patients": table.patients,
            "fresh": table.fresh,
            "AUC [95 % interval]": [with_interval(r.estimate, r.low, r.high, metric="auc") for r in table.itertuples()],
            "p_interaction": table.p_interaction.where(table.by != table.by.shift()),
        }
    )


def operating_table(points: pd.DataFrame) -> pd.DataFrame:
    """Return one row a rule: its thresholds over folds and the rates they give, with intervals."""
    cells = points.assign(text=_texts(points))
    span = cells.threshold_min.map("{:.2f}".format) + " to " + cells.threshold_max.map("{:.2f}".format)
    cells["threshold over folds"] = span.where(
        cells.threshold_min != cells.threshold_max, cells.threshold_min.map("{:.2f}".format)
    )
    wide = cells.pivot_table(
        index=["rule", "chosen_on", "threshold over folds"],
        columns="metric",
        values="text",
        aggfunc="first",
        sort=False,
    )
    return _named(wide[[m for m in METRICS if m in wide]])


def leakage_table(price: pd.DataFrame) -> pd.DataFrame:
    """Return the price of leakage as text: both splits and their difference with its interval."""
    shown = price.dropna(subset=["difference"])
    return pd.DataFrame(
        {
            "patches": shown.patches,
            "n": shown.n,
            "of": shown.metric.map(_metric_name),
            "split by patient": [_one(r.by_patient, r.metric) for r in shown.itertuples()],
            "split by patch": [_one(r.by_patch, r.metric) for r in shown.itertuples()],
            "difference [95 % interval]": [
                with_interval(r.difference, r.low, r.high, metric=r.metric) for r in shown.itertuples()
            ],
            "p": shown.p,
            "method": shown.method,
        }
    )


def _one(value: float, metric: str) -> str:
    return f"{value:.3f}" if metric.startswith("auc") else f"{100 * value:.1f}"


def _has_groups(patches: pd.DataFrame, column: str) -> bool:
    """Whether a column tells at least two groups apart."""
    return column in patches and patches[column].replace("", None).nunique() > 1


def _texts(table: pd.DataFrame) -> list[str]:
    return [with_interval(r.estimate, r.low, r.high, metric=r.metric) for r in table.itertuples()]


def _metric_name(metric: str) -> str:
    return "AUC, mean of folds" if metric == FOLD_MEAN else METRIC_NAMES.get(metric, metric)


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Give columns and rows their printed names."""
    return table.rename(columns=_metric_name, index=network_title)
