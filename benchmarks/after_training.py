"""The time of everything after training: a finished run is copied without what follows, and made again from there.

    ovcf run demo --out reports/demo
    python benchmarks/after_training.py reports/demo

Kept are the cohort, the patches, the features, the trained folds, the final model and their predictions; notebooks,
other tables, figures, page, PDF and ledger are made anew, then the exports with their checklists. Prints seconds by
step and the machine's load. Notebooks 01 and 02 come before training and are not in the sum; opening the run is, and so
are, in notebook 07, the films of the second hospital, which a run draws once.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

from ovcf.report import run_study
from ovcf.report.manuscript.export import export

BEFORE = ("01_dataset", "02_preprocessing")
TRAINED = ("patches", "predictions", "plan")  # tables of a run that has trained; predictions_* are of other trainings


def untold(run: Path, copy: Path) -> None:
    """Copy a run as it was when its training ended."""
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("notebooks", "figures", "report.*", "ledger.csv"))
    for path in (copy / "tables").glob("*.csv"):
        if path.stem not in TRAINED and not path.stem.startswith("predictions_"):
            path.unlink()
    record = json.loads((copy / "run.json").read_text(encoding="utf-8")) | {"status": "interrupted"}
    (copy / "run.json").write_text(json.dumps(record), encoding="utf-8")


def main() -> None:
    """Time the steps and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    run = parser.parse_args().run
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "run"
        untold(run, copy)
        load, started = os.getloadavg(), time.monotonic()
        run_study(out=copy)
        made = time.monotonic()
        export(copy, Path(folder) / "export")
        ended = time.monotonic()
        steps = json.loads((copy / "run.json").read_text(encoding="utf-8"))["notebooks"]
    before = sum(steps.get(name, 0) for name in BEFORE)
    rest = made - started - sum(steps.values())
    steps |= {"opening, page, ledger, PDF": rest, "exports, checklists, cards": ended - made}
    for name, seconds in steps.items():
        print(f"{name:28} {seconds:6.1f} s{' (before training)' * (name in BEFORE)}")
    print(f"{'after training':28} {ended - started - before:6.1f} s")
    print(f"load of the machine: {load[0]:.1f} before, {os.getloadavg()[0]:.1f} after, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
