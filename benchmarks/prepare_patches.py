"""Time and memory of reading a cohort of PNG films and preparing its patches.

    python benchmarks/prepare_patches.py --patches 720 5000 20000

Films are made-up texture of a lateral film's size; a few dozen are drawn and linked under as many names as
the cohort has films, since decoding costs the same each time. Memory is that of this process and all it
starts: `unique` sums what each holds alone (USS), `resident` counts shared pages too, the open array's among
them. `cpu_s` is processor time, which a busy machine does not stretch as it does the others.
"""

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from PIL import Image
from scipy.ndimage import gaussian_filter

from ovcf.cohort.crop import Preparation, prepare_patches
from ovcf.cohort.manifest import read_cohort

DISTINCT = 20  # films drawn; the others are links to them
PER_FILM = 720 / 405  # vertebrae a film, as in the paper


def make_cohort(folder: Path, patches: int, width: int, height: int) -> Path:
    """Write films and a manifest; returns the manifest."""
    rng = np.random.default_rng(0)
    films = round(patches / PER_FILM)
    for number in range(films):
        path = folder / f"{number:05d}.png"
        if number < DISTINCT:
            smooth = gaussian_filter(rng.normal(size=(height // 4, width // 4)), 6)
            greys = np.kron(smooth / np.abs(smooth).max() * 90 + 120, np.ones((4, 4)))
            greys = np.clip(greys + rng.normal(size=greys.shape) * 2, 0, 255)
            Image.fromarray(greys.astype(np.uint8)).save(path)
        else:
            os.link(folder / f"{number % DISTINCT:05d}.png", path)
    film = np.sort(np.arange(patches) % films)
    place = pd.Series(film).groupby(film).cumcount().to_numpy()
    table = pd.DataFrame(
        {
            "patch_id": np.arange(patches),
            "patient_id": [f"P{number:05d}" for number in film],
            "image": [f"{number:05d}.png" for number in film],
            "level": "L1",
            "label": np.where(np.arange(patches) % 2, "fresh", "old"),
            "mm_per_px": 0.2,
            "x0": width // 3,
            "y0": 200 + 220 * place,
        }
    )
    table["x1"], table["y1"] = table["x0"] + 200, table["y0"] + 150
    table.to_csv(folder / "manifest.csv", index=False)
    return folder / "manifest.csv"


class Watch(threading.Thread):
    """Samples memory and processor time five times a second until stopped; peaks in MB."""

    def __init__(self):
        super().__init__(daemon=True)
        self.unique = self.resident = self.cpu = 0.0
        self.done = threading.Event()

    def run(self):
        while not self.done.wait(0.2):
            unique = resident = cpu = 0
            for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
                try:
                    memory, times = process.memory_full_info(), process.cpu_times()
                except psutil.Error:
                    continue
                unique, resident = unique + memory.uss, resident + memory.rss
                cpu += times.user + times.system
            self.unique = max(self.unique, unique / 2**20)
            self.resident = max(self.resident, resident / 2**20)
            self.cpu = max(self.cpu, cpu)


def main():
    """Print one line for each number of patches."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--patches", type=int, nargs="+", default=[720, 5000, 20000])
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, default=2000)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--equalisation", default="histogram")
    parser.add_argument("--workers", type=int, default=None)
    options = parser.parse_args()
    print("patches  films  read_s  prepare_s  cpu_s  patches_per_s  unique_MB  resident_MB")
    for patches in options.patches:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            manifest = make_cohort(folder, patches, options.width, options.height)
            began, watch = time.perf_counter(), Watch()
            watch.start()
            cohort = read_cohort(manifest, workers=options.workers)
            read, used = time.perf_counter(), watch.cpu
            how = Preparation(options.size, margin_mm=5.0, margin_px=8, equalisation=options.equalisation)
            prepare_patches(cohort, how, folder / "out", workers=options.workers, progress=False)
            end = time.perf_counter()
            watch.done.set()
            watch.join()
        films = cohort.patches["image"].nunique()
        print(
            f"{patches:7}{films:7}{read - began:8.1f}{end - read:11.1f}{watch.cpu - used:7.1f}"
            f"{patches / (end - read):15.0f}{watch.unique:11.0f}{watch.resident:13.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
