"""The six networks, each cut into the same three parts: stem, last stage, and a two-class linear head.

    features = stage(stem(x))        logits = head(features)        column 1 is fresh

What stays frozen is then a matter of where features are kept: after the stage (`trainable: head`), after the
stem (`last_stage`), nowhere (`all`). `catalogue.LAST_STAGE` says what each network's last stage is.
"""

import numpy as np
import torch
import torchvision
from torch import nn

from ovcf.models.tensors import check_range
from ovcf.words import NETWORKS

CLASSES = ("old", "fresh")  # logits' columns; fresh is the positive class


class Network(nn.Module):
    """A network in three parts with a two-class head.

    `forward` takes (n, 3, s, s) in [-1, 1] (checked) and gives logits (n, 2). `camera` is the layer whose
    maps Grad-CAM reads: the last convolutional activation.
    """

    def __init__(self, name: str, stem: nn.Sequential, stage: nn.Sequential, width: int):
        super().__init__()
        self.name, self.width = name, width
        self.stem, self.stage = stem, stage
        self.head = nn.Linear(width, len(CLASSES))

    def forward(self, x):
        return self.head(self.stage(self.stem(check_range(x))))

    @property
    def camera(self) -> nn.Module:
        """What Grad-CAM reads: the layer before AlexNet's and VGG16's last max-pooling, else the global one."""
        if self.name in ("alexnet", "vgg16"):
            return self.stem[-2]
        return self.stage[{"googlenet": 1, "efficientnet_lite0": 3}.get(self.name, 0)]


def build_network(name: str, state: dict | None = None, seed: int = 0) -> Network:
    """Build a network, from the network's own state dict or at random.

    Parameters
    ----------
    name : one of NETWORKS
    state : the original network's state dict (torchvision's or the package's keys), its thousand-class head
        included or not. None: random, drawn from `seed` alone whatever was drawn before; raw, so see
        `weights.calibrate`.
    seed : seeds the random weights and the new head.

    Returns
    -------
    Network in eval mode, channels-last. The head is always new.
    """
    stream = np.random.SeedSequence([seed, list(NETWORKS).index(name)])
    with torch.random.fork_rng(devices=[]):  # leaves the caller's generator as it was
        torch.manual_seed(int(stream.generate_state(1, np.uint64)[0] >> 1))
        original = _original(name, random=state is None)
        if state is not None:
            original.load_state_dict(state, strict=False)  # weights.read_state has compared names and shapes
        net = Network(name, *_parts(name, original))
    return net.eval().to(memory_format=torch.channels_last)


def empty_network(name: str, state: dict) -> Network:
    """Build a network and fill it with the state dict of an earlier `Network`, head included."""
    net = Network(name, *_parts(name, _original(name, random=False)))
    net.load_state_dict(state)
    return net.eval().to(memory_format=torch.channels_last)


def _original(name: str, random: bool) -> nn.Module:
    """The network as its authors publish it, without auxiliary classifiers."""
    if name == "efficientnet_lite0":
        from efficientnet_lite_pytorch import EfficientNet

        # No image size: the package then pads for the size that comes, as TensorFlow's "same" does.
        return EfficientNet.from_name("efficientnet-lite0", image_size=None)
    options = {"weights": None}
    if name == "googlenet":
        # transform_input would normalise a second time; torchvision switches it on with its weights.
        options |= {"aux_logits": False, "transform_input": False, "init_weights": random}
    if name == "vgg16":
        options |= {"init_weights": random}
    return torchvision.models.get_model(name, **options)


def _parts(name: str, net: nn.Module) -> tuple[nn.Sequential, nn.Sequential, int]:
    """Cut a network into stem, last stage and the width of its features."""
    if name in ("alexnet", "vgg16"):
        stage = nn.Sequential(net.avgpool, nn.Flatten(), *list(net.classifier)[:-1])
        return net.features, stage, net.classifier[-1].in_features
    if name == "googlenet":
        layers = [part for key, part in net.named_children() if not key.startswith(("aux", "fc", "dropout"))]
        cut = layers.index(net.inception5a)
        stage = nn.Sequential(*layers[cut:], nn.Flatten(), net.dropout)
        return nn.Sequential(*layers[:cut]), stage, net.fc.in_features
    if name == "efficientnet_lite0":
        stem = nn.Sequential(net._conv_stem, net._bn0, nn.ReLU6(), *net._blocks[:-1])
        tail = (net._conv_head, net._bn1, nn.ReLU6(), net._avg_pooling, nn.Flatten(), net._dropout)
        return stem, nn.Sequential(net._blocks[-1], *tail), net._fc.in_features
    stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, net.layer1, net.layer2, net.layer3)
    return stem, nn.Sequential(net.layer4, net.avgpool, nn.Flatten()), net.fc.in_features
