"""The tables of notebook 07 as printed: a model at home and elsewhere, its updates, how the cohorts differ."""

import pandas as pd

from ovcf.stats.rates import METRICS
from ovcf.tables.networks import threshold_spans
from ovcf.tables.show import MISSING, heading, plain_interval, value, with_interval, with_intervals
from ovcf.words import rounded

UPDATE_METRICS = {"auc": "AUC", "brier": "Brier score", "intercept": "intercept", "slope": "slope"}
COLUMNS = {
    "mm_per_px": "pixel spacing (mm)",
    "spacing_origin": "origin of the spacing",
    "box_height_px": "height of the box (px)",
    "grey_mean": "mean grey (0 to 1)",
    "grey_sd": "spread of greys (SD over pixels)",
    "sharpness": "sharpness",
}


def difference_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a metric: the development's estimate, the other cohort's, and their difference.

    Parameters
    ----------
    table : DataFrame of `ovcf.stats.two_cohorts.difference_of_cohorts`, with a column `model`.
    """
    rows = table.to_dict("records")
    return pd.DataFrame(
        {
            "model": table.model,
            "metric": [heading(r["metric"]) for r in rows],
            "development, out of fold": [_of(r, "first") for r in rows],
            "this cohort": [_of(r, "second") for r in rows],
            "difference [95 % interval]": with_intervals(table, "difference"),
        }
    )


def _of(row: dict, side: str) -> str:
    return with_interval(row[side], row[f"{side}_low"], row[f"{side}_high"], metric=row["metric"])


def updating_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row an update, one column a metric, as `estimate [low, high]` with three decimals.

    Parameters
    ----------
    table : DataFrame of `ovcf.stats.updating.updating_table`.
    """
    cells = [_three(r["estimate"], r["low"], r["high"]) for r in table.to_dict("records")]
    wide = table.assign(text=cells).pivot(index="update", columns="metric", values="text")
    wide = wide.reindex(index=pd.unique(table["update"]), columns=[*UPDATE_METRICS, "brier_change"])
    return (
        wide.astype(object)
        .fillna(MISSING)
        .rename(columns=UPDATE_METRICS | {"brier_change": "change of the Brier score"})
    )


def _three(estimate: float, low: float, high: float) -> str:
    return "not estimable" if pd.isna(estimate) else plain_interval(estimate, low, high, 3)


def drift_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return what differs between the cohorts, the columns named in words.

    Parameters
    ----------
    table : DataFrame of `ovcf.stats.two_cohorts.drift_table`.
    """
    measure = {"number": "standardised mean difference", "word": "total variation distance"}
    return pd.DataFrame(
        {
            "of": [COLUMNS.get(name, name.replace("_", " ")) for name in table.column],
            "development": table["first"],
            "this cohort": table["second"],
            "difference": [MISSING if pd.isna(d) else rounded(d, 2) for d in table.difference],
            "measured as": table.kind.map(measure),
            "p": table.p,
            "p_holm": table.p_holm,
        }
    )


def points_table(points: pd.DataFrame) -> pd.DataFrame:
    """Return one row a threshold: where it was chosen, and the rates it gives here, with intervals.

    Parameters
    ----------
    points : DataFrame of `ovcf.stats.carried_over.carried_over_points`.
    """
    where = points.chosen_on.replace({"nothing": "fixed beforehand"})
    cells = points.assign(text=with_intervals(points), threshold=threshold_spans(points), chosen_on=where)
    wide = cells.pivot_table(
        index=["rule", "chosen_on", "threshold"], columns="metric", values="text", aggfunc="first", sort=False
    )
    wide = wide[[m for m in METRICS if m in wide]]
    return (
        wide.rename(columns=heading).rename_axis(columns=None).reset_index().rename(columns={"chosen_on": "chosen on"})
    )


def area_tests(table: pd.DataFrame) -> pd.DataFrame:
    """Return unpaired tests of two cohorts' AUCs as text.

    Parameters
    ----------
    table : DataFrame of `ovcf.stats.unpaired.areas_of_cohorts`.
    """
    return pd.DataFrame(
        {
            "model": table.model,
            "AUC at home": [value(v, "auc") for v in table["first"]],
            "AUC here": [value(v, "auc") for v in table.second],
            "difference": [with_interval(r.difference, r.low, r.high, metric="auc") for r in table.itertuples()],
            "t": [rounded(v, 2) for v in table.statistic],
            "df": [f"{v:.0f}" for v in table.df],
            "p": table.p,
        }
    )


def size_table(table: pd.DataFrame, have: dict[str, int]) -> pd.DataFrame:
    """Return the size that each criterion asks for, and whether this cohort has it.

    Parameters
    ----------
    table : DataFrame of `ovcf.stats.validation_size.validation_size`; have : patches, patients, fresh of this cohort.
    """
    here = [f"{have[name]} {name}" for name in ("patches", "patients", "fresh")]
    shown = table.rename(columns={"width": "width of the interval", "independent_patches": "independent patches"})
    shown = shown.drop(columns="se").assign(**{"this cohort": ", ".join(here)})
    return shown.assign(enough=table.patches <= have["patches"])
