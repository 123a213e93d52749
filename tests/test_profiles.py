"""Profiles: types are enforced, unknown names are refused with the nearest ones."""

import pytest

from ovcf.problems import InputError
from ovcf.profiles import NAMES, defaults, load_profile, merge_parameters, parse_value


@pytest.mark.parametrize("name", NAMES)
def test_profile_is_complete(name):
    assert load_profile(name).keys() == defaults().keys()


def test_file_profile_lies_over_demo(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("epochs: 7\nlearning_rate: 1e-2\n")
    profile = load_profile(str(path))
    assert profile["epochs"] == 7
    assert profile["learning_rate"] == 0.01  # YAML 1.1 reads 1e-2 as text
    assert profile["folds"] == defaults()["folds"]


def test_unknown_profile_names_the_nearest():
    with pytest.raises(InputError, match="did you mean laptop"):
        load_profile("labtop")


def test_every_unknown_name_and_wrong_type_at_once():
    with pytest.raises(InputError) as error:
        merge_parameters(defaults(), {"epoch": 3, "folds": "five", "leakage": "maybe"}, source="me.yaml")
    text = str(error.value)
    assert "'epoch'" in text and "epochs" in text
    assert "column folds" in text and "column leakage" in text
    assert len(error.value.problems) == 3


@pytest.mark.parametrize(
    "text, value",
    [("3", 3), ("0.5", 0.5), ("true", True), ('["a", "b"]', ["a", "b"]), ("plain: [", "plain: [")],
)
def test_command_line_values(text, value):
    assert parse_value(text) == value


def test_numbers_are_not_rounded_in_silence():
    with pytest.raises(InputError):
        merge_parameters(defaults(), {"folds": 4.5}, source="x")
