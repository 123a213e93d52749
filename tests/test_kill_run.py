"""A run that was killed or damaged: the next one's tables are bit-identical. All of it stands in the benchmark."""

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).resolve().parents[1] / "benchmarks" / "kill_run.py"


def test_a_killed_or_damaged_run_is_made_again_bit_for_bit_or_named():
    some = ["--kills", "1", "--writes", "2", "--damage", "5"]
    done = subprocess.run([sys.executable, str(BENCHMARK), *some], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "WRONG" not in done.stdout
    assert "random kills: 1:" in done.stdout and "between writes: 2:" in done.stdout and "files: 5:" in done.stdout
