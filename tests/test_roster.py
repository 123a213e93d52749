"""The roster against Table 1, the text of section 2.1, and small cohorts."""

import numpy as np
import pandas as pd
import pytest

from ovcf.synthetic import roster


@pytest.fixture(scope="module")
def paper():
    return roster.roster(405, seed=0)


def test_counts_per_level_and_class_are_table_1(paper):
    vertebrae, _ = paper
    counts = vertebrae.groupby(["label", "level"]).size().unstack()[list(roster.LEVELS)]
    assert counts.loc["fresh"].tolist() == list(roster.TABLE1_FRESH)
    assert counts.loc["old"].tolist() == list(roster.TABLE1_OLD)
    assert counts.sum(axis=1).to_dict() == {"fresh": 364, "old": 356}


def test_normal_segments_are_old_and_lie_where_the_parentheses_say(paper):
    vertebrae, _ = paper
    normal = vertebrae[vertebrae.normal_segment]
    assert set(normal.label) == {"old"}
    counts = normal.level.value_counts().reindex(roster.LEVELS, fill_value=0)
    assert counts.tolist() == list(roster.TABLE1_NORMAL)
    assert sum(roster.TABLE1_NORMAL) == 11


def test_eleven_fresh_fractures_keep_their_height(paper):
    vertebrae, _ = paper
    assert vertebrae.normal_height.sum() == 11
    assert set(vertebrae.label[vertebrae.normal_height]) == {"fresh"}


def test_everyone_has_a_vertebra_and_no_level_twice(paper):
    vertebrae, people = paper
    assert set(vertebrae.patient) == set(range(405)) and len(people) == 405
    assert not vertebrae.duplicated(["patient", "level"]).any()
    assert vertebrae.groupby("patient").size().max() <= roster.MOST_VERTEBRAE


def test_some_patients_have_both_classes(paper):
    vertebrae, _ = paper
    assert (vertebrae.groupby("patient").label.nunique() == 2).sum() >= 20


def test_age_and_sex_follow_the_paper_as_far_as_the_bound_lets(paper):
    _, people = paper
    assert (people.sex == "female").sum() == 290
    assert people.age.min() >= 60 and people.age.max() <= 98
    assert people.age.mean() == pytest.approx(75, abs=0.2)
    assert people.age.std(ddof=1) == pytest.approx(10.5, abs=0.3)


def test_no_falling_density_reaches_the_printed_sd():
    # The extreme of all densities that fall with age: a spike at 60 and a uniform, weighted for the mean.
    span, mean = roster.AGE_HIGH - roster.AGE_LOW, roster.AGE_MEAN - roster.AGE_LOW
    weight = 2 * mean / span
    assert np.sqrt(weight * span**2 / 3 - mean**2) == pytest.approx(12.4, abs=0.1)


@pytest.mark.parametrize("patients", [6, 12, 24, 100])
def test_small_cohorts_have_both_classes_in_enough_patients(patients):
    vertebrae, people = roster.roster(patients, seed=3)
    assert len(people) == patients and vertebrae.patient.nunique() == patients
    holders = vertebrae.groupby("label").patient.nunique()
    assert holders.min() >= patients // 2 - 1


@pytest.mark.parametrize(
    "weights, total, expected",
    [((1, 1), 3, [2, 1]), ((364, 356), 720, [364, 356]), ((5, 3, 2), 7, [4, 2, 1])],
)
def test_shares_are_largest_remainders(weights, total, expected):
    assert roster.shares(weights, total).tolist() == expected


def test_studies_hold_557_of_whom_152_fail_a_criterion(paper):
    table = roster.studies(paper[1], seed=0)
    assert len(table) == 557 and (table.exclusion != "").sum() == 152
    assert set(table.patient_id[table.exclusion == ""]) == set(paper[1].patient_id)
    assert table.patient_id.is_unique and table.age.min() >= 60


def test_exclusion_names_the_first_criterion_failed(paper):
    table = roster.studies(paper[1], seed=0)
    days = table.days_between_radiograph_and_mri
    fails = [table.metastasis_or_haematological, ~table.radiograph_adequate, ~table.mri_available, days > 7]
    first = pd.Series("", index=table.index)
    for reason, failed in reversed(list(zip(roster.EXCLUDED, fails, strict=True))):
        first = first.mask(failed, reason)
    assert (first == table.exclusion).all()
    assert days.isna().equals(~table.mri_available)
    assert table.exclusion.value_counts().drop("").to_dict() == roster.EXCLUDED


def test_a_seed_repeats_and_another_differs():
    first, again, other = (roster.roster(40, seed=s)[0] for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_patients_can_have_vertebrae_of_one_class_each():
    vertebrae, _ = roster.roster(405, 3, mixed=0.0)
    assert (vertebrae.groupby("patient").label.nunique() == 1).all()
    assert vertebrae.groupby("patient")["level"].apply(lambda x: x.is_unique).all() and len(vertebrae) == 720
    mixed, _ = roster.roster(405, 3)
    assert 0 < (mixed.groupby("patient").label.nunique() == 2).mean() < 0.2
