"""Batch norms folded into convolutions: the same features, and what cannot be folded is left alone."""

import pytest
import torch
from torch import nn

from ovcf.models.folding import folded
from ovcf.models.networks import build_network


def norms(module):
    return sum(isinstance(m, nn.BatchNorm2d) for m in module.modules())


def trained(module, seed=0):
    """Norms whose running mean and variance are not those of a new one."""
    draws = torch.Generator().manual_seed(seed)
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.copy_(torch.randn(m.num_features, generator=draws))
            m.running_var.copy_(torch.rand(m.num_features, generator=draws) + 0.5)
    return module.eval()


def same(one, other, size=48):
    x = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        return torch.equal(one(x), other(x)), ((one(x) - other(x)).abs().max() / one(x).abs().max()).item()


@pytest.mark.parametrize("name", ["googlenet", "resnet50", "resnet101", "efficientnet_lite0"])
def test_every_norm_of_the_studys_networks_is_folded_and_features_stay(name):
    net = build_network(name)
    trunk = nn.Sequential(net.stem, net.stage)
    fused = folded(trunk)
    assert norms(trunk) > 40 and norms(fused) == 0  # the given one stays as it was
    assert same(trunk, fused)[1] < 1e-5


def test_a_network_without_norms_is_returned_itself():
    net = build_network("alexnet")
    trunk = nn.Sequential(net.stem, net.stage)
    assert folded(trunk) is trunk


class Both(nn.Module):
    """A convolution whose output is read by a norm and, unnormed, by the sum."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x):
        y = self.conv(x)
        return self.norm(y) + y


class Twice(nn.Module):
    """One convolution called twice, with a norm for each call."""

    def __init__(self):
        super().__init__()
        self.conv, self.first, self.second = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x):
        return self.second(self.conv(self.first(self.conv(x))))


class OfOneSize(nn.Module):
    """A network that takes pictures of 48 px only."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3)

    def forward(self, x):
        assert x.shape[-1] == 48, "of one size"
        return self.norm(self.conv(x))


@pytest.mark.parametrize("kind", [Both, Twice, OfOneSize])
def test_what_folding_would_change_or_cannot_see_is_left_alone(kind):
    trunk = trained(kind())
    fused = folded(trunk)
    assert norms(fused) == norms(trunk)
    assert same(trunk, fused)[1] < 1e-6  # channels-last, which some processors round otherwise


def test_a_norm_before_its_convolution_is_not_folded_but_one_behind_is():
    trunk = trained(nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.ReLU()))
    fused = folded(trunk)
    assert norms(fused) == 1 and isinstance(fused[0], nn.BatchNorm2d) and same(trunk, fused)[1] < 1e-5
