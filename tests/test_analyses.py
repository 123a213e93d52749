"""The registry of reader analyses: what the readings allow, and one more from outside."""

import inspect
from pkgutil import resolve_name

import pandas as pd
import printed
import pytest

from ovcf.stats.readers import analyses
from ovcf.stats.readers.analyses import ANALYSES, Analysis, added, possible


@pytest.mark.parametrize("name", ANALYSES)
def test_each_makes_its_table(name):
    table = ANALYSES[name].table(printed.readings(), printed.one_network(), 0.5)
    assert isinstance(table, pd.DataFrame) and len(table)


def test_what_the_readings_allow():
    readings = printed.readings()
    assert possible(readings) == list(ANALYSES)
    assert not set(added(readings)) & set(analyses.SHOWN) and {*added(readings), *analyses.SHOWN} == set(ANALYSES)
    one = readings[readings.reader == "r1"]
    of_notebook = [name for name in possible(one) if name in analyses.SHOWN]
    assert of_notebook == ["mcnemar", "ai_effect", "mrmc", "model_against_panel"]
    unaided = possible(readings[readings.session == "unaided"])
    assert [name for name in unaided if name in analyses.SHOWN] == ["reader_kappa", "model_against_panel"]


def test_one_more_is_an_entry_and_a_function(monkeypatch):
    def seconds(readings, predictions, threshold):
        return readings.groupby("reader", as_index=False).seconds.sum()

    monkeypatch.setitem(ANALYSES, "reading_time", Analysis("Time", seconds))
    found = added(printed.readings())
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
