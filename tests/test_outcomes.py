"""The browse table against literal versions, its filters and orders."""

import math

import numpy as np
import pandas as pd
import pytest

from ovcf.viz.outcomes import (
    Conditions,
    as_seen_by,
    browse_table,
    filter_rows,
    mistakes_first,
    network_probabilities,
    sort_rows,
)


@pytest.fixture
def small():
    """Four patches of three patients, judged by two networks; known by hand."""
    patches = pd.DataFrame(
        {
            "patch_id": ["a", "b", "c", "d"],
            "patient_id": ["1", "1", "2", "3"],
            "level": ["T12", "L1", "", "L1"],
            "region": ["at", "at", "", "at"],
            "label": ["fresh", "fresh", "old", "old"],
            "image": ["f1.png", "f1.png", "f2.png", "(f3).png"],
            "fold": [1, 1, 2, 2],
            "annotator_a_label": ["fresh", "fresh", "old", ""],
            "annotator_b_label": ["fresh", "old", "old", "fresh"],
        }
    )
    p = {"alexnet": [0.9, 0.2, 0.7, 0.1], "vgg16": [0.8, 0.4, 0.3, 0.2]}
    rows = [
        {"network": n, "split": "patient", "patch_id": i, "p_fresh": v}
        for n, values in p.items()
        for i, v in zip("abcd", values, strict=True)
    ]
    return patches, pd.DataFrame(rows)


def test_outcomes_and_losses_are_those_worked_out_by_hand(small):
    table = browse_table(*small, network="alexnet", threshold=0.5)
    assert table["outcome"].tolist() == ["TP", "FN", "FP", "TN"]
    assert table["networks_wrong"].tolist() == [0, 2, 1, 0]
    np.testing.assert_allclose(table["loss"], [-math.log(q) for q in (0.9, 0.2, 0.3, 0.9)])
    np.testing.assert_allclose(table["disagreement"], [0.1, 0.2, 0.4, 0.1])
    np.testing.assert_allclose(table["confidence"], [0.8, 0.6, 0.4, 0.8])
    assert table["annotators_disagree"].tolist() == [False, True, False, False]


def test_another_network_gives_the_same_table_as_starting_with_it(small):
    seen = as_seen_by(browse_table(*small, network="alexnet", threshold=0.5), "vgg16")
    pd.testing.assert_frame_equal(seen, browse_table(*small, network="vgg16", threshold=0.5))
    assert seen["outcome"].tolist() == ["TP", "FN", "TN", "TN"]


def test_seeds_are_averaged_and_a_patch_without_prediction_is_left_out(small):
    patches, predictions = small
    again = predictions.assign(p_fresh=lambda t: t["p_fresh"] + 0.1)
    both = pd.concat([predictions, again])
    assert network_probabilities(both).loc["a", "alexnet"] == pytest.approx(0.95)
    table = browse_table(patches, predictions[predictions["patch_id"] != "b"], threshold=0.5)
    assert table["patch_id"].tolist() == ["a", "c", "d"]
    assert table["row"].tolist() == [0, 2, 3]  # positions of images, not of rows


def test_an_unknown_network_is_refused_with_the_known_ones(small):
    with pytest.raises(ValueError, match="alexnet, vgg16"):
        browse_table(*small, network="resnet50", threshold=0.5)


@pytest.mark.parametrize(
    ("conditions", "kept"),
    [
        ({}, "abcd"),
        ({"outcomes": ["FN", "FP"]}, "bc"),
        ({"levels": ["L1"]}, "bd"),
        ({"levels": ["unknown"]}, "c"),
        ({"folds": [1]}, "ab"),
        ({"patient": "1"}, "ab"),
        ({"p_range": (0.2, 0.7)}, "bc"),
        ({"agreement": "all wrong"}, "b"),
        ({"agreement": "some wrong"}, "c"),
        ({"agreement": "all right"}, "ad"),
        ({"annotators": "disagree"}, "b"),
        ({"search": "F1 l1"}, "b"),
        ({"search": "(f3"}, "d"),
        ({"outcomes": ["FN"], "levels": ["T12"]}, ""),
    ],
)
def test_filters_keep_what_they_say(small, conditions, kept):
    assert "".join(filter_rows(browse_table(*small, threshold=0.5), Conditions(**conditions))["patch_id"]) == kept


def test_orders_are_stable_and_named(small):
    table = browse_table(*small, threshold=0.5)
    assert "".join(sort_rows(table, "loss")["patch_id"]) == "bcad"
    assert "".join(sort_rows(table, "row", ascending=True)["patch_id"]) == "abcd"
    with pytest.raises(ValueError, match="cannot sort by"):
        sort_rows(table, "patch_id; drop")


def test_mistakes_come_first_and_the_limit_holds(small):
    chosen = mistakes_first(browse_table(*small, threshold=0.5), limit=3, right=2)
    assert "".join(chosen["patch_id"]) == "bad"  # the worst mistake, then one right patch of each class


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.2, 0.4, 0.5, 0.7, 0.9, 1.0])
def test_right_and_wrong_follow_the_runs_threshold(small, threshold):
    patches, predictions = small
    table = browse_table(patches, predictions, "alexnet", threshold=threshold)
    p = predictions.set_index(["network", "patch_id"])["p_fresh"]
    for row in as_seen_by(table, "vgg16").itertuples():
        called = {n: p[n, row.patch_id] >= threshold for n in ("alexnet", "vgg16")}
        assert row.called == ("fresh" if called["vgg16"] else "old")
        is_fresh = row.label == "fresh"
        assert row.outcome == {(1, 1): "TP", (1, 0): "FN", (0, 1): "FP", (0, 0): "TN"}[is_fresh, called["vgg16"]]
        assert row.networks_wrong == sum(one != is_fresh for one in called.values())
