"""Boxes proposed along the spine: by hand on straight and bent spines, and measured on synthetic and real films."""

import math

import numpy as np
import pandas as pd
import pytest
from annotation import first_proposals, real_films, synthetic_films

from ovcf.annotation.spine import Seen, along_the_spine, level_between, propose, shifted, spacing


def body(x, y, width=50.0, height=40.0, level=""):
    return Seen((x - width / 2, y - height / 2, x + width / 2, y + height / 2), level)


def test_nothing_is_proposed_before_two_boxes():
    assert propose([]) == [] and propose([body(100, 100, level="T12")]) == []


def test_a_straight_spine_goes_on_straight_and_a_little_wider_downwards():
    seen = [body(100, 100, level="T9"), body(100, 150, level="T10")]
    down, up = propose(seen, 2), propose(seen, 2, down=False)
    assert [p.level for p in down] == ["T11", "T12"] and [p.level for p in up] == ["T8", "T7"]
    centres = [(p.box[1] + p.box[3]) / 2 for p in down]
    assert centres == pytest.approx([150 + 50 * 1.05, 150 + 50 * 1.05 + 50 * 1.05**2], abs=0.2)
    assert all((p.box[0] + p.box[2]) / 2 == pytest.approx(100, abs=0.1) for p in down + up)
    assert down[1].box[2] - down[1].box[0] > 50 > up[1].box[2] - up[1].box[0]


def test_a_bent_spine_is_followed_around_its_bend():
    angles = np.deg2rad([0, 4, 8, 12, 16])
    points = np.cumsum(np.column_stack([np.sin(angles), np.cos(angles)]) * 50, axis=0) + 100
    seen = [body(*point) for point in points[:3]]
    bent, straight = propose(seen, 2)[1].box, propose(seen[1:], 2)[1].box
    true_x = points[4][0]
    assert abs((bent[0] + bent[2]) / 2 - true_x) < abs((straight[0] + straight[2]) / 2 - true_x)


def test_proposals_end_at_l5_and_at_the_films_border():
    seen = [body(100, 100, level="L3"), body(100, 150, level="L4")]
    assert [p.level for p in propose(seen, 3)] == ["L5"]
    film = np.zeros((230, 200), np.float32)
    assert len(propose([body(100, 100), body(100, 150)], 3, pixels=film)) == 1


def test_a_gap_in_the_marks_is_counted_as_levels_not_as_one_long_step():
    seen = [body(100, 100, level="T9"), body(100, 200, level="T11")]
    box = propose(seen, 1)[0].box
    assert (box[1] + box[3]) / 2 == pytest.approx(200 + 50 * 1.05, abs=0.2)


def test_a_level_is_counted_from_the_nearest_known_one():
    known = [body(100, 100, level="T12"), body(100, 150)]
    assert level_between(body(100, 200).box, known) == "L2"
    assert level_between(body(100, 50).box, known) == "T11"
    assert level_between(body(100, 50).box, [body(100, 100)]) == "" and shifted("L5", 1) == ""
    assert spacing(known) == 50 and along_the_spine(known[::-1]) == known


def test_a_film_moves_a_proposal_to_where_the_next_body_is(rng):
    film = rng.normal(0.2, 0.01, (400, 300)).astype(np.float32)
    places = [(150, 80), (150, 130), (158, 182), (170, 232)]
    for x, y in places:
        film[y - 18 : y + 18, x - 24 : x + 24] += 0.5
    seen = [body(x, y, 48, 36) for x, y in places[:2]]
    for pixels, most in ((None, math.inf), (film, 4)):
        boxes = [p.box for p in propose(seen, 2, pixels=pixels)]
        off = [
            math.dist(((b[0] + b[2]) / 2, (b[1] + b[3]) / 2), place) for b, place in zip(boxes, places[2:], strict=True)
        ]
        assert max(off) < most
    assert max(off) < 4


def test_on_synthetic_films_the_next_three_are_found_and_counted_rightly():
    """The short form of benchmarks/annotation.py, which takes 100 films: IoU above 0.5, the level right in 95 %."""
    found = pd.concat([first_proposals(*film) for film in synthetic_films(6, seed=7)])
    assert found["iou"].median() > 0.5 and found["level_right"].mean() >= 0.9 and len(found) >= 60


def test_on_real_frontal_films_the_next_three_are_found(shared):
    found = pd.concat([first_proposals(*film) for film in real_films(shared / "real")[::12]])
    assert found["iou"].median() > 0.5 and found["level_right"].mean() > 0.8
