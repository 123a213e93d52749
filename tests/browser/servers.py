"""Server processes of ours on loopback, for the browser tests."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import nbformat
import psutil

from ovcf.server import free_port

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "token-of-the-tests"
PATIENCE = int(os.environ.get("OVCF_PATIENCE", 120_000))  # ms; other work may share the machine


class Server:
    """A server process of ours on loopback."""

    def __init__(self, arguments, port, log, path="/", **env):
        self.port, self.url = port, f"http://127.0.0.1:{port}{path}?token={TOKEN}"
        self.log, self.token = log, TOKEN
        with open(log, "w") as out:
            self.process = subprocess.Popen(
                [sys.executable, *arguments], stdout=out, stderr=out, env={**os.environ, **env}
            )
        self._wait()

    def _wait(self, seconds=PATIENCE / 1e3):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                return urlopen(Request(f"http://127.0.0.1:{self.port}/voila/static/none"), timeout=5)
            except OSError as error:
                if hasattr(error, "code"):  # any answer means that it listens
                    return None
                time.sleep(0.2)
        self.stop()  # nobody else knows it
        raise AssertionError(f"the server did not start:\n{Path(self.log).read_text()[-3000:]}")

    def link(self, part="http://", seconds=PATIENCE / 1e3):
        """The line with a link that the server prints; it waits for the page to be made."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if lines := [line for line in Path(self.log).read_text().splitlines() if part in line]:
                return lines[0]
            time.sleep(0.02)
        raise AssertionError(f"no link with {part} was printed:\n{Path(self.log).read_text()[-3000:]}")

    def kernels(self):
        """Kernel processes of this server."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if "ipykernel_launcher" in _command(child)]

    def stop(self):
        """End the server and its kernels."""
        kernels = self.kernels() if self.process.poll() is None else []
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        for kernel in kernels:
            if kernel.is_running():
                kernel.kill()


def _command(process) -> str:
    """The command line of a process; of one that has just ended, nothing."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def picture(page, name):
    """Keep a screenshot to be looked at, where OVCF_SHOTS names a folder."""
    if folder := os.environ.get("OVCF_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


RUN_ALL = """async () => {
  const notebook = jupyterapp.shell.currentWidget;
  await notebook.context.ready;
  await notebook.sessionContext.ready;
  await notebook.sessionContext.session.kernel.info;
  await jupyterapp.commands.execute('notebook:run-all-cells');
}"""


class Lab(Server):
    """A JupyterLab on notebooks in a folder of its own."""

    def __init__(self, notebooks, *arguments, **env):
        super().__init__(*arguments, **env)
        self.notebooks = notebooks

    def forget(self):
        """End every kernel and take the notebooks away: the next test finds a JupyterLab as it was begun."""
        sessions = f"http://127.0.0.1:{self.port}/api/sessions"
        allowed = {"Authorization": f"token {TOKEN}"}
        for session in json.load(urlopen(Request(sessions, headers=allowed))):
            urlopen(Request(f"{sessions}/{session['id']}", headers=allowed, method="DELETE"))
        for notebook in self.notebooks.glob("*.ipynb"):
            notebook.unlink()


def start_lab(folder) -> Lab:
    """Start JupyterLab on an empty folder of notebooks below this one."""
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    port = free_port()
    arguments = (
        f"-m jupyterlab --ip=127.0.0.1 --port={port} --no-browser --allow-root "
        "--LabApp.expose_app_in_browser=True "
        f"--IdentityProvider.token={TOKEN} --ServerApp.root_dir={notebooks} --ServerApp.port_retries=0"
    ).split()
    return Lab(
        notebooks,
        arguments,
        port,
        folder / "lab.log",
        path="/lab/workspaces/NAME/tree/NAME.ipynb",
        JUPYTER_CONFIG_DIR=str(folder / "config"),
        JUPYTERLAB_SETTINGS_DIR=str(folder / "settings"),
        JUPYTERLAB_WORKSPACES_DIR=str(folder / "workspaces"),
    )


def put_notebook(lab, name, parameters):
    """Lay a copy of one of our notebooks before a JupyterLab, with a cell of parameters put in."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
    at = next(i for i, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", ()))
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(parameters))  # as papermill does
    nbformat.write(notebook, lab.notebooks / f"{name}.ipynb")


def open_and_run(page, lab, name, shown):
    """Open a notebook in a JupyterLab, run it, and wait for what it shows."""
    page.goto(lab.url.replace("NAME", name))
    page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context")
    page.evaluate(RUN_ALL)
    page.wait_for_selector(shown)
