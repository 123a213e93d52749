"""A frozen trunk as the study runs it, beside the same network run eagerly, channels-last, in float32.

    python benchmarks/frozen_forward.py [network ...] [--size 224] [--rounds 3] [--patches 720] [--precision bfloat16]
        [--json FILE]

Two jobs are timed in turns, the least of each counts: `--sample` patches in four flips, ours as `trunk_features` makes
them (batches side by side, each in one thread), and eagerly in batches of 32 over all threads. The ratio is of a whole
job: all patches, with the time that folding takes (no compiler is used). Random weights; float32 by default.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from turns import beside, keep, seconds_of

from ovcf.models.arithmetic import BFLOAT16, FLOAT32, prepared
from ovcf.models.features import features_of
from ovcf.models.networks import build_network
from ovcf.models.tensors import to_tensor
from ovcf.words import network_title

FLIPS, EAGER_BATCH = 4, 32
LIMITS = {"resnet101": 1.2, "efficientnet_lite0": 1.3}


@torch.inference_mode()
def eagerly(net: nn.Module, images: np.ndarray) -> np.ndarray:
    """Features of patches (n, s, s), in batches that all threads share."""
    parts = [to_tensor(images[i : i + EAGER_BATCH]) for i in range(0, len(images), EAGER_BATCH)]
    return torch.cat([net(part.contiguous(memory_format=torch.channels_last)) for part in parts]).numpy()


def forward(name: str, size: int, sample: int, rounds: int, arithmetic: str) -> tuple[float, float, float, float]:
    """Seconds of the eager sample, of ours, of folding; the largest difference as a share of the largest feature."""
    net = build_network(name)
    eager = nn.Sequential(net.stem, net.stage).to(memory_format=torch.channels_last)
    started = time.perf_counter()
    ours = prepared(build_network(name), arithmetic)
    folding = time.perf_counter() - started - seconds_of(build_network, name)
    images = np.random.default_rng(0).integers(0, 256, (sample * FLIPS, size, size), dtype=np.uint8)
    expected, found = eagerly(eager, images[:EAGER_BATCH]), features_of(ours, images[:EAGER_BATCH], arithmetic)
    jobs = (eagerly, eager, images), (features_of, ours, images, arithmetic)
    least = np.min([[seconds_of(*job) for job in jobs] for _ in range(rounds)], axis=0)
    return *least, max(folding, 0), float(np.abs(expected - found).max() / np.abs(expected).max())


def main() -> None:
    """Print one row a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=["resnet101", "efficientnet_lite0", "resnet50", "googlenet"])
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample", type=int, default=64)
    parser.add_argument("--patches", type=int, default=720)
    parser.add_argument("--precision", choices=[FLOAT32, BFLOAT16], default=FLOAT32)
    parser.add_argument("--json", type=Path, help="where to keep the rows")
    options = parser.parse_args()
    rows: list[dict] = []
    print(f"{torch.get_num_threads()} cores, {options.size} px, ours in {options.precision}")
    for name in options.networks:
        eager, ours, folding, difference = forward(
            name, options.size, options.sample, options.rounds, options.precision
        )
        jobs = options.patches / options.sample
        what = f"{network_title(name)}, features of {options.patches} patches in four flips, {options.precision}"
        row = beside(what, jobs * ours + folding, "eager, channels-last, float32", jobs * eager)
        row["note"] = f"{options.sample} patches timed; features differ by {difference:.1e} of the largest"
        rows.append(row | ({"at_least": LIMITS[name]} if name in LIMITS else {}))
        ratio = row["peer_s"] / row["ours_s"]
        print(
            f"{network_title(name):20} {options.sample} patches in {FLIPS} flips: eager {eager:6.2f} s, ours "
            f"{ours:6.2f} s, folding {folding:4.1f} s: {ratio:.2f} times as fast over {options.patches} patches; "
            f"features differ by {difference:.1e}",
            flush=True,
        )
    keep(rows, options.json)


if __name__ == "__main__":
    main()
