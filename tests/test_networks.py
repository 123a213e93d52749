"""The six networks: cut into parts without changing what they compute, fed without a second normalisation."""

import numpy as np
import pytest
import torch
import torchvision

from ovcf.models.networks import build_network, cut_network, empty_network, original_network
from ovcf.models.random_weights import calibrate, noise_patches
from ovcf.models.tensors import to_tensor
from ovcf.words import NETWORKS

SIZE = 64


@pytest.fixture(scope="module")
def patches():
    """Four patches, (4, 3, 64, 64) in [-1, 1]."""
    return to_tensor(noise_patches(4, SIZE, seed=7))


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    """Each network once, random and calibrated."""
    return calibrate(build_network(request.param, seed=3), size=SIZE, seed=3)


def test_parts_together_give_two_logits(network, patches):
    with torch.inference_mode():
        features = network.stage(network.stem(patches))
        logits = network(patches)
        assert torch.allclose(network.head(features), logits)
    assert features.shape == (4, network.width) and logits.shape == (4, 2)


def test_features_differ_between_patches_and_are_finite(network, patches):
    with torch.inference_mode():
        features = network.stage(network.stem(patches))
    assert features.isfinite().all()
    assert features.std(0).mean() > 0.05 * features.abs().mean()  # uncalibrated AlexNet: 0.005


def test_the_first_layer_sees_the_input_as_it_is(network, patches):
    """GoogLeNet as torchvision gives it with weights would normalise a second time."""
    seen = []
    first = next(m for m in network.modules() if isinstance(m, torch.nn.Conv2d))
    hook = first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        network(patches)
    hook.remove()
    assert torch.equal(seen[0], patches)


def test_out_of_range_input_is_refused(network, patches):
    with pytest.raises(ValueError, match="from .* to 2"):
        network(patches.clone().fill_(2.0))


def test_the_camera_layer_gives_maps(network, patches):
    shapes = []
    hook = network.camera.register_forward_hook(lambda _, __, out: shapes.append(out.shape))
    with torch.inference_mode():
        network(patches)
    hook.remove()
    assert len(shapes[0]) == 4 and shapes[0][2] > 1


def put_head(original, ours):
    """Replace an original network's last layer by our head."""
    if hasattr(original, "classifier"):
        original.classifier[-1] = ours.head
    else:
        setattr(original, "_fc" if hasattr(original, "_fc") else "fc", ours.head)


@pytest.mark.parametrize("name", ["alexnet", "googlenet", "resnet50", "efficientnet_lite0"])
def test_cutting_changes_nothing(name, patches):
    """Against the network as its authors wrote it; both hold the same, calibrated, modules."""
    original = original_network(name, random=False).eval()
    ours = calibrate(cut_network(name, original).eval(), size=SIZE)
    put_head(original, ours)
    with torch.inference_mode():
        logits = ours(patches)
        assert torch.allclose(original(patches), logits, atol=1e-5) and logits.std(0).min() > 1e-3


def test_googlenet_from_a_pretrained_state_skips_transform_input(patches):
    """With weights torchvision sets transform_input, which normalises; ours must equal theirs without it."""
    theirs = torchvision.models.googlenet(transform_input=True, aux_logits=True, init_weights=False).eval()
    calibrate(cut_network("googlenet", theirs).eval(), size=SIZE)
    ours = build_network("googlenet", state=theirs.state_dict())
    theirs.fc = ours.head
    with torch.inference_mode():
        normalised_twice = theirs(patches)
        theirs.transform_input = False
        assert torch.allclose(theirs(patches), ours(patches), atol=1e-5)
        assert not torch.allclose(normalised_twice, ours(patches), atol=1e-2)


def test_random_weights_come_from_the_seed_alone():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    a = build_network("efficientnet_lite0", seed=5)
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(2)
    b, c = build_network("efficientnet_lite0", seed=5), build_network("efficientnet_lite0", seed=6)
    same = [torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True)]
    other = [torch.equal(x, y) for x, y in zip(a.parameters(), c.parameters(), strict=True)]
    assert all(same) and not all(other)


def test_a_network_comes_back_from_its_state(patches):
    net = calibrate(build_network("googlenet", seed=1), size=SIZE)
    again = empty_network("googlenet", net.state_dict())
    with torch.inference_mode():
        assert torch.equal(net(patches), again(patches))


def test_calibration_makes_every_normalised_channel_standard():
    net = calibrate(build_network("resnet50", seed=1), size=SIZE, seed=1)
    outputs = []
    norm = net.stem[1]
    hook = norm.register_forward_hook(lambda _, __, out: outputs.append(out.clone()))
    with torch.inference_mode():
        net(to_tensor(noise_patches(32, SIZE, seed=1)))
    hook.remove()
    assert np.allclose(outputs[0].mean((0, 2, 3)), 0, atol=1e-3)
    assert np.allclose(outputs[0].std((0, 2, 3)), 1, atol=1e-2)


@pytest.mark.parametrize("size", [63, 64, 97])
def test_lite0_gives_the_bits_of_the_packages_own_network(size):
    """Ours pads within the convolutions of stride 1, theirs before each."""
    from efficientnet_lite_pytorch import EfficientNet

    torch.manual_seed(0)
    theirs = EfficientNet.from_name("efficientnet-lite0", image_size=None).eval()
    ours = original_network("efficientnet_lite0", random=False).eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.rand(2, 3, size, size) * 2 - 1
    with torch.inference_mode():
        assert torch.equal(ours(x), theirs(x))
