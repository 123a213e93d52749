"""Figures of the reader study: what is drawn is what stands in the tables."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from ovcf.figures import readers as reader_figures
from ovcf.figures.style import reader_colours


@pytest.fixture
def ax():
    return plt.subplots()[1]


def session(values, metric="accuracy"):
    names = [f"reader {i}" for i in range(1, len(values))] + ["Average"]
    y = np.array(values)
    return pd.DataFrame({"reader": names, metric: y, f"{metric}_low": y - 0.1, f"{metric}_high": y + 0.2})


def test_each_reader_is_a_line_between_the_sessions(ax):
    sessions = {"unaided": session([0.5, 0.6, 0.55]), "aided": session([0.7, 0.65, 0.675])}
    assert reader_figures.reader_slopes(sessions, ax) is ax
    lines = [container.lines[0] for container in ax.containers]
    assert [line.get_ydata().tolist() for line in lines] == [[0.5, 0.7], [0.6, 0.65], [0.55, 0.675]]
    np.testing.assert_allclose([line.get_xdata() for line in lines], [[-0.09, 0.91], [0, 1], [0.09, 1.09]])
    bars = [segment[:, 1] for container in ax.containers for segment in container.lines[2][0].get_segments()]
    expected = [[y - 0.1, y + 0.2] for pair in ([0.5, 0.7], [0.6, 0.65], [0.55, 0.675]) for y in pair]
    np.testing.assert_allclose(bars, expected)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["without\nthe model", "with\nthe model"]
    colours = reader_colours(["reader 1", "reader 2"])
    assert [line.get_color() for line in lines] == [*colours.values(), reader_figures.INK]
    assert [line.get_marker() for line in lines] == ["o", "o", "D"] and lines[2].get_lw() > lines[1].get_lw()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["reader 1", "reader 2", "Average"]
    assert (
        ax.get_ylim() == (0, 1) and ax.get_xlim() == pytest.approx((-0.45, 1.45)) and ax.get_ylabel() == "accuracy (%)"
    )
    assert [line.get_ydata()[0] for line in ax.lines if line.get_ls() == ":"] == [0.5]
    assert ax.yaxis.get_major_formatter()(0.6, 0) == "60"


def test_another_metric_is_drawn_without_a_second_legend(ax):
    assert (
        reader_figures.reader_slopes({"unaided": session([0.5, 0.55], "sensitivity")}, ax, metric="sensitivity") is ax
    )
    assert [container.lines[0].get_ydata().tolist() for container in ax.containers] == [[0.5], [0.55]]
    assert ax.get_legend() is None and ax.get_ylabel() == "sensitivity (%)"
    assert ax.get_xlim() == pytest.approx((-0.45, 0.45))


def test_flips_stand_up_and_down_with_their_numbers_inside(ax):
    effect = pd.DataFrame({"reader": ["a", "b"], "helpful_flips": [6, 1], "harmful_flips": [0, 3]})
    assert reader_figures.flips(effect, ax) is ax
    assert [bar.get_height() for bar in ax.patches] == [6, 1, 0, -3]
    assert [text.get_text() for text in ax.texts] == ["6", "0", "1", "3"]
    positions = [text.get_position() for text in ax.texts]
    np.testing.assert_allclose(positions, [(0, 6.2), (0, -0.2), (1, 1.2), (1, -3.2)])
    assert [text.get_va() for text in ax.texts] == ["baseline", "top"] * 2
    legend = [text.get_text() for text in ax.figure.legends[0].get_texts()]
    assert legend == ["turned right", "turned wrong by a wrong model"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["a", "b"] and ax.get_ylabel() == "answers"
    assert [line.get_ydata()[0] for line in ax.lines] == [0]
    ax.figure.canvas.draw()
    frame = ax.get_window_extent()
    for text in ax.texts:
        box = text.get_window_extent()
        assert frame.y0 <= box.y0 and box.y1 <= frame.y1


def test_power_by_readers_and_cases(ax):
    grid = pd.DataFrame({"readers": [3, 3, 5, 5], "cases": [40, 80, 40, 80], "power": [0.3, 0.5, 0.4, 0.816]})
    assert reader_figures.power_map(grid, ax) is ax
    assert [text.get_text() for text in ax.texts] == ["0.30", "0.50", "0.40", "0.82"]
    assert [text.get_position() for text in ax.texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert [text.get_color() for text in ax.texts] == [reader_figures.INK] * 3 + ["white"]
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.3, 0.5], [0.4, 0.816]])
    ticks = [[tick.get_text() for tick in labels] for labels in (ax.get_xticklabels(), ax.get_yticklabels())]
    assert ticks == [["40", "80"], ["3", "5"]] and (ax.get_xlabel(), ax.get_ylabel()) == ("cases", "readers")


def test_readers_keep_their_colours():
    colours = reader_colours([f"r{i}" for i in range(8)])
    assert len(set(colours.values())) == 7 and colours["r7"] == colours["r0"]


def test_each_reader_has_an_arrow_from_alone_to_aided(ax):
    points = pd.DataFrame(
        {
            "session": ["unaided"] * 3 + ["aided"] * 3,
            "reader": ["a", "b", "Average"] * 2,
            "sensitivity": [0.5, 0.4, 0.45, 0.7, 0.6, 0.65],
            "specificity": [0.6, 0.5, 0.55, 0.8, 0.5, 0.65],
        }
    )
    curve = pd.DataFrame({"fpr": [0, 0.2, 1], "tpr": [0, 0.8, 1]})
    model = pd.Series({"sensitivity": 0.75, "specificity": 0.9})
    assert reader_figures.reader_roc(points, curve, model, ax) is ax
    arrows = [(text.xyann, text.xy) for text in ax.texts]
    expected = [((0.4, 0.5), (0.2, 0.7)), ((0.5, 0.4), (0.5, 0.6)), ((0.45, 0.45), (0.35, 0.65))]
    np.testing.assert_allclose(arrows, expected)
    drawn = {line.get_label(): line.get_xydata().tolist() for line in ax.lines}
    assert drawn["model"] == [[0, 0], [0.2, 0.8], [1, 1]]
    np.testing.assert_allclose(drawn["model at its threshold"], [[0.1, 0.75]])
    np.testing.assert_allclose([drawn["a"][0], drawn["Average"][0]], [[0.2, 0.7], [0.35, 0.65]])
    hollow = [line.get_xydata()[0] for line in ax.lines if line.get_markerfacecolor() == "white"]
    np.testing.assert_allclose(hollow, [[0.4, 0.5], [0.5, 0.4], [0.45, 0.45]])
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["model", "model at its threshold", "a", "b", "Average"]
    assert ax.get_xlim() == ax.get_ylim() == (-0.02, 1.02)
    assert ax.get_xlabel().startswith("1 - specificity") and ax.get_ylabel().startswith("sensitivity")


def test_one_session_has_points_and_no_arrow(ax):
    points = pd.DataFrame({"session": "unaided", "reader": ["a", "Average"], "sensitivity": 0.5, "specificity": 0.6})
    curve = pd.DataFrame({"fpr": [0, 1], "tpr": [0, 1]})
    reader_figures.reader_roc(points, curve, pd.Series({"sensitivity": 0.75, "specificity": 0.9}), ax)
    assert not ax.texts


def test_one_reader_and_readers_of_one_session_are_drawn_where_they_read(ax):
    sessions = {"unaided": session([0.5, 0.6, 0.55]), "aided": session([0.7, 0.7])[:1].assign(reader="other")}
    reader_figures.reader_slopes(sessions, ax)
    found = {c.get_label(): c.lines[0].get_xdata().round().tolist() for c in ax.containers}
    assert found == {"reader 1": [0], "reader 2": [0], "other": [1], "Average": [0]}
    alone = pd.DataFrame({"session": ["unaided"], "reader": ["r"], "sensitivity": [0.5], "specificity": [0.6]})
    roc, model = pd.DataFrame({"fpr": [0, 1], "tpr": [0, 1]}), pd.Series({"sensitivity": 0.5, "specificity": 0.5})
    plot = reader_figures.reader_roc(alone, roc, model, plt.subplots()[1])
    assert [text.get_text() for text in plot.get_legend().get_texts()] == ["model", "model at its threshold", "r"]


def test_where_nothing_was_turned_the_numbers_stand_within_the_picture():
    effect = pd.DataFrame({"reader": ["R1"], "helpful_flips": [0], "harmful_flips": [0]})
    figure, ax = plt.subplots(layout="constrained")
    reader_figures.flips(effect, ax)
    figure.draw_without_rendering()
    low, high = ax.get_ylim()
    assert all(low < text.get_position()[1] < high for text in ax.texts) and ax.get_position().height > 0.4
