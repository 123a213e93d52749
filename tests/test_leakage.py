"""The price of leakage against a literal paired bootstrap, and where it must be zero."""

import numpy as np
import pandas as pd
import pytest
from leakage import SEEN, SEEN_LESS_UNSEEN, UNSEEN, price
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from ovcf.models.features import features_of
from ovcf.models.weights import load_network
from ovcf.problems import InputError
from ovcf.stats.bootstrap import patient_weights
from ovcf.stats.leakage import patient_in_training, price_of_leakage, price_over_dealings
from ovcf.stats.roc import clustered_delong
from ovcf.stats.simulate import Design, simulate_predictions
from ovcf.synthetic.weave import weave


@pytest.fixture(scope="module")
def splits():
    """One network by patient; and by patch, where it knows a little of patients it has seen."""
    by_patient = simulate_predictions(Design(120, 240), seed=2)
    rng = np.random.default_rng(5)
    by_patch = by_patient.assign(split="patch", fold=rng.permutation(240) % 5 + 1)
    told = 0.25 * (by_patch["truth"] - 0.5) * patient_in_training(by_patch)
    by_patch["p_fresh"] = (by_patient["p_fresh"] + told).clip(0, 1)
    return by_patient, by_patch.sample(frac=1, random_state=1).reset_index(drop=True)


def test_the_difference_is_that_of_pooled_areas(splits):
    table = price_of_leakage(*splits)
    patient, patch = (roc_auc_score(s["truth"], s["p_fresh"]) for s in splits)
    pooled = table.query("metric == 'auc' and patches == 'all'")
    assert len(pooled) == 2
    np.testing.assert_allclose(pooled["difference"], patch - patient)
    np.testing.assert_allclose(pooled["by_patch"], patch)
    assert (pooled["low"] > 0).all()
    ends = pooled[["low", "high"]].to_numpy()
    np.testing.assert_allclose(ends[0], ends[1], atol=0.01)  # bootstrap and Obuchowski


def test_the_interval_is_that_of_a_bootstrap_that_draws_the_same_patients_for_both(splits):
    by_patient, by_patch = splits
    by_patch = by_patch.set_index("patch_id").loc[by_patient["patch_id"]]
    truth, patient = by_patient["truth"].to_numpy(), by_patient["patient_id"].to_numpy()
    (weights,) = patient_weights(120, 300, seed=4)
    slow = [
        roc_auc_score(truth, by_patch["p_fresh"], sample_weight=w[patient])
        - roc_auc_score(truth, by_patient["p_fresh"], sample_weight=w[patient])
        for w in weights
    ]
    row = price_of_leakage(*splits).query("metric == 'auc'").iloc[0]
    np.testing.assert_allclose((row["high"] - row["low"]) / 2 / 1.96, np.std(slow, ddof=1), rtol=0.1)


def test_nothing_is_gained_where_nothing_can_leak(splits):
    table = price_of_leakage(*splits).set_index("patches")
    assert table.loc["patient in training by patch", "low"] > 0
    assert table.loc["patient not in training by patch", "difference"] == 0
    assert table.loc["patient not in training by patch", "p"] == 1
    parts = table.loc[["patient in training by patch", "patient not in training by patch"], "n"]
    assert parts.sum() == 240


def test_who_is_in_training():
    table = pd.DataFrame({"patient_id": list("aabbc"), "fold": [1, 2, 3, 3, 1]})
    assert patient_in_training(table).tolist() == [True, True, False, False, False]


def test_the_same_predictions_cost_nothing(splits):
    table = price_of_leakage(splits[0], splits[0].assign(split="patch"))
    all_rows = table[table["patches"] == "all"]
    assert (all_rows["difference"] == 0).all()
    assert table[["low", "high"]].isna().all(axis=None)  # nothing varies, so nothing is estimable


def test_seen_against_unseen_patients_is_tested_as_two_samples(splits):
    table = price_of_leakage(*splits).set_index("patches")
    seen, unseen = (table.loc[f"patient {k}in training by patch"] for k in ("", "not "))
    row = table.loc["in training less not in training"]
    se = [(part["high"] - part["low"]) / 2 / 1.959963984540054 for part in (seen, unseen)]
    assert np.isnan(se[1]) and unseen["difference"] == 0  # ranked alike by both: nothing to add
    se[1] = 0
    assert row["difference"] == pytest.approx(seen["difference"] - unseen["difference"])
    z = row["difference"] / np.hypot(*se)
    assert row["p"] == pytest.approx(2 * norm.sf(abs(z)))


def test_tables_that_do_not_match_are_refused(splits):
    by_patient, by_patch = splits

    def kinds(first, second):
        with pytest.raises(InputError) as error:
            price_of_leakage(first, second)
        return [(p.kind, p.row) for p in error.value.problems]

    assert kinds(by_patient[1:], by_patch)[0][0] == "missing_patch"
    assert kinds(by_patient, by_patch.assign(network="other")) == [("networks", None)]
    changed = by_patch.copy()
    changed["truth"] = changed["truth"].where(changed["patch_id"] != 7, 1 - changed["truth"])
    assert kinds(by_patient, changed) == [("differs", 9)]
    assert kinds(pd.concat([by_patient, by_patch], ignore_index=True), by_patch)[0][0] == "several_splits"


