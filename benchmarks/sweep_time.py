"""The time of a sweep of three equalisations and three training seeds beside nine runs by themselves.

    python benchmarks/sweep_time.py                    # the demo's size: hours on two cores
    python benchmarks/sweep_time.py --small            # 40 patients, one network, 64 px

Prints seconds of the sweep, of as many single runs as `--singles` says (nine are estimated from their mean), and the
ratio. Every run has its own notebooks, tables and report; the cohort's films are drawn before.
"""

import argparse
import tempfile
import time
from itertools import product
from pathlib import Path

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


def main() -> None:
    """Time both ways and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--profile", default="demo")
    parser.add_argument("--singles", type=int, default=3, help="single runs that are timed")
    options = parser.parse_args()
    values = SMALL if options.small else {}
    with tempfile.TemporaryDirectory() as folder:
        films = {name: value for name, value in values.items() if name == "patients"}
        Study.begin(Path(folder) / "films", options.profile, **{name: int(value) for name, value in films.items()})
        started = time.monotonic()
        sweep(options.profile, values | {name: str(each) for name, each in AXES.items()}, Path(folder) / "sweep")
        together = time.monotonic() - started
        single = []
        for point in list(product(*AXES.values()))[:: 9 // options.singles][: options.singles]:
            chosen = dict(zip(AXES, point, strict=True))
            started = time.monotonic()
            overrides = values | {name: str(value) for name, value in chosen.items()}
            run_study(options.profile, out=Path(folder) / folder_name(chosen), overrides=overrides)
            single.append(time.monotonic() - started)
    alone = 9 * sum(single) / len(single)
    print(f"sweep of nine runs and their comparison: {together:.0f} s")
    print(f"nine single runs, from the mean of {len(single)}: {alone:.0f} s ({', '.join(f'{s:.0f}' for s in single)})")
    print(f"the sweep takes {together / alone:.0%} of it")


if __name__ == "__main__":
    main()
