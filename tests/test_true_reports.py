"""The reports of six different runs are read: no sentence contradicts its tables.

The runs share one training: what differs (predictions, parameters, readings) is put in, and the notebooks' own cells
are executed on it in this process.
"""

import json
import re
import shutil
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from ovcf.report.brief import brief
from ovcf.report.page import render_page
from ovcf.report.replay import Replayed, replay
from ovcf.report.run import NOTEBOOKS
from ovcf.stats.rates import FOLD_MEAN, METRICS
from ovcf.tables.show import heading

READ = ("03_model_comparison", "04_cross_validation", "05_reader_study")
NUMBER = r"(-?\d+\.\d+)"
SPOKEN = re.compile(rf"(no difference shown:|higher by|lower by) {NUMBER} \[{NUMBER}, {NUMBER}\]")

FORMS = [(metric, unit) for metric in (*METRICS, FOLD_MEAN) for unit in (" (%)", ", points")]
UNIT = {heading(metric, unit): unit * heading(metric, unit).endswith(unit) for metric, unit in FORMS}
"""The unit of what a metric is called in a row."""

NEVER = (
    "deals patches, not patients",  # the paper does not say how it dealt folds
    "folds by patch, as in the paper",
    "as the paper deals",
    "the paper's way",  # it tests no network against another
    "The recipe is the paper's",
    "too sure where patients",
    "too small a p",
    "As equal as the totals",
    "at their word",
    "What a reviewer would ask",
    "What the study extends to",
    "spread-of-fact",
    "after a washout",
)
"""What was said once and is not so, or is no sentence of a report."""


class Report:
    """A report's text, and the tables it was made with."""

    def __init__(self, html: str, tables: Path, parameters: dict):
        page = BeautifulSoup(html, "html.parser")
        for silent in page.select("style, script, svg"):
            silent.decompose()
        self.tables_shown = page.select("table")
        self.text = re.sub(r"\s+", " ", page.get_text(" ").replace("\u00a0", " "))
        self.parameters, self.tables = parameters, tables

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.tables / f"{name}.csv")

    def says(self, words: str) -> bool:
        return words in self.text


def worse(run: Path) -> dict:
    """Predictions that rank old above fresh, with noise."""
    path, rng = run / "tables" / "predictions.csv", np.random.default_rng(3)
    table = pd.read_csv(path, dtype={"patch_id": str, "patient_id": str})
    wrong = table.network.map({"efficientnet_lite0": 1.6, "alexnet": 3})  # the order of the networks stays
    logit = rng.normal(0, 1, len(table)) - wrong * (table.truth - 0.5)
    table.assign(p_fresh=1 / (1 + np.exp(-logit))).to_csv(path, index=False)
    return {}


def one_session(run: Path) -> dict:
    """Readings of a file, without the model only."""
    path = run / "tables" / "readings.csv"
    table = pd.read_csv(path, dtype={"patch_id": str, "patient_id": str})
    table[table.session == "unaided"].to_csv(path, index=False)
    return {"readings": "readings.csv"}


def one_reader(run: Path) -> dict:
    """Readings of a file, of one reader."""
    path = run / "tables" / "readings.csv"
    table = pd.read_csv(path, dtype={"patch_id": str, "patient_id": str})
    table[table.reader == table.reader.iloc[0]].to_csv(path, index=False)
    return {"readings": "readings.csv"}


CHANGES = {
    "demo": lambda run: {},
    "worse than chance": worse,
    "fixed": lambda run: {"chosen": "efficientnet_lite0"},  # whose other trainings the run has
    "plain": lambda run: {
        "equalisation": "none", "split": "patch", "leakage": False, "regions": "pooled", "other_context": False
    },
    "one session": one_session,
    "one reader": one_reader,
}  # fmt: skip


