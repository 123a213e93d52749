"""Fixtures shared by all tests."""

import os
from pathlib import Path

import numpy as np
import pytest

SHARED = Path(os.environ.get("OVCF_SHARED", Path(__file__).resolve().parents[2] / "shared"))


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
