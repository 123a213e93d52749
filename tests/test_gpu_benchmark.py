"""The GPU benchmark runs on a bare machine: whatever it may not need is blocked, in its child processes too."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = {"torch", "torchvision", "numpy", "pandas", "scipy", "scikit-image", "pillow", "pyyaml", "safetensors"}
ALLOWED |= {"joblib", "tqdm", "filelock"}  # filelock comes with torch
IMPORTED = {"scikit-learn": "sklearn", "beautifulsoup4": "bs4", "jupyter-client": "jupyter_client"}
BLOCKER = """
import importlib.machinery, sys

class Refused:
    def create_module(self, spec):
        raise ModuleNotFoundError(f"blocked: {{spec.name}}")

    def exec_module(self, module):
        pass

class Blocked:  # found, as torch looks for some without loading them, but not to be loaded
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            return importlib.machinery.ModuleSpec(name, Refused())

sys.meta_path.insert(0, Blocked())
"""


def blocked_modules():
    """Names under which the project's other dependencies are imported."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {line.split(">")[0].split("<")[0].strip() for line in project["dependencies"]} - ALLOWED
    return {IMPORTED.get(name, name.replace("-", "_")) for name in names}


def test_it_runs_with_all_else_blocked(tmp_path):
    blocked = blocked_modules()
    assert {"sklearn", "captum", "pydicom", "matplotlib", "efficientnet_lite_pytorch"} <= blocked
    (tmp_path / "sitecustomize.py").write_text(BLOCKER.format(blocked=blocked))
    command = [sys.executable, ROOT / "benchmarks" / "gpu.py", "--quick", "--out", tmp_path / "out"]
    parts = ["machine", "speed", "agreement", "repeated"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, "--only", *parts], env=environment, check=True, capture_output=True)
    found = json.loads((tmp_path / "out" / "gpu.json").read_text())
    assert "failed" not in found and "not done" not in found
    assert found["two runs of two epochs compared"][0]["all"] == "same bits"
    assert len(found) == 5 and "| network |" in (tmp_path / "out" / "gpu.md").read_text()
