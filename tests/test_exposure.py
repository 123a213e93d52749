"""From attenuation to grey: bone bright, air dark, noise where little light arrives."""

import numpy as np
import pytest

from ovcf.synthetic.exposure import SCANNERS, expose


@pytest.fixture
def block():
    """A trunk of 5 with a bony square of 5.8 in it and air at the right edge."""
    attenuation = np.full((240, 200), 5.0, np.float32)
    attenuation[80:140, 60:120] += 0.8
    attenuation[:, 170:] = 0.0
    return attenuation


@pytest.mark.parametrize("scanner", SCANNERS, ids=lambda s: s.name)
def test_bone_is_brighter_than_soft_tissue_and_air_is_dark(block, scanner, rng):
    film = expose(block, scanner, rng)
    assert film.dtype == np.uint8 and film.shape == block.shape
    bone, soft, air = film[95:125, 75:105].mean(), film[180:220, 60:120].mean(), film[100:140, 182:190].mean()
    assert bone > soft + 15 and air < soft


def test_mirrored_turns_the_patient(block):
    film = expose(block, SCANNERS[0], np.random.default_rng(1), mirrored=True)
    assert film[95:125, 95:125].mean() > film[180:220, 80:140].mean() + 10  # the bone
    assert film[100:140, 12:20].mean() < film[180:220, 80:140].mean()  # the air, now at the left


def test_noise_grows_where_little_light_arrives(block):
    thick = block + np.linspace(0, 2.5, 240, dtype=np.float32)[:, None]
    film = expose(thick, SCANNERS[2]._replace(noise=0.03), np.random.default_rng(0)).astype(float)
    grain = np.abs(np.diff(film[:, 20:50], axis=1)).mean(axis=1)
    assert grain[185:215].mean() > 1.1 * grain[25:55].mean()


def test_the_same_generator_gives_the_same_film(block):
    first, second = (expose(block, SCANNERS[1], np.random.default_rng(7)) for _ in range(2))
    assert (first == second).all()
