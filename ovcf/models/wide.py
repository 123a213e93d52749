"""Wide linear layers trained by SGD without their gradient ever being written out.

Over a batch of b rows such a gradient is a product of two thin matrices, (out, b) by (b, in). In AlexNet and VGG16 it
fills up to 400 MB, which would be written, read once into the speed and dropped: most of a step of their last stage
waits for memory. Here the product goes into the speed, and the speed into the weights, some rows at a time, while those
are in the processor's cache. Sums come in another order than in `torch.optim.SGD`, so the last digits differ.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

import torch
from torch import nn

WIDE = 2**22  # weights, 16 MB: less stays in the cache as it is
TOGETHER = 16  # rows of weights that take a step together
BLOCK = 256  # rows of weights that multiply together: half the time of all at once

Thin = tuple[torch.Tensor, torch.Tensor]  # slope of the loss (b, out) and input (b, in)


class WideLayers:
    """The wide linear layers among some modules; autograd leaves their weights no gradient, `step` moves them.

    Parameters
    ----------
    parts : float32, on the processor
    momentum : of the speed, as in `torch.optim.SGD`

    Attributes
    ----------
    layers : in the modules' order
    speeds : a tensor (out, in) for each layer
    """

    def __init__(self, parts: Iterable[nn.Module], momentum: float):
        # a subclass may use its weight past its own `forward`
        self.layers = [m for part in parts for m in part.modules() if type(m) is nn.Linear and m.weight.numel() >= WIDE]
        self.momentum = momentum
        self.speeds = [torch.zeros_like(layer.weight) for layer in self.layers]
        self._seen: list[list[Thin]] = [[] for _ in self.layers]  # one for each call in this step
        for layer, seen in zip(self.layers, self._seen, strict=True):
            layer.forward = partial(_forward, layer, seen)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move the weights of the layers that the last backward pass went through."""
        for layer, speed, seen in zip(self.layers, self.speeds, self._seen, strict=True):
            if seen:
                slope, x = (torch.cat(each) for each in zip(*seen, strict=True))
                seen.clear()
                self._move(layer.weight, speed, slope.T.contiguous(), x, rate)

    def _move(
        self, weight: torch.Tensor, speed: torch.Tensor, slope: torch.Tensor, x: torch.Tensor, rate: float
    ) -> None:
        for w, v, s in zip(weight.split(TOGETHER), speed.split(TOGETHER), slope.split(TOGETHER), strict=True):
            v.addmm_(s, x, beta=self.momentum)
            w.sub_(v, alpha=rate)

    def release(self) -> None:
        """Give the layers back to autograd."""
        for layer in self.layers:
            del layer.forward


def _forward(layer: nn.Linear, seen: list[Thin], x: torch.Tensor) -> torch.Tensor:
    """What the layer makes of (..., in)."""
    return _Product.apply(x.flatten(0, -2), layer.weight, layer.bias, seen).unflatten(0, x.shape[:-1])


class _Product(torch.autograd.Function):
    """A linear layer whose backward pass leaves the two thin matrices instead of their product."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, seen: list[Thin]):
        ctx.save_for_backward(x, weight)
        ctx.seen = seen
        blocks = weight.unflatten(0, (-1, BLOCK)) if len(weight) % BLOCK == 0 else weight[None]
        made = torch.bmm(blocks, x.T.contiguous().expand(len(blocks), -1, -1)).flatten(0, 1).T.contiguous()
        return made if bias is None else made.add_(bias)

    @staticmethod
    def backward(ctx: Any, slope: torch.Tensor):
        x, weight = ctx.saved_tensors
        ctx.seen.append((slope, x))
        asked_x, _, asked_bias, _ = ctx.needs_input_grad
        return slope @ weight if asked_x else None, None, slope.sum(0) if asked_bias else None, None
