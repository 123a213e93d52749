"""Two annotators: agreement against statsmodels and by hand, the consensus rule, the joint review list."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.inter_rater import cohens_kappa as reference

from ovcf.intake.annotators import (
    agreement,
    box_iou,
    cohens_kappa,
    consensus,
    has_two_annotators,
    joint_review,
)
from ovcf.problems import InputError


def table(a, b, patients=None):
    n = len(a)
    return pd.DataFrame(
        {
            "patch_id": [f"v{k}" for k in range(n)],
            "patient_id": patients or list(range(n)),
            "level": "L1",
            "annotator_a_label": a,
            "annotator_b_label": b,
        }
    )


def test_kappa_of_a_known_table():
    # both old 20, a old b fresh 5, a fresh b old 10, both fresh 15: Cohen's textbook example, kappa 0.4
    assert cohens_kappa([20, 5, 10, 15]) == pytest.approx(0.4)
    assert np.isnan(cohens_kappa([9, 0, 0, 0]))


def test_agreement_matches_statsmodels_and_intervals_hold_the_value(rng):
    a = rng.choice(["fresh", "old"], 200)
    b = np.where(rng.random(200) < 0.8, a, rng.choice(["fresh", "old"], 200))
    rows = agreement(table(a, b)).set_index(["measure", "interval"])
    cells = pd.crosstab(a == "fresh", b == "fresh").to_numpy()
    clustered = rows.loc[("Cohen's kappa", "bootstrap of patients, percentile")]
    plain = rows.loc[("Cohen's kappa", "asymptotic, vertebrae as independent")]
    assert clustered["value"] == pytest.approx(reference(cells).kappa)
    assert clustered["low"] < clustered["value"] < clustered["high"]
    # with a patient for each vertebra both intervals answer the same question
    assert clustered["low"] == pytest.approx(plain["low"], abs=0.03)
    assert rows.loc["observed agreement", "value"].item() == np.mean(a == b)


def test_patients_with_many_alike_vertebrae_widen_the_interval(rng):
    a = rng.choice(["fresh", "old"], 60)
    b = np.where(rng.random(60) < 0.7, a, "old")
    alone = agreement(table(a, b)).query('measure == "Cohen\'s kappa"').iloc[0]
    copied = agreement(table(np.repeat(a, 4), np.repeat(b, 4), np.repeat(np.arange(60), 4).tolist()))
    copied = copied.query('measure == "Cohen\'s kappa"')
    assert copied["high"].iloc[0] - copied["low"].iloc[0] == pytest.approx(alone["high"] - alone["low"], abs=0.02)
    assert copied["n"].iloc[0] == 240 and copied["patients"].iloc[0] == 60
    assert copied["high"].iloc[1] - copied["low"].iloc[1] < 0.6 * (alone["high"] - alone["low"])


def test_agreement_repeats_with_its_seed(rng):
    patches = table(rng.choice(["fresh", "old"], 50), rng.choice(["fresh", "old"], 50))
    pd.testing.assert_frame_equal(agreement(patches, seed=4), agreement(patches, seed=4))


def test_iou_by_hand():
    one = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 2, 2], [np.nan] * 4, [5, 5, 1, 1]])
    other = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [3, 3, 4, 4], [0, 0, 1, 1], [0, 0, 1, 1]])
    np.testing.assert_allclose(box_iou(one, other), [1, 1 / 3, 0, np.nan, np.nan])


def test_consensus_and_joint_review():
    patches = table(["fresh", "fresh", "old", "", "", "old"], ["fresh", "old", "old", "old", "", "old"])
    for who, x1 in (("a", 10), ("b", [10, 10, 10, 10, 10, 100])):
        patches[[f"annotator_{who}_x0", f"annotator_{who}_y0"]] = 0.0
        patches[f"annotator_{who}_x1"], patches[f"annotator_{who}_y1"] = x1, 10.0
    result = consensus(patches)
    assert result["status"].tolist() == [
        "agreed",
        "joint review",
        "agreed",
        "one annotator",
        "no annotator",
        "joint review",
    ]
    assert result["consensus_label"].tolist() == ["fresh", "", "old", "", "", ""]
    review = joint_review(patches)
    assert review["patch_id"].tolist() == ["v1", "v5"]
    assert review["reason"].tolist() == ["labels differ", "boxes differ"]


def test_other_words_are_refused_all_at_once():
    with pytest.raises(InputError) as error:
        agreement(table(["fresh", "acute"], ["chronic", "old"]))
    assert [(p.row, p.column, p.found) for p in error.value.problems] == [
        (3, "annotator_a_label", "acute"),
        (2, "annotator_b_label", "chronic"),
    ]
    assert not has_two_annotators(pd.DataFrame({"annotator_a_label": []}))
