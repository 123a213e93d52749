"""Random weights that carry a signal: what `weights: none` starts from."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ovcf.models.networks import Network
from ovcf.models.tensors import to_tensor
from ovcf.models.threads import one_thread

LENGTH = 6.0  # of AlexNet's and VGG16's random features; training.LENGTH says why


@one_thread()
def calibrate(net: Network, *, size: int, seed: int = 0, patches: int = 32) -> Network:
    """Give every layer of a random trunk outputs of mean 0 and variance 1, in place.

    Random deep networks as they are drawn swell or fade their signal (torchvision's AlexNet gives nearly the
    same features whatever the image), so a frozen one would be a straw man. One pass over random patches
    with a 1/f spectrum sets batch-normalisation statistics, and rescales each layer that has none
    (data-dependent initialisation, Krähenbühl et al. 2016, doi:10.48550/arXiv.1511.06856). Residual branches
    start at 1/sqrt(number of blocks): at full strength a random ResNet101 is chaotic, and rounding to
    bfloat16 moves its features by 1.2 SD, so then by 0.09. Networks that normalise each image by itself (layer
    or group normalisation) need none of this. No patch of the study is used: nothing of a test fold can leak,
    and the trunk depends on network, seed and size only.
    """
    from torchvision.models.resnet import Bottleneck

    trunk = nn.Sequential(net.stem, net.stage)
    if any(isinstance(m, nn.LayerNorm | nn.GroupNorm) for m in trunk.modules()):
        return net
    norms = [m for m in trunk.modules() if isinstance(m, nn.BatchNorm2d)]
    layers = [] if norms else [m for m in trunk.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(_standardise) for layer in layers]
    momenta = [norm.momentum for norm in norms]
    blocks = [m for m in trunk.modules() if isinstance(m, Bottleneck)]
    for block in blocks:
        nn.init.constant_(block.bn3.weight, len(blocks) ** -0.5)
    for norm in norms:
        norm.train().momentum = 1.0  # the statistics of this one batch
    with torch.no_grad():
        features = trunk(to_tensor(noise_patches(patches, size, seed)))
        if layers:  # at a rate of 0.001 longer features would diverge once all layers train
            shrink = LENGTH / features.square().sum(1).mean().sqrt()
            layers[-1].weight *= shrink
            layers[-1].bias *= shrink
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.eval().momentum = momentum
    for hook in hooks:
        hook.remove()
    return net


def _standardise(layer: nn.Module, _: object, output: torch.Tensor) -> torch.Tensor:
    """Forward hook: rescale a layer so that each of its channels has mean 0 and variance 1 on this batch."""
    other = [d for d in range(output.ndim) if d != 1]
    mean, scale = output.mean(other), output.std(other).clamp_min(1e-6)
    layer.weight /= scale.view(-1, *[1] * (layer.weight.ndim - 1))
    layer.bias.sub_(mean).div_(scale)
    shape = [1, -1] + [1] * (output.ndim - 2)
    return (output - mean.view(shape)) / scale.view(shape)


def noise_patches(n: int, size: int, seed: int) -> NDArray[np.uint8]:
    """Random patches (n, size, size) uint8: amplitude falls as 1/frequency, histogram flat as equalised."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 11]))
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size))
    spectrum = np.fft.rfft2(rng.standard_normal((n, size, size))) / np.maximum(frequency, 1 / size)
    ranks = np.fft.irfft2(spectrum, s=(size, size)).reshape(n, -1).argsort(1).argsort(1)
    return (ranks * 255 // (size * size - 1)).astype(np.uint8).reshape(n, size, size)
