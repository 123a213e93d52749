"""The kernel is this interpreter, whatever the machine's Jupyter folders say, and it leaves nothing behind."""

import json
import sys

import nbformat
import papermill
from nbformat.v4 import new_code_cell, new_notebook


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
