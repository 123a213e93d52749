"""Two versions of a network on the same patches, against literal computations."""

import numpy as np
import pandas as pd
import pytest

from ovcf.problems import InputError
from ovcf.stats.roc import auc
from ovcf.stats.versions import paired_versions


@pytest.fixture
def versions():
    rng = np.random.default_rng(7)
    n = 120
    truth = rng.permutation(np.arange(n) % 2)
    first = pd.DataFrame(
        {
            "patch_id": [f"v{i}" for i in range(n)],
            "patient_id": np.arange(n) // 2,
            "truth": truth,
            "p_fresh": np.clip(0.35 + 0.3 * truth + rng.normal(0, 0.25, n), 0, 1),
        }
    )
    second = first.assign(p_fresh=np.clip(first.p_fresh + 0.1 * (truth - 0.5) + rng.normal(0, 0.1, n), 0, 1))
    group = np.where(np.arange(n) < 100, "at", "below")
    return first, second, group


def test_estimates_are_literal_and_second_less_first(versions):
    first, second, group = versions
    table = paired_versions(first, second.sample(frac=1, random_state=1), group, threshold=0.45).set_index(
        ["group", "metric"]
    )
    for name, of in (("all", np.ones(120, bool)), ("at", group == "at")):
        areas = [auc(t.truth[of], t.p_fresh[of]) for t in (first, second)]
        assert table.loc[(name, "auc"), ["first", "second"]].tolist() == pytest.approx(areas)
        assert table.loc[(name, "auc"), "difference"] == pytest.approx(areas[1] - areas[0])
        recall = [(t.p_fresh[of & (t.truth == 1)] >= 0.45).mean() for t in (first, second)]
        assert table.loc[(name, "recall_fresh"), "difference"] == pytest.approx(recall[1] - recall[0])
    assert table.loc[("below", "accuracy"), "n"] == 20 and ("below", "auc") not in table.index


def test_interval_of_the_auc_is_the_patient_jackknifes(versions):
    first, second, _ = versions
    row = paired_versions(first, second).set_index("metric").loc["auc"]
    values = []
    for patient in range(60):
        kept = (first.patient_id != patient).to_numpy()
        values.append(auc(second.truth[kept], second.p_fresh[kept]) - auc(first.truth[kept], first.p_fresh[kept]))
    se = np.sqrt(59 / 60 * np.sum((np.array(values) - np.mean(values)) ** 2))
    assert (row.high - row.low) / 2 / 1.96 == pytest.approx(se, rel=0.05)


def test_a_version_against_itself_differs_by_nothing(versions):
    table = paired_versions(versions[0], versions[0])
    assert (table.difference == 0).all()


def test_other_patches_are_refused_by_name(versions):
    with pytest.raises(InputError, match="same patches"):
        paired_versions(versions[0], versions[1].iloc[1:])
