"""Spines: sizes, collapse, boxes, and that signs come from the score alone."""

import numpy as np
import pytest

from ovcf.synthetic.anatomy import BODIES, Finding, build_spine, draw_losses, draw_signs

PLAIN = {"scale": 1.0, "kyphosis": 1.0, "lordosis": 1.0, "disc": 1.0, "wear": 0.5}


def spine(fractures=None, seed=0):
    bodies = build_spine(fractures or {}, rng=np.random.default_rng(seed), **PLAIN)
    return {body.level: body for body in bodies}


def test_bodies_stack_upward_without_overlap():
    bodies = list(spine().values())
    assert [body.level for body in bodies] == list(BODIES)
    for above, below in zip(bodies, bodies[1:], strict=False):
        apart = np.hypot(above.x - below.x, above.y - below.y)
        assert above.y < below.y and apart > 0.9 * (above.height + below.height) / 2


@pytest.mark.parametrize("level, height, depth", [("T5", 20, 28), ("L5", 28, 36)])
def test_intact_bodies_have_adult_sizes(level, height, depth):
    body = spine()[level]
    assert body.height == pytest.approx(height, rel=0.06) and body.depth == pytest.approx(depth, rel=0.06)
    back, middle, front = body.heights()
    assert middle < back and abs(back - front) < 0.5  # both endplates are cupped, none is wedged


def test_a_compressed_body_is_lower_and_an_occult_one_is_not():
    crushed = spine({"L1": Finding(0.0)})["L1"]
    occult = spine({"L1": Finding(0.0, compressed=False)})["L1"]
    assert min(crushed.heights()) < 0.85 * crushed.height
    assert min(occult.heights()) > 0.75 * occult.height and sum(occult.loss_upper + occult.loss_lower) == 0


def test_box_holds_the_outline_and_no_more():
    body = spine({"T12": Finding(-2.0)})["T12"]
    x0, y0, x1, y1 = body.box()
    u = np.linspace(-1, 1, 101)
    x, y = body.to_film(u * body.depth / 2, body.upper(u))
    assert x0 <= x.min() and x.max() <= x1 and y0 <= y.min() + 1e-6 and y.max() <= y1
    assert body.depth * 0.8 < x1 - x0 < body.depth * 1.4 and y1 - y0 < body.height * 1.5


def test_signs_lean_with_the_score(rng):
    fresh = np.mean([draw_signs(Finding(1.5), rng) for _ in range(300)], axis=0)
    old = np.mean([draw_signs(Finding(-1.5), rng) for _ in range(300)], axis=0)
    assert (fresh[:4] > 2 * old[:4]).all() and (old[4:] > 2 * fresh[4:]).all()


def test_signs_at_a_score_of_zero_show_both_ages(rng):
    mean = np.mean([draw_signs(Finding(0.0), rng) for _ in range(300)], axis=0)
    assert (mean > 0.1).all()


def test_a_full_share_makes_a_patients_signs_alike():
    habit = tuple(np.random.default_rng(5).standard_normal(7))
    finding = Finding(0.3, habit=habit, share=1.0)
    first, second = (draw_signs(finding, np.random.default_rng(s)) for s in (1, 2))
    assert first == second


def test_height_loss_never_exceeds_the_body(rng):
    losses = [draw_losses(score, 25.0, rng) for score in np.linspace(-4, 4, 200)]
    total = np.array(losses).sum(axis=1)  # upper and lower: back, middle, front
    assert (total >= 0).all() and total.max() < 25 * 0.7
