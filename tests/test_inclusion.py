"""Inclusion: the paper's criteria by rule, in its order, each patient counted once."""

import numpy as np
import pandas as pd
import pytest

from ovcf.cohort.inclusion import CRITERIA, exclusion_reasons, inclusion_flow
from ovcf.problems import InputError


@pytest.fixture
def studies():
    return pd.DataFrame(
        {
            "patient_id": list("abcdefgh"),
            "age": [59, 60, 70, 70, 70, 70, 70, np.nan],
            "metastasis_or_haematological": ["yes", "yes", "no", "no", "no", "no", "", "no"],
            "radiograph_adequate": [True, True, False, True, True, True, True, True],
            "mri_available": [1, 1, 0, 0, 1, 1, 1, 1],
            "days_between_radiograph_and_mri": [0, 0, 0, "", 8, 7, -7, 1],
            "exclusion": ["", "", "", "", "", "", "withdrew consent", ""],
        }
    )


def test_each_patient_leaves_at_the_first_reason(studies):
    assert exclusion_reasons(studies).tolist() == [*(rule.reason for rule in CRITERIA), "", "withdrew consent", ""]


def test_flow_counts(studies):
    flow = inclusion_flow(studies)
    assert flow["n"].tolist() == [8, 7, 6, 5, 4, 3, 2, 2]
    assert flow["excluded"].tolist() == [0, 1, 1, 1, 1, 1, 1, 0]
    assert flow["step"].iloc[[0, -1]].tolist() == ["Collected", "Included"]
    assert flow.loc[1, "unknown"] == 1  # h's age is not known, and cannot exclude


def test_a_patient_stays_while_one_study_fits():
    studies = pd.DataFrame({"patient_id": ["a", "a", "b"], "mri_available": ["no", "yes", "no"]})
    flow = inclusion_flow(studies)
    assert flow["n"].tolist() == [2, 1, 1]


def test_absent_columns_are_no_step():
    flow = inclusion_flow(pd.DataFrame({"patient_id": [1, 2], "exclusion": ["", "MRI unavailable"]}))
    assert flow[["step", "n"]].values.tolist() == [["Collected", 2], ["Other exclusion", 1], ["Included", 1]]


def test_unreadable_values_are_named_all_at_once(studies):
    studies = studies.astype(object)
    studies.loc[0, "age"], studies.loc[3, "mri_available"] = "sixty", "perhaps"
    with pytest.raises(InputError) as error:
        inclusion_flow(studies)
    assert [(p.row, p.column) for p in error.value.problems] == [(2, "age"), (5, "mri_available")]
    with pytest.raises(InputError, match="patient_id"):
        inclusion_flow(pd.DataFrame({"age": [70]}))
