"""From patients to results, counted by hand."""

import numpy as np
import pandas as pd

from ovcf.stats.flow import probability_counts, stard_flow

MINE = pd.DataFrame(
    {"patient_id": ["a", "a", "b", "c", "d"], "truth": [1, 0, 1, 0, 1], "p_fresh": [0.5, 0.49, 0.2, 1.0, 0.0]}
)


def test_the_flow_counts_patients_then_vertebrae():
    flow = stard_flow(MINE).set_index("box").n
    assert flow.to_dict() == {
        "patients": 4,
        "vertebrae": 5,
        "called fresh": 2,
        "fresh called fresh": 1,
        "old called fresh": 1,
        "called old": 3,
        "fresh called old": 2,
        "old called old": 1,
    }
    assert stard_flow(MINE, threshold=0.2).set_index("box").n["fresh called fresh"] == 2


def test_who_was_excluded_comes_first_where_it_is_known():
    inclusion = pd.DataFrame({"n": [9, 7, 4, 4], "excluded": [0, 2, 3, 0]})
    assert stard_flow(MINE, inclusion).head(3).to_numpy().tolist() == [
        ["collected", 9],
        ["excluded", 5],
        ["patients", 4],
    ]


def test_each_probability_is_in_one_bin():
    counts = probability_counts(MINE, bins=2)
    assert counts.to_numpy().tolist() == [[0, 0.5, 2, 1], [0.5, 1, 1, 1]]
    assert len(probability_counts(MINE)) == 20
    assert np.allclose(probability_counts(MINE).high - probability_counts(MINE).low, 0.05)
