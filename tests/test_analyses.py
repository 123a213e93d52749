"""The registry of reader analyses: what the readings allow, and one more from outside."""

import inspect
from pkgutil import resolve_name

import pandas as pd
import printed
import pytest

from ovcf.stats.readers import analyses
from ovcf.stats.readers.analyses import ANALYSES, Analysis, added, possible, refused


@pytest.mark.parametrize("name", ANALYSES)
def test_each_makes_its_table(name):
    table = ANALYSES[name].table(printed.readings(), printed.one_network(), 0.5)
    assert isinstance(table, pd.DataFrame) and len(table)


def test_what_the_readings_allow():
    readings, model = printed.readings(), printed.one_network()
    assert possible(readings, model) == list(ANALYSES)
    assert not set(added(list(ANALYSES))) & set(analyses.SHOWN) and {*added(list(ANALYSES)), *analyses.SHOWN} == set(
        ANALYSES
    )
    one = readings[readings.reader == "r1"]
    of_notebook = [name for name in possible(one, model) if name in analyses.SHOWN]
    assert of_notebook == ["mcnemar", "ai_effect", "mrmc", "model_against_panel"]
    unaided = possible(readings[readings.session == "unaided"], model)
    assert [name for name in unaided if name in analyses.SHOWN] == ["reader_kappa", "model_against_panel"]


SPOILT = {  # readings of an odd design, and what they do not allow
    "split-plot": (
        lambda r: r[(r.reader == "r1") == (r.session == "aided")],
        {"mcnemar": "nothing is paired", "ai_effect": "nothing is paired", "power": "split-plot"},
    ),
    "no model": (
        lambda r: r.drop(columns="model_p_fresh"),
        {"ai_effect": "the model's output is missing", "model_on_cases": "the model's output is missing"},
    ),
    "one patient": (
        lambda r: r.assign(patient_id="one"),
        dict.fromkeys(("ai_effect", "mrmc", "model_against_panel", "power", "reader_auc"), "fewer than two patients"),
    ),
    "a third session": (lambda r: pd.concat([r, r[r.session == "aided"].assign(session="later")]), {}),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_a_design_forbids_is_said_with_the_reason_and_stops_nothing_else(name):
    spoil, expected = SPOILT[name]
    found = refused(spoil(printed.readings()), printed.one_network())
    assert found.keys() == expected.keys() and all(reason in found[n] for n, reason in expected.items())


def test_one_more_is_an_entry_and_a_function(monkeypatch):
    def seconds(readings, predictions, threshold):
        return readings.groupby("reader", as_index=False).seconds.sum()

    monkeypatch.setitem(ANALYSES, "reading_time", Analysis("Time", seconds))
    found = added(possible(printed.readings(), printed.one_network()))
    assert list(found)[-1] == "reading_time" and "reading_time" not in analyses.SHOWN
    assert found["reading_time"].table(printed.readings(), printed.one_network(), 0.5).seconds.tolist() == [160.0] * 3


CHECKS = [
    *(
        f"ovcf.stats.readers.tests:{name}"
        for name in ("paper_paired_tests", "mcnemar_by_reader", "kappa_between_readers")
    ),
    *(f"ovcf.stats.readers.tables:{name}" for name in ("reader_table", "ai_effect")),
    "ovcf.stats.readers.mrmc:obuchowski_rockette",
    "ovcf.stats.readers.panel:model_against_panel",
    "ovcf.stats.readers.power:power_grid",
    "ovcf.stats.compare:compare_networks",
    "ovcf.stats.leakage:price_of_leakage",
    "ovcf.stats.subgroups:subgroup_table",
    *(f"ovcf.stats.by_patient:{name}" for name in ("patient_results", "widths_with_more")),
    "ovcf.stats.prevalence:at_prevalence",
    "ovcf.stats.seeds:seed_variation",
    "ovcf.stats.unpaired:unpaired_auc",
    *(f"ovcf.stats.readers.sessions:{n}" for n in ("reader_aucs", "time_and_confidence", "model_on_cases")),
    *(f"ovcf.stats.calibration:{name}" for name in ("calibration_table", "decision_curve")),
    "ovcf.stats.thresholds:operating_points",
    "ovcf.intake.annotators:agreement",
    *(f"ovcf.intake.check.contradictions:{n}" for n in ("contradictions", "imbalance", "doubtful_studies")),
    *(f"ovcf.intake.check.suspicions:{name}" for name in ("bad_patches", "odd_spacing", "named_patients")),
    "ovcf.intake.check.confounders:confounder_table",
]


@pytest.mark.parametrize("name", CHECKS)
def test_an_analysis_ends_with_what_it_cannot_see(name):
    last = inspect.getdoc(resolve_name(name)).split("\n\n")[-1]
    assert last.startswith("What it cannot see: ")
