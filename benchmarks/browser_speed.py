"""How fast the browser of patches answers, at 720 and at 20,000 patches, and whether its memory stays flat.

    python benchmarks/browser_speed.py [--film 2800 2400]

Measured in the kernel, from question to answer ready to travel (what the page adds is a few ms on loopback):
opening (table, first page with its thumbnails), a changed filter, the next detail (film read from disk, patch
cut, all encoded; without the map). Synthetic noise at realistic sizes; the limits are those of the issue.
"""

import argparse
import resource
import statistics
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from PIL import Image

LEVELS = ["T11", "T12", "L1", "L2"]


class BenchStudy:
    """Six networks on n patches; each film holds two and is read from disk as a study would."""

    chosen, label = "resnet50", "noise for a benchmark"

    def __init__(self, run: Path, n: int, film: tuple[int, int], size: int = 112):
        rng = np.random.default_rng(0)
        self.run, i = run, np.arange(n)
        self.parameters = {
            "equalisation": "histogram", "margin_mm": 5.0, "margin_px": 8, "split": "patient"
        }  # fmt: skip
        self.patches = pd.DataFrame(
            {
                "patch_id": [f"S{k:05d}" for k in i], "patient_id": [f"P{k // 2:05d}" for k in i],
                "level": [LEVELS[k % 4] for k in i], "region": "at", "image": [f"{k // 2}.png" for k in i],
                "label": np.where(rng.random(n) < 0.5, "fresh", "old"), "x0": 400.0, "x1": 560.0,
                "y0": 300.0 + 200 * (i % 2), "y1": 420.0 + 200 * (i % 2), "mm_per_px": 0.2,
                "fold": 1 + (i // 2) % 5,
            }
        )  # fmt: skip
        names = ["alexnet", "vgg16", "googlenet", "resnet50", "resnet101", "efficientnet_lite0"]
        ids = self.patches["patch_id"]
        self.predictions = pd.concat(
            [pd.DataFrame({"network": m, "patch_id": ids, "p_fresh": rng.random(n)}) for m in names]
        )
        self._images = np.memmap(run / "images.raw", np.uint8, "w+", shape=(n, size, size))
        self._images[:] = rng.integers(0, 255, (n, size, size), dtype=np.uint8)
        self._paths = [run / f"film{k}.png" for k in range(8)]
        smooth = np.kron(rng.random((film[0] // 16, film[1] // 16)), np.ones((16, 16)))
        for path in self._paths:
            noisy = smooth + 0.05 * rng.standard_normal(smooth.shape)
            Image.fromarray(np.clip(255 * noisy, 0, 255).astype(np.uint8)).save(path)

    def images(self, equalisation=None):
        return self._images

    def film(self, patch_id):
        return self._read(int(patch_id[1:]) // 2)

    @lru_cache(maxsize=4)  # as Study keeps the last films  # noqa: B019
    def _read(self, number):
        from ovcf.cohort.films import read_film

        return SimpleNamespace(pixels=read_film(self._paths[number % 8]).pixels)


def main(film) -> None:
    """Print one table of medians and worst cases."""
    from ovcf.viz.browser import Browser  # imports are not counted

    head = f"{'':34}{'median':>10}{'worst':>10}{'CPU':>10}"
    print(f"{head}   (film {film[0]} x {film[1]}; CPU: median of processor time, for a busy machine)")
    for n in (720, 20_000):
        with tempfile.TemporaryDirectory() as folder:
            study = BenchStudy(Path(folder), n, film)
            measure(Browser, study, n)


def measure(make, study, n) -> None:
    """Time opening, filters and details at one size of cohort."""
    query = {
        "network": "resnet50", "outcome": "wrong", "level": "", "region": "", "fold": "", "agreement": "any",
        "annotators": "any", "flagged": "", "low": 0, "high": 1, "patient": "", "search": "", "sort": "loss",
        "ascending": False,
    }  # fmt: skip
    opening = [timed(lambda: opened(make(study), query)) for _ in range(5)]
    browser = make(study)
    opened(browser, query)
    changes = [
        {"outcome": "FN"}, {"level": "L1"}, {"fold": "3"}, {"search": "s000"}, {"agreement": "most wrong"},
        {"network": "vgg16"}, {"low": 0.3, "high": 0.7}, {"sort": "disagreement"}, {"outcome": ""},
    ]  # fmt: skip
    filters = [timed(lambda c=c: browser.ask("page", query=query | c, page=0)) for c in changes]
    details = [timed(lambda p=p: browser.ask("detail", query=query, position=p)) for p in range(12)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pages = browser.ask("page", query=query | {"outcome": ""}, page=0)[0]["pages"]
    for page in range(0, pages, max(1, pages // 100)):
        browser.ask("page", query=query | {"outcome": ""}, page=page)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    for name, times in (("open", opening), ("change a filter", filters), ("next detail, no map", details)):
        wall, cpu = ([1e3 * t[i] for t in times] for i in (0, 1))
        median, worst, busy = statistics.median(wall), max(wall), statistics.median(cpu)
        print(f"{n:>7} {name:26}{median:>7.0f} ms{worst:>7.0f} ms{busy:>7.0f} ms")
    print(f"{n:>7} {'memory after 100 pages':26}{grown:>+7.0f} MB")


def opened(browser, query):
    """What the page asks when it opens."""
    browser.ask("hello")
    browser.ask("page", query=query, page=0)


def timed(act) -> tuple[float, float]:
    """Seconds an act takes: by the clock and of this process."""
    start, busy = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - start, time.process_time() - busy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--film", nargs=2, type=int, default=(1400, 1000), help="height and width, px")
    main(tuple(parser.parse_args().film))
