"""Figures of the cohort: what is drawn is what the tables hold, and nobody is left out."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from ovcf.figures import cohort as cohort_figures


@pytest.fixture
def ax():
    return plt.subplots()[1]


def heights(ax):
    return [[bar.get_height() for bar in group] for group in ax.containers]


def test_every_age_and_sex_is_drawn(ax):
    patients = pd.DataFrame({"age": [41, 75, 76, 99, np.nan], "sex": ["female", "male", "", "male", "male"]})
    cohort_figures.ages(patients, ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["women", "men", "sex unknown"]
    assert np.max([bar.get_y() + bar.get_height() for bar in ax.patches]) == 2  # 75 and 76 share a bin
    assert sum(map(sum, heights(ax))) == 4


def test_a_cohort_without_ages_says_so(ax):
    cohort_figures.ages(pd.DataFrame({"age": [np.nan, np.nan], "sex": ["", ""]}), ax)
    assert ax.texts[0].get_text() == "no ages in the manifest" and not ax.axison


def test_levels_stand_side_by_side_by_class(ax):
    counts = pd.DataFrame({"fresh": [3, 5], "old": [4, 0]}, index=["T12", "unknown"])
    cohort_figures.level_counts(counts, ax)
    assert heights(ax) == [[3, 5], [4, 0]]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["T12", "not\nknown"]


def test_each_vertebra_with_heights_is_a_dot(ax):
    patches = pd.DataFrame(
        {
            "label": ["fresh", "fresh", "old", "old"],
            "normal_height": [False, True, False, False],
            "middle_height_mm": [15.0, 25.0, 10.0, np.nan],
            "neighbour_height_mm": [25.0, 25.0, 20.0, 20.0],
        }
    )
    cohort_figures.body_heights(patches, ax)
    dots = [group.get_offsets()[:, 1] for group in ax.collections if isinstance(group, PathCollection)]
    assert np.concatenate(dots).tolist() == pytest.approx([0.6, 1.0, 0.5])
