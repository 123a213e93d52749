"""How the networks are built and cut: into stem, last stage and the width of what the head sees.

`catalogue.Architecture` names these functions; they are the only place that knows a network's inside.
"""

from torch import nn

from ovcf.problems import InputError, Problem

Parts = tuple[nn.Sequential, nn.Sequential, int]


# ---------------------------------------------------------------- as their authors publish them
def of_torchvision(name: str, random: bool) -> nn.Module:
    """Build a network of torchvision, without weights and auxiliary classifiers."""
    import torchvision  # seconds, which a process that trains heads on features does without

    model = name.partition(":")[2] or name
    options: dict[str, object] = {"weights": None}
    if model in ("googlenet", "inception_v3"):
        # transform_input would normalise a second time; torchvision switches it on with its weights.
        options |= {"aux_logits": False, "transform_input": False, "init_weights": random}
    if model.startswith("vgg"):
        options |= {"init_weights": random}
    return torchvision.models.get_model(model, **options)


def of_efficientnet_lite(name: str, random: bool) -> nn.Module:
    """Build EfficientNet-Lite0; without an image size the package pads for the size that comes, as TensorFlow does."""
    from efficientnet_lite_pytorch import EfficientNet

    net = EfficientNet.from_name(name.replace("_lite", "-lite"), image_size=None)
    for part, convolution in list(net.named_modules()):
        if isinstance(convolution, nn.Conv2d) and tuple(convolution.stride) == (1, 1):
            net.set_submodule(part, _padding_itself(convolution))
    return net


def _padding_itself(convolution: nn.Conv2d) -> nn.Conv2d:
    """Let a convolution of stride 1 pad "same" by itself: the same bits, without a padded copy of the maps."""
    sizes, kernel = (convolution.in_channels, convolution.out_channels), convolution.kernel_size
    around = tuple((side - 1) // 2 for side in kernel)
    bias = convolution.bias is not None
    made = nn.Conv2d(*sizes, kernel, padding=around, groups=convolution.groups, bias=bias)
    made.weight, made.bias = convolution.weight, convolution.bias
    return made


def of_timm(name: str, random: bool) -> nn.Module:
    """Build a network of timm, without weights."""
    import timm

    return timm.create_model(name.partition(":")[2], pretrained=False)


# ---------------------------------------------------------------- cut
def of_layers_in_a_row(net: nn.Module) -> Parts:
    """AlexNet and VGG: the convolutions, then the hidden fully connected layers."""
    stage = nn.Sequential(net.avgpool, nn.Flatten(), *list(net.classifier)[:-1])
    return net.features, stage, net.classifier[-1].in_features


def googlenet(net: nn.Module) -> Parts:
    """GoogLeNet before inception block 5a."""
    layers = [part for key, part in net.named_children() if not key.startswith(("aux", "fc", "dropout"))]
    cut = layers.index(net.inception5a)
    stage = nn.Sequential(*layers[cut:], nn.Flatten(), net.dropout)
    return nn.Sequential(*layers[:cut]), stage, net.fc.in_features


def efficientnet_lite(net: nn.Module) -> Parts:
    """EfficientNet-Lite before its last block."""
    stem = nn.Sequential(net._conv_stem, net._bn0, nn.ReLU6(), *net._blocks[:-1])
    tail = (net._conv_head, net._bn1, nn.ReLU6(), net._avg_pooling, nn.Flatten(), net._dropout)
    return stem, nn.Sequential(net._blocks[-1], *tail), net._fc.in_features


def resnet(net: nn.Module) -> Parts:
    """ResNet before layer4."""
    stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, net.layer1, net.layer2, net.layer3)
    return stem, nn.Sequential(net.layer4, net.avgpool, nn.Flatten()), net.fc.in_features


def whole(net: nn.Module) -> Parts:
    """Any network that ends in a linear layer: that layer steps aside, all else is stem.

    Raises
    ------
    InputError : where the network does not end in a linear layer.
    """
    place = last_linear(net)
    width = net.get_submodule(place).in_features
    net.set_submodule(place, nn.Identity())
    return nn.Sequential(net), nn.Sequential(), width


def last_linear(net: nn.Module) -> str:
    """Return the path of the linear layer that ends a network."""
    names = [name for name, _ in net.named_modules() if name]
    ends = [name for name in names if isinstance(net.get_submodule(name), nn.Linear | nn.Conv2d)]
    if not ends or not isinstance(net.get_submodule(ends[-1]), nn.Linear):
        message = f"{type(net).__name__} does not end in a linear layer, so there is no place for a head of two classes"
        raise InputError(Problem("no_head", message))
    return ends[-1]
