"""The final model: the folder, its answers, what it says of unlike patches and of calibration."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch

from ovcf.models import making, reference
from ovcf.models.card import Origin, card_page, cross_validated, determinism_record
from ovcf.models.crossval import cross_validate, fold_network
from ovcf.models.final import calibration_statement, load_final, tensors_digest
from ovcf.models.making import train_final
from ovcf.models.random_weights import noise_patches
from ovcf.models.recipe import Recipe
from ovcf.models.reference import make_reference, neighbour_distance, similar_patches
from ovcf.models.tensors import to_tensor
from ovcf.predict import load_model
from ovcf.problems import InputError
from ovcf.profiles import defaults
from ovcf.run_folder.fixed import write_fixed

NAME = "efficientnet_lite0"
HOW = {"image_size": 64, "margin_mm": 5.0, "margin_px": 8, "equalisation": "histogram"}


def out_of_fold(images, patches, recipe, where):
    """Predictions of one network, with the split that the study would write."""
    return cross_validate(images, patches, [NAME], recipe, **where).assign(split="patient")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Images, patches, predictions, options and the folder of a final model on 40 smooth patches."""
    images = noise_patches(40, 64, seed=2)
    fresh = np.repeat(np.arange(20) % 2, 2)
    images[fresh == 1, 20:30, 10:50] = 255
    patches = pd.DataFrame(
        {
            "patch_id": [f"v{i}" for i in range(40)],
            "patient_id": [f"00{i // 2}" for i in range(40)],
            "label": np.where(fresh, "fresh", "old"),
            "level": "T12",
            "fold": np.repeat(np.arange(20) % 4 + 1, 2),
        }
    )
    folder = tmp_path_factory.mktemp("run")
    recipe, where = Recipe(weights="packaged", epochs=10), {"cache": folder / "cache", "progress": False}
    predictions = out_of_fold(images, patches, recipe, where)
    origin = Origin(HOW, synthetic=True)
    options = {"predictions": predictions, "recipe": recipe, "origin": origin, "out": folder / "model", **where}
    return images, patches, options, train_final(images, patches, **options)


@pytest.fixture(scope="module")
def model(trained):
    """The model of `trained`, loaded."""
    return load_final(trained[3])


def test_the_card_says_what_it_is(trained, model):
    card = json.loads((trained[3] / "card.json").read_text())
    assert "Research use only" in card["research_use_only"] and card["synthetic"] is True
    assert card["data"]["patches"] == 40 and card["data"]["patients"] == 20 and card["data"]["fresh"] == 20
    assert card["preprocessing"] == HOW and card["recipe"]["epochs"] == 10
    assert card["training"] == "ImageNet weights (packaged), frozen trunk, trained head"
    page = (trained[3] / "README.md").read_text()
    assert "Research use only" in page and "synthetic" in page.lower() and "by patient" in page
    assert model.network == NAME and model.card["cross_validation"]["folds"] == 4


def test_answers_hold_the_final_model_between_its_folds(trained, model):
    said = model.predict(trained[0])
    assert list(said.columns) == ["p_fresh", "low", "high", "distance", "unlike"]
    assert (said.low <= said.p_fresh).all() and (said.p_fresh <= said.high).all()
    assert (said.low < said.high).all()
    assert ((said.p_fresh > 0.5) == (trained[1].label == "fresh")).mean() > 0.8


def test_the_number_is_that_of_the_whole_network(trained, model):
    with torch.inference_mode():
        whole = torch.softmax(model.net(to_tensor(trained[0][:6])), 1)[:, 1]
    assert np.allclose(whole, model.predict(trained[0][:6]).p_fresh, atol=1e-4)


def test_fold_models_are_those_of_the_cross_validation(trained, model):
    images, patches, options, _ = trained
    rows = np.flatnonzero(patches.fold == 2)
    each = model._probabilities(images[rows], model.features(images[rows]))
    assert np.allclose(each[2], options["predictions"].p_fresh.to_numpy()[rows], atol=1e-5)