def dealt(n, seed=3, leak=0.7, alike=0.0):
    """Predictions of one network over n dealings of each split; by patch it knows a little of patients it has seen.

    `alike`: how far what a training draws moves all patches by, each as much as some trait of its own says.
    """
    truth = simulate_predictions(Design(120, 240), seed=2)
    rng, parts = np.random.default_rng(seed), []
    told = leak * (truth["truth"] - 0.5) * (truth.groupby("patient_id").patch_id.transform("size") > 1)
    trait = rng.normal(0, 1, len(truth)) + truth["truth"] - 0.5
    for number in range(n):
        for split, gain in (("patient", 0), ("patch", told)):
            drawn = rng.normal(0, 0.1 if alike else 1.5, len(truth)) + alike * rng.normal() * trait
            odds = logit(truth["p_fresh"]) + gain + drawn
            parts.append(truth.assign(split=split, dealing=number, p_fresh=expit(odds)))
    return pd.concat(parts, ignore_index=True)


def test_over_one_dealing_it_is_the_pooled_difference():
    one = dealt(1).drop(columns="dealing")
    row = (
        price_of_leakage(*(one[one.split == split] for split in ("patient", "patch"))).query("metric == 'auc'").iloc[1]
    )
    over = price_over_dealings(dealt(1)).iloc[0]
    assert over[["difference", "low", "high", "p"]].tolist() == pytest.approx(row[["difference", "low", "high", "p"]])


def test_over_dealings_chance_goes_down_and_a_leak_stays():
    once, often = (price_over_dealings(dealt(n).sample(frac=1, random_state=0)).set_index("patches") for n in (1, 12))
    assert once.low[SEEN_LESS_UNSEEN] < 0 < often.low[SEEN_LESS_UNSEEN]
    assert ((often.high - often.low) < 0.7 * (once.high - once.low)).all()
    assert often.n[SEEN] + often.n[UNSEEN] == often.n["all"] == 240
    # literal: the mean of log-odds over dealings, patch by patch, then the area of pairs
    truth, odds = dealt(12).drop_duplicates("patch_id").truth.to_numpy(), {}
    for split, part in dealt(12).groupby("split"):
        odds[split] = np.mean([logit(one.p_fresh.to_numpy()) for _, one in part.groupby("dealing")], axis=0)
    areas = {split: roc_auc_score(truth, values) for split, values in odds.items()}
    assert often.difference["all"] == pytest.approx(areas["patch"] - areas["patient"], abs=1e-12)


def test_what_a_dealing_moves_in_all_patients_alike_widens_the_interval():
    """Without a leak 0 lies within nearly all intervals, which those over patients alone do not reach."""
    held, alone = [], []
    for seed in range(30):
        row = price_over_dealings(dealt(5, seed, leak=0, alike=0.6)).iloc[0]
        held.append(row.low <= 0 <= row.high)
        scores = [dealt(5, seed, leak=0, alike=0.6).query("split == @split") for split in ("patch", "patient")]
        mean = [np.mean([logit(part.p_fresh) for _, part in table.groupby("dealing")], axis=0) for table in scores]
        first = scores[0][scores[0].dealing == 0]
        areas = clustered_delong(first.truth == 1, np.stack(mean), pd.factorize(first.patient_id)[0])
        se = np.sqrt(areas.covariance[0, 0] + areas.covariance[1, 1] - 2 * areas.covariance[0, 1])
        alone.append(abs(areas.auc[0] - areas.auc[1]) <= norm.ppf(0.975) * se)
    assert sum(held) >= 27 > 24 > sum(alone)


def test_dealings_of_other_patches_are_refused():
    table = dealt(2)
    for wrong in (table[1:], table[table.split == "patient"]):
        with pytest.raises(InputError):
            price_over_dealings(wrong)


# A network that can know patients -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recognisable():
    """Features of 30 patients with three patches each and 40 with one; of a patient only the weave can be seen."""
    images, rows = [], []
    for number in range(70):
        n = 3 if number < 30 else 1
        pattern = weave((64 * n, 64), 0.42, np.random.default_rng([15, number]))
        ranks = pattern.reshape(n, -1).argsort(1).argsort(1)  # equalised
        images.append((ranks * 255 // (64 * 64 - 1)).astype(np.uint8).reshape(n, 64, 64))
        rows += [(f"P{number}", ("fresh", "old")[number % 2])] * n
    patches = pd.DataFrame(rows, columns=["patient_id", "label"]).assign(patch_id=np.arange(len(rows)))
    net = load_network("efficientnet_lite0", "packaged", size=64)
    return features_of(net, np.concatenate(images), "float32"), patches


def test_a_frozen_network_that_knows_patients_leaks_where_they_are_in_training(recognisable):
    features, patches = recognisable
    found = price(features, patches, seed=1, dealings=2)
    assert found.low[SEEN] > 0 and found.low[SEEN_LESS_UNSEEN] > 0
    assert found.low[UNSEEN] < 0 < found.high[UNSEEN]


def test_with_one_vertebra_a_patient_nothing_leaks(recognisable):
    features, patches = recognisable
    alone = (~patches.patient_id.duplicated()).to_numpy()
    found = price(features[alone], patches[alone].reset_index(drop=True), seed=1, dealings=2)
    assert found.low["all"] < 0 < found.high["all"] and found.n[SEEN] == 0
