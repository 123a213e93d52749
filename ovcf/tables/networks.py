"""The tables of notebooks 03 and 04 as printed: Tables 2 and 3 beside the paper's, intervals, comparisons."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from ovcf.models.catalogue import describe_training, pretrained
from ovcf.stats.rates import FOLD_MEAN, METRICS
from ovcf.tables.show import (
    MISSING,
    beside_paper,
    brackets,
    heading,
    mean_sd,
    one_cell,
    p_value,
    plain_interval,
    value,
    with_intervals,
)
from ovcf.words import AVERAGE, network_title, networks_in_order, rounded

# The paper's spelling of the networks' names
PAPER_ROWS = {
    "AlexNet": "alexnet",
    "Vgg16": "vgg16",
    "GoogleNet": "googlenet",
    "ResNet50": "resnet50",
    "ResNet101": "resnet101",
}


CALIBRATION = {
    "brier": ("Brier score", "as small as can be"),
    "intercept": ("calibration intercept", "0"),
    "slope": ("calibration slope", "1"),
    "ece": ("expected calibration error, less its bias", "0"),
    "ece_as_counted": ("expected calibration error, as counted", "within what chance alone gives"),
    "ece_by_chance": ("the same of a perfectly calibrated model, by chance", ""),
}
"""Measures of calibration in words, and what they would be were the model right."""


def recipes(networks: list[str], weights: str, trainable: str) -> pd.DataFrame:
    """Say for each network where its weights came from, what was frozen and what trained."""
    rows = [(network_title(n), describe_training(n, weights, trainable)) for n in networks]
    return pd.DataFrame(rows, columns=["network", "weights and training"])


def names_with_weights(networks: Iterable[str], weights: str) -> dict[str, str]:
    """Name each network as printed, with a mark on those that nothing was pretrained in: `AlexNet (random weights)`."""
    return {n: network_title(n) + " (random weights)" * (not pretrained(n, weights)) for n in networks}


def recipe_of(study: Any) -> str:
    """Say in a few words how the chosen network was trained, for titles."""
    return describe_training(study.chosen, study.parameters["weights"], study.parameters["trainable"])


def table2(means: pd.DataFrame, printed: pd.DataFrame, names: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Set Table 2: networks down, metrics across, the paper's row beneath each of ours.

    Parameters
    ----------
    means : DataFrame of `ovcf.stats.summaries.fold_means`.
    printed : the paper's Table 2 (`ovcf.audit.published.paper_wide`).
    names : of the networks, where more than their printed names must stand in each row (`names_with_weights`).
    """
    cells = means.assign(text=_mean_cells(means))
    ours = _in_order(cells.pivot(index="network", columns="metric", values="text"))[list(METRICS)]
    return _named(beside_paper(ours, _of_rows(printed.rename(index=PAPER_ROWS), ours)), names)


def table3(folds: pd.DataFrame, average: pd.DataFrame, printed: pd.DataFrame) -> pd.DataFrame:
    """Set Table 3: folds and their average down, metrics across, the paper's ResNet101 beneath ours.

    Parameters
    ----------
    folds : DataFrame of `ovcf.stats.intervals.fold_intervals`, one network.
    average : DataFrame of `ovcf.stats.summaries.fold_means`, the same network.
    printed : the paper's Table 3 (`ovcf.audit.published.paper_wide`).
    """
    cells = folds.assign(text=with_intervals(folds), row="Fold " + folds.fold.astype(str))
    ours = cells.pivot(index="row", columns="metric", values="text").reindex(cells.row.unique())[list(METRICS)]
    ours.loc[AVERAGE] = pd.Series(_mean_cells(average), index=average.metric)
    return _named(beside_paper(ours, _of_rows(printed, ours)))


def _mean_cells(means: pd.DataFrame) -> list[str]:
    """`75.69 ± 2.08 [72.1, 79.0]`, a cell a row."""
    return [
        f"{mean_sd(r.mean, r.sd_ddof1, metric=r.metric)} {brackets(r.low, r.high, r.metric)}"
        if pd.notna(r.mean)
        else MISSING
        for r in means[["mean", "sd_ddof1", "low", "high", "metric"]].itertuples()
    ]


