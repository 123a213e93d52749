"""What a process knows of processes: its memory in the right unit, and its end when its parent was killed."""

import gc
import os
import platform
import signal
import subprocess
import sys
import weakref
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from ovcf import processes
from ovcf.processes import peak_memory

STATUS = Path("/proc/self/status")


@pytest.mark.skipif(not STATUS.exists(), reason="this system has no /proc to compare with")
def test_peak_memory_is_the_kernels_own_high_water_mark():
    code = """
held = bytearray(200 << 20)
from ovcf.processes import peak_memory
del held
mark = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak_memory(), int(mark) * 1024)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    ours, kernels = map(int, said.split())
    assert kernels > 200 << 20 and abs(ours - kernels) < 8 << 20


@pytest.mark.parametrize("system, unit", [("linux", 1024), ("darwin", 1)])  # man getrusage of each
def test_the_unit_is_the_systems(monkeypatch, system, unit):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(processes, "_high_water", lambda: 0)  # as where the kernel keeps no mark
    monkeypatch.setattr(resource, "getrusage", lambda kind: SimpleNamespace(ru_maxrss=300 if kind == 0 else 200))
    assert peak_memory() == 300 * unit


@pytest.mark.parametrize("until", ["0", "os.getppid() == parent"], ids=["in a job", "before it asks for that"])
def test_workers_end_soon_after_a_parent_that_was_killed(until):
    code = f"""
import os, time, joblib
def job(k, parent):
    from ovcf.processes import end_with_parent
    os.write(1, f"{{os.getpid()}}\\n".encode())
    while {until}:
        time.sleep(0.01)
    end_with_parent(seconds=0.1)
    time.sleep(600)
joblib.Parallel(n_jobs=2)(joblib.delayed(job)(k, os.getpid()) for k in range(2))
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    workers = [psutil.Process(int(parent.stdout.readline())) for _ in range(2)]
    assert all(worker.is_running() for worker in workers) and os.getpid() not in {w.pid for w in workers}
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert not psutil.wait_procs(workers, timeout=20)[1]


FAULTS = """
import resource, psutil
from ovcf.processes import memory_kept

def faults(times=20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        bytearray(b"x") * (48 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(faults())
with memory_kept():
    with memory_kept():
        faults(1)
    print(faults())
print(psutil.Process().memory_info().rss)
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc hands every large array back")
def test_memory_is_kept_meanwhile_and_goes_back_at_the_end():
    said = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True).stdout
    before, kept, resident, after = map(int, said.split())
    pages = 20 * (48 << 20) // os.sysconf("SC_PAGE_SIZE")
    assert before > 0.9 * pages and kept < 0.1 * pages  # each page anew, none anew
    assert resident < 48 << 20 and after > 0.9 * pages


def test_garbage_is_looked_for_among_what_is_new_and_what_was_there_is_looked_through_afterwards():
    assert gc.get_freeze_count() == 0
    with processes.only_new_garbage():
        assert gc.get_freeze_count() > 1000
        gone = weakref.finalize(Ring(), int)
        assert gc.collect() and not gone.alive
    assert gc.get_freeze_count() == 0


class Ring:
    """An object that only the collector of cycles can free."""

    def __init__(self):
        self.itself = self


def test_where_glibc_does_not_manage_memory_nothing_is_asked_of_it(monkeypatch):
    monkeypatch.setattr(processes.platform, "libc_ver", lambda: ("", ""))
    processes._glibc.cache_clear()
    with processes.memory_kept():
        assert processes._glibc() is None and not processes._KEPT
    processes._glibc.cache_clear()
