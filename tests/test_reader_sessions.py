"""AUC, time and confidence by session, and the model on the readers' cases."""

import numpy as np
import pytest

from ovcf.problems import InputError
from ovcf.stats.analytic import analytic_intervals
from ovcf.stats.readers.analyses import ANALYSES, added
from ovcf.stats.readers.mrmc import one_treatment
from ovcf.stats.readers.sessions import model_on_cases, reader_aucs, time_and_confidence
from ovcf.stats.roc import auc
from ovcf.stats.simulate import Design, simulate_predictions
from ovcf.synthetic.readers import simulate_readings


@pytest.fixture(scope="module")
def readings():
    cases = simulate_predictions(Design(40, 40), seed=2)[["patch_id", "patient_id", "truth", "p_fresh"]]
    return simulate_readings(cases, readers=3, seed=1)


def test_each_readers_auc_and_difference(readings):
    table = reader_aucs(readings).set_index(["reader", "session"])
    one = readings[(readings["reader"] == "Simulated reader 2") & (readings["session"] == "aided")]
    signed = one["confidence"] * np.where(one["answer"] == "fresh", 1, -1)
    assert table.loc[("Simulated reader 2", "aided"), "estimate"] == pytest.approx(auc(one["truth"], signed))
    gap = table.loc[("Simulated reader 2", "aided - unaided"), "estimate"]
    both = [table.loc[("Simulated reader 2", s), "estimate"] for s in ("aided", "unaided")]
    assert gap == pytest.approx(both[0] - both[1])
    random = one_treatment(readings, covariance="delong").query("generalisation == 'random'").set_index("treatment")
    assert table.loc[("Average", "aided"), "low"] == pytest.approx(random.loc["aided", "low"])
    assert len(table) == 3 * 3 + 2


def test_time_and_confidence_by_session(readings):
    table = time_and_confidence(readings).set_index(["measure", "reader", "session"])
    one = readings[(readings["reader"] == "Simulated reader 1") & (readings["session"] == "unaided")]
    assert table.loc[("seconds", "Simulated reader 1", "unaided"), "median"] == one["seconds"].median()
    means = readings.groupby(["reader", "session"])["confidence"].mean().unstack()
    d = means["aided"] - means["unaided"]
    row = table.loc[("confidence", "Average", "aided - unaided")]
    assert row["mean"] == pytest.approx(d.mean())
    assert row["high"] - row["mean"] == pytest.approx(4.302652729911275 * d.std(ddof=1) / np.sqrt(3))  # t of 2 df
    assert (table["n"] == 40).all()  # cases, never readings of all readers or sessions together
    first = readings[readings["session"].eq("aided")]["patch_id"].iloc[0]
    short = readings[readings["patch_id"].ne(first) | readings["session"].ne("aided")]
    n = time_and_confidence(short).set_index(["measure", "reader", "session"]).loc["seconds", "n"]
    assert n["Average"].to_dict() == {"aided": 39, "unaided": 40, "aided - unaided": 39}
    with pytest.raises(InputError, match="neither seconds nor confidence"):
        time_and_confidence(readings.drop(columns=["seconds", "confidence"]))


def test_the_model_on_the_readers_cases(readings):
    cases = readings[readings["session"] == "aided"].drop_duplicates("patch_id")
    table = model_on_cases(readings).set_index("metric")
    expected = analytic_intervals(cases["truth"], cases["model_p_fresh"], cases["patient_id"])
    np.testing.assert_allclose(table["estimate"], expected["estimate"])
    np.testing.assert_allclose(table["low"], expected["low"])
    assert (table["n"] == 40).all()


def test_they_are_shown_in_the_notebooks_last_cell():
    assert {"reader_auc", "model_on_cases", "time_and_confidence"} <= set(added(list(ANALYSES)))
