"""Kill a small run, damage its files, and look whether the next run's tables are what an undisturbed one's are.

    python benchmarks/kill_run.py --kills 200 --writes 9999 --damage 9999
    python benchmarks/kill_run.py --kills 0 --writes 0 --damage 0 --whole 12

Four parts. `--kills N`: SIGKILL at N random moments. `--writes N`: SIGKILL before and after a single write that takes
a file's place, at N of these moments or all. `--damage N`: files of the finished run truncated, emptied, zeroed,
bit-flipped in turn, N cases or all. After each the run is made again; its tables must be bit-identical, or the file
named and the run refused. In these the study is run in this process's forks, without the notebooks' kernels, so that
many moments can be tried. `--whole N`: `ovcf run` as users start it, with its kernel and notebooks; the command and all
its processes, the command alone or the kernel alone is killed in turn, and the same command goes on.
"""

import argparse
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil

from ovcf.files import digest
from ovcf.plan import lock_plan
from ovcf.problems import InputError
from ovcf.report.rerun import MOMENTS, without_moment
from ovcf.study import Study
from ovcf.synthetic import synthesise

TINY = {"folds": 2, "image_size": 48, "networks": ["efficientnet_lite0"], "epochs": 2, "workers": 1, "replicates": 20}
PATIENTS = 16
DAMAGE = ("truncated", "emptied", "zeroed", "flipped")


def make(run: Path) -> None:
    """Make the run, or go on with it, as `ovcf run` and its notebooks do: every step that writes."""
    study = Study.begin(run, data=str(Path(os.environ["OVCF_DATA"]) / "cohort"), **TINY)
    with study.hold():
        study.mend()
        study = Study(run)
        study.executing = True
        study.save_table("glossary", pd.DataFrame({"column": study.patches.columns}))
        study.images("none")
        study.train_networks()
        study.save_table("mean", study.predictions.groupby("network", as_index=False).p_fresh.mean())
        study.other_split  # noqa: B018 - trains the other split
        lock_plan(study)  # notebook 05 asks for it: one that was damaged is locked anew, and says when
        study.save_table("answers", study.readings)
        study.final  # noqa: B018 - makes the model


