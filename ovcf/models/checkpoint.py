"""A fold in the middle of its training, on disk: never more than one epoch or a minute is lost.

One safetensors file beside the fold's own: weights, speeds, scale, epoch and the state of every random generator,
so that what goes on from it ends with the bits of a run that was never stopped (on the same machine). It carries its
own digest, since a seal beside it would be a second write: a kill between the two would cost an epoch.
"""

import hashlib
import json
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch

from ovcf.files import placing

EVERY = 60.0  # seconds; longer epochs are kept each


class Checkpoint:
    """The file of one fold's training.

    Parameters
    ----------
    path : its name must say all that goes into the training, as a fold's file does; nothing else is compared
    """

    def __init__(self, path: Path):
        self.path, self.last = Path(path), time.monotonic()

    def keep(
        self, epoch: int, tensors: dict[str, torch.Tensor], rng: np.random.Generator, scale: dict[str, Any]
    ) -> None:
        """Write how things stand after `epoch` epochs, unless the last writing was less than EVERY ago."""
        if time.monotonic() - self.last < EVERY:
            return
        generators = {"random/cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            generators["random/cuda"] = torch.cuda.get_rng_state()
        whole = {name: t.detach().cpu().contiguous() for name, t in (tensors | generators).items()}
        notes = {"epoch": str(epoch), "rng": json.dumps(rng.bit_generator.state), "scale": json.dumps(scale)}
        notes["sha256"] = _digest(notes, whole)
        with placing(self.path) as partial:
            safetensors.torch.save_file(whole, partial, metadata=notes)
        self.last = time.monotonic()

    def restore(self, rng: np.random.Generator) -> tuple[int, dict[str, torch.Tensor], dict[str, Any]]:
        """Set the generators as they stood and return epochs done, tensors and scale.

        (0, {}, {}) without a file, and with one that is not what was written, which is told: then from the start.
        """
        if not self.path.is_file():
            return 0, {}, {}
        try:
            with safetensors.safe_open(self.path, "pt") as file:
                notes, tensors = dict(file.metadata() or {}), {name: file.get_tensor(name) for name in file.keys()}
            whole = notes.pop("sha256", "") == _digest(notes, tensors)
        except (OSError, UnicodeDecodeError, safetensors.SafetensorError):
            whole = False
        if not whole:
            logging.getLogger("ovcf").warning("%s is damaged: its fold is trained from the start", self.path)
            return 0, {}, {}
        rng.bit_generator.state = json.loads(notes["rng"])
        torch.set_rng_state(tensors.pop("random/cpu"))
        if "random/cuda" in tensors:
            torch.cuda.set_rng_state(tensors.pop("random/cuda"))
        return int(notes["epoch"]), tensors, json.loads(notes["scale"])

    def done(self) -> None:
        """Remove the file: the fold's own holds all that is needed."""
        self.path.unlink(missing_ok=True)


def _digest(notes: dict[str, str], tensors: dict[str, torch.Tensor]) -> str:
    """SHA-256 of all that a checkpoint says, whatever the order in its file."""
    total = hashlib.sha256(json.dumps(notes, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        total.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
