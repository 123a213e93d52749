"""The tables of notebook 05 as printed: readers without and with the model beside the paper's, and their analyses."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd

from ovcf.stats.rates import METRICS
from ovcf.tables.show import (
    MISSING,
    brackets,
    heading,
    mean_sd,
    number,
    one_cell,
    p_said,
    percent,
    plus_minus,
    value,
    with_interval,
    with_intervals,
)
from ovcf.words import AVERAGE, network_title, rounded

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
    readers, cases = answers.reader.nunique(), answers.patch_id.nunique()
    who = "simulated reader" if study.simulated_readers else "reader"
    return f"{readers} {who}{'s' * (readers != 1)}, {cases} case{'s' * (cases != 1)}: {study.label}"


def mark(study: Any) -> str:
    """Say in a picture what it is made of: "simulated readers, synthetic films"; nothing where both are real."""
    made = ["simulated readers"] * study.simulated_readers + ["synthetic films"] * study.synthetic
    return ", ".join(made)


def plan_rows(plan: pd.DataFrame) -> pd.DataFrame:
    """Return the plan of the study, its endpoint and network by their printed names.

    Parameters
    ----------
    plan : DataFrame of `ovcf.plan.lock_plan`.
    """
    printed: dict[str, Callable[[str], str]] = {"endpoint": partial(heading, unit=""), "network": network_title}
    shown = plan.copy()
    for column in ("planned", "now"):
        pairs = zip(plan["item"], plan[column], strict=True)
        shown[column] = [printed[item](said) if item in printed else said for item, said in pairs]
    return shown


def session_table(
    readers: pd.DataFrame,
    printed: pd.DataFrame,
    recovered: pd.DataFrame,
    network: pd.DataFrame | None = None,
    on_cases: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Set one session (Table 4: without the model, 5: with it), the paper's rows, and what its digits imply.

    Parameters
    ----------
    readers : DataFrame of `ovcf.stats.readers.tables.reader_table`, its last row the average.
    printed : the same table of the paper (`ovcf.audit.published.paper_wide`).
    recovered : the rates of the matrices behind its digits (`ovcf.audit.recovered_rates`).
    network : DataFrame of `ovcf.stats.readers.summaries.network_average`, of all cases; stands last, where the paper
        has its model's row.
    on_cases : DataFrame of `ovcf.stats.readers.summaries.network_on_cases`: the same network on the readers' cases.
    """
    ours = pd.DataFrame({name: [_cell(row, m) for row in readers.to_dict("records")] for m, name in NAMES.items()})
    ours.index = readers.reader
    if on_cases is not None:
        cells = dict(zip(on_cases.metric.map(NAMES), with_intervals(on_cases), strict=True))
        ours.loc[f"{network_title(on_cases.network.iloc[0])}, these cases"] = pd.Series(cells)
    if network is not None:
        name = network.network.iloc[0]
        cells = {
            NAMES[r.metric]: mean_sd(r.mean, r.sd) for r in network.rename(columns={"sd_ddof1": "sd"}).itertuples()
        }
        ours.loc[f"{network_title(name)}, mean of folds, all cases"] = pd.Series(cells)
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
    table[computed] = table[computed].map(lambda share: MISSING if pd.isna(share) else rounded(share, 2))
    return table.rename(columns=NAMES).replace({"": MISSING})


