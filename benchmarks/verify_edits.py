"""Plant edits in copies of a finished run, stamp its digests anew, and count what `ovcf verify` misses.

Each edit changes one thing by more than the printed rounding: a number in the page's text, one in a caption, a cell
of a CSV, a parameter, a prediction (turned to the other class) or a reading (turned to the other answer). Digests are
made to fit afterwards, as somebody would who knows of them, so that only the numbers themselves can tell.

    python benchmarks/verify_edits.py --run reports/demo --edits 200
    python benchmarks/verify_edits.py --honest 50          # runs of other seeds, verified: no alarm
"""

import argparse
import csv
import json
import re
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from bs4 import BeautifulSoup, Comment

from ovcf.files import digest
from ovcf.report import run_study
from ovcf.report.ledger import NAME as LEDGER
from ovcf.report.ledger import read_ledger
from ovcf.report.printed import NUMBER, SILENT
from ovcf.report.replay import INPUTS
from ovcf.report.verify import hold, remake, verify
from ovcf.run_folder import read_table
from ovcf.run_folder.fixed import read_fixed, write_fixed
from ovcf.run_folder.ledger import Ledger

MOVES_INPUT = ("prediction", "reading")


def edit_page(run: Path, rng: np.random.Generator, captions: bool = False) -> str:
    """Change one number of the page's text, in a caption or outside of captions."""
    page = run / "report.html"
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    texts = [
        node
        for node in soup.find_all(string=NUMBER)
        if not isinstance(node, Comment)
        and not any(parent.name in SILENT for parent in node.parents)
        and captions == any(parent.name in ("caption", "summary") for parent in node.parents)
    ]
    node = texts[rng.integers(len(texts))]
    found = list(NUMBER.finditer(node))
    match = found[rng.integers(len(found))]
    places = [place for place, letter in enumerate(match[0]) if letter.isdigit()]
    place = places[rng.integers(len(places))]
    other = str((int(match[0][place]) + int(rng.integers(1, 10))) % 10)
    text = node[: match.start() + place] + other + node[match.start() + place + 1 :]
    said = f"{match[0]} in {node.strip()[:60]!r}"
    node.replace_with(text)
    page.write_text(str(soup), encoding="utf-8")
    return said


def edit_caption(run: Path, rng: np.random.Generator) -> str:
    """Change one number of a caption."""
    return edit_page(run, rng, captions=True)


def edit_cell(run: Path, rng: np.random.Generator, remade: frozenset = frozenset()) -> str:
    """Change a number of a table by at least a hundredth of it, and by more than what the page rounds to.

    Of a table that is not `remade`, since only films can make it, a number that the page prints; the inputs have edits
    of their own.
    """
    entries = [entry for entry in read_ledger(run) if entry.table]
    printed = {(entry.table, int(entry.row) - 1, entry.column) for entry in entries}
    names = sorted(path.stem for path in (run / "tables").glob("*.csv") if not path.stem.startswith(INPUTS))
    name = names[rng.integers(len(names))]
    path = run / "tables" / f"{name}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    cells = [
        (row, column)
        for row in range(len(table))
        for column in table
        if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", table.at[row, column])
        and (name in remade or (name, row, column) in printed)
    ]
    if not cells:
        return edit_cell(run, rng, remade)
    row, column = cells[rng.integers(len(cells))]
    old = table.at[row, column]
    new = str(int(old) + 1) if old.lstrip("-").isdigit() else repr(float(old) * 1.01 + 0.01)
    table.at[row, column] = new
    table.to_csv(path, index=False)
    return f"{name}, row {row + 1}, {column}: {old} to {new}"


def edit_parameter(run: Path, rng: np.random.Generator) -> str:
    """Change a parameter, in the run's parameters or in its record."""
    path = run / ("parameters.yaml", "run.json")[rng.integers(2)]
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    values = read_fixed(run)[0] if path.suffix == ".yaml" else record["parameters"]
    names = [name for name, value in values.items() if isinstance(value, (int, float))]
    name = names[rng.integers(len(names))]
    old = values[name]
    values[name] = not old if isinstance(old, bool) else old + (1 if isinstance(old, int) else old / 2)
    if path.suffix == ".yaml":
        write_fixed(run, values)
    else:
        path.write_text(json.dumps(record, indent=2, ensure_ascii=False), encoding="utf-8")
    return f"{path.name}: {name} from {old} to {values[name]}"


def edit_prediction(run: Path, rng: np.random.Generator) -> str:
    """Turn one prediction to the other class."""
    path = run / "tables" / "predictions.csv"
    table = read_table(path)
    row = int(rng.integers(len(table)))
    table.loc[row, "p_fresh"] = 1 - table.p_fresh[row]
    table.to_csv(path, index=False)
    return f"{table.network[row]}, {table.patch_id[row]}: {1 - table.p_fresh[row]:.3f} turned"


