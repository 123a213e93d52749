"""The kernel is this interpreter, whatever the machine's Jupyter folders say, and it leaves nothing behind."""

import gc
import json
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import nbformat
import papermill
import psutil
import pytest
from jupyter_core.utils import ensure_event_loop
from nbformat.v4 import new_code_cell, new_notebook

from ovcf.report.kernel import forget, one_kernel
from ovcf.report.run import Terminated, ends_when_asked


def execute(folder, name, cells, kernel):
    """Execute code cells as a notebook in a kernel; return its code cells."""
    nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), folder / f"{name}.ipynb")
    paths = str(folder / f"{name}.ipynb"), str(folder / f"{name}-done.ipynb")
    papermill.execute_notebook(
        *paths, km=kernel, kernel_name="python3", language="python", cwd=str(folder), progress_bar=False
    )
    return [cell for cell in nbformat.read(paths[1], as_version=4).cells if cell.cell_type == "code"]


def test_this_interpreter_runs_and_no_socket_stays(tmp_path, monkeypatch):
    foreign = tmp_path / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "another environment", "language": "python"}
    (foreign / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    work = tmp_path / "work"
    work.mkdir()
    source = work / "one.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("import sys; print(sys.executable)")]), source)
    papermill.execute_notebook(
        str(source),
        str(work / "out.ipynb"),
        kernel_name="python3",
        language="python",
        kernel_manager_class="ovcf.report.kernel.ThisInterpreter",
        cwd=str(work),
        progress_bar=False,
    )
    said = nbformat.read(work / "out.ipynb", as_version=4).cells[-1].outputs[0].text.strip()
    assert said == sys.executable
    assert sorted(path.name for path in work.iterdir()) == ["one.ipynb", "out.ipynb"]


def test_one_kernel_executes_notebooks_that_know_nothing_of_each_other(tmp_path):
    with one_kernel() as kernel:
        begin = (
            "import os, ipywidgets, matplotlib.pyplot as plt; left = ipywidgets.IntText(); plt.figure(); os.getpid()"
        )
        first = execute(tmp_path, "first", [begin], kernel)
        forget(kernel)
        known = "'left' in globals(), 'os' in globals(), len(_oh), __import__('gc').get_freeze_count() > 10_000"
        again = "import os, matplotlib.pyplot as plt; len(plt.get_fignums()), os.getpid()"
        second = execute(tmp_path, "second", [known, again], kernel)
        pid = int(first[-1].outputs[0].data["text/plain"])
        assert second[0].outputs[0].data["text/plain"] == "(False, False, 0, True)"
        assert second[1].outputs[0].data["text/plain"] == f"(0, {pid})"
        assert [cell.execution_count for cell in second] == [1, 2]
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid) and not kernel.sockets.path.exists()


@pytest.mark.parametrize("seconds", [0.02, 0.2, 0.4, 0.6, 0.8, 1.2])  # while it starts, answers, executes
def test_asked_to_end_at_any_moment_it_ends_and_says_nothing(tmp_path, caplog, seconds):
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with pytest.raises(Terminated), ends_when_asked(), one_kernel() as kernel:
        threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM)).start()
        execute(tmp_path, "long", ["import time; time.sleep(0.3)", "time.sleep(60)"], kernel)
    gc.collect()  # a task that nobody asks any more would tell its error now
    assert not [record for record in caplog.records if record.name == "asyncio"]
    left = [process for process in psutil.Process().children(recursive=True) if process.pid not in before]
    assert not psutil.wait_procs(left, timeout=30)[1] and not kernel.sockets.path.exists()


def test_it_ends_also_where_its_loop_was_told_to_stop(tmp_path):
    def run():
        with one_kernel() as kernel:
            pid = int(execute(tmp_path, "first", ["import os; os.getpid()"], kernel)[0].outputs[0].data["text/plain"])
            ensure_event_loop().stop()  # where an interruption falls between a task's end and its loop's
        return pid, kernel.sockets.path

    with ThreadPoolExecutor(1) as thread:  # which has a loop of its own: another test's may be waiting in this one
        pid, sockets = thread.submit(run).result()
    assert not psutil.pid_exists(pid) and not sockets.exists()


def test_a_kernel_that_died_is_not_waited_for(tmp_path):
    with one_kernel() as kernel:
        pid = int(execute(tmp_path, "first", ["import os; os.getpid()"], kernel)[0].outputs[0].data["text/plain"])
        psutil.Process(pid).kill()
        with pytest.raises(RuntimeError):
            forget(kernel)
