"""Ours beside its peers: every part run, its rows kept in results.json, written as RESULTS.md and results.png.

    python benchmarks/results.py [--only training ...] [--quick] [--out FOLDER]
    python benchmarks/results.py --only scaling [--rows FILE]

Each part is a script of its own and runs as a process of its own, one after the other; the machine should do nothing
else. A part can be run again alone: the others keep their rows. Scaling, an hour by itself, runs only where `--only`
names it; `--rows` takes those that a run of the part by hand, with the options of `PARTS`, kept on this machine. A part
that fails leaves its last words in the page and the rest goes on; the exit status is then 1. `--quick` rehearses the
parts in small, into benchmarks/quick.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from results_page import TITLES, figure, page

HERE = Path(__file__).resolve().parent
PARTS = {  # script and what it is given; in a rehearsal
    "frozen_forward": ("frozen_forward.py --rounds 2", "frozen_forward.py googlenet --size 64 --rounds 1 --sample 8"),
    "training": (
        "training.py --rounds 4 --stages",
        "training.py --rounds 1 --size 64 --steps 1 --whole efficientnet_lite0 --stages",
    ),
    "last_stage": (
        "training.py --rounds 4 --whole",
        "training.py --rounds 1 --size 64 --steps 1 --whole --stages googlenet",
    ),
    "frozen_study": (
        "frozen_study.py --sample 48",
        "frozen_study.py --network googlenet --size 64 --sample 4 --batches 1 --rounds 1 --epochs 4",
    ),
    "laptop": ("laptop.py --patches 720", "laptop.py --patches 20 --size 64 --epochs 2 --networks alexnet"),
    "statistics": ("statistics_peers.py", "statistics_peers.py --scores 720 5000 --rounds 1 --replicates 2"),
    "cluster": ("cluster.py", "cluster.py --epochs 1 --patches 20 --size 32"),
    "scaling": ("scaling.py", "scaling.py --patches 60 --epochs 1"),
}


def processor() -> str:
    """Return the processor's name and how many cores this process may use."""
    cores, name = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(), ""
    if (told := Path("/proc/cpuinfo")).exists():
        name = next((line.partition(":")[2] for line in told.read_text().splitlines() if "model name" in line), "")
    known = " with native bfloat16" if torch.cpu.get_capabilities().get("avx512_bf16") else ""
    name = name.strip() or platform.processor() or platform.machine()
    return f"{name}{known}, {cores} cores, {torch.get_num_threads()} threads, torch {torch.__version__}"


def told(command: str, quick: bool, date: datetime.date) -> dict:
    """Return what stands above a part's rows."""
    return {"command": command, "machine": processor(), "date": f"{date}", "quick": quick}


def taken(name: str, file: Path) -> dict:
    """Return a part whose rows a run by hand has kept in a file."""
    date = datetime.date.fromtimestamp(file.stat().st_mtime)
    return told(PARTS[name][0], False, date) | {"rows": json.loads(file.read_text(encoding="utf-8"))}


def run_part(name: str, quick: bool) -> dict:
    """Run one part; return its rows with when, where and how they were measured."""
    command = PARTS[name][quick]
    print(f"== {command}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        rows, began = Path(folder) / "rows.json", time.monotonic()
        given = [sys.executable, HERE / command.split()[0], *command.split()[1:], "--json", rows]
        done = subprocess.run(given, stderr=subprocess.PIPE, text=True, check=False)
        part = told(command, quick, datetime.date.today()) | {"seconds": round(time.monotonic() - began)}
        part["rows"] = json.loads(rows.read_text(encoding="utf-8")) if rows.exists() else []
    broken = done.returncode not in (0, 1) or "Traceback" in done.stderr  # 1 alone: a limit is not kept, rows say which
    if broken or not part["rows"]:
        print(done.stderr, file=sys.stderr)
        said = done.stderr.strip().splitlines()
        part["failed"] = f"exit status {done.returncode}" + (f", {said[-1]}" if said else "")
    return part


def write(results: dict[str, dict], folder: Path) -> None:
    """Write results.json, RESULTS.md and results.png."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (folder / "RESULTS.md").write_text(page(results), encoding="utf-8")
    figure(results, folder / "results.png")


def main() -> None:
    """Run the parts that are asked for, writing after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, help="these parts; else all but scaling")
    parser.add_argument("--rows", type=Path, help="rows of the one part of --only, kept by a run by hand")
    parser.add_argument("--quick", action="store_true", help="a rehearsal in small")
    parser.add_argument("--redraw", action="store_true", help="run nothing, write page and figure of results.json anew")
    parser.add_argument("--out", type=Path, help="folder of results.json, RESULTS.md and results.png")
    options = parser.parse_args()
    folder = options.out or (HERE / "quick" if options.quick else HERE)
    kept = folder / "results.json"
    results = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    chosen = options.only or [name for name in PARTS if name != "scaling"]
    if options.rows and len(chosen) != 1:
        parser.error("--rows belongs to one part: name it with --only")
    for name in () if options.redraw else chosen:
        results[name] = taken(name, options.rows) if options.rows else run_part(name, options.quick)
        write({name: results[name] for name in TITLES if name in results}, folder)
    if options.redraw:
        write(results, folder)
    failed = [name for name in chosen if "failed" in results.get(name, {})]
    raise SystemExit(f"not whole: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
