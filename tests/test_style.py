"""Colours and defaults of every figure."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from ovcf.figures import style
from ovcf.words import NETWORKS


@pytest.fixture(scope="module")
def styled():
    with mpl.rc_context():
        style.set_style()
        yield dict(mpl.rcParams)


def test_figures_have_two_spines_and_no_frame_around_a_legend(styled):
    shown = {side: styled[f"axes.spines.{side}"] for side in ("top", "right", "bottom", "left")}
    assert shown == {"top": False, "right": False, "bottom": True, "left": True}
    assert styled["figure.constrained_layout.use"] and not styled["legend.frameon"]
    assert styled["image.cmap"] == "gray"


def test_a_dollar_in_somebodys_id_is_drawn_as_it_is(styled):
    with mpl.rc_context(styled):
        text = plt.figure().text(0, 0, "patient $a$ and $b$")
        assert not text.get_parse_math()


def test_a_class_and_a_network_has_one_colour_and_no_other_has_it():
    assert list(style.CLASS_COLOURS) == list(style.CLASS_MARKERS) == ["fresh", "old"]
    assert style.CLASS_COLOURS == {"fresh": style.FRESH, "old": style.OLD} and style.FRESH != style.OLD
    assert style.CLASS_MARKERS["fresh"] != style.CLASS_MARKERS["old"]
    assert len(set(style.NETWORK_COLOURS.values())) == len(style.NETWORK_COLOURS)
    assert set(style.NETWORK_COLOURS) <= set(NETWORKS)


@pytest.mark.parametrize("outcome", ["TP", "FN", "TN", "FP"])
def test_an_outcome_is_named_by_truth_and_call(outcome):
    call = {"P": "fresh", "N": "old"}[outcome[1]]
    truth = call if outcome[0] == "T" else {"fresh": "old", "old": "fresh"}[call]
    assert style.OUTCOME_NAMES[outcome] == f"{truth}, called {call}"
