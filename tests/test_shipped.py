"""What an installed wheel carries: it works in an empty folder, with no checkout beside it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from ovcf.cli import main
from ovcf.shipped import PLACES, shipped

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in (
        "ovcf",
        "notebooks",
        "data/published",
        "pyproject.toml",
        "setup.py",
        "MANIFEST.in",
        "README.md",
        "LICENSE",
    ):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).symlink_to(ROOT / name)
    build = [
        sys.executable,
        "-c",
        "import setuptools.build_meta as b, sys; print(b.build_wheel(sys.argv[1]))",
        str(folder),
    ]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    zipfile.ZipFile(next(folder.glob("ovcf-*.whl"))).extractall(folder / "site")
    return folder / "site"


def test_a_wheel_holds_every_file_that_is_no_code(wheel):
    for name, folder in PLACES.items():
        there = {p.name for p in (wheel / "ovcf" / "shipped" / name).iterdir()}
        assert there == {p.name for p in (ROOT / folder).iterdir() if not p.name.startswith(".")}
    tracked = subprocess.run(["git", "ls-files", "ovcf"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    assert [path for path in tracked if not (wheel / path).is_file()] == []


def test_a_wheel_works_in_an_empty_folder(wheel, tmp_path):
    def ovcf(*arguments):
        env = {k: v for k, v in os.environ.items() if not k.startswith("OVCF_")} | {"PYTHONPATH": str(wheel)}
        call = [sys.executable, "-m", "ovcf.cli", *arguments]
        return subprocess.run(call, cwd=tmp_path, env=env, capture_output=True, text=True)

    audited = ovcf("audit")
    assert audited.returncode == 0 and "contradiction" in audited.stdout, audited.stderr
    assert ovcf("notebooks", "mine").returncode == 0
    assert {p.name for p in (tmp_path / "mine").iterdir()} == {p.name for p in (ROOT / "notebooks").glob("*.ipynb")}
    refused = ovcf(
        "run", "--data", "nothing.csv", "--out", "run"
    )  # the notebooks' parameters, profiles, published tables
    assert refused.returncode == 2 and "nothing.csv" in refused.stderr and not (tmp_path / "run").exists()
    where = "import ovcf, ovcf.shipped as s; print(ovcf.__file__, s.shipped('notebooks'))"
    env = os.environ | {"PYTHONPATH": str(wheel)}
    said = subprocess.run([sys.executable, "-c", where], cwd=tmp_path, env=env, capture_output=True, text=True).stdout
    assert said.count(str(wheel)) == 2


def test_notebooks_are_copied_all_or_none(tmp_path):
    (tmp_path / "03_model_comparison.ipynb").write_text("edited")
    refused = CliRunner().invoke(main, ["notebooks", str(tmp_path)])
    assert refused.exit_code == 2 and "03_model_comparison.ipynb: is there already" in refused.output
    assert [p.name for p in tmp_path.iterdir()] == ["03_model_comparison.ipynb"]
    assert shipped("notebooks") == ROOT / "notebooks"


def test_nothing_that_only_unix_has_is_needed_to_start():
    """Every module is imported as on a system without `resource` and `fcntl` (other packages are there already)."""
    code = """
import importlib, pkgutil, sys
import torch, joblib, papermill, voila.app, matplotlib.pyplot, sklearn, skimage.exposure, pydicom, filelock, weasyprint
import nbconvert, psutil, tqdm.auto, anywidget, captum, torchvision, scipy.stats, statsmodels.api, pandas
sys.modules["resource"] = sys.modules["fcntl"] = None
import ovcf
for module in pkgutil.walk_packages(ovcf.__path__, "ovcf."):
    importlib.import_module(module.name)
from ovcf.processes import peak_memory
assert peak_memory() >= 0
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1500:]
