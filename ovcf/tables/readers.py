"""The tables of notebook 05: readers without and with the model beside the paper's, and what the study extends to."""

import pandas as pd

from ovcf.audit import recovered_rates
from ovcf.audit.published import paper_wide
from ovcf.stats.rates import fold_table
from ovcf.stats.readers.components import or_components, prepare
from ovcf.stats.readers.mrmc import obuchowski_rockette
from ovcf.stats.readers.power import power_grid
from ovcf.stats.readers.tables import reader_table
from ovcf.tables.show import GLUE, MISSING, mean_sd, percent, with_interval
from ovcf.words import network_title

AVERAGE = "Average"
SHOWN = ("accuracy", "specificity", "sensitivity", "ppv", "npv")
NAMES = {
    "accuracy": "Accuracy (%)",
    "specificity": "Specificity (%)",
    "sensitivity": "Sensitivity (%)",
    "ppv": "PPV = precision fresh (%)",
    "npv": "NPV = precision old (%)",
}
METRICS = ("auc", "sensitivity", "specificity")


def title(study) -> str:
    """Say who read what: simulated readers are called so."""
    answers = study.readings
    who = "simulated readers" if study.simulated_readers else "readers"
    return f"{answers.reader.nunique()} {who}, {answers.patch_id.nunique()} cases: {study.label}"


def sessions(readings: pd.DataFrame) -> dict:
    """Return the table of each session that the readings hold, unaided first."""
    held = [name for name in ("unaided", "aided") if (readings.session == name).any()]
    return {name: reader_table(readings, name) for name in held}


