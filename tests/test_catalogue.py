"""The registry of networks: one entry and one function add a network, and leave every other one as it was."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import torchvision
from torch import nn

from ovcf.models import catalogue
from ovcf.models.catalogue import Architecture, architecture, describe_training, describe_weights, network_problems
from ovcf.models.crossval import cross_validate
from ovcf.models.explain import activation_map
from ovcf.models.features import features_key
from ovcf.models.jobs import plan
from ovcf.models.networks import build_network, original_network
from ovcf.models.random_weights import noise_patches
from ovcf.models.recipe import Recipe
from ovcf.models.tensors import to_tensor
from ovcf.models.weights import load_network, read_state, state_digest
from ovcf.problems import InputError
from ovcf.words import NETWORKS, network_title, networks_in_order

RECIPE = Recipe(weights="none", epochs=2)


def densenet121(net):
    """Cut torchvision's DenseNet121 before its last dense block: what a user writes."""
    *stem, block, norm = net.features
    stage = nn.Sequential(block, norm, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*stem), stage, net.classifier.in_features


DENSENET = Architecture("densenet121", densenet121, last_stage="dense block 4", camera="stage.2")


@pytest.fixture
def registered():
    """DenseNet121 in the middle of the order, for the time of a test."""
    catalogue.register(DENSENET, "DenseNet121", before="resnet50")
    yield
    catalogue.forget("densenet121")


@pytest.fixture(scope="module")
def cohort():
    """12 patches (12, 64, 64) of 12 patients in 2 folds."""
    table = {"patch_id": [f"v{i}" for i in range(12)], "patient_id": [f"p{i}" for i in range(12)]}
    return noise_patches(12, 64, seed=3), pd.DataFrame(
        table | {"label": ["fresh", "old"] * 6, "fold": np.repeat([1, 2], 6)}
    )


def of_all(cohort, cache):
    """Predictions of two networks, and the keys of all six."""
    images, patches = cohort
    said = cross_validate(images, patches, ["alexnet", "resnet50"], RECIPE, cache=cache, progress=False)
    jobs = [job.target.name for job in plan(images, patches, sorted(NETWORKS), RECIPE, cache)]
    return said, set(jobs), {n: features_key(n, images, RECIPE, None) for n in NETWORKS}


def test_a_network_added_in_the_middle_trains_and_leaves_all_others_as_they_were(cohort, tmp_path, request):
    before, files, keys = of_all(cohort, tmp_path / "before")
    request.getfixturevalue("registered")
    after, more_files, more_keys = of_all(cohort, tmp_path / "after")
    assert list(NETWORKS)[3] == "densenet121" and before.equals(after)
    assert files < more_files and all(more_keys[name] == key for name, key in keys.items())
    for trainable in ("head", "last_stage"):
        recipe = Recipe(weights="none", trainable=trainable, epochs=1)
        said = cross_validate(*cohort, ["densenet121"], recipe, cache=tmp_path, progress=False)
        assert said.p_fresh.between(0, 1).all() and said.p_fresh.nunique() > 1
    net = load_network("densenet121", "none", size=64)
    assert activation_map(net, cohort[0][0]).shape == (64, 64)


def test_cutting_a_registered_network_changes_nothing(registered):
    original = torchvision.models.densenet121(weights=None).eval()
    net = build_network("densenet121", state={k: v for k, v in original.state_dict().items() if "classifier" not in k})
    x = to_tensor(noise_patches(2, 64, seed=1))
    original.classifier = net.head
    with torch.inference_mode():
        assert torch.allclose(original(x), net(x), atol=1e-5)


def test_seeds_come_from_the_entry_and_never_from_its_position(registered):
    known = ("alexnet", "vgg16", "googlenet", "resnet50", "resnet101", "efficientnet_lite0")
    assert [architecture(name).seed_stream for name in known] == [0, 1, 2, 3, 4, 5]
    streams = {architecture(name).seed_stream for name in ("densenet121", "torchvision:densenet121", *NETWORKS)}
    assert len(streams) == 8 and architecture("densenet121").seed_stream > 2**32


def test_a_taken_name_and_an_unknown_place_are_refused(registered):
    with pytest.raises(InputError, match="taken"):
        catalogue.register(DENSENET, "DenseNet121")
    with pytest.raises(InputError, match="did you mean resnet50"):
        catalogue.register(DENSENET._replace(name="other"), "Other", before="resnet5")
    assert "other" not in NETWORKS


@pytest.mark.parametrize("name", ["torchvision:mobilenet_v3_small", "torchvision:vit_b_16", "timm:resnet18"])
def test_networks_of_other_libraries_train_head_and_all(cohort, tmp_path, name):
    if name.startswith("timm"):
        pytest.importorskip("timm")
    images, patches = cohort
    images = images if "vit" not in name else np.tile(images[:4], (1, 4, 4))[:, :224, :224]
    patches = patches if "vit" not in name else patches.iloc[[0, 1, 6, 7]].reset_index(drop=True)
    for trainable in ("head", "all")[: 1 if "vit" in name else 2]:
        recipe = Recipe(weights="none", trainable=trainable, epochs=1, batch_size=6, flips=())
        said = cross_validate(images, patches, [name], recipe, cache=tmp_path, progress=False)
        assert said.p_fresh.between(0, 1).all() and said.p_fresh.nunique() > 1
    assert ":" not in "".join(f.name for f in tmp_path.rglob("*"))
    net = load_network(name, "none", size=images.shape[1])
    if "vit" in name:
        with pytest.raises(InputError, match="no convolutional maps.*occlusion"):
            activation_map(net, images[0])
    else:
        assert activation_map(net, images[0]).shape == images[0].shape


