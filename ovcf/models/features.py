"""What a frozen trunk makes of each patch: computed once per flip, on disk for all epochs and folds."""

import hashlib
import json
import os
import tempfile
from functools import cache as remember
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from ovcf.models.catalogue import FEATURES_VERSION, RANDOM_VERSION
from ovcf.models.networks import Network
from ovcf.models.tensors import FLIPS, flip, flip_states, images_digest, to_tensor
from ovcf.models.weights import load_network

BATCH = 32  # images at once; the fastest of 8, 16, 32 and 64 on two cores at 112 px


def trunk_features(
    network: str,
    images: np.ndarray,
    *,
    cache,
    weights: str = "none",
    path=None,
    part="stage",
    flips=FLIPS,
    seed: int = 0,
    progress: bool = True,
) -> np.ndarray:
    """Run the frozen trunk over all patches in each flip state, or read what an earlier run left in `cache`.

    Parameters
    ----------
    network, weights, path, seed : the trunk, as `weights.load_network` takes them
    images : (n, s, s) uint8
    part : "stage" for the vector the head sees, "stem" for the maps the last stage sees
    flips : which flips training may draw; state 0 is always the unflipped patch
    cache : folder of the feature files; a file's name is a digest of all that goes into it

    Returns
    -------
    Read-only memory map, (n, states, d) float32 for "stage", (n, states, c, h, w) float16 for "stem".
    """
    name = features_key(network, images, path=path, part=part, flips=flips, seed=seed)
    target = Path(cache) / "features" / f"{network}-{part}-{name[:20]}.npy"
    if not target.is_file():
        net = load_network(network, weights, size=images.shape[1], seed=seed, path=path)
        _write_features(target, net, images, part, flip_states(flips), trunk_precision(network, path), progress)
    return np.load(target, mmap_mode="r")


def features_key(network: str, images: np.ndarray, *, path, part, flips, seed) -> str:
    """Digest of everything the features depend on; computing it neither builds nor runs the network."""
    parts = {
        "version": FEATURES_VERSION,
        "images": images_digest(images),
        "network": network,
        "part": part,
        "weights": weights_source(path, seed),
        "states": flip_states(flips),
        "torch": torch.__version__,
        "precision": trunk_precision(network, path),
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def weights_source(path, seed: int) -> str:
    """Identify starting weights: the file's sha256, or the seed of the random ones."""
    if path is None:
        return f"random, version {RANDOM_VERSION}, seed {seed}"
    stat = os.stat(path)
    return _file_digest(str(path), stat.st_mtime_ns, stat.st_size)


@remember
def _file_digest(path: str, _changed: int, _size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---------------------------------------------------------------- precision
BFLOAT16_SD = {"alexnet": 0.04, "vgg16": 0.17, "resnet50": 0.08, "resnet101": 0.09}
"""Random trunks that may run in bfloat16: how far it moves their features, in SDs between patches (112 px,
seed 0). GoogLeNet's move by 0.29 and it is quick, so it stays in float32."""


def trunk_precision(network: str, path=None) -> str:
    """Say in which arithmetic a frozen trunk runs.

    Random trunks of BFLOAT16_SD use bfloat16 where the processor multiplies it natively: half the time, and
    an error far below what lies between patches. Pretrained trunks use float32 always. On a GPU all use
    automatic mixed precision.
    """
    if torch.cuda.is_available():
        return "mixed float16"
    return "bfloat16" if path is None and network in BFLOAT16_SD and _native_bfloat16() else "float32"


def _native_bfloat16() -> bool:
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16"))


@torch.inference_mode()
def run_trunk(net: Network, x: torch.Tensor, part: str = "stage", precision: str = "float32") -> torch.Tensor:
    """Features (n, d) or maps (n, c, h, w), float32, of inputs (n, 3, s, s); `net` is in `precision` already."""
    x = x.to(torch.bfloat16) if precision == "bfloat16" else x
    with torch.autocast("cuda", torch.float16, enabled=precision == "mixed float16"):
        maps = net.stem(x)
        return (maps if part == "stem" else net.stage(maps)).float()


def at_precision(net: Network, precision: str) -> Network:
    """Put a trunk where and in what it runs: bfloat16 weights, or the GPU when the precision is mixed."""
    if precision == "bfloat16":
        return net.to(torch.bfloat16)
    return net.to("cuda") if precision == "mixed float16" and torch.cuda.is_available() else net


# ---------------------------------------------------------------- the file
def _write_features(target: Path, net: Network, images, part, states, precision, progress) -> None:
    """Fill a memory map beside the target and put it in place when whole; memory stays flat whatever n is."""
    net = at_precision(net, precision)
    device = next(net.parameters()).device
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=".npy")
    os.close(handle)
    try:
        bar = tqdm(total=len(images), unit="patch", desc=f"{net.name} features", disable=not progress)
        out = None
        for start in range(0, len(images), BATCH):
            x = to_tensor(images[start : start + BATCH], device)
            rows = torch.stack([run_trunk(net, flip(x, s), part, precision) for s in states], 1).cpu().numpy()
            if out is None:  # the shape is known once the first batch is through
                kind = np.float32 if part == "stage" else np.float16
                out = np.lib.format.open_memmap(partial, "w+", kind, (len(images), *rows.shape[1:]))
            out[start : start + len(x)] = rows
            bar.update(len(x))
        bar.close()
        out.flush()
        os.replace(partial, target)
    finally:
        Path(partial).unlink(missing_ok=True)
