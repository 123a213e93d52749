"""Folds by set arithmetic: who may meet whom, and in what numbers."""

import numpy as np
import pandas as pd
import pytest

from ovcf.cohort.folds import assign_folds, fold_table
from ovcf.problems import InputError


@pytest.fixture
def patches(rng):
    """The paper's 364 fresh and 356 old vertebrae of 405 patients, some patients with both."""
    patients = np.concatenate([np.arange(405), rng.integers(0, 405, 315)])
    table = pd.DataFrame(
        {
            "patient_id": [f"{number:04d}" for number in rng.permutation(patients)],
            "label": rng.permutation(["fresh"] * 364 + ["old"] * 356),
        }
    )
    assert (table.groupby("patient_id")["label"].nunique() == 2).any()
    return table


def test_patch_split_has_the_papers_sizes(patches):
    table = fold_table(patches, assign_folds(patches, split="patch", seed=3))
    assert table["n"].tolist() == [145, 144, 144, 144, 143]
    assert table["fresh"].tolist() == [73, 73, 73, 73, 72]
    assert table["old"].tolist() == [72, 71, 71, 71, 71]


@pytest.mark.parametrize("seed", range(5))
def test_patient_split_keeps_patients_together_and_classes_balanced(patches, seed):
    fold = assign_folds(patches, seed=seed)
    assert set(fold) == {1, 2, 3, 4, 5}
    people = [set(patches["patient_id"][fold == number]) for number in range(1, 6)]
    assert sum(map(len, people)) == len(set.union(*people)) == 405
    share = fold_table(patches, fold).eval("fresh / n")
    assert (share - 364 / 720).abs().max() < 0.03
    assert fold_table(patches, fold)["n"].between(140, 148).all()


def test_patch_split_lets_patients_leak_which_is_why_it_is_not_the_default(patches):
    fold = assign_folds(patches, split="patch")
    assert patches.groupby("patient_id").apply(lambda rows: len(set(fold[rows.index])) > 1).any()


@pytest.mark.parametrize("split", ["patient", "patch"])
def test_same_seed_same_folds_whatever_the_index(patches, split):
    fold = assign_folds(patches, split=split, seed=7)
    shuffled_index = patches.set_index(np.arange(720)[::-1])
    np.testing.assert_array_equal(fold, assign_folds(shuffled_index, split=split, seed=7))
    assert (fold != assign_folds(patches, split=split, seed=8)).any()


def small(**patients_by_label):
    rows = [(patient, label) for label, patients in patients_by_label.items() for patient in patients]
    return pd.DataFrame(rows, columns=["patient_id", "label"])


@pytest.mark.parametrize(
    "patches, folds, split, words",
    [
        (small(fresh="abcd", old="abcdef"), 5, "patch", "5 folds need at least 5 fresh vertebrae; there are 4"),
        (small(fresh="a", old="abcdef"), 2, "patch", "there is 1 vertebra"),
        (small(fresh="aaaaaabb", old="cdefgh"), 5, "patient", "of at least 5 patients; the 8 here are of 2"),
        (small(fresh="abcdef"), 2, "patient", "0 vertebrae"),
        (small(fresh="abc", old="abc"), 1, "patient", "2 or more"),
        (small(fresh="abc", old="abc"), 2, "hospital", "patient, patch"),
        (small(fresh="abc", new="abc", old="abc"), 2, "patient", "found 'new'"),
    ],
)
def test_refusals_name_the_counts(patches, folds, split, words):
    with pytest.raises(InputError, match=words):
        assign_folds(patches, folds=folds, split=split)


def test_all_reasons_come_at_once():
    with pytest.raises(InputError) as caught:
        assign_folds(small(fresh="ab", old="cd"), folds=5)
    assert len(caught.value.problems) == 2


def test_a_fold_without_a_class_is_refused(monkeypatch):
    from ovcf.cohort import folds

    monkeypatch.setattr(folds, "_by_patch", lambda label, *_: np.where(label == "fresh", 1, 2))
    with pytest.raises(InputError, match="fold 1 of 2 .* would hold 3 fresh and 0 old") as caught:
        assign_folds(small(fresh="abc", old="abc"), folds=2, split="patch")
    assert len(caught.value.problems) == 2
