"""Install the wheel into an empty environment and use it in an empty folder: run, verify, audit, explore, notebooks.

    make wheelhouse
    python benchmarks/installed.py wheelhouse/ovcf-*.whl                                # from the package index
    python benchmarks/installed.py ovcf --wheelhouse wheelhouse                         # without network
    python benchmarks/installed.py ovcf-*.whl --python /usr/bin/python3.13
    python benchmarks/installed.py --environment DIR                                    # one that is there already

With `--wheelhouse` pip sees that folder and nothing else (`PIP_NO_INDEX=1`). Home and cache are empty folders too, so
that nothing of this user helps. Prints each step with its seconds; exits with 1 where one failed.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

WIDGET = "application/vnd.jupyter.widget-view+json"  # stands in the page where the tabs were made
SMALL = {
    "patients": "24",
    "folds": "2",
    "image_size": "64",
    "networks": '["efficientnet_lite0", "alexnet"]',
    "epochs": "3",
    "replicates": "50",
    "reader_cases": "12",
    "readers": "3",
}


def environment(python: str, package: str, wheelhouse: Path | None, folder: Path, bare: dict[str, str]) -> Path:
    """Make a virtual environment with the package in it and return its folder."""
    home = folder / "environment"
    subprocess.run([python, "-m", "venv", str(home)], check=True)
    package = str(Path(package).resolve()) if Path(package).is_file() else package
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheelhouse.resolve())} if wheelhouse else {}
    install = [str(home / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", package]
    clean = {k: v for k, v in bare.items() if not (wheelhouse and k.startswith("PIP_"))}
    subprocess.run(install, check=True, env=clean | offline, cwd=folder)
    return home


def steps(home: Path, folder: Path, env: dict[str, str]) -> dict[str, Callable[[], str]]:
    """What is tried, by name; each says what it saw, or raises."""
    ovcf = str(home / "bin" / "ovcf")

    def command(*arguments: str) -> str:
        done = subprocess.run([ovcf, *arguments], cwd=folder, env=env, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"exit {done.returncode}: {done.stderr[-1500:]}")
        return done.stdout

    def run() -> str:
        command("run", "--out", "run", *(word for pair in SMALL.items() for word in ("-p", *pair)))
        record = json.loads((folder / "run" / "run.json").read_text())
        page, pdf = (folder / "run" / f"report.{kind}" for kind in ("html", "pdf"))
        paper = f"PDF {pdf.stat().st_size >> 10} kB" if pdf.is_file() else "no PDF (no Pango here)"
        return f"{record['status']}, Python {record['python']}, page {page.stat().st_size >> 10} kB, {paper}"

    return {
        "ovcf run": run,
        "ovcf verify": lambda: command("verify", "run").strip().splitlines()[0],
        "ovcf audit": lambda: next(line for line in command("audit").splitlines() if "contradiction" in line),
        "ovcf notebooks": lambda: command("notebooks", "mine") and f"{len(list((folder / 'mine').iterdir()))} files",
        "ovcf explore": lambda: explored([ovcf, "explore", "run", "--no-browser"], folder, env),
    }


def explored(command: list[str], folder: Path, env: dict[str, str]) -> str:
    """Start the clinician's page, ask for it with and without its token, and stop it."""
    server = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        address = next(line.strip() for line in server.stdout if line.startswith("http"))
        without = _status(re.sub(r"\?token=.*", "", address))
        status, page = _page(address)
        if status != 200 or "Explore a run" not in page or WIDGET not in page or without == 200:
            raise RuntimeError(f"{status} with the token, {without} without; {page[:300]}")
        return f"a page with its widget, {len(page) >> 10} kB; without the token {without}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def _page(address: str) -> tuple[int, str]:
    """Status and text of a page; the server's first answers may come before it listens."""
    for _ in range(60):
        try:
            with urllib.request.urlopen(address, timeout=300) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            time.sleep(1)
    raise RuntimeError("nothing answers")


def _status(address: str) -> int:
    """Status of a page, a way to the login counting as refused."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    for _ in range(60):
        try:
            return urllib.request.build_opener(Stay).open(address, timeout=300).status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            time.sleep(1)
    raise RuntimeError("nothing answers")


def main() -> None:
    """Print each step, what it saw, and its seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", nargs="?", help="a wheel, or `ovcf` where a wheelhouse has it")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--wheelhouse", type=Path)
    parser.add_argument("--environment", type=Path)
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="ovcf-installed-") as name:
        folder, empty = Path(name), Path(name) / "empty"
        empty.mkdir()
        own = ("OVCF_", "PYTHON", "JUPYTER", "VIRTUAL_ENV")
        env = {k: v for k, v in os.environ.items() if not k.startswith(own)} | {"HOME": str(folder / "home")}
        began = time.monotonic()
        home = options.environment or environment(options.python, options.package, options.wheelhouse, folder, env)
        print(f"installed: {time.monotonic() - began:.0f} s", flush=True)
        for title, step in steps(home.resolve(), empty, env).items():
            began = time.monotonic()
            try:
                said = step()
            except Exception as error:
                said, failed = f"FAILED: {error}", failed + 1
            print(f"{title}: {said} ({time.monotonic() - began:.0f} s)", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
