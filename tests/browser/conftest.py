"""A real Chromium, a real Voila, a real JupyterLab and a small real run, for the tests of this folder."""

import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlparse

import nbformat
import pytest
from servers import PATIENCE, TOKEN, Server

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # clinician_fakes

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run"
).split()


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium; without one the tests are skipped with the reason, but never in CI."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if not found:
        reason = "no Chromium on the PATH; Debian: apt-get install chromium"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


class Watched:
    """A page whose requests, errors and dialogs are kept."""

    def __init__(self, chromium, width=1280, height=800, **context):
        self.context = chromium.new_context(viewport={"width": width, "height": height}, **context)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.requests, self.errors = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", self._refuse)

    def _refuse(self, dialog):
        self.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def strangers(self) -> list[str]:
        """Requests that were meant to leave this machine."""
        hosts = ("127.0.0.1", "localhost")
        schemes = ("http", "https", "ws", "wss")
        parts = [(url, urlparse(url)) for url in self.requests]
        return [url for url, part in parts if part.scheme in schemes and part.hostname not in hosts]


@pytest.fixture
def watch(chromium):
    """Open watched pages; at the end none of them may have asked another machine for anything."""
    opened = []

    def open_page(**options):
        opened.append(Watched(chromium, **options))
        return opened[-1]

    yield open_page
    for watched in opened:
        watched.context.close()
        assert watched.strangers() == []
        assert watched.errors == []


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A finished small run: synthetic films of 16 patients, AlexNet's head, the final model.

    OVCF_BROWSER_RUN names a finished run to use instead, for quick repeats.
    """
    if os.environ.get("OVCF_BROWSER_RUN"):
        return Path(os.environ["OVCF_BROWSER_RUN"])
    from ovcf.study import Study
    from ovcf.synthetic import synthesise

    folder = tmp_path_factory.mktemp("study")
    data = synthesise(folder / "cohort", patients=16, seed=1, workers=1, progress=False)
    networks = {"networks": ["alexnet", "efficientnet_lite0"], "chosen": "alexnet", "workers": 1}
    sizes = {"image_size": 64, "epochs": 20, "folds": 2, "learning_rate": 0.01, "patients": 16}
    less = {
        "replicates": 20,
        "leakage": False,
        "dealings": 0,
        "regions": "pooled",
        "other_context": False,
        "external": "",
        "more_seeds": 0,
    }
    study = Study.begin(folder / "run", data=str(data), **networks, **sizes, **less)
    study.train_networks()
    study.final  # noqa: B018 - trains, and writes every table on the way
    return study.run


@pytest.fixture
def fresh_run(run, tmp_path):
    """A copy of the run in which nobody has flagged or read anything."""
    shutil.copytree(run, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def show(tmp_path, explore):
    """Serve a notebook of one cell, which may import `clinician_fakes`; returns its server."""

    def serve(code):
        begin = f"import sys\nsys.path.insert(0, {str(Path(__file__).resolve().parents[1])!r})\n"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(begin + code)])
        notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(notebook, tmp_path / "shown.ipynb")
        return explore(notebook=tmp_path / "shown.ipynb")

    return serve


@pytest.fixture
def explore(tmp_path):
    """Start `ovcf explore` on a run (or serve another notebook) and end it afterwards."""
    from ovcf.explore import free_port

    servers = []

    def start(run=None, notebook=None, code=None, port=None, **env):
        port = port or free_port()
        call = f"explore({str(run)!r}, {port}, open_browser=False, token={TOKEN!r})"
        if notebook:
            call = f"serve({str(notebook)!r}, {port}, {TOKEN!r})"
        server = Server(
            ["-c", code or f"from ovcf.explore import explore, serve; {call}"],
            port,
            tmp_path / f"server{port}.log",
            **env,
        )
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop()
