"""3x3 convolutions with a quarter of the multiplications: the same function on any size, and only where it pays."""

import pytest
import torch
from torch import nn

from ovcf.models.networks import build_network
from ovcf.models.winograd import LEAST_IN, LEAST_OUT, TILES, Winograd, _pieces, quartered


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (4, 4), (6, 9), (14, 14), (33, 5), (50, 50)])
@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("bias", [True, False])
def test_it_is_the_convolution_on_every_size(size, n, bias):
    torch.manual_seed(n)
    convolution = nn.Conv2d(5, 7, 3, padding=1, bias=bias)
    x = torch.randn(n, 5, *size)
    with torch.inference_mode():
        expected, found = convolution.double()(x.double()).float(), Winograd(convolution.float())(x)
    assert found.shape == expected.shape and found.is_contiguous(memory_format=torch.channels_last)
    assert (found - expected).abs().max() < 3e-5 * expected.abs().max()


@pytest.mark.parametrize("n, rows, columns", [(1, 1, 1), (16, 4, 4), (3, 56, 56), (2, 40, 200), (7, 3, 5)])
def test_the_pieces_hold_every_tile_once_and_not_too_many(n, rows, columns):
    seen = torch.zeros(n, rows)
    for images, band in _pieces(n, rows, columns):
        seen[images, band] += 1
        assert seen[images, band].numel() * columns <= max(TILES, columns)
    assert (seen == 1).all()


def test_what_is_wide_is_replaced_and_the_rest_left_alone():
    wide = nn.Conv2d(LEAST_IN, LEAST_OUT, 3, padding=1)
    others = [
        nn.Conv2d(LEAST_IN - 1, LEAST_OUT, 3, padding=1),
        nn.Conv2d(LEAST_IN, LEAST_OUT - 1, 3, padding=1),
        nn.Conv2d(LEAST_IN, LEAST_OUT, 3, padding=1, stride=2),
        nn.Conv2d(LEAST_IN, LEAST_OUT, 3, padding=2, dilation=2),
        nn.Conv2d(LEAST_IN, LEAST_OUT, 3),
        nn.Conv2d(LEAST_IN, LEAST_OUT, 3, padding=1, groups=2),
        nn.Conv2d(LEAST_IN, LEAST_OUT, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(LEAST_IN, LEAST_OUT, 1, padding=0),
        nn.Conv2d(LEAST_IN, LEAST_OUT, 3, padding="same"),
    ]
    for other in others:
        trunk = nn.Sequential(nn.Conv2d(3, other.in_channels, 1), other)
        assert quartered(trunk) is trunk
    made = quartered(nn.Sequential(nn.Conv2d(3, LEAST_IN, 1), wide))
    assert isinstance(made[1], Winograd) and isinstance(made[0], nn.Conv2d)


def test_weights_that_do_not_bear_it_stay_as_they_are():
    """Large and small weights that cancel: what float32 loses in the transforms would be seen."""
    trunk = nn.Sequential(nn.Conv2d(3, LEAST_IN, 1), nn.Conv2d(LEAST_IN, LEAST_OUT, 3, padding=1))
    with torch.no_grad():
        trunk[1].weight[:, : LEAST_IN // 2] = 1e5 * torch.randn(LEAST_OUT, LEAST_IN // 2, 3, 3)
        trunk[1].weight[:, LEAST_IN // 2 :] = -trunk[1].weight[:, : LEAST_IN // 2]
        trunk[0].weight[LEAST_IN // 2 :] = trunk[0].weight[: LEAST_IN // 2] * (1 + 1e-6)
        trunk[0].bias.zero_()
    assert quartered(trunk) is trunk


@pytest.mark.parametrize("name, layers", [("alexnet", 3), ("googlenet", 10), ("resnet50", 10)])
def test_the_studys_networks_keep_their_features(name, layers):
    net = build_network(name).eval()
    trunk = nn.Sequential(net.stem, net.stage)
    made = quartered(trunk)
    assert sum(isinstance(module, Winograd) for module in made.modules()) == layers
    x = torch.rand(3, 3, 100, 100) * 2 - 1
    with torch.inference_mode():
        expected, found = trunk(x), made(x)
    assert (found - expected).abs().max() < 2e-5 * expected.abs().max()