def session_beside_paper(table: pd.DataFrame, number: int, folds: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return one session (Table 4: unaided, 5: aided) with intervals, the paper's printed rows, and what these imply.

    Parameters
    ----------
    table : of `reader_table`, its last row the average.
    folds : fold table of the chosen network; its mean stands where the paper has the model's row.
    """
    ours = pd.DataFrame(
        {NAMES[m]: [_cell(row, m) for row in table.to_dict("records")] for m in SHOWN}, index=table.reader
    )
    if folds is not None:
        names = {
            "specificity": "recall_old",
            "sensitivity": "recall_fresh",
            "ppv": "precision_fresh",
            "npv": "precision_old",
        }
        cells = {NAMES[m]: _fold_mean(folds[names.get(m, m)]) for m in SHOWN}
        ours.loc[f"{network_title(folds.network.iloc[0])}, mean of folds"] = cells
    printed = paper_wide(number).rename(columns=NAMES)
    printed = printed.loc[~printed.index.str.startswith("p value")]
    rows = pd.concat({"ours": ours, "paper, printed": printed, "paper, from its digits": _recomputed(number)})
    return rows.reindex(columns=list(NAMES.values())).fillna(MISSING).rename_axis([None, None])


def _recomputed(number: int) -> pd.DataFrame:
    """The rates that follow from the confusion matrices behind the printed digits (the appendix, notebook 06)."""
    found = recovered_rates().query("table == @name", local_dict={"name": f"Table {number}"}).set_index("row")
    n = found[["tp", "fn", "tn", "fp"]].sum(axis=1, skipna=False)
    accuracy = 100 * (found.tp + found.tn) / n
    return pd.DataFrame(
        {
            NAMES["accuracy"]: [MISSING if pd.isna(a) else f"{a:.2f}" for a in accuracy],
            NAMES["specificity"]: found.specificity,
            NAMES["sensitivity"]: found.sensitivity,
            NAMES["ppv"]: [_share(r.tp, r.tp + r.fp) for r in found.itertuples()],
            NAMES["npv"]: [_share(r.tn, r.tn + r.fn) for r in found.itertuples()],
        },
        index=found.index,
    )


def _share(part, whole) -> str:
    return MISSING if pd.isna(whole) or not whole else f"{100 * part / whole:.2f}"


def paper_pairs(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the paper's paired t-tests as text: means, difference with interval, t, p."""
    return pd.DataFrame(
        {
            "comparison": tests.comparison,
            "of": tests.metric,
            "pairs": tests.pairs,
            "first, mean ± SD (ddof 1)": [mean_sd(r.mean_first, r.sd_first) for r in tests.itertuples()],
            "second, mean ± SD (ddof 1)": [mean_sd(r.mean_second, r.sd_second) for r in tests.itertuples()],
            "difference [95 % interval]": [with_interval(r.difference, r.low, r.high) for r in tests.itertuples()],
            "p": tests.p,
            "what it answers": tests.question,
        }
    )


def generalisations(readings: pd.DataFrame, covariance: str = "jackknife") -> pd.DataFrame:
    """Return the Obuchowski-Rockette analysis for AUC, sensitivity and specificity in its three generalisations."""
    tables = [obuchowski_rockette(readings, metric=m, covariance=covariance) for m in METRICS]
    return pd.concat(tables, ignore_index=True)


def generalisation_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the analysis with differences as text; the sentence says what each row extends to."""
    return pd.DataFrame(
        {
            "of": table.metric,
            "extends to": table.generalisation.str.replace("_", " "),
            "difference [95 % interval]": [
                with_interval(r.difference, r.low, r.high, metric=r.metric) for r in table.itertuples()
            ],
            "statistic": table.statistic,
            "df": [f"{r.df1:.0f}" + (f", {r.df2:.1f}" if pd.notna(r.df2) else "") for r in table.itertuples()],
            "p": table.p,
            "in words": table.sentence,
        }
    )


def effect_table(effect: pd.DataFrame) -> pd.DataFrame:
    """Return what the model did to each reader: accuracy before, after, the difference, and the flips."""
    return pd.DataFrame(
        {
            "reader": effect.reader.replace(AVERAGE, "Average; answers: sum"),
            "without (%)": [f"{100 * v:.1f}" for v in effect.accuracy_unaided],
            "with (%)": [f"{100 * v:.1f}" for v in effect.accuracy_aided],
            "difference [95 % interval]": [
                with_interval(r.accuracy_difference, r.accuracy_difference_low, r.accuracy_difference_high)
                for r in effect.itertuples()
            ],
            "turned right": effect.helpful_flips,
            "of chances": effect.helpful_chances,
            "turned wrong": effect.harmful_flips,
            "of the model's errors": effect.harmful_chances,
        }
    )


def panel_table(against: pd.DataFrame) -> pd.DataFrame:
    """Return the comparison of the model with the panel as text."""
    return pd.DataFrame(
        {
            "extends to": against.generalisation.str.replace("_", " "),
            "model": against.model,
            "panel": against.panel,
            "model - panel [95 % interval]": [
                with_interval(r.difference, r.low, r.high, metric=r.metric) for r in against.itertuples()
            ],
            "p_superiority": against.p_superiority,
            "p_noninferiority": against.p_noninferiority,
            "in words": against.sentence,
        }
    )


def model_folds(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the chosen network's folds with the names of Tables 4 and 5 beside ours."""
    folds = fold_table(predictions)
    return folds.assign(specificity=folds.recall_old, sensitivity=folds.recall_fresh)


def _cell(row: dict, metric: str) -> str:
    """`52.5 [37.5, 67.1]`, or mean ± SD [interval] for the average row; clustered where that is known."""
    clustered = pd.notna(row.get(f"{metric}_low_clustered"))
    low, high = (row[f"{metric}_{end}{'_clustered' if clustered else ''}"] for end in ("low", "high"))
    text = with_interval(row[metric], low, high)
    spread = row.get(f"{metric}_sd")
    return text if spread is None or pd.isna(spread) else text.replace(" [", f"{GLUE}±{GLUE}{100 * spread:.2f} [")


def _fold_mean(values: pd.Series) -> str:
    return mean_sd(values.mean(), values.std(ddof=1))


def power_table(readings: pd.DataFrame, *, effect: float = 0.1) -> pd.DataFrame:
    """Return the power to find a difference of AUC with other readers and cases, from this study's components."""
    components = or_components(prepare(readings, "auc"), "auc", "jackknife")
    return power_grid(components, effect=effect)


def simulation_truth(study) -> pd.DataFrame:
    """Return what the simulated readers were told, and the rates that implies (percent, as text)."""
    table = pd.DataFrame(study.readings.attrs["simulation"]["readers"])
    shares = [name for name in table if name in ("sensitivity", "specificity", "accuracy", "accuracy_aided")]
    table[shares] = table[shares].map(percent)
    return table.rename(columns={name: f"{name} (%)" for name in shares})
