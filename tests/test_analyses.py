"""The registry of reader analyses: what the readings allow, and one more from outside."""

import pandas as pd
import printed
import pytest

from ovcf.stats.readers import analyses
from ovcf.stats.readers.analyses import ANALYSES, Analysis, added, possible


@pytest.mark.parametrize("name", ANALYSES)
def test_each_makes_its_table(name):
    table = ANALYSES[name].table(printed.readings(), printed.one_network())
    assert isinstance(table, pd.DataFrame) and len(table)


def test_what_the_readings_allow():
    readings = printed.readings()
    assert possible(readings) == list(ANALYSES) and added(readings) == {}
    one = readings[readings.reader == "r1"]
    assert possible(one) == ["mcnemar", "ai_effect", "mrmc", "model_against_panel"]
    assert possible(readings[readings.session == "unaided"]) == ["reader_kappa", "model_against_panel"]


def test_one_more_is_an_entry_and_a_function(monkeypatch):
    def seconds(readings, predictions):
        return readings.groupby("reader", as_index=False).seconds.sum()

    monkeypatch.setitem(ANALYSES, "reading_time", Analysis("Time", seconds))
    found = added(printed.readings())
    assert list(found) == ["reading_time"] and "reading_time" not in analyses.SHOWN
    assert found["reading_time"].table(printed.readings(), printed.one_network()).seconds.tolist() == [160.0] * 3
