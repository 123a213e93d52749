"""Figures of the audit: what is drawn is what stands in the tables."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from ovcf.audit import audit, f1_limits
from ovcf.audit.findings import CONTRADICTION, NOTE, UNDECIDED, UNLIKELY
from ovcf.audit.published import published_paper
from ovcf.figures import audit as audit_figures
from ovcf.figures.style import CLASS_COLOURS


@pytest.fixture
def axes():
    return plt.subplots(1, 5)[1]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_one_mark_a_finding_in_the_row_of_its_place(axes):
    findings = pd.DataFrame(
        {
            "where": ["Table 2", "Section 1", "Table 2", "Table 3", "Table 2"],
            "severity": [CONTRADICTION, NOTE, CONTRADICTION, UNLIKELY, NOTE],
        }
    )
    ax = audit_figures.findings_by_place(findings, axes[0])
    assert ticks(ax.yaxis) == ["Table 2", "Table 3", "Section 1"]  # tables first
    offsets = sorted(marks.get_offsets().tolist()[0] for marks in ax.collections)
    assert offsets == [[-0.12, 0], [0.88, 1], [2.88, 0], [2.88, 2]]
    assert [(text.get_text(), text.get_position()) for text in ax.texts] == [
        ("2", (0.1, 0)),
        ("1", (1.1, 1)),
        ("1", (3.1, 2)),
        ("1", (3.1, 0)),
    ]
    assert ticks(ax.xaxis) == ["contradiction\n(2)", "very\nunlikely\n(1)", "cannot\nbe decided\n(0)", "note\n(2)"]
    assert ax.get_ylim() == (2.5, -0.5) and ax.get_xlim() == (-0.5, 3.5)
    colours = [tuple(marks.get_facecolor()[0]) for marks in ax.collections]
    assert len(set(colours)) == 3 and colours[2] == colours[3]  # both notes
    assert all(line.get_visible() for line in ax.get_ygridlines()) and not ax.get_xgridlines()[0].get_visible()
    assert ax is axes[0] and not ax.spines["bottom"].get_visible() and not ax.spines["left"].get_visible()


def test_what_cannot_be_decided_has_a_place_where_there_is_any(axes):
    findings = pd.DataFrame({"where": ["Table 1"] * 2, "severity": [UNDECIDED, NOTE]})
    ax = audit_figures.findings_by_place(findings, axes[0])
    assert ticks(ax.xaxis)[2:] == ["cannot\nbe decided\n(1)", "note\n(1)"] and texts(ax) == ["1", "1"]
    assert [marks.get_offsets().tolist() for marks in ax.collections] == [[[1.88, 0]], [[2.88, 0]]]


def test_the_papers_own_findings_are_all_drawn(axes):
    found = audit(simulate=False)
    ax = audit_figures.findings_by_place(found.findings_table(), axes[0])
    assert sum(int(text) for text in texts(ax)) == len(found.findings)
    ax = audit_figures.mcnemar_ranges(found.bounds, axes[1])
    assert tuple(ax.lines[0].get_xdata()) == (found.bounds.smallest_p[0], found.bounds.largest_p[0])
    ax = audit_figures.f1_limits(f1_limits(published_paper()), axes[2])
    assert "AlexNet, fresh" in texts(ax)


def test_bars_are_rows_explained_of_all(axes):
    readings = pd.DataFrame({"reading": ["swapped_columns", "as headed"], "explained": [9, 3], "rows": [10, 10]})
    ax = audit_figures.reading_ranks(readings, axes[0])
    assert [bar.get_width() for bar in ax.patches] == [3, 9]
    assert texts(ax) == ["3 of 10", "9 of 10"] and ticks(ax.yaxis) == ["as headed", "swapped columns"]
    assert [round(text.get_position()[0], 2) for text in ax.texts] == [3.12, 9.12]
    assert [text.get_position()[1] for text in ax.texts] == [0, 1] and ax.get_xlim() == pytest.approx((0, 13))
    first, second = (bar.get_facecolor() for bar in ax.patches)
    assert (first, second) == (to_rgba(audit_figures.SEVERITY_COLOURS[CONTRADICTION]), to_rgba(audit_figures.GREY))
    assert ax is axes[0] and ax.get_xlabel() == "rows that whole numbers can give"


def test_readings_that_explain_as_many_rows_keep_their_order(axes):
    names = ["as headed", *(f"reading {i}" for i in range(20))]  # so many that an unstable sort would mix them
    readings = pd.DataFrame({"reading": names, "explained": [3, *[9] * 20], "rows": 10})
    assert ticks(audit_figures.reading_ranks(readings, axes[0]).yaxis) == names


def test_tiles_hold_the_counts_truth_down_and_answers_across():
    matrices = pd.DataFrame({"row": ["Fold 1", "Fold 2"], "tp": [47, 3], "fn": [25, 1], "tn": [65, 2], "fp": [8, 4]})
    axes = audit_figures.matrix_sheet(matrices, positive="new", negative="other").axes
    assert texts(axes[0]) == ["47", "25", "8", "65"] and texts(axes[1]) == ["3", "1", "4", "2"]
    assert [t.get_position() for t in axes[0].texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    np.testing.assert_allclose(axes[1].images[0].get_array(), [[0.75, 0.25], [4 / 6, 2 / 6]])
    assert [t.get_color() for t in axes[1].texts] == ["white", audit_figures.INK, "white", audit_figures.INK]
    assert ticks(axes[0].xaxis) == ["new", "other"] and ticks(axes[0].yaxis) == ["new\n(72)", "other\n(73)"]
    assert axes[0].get_xticks().tolist() == axes[0].get_yticks().tolist() == [0, 1]  # under the cells' middle
    assert axes[1].get_title() == "Fold 2" and axes[0].get_ylabel() == "truth" and axes[1].get_ylabel() == ""
    alone = audit_figures.matrix_sheet(matrices.head(1)).axes
    assert ticks(alone[0].xaxis) == ["fresh", "old"] and ticks(alone[0].yaxis) == ["fresh\n(72)", "old\n(73)"]


@pytest.mark.parametrize("metric", ["sensitivity", "specificity"])
def test_printed_and_recovered_rates_are_joined(axes, metric):
    other = {"sensitivity": "specificity", "specificity": "sensitivity"}[metric]
    rates = pd.DataFrame(
        {
            "table": "Table 4",
            "row": ["a", "b", "c"],
            f"printed_{metric}": ["45.00", "57.14", ""],
            metric: ["40.00", "50.00 to 60.00", "70.00"],
            f"printed_{other}": ["1", "1", "1"],
            other: ["2", "2", "2"],
        }
    )
    ax = audit_figures.printed_and_recovered(rates, axes[0], metric=metric)
    drawn = [(line.get_xdata().tolist(), line.get_ydata().tolist()) for line in map(_array, ax.lines)]
    assert drawn == [([45, 40], [0, 0]), ([50, 60], [1, 1])]  # a join, then a range
    points = [marks.get_offsets().tolist()[0] for marks in ax.collections]
    assert points == [[40, 0], [45, 0], [57.14, 1], [70, 2]]
    assert ticks(ax.yaxis) == ["T4 a", "T4 b", "T4 c"] and ax.get_ylim() == (2.6, -0.6) and ax.get_xlim() == (0, 100)
    assert ax is axes[0] and ax.get_xlabel() == f"{metric} (%): printed (open), recovered (filled)"
    of_class = to_rgba(CLASS_COLOURS[{"sensitivity": "fresh", "specificity": "old"}[metric]])
    assert [tuple(marks.get_facecolor()[0]) for marks in ax.collections] == [of_class, WHITE, WHITE, of_class]
    assert to_rgba(ax.lines[1].get_color()) == of_class
    shapes = {len(marks.get_paths()[0].vertices) for marks in ax.collections}
    assert len(shapes) == 1 and (shapes == {4}) == (metric == "sensitivity")  # triangles, or dots


WHITE = to_rgba("white")


def _array(line):
    line.set_data(*map(np.asarray, line.get_data()))
    return line


def test_a_range_that_never_reaches_the_level_is_marked(axes):
    bounds = pd.DataFrame(
        {
            "row": ["a", "b"],
            "before": [20, 22],
            "after": [25, 31],
            "n": [40, 40],
            "smallest_p": [0.0625, 0.004],
            "largest_p": [0.4, 0.3],
        }
    )
    ax = audit_figures.mcnemar_ranges(bounds, axes[0])
    assert [tuple(line.get_xdata()) for line in ax.lines] == [(0.0625, 0.4), (0.004, 0.3), (0.05, 0.05)]
    assert [marks.get_offsets().tolist() for marks in ax.collections] == [[[0.0625, 0]], [[0.004, 1]]]
    colours = [tuple(marks.get_facecolor()[0]) for marks in ax.collections]
    assert colours == [to_rgba(audit_figures.SEVERITY_COLOURS[kind]) for kind in (CONTRADICTION, NOTE)]
    assert [line.get_color() for line in ax.lines[:2]] == [
        audit_figures.SEVERITY_COLOURS[CONTRADICTION],
        audit_figures.SEVERITY_COLOURS[NOTE],
    ]
    assert len({len(marks.get_paths()[0].vertices) for marks in ax.collections}) == 2  # a cross and a dot
    assert ax is axes[0] and ax.get_xlabel() == "exact McNemar p, least to most"
    assert texts(ax) == ["0.05"] and ax.texts[0].xy == (0.05, -0.55)
    assert ticks(ax.yaxis) == ["a:\n20 to 25 of 40 right", "b:\n22 to 31 of 40 right"]
    assert ax.get_ylim() == (1.5, -0.9) and ax.get_xscale() == "log"
    assert ax.get_xlim() == pytest.approx((0.0025, 1.3))
    assert ticks(ax.xaxis) == ["0.001", "0.01", "0.1", "1"]


def test_the_impossible_f1_is_named(axes):
    rows = [("r", "fresh", 80.0, 79.0), ("r", "old", 75.0, 78.0), ("s", "fresh", 70.0, 70.0)]
    limits = pd.DataFrame(rows, columns=["row", "class", "printed", "limit"])
    ax = audit_figures.f1_limits(limits, axes[0])
    assert ax is axes[0] and texts(ax) == ["r, fresh", "not possible above the line"]
    points = {marks.get_label(): marks.get_offsets().tolist() for marks in ax.collections}
    assert points == {"fresh": [[79, 80], [70, 70]], "old": [[78, 75]]}
    assert ax.get_ylim() == pytest.approx((69.2, 80.8)) and ax.get_xlim() == pytest.approx((66.3, 80.8))
    plain = audit_figures.f1_limits(limits.iloc[1:], axes[2])  # nothing to name, so no room for a name
    assert plain.get_xlim() == plain.get_ylim()
    assert ax.texts[0].xy == (79, 80)
    other = audit_figures.f1_limits(limits.iloc[[1, 0]], axes[1])  # in the order of the table
    assert [marks.get_label() for marks in other.collections] == ["old", "fresh"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("largest possible mean F1 (%)", "printed mean F1 (%)")
    line = ax.lines[0]
    assert line.get_slope() == 1 and line.get_xy1() == (70, 70)
    drawn = {marks.get_label(): tuple(marks.get_facecolor()[0]) for marks in ax.collections}
    assert drawn == {side: to_rgba(CLASS_COLOURS[side]) for side in ("fresh", "old")}
    triangle, dot = (len(marks.get_paths()[0].vertices) for marks in ax.collections)
    assert triangle == 4 < dot and [text.get_text() for text in ax.get_legend().get_texts()] == ["fresh", "old"]


def test_a_level_of_ones_own_is_drawn(axes):
    row = {"row": ["a"], "before": [20], "after": [25], "n": [40], "smallest_p": [0.06], "largest_p": [0.4]}
    ax = audit_figures.mcnemar_ranges(pd.DataFrame(row), axes[0], alpha=0.1)
    assert ax.lines[1].get_xdata() == [0.1, 0.1] and texts(ax) == ["0.1"]
    assert ax.lines[0].get_color() == audit_figures.SEVERITY_COLOURS[NOTE]  # .06 can be below .1
