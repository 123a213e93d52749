"""The networks on one GPU: speed beside a bare loop, the paper's study, memory, repeatability, SIGKILL.

    python3 benchmarks/gpu.py --minutes 9 --out results

needs this checkout and torch (2.11 or newer), torchvision, numpy, pandas, scipy, scikit-image, pillow, pyyaml,
safetensors, joblib and tqdm; nothing is installed. All weights are random: a GPU is as fast on them as on ImageNet's.
Each figure is written to gpu.json and gpu.md as soon as it stands, so a run that is cut keeps what was done; a part
that fails leaves its error there and the others go on. `--quick` is a small rehearsal, on a processor too.
"""

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout, not an installed package

import joblib
import numpy as np
import pandas as pd
import torch
from torch import nn

from ovcf.models import checkpoint, crossval
from ovcf.models.arithmetic import (
    FLOAT32,
    computing,
    device,
    prepared,
    repeatable,
    training_arithmetic,
    trunk_arithmetic,
)
from ovcf.models.card import determinism_record
from ovcf.models.features import features_of, run_trunk, trunk_features
from ovcf.models.feed import Rows
from ovcf.models.jobs import plan
from ovcf.models.networks import build_network
from ovcf.models.random_weights import noise_patches
from ovcf.models.recipe import Recipe
from ovcf.models.tensors import to_tensor
from ovcf.models.training import _made_trainable, _Steps
from ovcf.models.weights import load_network

PAPER = ("alexnet", "vgg16", "googlenet", "resnet50", "resnet101")
BATCH = 16  # the recipe's


# ---------------------------------------------------------------- what is kept
class Results:
    """Figures, written after each one: gpu.json for machines, gpu.md to read."""

    def __init__(self, out: Path, seconds: float):
        self.out, self.began, self.seconds = out, time.monotonic(), seconds
        self.rows: dict[str, list[dict]] = {}
        out.mkdir(parents=True, exist_ok=True)

    @property
    def left(self) -> float:
        """Seconds left."""
        return self.seconds - (time.monotonic() - self.began)

    def add(self, part: str, /, **row: object) -> None:
        """Keep one row of a part, print it, and write both files."""
        self.rows.setdefault(part, []).append(row)
        said = ", ".join(f"{k} {v}" for k, v in row.items())
        print(f"[{time.monotonic() - self.began:6.1f} s] {part}: {said}", flush=True)
        (self.out / "gpu.json").write_text(json.dumps(self.rows, indent=1, default=str))
        (self.out / "gpu.md").write_text(self.markdown())

    def markdown(self) -> str:
        """All parts as tables."""
        lines = []
        for part, rows in self.rows.items():
            columns = list(dict.fromkeys(name for row in rows for name in row))
            lines += [f"## {part}", "", "| " + " | ".join(columns) + " |", "| --- " * len(columns) + "|"]
            lines += ["| " + " | ".join(str(row.get(c, "")) for c in columns) + " |" for row in rows]
            lines += [""]
        return "\n".join(lines)

    def do(self, name: str, least: float, work: Callable[[], None]) -> None:
        """Do a part if `least` seconds are left; its error is a figure like any other."""
        if self.left < least:
            self.add("not done", part=name, reason=f"{self.left:.0f} s left of {self.seconds:.0f}")
            return
        try:
            work()
        except Exception as error:
            traceback.print_exc()
            said = f"{type(error).__name__}: {error}".replace("\n", " ")
            self.add("failed", part=name, error=said[:300])
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def settled() -> float:
    """Wait for the GPU and read the clock."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def timed(step: Callable[[], object], repeats: int) -> float:
    """Seconds of one call, the median of `repeats` after one that warms up."""
    step()
    seconds = []
    for _ in range(repeats):
        start = settled()
        step()
        seconds.append(settled() - start)
    return statistics.median(seconds)


def peak_mb() -> int | str:
    """Most memory of the GPU that tensors took since it was last asked."""
    if not torch.cuda.is_available():
        return "-"
    peak = torch.cuda.max_memory_allocated() >> 20
    torch.cuda.reset_peak_memory_stats()
    return peak


# ---------------------------------------------------------------- the cohort
def synthetic_patches(folder: Path, patients: int, size: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Draw the synthetic cohort, cut its patches (n, s, s) uint8 and deal folds by patch, as the paper profile does."""
    from ovcf.cohort.folds import assign_folds
    from ovcf.synthetic import synthesise

    workers = os.cpu_count() or 1
    manifest = synthesise(folder / "cohort", patients=patients, workers=workers, progress=False)
    table = pd.read_csv(manifest, dtype={"patch_id": str, "patient_id": str})
    cut = joblib.Parallel(n_jobs=workers)(
        joblib.delayed(_cut)(manifest.parent / image, rows[["x0", "y0", "x1", "y1"]].to_numpy(), size)
        for image, rows in table.groupby("image", sort=False)
    )
    images = np.concatenate([patches for patches in cut])
    order = np.concatenate([rows.index for _, rows in table.groupby("image", sort=False)])
    table = table.loc[order].reset_index(drop=True)
    return images, table.assign(fold=assign_folds(table, folds=5, split="patch", seed=0))


