"""Activation maps: for every network, in range, and where the signal is."""

import numpy as np
import pytest
import torch

from ovcf.models.explain import CAM_NOTE, activation_map
from ovcf.models.random_weights import noise_patches
from ovcf.models.weights import load_network
from ovcf.words import NETWORKS


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_gives_a_map_in_range(name):
    net = load_network(name, "packaged", size=96)
    image = noise_patches(1, 96, seed=3)[0]
    maps = [activation_map(net, image, target=target) for target in ("fresh", "old")]
    for found in maps:
        assert found.shape == (96, 96) and found.dtype == np.float32
        assert found.min() >= 0 and found.max() in (0, 1)
    assert max(found.max() for found in maps) == 1  # not for one class: for the other


def test_a_frozen_network_without_gradients_is_no_obstacle():
    net = load_network("efficientnet_lite0", "packaged", size=64).requires_grad_(False)
    assert np.isfinite(activation_map(net, noise_patches(1, 64, seed=3)[0])).all()


@pytest.mark.parametrize("method", ["gradcam", "occlusion"])
def test_the_map_finds_the_only_thing_there_is(method):
    """A head that likes what the bar raises: the map must be stronger on the bar's side."""
    net = load_network("efficientnet_lite0", "packaged", size=96)
    image = np.full((96, 96), 127, np.uint8)
    image[8:32, 8:88:8] = 255  # a grating in the upper half
    from ovcf.models.tensors import to_tensor

    with torch.no_grad():
        blank = net.stage(net.stem(to_tensor(np.full((1, 96, 96), 127, np.uint8))))
        raised = net.stage(net.stem(to_tensor(image[None]))) - blank
        net.head.weight.copy_(torch.cat([-raised, raised]))
    found = activation_map(net, image, method)
    assert found[:48].sum() > 1.5 * found[48:].sum()


def test_unknown_methods_are_refused_and_the_note_is_modest():
    with pytest.raises(ValueError, match="gradcam"):
        activation_map(None, None, method="magic")
    assert "does not show a fracture" in CAM_NOTE
