"""The time of a sweep of three equalisations and three training seeds beside nine runs by themselves.

    python benchmarks/sweep_time.py                    # the demo's size: hours on two cores
    python benchmarks/sweep_time.py --small            # 40 patients, one network, 64 px

Prints seconds of the sweep, of as many single runs as `--singles` says (nine are estimated from their mean), and the
ratio, of the clock and of the processor, which other work on the machine disturbs less. Every run has its own
notebooks, tables and report; the cohort's films are drawn before.
"""

import argparse
import os
import tempfile
from itertools import product
from pathlib import Path

import numpy as np

from ovcf.report import run_study
from ovcf.report.sweep import folder_name, sweep
from ovcf.study import Study

AXES = {"equalisation": ["histogram", "clahe", "none"], "training_seed": [0, 1, 2]}
SMALL = {
    "patients": "40",
    "folds": "3",
    "image_size": "64",
    "networks": "[efficientnet_lite0]",
    "epochs": "10",
    "replicates": "200",
    "reader_cases": "12",
}


def spent() -> np.ndarray:
    """Return seconds of the clock and of the processor, in this process and those that it has waited for."""
    times = os.times()
    return np.array([times.elapsed, times.user + times.system + times.children_user + times.children_system])


def main() -> None:
    """Time both ways and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--singles", type=int, default=3, help="single runs that are timed")
    options = parser.parse_args()
    values = SMALL if options.small else {}
    with tempfile.TemporaryDirectory() as folder:
        films = {name: int(value) for name, value in values.items() if name == "patients"}
        Study.begin(Path(folder) / "films", options.profile, **films)
        started = spent()
        sweep(options.profile, values | {name: str(each) for name, each in AXES.items()}, Path(folder) / "sweep")
        together = spent() - started
        print(f"sweep of nine runs and their comparison: {say(together)}", flush=True)
        single = []
        for point in list(product(*AXES.values()))[:: 9 // options.singles][: options.singles]:
            chosen = dict(zip(AXES, point, strict=True))
            started = spent()
            overrides = values | {name: str(value) for name, value in chosen.items()}
            run_study(options.profile, out=Path(folder) / folder_name(chosen), overrides=overrides)
            single.append(spent() - started)
            print(f"a single run: {say(single[-1])}", flush=True)
    alone = 9 * np.mean(single, axis=0)
    print(f"nine single runs, from the mean of {len(single)}: {say(alone)}")
    print("the sweep takes {:.0%} of the clock and {:.0%} of the processor's time".format(*together / alone))


def say(seconds: np.ndarray) -> str:
    """Say seconds of the clock and of the processor."""
    return "{:.0f} s, of the processor {:.0f} s".format(*seconds)


if __name__ == "__main__":
    main()
