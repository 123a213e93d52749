"""A fold in the middle of its training, on disk: never more than one epoch or a minute is lost.

One safetensors file beside the fold's own: weights, speeds, scale, epoch and the state of every random generator,
so that what goes on from it ends with the bits of a run that was never stopped (on the same machine).
"""

import json
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
        with placing(self.path) as partial:
            safetensors.torch.save_file(whole, partial, metadata=notes)
        self.last = time.monotonic()

    def restore(self, rng: np.random.Generator) -> tuple[int, dict[str, torch.Tensor], dict[str, Any]]:
        """Set the generators as they stood and return epochs done, tensors and scale; (0, {}, {}) without a file."""
        try:
            with safetensors.safe_open(self.path, "pt") as file:
                notes, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}
        except (OSError, safetensors.SafetensorError):  # none yet; or of a disk that lost it: then from the start
            return 0, {}, {}
        rng.bit_generator.state = json.loads(notes["rng"])
        torch.set_rng_state(tensors.pop("random/cpu"))
        if "random/cuda" in tensors:
            torch.cuda.set_rng_state(tensors.pop("random/cuda"))
        return int(notes["epoch"]), tensors, json.loads(notes["scale"])

    def done(self) -> None:
        """Remove the file: the fold's own holds all that is needed."""
        self.path.unlink(missing_ok=True)