def test_the_same_model_is_left_alone_and_another_replaces_it(trained, tmp_path, monkeypatch):
    images, patches, options, _ = trained
    options = options | {"out": tmp_path / "model"}
    first = load_final(train_final(images, patches, **options))
    monkeypatch.setattr(making, "_write", lambda *a: pytest.fail("written again"))
    train_final(images, patches, **options)
    monkeypatch.undo()
    second = load_final(train_final(images, patches, **options | {"recipe": Recipe(weights="packaged", epochs=2)}))
    assert first.digest != second.digest and second.card["recipe"]["epochs"] == 2
    assert [f.name for f in tmp_path.iterdir()] == ["model"]


def test_the_digest_repeats(trained, tmp_path, model):
    images, patches, options, _ = trained
    again = train_final(images, patches, **options | {"out": tmp_path / "elsewhere"})
    assert load_final(again).digest == model.digest


def test_the_digest_is_of_the_tensors_not_of_their_files(trained, tmp_path, model):
    copy = tmp_path / "model"
    shutil.copytree(trained[3], copy)
    tensors = safetensors.torch.load_file(copy / "final.safetensors")
    safetensors.torch.save_file(tensors, copy / "final.safetensors", metadata={"another": "note"})
    assert tensors_digest(copy) == model.digest
    tensors["head.bias"][0] += 1e-6
    safetensors.torch.save_file(tensors, copy / "final.safetensors")
    assert tensors_digest(copy) != model.digest


def test_a_changed_file_is_noticed(trained, tmp_path):
    images, patches, options, _ = trained
    folder = train_final(images, patches, **options | {"out": tmp_path / "model"})
    (folder / "reference.csv").write_text("patch_id\n")
    with pytest.raises(InputError, match=r"reference\.csv"):
        load_final(folder)
    with pytest.raises(InputError, match="no whole final model"):
        load_final(tmp_path)


def test_noise_is_unlike_and_training_patches_are_not(trained, model, rng):
    white = rng.integers(0, 256, (4, 64, 64)).astype(np.uint8)
    assert model.predict(white).unlike.all()
    assert model.predict(np.full((1, 64, 64), 128, np.uint8)).unlike.all()
    assert model.predict(trained[0]).unlike.mean() <= 0.1


def test_another_size_is_refused(model):
    with pytest.raises(ValueError, match=r"\(n, 64, 64\)"):
        model.predict(np.zeros((1, 32, 32), np.uint8))


def test_similar_patches_are_of_other_patients_and_nearest_first(trained, model):
    images, patches = trained[:2]
    near = model.similar(images[4], n=5, exclude_patient="002")
    assert "002" not in set(near.patient_id) and len(near) == 5 and near.distance.is_monotonic_increasing
    itself = model.similar(images[4], n=1).iloc[0]
    assert itself.patch_id == "v4" and itself.distance < 1e-3
    by_row = similar_patches(model.features(images), patches, 4, 5)
    assert list(by_row.patch_id) == list(near.patch_id)


def test_distances_against_the_slow_way(rng):
    features = rng.normal(size=(30, 7)).astype(np.float32)
    patients = np.repeat(np.arange(15), 2)
    reference = make_reference(features, patients)
    slow = []
    for i, point in enumerate(reference.points):
        others = reference.points[patients != patients[i]]
        slow.append(np.sort([np.linalg.norm(point - o) for o in others])[:5].mean())
    found = neighbour_distance(reference.points, reference.points, patients, patients)
    assert np.allclose(found, slow, atol=1e-5)
    assert np.isclose(reference.threshold, np.percentile(slow, 99), atol=1e-5)


