"""What the bits of a run depend on besides data, parameters and seed: kept with every run."""

import os
import platform
from importlib.metadata import version

import torch

from ovcf.models.features import trunk_precision
from ovcf.words import NETWORKS

CUDA_CAVEAT = (
    "AlexNet and VGG16 use an adaptive average pooling whose CUDA backward pass adds in no fixed order: "
    "trained beyond the head on a GPU, their last digits can differ between runs."
)


def determinism_record() -> dict:
    """Record versions, device, threads, arithmetic and flags as a plain dict (run.json, the model's card)."""
    cuda = torch.cuda.is_available()
    return {
        "versions": {name: version(name) for name in ("torch", "torchvision", "numpy", "scikit-learn")},
        "python": platform.python_version(),
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": {"features": torch.get_num_threads(), "training of one fold": 1, "cores": os.cpu_count()},
        "frozen random trunks": {network: trunk_precision(network) for network in NETWORKS},
        "frozen pretrained trunks": trunk_precision("any", "a file"),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn": {"benchmark": torch.backends.cudnn.benchmark, "deterministic": torch.backends.cudnn.deterministic},
        "caveats": [CUDA_CAVEAT] if cuda else [],
    }
