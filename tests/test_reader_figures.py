"""Figures of the reader study: what is drawn is what stands in the tables."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ovcf.figures import readers as reader_figures


@pytest.fixture
def ax():
    return plt.subplots()[1]


def session(values):
    names = [f"reader {i}" for i in range(1, len(values))] + ["Average"]
    y = np.array(values)
    return pd.DataFrame({"reader": names, "accuracy": y, "accuracy_low": y - 0.1, "accuracy_high": y + 0.1})


def test_each_reader_is_a_line_between_the_sessions(ax):
    sessions = {"unaided": session([0.5, 0.6, 0.55]), "aided": session([0.7, 0.65, 0.675])}
    reader_figures.reader_slopes(sessions, ax)
    lines = [container.lines[0].get_ydata().tolist() for container in ax.containers]
    assert lines == [[0.5, 0.7], [0.6, 0.65], [0.55, 0.675]]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["without the model", "with the model"]


def test_flips_stand_up_and_down_with_their_numbers_inside(ax):
    effect = pd.DataFrame({"reader": ["a", "b"], "helpful_flips": [6, 1], "harmful_flips": [0, 3]})
    reader_figures.flips(effect, ax)
    assert [bar.get_height() for bar in ax.patches] == [6, 1, 0, -3]
    ax.figure.canvas.draw()
    frame = ax.get_window_extent()
    for text in ax.texts:
        box = text.get_window_extent()
        assert frame.y0 <= box.y0 and box.y1 <= frame.y1


def test_power_by_readers_and_cases(ax):
    grid = pd.DataFrame({"readers": [3, 3, 5, 5], "cases": [40, 80, 40, 80], "power": [0.3, 0.5, 0.4, 0.816]})
    reader_figures.power_map(grid, ax)
    assert [text.get_text() for text in ax.texts] == ["0.30", "0.50", "0.40", "0.82"]
