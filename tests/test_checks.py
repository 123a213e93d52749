"""Wrong input is refused, with every bad row named."""

import numpy as np
import pandas as pd
import pytest

from ovcf.problems import InputError
from ovcf.stats.checks import MOST, check_inputs, check_predictions, one_network


@pytest.fixture
def predictions():
    """Six patches of three patients, both networks, as a CSV of 13 lines would hold them."""
    table = pd.DataFrame(
        {
            "fold": [1, 1, 1, 2, 2, 2],
            "patch_id": list("abcdef"),
            "patient_id": list("ppqqrr"),
            "truth": [1, 0, 1, 0, 1, 0],
            "p_fresh": [0.9, 0.2, 0.6, 0.4, 0.5, 0.1],
        }
    )
    both = [table.assign(network=name, split="patient") for name in ("one", "two")]
    return pd.concat(both, ignore_index=True)


def refused(call, *arguments, **options):
    with pytest.raises(InputError) as error:
        call(*arguments, **options)
    return error.value.problems


@pytest.mark.parametrize("bad", [2, -1, 0.5, np.nan, "x"])
def test_labels_must_be_binary(bad):
    (problem,) = refused(check_inputs, np.array([0, 1, bad, 1], object), np.zeros(4))
    assert (problem.kind, problem.row, problem.found) == ("label_not_binary", 3, str(bad))


def test_one_class_is_refused_unless_allowed():
    (problem,) = refused(check_inputs, [1, 1, 1], [0.1, 0.2, 0.3])
    assert problem.kind == "one_class" and "rows 1 to 3" in str(problem) and problem.found == "fresh"
    assert check_inputs([1, 1], [0.1, 0.2], both=False).truth.all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_must_be_finite(bad):
    (problem,) = refused(check_inputs, [0, 1, 1], [[0.1, 0.2, 0.3], [0.1, bad, 0.3]])
    assert (problem.kind, problem.row) == ("score_missing", 2)


def test_probabilities_are_only_asked_for_where_needed():
    truth, scores = [0, 1, 1, 0], [-0.01, 1.01, 1, 0]
    assert [p.row for p in refused(check_inputs, truth, scores, probabilities=True)] == [1, 2]
    assert check_inputs(truth, scores).scores.tolist() == scores


def test_every_problem_is_listed_at_once():
    problems = refused(check_inputs, [0, 3, 1], [np.nan, 0.5, 2], ["p", "q", None], probabilities=True)
    assert [(p.kind, p.row) for p in problems] == [
        ("label_not_binary", 2),
        ("score_missing", 1),
        ("not_a_probability", 3),
        ("missing_patient", 3),
    ]


def test_a_long_list_of_problems_is_cut_and_says_so():
    problems = refused(check_inputs, np.arange(300) % 2, np.full(300, np.nan))
    assert len(problems) == MOST + 1 and "200 problems more" in problems[-1].message


@pytest.mark.parametrize("truth, scores, patient", [([0, 1], [0.5], None), ([0, 1], [0.5, 1], [1]), ([], [], None)])
def test_lengths_must_agree(truth, scores, patient):
    refused(check_inputs, truth, scores, patient)


def test_rows_of_a_table_are_lines_of_its_file(predictions):
    predictions.loc[7, "p_fresh"] = 1.5  # header is line 1, so index 7 is line 9, also after a filter
    (problem,) = refused(one_network, predictions[predictions["network"] == "two"])
    assert (problem.row, problem.column, problem.found) == (9, "p_fresh", "1.5")


def test_a_good_table_passes(predictions):
    assert check_predictions(predictions, networks="many") is predictions
    data = one_network(predictions[predictions["network"] == "one"])
    assert data.truth.tolist() == [True, False] * 3 and data.patient.tolist() == [0, 0, 1, 1, 2, 2]
    assert data.clusters == 3


def test_numbers_that_were_read_as_text_become_numbers(predictions):
    text = predictions.astype({"truth": str, "p_fresh": str})
    back = check_predictions(text, networks="many")
    assert back["p_fresh"].tolist() == predictions["p_fresh"].tolist()
    assert check_inputs(["0", "1"], ["0.5", "1"]).truth.tolist() == [False, True]
    text.loc[3, "p_fresh"] = "high"
    assert [(p.row, p.found) for p in refused(check_predictions, text, networks="many")] == [(5, "high")]


@pytest.mark.parametrize("column", ["network", "fold", "patch_id", "patient_id"])
def test_empty_cells_are_refused(predictions, column):
    predictions[column] = predictions[column].astype(object)
    predictions.loc[4, column] = None
    problems = refused(check_predictions, predictions, networks="many")
    assert (6, column) in {(p.row, p.column) for p in problems}


def test_one_network_at_a_time(predictions):
    (problem,) = refused(one_network, predictions)
    assert (problem.kind, problem.row, problem.found) == ("several_networks", 8, "one, two")
    predictions.loc[6:, "split"] = "patch"
    assert [p.kind for p in refused(check_predictions, predictions, networks="many")] == ["several_splits"]
    assert check_predictions(predictions, networks="any") is predictions


def test_duplicates_and_two_truths_are_refused(predictions):
    predictions.loc[8, "patch_id"] = "b"
    predictions.loc[9, "truth"] = 1
    kinds = {(p.kind, p.row) for p in refused(check_predictions, predictions, networks="many")}
    assert kinds == {("predicted_twice", 10), ("two_truths", 10), ("two_truths", 11)}


def test_missing_columns_are_named(predictions):
    problems = refused(check_predictions, predictions.drop(columns=["truth", "fold"]))
    assert [p.column for p in problems] == ["fold", "truth"]
    assert refused(check_predictions, predictions[:0])[0].kind == "empty"
