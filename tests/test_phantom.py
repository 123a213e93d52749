"""One patient: effect sizes are what they are called, and boxes lie on the vertebrae."""

import numpy as np
import pandas as pd
import pytest

from ovcf.synthetic.phantom import Effects, draw_findings, portray

PERSON = {"patient_id": "P0001", "age": 74.0, "sex": "female"}


def table(levels, label="fresh"):
    return pd.DataFrame({"level": levels, "label": label, "normal_segment": False, "normal_height": False})


@pytest.mark.parametrize("difficulty, ceiling", [(1.0, 0.5), (0.5, 0.9312), (0.0, 0.9985)])
def test_the_ceiling_is_phi_of_the_separation(difficulty, ceiling):
    assert Effects(difficulty, 0.4, 1.0).ceiling == pytest.approx(ceiling, abs=1e-4)  # pnorm in R


def test_scores_have_the_stated_separation_and_correlation(rng):
    effects, both = Effects(0.4, 0.6, 1.0), table(["T12", "L1"])
    scores = {}
    for label in ("fresh", "old"):
        rows = both.assign(label=label)
        draws = [draw_findings(rows, effects, rng).values() for _ in range(1000)]
        scores[label] = np.array([[finding.score for finding in draw] for draw in draws])
    fresh, old = scores["fresh"], scores["old"]
    assert fresh.mean() - old.mean() == pytest.approx(effects.separation, abs=0.12)
    assert fresh.std(ddof=1) == pytest.approx(1, abs=0.05)
    assert np.corrcoef(fresh.T)[0, 1] == pytest.approx(0.6, abs=0.06)


def test_normal_segments_and_occult_fractures_keep_their_height(rng):
    rows = table(["T12", "L1", "L2"])
    rows = rows.assign(normal_height=[True, False, False], normal_segment=[False, True, False])
    findings = draw_findings(rows, Effects(0.4, 0.4, 1.0), rng)
    assert [f.compressed for f in findings.values()] == [False, False, True]


@pytest.mark.parametrize("levels", [["T5"], ["L5"], ["T5", "L5"], ["L1"]])
def test_boxes_lie_on_the_film_with_room_for_the_margin(levels, rng):
    portrait = portray(PERSON, table(levels), Effects(0.4, 0.4, 1.0), rng)
    h, w = portrait.film.shape
    assert 600 <= h <= 1250 and portrait.film.dtype == np.uint8
    bodies = {body.level: body for body in portrait.bodies}
    for level in levels:
        x0, y0, x1, y1 = portrait.place.box(bodies[level])
        margin = 5 / portrait.scanner.mm_per_px
        assert margin <= x0 and margin <= y0 and x1 + margin <= w and y1 + margin <= h
        assert 45 < x1 - x0 < 130 and 20 < y1 - y0 < 120


def test_a_box_is_brighter_than_the_discs_beside_it():
    contrasts = []
    for seed in range(3):
        portrait = portray(PERSON, table(["L2"]), Effects(0.4, 0.4, 1.0), np.random.default_rng(seed))
        body = next(b for b in portrait.bodies if b.level == "L3")
        x0, y0, x1, y1 = (int(v) for v in portrait.place.box(body))
        inner = portrait.film[y0 + 12 : y1 - 12, x0 + 12 : x1 - 12].mean()
        beside = portrait.film[y0 + 12 : y1 - 12, :]
        contrasts.append(inner - beside.mean())
    assert min(contrasts) > 5


def test_a_patient_is_made_by_the_generator_alone():
    effects, rows = Effects(0.4, 0.4, 1.0), table(["L1"])
    films = [portray(PERSON, rows, effects, np.random.default_rng(9)).film for _ in range(2)]
    assert (films[0] == films[1]).all()
