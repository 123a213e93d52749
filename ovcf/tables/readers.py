"""The tables of notebook 05 as printed: readers without and with the model beside the paper's, and their analyses."""

from typing import Any

import pandas as pd

from ovcf.tables.show import MISSING, brackets, mean_sd, percent, plus_minus, value, with_interval, with_intervals
from ovcf.words import AVERAGE, network_title

NAMES = {
    "accuracy": "Accuracy (%)",
    "specificity": "Specificity (%)",
    "sensitivity": "Sensitivity (%)",
    "ppv": "PPV = precision fresh (%)",
    "npv": "NPV = precision old (%)",
}


def title(study: Any) -> str:
    """Say who read what: simulated readers are called so."""
    answers = study.readings
    who = "simulated readers" if study.simulated_readers else "readers"
    return f"{answers.reader.nunique()} {who}, {answers.patch_id.nunique()} cases: {study.label}"


def mark(study: Any) -> str:
    """Say in a picture what it is made of: "simulated readers, synthetic films"; nothing where both are real."""
    made = ["simulated readers"] * study.simulated_readers + ["synthetic films"] * study.synthetic
    return ", ".join(made)


def session_table(
    readers: pd.DataFrame, printed: pd.DataFrame, recovered: pd.DataFrame, network: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Set one session (Table 4: without the model, 5: with it), the paper's rows, and what its digits imply.

    Parameters
    ----------
    readers : DataFrame of `ovcf.stats.readers.tables.reader_table`, its last row the average.
    printed : the same table of the paper (`ovcf.audit.published.paper_wide`).
    recovered : the rates of the matrices behind its digits (`ovcf.audit.recovered_rates`).
    network : DataFrame of `ovcf.stats.readers.summaries.network_average`; stands where the paper has its model's row.
    """
    ours = pd.DataFrame({name: [_cell(row, m) for row in readers.to_dict("records")] for m, name in NAMES.items()})
    ours.index = readers.reader
    if network is not None:
        name = network.network.iloc[0]
        cells = {
            NAMES[r.metric]: mean_sd(r.mean, r.sd) for r in network.rename(columns={"sd_ddof1": "sd"}).itertuples()
        }
        ours.loc[f"{network_title(name)}, mean of folds"] = pd.Series(cells)
    parts = {"ours": ours, "paper, printed": printed.rename(columns=NAMES), "paper, from its digits": _rates(recovered)}
    return pd.concat(parts).reindex(columns=list(NAMES.values())).fillna(MISSING).rename_axis([None, None])


def _cell(row: dict, metric: str) -> str:
    """`52.5 [37.5, 67.1]`, or `51.5 ± 4.18 [44.4, 58.6]` for the average row; clustered where that is known."""
    if pd.isna(row[metric]):
        return MISSING
    clustered = "_clustered" * pd.notna(row.get(f"{metric}_low_clustered"))
    low, high = row[f"{metric}_low{clustered}"], row[f"{metric}_high{clustered}"]
    spread = row.get(f"{metric}_sd")
    estimate = value(row[metric]) if spread is None or pd.isna(spread) else plus_minus(value(row[metric]), spread)
    return f"{estimate} {brackets(low, high)}"


def _rates(recovered: pd.DataFrame) -> pd.DataFrame:
    """Recovered rates, percent already, as text."""
    table = recovered.set_index("row")[list(NAMES)]
    computed = ["accuracy", "ppv", "npv"]
    table[computed] = table[computed].map(lambda share: MISSING if pd.isna(share) else f"{share:.2f}")
    return table.rename(columns=NAMES).replace({"": MISSING})


def paper_pairs(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the paper's paired t-tests as text: means, difference with interval, t, p."""
    return pd.DataFrame(
        {
            "comparison": tests.comparison,
            "of": tests.metric,
            "pairs": tests.pairs,
            "first, mean ± SD (ddof 1)": [mean_sd(r.mean_first, r.sd_first) for r in tests.itertuples()],
            "second, mean ± SD (ddof 1)": [mean_sd(r.mean_second, r.sd_second) for r in tests.itertuples()],
            "difference [95 % interval]": with_intervals(tests, "difference", metric=""),
            "p": tests.p,
            "what it answers": tests.question,
        }
    )


def generalisation_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the analysis with differences as text; the sentence says what each row extends to."""
    return pd.DataFrame(
        {
            "of": table.metric,
            "extends to": table.generalisation.str.replace("_", " "),
            "difference [95 % interval]": with_intervals(table, "difference"),
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
            "without (%)": [percent(share) for share in effect.accuracy_unaided],
            "with (%)": [percent(share) for share in effect.accuracy_aided],
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
            "model - panel [95 % interval]": with_intervals(against, "difference"),
            "p_superiority": against.p_superiority,
            "p_noninferiority": against.p_noninferiority,
            "in words": against.sentence,
        }
    )


def simulation_truth(truth: pd.DataFrame) -> pd.DataFrame:
    """Return what the simulated readers were told, and the rates that implies, in percent.

    Parameters
    ----------
    truth : DataFrame, a row a reader, of `attrs["simulation"]["readers"]` of simulated readings.
    """
    shares = [name for name in truth if name in ("sensitivity", "specificity", "accuracy", "accuracy_aided")]
    table = truth.assign(**{name: truth[name].map(percent) for name in shares})
    return table.rename(columns={name: f"{name} (%)" for name in shares})
