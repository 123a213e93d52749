"""Soft tissue, lungs, diaphragm and noise fields: signs, sizes, and the effect of their parameters."""

import numpy as np
import pytest

from ovcf.synthetic.bone import Canvas
from ovcf.synthetic.surroundings import Trunk, dome, enlarge, fractal, lungs, soft_tissue

SHAPE = (400, 300)
TRUNK = Trunk(breadth=280.0, front=125.0, rear=80.0, diaphragm=120.0, overlay=1.0, gas=1.0, calcified=1.0)
SPINE = np.column_stack([np.zeros(17), np.linspace(0, 400, 17)])


@pytest.fixture
def canvas():
    return Canvas(np.zeros(SHAPE, np.float32), -60.0, 0.0, 0.5)


def test_fractal_has_unit_variance_and_is_smooth(rng):
    field = fractal((90, 70), rng, (8, 16))
    assert field.shape == (90, 70) and field.std() == pytest.approx(1, abs=1e-4)
    assert np.abs(np.diff(field, axis=0)).max() < 1.0


def test_enlarge_keeps_a_ramp():
    small = np.arange(10, dtype=np.float32)[None, :].repeat(6, axis=0)
    large = enlarge(small, (60, 100))
    expected = (np.arange(20, 80) + 0.5) / 10 - 0.5
    assert large.shape == (60, 100) and np.abs(large[30, 20:80] - expected).max() < 0.05


def test_the_trunk_is_thickest_in_the_middle_and_ends_at_the_skin(canvas, rng):
    film = soft_tissue(SHAPE, canvas, SPINE, TRUNK._replace(rear=50.0), rng)
    assert film.min() >= -0.7 and film[100:200, 150:200].mean() > 4
    assert film[50:150, :10].mean() < 1.0  # more than 50 mm behind the spine: air


def test_lungs_take_away_above_the_diaphragm_only(canvas, rng):
    film = lungs(SHAPE, canvas, SPINE, TRUNK, rng)
    assert film[20:60, 180:220].mean() < -0.4
    assert abs(film[360:, 180:220].mean()) < 0.02


def test_a_stronger_diaphragm_has_a_sharper_edge(canvas):
    steps = []
    for overlay in (0.0, 1.0, 2.0):
        film = lungs(SHAPE, canvas, SPINE, TRUNK._replace(overlay=overlay), np.random.default_rng(3))
        across_spine = film[:, 110:130].mean(axis=1)
        steps.append(np.abs(across_spine[12:] - across_spine[:-12]).max())  # over 6 mm
    assert steps[0] < 0.5 * steps[1] and steps[1] < steps[2]


def test_a_dome_is_higher_in_front(rng):
    y = dome(np.array([-50.0, 65.0]), 100.0, rng)
    assert y[1] < y[0] - 15
