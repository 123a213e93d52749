"""What `benchmarks/scaling.py` rests on: the exponent, the memory of a process, and a cohort that can be read."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from ovcf.cohort.manifest import read_cohort

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
import scaling  # noqa: E402


@pytest.mark.parametrize(("seconds", "expected"), [
    (lambda n: 0.003 * n, 1.0),
    (lambda n: 1e-6 * n**2, 2.0),
    (lambda n: 30 + 1e-3 * n, np.log10(102 / 37.2)),  # the start hides in small ones: between the two largest
    (lambda n: 5.0, 0.0),
])  # fmt: skip
def test_the_exponent_is_the_steeper_of_all_sizes_and_the_two_largest(seconds, expected):
    sizes = [720, 72_000, 7200]
    assert scaling.exponent(sizes, [seconds(n) for n in sizes]) == pytest.approx(expected)


def test_a_stage_that_is_always_short_or_seen_once_has_no_exponent():
    rows = [
        {"stage": stage, "patches": n, "seconds": seconds, "peak_mb": 100}
        for stage, times in {"short": (0.1, 1.5), "long": (1.0, 10.0), "once": (30.0,)}.items()
        for n, seconds in zip((720, 7200), times, strict=False)
    ]
    found = {row["stage"]: row["exponent"] for row in scaling.exponents(rows)}
    assert found == {"short": None, "long": pytest.approx(1.0), "once": None}


def test_the_memory_is_the_most_that_a_process_ever_took():
    held = "import sys; a = b'x' * (80 << 20); del a; print('done', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", held], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        peak = scaling.high_water(psutil.Process(process.pid))
        process.stdin.close()
    assert 80 < peak < 160


def test_the_cohort_is_read_as_it_was_meant(tmp_path):
    patches = read_cohort(scaling.make_cohort(tmp_path, 36), workers=1).patches
    assert len(patches) == 36 and patches.image.nunique() == patches.patient_id.nunique() == 20
    assert set(patches.label) == {"fresh", "old"} and patches.mm_per_px.eq(0.8).all()
