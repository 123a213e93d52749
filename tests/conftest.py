"""Fixtures shared by all tests."""

import os
from pathlib import Path

import numpy as np
import pytest

SHARED = Path(os.environ.get("OVCF_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def pytest_collection_modifyitems(items):
    """Begin with the pages in a browser: few tests that take long, and would leave a worker idle at the end."""
    items.sort(key=lambda item: "browser" not in item.path.parts)


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
        "workers": "1",
    }


@pytest.fixture(scope="session")
def finished(tmp_path_factory, tiny):
    """A finished tiny run, to be read only; kernels inherit the folder of its cohort from the environment."""
    from ovcf.report import run_study

    folder = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVCF_DATA", str(folder / "data"))
        patch.setenv("OMP_NUM_THREADS", "1")
        run_study("demo", out=folder / "run", overrides=tiny)
    return folder / "run"


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
