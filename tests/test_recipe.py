"""The recipe: the paper's numbers, every wrong value refused at once, flips in one order."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from ovcf.models.recipe import RANGES, Recipe
from ovcf.problems import InputError
from ovcf.profiles import load_profile


def test_the_papers_learning_rates():
    recipe = Recipe()
    assert (recipe.epochs, recipe.learning_rate, recipe.momentum) == (100, 0.001, 0.9)
    expected = [0.001, 0.001, 0.0008, 0.00064, 0.000512]
    assert np.allclose([recipe.rate(e) for e in (0, 29, 30, 60, 99)], expected)


def test_flips_make_four_states_with_the_unflipped_first():
    assert Recipe().states == ((), ("lr",), ("tb",), ("lr", "tb"))
    assert Recipe(flips=("tb",)).states == ((), ("tb",)) and Recipe(flips=()).states == ((),)
    assert Recipe(flips=("tb", "lr")).training() == Recipe().training()
    for wrong in (("diagonal",), "lr"):
        with pytest.raises(InputError, match="unknown flip"):
            Recipe(flips=wrong)


@pytest.mark.parametrize("name", RANGES)
def test_every_number_is_held_to_its_range(name):
    kind, least, most = RANGES[name]
    for value in (least, most):
        Recipe(**{name: kind(value)})
    for value in (least - 1, most * 2, float("nan"), True, "3", None, *([1.5] if kind is int else [])):
        with pytest.raises(InputError, match=f"{name} is out of range"):
            Recipe(**{name: value})


def test_everything_wrong_with_recipe_and_networks_is_said_at_once():
    wrong = load_profile("demo") | {"networks": ["resnet110", "alexnet"], "weights": "imagnet", "trainable": "heads"}
    with pytest.raises(InputError) as error:
        Recipe.chosen(wrong | {"epochs": 0})
    text = str(error.value)
    assert len(error.value.problems) == 4
    assert "resnet101" in text and "imagenet" in text and "did you mean head?" in text and "epochs" in text
    with pytest.raises(InputError, match="no network was named"):
        Recipe.chosen(wrong | {"networks": [], "weights": "none", "trainable": "head"})


@pytest.mark.parametrize("profile", ["demo", "laptop", "paper"])
def test_every_profile_is_a_recipe_and_nothing_of_it_is_lost(profile):
    parameters = load_profile(profile)
    recipe = Recipe.chosen(parameters)
    for field in dataclasses.fields(Recipe):
        assert field.name not in parameters or getattr(recipe, field.name) == parameters[field.name]
    assert {field.name for field in dataclasses.fields(Recipe)} - set(parameters) == {"flips"}


def loaded(code, *names):
    """Which libraries a Python of its own has loaded after some code."""
    said = f"import sys; {code}; print(*({set(names)} & sys.modules.keys()))"
    return subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout.split()


def test_recipe_and_catalogue_are_free_of_torch():
    assert not loaded("import ovcf.models.recipe as r; r.Recipe()", "torch")


def test_a_run_is_made_without_torch(tmp_path, monkeypatch):
    monkeypatch.setenv("OVCF_DATA", str(tmp_path / "data"))
    begin = f"from ovcf.study import Study; Study.begin({str(tmp_path / 'run')!r}, patients=16, folds=2, workers=1)"
    assert not loaded(begin, "torch", "torchvision", "matplotlib")
    assert (tmp_path / "run" / "tables" / "patches.csv").is_file()


def test_a_worker_that_trains_heads_on_features_does_without_torchvision():
    assert loaded("import ovcf.models.fold", "torch", "torchvision", "timm") == ["torch"]
