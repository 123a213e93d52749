"""A frozen trunk as the study runs it, beside the same network run eagerly, channels-last, in float32.

    python benchmarks/frozen_forward.py [network ...] [--size 224] [--batches 3] [--patches 720]

Batches of 32 are timed in turns, ours and the eager one, the least of each counts. The ratio is of a whole job: all
patches in four flips, with the time that folding takes (no compiler is used). Random weights; float32 unless
`--precision bfloat16`.
"""

import argparse
import time

import torch
from torch import nn

from ovcf.models.arithmetic import BFLOAT16, FLOAT32, prepared
from ovcf.models.features import BATCH, run_trunk
from ovcf.models.networks import build_network
from ovcf.words import network_title

FLIPS = 4


def seconds_of(call, *arguments) -> float:
    """Return how long one call takes."""
    started = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - started


@torch.inference_mode()
def forward(name: str, size: int, batches: int, arithmetic: str) -> tuple[float, float, float, float]:
    """Seconds of an eager batch, of ours, of folding, and the largest difference as a share of the largest feature."""
    net = build_network(name)
    eager = nn.Sequential(net.stem, net.stage)
    with torch.inference_mode(False):
        started = time.perf_counter()
        ours = prepared(build_network(name), arithmetic)
        folding = time.perf_counter() - started
        folding -= seconds_of(build_network, name)
    x = torch.rand(BATCH["cpu"], 3, size, size).mul(2).sub(1).contiguous(memory_format=torch.channels_last)
    expected, found = eager(x), run_trunk(ours, x, "stage", arithmetic)
    times = [(seconds_of(eager, x), seconds_of(run_trunk, ours, x, "stage", arithmetic)) for _ in range(batches)]
    least = [min(each) for each in zip(*times, strict=True)]
    return *least, max(folding, 0), float((expected - found).abs().max() / expected.abs().max())


def main() -> None:
    """Print one row a network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=["resnet101", "efficientnet_lite0", "resnet50", "googlenet"])
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--patches", type=int, default=720)
    parser.add_argument("--precision", choices=[FLOAT32, BFLOAT16], default=FLOAT32)
    options = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, {options.size} px, ours in {options.precision}")
    for name in options.networks:
        eager, ours, folding, difference = forward(name, options.size, options.batches, options.precision)
        jobs = options.patches * FLIPS / BATCH["cpu"]
        ratio = jobs * eager / (jobs * ours + folding)
        print(
            f"{network_title(name):20} eager {eager:6.2f} s a batch, ours {ours:6.2f} s, folding {folding:4.1f} s: "
            f"{ratio:.2f} times as fast over {options.patches} patches; features differ by {difference:.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