@pytest.fixture(scope="module")
def report(finished, tmp_path_factory):
    """Make the report of one of the runs."""

    @cache
    def make(kind: str) -> Report:
        folder = tmp_path_factory.mktemp("runs")
        run, scratch = folder / "run", folder / "made"
        ignored = shutil.ignore_patterns("cache", "figures", "model", "plan.csv")
        shutil.copytree(finished, run, ignore=ignored)
        record = json.loads((finished / "run.json").read_text())
        record["parameters"] = parameters = record["parameters"] | CHANGES[kind](run)
        study = Replayed(run, scratch, parameters, record)
        study.predictions = study.predictions.assign(split=parameters["split"])
        notebooks = {name: nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4) for name in READ}
        again = replay(study, notebooks, NOTEBOOKS)
        assert again.failed == []
        for name in ("patches", "factors"):
            shutil.copyfile(run / "tables" / f"{name}.csv", scratch / "tables" / f"{name}.csv")
        for notebook in again.notebooks.values():  # pictures say nothing here
            for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
                cell.outputs = [o for o in cell.outputs if "<img" not in o.get("data", {}).get("text/html", "")]
        return Report(render_page(record, again.notebooks, brief(scratch, record)), scratch / "tables", parameters)

    return make


@pytest.fixture(params=list(CHANGES))
def read(request, report):
    return report(request.param)


def test_differences_are_worded_by_sign_and_interval(read):
    found = SPOKEN.findall(read.text)
    assert found
    for words, estimate, low, high in found:
        estimate, low, high = map(float, (estimate, low, high))
        assert low <= estimate <= high
        assert low <= 0 <= high if words.startswith("no") else 0 <= low


def test_a_column_has_one_unit(read):
    """No table names metrics in percent beside others that are none."""
    for table in read.tables_shown:
        named = {cell.get_text() for cell in table.select("tbody th, tbody td")} & set(UNIT)
        assert len({UNIT[name] for name in named}) < 2, table.get_text(" ")[:400]
    assert sum("AUC" in table.tbody.get_text() for table in read.tables_shown) > 3


def test_what_is_not_known_is_no_nan(read):
    assert re.findall(r"\S* ?\bnan\b.{20}", read.text, re.IGNORECASE) == []


def test_what_was_never_so_is_not_said(read):
    assert [words for words in NEVER if read.says(words)] == []


def test_the_auc_and_the_slope_are_what_the_tables_hold(read):
    auc = read.table("table3_intervals").set_index("metric").loc["auc"]
    assert read.says("AUC is above chance") == (auc.low > 0.5)
    assert read.says("AUC is below chance") == (auc.high < 0.5)
    slope = read.table("calibration").set_index("metric").loc["slope"]
    assert read.says("slope is below 1") == (slope.high < 1)
    assert read.says("slope is above 1") == (slope.low > 1)


def test_the_choice_is_said_as_it_was_made(read):
    best = read.parameters["chosen"] == "best"
    assert read.says("for its mean AUC over these same folds") == best
    assert read.says("not chosen for its result on these folds") == (not best)
    means = read.table("table2").query("metric == 'auc'").set_index("network")["mean"]
    chosen = read.table("table3").network.iloc[0]
    assert chosen == (means.idxmax() if best else read.parameters["chosen"])


def test_equalisation_split_and_trainings_are_those_of_the_run(read):
    p = read.parameters
    assert read.says("histogram equalised as a whole") == (p["equalisation"] == "histogram")
    assert read.says("none has vertebrae in both training and test") == (p["split"] == "patient")
    assert read.says("trained under both splits") == p["leakage"] == (read.tables / "leakage.csv").is_file()
    assert read.says("for each region by itself too") == (p["regions"] == "separate")
    assert read.says("trained again with") == p["other_context"]


def test_readers_and_sessions_are_those_of_the_readings(read):
    simulated = read.parameters["readings"] == "simulated"
    assert read.says("The readers are simulated") == simulated
    assert read.says("no evidence") == simulated or read.says("synthetic cohort is drawn in the proportions")
    sessions = [name for name in ("unaided", "aided") if (read.tables / f"readers_{name}.csv").is_file()]
    who = "Readers" if len(read.table("readers_unaided")) > 1 else "The reader"
    assert read.says(f"{who} read once, without the model.") == (sessions == ["unaided"])
    assert read.says(f"{who} read once without and once with") == (len(sessions) == 2)
    both = ("What the model's output did", "With the model minus without it")
    assert [read.says(f"{title} [95 % interval]") for title in both[1:]] == [len(sessions) == 2]
    assert [read.says(f"Not possible: {title} (") for title in both] == [len(sessions) != 2] * 2
    # the brief answers for other readers too, which one reader cannot
    assert read.says("What does the model do for") == (len(sessions) == 2 and who == "Readers")


def test_one_run_is_worse_than_chance_and_says_so(report):
    assert report("worse than chance").says("AUC is below chance")
