"""Figures of the cohort: what is drawn is what the tables hold, and nobody is left out."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba

from ovcf.figures import cohort as cohort_figures
from ovcf.figures.style import CLASS_COLOURS, FRESH, OLD


@pytest.fixture
def ax():
    return plt.subplots()[1]


def heights(ax):
    return [[bar.get_height() for bar in group] for group in ax.containers]


def boxes(ax):
    return [(*patch.get_xy(), patch.get_width(), patch.get_height()) for patch in ax.patches]


def grey(value, size=4):
    return np.full((size, size), value, np.uint8)


def shown(figure):
    """Titles and pictures of a sheet, axis by axis; None where an axis is empty."""
    return [
        (ax.get_title() or ax.get_title("left"), ax.images[0].get_array()[0, 0] if ax.images else None)
        for ax in figure.axes
    ]


def test_every_age_and_sex_is_drawn(ax):
    patients = pd.DataFrame({"age": [41, 75, 76, 99, np.nan], "sex": ["female", "male", "", "male", "male"]})
    assert cohort_figures.ages(patients, ax) is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["women", "men", "sex unknown"]
    assert np.max([bar.get_y() + bar.get_height() for bar in ax.patches]) == 2  # 75 and 76 share a bin
    assert sum(map(sum, heights(ax))) == 4
    edges = sorted({round(bar.get_x(), 6) for bar in ax.patches})
    assert edges[0] == 39 and np.unique(np.diff(edges)).tolist() == [3] and edges[-1] == 99
    tops = {bar.get_facecolor() for bar in ax.patches if bar.get_height()}
    assert tops == {to_rgba(colour) for colour in cohort_figures.SEX_COLOURS.values()}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("age (years)", "patients")


def test_one_sex_alone_has_its_own_name_and_colour(ax):
    assert cohort_figures.ages(pd.DataFrame({"age": [70, 71], "sex": ["male", "male"]}), ax) is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["men"]
    assert ax.patches[0].get_facecolor() == to_rgba(cohort_figures.SEX_COLOURS["men"])


def test_a_cohort_without_ages_says_so(ax):
    assert cohort_figures.ages(pd.DataFrame({"age": [np.nan, np.nan], "sex": ["", ""]}), ax) is ax
    assert ax.texts[0].get_text() == "no ages in the manifest" and not ax.axison
    assert ax.texts[0].get_position() == (0.5, 0.5) and not ax.patches


def test_levels_stand_side_by_side_by_class(ax):
    counts = pd.DataFrame({"fresh": [3, 5], "old": [4, 0]}, index=["T12", "unknown"])
    assert cohort_figures.level_counts(counts, ax) is ax
    assert heights(ax) == [[3, 5], [4, 0]]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["T12", "not\nknown"]
    centres = [round(bar.get_x() + bar.get_width() / 2, 6) for bar in ax.patches]
    assert centres == [-0.2, 0.8, 0.2, 1.2]  # fresh to the left of each level, old to the right
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["fresh", "old"]
    assert [group[0].get_facecolor() for group in ax.containers] == [to_rgba(FRESH), to_rgba(OLD)]
    assert [group[0].get_hatch() for group in ax.containers] == [None, "//"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("level", "vertebrae")


def test_each_vertebra_with_heights_is_a_dot(ax):
    patches = pd.DataFrame(
        {
            "label": ["fresh", "fresh", "old", "old", "old"],
            "normal_height": [False, True, False, False, True],
            "middle_height_mm": [15.0, 25.0, 10.0, np.nan, 24.0],
            "neighbour_height_mm": [25.0, 25.0, 20.0, 20.0, 20.0],
        }
    )
    assert cohort_figures.body_heights(patches, ax, seed=1) is ax
    dots = [group.get_offsets() for group in ax.collections if isinstance(group, PathCollection)]
    assert [group[:, 1].tolist() for group in dots] == [[0.6], [1.0], [0.5, 1.2]]
    assert all(np.abs(group[:, 0] - place).max() <= 0.25 for place, group in enumerate(dots))
    assert np.ptp(dots[2][:, 0]) > 0
    drawn = [tuple(group.get_facecolor()[0][:3]) for group in ax.collections if isinstance(group, PathCollection)]
    assert drawn == [to_rgba(FRESH)[:3], to_rgba(FRESH)[:3], to_rgba(OLD)[:3]]
    shapes = [len(group.get_paths()[0].vertices) for group in ax.collections if isinstance(group, PathCollection)]
    assert shapes[0] == shapes[1] == 4 < shapes[2]  # triangles, and dots
    again = cohort_figures.body_heights(patches, plt.subplots()[1], seed=1)
    other = cohort_figures.body_heights(patches, plt.subplots()[1])
    np.testing.assert_array_equal(again.collections[0].get_offsets(), dots[0])
    assert np.any(other.collections[0].get_offsets() != dots[0])  # the jitter is the seed's
    medians = [lines.get_segments()[0] for lines in ax.collections if not isinstance(lines, PathCollection)]
    np.testing.assert_allclose(medians, [[[x - 0.3, y], [x + 0.3, y]] for x, y in ((0, 0.6), (1, 1), (2, 0.85))])
    labels = [tick.get_text() for tick in ax.get_xticklabels()]
    assert labels == ["fresh,\ncompressed\n(n = 1)", "fresh,\nnormal height\n(n = 1)", "old\n(n = 2)"]
    assert ax.lines[0].get_ydata()[0] == 1 and ax.get_ylabel() == "height / mean of neighbours"


def test_a_group_without_vertebrae_has_no_median(ax):
    patches = pd.DataFrame(
        {"label": ["old"], "normal_height": [False], "middle_height_mm": [10.0], "neighbour_height_mm": [20.0]}
    )
    assert cohort_figures.body_heights(patches, ax) is ax
    assert sum(not isinstance(lines, PathCollection) for lines in ax.collections) == 1


def test_inclusion_says_who_was_left_and_who_was_excluded(ax):
    flow = pd.DataFrame(
        {
            "step": ["collected", "aged 60", "kept"],
            "n": [1557, 1500, 405],
            "excluded": [57, 1095, 0],
            "reason": ["too young", "no MRI", ""],
        }
    )
    assert cohort_figures.inclusion_flow(flow, ax) is ax
    words = [(text.get_text(), text.get_position()) for text in ax.texts if text.get_text()]
    assert sorted(words) == sorted(
        [
            ("collected: 1,557", (2.3, 2)),
            ("aged 60: 1,500", (2.3, 1)),
            ("1,095 excluded: no MRI", (5.3, 1.5)),
            ("kept: 405", (2.3, 0)),
        ]
    )
    arrows = [text for text in ax.texts if not text.get_text()]
    steps = [text.get_text().split(":")[0] for text in ax.texts if text.get_text() and text.get_position()[0] == 2.3]
    down = [(arrow.anncoords.get_text(), arrow.xycoords.get_text()) for arrow in arrows if arrow.xycoords != "data"]
    assert [[end.split(":")[0] for end in pair] for pair in down] == [steps[:2], steps[1:]]
    aside = [(arrow.xyann, arrow.xy) for arrow in arrows if arrow.xycoords == "data"]
    np.testing.assert_allclose(aside, [((2.3, 1.5), (5.2, 1.5))])
    bold = [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"]
    assert bold == ["collected: 1,557", "kept: 405"] and not ax.axison
    assert ax.get_ylim() == (-0.4, 2.4) and ax.get_xlim() == (0, 10)


def test_a_film_shows_its_box_where_it_has_one(ax):
    pixels = np.linspace(0, 1, 12).reshape(3, 4)
    assert cohort_figures.film_with_box(pixels, (1, 2, 3, 5), ax, title="t") is ax
    np.testing.assert_array_equal(ax.images[0].get_array(), pixels)
    assert ax.images[0].get_clim() == (0, 1) and ax.get_title() == "t"
    assert boxes(ax) == [(1, 2, 2, 3)] and not ax.patches[0].get_fill()
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0
    bare = cohort_figures.film_with_box(pixels, [np.nan] * 4, plt.subplots()[1])
    assert not bare.patches


def test_film_panels_draw_each_vertebra_in_its_class():
    films = [("patient 1", np.zeros((9, 9)), [(1, 2, 4, 6)], ["fresh"]), ("patient 2", np.ones((9, 9)), [], [])]
    films.append(("patient 3", np.ones((9, 9)), [(0, 0, 2, 3), (5, 6, 8, 8)], ["old", "fresh"]))
    figures = cohort_figures.film_panels(films)
    assert [shown(figure) for figure in figures] == [[("patient 1", 0)], [("patient 2", 1)], [("patient 3", 1)]]
    assert [boxes(figure.axes[0]) for figure in figures] == [[(1, 2, 3, 4)], [], [(0, 0, 2, 3), (5, 6, 3, 2)]]
    old, fresh = figures[2].axes[0].patches
    assert (old.get_edgecolor(), fresh.get_edgecolor()) == tuple(map(to_rgba, (OLD, FRESH)))
    assert (old.get_linestyle(), fresh.get_linestyle()) == ("--", "-") and not old.get_fill()


def test_a_vertebra_stands_among_its_neighbours_and_within_its_film(ax):
    pixels = np.linspace(0, 1, 200 * 100).reshape(200, 100)
    cohort_figures.among_neighbours(pixels, (40, 90, 60, 100), ax)
    assert ax.get_title() == ""
    assert ax.get_xlim() == (20, 80) and ax.get_ylim() == (130, 60) and boxes(ax) == [(40, 90, 20, 10)]
    near = cohort_figures.among_neighbours(pixels, (5, 10, 90, 190), plt.subplots()[1])
    assert near.get_xlim() == (-0.5, 99.5) and near.get_ylim() == (199.5, -0.5)


def test_a_box_without_a_label_is_not_left_out_in_silence():
    with pytest.raises(ValueError, match="shorter"):
        cohort_figures.film_panels([("patient 1", np.zeros((9, 9)), [(1, 2, 4, 6), (5, 6, 8, 8)], ["fresh"])])


def test_the_pipeline_has_six_steps():
    film, cut = np.zeros((8, 8)), grey(7)
    equalised = np.arange(16, dtype=np.uint8).reshape(4, 4)
    words = {"label": "fresh", "networks": ["alexnet", "mine"], "choice": "highest mean AUC over folds"}
    figure = cohort_figures.pipeline(film, (1, 1, 3, 4), cut, equalised, **words)
    names = ["(a) annotated film", "(b) patch", "(c) equalised", "(d) labelled", "(e) networks", "(f) one chosen"]
    assert [ax.get_title() for ax in figure.axes] == names
    pictures = [np.asarray(ax.images[0].get_array()) for ax in figure.axes[1:4]]
    for drawn, picture in zip(pictures, [cut, equalised, equalised], strict=True):
        np.testing.assert_array_equal(drawn, picture)
    assert boxes(figure.axes[0]) == [(1, 1, 2, 3)] and figure.axes[1].images[0].get_clim() == (0, 255)
    assert figure.axes[3].get_xlabel() == "fresh"
    bare = cohort_figures.pipeline(film, (1, 1, 3, 4), cut, cut, **words, step="not equalised")
    assert bare.axes[2].get_title() == "(c) not equalised"
    assert [ax.texts[0].get_text() for ax in figure.axes[4:]] == ["AlexNet\nmine", "highest mean AUC\nover folds"]


def test_grey_values_are_counted_with_their_cumulative_curve(ax):
    image = np.array([[0, 0, 130], [255, 255, 255]], np.uint8)
    assert cohort_figures.grey_histogram(image, ax, title="g") is ax
    counted = {bar.get_x(): bar.get_height() for bar in ax.patches if bar.get_height()}
    assert counted == pytest.approx({0: 2 / 6, 128: 1 / 6, 252: 3 / 6})
    cumulative = ax.figure.axes[1]
    x, y = cumulative.lines[0].get_data()
    assert x[0] == 4 and x[-1] == 256 and y[-1] == 1 and y[0] == pytest.approx(2 / 6)
    assert len(ax.patches) == 64 and ax.get_xlim() == (0, 256) and cumulative.get_ylim() == (0, 1.05)
    assert ax.get_title() == "g" and ax.get_xlabel() == "grey value" and not len(ax.get_yticks())
    assert not any(drawn.spines[side].get_visible() for drawn in (ax, cumulative) for side in ("left", "right"))
    assert len(cumulative.get_yticks()) == 0 and [bar.get_width() for bar in ax.patches] == [4] * 64


def test_equalisations_stand_above_their_histograms():
    examples = [("fresh", {"none": grey(10), "clahe": grey(20)}), ("old", {"none": grey(30), "clahe": grey(40)})]
    figures = cohort_figures.equalisation_panels(examples)
    pictures = [[entry for entry in shown(figure) if entry[1] is not None] for figure in figures]
    assert pictures == [[("fresh, original", 10), ("fresh, CLAHE", 20)], [("old, original", 30), ("old, CLAHE", 40)]]
    bars = [ax for figure in figures for ax in figure.axes if ax.patches]
    assert [max(ax.patches, key=lambda bar: bar.get_height()).get_x() for ax in bars] == [8, 20, 28, 40]
    strange = cohort_figures.equalisation_panels([("fresh", {"other": grey(1)})])
    assert shown(strange[0])[0] == ("fresh, other", 1)


def test_each_class_has_a_panel_of_its_patches():
    groups = {"fresh": [grey(1), grey(2), grey(3)], "old": [grey(4)]}
    fresh, old = cohort_figures.class_panels(groups, columns=2)
    assert shown(fresh) == [("fresh", 1), ("", 2), ("", 3), ("", None)] and shown(old) == [("old", 4), ("", None)]
    assert not any(ax.axison for ax in fresh.axes) and fresh.axes[0].images[0].get_clim() == (0, 255)
    assert old.axes[0]._left_title.get_color() == CLASS_COLOURS["old"]


def test_warnings_show_two_of_a_kind():
    pictures = {
        "blank_patch": [("a", [grey(1)]), ("b", [grey(2)]), ("c", [grey(3)])],
        "copy": [("d, e", [grey(4)] * 2)],
    }
    figure = cohort_figures.warning_sheet(pictures)
    assert shown(figure) == [
        ("blank patch\na", 1),
        ("blank patch\nb", 2),
        ("copy\nd", 4),
        ("copy\ne", 4),
        ("", None),
        ("", None),
    ]
    assert cohort_figures.warning_sheet({}) is None
    assert not any(ax.axison for ax in figure.axes)
    assert figure.axes[0].images[0].get_clim() == (0, 255)
    assert len(cohort_figures.warning_sheet({"copy": [("d, e", [grey(4)] * 2)]}).axes) == 2
    assert cohort_figures.warning_sheet({}) is None and cohort_figures.warning_sheet({"copy": []}) is None
