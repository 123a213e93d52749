"""The weave: a patient's own, the same for all their vertebrae, none unless asked for."""

import numpy as np
import pandas as pd
import pytest

from ovcf.synthetic.phantom import Effects, portray
from ovcf.synthetic.weave import weave

PERSON = {"patient_id": "P0001", "age": 74.0, "sex": "female"}


def film(label="fresh", **effects):
    rows = pd.DataFrame({"level": ["L1"], "label": label, "normal_segment": False, "normal_height": False})
    return portray(PERSON, rows, Effects(**effects), np.random.default_rng(4)).film.astype(int)


def spectrum(pattern):
    """Share of the variance by frequency, which does not depend on where a patch lies in the pattern."""
    power = np.abs(np.fft.rfft2(pattern - pattern.mean())) ** 2
    bands = power.reshape(16, -1, power.shape[1])[:, :, :-1].mean(1)  # (16, half)
    bands = bands.reshape(16, 8, -1).mean(2)
    return (bands / bands.sum()).ravel()


def test_its_mean_is_nothing_and_its_strength_as_stated():
    pattern = weave((500, 450), 0.42, np.random.default_rng(1))
    assert abs(pattern.mean()) < 0.05 and pattern.std(ddof=0) == pytest.approx(1, abs=0.05)


def test_patches_of_one_patient_are_more_alike_than_those_of_two():
    patients = [weave((256, 128), 0.42, np.random.default_rng(seed)) for seed in range(12)]
    upper, lower = (np.array([spectrum(p[part]) for p in patients]) for part in (slice(128), slice(128, 256)))
    alike = np.corrcoef(upper, lower)[:12, 12:]
    assert (alike.argmax(axis=1) == np.arange(12)).sum() >= 10  # each knows its other half; by chance 1 of 12


def test_a_film_without_it_is_drawn_as_before_and_with_it_keeps_everything_else():
    plain, woven = film(), film(weave=0.3)
    assert (film(weave=0.0) == plain).all() and plain.shape == woven.shape and (plain != woven).mean() > 0.5
    smooth = [part[: len(part) // 40 * 40].reshape(-1, 40, part.shape[1]).mean(1) for part in (plain, woven)]
    assert np.corrcoef(smooth[0].ravel(), smooth[1].ravel())[0, 1] > 0.9


def test_it_lies_beside_bone_and_leaves_the_signs_in_it():
    rows = pd.DataFrame({"level": ["L1"], "label": "fresh", "normal_segment": False, "normal_height": False})
    plain, woven = (portray(PERSON, rows, Effects(weave=strength), np.random.default_rng(4)) for strength in (0.0, 0.8))
    body = next(body for body in plain.bodies if body.level == "L1")
    x0, y0, x1, y1 = (int(v) for v in plain.place.box(body))
    w, h = (x1 - x0) // 4, (y1 - y0) // 4
    grain = [np.abs(np.diff(portrait.film.astype(int), axis=0)) for portrait in (plain, woven)]  # (2, h, w)
    beside = (slice(x0 - w, x0 - w // 2), slice(x1 + w // 2, x1 + w))
    inside = [g[y0 + h : y1 - h, x0 + w : x1 - w].mean() for g in grain]
    around = [np.concatenate([g[y0:y1, part].ravel() for part in beside]).mean() for g in grain]
    assert around[1] > 2 * around[0] and inside[1] < 1.2 * inside[0]
