"""Server processes of ours on loopback, for the browser tests."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import psutil

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

    def _wait(self, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                return urlopen(Request(f"http://127.0.0.1:{self.port}/voila/static/none"), timeout=5)
            except OSError as error:
                if hasattr(error, "code"):  # any answer means that it listens
                    return None
                time.sleep(0.2)
        raise AssertionError(f"the server did not start:\n{Path(self.log).read_text()[-3000:]}")

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