def _of_rows(printed: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """The paper's rows that stand beside one of ours."""
    return printed.loc[printed.index.isin(ours.index)]


def interval_table(intervals: pd.DataFrame, names: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return one row a network, one column a metric, as `estimate [low, high]`; `names` as in `table2`."""
    cells = intervals.assign(text=with_intervals(intervals))
    wide = _in_order(cells.pivot(index="network", columns="metric", values="text"))
    return _named(wide[[m for m in (*METRICS, FOLD_MEAN) if m in wide]], names)


def interval_methods(intervals: pd.DataFrame) -> pd.DataFrame:
    """Return one network's metrics with the clustered interval, and the interval patches as units would give."""
    naive = intervals.assign(low=intervals.unclustered_low, high=intervals.unclustered_high)
    shown = {
        "metric": [heading(m) for m in intervals.metric],
        "estimate [95 % interval, patients as units]": with_intervals(intervals),
        "if patches were independent": with_intervals(naive),
        "method": intervals.method,
    }
    notes = {"beware": intervals.note.replace("", MISSING)} if intervals.note.any() else {}
    return pd.DataFrame(shown | notes)


def printed_auc(table2: pd.DataFrame) -> pd.Series:
    """Return the AUCs that the paper prints by network, from its tidy Table 2 (`ovcf.audit.published.paper_table`)."""
    printed = table2[table2["column"] == "auc"].set_index("row").value
    return printed.rename(index=PAPER_ROWS)


def fold_tests(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the tests of fresh against old over folds: what is compared, by which test, its interval and p.

    Parameters
    ----------
    tests : DataFrame of `ovcf.stats.paper_tests.paper_fold_tests`.
    """
    shown = tests.assign(
        measure=tests.measure.replace({"f1": "F1"}), difference=with_intervals(tests, "difference", metric="")
    )
    return shown.drop(columns=["network", "low", "high"]).rename(
        columns={"difference": "difference, points [95 % interval]"}
    )


def comparison_table(table: pd.DataFrame, names: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return the comparisons with differences and intervals as text and printed names of networks.

    Parameters
    ----------
    table : DataFrame of `ovcf.stats.compare.compare_networks`, or some of its rows.
    names : of the networks, as in `table2`.
    """
    pairs = zip(table["first"], table["second"], strict=True)
    return pd.DataFrame(
        {
            "test": table.test,
            "whose": table.whose,
            "of": [heading(metric, unit=", points") for metric in table.metric],
            "networks": [_pair(a, b, names or {}) for a, b in pairs],
            "difference [95 % interval]": with_intervals(table, "difference"),
            "p": table.p,
            "p_holm": table.p_holm,
            "what it answers": table.question,
        }
    ).set_index(["what it answers", "test", "whose", "of"])


def _pair(first: str, second: str, names: Mapping[str, str]) -> str:
    """`ResNet101 - AlexNet`, or `all` where a test is of all networks at once."""
    if not (isinstance(first, str) and first):
        return "all"
    return " - ".join(names.get(name) or network_title(name) for name in (first, second))


def subgroup_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a subgroup: each metric with its interval, and its test of interaction once per grouping.

    Parameters
    ----------
    table : DataFrame of `ovcf.stats.summaries.known_subgroups`.
    """
    metrics = table.metric.unique()
    parts = {metric: table[table.metric == metric].reset_index(drop=True) for metric in metrics}
    first = parts[metrics[0]]
    shown = {
        "by": first.by.str.replace("_", " "), "group": first.group, "patches": first.n, "patients": first.patients,
        "fresh": first.fresh,
    }  # fmt: skip
    for metric, part in parts.items():
        name = {"recall_fresh": "sensitivity", "recall_old": "specificity"}.get(metric, heading(metric, ""))
        shown[f"{name}{'' if metric == 'auc' else ' (%)'} [95 % interval]"] = with_intervals(part)
        first_of_grouping = part.by != part.by.shift()
        shown[f"p, {name}"] = [
            p_value(p) if first else "" for p, first in zip(part.p_interaction, first_of_grouping, strict=True)
        ]
    return pd.DataFrame(shown)


def calibration_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the calibration in words: what is right, what was found with its interval, and how.

    Parameters
    ----------
    scores : DataFrame of `ovcf.stats.calibration.calibration_table`.
    """
    shown = one_cell(scores, "estimate", "estimate [95 % interval]")
    names = [CALIBRATION.get(name, (name, "")) for name in scores.metric]
    shown.insert(1, "right would be", [right for _, right in names])
    return shown.assign(metric=[name for name, _ in names]).rename(columns={"metric": "measure"})


def patient_table(results: pd.DataFrame) -> pd.DataFrame:
    """Return the results by patients as text.

    Parameters
    ----------
    results : DataFrame of `ovcf.stats.by_patient.patient_results`.
    """
    return pd.DataFrame(
        {
            "of patients": [heading(m) if m in METRICS else f"{m.replace('_', ' ')} (%)" for m in results.metric],
            "patients": results.n,
            "estimate [95 % interval]": with_intervals(results),
        }
    )


def prevalence_table(values: pd.DataFrame) -> pd.DataFrame:
    """Return predictive values as text, a row a share of fresh fractures.

    Parameters
    ----------
    values : DataFrame of `ovcf.stats.prevalence.at_prevalence`.
    """
    rows = values.dropna(subset=["prevalence"])
    rows = rows.assign(text=with_intervals(rows, metric=""))
    wide = rows.pivot(index="prevalence", columns="metric", values="text")[["ppv", "npv"]]
    wide.insert(0, "share", [f"{100 * p:.0f}" for p in wide.index])
    return wide.reset_index(drop=True).rename(
        columns={"share": "fresh among patches (%)", "ppv": "called fresh and is (%)", "npv": "called old and is (%)"}
    )


def likelihood_table(values: pd.DataFrame) -> pd.DataFrame:
    """Return the likelihood ratios of both calls as text.

    Parameters
    ----------
    values : DataFrame of `ovcf.stats.prevalence.at_prevalence`.
    """
    rows = values[values.prevalence.isna()]
    names = {"lr_fresh": "called fresh", "lr_old": "called old"}
    texts = [plain_interval(r.estimate, r.low, r.high, 2) for r in rows.itertuples()]
    return pd.DataFrame({"call": rows.metric.map(names), "likelihood ratio [95 % interval]": texts})


def width_table(widths: pd.DataFrame) -> pd.DataFrame:
    """Return the widths of intervals as text, a row a metric, a column a number of patients.

    Parameters
    ----------
    widths : DataFrame of `ovcf.stats.by_patient.widths_with_more`.
    """
    cells = widths.assign(text=[value(r.width, r.metric) for r in widths.itertuples()])
    cells = cells.drop_duplicates(["metric", "patients"])
    wide = cells.pivot(index="metric", columns="patients", values="text").reindex(cells.metric.unique())
    fresh = cells.drop_duplicates("patients").set_index("patients").fresh
    wide.columns = [f"{n} patients ({fresh[n]} fresh)" for n in wide.columns]
    wide.insert(0, "width of the interval of", [heading(m) for m in wide.index])
    return wide.reset_index(drop=True)


def development_table(sizes: pd.DataFrame, have: int) -> pd.DataFrame:
    """Return the size that each criterion asks for, by what it is for, and whether this cohort has it.

    Parameters
    ----------
    sizes : DataFrame of `ovcf.stats.development_size.development_sizes`; have : patches of this cohort.
    """
    aims = [f"{r.width:g}" + (" wide" if r.se == r.se else "") for r in sizes.itertuples()]
    return pd.DataFrame(
        {
            "for": sizes.purpose,
            "criterion": sizes.criterion,
            "aim": aims,
            **{name: sizes[name] for name in ("patches", "patients", "fresh")},
            "enough here": ["yes" if n <= have else "no" for n in sizes.patches],
        }
    )


def operating_table(points: pd.DataFrame) -> pd.DataFrame:
    """Return one row a rule: its thresholds over folds and the rates they give, with intervals.

    Parameters
    ----------
    points : DataFrame of `ovcf.stats.thresholds.operating_points`.
    """
    where = points.chosen_on.replace({"nothing": "fixed beforehand"})
    cells = points.assign(text=with_intervals(points), **{"threshold over folds": threshold_spans(points)})
    rows = ["rule", "chosen on", "threshold over folds"]
    cells = cells.assign(**{"chosen on": where})
    wide = cells.pivot_table(index=rows, columns="metric", values="text", aggfunc="first", sort=False)
    shown = wide[[m for m in METRICS if m in wide]].rename(columns=heading)
    return shown.rename_axis(columns=None).reset_index()


def threshold_spans(points: pd.DataFrame) -> list[str]:
    """Write the thresholds of the folds: one where all print alike, else the least and the greatest."""
    ends = zip(
        *([rounded(end, 2) for end in ends] for ends in (points.threshold_min, points.threshold_max)), strict=True
    )
    return [low if low == high else f"{low} to {high}" for low, high in ends]


def leakage_table(price: pd.DataFrame) -> pd.DataFrame:
    """Return the price of leakage as text: both splits and their difference with its interval.

    Parameters
    ----------
    price : DataFrame of `ovcf.stats.leakage.price_of_leakage`.
    """
    shown = price.dropna(subset=["difference"])
    return pd.DataFrame(
        {
            "patches": shown.patches,
            "n": shown.n,
            "of": [heading(metric) for metric in shown.metric],
            "split by patient": [value(r.by_patient, r.metric) for r in shown.itertuples()],
            "split by patch": [value(r.by_patch, r.metric) for r in shown.itertuples()],
            "difference [95 % interval]": with_intervals(shown, "difference"),
            "p": shown.p,
            "method": shown.method,
        }
    )


def versions_table(table: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Return two versions of a network beside each other: `first` and `second` name them.

    Parameters
    ----------
    table : DataFrame of `ovcf.stats.versions.paired_versions`.
    """
    return pd.DataFrame(
        {
            "patches of": table.group,
            "n": table.n,
            "of": [heading(metric) for metric in table.metric],
            first: [value(r.first, r.metric) for r in table.itertuples()],
            second: [value(r.second, r.metric) for r in table.itertuples()],
            "difference [95 % interval]": with_intervals(table, "difference"),
            "p": table.p,
        }
    )


def _in_order(wide: pd.DataFrame) -> pd.DataFrame:
    """Rows by network, in the order of every table."""
    return wide.reindex(networks_in_order(wide.index))


def _named(table: pd.DataFrame, names: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Give columns and rows their printed names, rows those of `names` where they have one there."""
    known = names or {}
    return table.rename(columns=heading, index=lambda name: known.get(name) or network_title(name))


def untested(groups: pd.DataFrame) -> str:
    """Say beneath the table which groups the tests of interaction leave out; nothing where they leave out none."""
    small = groups[(groups.metric == groups.metric.iloc[0]) & ~groups.tested.astype(bool)]
    if small.empty:
        return ""
    names = ", ".join(f"{r.by.replace('_', ' ')} {r.group}" for r in small.itertuples())
    return f"Too few of a class to be tested, and left out of the tests of interaction of the AUC: {names}."


def auc_differences(rows: pd.DataFrame, names: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return the difference of AUC from each other network.

    Parameters
    ----------
    rows : DataFrame, the rows of one test of `ovcf.stats.compare.compare_networks`. names : as in `table2`.
    """
    return pd.DataFrame(
        {
            "against": [(names or {}).get(name) or network_title(name) for name in rows["second"]],
            "difference [95 % interval]": with_intervals(rows, "difference"),
            "p": rows.p,
            "p_holm": rows.p_holm,
        }
    )
