"""Time and memory of every stage of the study from 720 to 72,000 patches, and how fast both grow.

    python benchmarks/scaling.py [--patches 720 7200 72000] [--epochs 20] [--json FILE]

The study is a real one: made-up small films, a manifest, the `laptop` profile at 32 px with EfficientNet-Lite0's
packaged ImageNet weights. First its parts, each in a process of its own; then `ovcf run` goes on from there (its
notebooks are stages, too, less what the parts did already), and `ovcf verify` proves what it made. Every process is
watched: the memory is the largest that any one of them took.

The exponent is the slope of log(seconds) on log(patches): over all sizes, and over the two largest, where the fixed
cost of a start hides nothing. The larger of the two is held against the limit.

Less is done than in a usual run, and the table says so: `--epochs`, and how often notebook 04 trains anew
(`--dealings`, `--more-seeds`). Both only multiply what one training of five folds takes.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from PIL import Image
from scipy.ndimage import gaussian_filter
from turns import keep

LIMIT, LIMIT_MB = 1.1, 4000
SHORT = 2.0  # seconds; a stage that is never longer has no exponent worth a word
PER_PATIENT = 720 / 405  # vertebrae, and each patient has one film, as in the paper
WIDTH, HEIGHT, BOX = 128, 160, (48, 36)  # px
LEVELS = ("T11", "T12", "L1", "L2")


# ---------------------------------------------------------------- the cohort
def make_cohort(folder: Path, patches: int, seed: int = 0) -> Path:
    """Draw films with a body a patch, brighter within where it is fresh, and write the manifest; return it."""
    rng = np.random.default_rng(seed)
    patients = round(patches / PER_PATIENT)
    patient = np.sort(np.arange(patches) % patients)
    place = pd.Series(patient).groupby(patient).cumcount().to_numpy()
    fresh = rng.random(patches) < 0.5
    x0, y0 = rng.integers(30, 50, patches), 12 + 44 * place + rng.integers(0, 6, patches)
    (folder / "films").mkdir()
    for who, rows in pd.Series(range(patches)).groupby(patient):
        film = _film(rng, [(x0[row], y0[row], fresh[row]) for row in rows])
        Image.fromarray(film).save(folder / "films" / f"{who:05d}.png", compress_level=1)
    table = pd.DataFrame(
        {
            "patch_id": [f"V{k:05d}" for k in range(patches)],
            "patient_id": [f"P{k:05d}" for k in patient],
            "image": [f"films/{k:05d}.png" for k in patient],
            "level": np.array(LEVELS)[place % len(LEVELS)],
            "label": np.where(fresh, "fresh", "old"),
            "mm_per_px": 0.8,
            "age": rng.integers(55, 90, patients)[patient],
            "sex": np.where(rng.random(patients) < 0.8, "female", "male")[patient],
        }
    ).assign(x0=x0, y0=y0, x1=x0 + BOX[0], y1=y0 + BOX[1])
    table.to_csv(folder / "manifest.csv", index=False)
    return folder / "manifest.csv"


def _film(rng: np.random.Generator, bodies: list[tuple[int, int, bool]]) -> np.ndarray:
    """One film, uint8 (HEIGHT, WIDTH), unlike every other: clouds of its own and bodies at (x0, y0)."""
    clouds = gaussian_filter(np.kron(rng.normal(size=(HEIGHT // 8, WIDTH // 8)), np.ones((8, 8))), 3)
    film = 90 + 25 * clouds / clouds.std()
    for x0, y0, fresh in bodies:
        body = film[y0 + 4 : y0 + BOX[1] - 4, x0 + 4 : x0 + BOX[0] - 4]
        body += 50 + gaussian_filter(rng.normal(size=body.shape), 1) * 40
        body[10:14] += rng.normal(18 if fresh else 0, 12)
    return np.clip(film + rng.normal(size=film.shape) * 3, 0, 255).astype(np.uint8)


# ---------------------------------------------------------------- the parts, each in a process of its own
def _manifest_and_folds(study):
    study.patches  # noqa: B018 - proven when the run was begun, and entered


def _patches(study):
    study.images()


def _features(study):
    study.prepare_networks()


def _heads(study):
    study.train_networks()


def _final(study):
    study.final  # noqa: B018 - trains


def _browser(study):
    from ovcf.viz.gallery import gallery_html
    from ovcf.viz.outcomes import browse_table

    gallery_html(browse_table(study.patches, study.predictions, study.chosen, threshold=0.5), study.images("none"))


def _statistics(study):
    from statistics_speed import large_rows

    large_rows(study.patches.patient_id.nunique(), len(study.patches))


PARTS: dict[str, Callable] = {
    "manifest, films proven, folds": _manifest_and_folds,
    "patches": _patches,
    "features": _features,
    "five folds of heads, predictions": _heads,
    "final model": _final,
    "intervals of notebooks 03, 04 (two networks)": _statistics,
    "browser's table, gallery": _browser,
}


def do_part(name: str, run: Path, manifest: Path, parameters: dict) -> None:
    """Do one part of a study, in this process."""
    from ovcf.study import Study

    PARTS[name](Study.begin(run, "laptop", data=str(manifest), **parameters))


# ---------------------------------------------------------------- watching
class Watch(threading.Thread):
    """Looks at a process and all that it starts five times a second; `peak` is the largest that any of them was, MB."""

    def __init__(self, process: int):
        super().__init__(daemon=True)
        self.process, self.peak, self.done = psutil.Process(process), 0.0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.2):
            try:
                family = [self.process, *self.process.children(recursive=True)]
            except psutil.Error:
                continue
            self.peak = max([self.peak, *map(high_water, family)])


def high_water(process: psutil.Process) -> float:
    """The most memory a process ever took (VmHWM on Linux; elsewhere what it takes now), in MB."""
    try:
        status = Path(f"/proc/{process.pid}/status")
        if status.exists():
            marks = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
            return float(marks[0]) / 1024 if marks else 0.0
        return process.memory_info().rss / 2**20
    except (psutil.Error, OSError):
        return 0.0


def watched(command: list, log: Path) -> tuple[float, float]:
    """Run a command to its end; return its seconds and the largest memory of any of its processes, in MB."""
    began = time.perf_counter()
    with log.open("a") as out, subprocess.Popen(list(map(str, command)), stdout=out, stderr=out) as process:
        watch = Watch(process.pid)
        watch.start()
        code = process.wait()
        watch.done.set()
        watch.join()
    if code:
        raise SystemExit(f"{' '.join(map(str, command))}\n{log.read_text()[-3000:]}")
    return time.perf_counter() - began, watch.peak


# ---------------------------------------------------------------- one size
def stages(folder: Path, patches: int, parameters: dict) -> list[dict]:
    """Do the whole study of so many patches; return stage, patches, seconds and peak_mb of each stage."""
    manifest, run, log = make_cohort(folder, patches), folder / "run", folder / "log.txt"
    rows = []

    def row(stage: str, seconds: float, peak: float) -> None:
        rows.append({"stage": stage, "patches": patches, "seconds": round(seconds, 2), "peak_mb": round(peak)})
        print(f"{patches:7,} patches  {stage:48} {seconds:8.1f} s {peak:7.0f} MB", flush=True)

    for name in PARTS:
        told = [sys.executable, __file__, "--part", name, run, manifest, json.dumps(parameters)]
        row(name, *watched(told, log))
    seconds, peak = watched([sys.executable, "-m", "ovcf.cli", "run", "--out", run], log)
    notebooks = json.loads((run / "run.json").read_text(encoding="utf-8"))["notebooks"]
    for name, each in notebooks.items():
        row(f"ovcf run: {name}", each, peak)
    row("ovcf run: opening, page, PDF", seconds - sum(notebooks.values()), peak)
    row("ovcf verify", *watched([sys.executable, "-m", "ovcf.cli", "verify", run], log))
    return rows


# ---------------------------------------------------------------- how it grows
def exponent(patches: Sequence[int], seconds: Sequence[float]) -> float:
    """Return the slope of log(seconds) on log(patches): over all sizes or over the two largest, whichever is larger."""
    order = np.argsort(patches)
    x, y = (np.log(np.asarray(values, float)[order]) for values in (patches, seconds))
    return float(max(np.polyfit(x, y, 1)[0], (y[-1] - y[-2]) / (x[-1] - x[-2])))


def exponents(rows: list[dict]) -> list[dict]:
    """Return stage and exponent of each stage; None where it never takes `SHORT` seconds or was seen once."""
    found = []
    for stage, part in pd.DataFrame(rows).groupby("stage", sort=False):
        long = part["seconds"].max() >= SHORT and len(part) > 1
        found.append({"stage": stage, "exponent": exponent(part["patches"], part["seconds"]) if long else None})
    return found


def print_table(rows: list[dict], found: list[dict]) -> bool:
    """Print seconds of each stage and size, its exponent and largest memory; return whether the limits are kept."""
    each = pd.DataFrame(rows)
    table = each.pivot(index="stage", columns="patches", values="seconds")
    table = table.loc[each["stage"].drop_duplicates()].rename(columns="{:,} (s)".format)
    table["exponent"] = pd.DataFrame(found).set_index("stage")["exponent"].astype(float)
    table["most MB"] = each.groupby("stage")["peak_mb"].max()
    print(table.to_string(float_format="{:.2f}".format, na_rep=""))
    steep, large = table[table["exponent"] > LIMIT].index, table[table["most MB"] > LIMIT_MB].index
    print(f"exponent above {LIMIT}: {', '.join(steep) or 'none'}; above {LIMIT_MB:,} MB: {', '.join(large) or 'none'}")
    return not len(steep) and not len(large)


def main() -> int:
    """Print one table, keep it where asked; 1 where a limit does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patches", type=int, nargs="+", default=[720, 7200, 72_000])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--size", type=int, default=32, help="side of a patch in pixels")
    parser.add_argument("--dealings", type=int, default=1)
    parser.add_argument("--more-seeds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="for cohorts and runs, which stay; else they go")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--part", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        name, run, manifest, parameters = options.part
        do_part(name, Path(run), Path(manifest), json.loads(parameters))
        return 0
    parameters = {
        "networks": ["efficientnet_lite0"],
        "weights": "packaged",
        "image_size": options.size,
        "epochs": options.epochs,
        "dealings": options.dealings,
        "more_seeds": options.more_seeds,
    }
    rows = []
    for patches in sorted(options.patches):
        with tempfile.TemporaryDirectory() as scratch:
            folder = (options.folder or Path(scratch)) / str(patches)
            folder.mkdir(parents=True)
            rows += stages(folder, patches, parameters)
        found = exponents(rows)
        keep(rows + found, options.json)  # after each size: a larger one may fail
    print(f"{parameters}, {psutil.cpu_count()} cores")
    return int(not print_table(rows, found))


if __name__ == "__main__":
    raise SystemExit(main())
