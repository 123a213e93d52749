"""The weave: a fine pattern in the muscle around all vertebrae of one synthetic patient.

It is an exaggeration of what fat in muscle does on real films: a look that stays whatever is done to the greys. Bone,
and with it every sign of fresh and old, is left as it is. The pattern says nothing of fresh or old: a network can know
a patient by it, and so a patient's answer where another vertebra of the patient was trained on. It serves to see
leakage between folds, and is drawn where it is asked for.
"""

import numpy as np
from numpy.typing import NDArray

TILE = 432  # side in steps; a film that is larger repeats it
STEP = 0.42  # mm
PERIODS = (1.7, 6.0)  # mm between one thread and the next
LAYERS = 2


def weave(shape: tuple[int, int], mm_per_px: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return one patient's weave over a film (h, w), of mean 0 and variance about 1.

    Two layers of threads: each has a period, a direction, a width of its band, how far it is drawn out, and a form
    (waves, nets or grains), all drawn for this patient.
    """
    tile = sum(rng.uniform(0.4, 1) * _layer(rng) for _ in range(LAYERS))
    tile = (tile / tile.std()).astype(np.float32)
    rows, columns = ((np.arange(n) * (mm_per_px / STEP)).astype(int) % TILE for n in shape)
    return tile[rows[:, None], columns]


def _layer(rng):
    """One layer of threads (TILE, TILE): noise of one band of periods and directions, brought into its form."""
    period = np.exp(rng.uniform(*np.log(PERIODS))) / STEP  # in steps
    turn, width, drawn_out = rng.uniform(0, np.pi), rng.uniform(0.15, 0.6), np.exp(rng.uniform(0, 1.5))
    fy, fx = np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None, :]
    along, across = fx * np.cos(turn) + fy * np.sin(turn), fy * np.cos(turn) - fx * np.sin(turn)
    octaves = np.log(np.maximum(np.hypot(along, across * drawn_out), 1e-4) * period) / width
    spectrum = np.fft.rfft2(rng.standard_normal((TILE, TILE), dtype=np.float32)) * np.exp(-0.5 * octaves**2)
    waves = np.fft.irfft2(spectrum, s=(TILE, TILE))
    waves /= waves.std()
    form = (lambda w: w, lambda w: 1 - 2 * np.exp(-((w / 0.35) ** 2)), lambda w: np.maximum(w - 0.7, 0))
    layer = form[rng.integers(3)](waves)
    return (layer - layer.mean()) / layer.std()
