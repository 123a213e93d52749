"""SIGKILL at random moments of training: does what goes on end with the same bits, and how much is done twice?

    python benchmarks/kills.py 30 --seed 1

Trains EfficientNet-Lite0 (all layers, 64 px, 16 patches, 2 folds, 12 epochs) in a process of its own, kills it at a
moment drawn from the time one whole run takes, starts it again, and so on; a run that ends is compared with one that
was never killed and the next begins. Every finished epoch is logged: an epoch that is logged twice was lost.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

EPOCHS = 12


def train(cache: Path) -> pd.DataFrame:
    """Do the whole training in `cache`, with a checkpoint after each epoch, however short."""
    from ovcf.models import checkpoint, crossval, fold
    from ovcf.models.random_weights import noise_patches
    from ovcf.models.recipe import Recipe

    checkpoint.EVERY = 0.0
    quiet, log = fold.heartbeat, cache / "epochs.log"
    cache.mkdir(parents=True, exist_ok=True)

    def heard(job):
        def report(epoch: int) -> None:
            with open(log, "a") as file:
                file.write(f"{job.fold} {epoch}\n")
            beat(epoch)

        beat = quiet(job)
        return report

    fold.heartbeat = heard
    names = [f"p{i}" for i in range(16)]
    patches = pd.DataFrame({"patch_id": names, "patient_id": names, "label": ["fresh", "old"] * 8})
    patches["fold"] = np.repeat([1, 2], 8)
    recipe = Recipe(weights="packaged", trainable="all", epochs=EPOCHS, batch_size=4)
    images = noise_patches(16, 64, seed=4)
    return crossval.cross_validate(images, patches, ["efficientnet_lite0"], recipe, cache=cache, progress=False)


def one_life(cache: Path, seconds: float | None) -> bool:
    """Run the training in a process, killed after so many seconds (None: never); return whether it ended by itself."""
    process = subprocess.Popen([sys.executable, __file__, "--victim", str(cache)])
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def lost_epochs(cache: Path) -> int:
    """How many finished epochs were done again."""
    return sum(n - 1 for n in Counter((cache / "epochs.log").read_text().split("\n")[:-1]).values())


def main() -> None:
    """Kill so many times and print what was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kills", type=int, nargs="?", default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--victim", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.victim:
        train(given.victim)
        return
    rng, kills, runs, different, lost = np.random.default_rng(given.seed), 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        one_life(Path(folder) / "whole", None)
        whole, length = train(Path(folder) / "whole"), time.monotonic() - start
        while kills < given.kills:
            runs += 1
            cache = Path(folder) / f"run{runs}"
            while kills < given.kills and not one_life(cache, rng.uniform(0, length)):
                kills += 1
            again = train(cache)
            different += not whole.equals(again)
            lost += lost_epochs(cache)
    print(f"{kills} kills in {runs} runs of {length:.1f} s: {different} runs with other bits, {lost} epochs lost")
    raise SystemExit(bool(different or lost))


if __name__ == "__main__":
    main()