def forked(job, *arguments) -> int:
    """Start a job in a fork; its exit status is 0, 2 for an input that is refused, 1 for anything else."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        job(*arguments)
        status = 0
    except InputError as error:
        print(f"refused: {str(error)[:160]}", file=sys.stderr)
        status = 2
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def status_of(pid: int) -> int:
    """Wait for a fork and return its exit status, 9 for one that was killed."""
    return abs(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def results(run: Path) -> dict[str, str]:
    """Return the digests of all that numbers are read from: tables, but for when a plan was locked, and tensors."""
    paths = [*(run / "tables").glob("*.csv"), *(run / "model").glob("*.csv"), *(run / "model").glob("*.safetensors")]
    found = {str(path.relative_to(run)): digest(path) for path in paths if path.name not in MOMENTS}
    for name in MOMENTS:
        if (path := run / "tables" / name).is_file():
            found[name] = without_moment(name, pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv()
    return found


def finish(run: Path, expected: dict[str, str]) -> str:
    """Make the run again and say how it ended: "same", "refused" or "WRONG"."""
    status = status_of(forked(make, run))
    if status == 2:
        return "refused"
    return "same" if status == 0 and results(run) == expected else "WRONG"


def kill_at_random(folder: Path, kills: int, seconds: float, expected) -> Counter:
    """SIGKILL a fresh run at random moments of its life, each time until the next is whole."""
    found, rng = Counter(), random.Random(0)
    for number in range(kills):
        run = folder / f"kill-{number}"
        pid = forked(make, run)
        time.sleep(rng.uniform(0, seconds))
        os.kill(pid, signal.SIGKILL)
        status_of(pid)
        found[finish(run, expected)] += 1
        shutil.rmtree(run, ignore_errors=True)
    return found


def dying_at(moment: int, run: Path) -> None:
    """Make the run, and die by SIGKILL at a moment: before (even) or after (odd) the n-th file takes its place."""
    count, replace = [0], os.replace

    def counted(*paths, **options):
        for _ in range(2):
            if count[0] == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            count[0] += 1
            if count[0] % 2:
                replace(*paths, **options)

    os.replace = counted
    make(run)


def kill_between_writes(folder: Path, most: int, expected) -> Counter:
    """Die once at every moment between two writes, from the first to the last, or at some of them."""
    found, moments = Counter(), 2 * count_writes(folder)
    for moment in sorted(random.Random(2).sample(range(moments), min(most, moments))):
        run = folder / f"write-{moment}"
        if status_of(forked(dying_at, moment, run)) == 0:
            raise RuntimeError(f"moment {moment} of {moments} never came")
        found[finish(run, expected)] += 1
        shutil.rmtree(run, ignore_errors=True)
    return found


def count_writes(folder: Path) -> int:
    """Return how many files take their places while the run is made; workers and decoders write for themselves."""
    read, write = os.pipe()

    def counting() -> None:
        count, replace = [0], os.replace

        def counted(*paths, **options):
            count[0] += 1
            replace(*paths, **options)

        os.replace = counted
        make(folder / "counted")
        os.write(write, str(count[0]).encode())

    status_of(forked(counting))
    shutil.rmtree(folder / "counted")
    return int(os.read(read, 16))


def whole_command(run: Path) -> subprocess.Popen:
    """Start `ovcf run` for a small run, its answers thrown away."""
    given = TINY | {
        "patients": PATIENTS,
        "readers": 2,
        "reader_cases": 8,
        "more_seeds": 0,
        "dealings": 2,
        "external": "",
    }
    asked = [word for name, value in given.items() for word in ("-p", name, json.dumps(value))]
    command = [sys.executable, "-m", "ovcf.cli", "run", "--out", str(run), *asked]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_whole(folder: Path, kills: int) -> Counter:
    """SIGKILL the whole command at random moments, or one of its processes, until it has gone on to the end."""
    found, rng, begun = Counter(), random.Random(3), time.monotonic()
    if whole_command(folder / "command").wait():
        raise RuntimeError("the undisturbed command failed")
    seconds, expected = time.monotonic() - begun, results(folder / "command")
    print(f"undisturbed command: {seconds:.1f} s, {len(expected)} files compared", flush=True)
    for number in range(kills):
        run, which = folder / f"whole-{number}", ("all", "the command", "a child")[number % 3]
        command = whole_command(run)
        time.sleep(rng.uniform(0, seconds))
        first = psutil.Process(command.pid)
        children = first.children(recursive=True)
        for process in {"all": [first, *children], "the command": [first], "a child": children[:1] or [first]}[which]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        command.wait()
        psutil.wait_procs(children, timeout=60)
        ended = "same" if whole_command(run).wait() == 0 and results(run) == expected else "WRONG"
        found[f"{ended} ({which} killed)"] += 1
        shutil.rmtree(run, ignore_errors=True)
    return found


def damaged(data: bytes, how: str, rng: random.Random) -> bytes:
    """Return a file's bytes damaged in one way."""
    if how == "flipped":
        place = rng.randrange(len(data))
        return data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :]
    return {"truncated": data[: len(data) // 2], "emptied": b"", "zeroed": bytes(len(data))}[how]


def damage_each(folder: Path, whole: Path, most: int, expected) -> Counter:
    """Damage each file of a finished run in each way, or some, and make the run again."""
    found, rng = Counter(), random.Random(1)
    names = sorted(str(path.relative_to(whole)) for path in whole.rglob("*") if path.is_file() and path.stat().st_size)
    cases = [(name, how) for name in names for how in DAMAGE]
    for name, how in rng.sample(cases, min(most, len(cases))):
        run = folder / "damaged"
        shutil.copytree(whole, run)
        (run / name).write_bytes(damaged((whole / name).read_bytes(), how, rng))
        ended = finish(run, expected)
        found[ended] += 1
        if ended != "same":
            print(f"  {ended}: {name} {how}", flush=True)
        shutil.rmtree(run)
    return found


def main() -> None:
    """Say how each part ended; exit with 1 where a single result was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--writes", type=int, default=10)
    parser.add_argument("--damage", type=int, default=20)
    parser.add_argument("--whole", type=int, default=0)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="ovcf-kill-"))
    os.environ["OVCF_DATA"] = str(folder / "data")
    try:
        whole = folder / "whole"
        synthesise(folder / "data" / "cohort", patients=PATIENTS, workers=1, progress=False)
        begun = time.monotonic()
        if status_of(forked(make, whole)):
            sys.exit("the undisturbed run failed")
        seconds, expected, found = time.monotonic() - begun, results(whole), Counter()
        print(f"undisturbed: {seconds:.1f} s, {len(expected)} files compared", flush=True)
        for title, wanted, part in (
            ("random kills", options.kills, lambda: kill_at_random(folder, options.kills, seconds, expected)),
            ("kills between writes", options.writes, lambda: kill_between_writes(folder, options.writes, expected)),
            ("damaged files", options.damage, lambda: damage_each(folder, whole, options.damage, expected)),
            ("commands killed", options.whole, lambda: kill_whole(folder, options.whole)),
        ):
            if wanted:
                ended = part()
                print(f"{title}: {sum(ended.values())}: {dict(ended)}", flush=True)
                found += ended
        sys.exit(1 if any(ended.startswith("WRONG") for ended in found) else 0)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