def paper_pairs(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the paper's paired t-tests as text: means, difference with interval, p. Rates in percent.

    What each comparison answers is `questions`.
    """
    sides = tests[["mean_first", "sd_first", "mean_second", "sd_second"]].itertuples(index=False)
    pairs = [f"{mean_sd(first, sd)} and {mean_sd(second, its_sd)}" for first, sd, second, its_sd in sides]
    return pd.DataFrame(
        {
            "comparison": tests.comparison,
            "of": tests.metric,
            "pairs": tests.pairs,
            "means ± SD (ddof 1), %": pairs,
            "difference, points [95 % interval]": with_intervals(tests, "difference", metric=""),
            "p": tests.p,
        }
    )


def questions(tests: pd.DataFrame) -> str:
    """Say beneath the table what each comparison answers."""
    asked = tests.drop_duplicates("comparison")
    return " ".join(f"{r.comparison[:1].upper()}{r.comparison[1:]}: {r.question}" for r in asked.itertuples())


GENERALISATIONS = {
    "random": "other readers and other cases",
    "fixed_readers": "these readers on other cases",
    "fixed_cases": "other readers on these cases",
}
"""To whom and what an analysis extends, in words."""


QUARTILES = ("quartile_1", "median", "quartile_3")


def _extends(table: pd.DataFrame) -> pd.Series:
    return table.generalisation.map(lambda kind: GENERALISATIONS.get(kind, kind.replace("_", " ")))


def generalisation_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the analysis, a row each generalisation, one unit a column: AUC as such, rates in points.

    Parameters
    ----------
    table : DataFrame of `ovcf.stats.readers.summaries.generalisations`.
    """
    texts = with_intervals(table, "difference")
    cells = table.assign(
        text=[f"{text}, {p_said(p)}" for text, p in zip(texts, table.p, strict=True)], extends=_extends(table)
    )
    wide = cells.pivot(index="extends", columns="metric", values="text")
    wide = wide.reindex(index=cells.extends.unique(), columns=cells.metric.unique())
    units = {m: heading(m) if m in METRICS else f"{m.capitalize()}, points" for m in wide}
    return wide.rename(columns=units).rename_axis(columns=None).reset_index(names="extends to")


def mcnemar_rows(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the exact McNemar tests: who, how many cases, answers right in one session only, p.

    Parameters
    ----------
    tests : DataFrame of `ovcf.stats.readers.tests.mcnemar_by_reader`.
    """
    first, second = tests.comparison.iloc[0].split(" - ") if len(tests) else ("first", "second")
    names = {"n": "cases", "only_first": f"right only {first}", "only_second": f"right only {second}"}
    return tests.drop(columns="comparison").rename(columns=names)


def kappa_rows(kappas: pd.DataFrame) -> pd.DataFrame:
    """Return the agreement between readers: share of answers alike, kappa with its interval.

    Parameters
    ----------
    kappas : DataFrame of `ovcf.stats.readers.tests.kappa_between_readers`.
    """
    shown = one_cell(kappas, "kappa", "kappa [95 % interval]")
    shown["agreement"] = kappas.agreement.map(number(3))
    return shown.rename(columns={"n": "cases", "agreement": "observed agreement"})


def effect_table(effect: pd.DataFrame) -> pd.DataFrame:
    """Return what the model did to each reader: cases, accuracy before, after, the difference, and the flips."""
    return pd.DataFrame(
        {
            "reader": effect.reader.replace(AVERAGE, "Average; answers: sum"),
            "cases": effect.n,
            "without (%)": [percent(share) for share in effect.accuracy_unaided],
            "with (%)": [percent(share) for share in effect.accuracy_aided],
            "difference [95 % interval]": [
                with_interval(r.accuracy_difference, r.accuracy_difference_low, r.accuracy_difference_high)
                for r in effect.itertuples()
            ],
            "turned right": effect.helpful_flips,
            "of wrong, model right": effect.helpful_chances,
            "turned wrong": effect.harmful_flips,
            "of right, model wrong": effect.harmful_chances,
        }
    )


def panel_table(against: pd.DataFrame) -> pd.DataFrame:
    """Return the comparison of the model with the panel as text."""
    verdicts = {True: "yes", False: "not shown"}
    return pd.DataFrame(
        {
            "extends to": _extends(against),
            "model": [value(r.model, r.metric) for r in against.itertuples()],
            "panel": [value(r.panel, r.metric) for r in against.itertuples()],
            "model - panel [95 % interval]": with_intervals(against, "difference"),
            "p_superiority": against.p_superiority,
            "p_noninferiority": against.p_noninferiority,
            "not worse by the margin": [verdicts[bool(shown)] for shown in against.noninferior],
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
    return table.rename(columns={name: f"{name.replace('_', ' ')} (%)" for name in shares})


def analysis_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return any analysis as shown: an estimate and its interval in one cell, metrics by their printed names.

    Parameters
    ----------
    table : DataFrame of an entry of `ovcf.stats.readers.analyses.ANALYSES`.
    """
    found = next((name for name in ("estimate", "mean") if {name, "low", "high"} <= set(table)), None)
    if found is None:
        return table
    shown = one_cell(table, found, f"{found} [95 % interval]", 2 if found == "mean" else 3)
    for name in [name for name in QUARTILES if name in table]:
        shown[name] = [MISSING if pd.isna(number) else rounded(number, 1) for number in table[name]]
    if "metric" in table:
        shown[f"{found} [95 % interval]"] = with_intervals(table, found)
        shown["metric"] = table.metric.map(heading)
    return shown
