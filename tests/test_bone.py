"""The shadow of one vertebra: where it is, where it is bright, and that it fades without steps."""

import numpy as np
import pytest

from ovcf.synthetic.anatomy import Body, Signs
from ovcf.synthetic.bone import Bones, Canvas, add_vertebra, body_shadow

NONE = (0.0, 0.0, 0.0)


@pytest.fixture
def body():
    return Body("L2", 0.0, 0.0, 0.0, 28.0, 34.0, 43.0, NONE, NONE, 1.0, 1.5, Signs())


@pytest.fixture
def bones(rng):
    return Bones(1.0, 0.0, 0.8, 0.0, rng.standard_normal((64, 64)).astype(np.float32))


def shadow(body, bones, seed=0):
    y, x = np.mgrid[-25:25:0.4, -25:25:0.4].astype(np.float32)
    return x, y, body_shadow(body, bones, x, y, 0.5, 0.4, np.random.default_rng(seed))


def test_outside_there_is_nothing_and_inside_there_is_bone(body, bones):
    x, y, film = shadow(body, bones)
    assert np.abs(film[(np.abs(x) > 21) | (np.abs(y) > 19)]).max() < 0.02
    assert 0.3 < film[(np.abs(x) < 8) & (np.abs(y) < 6)].mean() < 1.5


def test_endplates_are_brighter_than_the_middle(body, bones):
    x, y, film = shadow(body, bones)
    column = film[:, np.abs(x[0]) < 5].mean(axis=1)
    assert column.max() > 1.25 * column[np.abs(y[:, 0]) < 4].mean()
    assert 10 < abs(y[column.argmax(), 0]) < 15


def test_edges_are_ramps_of_several_pixels(body, bones):
    _, _, film = shadow(body, bones)
    assert np.abs(np.diff(film, axis=0)).max() < 0.75 * film.max()


def test_sclerosis_and_band_add_density(body, bones):
    _, _, plain = shadow(body, bones)
    for signs in (Signs(sclerosis=1.5), Signs(band=1.5)):
        assert shadow(body._replace(signs=signs), bones)[2].sum() > 1.02 * plain.sum()


def test_a_fracture_line_takes_density_away(body, bones):
    _, _, plain = shadow(body, bones)
    _, _, broken = shadow(body._replace(signs=Signs(line=1.5)), bones)
    assert (broken - plain).min() < -0.08


def test_canvas_window_is_clipped_and_in_mm():
    canvas = Canvas(np.zeros((100, 80), np.float32), -10.0, 20.0, 0.5)
    (rows, columns), x, y = canvas.window(-100, 25.0, 0.0, 30.0)
    assert (columns.start, rows.start, rows.stop) == (0, 10, 20)
    assert x.shape == (1, columns.stop) and y.shape == (10, 1)
    assert x[0, 0] == pytest.approx(-9.75) and y[0, 0] == pytest.approx(25.25)


def test_a_vertebra_off_the_film_changes_nothing(body, bones, rng):
    canvas = Canvas(np.zeros((50, 50), np.float32), 500.0, 500.0, 0.5)
    add_vertebra(canvas, body, bones, 0.0, rng)
    assert not canvas.pixels.any()


def test_the_arch_lies_behind_the_body(body, bones, rng):
    canvas = Canvas(np.zeros((300, 300), np.float32), -75.0, -60.0, 0.5)
    add_vertebra(canvas, body, bones, 0.0, rng)
    assert canvas.pixels[:, 30:110].sum() > 50 and canvas.pixels[:, 200:].sum() < 5
