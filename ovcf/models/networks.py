"""Networks, each cut into the same three parts: stem, last stage, and a two-class linear head.

    features = stage(stem(x))        logits = head(features)        column 1 is fresh

What stays frozen is then a matter of where features are kept: after the stage (`trainable: head`), after the
stem (`last_stage`), nowhere (`all`). `catalogue` says which networks there are and what each one's last stage is.
"""

import numpy as np
import torch
from torch import nn

from ovcf.models.catalogue import architecture, found
from ovcf.models.tensors import check_range
from ovcf.problems import InputError, Problem

CLASSES = ("old", "fresh")  # logits' columns; fresh is the positive class
FEWEST_CONVOLUTIONS = 3  # a transformer's one or two cut the film into tokens: no map of what it saw


class Network(nn.Module):
    """A network in three parts with a two-class head.

    `forward` takes (n, 3, s, s) in [-1, 1] (checked) and gives logits (n, 2).
    """

    def __init__(self, name: str, stem: nn.Sequential, stage: nn.Sequential, width: int):
        super().__init__()
        self.name, self.width = name, width
        self.stem, self.stage = stem, stage
        self.head = nn.Linear(width, len(CLASSES))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.stage(self.stem(check_range(x))))

    @property
    def camera(self) -> nn.Module:
        """What Grad-CAM reads: the last convolutional activation.

        Raises
        ------
        InputError : for a network without convolutional maps.
        """
        if place := architecture(self.name).camera:
            return self.get_submodule(place)
        layers = [m for m in self.modules() if isinstance(m, nn.Conv2d)]
        if len(layers) < FEWEST_CONVOLUTIONS:
            message = f"{self.name} has no convolutional maps for Grad-CAM"
            raise InputError(Problem("no_camera", message, allowed="method occlusion"))
        return layers[-1]


def build_network(name: str, state: dict[str, torch.Tensor] | None = None, seed: int = 0) -> Network:
    """Build a network, from the network's own state dict or at random.

    Parameters
    ----------
    name : of the catalogue
    state : the original network's state dict (its authors' keys), its thousand-class head included or not. None:
        random, drawn from `seed` alone whatever was drawn before; raw, so see `random_weights.calibrate`.
    seed : seeds the random weights and the new head.

    Returns
    -------
    Network in eval mode, channels-last. The head is always new.
    """
    stream = np.random.SeedSequence([seed, architecture(name).seed_stream])
    with torch.random.fork_rng(devices=[]):  # leaves the caller's generator as it was
        torch.manual_seed(int(stream.generate_state(1, np.uint64)[0] >> 1))
        original = original_network(name, random=state is None)
        if state is not None:
            original.load_state_dict(state, strict=False)  # weights.read_state has compared names and shapes
        net = cut_network(name, original)
    return net.eval().to(memory_format=torch.channels_last)


def empty_network(name: str, state: dict[str, torch.Tensor]) -> Network:
    """Build a network and fill it with the state dict of an earlier `Network`, head included."""
    net = cut_network(name, original_network(name, random=False))
    net.load_state_dict(state)
    return net.eval().to(memory_format=torch.channels_last)


def original_network(name: str, random: bool) -> nn.Module:
    """Build the network as its authors publish it, without auxiliary classifiers; `random`: with their random start."""
    return found(architecture(name).build)(name, random)


def cut_network(name: str, original: nn.Module) -> Network:
    """Cut an original network, whose modules are taken over, and give it a new head."""
    return Network(name, *found(architecture(name).cut)(original))
