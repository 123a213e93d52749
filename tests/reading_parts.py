"""A small cohort, a clock that tests move, and a way through a plan, for tests of the readings."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd


def some_patches(n=60):
    """Patches of two thirds as many patients; a third fresh."""
    return pd.DataFrame(
        {
            "patch_id": [f"p{i:02d}" for i in range(n)],
            "patient_id": [f"m{i % (2 * n // 3)}" for i in range(n)],
            "label": ["fresh" if i % 3 == 0 else "old" for i in range(n)],
        }
    )


def some_model(n=60):
    """A made-up probability of each patch."""
    return dict(zip(some_patches(n)["patch_id"], np.linspace(0, 1, n).tolist(), strict=True))


class Clock:
    """A present that tests move; it goes on by a second at every look."""

    def __init__(self):
        self.time = datetime(2026, 1, 1, 9, tzinfo=UTC)

    def __call__(self):
        self.time += timedelta(seconds=1)
        return self.time


def read_all(session, n=None, answer="fresh", confidence=3):
    """Answer until nothing is open (or n answers); returns the cases asked."""
    asked = []
    while session.state()[0] == "case" and (n is None or len(asked) < n):
        case = session.state()[1]
        assert session.answer(case, answer, confidence, 1.5)
        asked.append(case)
    return asked
