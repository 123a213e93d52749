"""Wide linear layers step as torch's SGD lets them, however they are called; no gradient of theirs is ever held."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from ovcf.models import wide
from ovcf.models.random_weights import noise_patches
from ovcf.models.recipe import Recipe
from ovcf.models.training import train_network
from ovcf.models.weights import load_network

RATES = [0.1, 0.1, 0.05, 0.02]


class Tangled(nn.Module):
    """Linear layers called once, twice, on rows of rows, in every other step only, without a bias on what asks for no
    gradient; one that autograd must keep."""

    def __init__(self):
        super().__init__()
        self.into, self.twice, self.rare = nn.Linear(5, 8, bias=False), nn.Linear(8, 8), nn.Linear(8, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.out = nn.Linear(8, 2)

    def forward(self, x, step):
        x = self.twice(torch.tanh(self.twice(torch.tanh(self.into(x)))))
        x = self.attention(x, x, x)[0]
        return self.out(torch.tanh(self.rare(x) if step % 2 else x)).mean(1)


def trained(net, optimised, step):
    """Take a step for each rate; return the weights after each."""
    rng, seen = torch.Generator().manual_seed(1), []
    for k, rate in enumerate(RATES):
        x, y = torch.randn(6, 3, 5, generator=rng, dtype=torch.float64), torch.arange(6) % 2
        optimised.zero_grad()
        nn.functional.cross_entropy(net(x, k), y).backward()
        step(rate)
        seen.append([p.detach().clone() for p in net.parameters()])
    return seen


def sgd(weights, momentum=0.9):
    """Torch's own optimiser, and its step at some rate."""
    optimiser = torch.optim.SGD([p for p in weights if p.requires_grad], lr=1.0, momentum=momentum)

    def step(rate):
        optimiser.param_groups[0]["lr"] = rate
        optimiser.step()

    return optimiser, step


def test_steps_are_those_of_torch_whatever_way_a_layer_is_called(monkeypatch):
    monkeypatch.setattr(wide, "WIDE", 1)
    torch.manual_seed(0)
    plain = Tangled().double()
    net = copy.deepcopy(plain)
    layers = wide.WideLayers([net], 0.9)
    assert [layer.out_features for layer in layers.layers] == [8, 8, 8, 2]  # not the attention's own
    optimiser, others = sgd(net.parameters())

    def both(rate):
        assert all(layer.weight.grad is None for layer in layers.layers)
        others(rate)
        layers.step(rate)

    expected, found = trained(plain, *sgd(plain.parameters())), trained(net, optimiser, both)
    for theirs, ours in zip(expected, found, strict=True):
        assert all(torch.allclose(a, b, rtol=1e-12, atol=1e-14) for a, b in zip(theirs, ours, strict=True))
    assert not torch.equal(expected[0][0], expected[1][0])


def test_released_layers_are_autograds_again(monkeypatch):
    monkeypatch.setattr(wide, "WIDE", 1)
    net = nn.Linear(3, 2)
    layers = wide.WideLayers([net], 0.9)
    layers.release()
    net(torch.ones(4, 3)).sum().backward()
    layers.step(1.0)
    assert net.weight.grad is not None and not layers.speeds[0].any()


@pytest.mark.parametrize("trainable", ["last_stage", "all"])
def test_alexnet_trains_as_with_torch_alone(trainable, monkeypatch, rng):
    images, fresh = noise_patches(8, 64, seed=2), np.arange(8) % 2
    recipe = Recipe(weights="none", trainable=trainable, epochs=3, batch_size=4)
    maps = rng.random((8, 4, 256, 1, 1)).astype(np.float16)

    def after(least):
        monkeypatch.setattr(wide, "WIDE", least)
        net = load_network("alexnet", "none", size=64)
        start = {name: value.clone() for name, value in net.state_dict().items()}
        source = images if trainable == "all" else maps
        return start, train_network(net, source, fresh, recipe, np.random.default_rng(3))

    (start, ours), (_, theirs) = after(wide.WIDE), after(2**60)
    moved = {name: (theirs[name] - start[name]).abs().max() for name in theirs}
    assert ours.keys() == theirs.keys() and min(moved.values()) > 0
    for name, by in moved.items():
        assert (ours[name] - theirs[name]).abs().max() < 1e-3 * by, name
