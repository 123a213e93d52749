"""What a frozen trunk makes of each patch: computed once per flip, on disk for all epochs and folds."""

import hashlib
import json
import math
from functools import cache as remember
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray

from ovcf.files import check_room, digest, kept, placing, seal, stamp, sweep
from ovcf.models import store
from ovcf.models.arithmetic import BFLOAT16, computing, prepared, repeatable, trunk_arithmetic
from ovcf.models.catalogue import FEATURES_VERSION, RANDOM_VERSION, file_stem
from ovcf.models.networks import Network
from ovcf.models.recipe import Recipe
from ovcf.models.tensors import flip, images_digest, to_tensor
from ovcf.models.threads import side_by_side
from ovcf.models.weights import load_network
from ovcf.processes import memory_kept
from ovcf.progress import bar, into_a_log, tell

BATCH = {"cpu": 16, "cuda": 256}  # images at once; on two cores the fastest of 8, 16 and 32 at 112 and 224 px


def trunk_features(
    network: str,
    images: NDArray[np.uint8],
    recipe: Recipe,
    *,
    path: Path | None,
    cache: Path,
    progress: bool = True,
) -> NDArray[np.floating]:
    """Run the frozen trunk over all patches in each flip state, or read what `cache` or the `store` holds.

    Parameters
    ----------
    images : (n, s, s) uint8
    recipe : says what stays frozen (`trainable`), which flips may be drawn and the seed of random weights; state 0
        is always the unflipped patch
    path : of the network's starting weights; None: random
    cache : folder of the feature files; a file's name is a digest of all that goes into it

    Returns
    -------
    Read-only memory map: for `head` the vectors it sees, (n, states, d) float32; for `last_stage` the maps it sees,
    (n, states, c, h, w) float16.
    """
    target = features_file(network, images, recipe, path, cache)
    if not kept(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.stem}.lock")):  # whoever comes second waits, and finds them made
            if not kept(target) and not store.fetch(target):
                sweep(target)
                net = load_network(network, recipe.weights, size=images.shape[1], seed=recipe.seed, path=path)
                chosen = trunk_arithmetic(network, path, recipe)
                _write_features(target, prepared(net, chosen), images, recipe, chosen, progress)
                store.offer(target)
    return np.load(target, mmap_mode="r")


def features_file(network: str, images: NDArray[np.uint8], recipe: Recipe, path: Path | None, cache: Path) -> Path:
    """Return where features are kept, or would be."""
    name = features_key(network, images, recipe, path)
    return Path(cache) / "features" / f"{file_stem(network)}-{part_of(recipe)}-{name[:20]}.npy"


def part_of(recipe: Recipe) -> str:
    """Return where features are kept: after the "stage" for the head, after the "stem" for the last stage."""
    return "stage" if recipe.trainable == "head" else "stem"


def features_key(network: str, images: NDArray[np.uint8], recipe: Recipe, path: Path | None) -> str:
    """Digest of everything the features depend on; computing it neither builds nor runs the network."""
    parts = {
        "version": FEATURES_VERSION,
        "images": images_digest(images),
        "network": network,
        "part": part_of(recipe),
        "weights": weights_source(path, recipe.seed),
        "states": recipe.states,
        "torch": torch.__version__,
        "precision": trunk_arithmetic(network, path, recipe),
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def weights_source(path: Path | None, seed: int) -> str:
    """Identify starting weights: the file's sha256, or the seed of the random ones."""
    if path is None:
        return f"random, version {RANDOM_VERSION}, seed {seed}"
    return _file_digest(*stamp(path)[1])


@remember
def _file_digest(path: str, _size: int, _changed: int) -> str:
    return digest(Path(path))


# ---------------------------------------------------------------- running a trunk
@torch.inference_mode()
def run_trunk(net: Network, x: torch.Tensor, part: str, arithmetic: str) -> torch.Tensor:
    """Features (n, d) or maps (n, c, h, w), float32, of inputs (n, 3, s, s); `net` is `prepared` already."""
    x = x.to(torch.bfloat16) if arithmetic == BFLOAT16 else x
    with computing(x.device, arithmetic):
        maps = net.stem(x)
        return (maps if part == "stem" else net.stage(maps)).float()


def features_of(net: Network, images: NDArray[np.uint8], arithmetic: str) -> NDArray[np.float32]:
    """Features (n, d) float32 of unflipped patches (n, s, s) uint8, by a trunk that is `prepared`."""
    where = next(net.parameters()).device
    size = BATCH[where.type]
    with repeatable():

        def rows(start: int) -> NDArray[np.float32]:
            return run_trunk(net, to_tensor(images[start : start + size], where), "stage", arithmetic).cpu().numpy()

        return np.concatenate(list(side_by_side(rows, range(0, len(images), size), where)))


# ---------------------------------------------------------------- the file
def _write_features(
    target: Path, net: Network, images: NDArray, recipe: Recipe, arithmetic: str, progress: bool
) -> None:
    """Fill a memory map beside the target and put it in place when whole; memory stays flat whatever n is."""
    part, where = part_of(recipe), next(net.parameters()).device
    size = BATCH[where.type]

    def rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        x = to_tensor(images, where)
        return torch.stack([run_trunk(net, flip(x, s), part, arithmetic) for s in recipe.states], 1).cpu().numpy()

    count = bar(total=len(images), unit="patch", show=progress)
    with placing(target) as partial, repeatable(), memory_kept(), count as shown:
        shown.set_description(f"{net.name} features")
        kind, shape = np.float32 if part == "stage" else np.float16, (len(images), *rows(images[:1]).shape[1:])
        check_room(target.parent, math.prod(shape) * np.dtype(kind).itemsize, "features")
        out = np.lib.format.open_memmap(partial, "w+", kind, shape)
        batches = [images[start : start + size] for start in range(0, len(images), size)]
        for number, made in enumerate(side_by_side(rows, batches, where)):
            out[number * size : number * size + len(made)] = made
            shown.update(len(made))
        out.flush()
    seal(target)
    if progress and into_a_log():
        tell(f"{net.name} features made")
