"""Fixtures shared by all tests."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

os.environ.pop("OVCF_CACHE", None)  # what other runs left would stand in for what is tested
SHARED = Path(os.environ.get("OVCF_SHARED", Path(__file__).resolve().parents[2] / "shared"))


# What takes longest begins, so that no worker ends idle: the pages in a browser, then these files. The first of them
# makes the finished run for all workers, the second needs none meanwhile.
LONG = ("test_run.py", "test_kill_run.py")


def pytest_collection_modifyitems(items):
    """Begin with the long files."""
    rank = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: -1 if "browser" in item.path.parts else rank.get(item.path.name, len(LONG)))


@pytest.fixture(scope="session")
def tiny():
    """Parameters of a run that takes half a minute, as the command line has them."""
    return {
        "patients": "24",
        "folds": "2",
        "image_size": "64",
        "networks": '["efficientnet_lite0", "alexnet"]',
        "epochs": "3",
        "replicates": "50",
        "reader_cases": "12",
        "readers": "3",
        "more_seeds": "2",
        "dealings": "2",
        "workers": "1",
    }


@pytest.fixture(scope="session")
def finished(tmp_path_factory, tiny):
    """A finished tiny run, to be read only, made once for all workers; each has its copy.

    Kernels inherit the folder of its cohort from the environment.
    """
    from ovcf.report import run_study

    base = tmp_path_factory.getbasetemp()
    made = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    with FileLock(made.with_suffix(".lock")), pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVCF_DATA", str(made / "data"))
        patch.setenv("OMP_NUM_THREADS", "1")
        if not (made / "run" / "report.pdf").exists():
            run_study("demo", out=made / "run", overrides=tiny)
    own = tmp_path_factory.mktemp("study")
    shutil.copytree(made, own, dirs_exist_ok=True)
    return own / "run"


@pytest.fixture
def rng():
    """A generator with a fixed seed."""
    return np.random.default_rng(20260430)


@pytest.fixture(scope="session")
def shared():
    """The folder of real images and published answers that lies beside a checkout; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"real data and published answers are not at {SHARED} (set OVCF_SHARED)")
    return SHARED


@pytest.fixture(autouse=True)
def close_figures():
    """Close every figure a test left open."""
    yield
    import sys

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
