"""A frozen trunk's batch norms folded into the convolutions before them: the same function, with fewer passes."""

import copy
from contextlib import suppress

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

SIZE = 64  # pixels a side of the sample that shows which norm follows which convolution
_REFUSED = suppress(RuntimeError, ValueError, AssertionError)  # a network of a fixed size, in its own words
TOLERANCE = 1e-4  # largest difference of an output, as a share of the largest output


def folded(trunk: nn.Module) -> nn.Module:
    """Return a trunk in which convolution and batch norm are one convolution, channels-last; the given one stays.

    A norm is folded where it is the only one to read a convolution's output, which is called once. The result is held
    against the trunk's own output on a sample; a trunk that takes no sample of 64 px, or gives another output folded
    (features are equal within 1e-4 of the largest), is returned as it is.

    Parameters
    ----------
    trunk : in eval mode, float32, on the processor; takes (n, 3, s, s).
    """
    if not any(isinstance(module, nn.BatchNorm2d) for module in trunk.modules()):
        return trunk
    parts: dict[str, nn.Module] = {}
    with _REFUSED, torch.inference_mode():
        for convolution, norm in _pairs(trunk, _sample()):
            parts[convolution] = fuse_conv_bn_eval(trunk.get_submodule(convolution), trunk.get_submodule(norm))
            parts[norm] = nn.Identity()
    fused = replaced(trunk, parts)
    return fused.to(memory_format=torch.channels_last) if same_function(trunk, fused) else trunk


def same_function(trunk: nn.Module, other: nn.Module) -> bool:
    """Say whether two trunks give the same on a sample, within TOLERANCE; no, where they take none of SIZE."""
    with _REFUSED, torch.inference_mode():
        expected, found = trunk(_sample()), other(_sample())
        return bool((expected - found).abs().max() <= TOLERANCE * expected.abs().max())
    return False


def replaced(trunk: nn.Module, parts: dict[str, nn.Module]) -> nn.Module:
    """Return a copy of a trunk with some of its modules, by name, put in place of its own."""
    made = copy.deepcopy(trunk)
    for name, module in parts.items():
        parent, _, own = name.rpartition(".")
        setattr(made.get_submodule(parent), own, module)
    return made


def _sample() -> torch.Tensor:
    return torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _pairs(trunk: nn.Module, sample: torch.Tensor) -> list[tuple[str, str]]:
    """Names of each convolution and the norm that reads its output, of those that are called once."""
    made: dict[int, str] = {}
    held, calls, pairs = [], [], []

    def note(name: str):
        def hook(module: nn.Module, given: tuple, output: torch.Tensor) -> None:
            calls.append(name)
            if isinstance(module, nn.Conv2d):
                made[id(output)] = name
                held.append(output)  # while it lives no other tensor has its id
            elif source := made.get(id(given[0])):
                pairs.append((source, name))

        return hook

    layers = [(name, m) for name, m in trunk.named_modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    hooks = [module.register_forward_hook(note(name)) for name, module in layers]
    trunk(sample)
    for hook in hooks:
        hook.remove()
    return [pair for pair in pairs if all(calls.count(name) == 1 for name in pair)]
