"""The laptop profile's networks, whole: features in four flips and 100 epochs of five folds, in float32.

    python benchmarks/laptop.py [--patches 720] [--size 224] [--json FILE]

Goes the study's own road (`cross_validate`) on made-up patches with random weights, which take as long as ImageNet's;
nothing is extrapolated. It takes about a quarter of an hour on two cores.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from turns import keep

from ovcf.models.crossval import cross_validate
from ovcf.models.random_weights import noise_patches
from ovcf.models.recipe import Recipe
from ovcf.words import NETWORKS, network_title

FOLDS, MINUTES = 5, 15


def cohort(patches: int) -> pd.DataFrame:
    """A table of so many patches, one a patient, dealt into folds."""
    names = [f"p{number}" for number in range(patches)]
    labels = np.where(np.arange(patches) // FOLDS % 2, "fresh", "old")
    folds = np.arange(patches) % FOLDS + 1
    return pd.DataFrame({"patch_id": names, "patient_id": names, "label": labels, "fold": folds})


def main() -> None:
    """Print the seconds of each network and of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patches", type=int, default=720)
    parser.add_argument("--size", type=int, default=224, help="px")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--json", type=Path, help="where to keep the rows")
    options = parser.parse_args()
    images, patches = noise_patches(options.patches, options.size, seed=1), cohort(options.patches)
    recipe = Recipe(weights="none", precision="float32", epochs=options.epochs)
    rows, workers = [], torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.networks:
            started = time.perf_counter()
            how = {"cache": Path(folder), "workers": workers, "progress": False}
            cross_validate(images, patches, [name], recipe, **how)
            rows.append({"what": network_title(name), "seconds": time.perf_counter() - started})
            print(f"{rows[-1]['what']:20} {rows[-1]['seconds']:6.1f} s", flush=True)
    total = sum(row["seconds"] for row in rows)
    rows.append({"what": "all of them", "seconds": total, "at_most": MINUTES * 60})
    print(f"{'all of them':20} {total:6.1f} s, at most {MINUTES * 60}")
    keep(rows, options.json)


if __name__ == "__main__":
    main()
