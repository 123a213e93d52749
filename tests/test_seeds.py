"""Variation over seeds against literal means; refusals by name."""

import numpy as np
import pytest

from ovcf.problems import InputError
from ovcf.stats.rates import rates
from ovcf.stats.seeds import seed_variation
from ovcf.stats.simulate import Design, simulate_predictions
from ovcf.tables.seeds import seed_table


def trained(seed):
    one = simulate_predictions(Design(60, 100), seed=1)
    moved = np.clip(one["p_fresh"] + np.random.default_rng(seed).normal(0, 0.1, 100), 0, 1)
    return one.assign(p_fresh=moved, seed=seed)


def test_spread_over_seeds_is_the_literal_one():
    table = seed_variation(*[trained(k) for k in range(4)]).set_index("metric")
    values = [rates(trained(k)["truth"], trained(k)["p_fresh"])["auc"] for k in range(4)]
    row = table.loc["auc"]
    assert (row["mean"], row["sd_ddof1"]) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert row["high"] - row["mean"] == pytest.approx(3.182446305284263 * np.std(values, ddof=1) / 2)  # t of 3 df
    assert (row["least"], row["most"], row["seeds"], row["which"]) == (min(values), max(values), 4, "0, 1, 2, 3")


def test_seeds_that_gave_the_same_have_no_interval():
    same = [trained(1), trained(1).assign(seed=2), trained(1).assign(seed=3)]
    table = seed_variation(*same)
    assert (table["least"] == table["most"]).all() and table[["low", "high"]].isna().all(axis=None)
    assert not any("0.0]" in text for text in seed_table(table)["mean [95 % interval over seeds]"])


def test_one_seed_and_other_patches_are_refused():
    with pytest.raises(InputError, match="two seeds"):
        seed_variation(trained(1))
    with pytest.raises(InputError, match="other patches"):
        seed_variation(trained(1), trained(2)[1:])