def edit_reading(run: Path, rng: np.random.Generator) -> str:
    """Turn one answer of one reader."""
    path = run / "tables" / "readings.csv"
    table = read_table(path)
    row = int(rng.integers(len(table)))
    table.loc[row, "answer"] = {"fresh": "old", "old": "fresh"}[table.answer[row]]
    table.to_csv(path, index=False)
    return f"{table.reader[row]}, {table.session[row]}, {table.patch_id[row]}"


EDITS = {
    "text": edit_page,
    "caption": edit_caption,
    "CSV cell": edit_cell,
    "parameter": edit_parameter,
    "prediction": edit_prediction,
    "reading": edit_reading,
}


def stamp_anew(run: Path) -> None:
    """Make every digest that a run keeps of its files fit the files as they are."""
    path = run / LEDGER
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    table, stamp = rows[0].index("table"), rows[0].index("digest")
    digests = {file.stem: digest(file) for file in (run / "tables").glob("*.csv")}
    for row in rows[1:]:
        row[stamp] = digests.get(row[table], row[stamp])
    with open(path, "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)
    made = Ledger(run)
    for name, entry in made.entries().items():
        if "sha256" in entry and (run / name).is_file():
            made.enter(name, **{fact: value for fact, value in entry.items() if fact != "sha256"})


def copy_of(run: Path, folder: Path) -> Path:
    """Copy what a verification reads: all but the features and trained folds."""
    copy = folder / "run"
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("features", "folds", "figures", "model", "report.pdf"))
    return copy


def planted(run: Path, edits: int, seed: int) -> Counter:
    """Plant edits of each kind in turn; count (kind, found or missed), and print each one that was missed."""
    outcomes: Counter = Counter()
    untouched = remake(run)
    for number in range(edits):
        kind = list(EDITS)[number % len(EDITS)]
        rng = np.random.default_rng([seed, number])
        with tempfile.TemporaryDirectory() as folder:
            copy = copy_of(run, Path(folder))
            more = {"remade": frozenset(untouched.tables)} if kind == "CSV cell" else {}
            said = EDITS[kind](copy, rng, **more)
            stamp_anew(copy)
            # what is made again depends on the inputs only, so other edits need it once
            verdict = verify(copy) if kind in MOVES_INPUT else hold(copy, untouched)
        outcomes[kind, "missed" if verdict.holds else "found"] += 1
        if verdict.holds:
            print(f"missed: {kind}: {said}", flush=True)
    return outcomes


def small(seed: int) -> dict[str, str]:
    """Parameters of a small run; every second one without the other hospital and what notebook 04 adds."""
    values = {"patients": 20, "folds": 2, "image_size": 64, "epochs": 2, "replicates": 50, "reader_cases": 12}
    values |= {"readers": 3, "workers": 1, "more_seeds": 2 * (seed % 2), "seed": seed}
    less = {"regions": "pooled", "other_context": "false", "leakage": "false", "external": '""'}
    words = {"networks": "[efficientnet_lite0, alexnet]" if seed % 2 else "[efficientnet_lite0]"}
    return {name: str(value) for name, value in values.items()} | words | ({} if seed % 2 else less)


def honest(seeds: range, out: Path) -> int:
    """Make small runs of these seeds and verify each; return how many raised an alarm, which is printed."""
    alarms = 0
    for seed in seeds:
        overrides = small(seed)
        page = run_study("demo", out=out / f"seed-{seed}", overrides=overrides)
        verdict = verify(page.parent)
        alarms += not verdict.holds
        print(f"seed {seed}: {'holds' if verdict.holds else verdict.failures[:3]}", flush=True)
        shutil.rmtree(page.parent)
    return alarms


def main() -> None:
    """Print a table of what was found and missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=Path("reports/demo"))
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--honest", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.edits:
        started = time.monotonic()
        verdict = verify(options.run)
        print(f"{options.run}: {'holds' if verdict.holds else 'does not hold'}, {time.monotonic() - started:.1f} s")
        outcomes = planted(options.run, options.edits, options.seed)
        for kind in EDITS:
            print(f"{kind:12} {outcomes[kind, 'found']:4} found {outcomes[kind, 'missed']:4} missed")
    if options.honest:
        seeds = range(options.seed, options.seed + options.honest)
        with tempfile.TemporaryDirectory() as folder:
            print(f"{options.honest} honest runs, seeds from {options.seed}: {honest(seeds, Path(folder))} alarms")


if __name__ == "__main__":
    main()