def _cut(film: Path, boxes: np.ndarray, size: int) -> np.ndarray:
    from PIL import Image

    from ovcf.cohort.crop import crop_patch

    pixels = np.asarray(Image.open(film))
    pixels = pixels.astype(np.float32) / np.iinfo(pixels.dtype).max
    how = {"margin_px": 8, "size": size, "equalisation": "histogram"}
    return np.stack([crop_patch(pixels, box, **how) for box in boxes])


def noise_cohort(n: int, size: int) -> tuple[np.ndarray, pd.DataFrame]:
    """Patches of coloured noise with classes that mean nothing."""
    names = [f"v{i}" for i in range(n)]
    table = pd.DataFrame({"patch_id": names, "patient_id": names, "label": ["fresh", "old"] * (n // 2)})
    return noise_patches(n, size, seed=1), table.assign(fold=np.arange(n) % 5 + 1)


# ---------------------------------------------------------------- the parts
def record(results: Results) -> None:
    """Say on what all this was measured."""
    said = determinism_record()
    card = {"card": said["device"], "cores": os.cpu_count(), "python": platform.python_version()}
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        card |= {
            "memory_gb": round(properties.total_memory / 2**30, 1),
            "compute capability": ".".join(map(str, torch.cuda.get_device_capability())),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    results.add("machine", **card, **said["versions"])
    results.add(
        "machine",
        **{k: said[k] for k in ("frozen pretrained trunks", "layers that train", "instructions", "caveats")},
    )


def bare_loop(network: str, images: np.ndarray, seconds: float) -> float:
    """Images per second of forward, backward and step alone, on one batch that lies on the GPU: the ceiling."""
    net = build_network(network).to(device()).train()
    x, y = to_tensor(images[:BATCH], device()), torch.arange(BATCH, device=device()) % 2
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, fused=x.is_cuda or None)
    arithmetic = training_arithmetic(Recipe(weights="none", trainable="all"))

    def step() -> None:
        with computing(x.device, arithmetic):
            logits = net.head(net.stage(net.stem(x))).float()
        loss = nn.functional.cross_entropy(logits, y)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    with repeatable():
        return BATCH / timed(step, _repeats(step, seconds))


def _repeats(step: Callable[[], object], seconds: float) -> int:
    step()
    start = settled()
    step()
    return int(min(max(seconds / max(settled() - start, 1e-4), 3), 60))


def epochs_per_second(network: str, images: np.ndarray, trainable: str, seconds: float) -> tuple[float, int]:
    """Images per second of the study's own epochs (the median one), and how many were measured."""
    recipe = Recipe(weights="none", trainable=trainable)
    rng, fresh = np.random.default_rng(0), np.arange(len(images)) % 2
    net = build_network(network).to(device())
    source = images if trainable == "all" else _maps(net, images, recipe)
    _made_trainable(net, recipe)
    steps = _Steps(net, source, fresh, recipe)
    for part in steps.parts.values():
        part.train()
    with repeatable():
        steps.epoch(0, rng)  # warms up
        spent: list[float] = []
        while len(spent) < 2 or (sum(spent) < seconds and len(spent) < 20):
            start = settled()
            steps.epoch(0, rng)
            spent.append(settled() - start)
    return len(images) / statistics.median(spent), len(spent)


def _maps(net: nn.Module, images: np.ndarray, recipe: Recipe) -> np.ndarray:
    """What the last stage sees, in one flip state drawn four times over: its size, not its content, matters here."""
    parts = [
        run_trunk(net, to_tensor(images[i : i + 64], device()), "stem", FLOAT32) for i in range(0, len(images), 64)
    ]
    maps = torch.cat(parts).half().cpu().numpy()
    return np.stack([maps] * len(recipe.states), 1)


def speeds(results: Results, images: np.ndarray, network: str, seconds: float) -> None:
    """Images per second of a network: everything trained, the last stage, frozen features; and the bare loop."""
    peak_mb()
    bare = bare_loop(network, images, seconds)
    ours, epochs = epochs_per_second(network, images, "all", seconds)
    row = {"network": network, "bare loop, images/s": round(bare), "all, images/s": round(ours)}
    row |= {"share of bare": round(ours / bare, 3), "epochs measured": epochs, "peak MB, all": peak_mb()}
    last, _ = epochs_per_second(network, images, "last_stage", seconds)
    row |= {"last_stage, images/s": round(last), "last_stage : all": round(last / ours, 2)}
    row |= {"peak MB, last_stage": peak_mb()} | features_speed(network, images, seconds)
    results.add("speed (batch 16; features in four flips)", **row)


def features_speed(network: str, images: np.ndarray, seconds: float) -> dict[str, object]:
    """Images per second through a frozen trunk: the study's function beside a bare forward of the same batches."""
    recipe = Recipe(weights="none", trainable="head", flips=())
    chosen = trunk_arithmetic(network, None, recipe)
    net = prepared(build_network(network), chosen)
    x = to_tensor(images[:256], device())
    bare = len(x) / timed(lambda: run_trunk(net, x, "stage", chosen), 5)
    many = np.concatenate([images] * 4)  # what the four flips come to
    ours = len(many) / timed(lambda: features_of(net, many, chosen), 1 if seconds < 1 else 3)
    words = {"trunk in": chosen, "features, images/s": round(ours), "features, share of bare": round(ours / bare, 3)}
    return words | {"peak MB, features": peak_mb()}


def fold_by_fold(results: Results, cohort: tuple, networks: list[str], seconds: float) -> dict[str, float]:
    """Some epochs of one fold of each network; what 100 epochs of five folds would take, one after the other."""
    part, total = "paper profile, fold after fold", {}

    def measure_one(network: str) -> None:
        measured, epochs = _measured_fold(network, *cohort, seconds)
        total[network] = measured * 100 * 5
        row = {"network": network, "epochs measured": epochs, "s per epoch": round(measured, 3)}
        results.add(part, **row, **{"5 folds x 100 epochs, s (estimated)": round(total[network])})

    for network in networks:
        results.do(f"{part}, {network}", 30, lambda network=network: measure_one(network))
    if len(total) == len(networks):
        results.add(part, network="all", **{"5 folds x 100 epochs, s (estimated)": round(sum(total.values()))})
    return total


def _measured_fold(network: str, images: np.ndarray, patches: pd.DataFrame, seconds: float) -> tuple[float, int]:
    """Seconds an epoch on one fold's training patches, and how many epochs were measured."""
    recipe = Recipe(weights="none", trainable="all")
    train = np.flatnonzero(patches.fold.to_numpy() != 1)
    net = load_network(network, "none", size=images.shape[1]).to(device())
    _made_trainable(net, recipe)
    steps = _Steps(net, Rows(images, train), (patches.label.to_numpy() == "fresh")[train], recipe)
    rng, spent = np.random.default_rng(1), []
    net.train()
    with repeatable():
        steps.epoch(0, rng)
        while len(spent) < 2 or (sum(spent) < seconds and len(spent) < 30):
            start = settled()
            steps.epoch(len(spent), rng)
            spent.append(settled() - start)
    return statistics.fmean(spent), len(spent)


def side_by_side(results: Results, network: str, cohort: tuple, workers: int, alone: float | None) -> None:
    """All five folds at once through `crossval.run`, a few epochs: the slope between two lengths is an epoch's cost."""
    images, patches = cohort
    spent = []
    lengths = (2, 2 + max(4, round(1500 / (alone or 1500))))
    for epochs in lengths:
        recipe = Recipe(weights="none", trainable="all", epochs=epochs)
        with tempfile.TemporaryDirectory() as cache:
            jobs = plan(images, patches, [network], recipe, Path(cache))
            start = settled()
            crossval.run(jobs, images, Path(cache), workers, progress=False)
            spent.append(settled() - start)
    each = (spent[1] - spent[0]) / (lengths[1] - lengths[0])
    row = {"network": network, "processes": workers, "epochs": f"{lengths[0]} and {lengths[1]}"}
    row |= {"s": f"{spent[0]:.1f} and {spent[1]:.1f}", "s per epoch of five folds": round(each, 3)}
    row["5 folds x 100 epochs, s (extrapolated)"] = round(spent[0] + each * (100 - lengths[0]))
    results.add("paper profile, five folds side by side", **row)


def agreement(results: Results, images: np.ndarray, network: str) -> None:
    """Features of the GPU beside the processor's, float32, and in the arithmetic that `auto` takes."""
    few, recipe = images[:16], Recipe(weights="none", trainable="head")
    there = features_of(load_network(network, "none", size=few.shape[1]), few, FLOAT32)
    row: dict[str, object] = {"network": network}
    for chosen in sorted({FLOAT32, trunk_arithmetic(network, None, recipe)}):
        here = features_of(prepared(load_network(network, "none", size=few.shape[1]), chosen), few, chosen)
        row[f"{chosen}: ‖here - cpu‖ / ‖cpu‖"] = f"{np.linalg.norm(here - there) / np.linalg.norm(there):.1e}"
    results.add("features on this device beside float32 on the processor", **row)


def repeated(results: Results, images: np.ndarray, network: str) -> None:
    """The same training twice in one process: are the bits the same?"""
    fresh, row = np.arange(48) % 2, {"network": network}
    few = images[np.arange(48) % len(images)]
    for trainable in ("all", "last_stage"):
        recipe = Recipe(weights="none", trainable=trainable, epochs=2)
        first, second = (_trained(network, few, fresh, recipe) for _ in range(2))
        worst = max(float((first[name] - second[name]).abs().max()) for name in first)
        row[trainable] = "same bits" if worst == 0 else f"differs by up to {worst:.1e}"
    results.add("two runs of two epochs compared", **row)


def _trained(network: str, images: np.ndarray, fresh: np.ndarray, recipe: Recipe) -> dict[str, torch.Tensor]:
    from ovcf.models.training import train_network

    net = build_network(network)
    source = images if recipe.trainable == "all" else _maps(net.to(device()), images, recipe)
    state = train_network(net, source, fresh, recipe, np.random.default_rng(2))
    return {k: v.float() for k, v in state.items()}


def killed(results: Results) -> None:
    """SIGKILL in the middle of a fold; what goes on from the checkpoint must end with the same bits."""
    with tempfile.TemporaryDirectory() as folder:
        whole, cache = _crossed(Path(folder) / "whole"), Path(folder) / "killed"
        process = subprocess.Popen([sys.executable, __file__, "--victim", str(cache)])
        give_up = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < give_up:
            if any(_epoch_of(path) >= 3 for path in cache.glob("folds/.*.checkpoint")):
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept = [_epoch_of(path) for path in cache.glob("folds/.*.checkpoint")]
        again = _crossed(cache)
    same = "same bits" if whole.equals(again) else f"differs by {np.abs(whole.p_fresh - again.p_fresh).max():.1e}"
    results.add("resumed after SIGKILL (GoogLeNet, all, 8 epochs)", epochs_kept=kept, predictions=same)


def _epoch_of(path: Path) -> int:
    import safetensors

    try:
        with safetensors.safe_open(path, "pt") as file:
            return int(file.metadata()["epoch"])
    except (OSError, safetensors.SafetensorError):
        return 0


def _crossed(cache: Path) -> pd.DataFrame:
    checkpoint.EVERY = 0.0  # after every epoch, however short
    images, patches = noise_cohort(20, 64)
    recipe = Recipe(weights="none", trainable="all", epochs=8)
    patches = patches.assign(fold=np.arange(20) // 2 % 2 + 1)
    return crossval.cross_validate(images, patches, ["googlenet"], recipe, cache=cache, progress=False)


def frozen_study(results: Results, cohort: tuple, network: str) -> None:
    """The frozen route whole: features in four flips, and 100 epochs x 5 folds of heads."""
    images, patches = cohort
    recipe, workers = Recipe(weights="none", trainable="head"), os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        cache, start = Path(folder), settled()
        trunk_features(network, images, recipe, path=None, cache=cache, progress=False)
        features = settled() - start
        crossval.cross_validate(images, patches, [network], recipe, cache=cache, workers=workers, progress=False)
        whole = settled() - start
    results.add("frozen study", network=network, features_s=round(features, 1), whole_s=round(whole, 1))


# ---------------------------------------------------------------- what else could be done
VARIANTS: dict[str, tuple[str, torch.memory_format, str]] = {
    "mixed bfloat16, channels-last": ("bfloat16", torch.channels_last, ""),
    "mixed float16, channels-last": ("float16", torch.channels_last, ""),
    "float32, channels-last": ("", torch.channels_last, ""),
    "mixed bfloat16, contiguous": ("bfloat16", torch.contiguous_format, ""),
    "mixed bfloat16, channels-last, CUDA graph": ("bfloat16", torch.channels_last, "graph"),
    "mixed bfloat16, channels-last, torch.compile": ("bfloat16", torch.channels_last, "compile"),
}


def variant(results: Results, images: np.ndarray, network: str, name: str, seconds: float) -> None:
    """A training step in another arithmetic or layout, compiled, or replayed as a graph; cuDNN left to itself."""
    kind, layout, how = VARIANTS[name]
    if how and not torch.cuda.is_available():
        return
    net = build_network(network).to(device(), memory_format=layout).train()
    x, y = to_tensor(images[:BATCH], device()), torch.arange(BATCH, device=device()) % 2
    if how == "compile":
        net.stem, net.stage = torch.compile(net.stem), torch.compile(net.stage)
    step = _plain_step(net, x.contiguous(memory_format=layout), y, kind)
    step = _as_graph(step) if how == "graph" else step
    speed = BATCH / timed(step, _repeats(step, seconds))
    results.add(f"variants of a training step, {network}", variant=name, **{"images/s": round(speed)})


def _plain_step(net: nn.Module, x: torch.Tensor, y: torch.Tensor, kind: str) -> Callable[[], object]:
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, fused=x.is_cuda or None)
    half = getattr(torch, kind or "bfloat16")

    def step() -> None:
        with torch.autocast(x.device.type, half, enabled=bool(kind), cache_enabled=False):  # a graph may not cache
            logits = net.head(net.stage(net.stem(x))).float()
        nn.functional.cross_entropy(logits, y).backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=False)

    return step


def _as_graph(step: Callable[[], object]) -> Callable[[], object]:
    """Record a step's kernels once, to be launched together."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


# ---------------------------------------------------------------- in order
def main() -> None:
    """Parse, and do the parts in the order of their weight."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=9.0, help="stop after this long (default 9)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/gpu"), help="folder of gpu.json and gpu.md")
    parser.add_argument("--quick", action="store_true", help="tiny: a rehearsal on a processor")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts")
    parser.add_argument("--victim", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.victim:
        _crossed(given.victim)
        return
    scale = QUICK if given.quick else FULL
    measure(Results(given.out, given.minutes * 60), scale, given.only)


class Scale(NamedTuple):
    """How much is measured."""

    networks: tuple[str, ...]
    size: int
    patients: int
    seconds: float  # of each measurement
    folds_at_once: int


FULL = Scale(PAPER, 224, 405, 2.0, 5)
QUICK = Scale(("googlenet",), 64, 12, 0.1, 2)
PARTS = ("machine", "cohort", "killed", "speed", "agreement", "repeated", "profile", "frozen", "variants")


def measure(results: Results, scale: Scale, only: list[str]) -> None:
    """All parts, each guarded."""
    cohorts = [noise_cohort(40 if scale is QUICK else 720, scale.size)]

    def draw() -> None:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            cohorts.append(synthetic_patches(Path(folder), scale.patients, scale.size))
        took = round(time.perf_counter() - start, 1)
        results.add("cohort", films_and_patches_s=took, patches=len(cohorts[-1][0]), size=scale.size)

    if "machine" in only:
        results.do("machine", 0, lambda: record(results))
    if "cohort" in only:
        results.do("synthetic cohort", 60, draw)
    cohort = cohorts[-1]
    each = {
        "speed": (20, lambda n: speeds(results, cohort[0], n, scale.seconds)),
        "agreement": (10, lambda n: agreement(results, cohort[0], n)),
        "repeated": (15, lambda n: repeated(results, cohort[0], n)),
    }
    if "killed" in only:
        results.do("resume after SIGKILL", 45, lambda: killed(results))
    for part, (least, work) in each.items():
        for network in scale.networks if part in only else ():
            results.do(f"{part} of {network}", least, lambda work=work, network=network: work(network))
    last_parts(results, scale, cohort, only)
    results.add("done", seconds=round(time.monotonic() - results.began))


def last_parts(results: Results, scale: Scale, cohort: tuple, only: list[str]) -> None:
    """The paper's profile, the frozen study, and what else could be done."""
    if "profile" in only:
        total = fold_by_fold(results, cohort, list(scale.networks), 3 * scale.seconds)
        for network in scale.networks[::-1]:  # the slowest first: it matters most
            results.do(
                f"folds side by side, {network}",
                45,
                lambda n=network: side_by_side(results, n, cohort, scale.folds_at_once, total.get(n)),
            )
    if "frozen" in only:
        for network in scale.networks:
            results.do(f"frozen study, {network}", 15, lambda n=network: frozen_study(results, cohort, n))
    if "variants" in only:
        for name in VARIANTS:
            least = 75 if "compile" in name else 10
            results.do(name, least, lambda v=name: variant(results, cohort[0], scale.networks[-1], v, scale.seconds))


if __name__ == "__main__":
    main()
