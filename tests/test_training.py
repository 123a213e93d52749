"""Training: the paper's schedule, the fast head against torch's own optimiser, networks that can learn."""

import tracemalloc

import numpy as np
import pytest
import torch
from torch import nn

from ovcf.models import moments, training
from ovcf.models.feed import Rows
from ovcf.models.random_weights import noise_patches
from ovcf.models.recipe import Recipe
from ovcf.models.tensors import to_tensor
from ovcf.models.training import (
    LENGTH,
    _standardisation,
    batches,
    head_probability,
    network_probability,
    train_head,
    train_network,
)
from ovcf.models.weights import load_network
from ovcf.words import NETWORKS


@pytest.fixture
def features(rng):
    """Features (60, 4, 20) of two classes that differ in the first three, and the classes."""
    fresh = np.arange(60) % 2
    values = rng.normal(3, 2, (60, 4, 20)).astype(np.float32)
    values[fresh == 1, :, :3] += 4
    return values, fresh


def test_batches_hold_every_row_once_and_never_one_row(rng):
    for n in (1, 2, 16, 17, 33, 40):
        parts = batches(n, 16, rng)
        assert sorted(np.concatenate(parts)) == list(range(n))
        assert n == 1 or min(map(len, parts)) > 1


def literal_head(features, fresh, recipe, rng):
    """`train_head` as one would write it with torch.optim; the same draws from rng in the same order."""
    mean, scale = _standardisation(features)
    states, d = features.shape[1:]
    layer = nn.Linear(d, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(rng.uniform(-1, 1, (d, 2)).astype(np.float32).T / np.sqrt(d)))
        layer.bias.zero_()
    optimiser = torch.optim.SGD(layer.parameters(), lr=recipe.learning_rate, momentum=recipe.momentum)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, recipe.decay_every, recipe.decay)
    for _ in range(recipe.epochs):
        parts = batches(len(features), recipe.batch_size, rng)
        drawn = iter(rng.integers(states, size=len(features)))
        for rows in parts:
            x = np.stack([(features[row, next(drawn)] - mean) / scale for row in rows])
            loss = nn.functional.cross_entropy(layer(torch.from_numpy(x)), torch.from_numpy(fresh[rows]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        schedule.step()
    x = torch.from_numpy((features[:, 0] - mean) / scale)
    return torch.softmax(layer(x), 1)[:, 1].detach().numpy()


def test_the_fast_head_is_sgd_with_cross_entropy(features):
    recipe = Recipe(epochs=40, decay_every=15, learning_rate=0.01)
    head = train_head(*features, recipe, np.random.default_rng(3))
    fast = head_probability(features[0][:, 0], head)
    assert np.allclose(fast, literal_head(*features, recipe, np.random.default_rng(3)), atol=1e-4)
    assert np.mean((fast > 0.5) == features[1]) > 0.9


def test_features_read_by_rows_from_disk_in_pieces_give_the_bits_of_a_copy_in_memory(features, tmp_path, monkeypatch):
    values, fresh = features
    np.save(tmp_path / "features.npy", values)
    rows, recipe = np.flatnonzero(np.arange(len(fresh)) % 5), Recipe(epochs=3, batch_size=4)
    whole = train_head(values[rows], fresh[rows], recipe, np.random.default_rng(1))
    monkeypatch.setattr(training, "PIECE", 2)
    monkeypatch.setattr(moments, "AT_ONCE", 7)
    read = Rows(np.load(tmp_path / "features.npy", mmap_mode="r"), rows)
    in_pieces = train_head(read, fresh[rows], recipe, np.random.default_rng(1))
    assert all(torch.equal(whole[name], in_pieces[name]) for name in whole)


@pytest.mark.parametrize("shape", [(1, 4, 7), (moments.AT_ONCE + 3, 4, 1280), (5 * moments.AT_ONCE, 33)])
def test_mean_and_sd_in_pieces_have_numpys_bits(rng, shape):
    values = (rng.normal(size=shape) ** 2).astype(np.float32)
    flat = values.reshape(-1, shape[-1])
    mean, sd = moments.mean_and_sd(values)
    assert np.array_equal(mean, flat.mean(0, dtype=np.float64))
    assert np.array_equal(sd, flat.std(0, dtype=np.float64))


def test_training_a_head_holds_a_small_part_of_its_features(rng, tmp_path):
    shape = 4000, 4, 256
    np.save(tmp_path / "features.npy", rng.normal(size=shape).astype(np.float32))
    read = Rows(np.load(tmp_path / "features.npy", mmap_mode="r"), rng.permutation(4000))
    tracemalloc.start()
    train_head(read, np.arange(4000) % 2, Recipe(epochs=1), rng)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < np.prod(shape) * 4 / 2  # a copy alone would be twice this, its doubles four times


def test_a_seed_repeats_the_bits_and_another_does_not(features):
    heads = [train_head(*features, Recipe(epochs=3), np.random.default_rng(s)) for s in (1, 1, 2)]
    assert torch.equal(heads[0]["head.weight"], heads[1]["head.weight"])
    assert not torch.equal(heads[0]["head.weight"], heads[2]["head.weight"])


def test_scale_and_offset_of_features_do_not_matter(features):
    values, fresh = features
    moved = values * np.linspace(0.1, 50, 20, dtype=np.float32) + 7
    # Equal only where no feature is small enough for the floor: compare uniform rescaling.
    a = train_head(values, fresh, Recipe(epochs=20), np.random.default_rng(1))
    b = train_head(values * 50 + 7, fresh, Recipe(epochs=20), np.random.default_rng(1))
    p, q = head_probability(values[:, 0], a), head_probability(values[:, 0] * 50 + 7, b)
    assert np.allclose(p, q, atol=1e-4)
    mean, scale = _standardisation(moved)
    length = np.sqrt((((moved - mean) / scale) ** 2).sum(-1).mean())
    assert length <= LENGTH + 1e-3


def test_constant_features_do_no_harm(features):
    values, fresh = features
    values[..., 5] = 3.0
    p = head_probability(values[:, 0], train_head(values, fresh, Recipe(epochs=5), np.random.default_rng(1)))
    assert np.isfinite(p).all()


def test_epochs_are_reported(features):
    seen = []
    train_head(*features, Recipe(epochs=4), np.random.default_rng(0), seen.append)
    assert seen == [1, 2, 3, 4]


# What each network needs to learn four patches by heart; large ones fewer epochs, as they take longest.
EPOCHS = {"alexnet": 10, "vgg16": 6, "googlenet": 15, "resnet50": 12, "resnet101": 12, "efficientnet_lite0": 20}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_batch_can_be_learnt_by_heart(name):
    """All layers trained. The loss uses this batch's statistics: after few steps running means lag behind."""
    images, fresh = noise_patches(4, 64, seed=9), np.array([0, 1, 0, 1])
    net = load_network(name, "packaged", size=64, seed=0)
    losses = []

    def note_loss(_epoch):
        for module in net.modules():
            module.train(isinstance(module, nn.BatchNorm2d))
        with torch.no_grad():
            losses.append(float(nn.functional.cross_entropy(net(to_tensor(images)), torch.from_numpy(fresh))))

    recipe = Recipe(trainable="all", epochs=EPOCHS[name], batch_size=4, flips=())
    train_network(net, images, fresh, recipe, np.random.default_rng(1), note_loss)
    assert losses[-1] < 0.5 * losses[0] and losses[-1] < 0.35, losses
    assert np.isfinite(network_probability(net, images, recipe)).all()


def test_the_last_stage_trains_and_the_stem_does_not(rng):
    net = load_network("efficientnet_lite0", "packaged", size=64)
    stem = {k: v.clone() for k, v in net.stem.state_dict().items()}
    maps = rng.random((6, 4, 192, 2, 2)).astype(np.float16)
    before = {k: v.clone() for k, v in net.stage.state_dict().items()}
    state = train_network(net, maps, np.array([0, 1] * 3), Recipe(trainable="last_stage", epochs=2), rng)
    assert all(torch.equal(v, stem[k]) for k, v in net.stem.state_dict().items())
    assert any(not torch.equal(v, before[k]) for k, v in net.stage.state_dict().items())
    assert {k.split(".")[0] for k in state} == {"stage", "head"}