def test_the_threshold_of_many_patches_is_measured_on_some_of_them(rng, monkeypatch):
    features, patients = rng.normal(size=(900, 5)).astype(np.float32), np.repeat([f"P{k}" for k in range(300)], 3)
    every = make_reference(features, patients)
    monkeypatch.setattr(reference, "MOST_MEASURED", 300)
    monkeypatch.setattr(reference, "AT_ONCE", (64, 100))
    some = make_reference(features, patients)
    assert len(every.distances) == 900 and len(some.distances) == 300
    near = np.abs(every.distances[None] - some.distances[:, None]).min(1)
    assert near.max() < 1e-9, "those of patches that were drawn, each to all others"
    rank = np.mean(every.distances <= some.threshold)
    assert abs(rank - 0.99) < 0.02  # 99th percentile of 300 drawn of 900: SD of its rank 0.005


def test_the_calibration_statement_counts():
    p = np.linspace(0.005, 0.995, 100)
    table = pd.DataFrame({"p_fresh": p, "truth": (p > 0.5).astype(int)})
    said = calibration_statement(table, 0.62, least=10)
    assert said == "Of the 10 patches scored between 0.60 and 0.70 in cross-validation, 10 were fresh."
    assert "between 0.00 and 0.10" in calibration_statement(table, 0.0, least=10)
    assert "between 0.90 and 1.00" in calibration_statement(table, 1.0, least=10)
    wider = calibration_statement(table, 0.62, least=20)
    assert wider == "Of the 20 patches scored between 0.55 and 0.75 in cross-validation, 20 were fresh."
    assert "Of the 100" in calibration_statement(table, 0.3, least=1000)


def test_deeper_models_answer_with_their_own_weights(trained, tmp_path):
    images, patches = trained[0][:16], trained[1][:16]
    recipe, where = Recipe(weights="packaged", trainable="last_stage", epochs=1), {"cache": tmp_path, "progress": False}
    predictions = out_of_fold(images, patches, recipe, where)
    more = trained[2] | where | {"recipe": recipe, "predictions": predictions, "out": tmp_path / "model"}
    deep = load_final(train_final(images, patches, **more))
    rows = np.flatnonzero(patches.fold == 1)
    each = deep._probabilities(images, None)
    # the maps on disk were half precision
    assert np.allclose(each[1, rows], predictions.p_fresh.to_numpy()[rows], atol=1e-2)
    with torch.inference_mode():
        assert np.allclose(each[0], torch.softmax(deep.net(to_tensor(images)), 1)[:, 1], atol=1e-5)


def test_the_determinism_record_is_plain_json():
    record = determinism_record()
    assert json.loads(json.dumps(record))["versions"]["torch"] == torch.__version__.split("+")[0]


def test_the_cards_rates_are_those_at_the_runs_threshold(trained, model):
    predictions = trained[2]["predictions"]
    said = cross_validated(predictions, 0.3)["over_folds"]["recall_fresh"]["mean"]
    fresh = predictions[predictions.truth == 1]
    assert said == pytest.approx((fresh.p_fresh >= 0.3).groupby(fresh.fold).mean().mean())
    assert model.called_from == model.card["called_from"] == 0.5
    assert "called fresh from 0.3 on" in card_page(model.card | {"called_from": 0.3})


def test_a_model_calls_at_its_runs_threshold_also_where_its_card_does_not_say_it(trained, tmp_path):
    shutil.copytree(trained[3], tmp_path / "model")
    write_fixed(tmp_path, defaults() | {"threshold": 0.3})
    assert load_model(tmp_path).called_from == 0.3


def test_the_network_of_a_fold_is_the_one_of_the_cross_validation(trained, model):
    images, patches, options, _ = trained
    cached = fold_network(images, patches, NAME, 2, options["recipe"], options["cache"]).state_dict()
    ours = model.net_of_fold(2).state_dict()
    assert cached.keys() == ours.keys() and all(torch.equal(cached[name], ours[name]) for name in cached)
    with pytest.raises(InputError, match="no network of fold 9"):
        model.net_of_fold(9)
