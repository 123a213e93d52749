"""A run that was killed or damaged: the next one's tables are bit-identical. All of it stands in the benchmark."""

import subprocess
import sys
from pathlib import Path

BENCHMARK = Path(__file__).resolve().parents[1] / "benchmarks" / "kill_run.py"


def test_a_killed_or_damaged_run_is_made_again_bit_for_bit_or_named(tmp_path):
    some = ["--kills", "1", "--writes", "2", "--damage", "5"]
    said = tmp_path / "said.txt"  # not a pipe: a process that outlives its parent would hold it open
    with said.open("w") as out:
        done = subprocess.run(
            [sys.executable, str(BENCHMARK), *some], stdout=out, stderr=subprocess.STDOUT, timeout=600
        )
    text = said.read_text()
    assert done.returncode == 0, text[-3000:]
    assert "WRONG" not in text
    assert "random kills: 1:" in text and "between writes: 2:" in text and "files: 5:" in text