def test_what_other_libraries_cannot_give_is_refused_in_words():
    wrong = ["torchvision:resnet5", "timm:nothing_at_all", "keras:resnet50", "torchvision:"]
    problems = network_problems([*wrong, "torchvision:resnet18"], "last_stage")
    assert len(problems) == 5 and "torchvision:resnet50" in str(problems[0]) and "LIBRARY" not in str(problems)
    assert "trainable: head or all" in str(problems[-1])
    with pytest.raises(InputError, match="linear layer"):
        load_network("torchvision:squeezenet1_1", "none", size=64)
    with pytest.raises(InputError, match="64 px into one vector"):
        load_network("torchvision:vit_b_16", "none", size=64)


def test_files_by_others_are_renamed_and_checked(tmp_path):
    torch.manual_seed(1)
    state = original_network("resnet50", random=True).state_dict()
    plain = state_digest(build_network("resnet50", state).stem)
    parts = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"]
    numbered = {k: f"{parts.index(k.split('.')[0])}.{k.split('.', 1)[1]}" for k in state if not k.startswith("fc.")}
    files = {
        "wrapped": {f"module.backbone.{k}": v for k, v in state.items()},
        "sequence": {f"backbone.{new}": state[k] for k, new in numbered.items()},  # as RadImageNet's are
        "held": {"state_dict": {f"model.{k}": v for k, v in state.items()}, "epoch": 3},
    }
    for name, content in files.items():
        torch.save(content, tmp_path / f"{name}.pth")
        assert state_digest(build_network("resnet50", read_state("resnet50", tmp_path / f"{name}.pth")).stem) == plain
    torch.save({f"backbone.{k}": v for k, v in state.items() if "layer3" not in k}, tmp_path / "less.pth")
    with pytest.raises(InputError, match="layer3.*is missing"):
        read_state("resnet50", tmp_path / "less.pth")


def test_weights_of_a_librarys_network_come_from_a_folder(tmp_path):
    torch.manual_seed(1)
    state = torchvision.models.shufflenet_v2_x0_5(weights=None).state_dict()
    torch.save(state, tmp_path / "torchvision-shufflenet_v2_x0_5.pth")
    net = load_network("torchvision:shufflenet_v2_x0_5", str(tmp_path), size=64)
    assert torch.equal(net.stem[0].conv1[0].weight, state["conv1.0.weight"])


def test_words_say_what_was_random_and_what_frozen():
    assert describe_weights("resnet101", "packaged") == "random weights (not pretrained)"
    assert describe_weights("efficientnet_lite0", "packaged") == "ImageNet weights (packaged)"
    assert describe_weights("vgg16", "/home/someone/files") == "weights from folder files"
    assert describe_weights("timm:resnet18", "imagenet") == "pretrained weights of timm"
    said = describe_training("resnet101", "none", "head")
    assert said == "random weights (not pretrained), frozen trunk, trained head"
    assert "last stage" in describe_training("vgg16", "imagenet", "last_stage")
    assert all(catalogue.last_stage(name) for name in NETWORKS)


def test_bfloat16_is_allowed_to_exactly_those_pretrained_trunks_that_were_measured_fit_for_it():
    page = (Path(__file__).parents[1] / "benchmarks" / "README.md").read_text(encoding="utf-8")
    row = r"^\| ([\w-]+), \d+ \| ([\d.]+) \| ([\d.]+) \| ([+-][\d.]+) \[.*\] \| ([\d.]+) \| (yes|no) \|$"
    moved = {}
    for title, float32, bfloat16, change, probability, verdict in re.findall(row, page, re.MULTILINE):
        fit = abs(float(change)) < 0.001 and float(probability) <= 0.01  # the limits of benchmarks/bfloat16.py
        assert float(bfloat16) - float(float32) == pytest.approx(float(change), abs=1.01e-4)
        assert verdict == ("yes" if fit else "no")
        moved.setdefault(title, []).append(fit)
    assert "EfficientNet-Lite0" in moved
    allowed = {network_title(name) for name, entry in catalogue.ARCHITECTURES.items() if entry.bfloat16_pretrained}
    assert allowed == {title for title, fit in moved.items() if all(fit)}


def test_titles_and_order_hold_for_every_network():
    assert set(NETWORKS) == set(catalogue.ARCHITECTURES)
    assert network_title("resnet50") == "ResNet50" and network_title("nobody") == "nobody"
    assert network_title("torchvision:resnet18") == "resnet18 (torchvision)"
    names = ["timm:x", "resnet101", "alexnet", "timm:x"]
    assert networks_in_order(names) == ["alexnet", "resnet101", "timm:x"]
