"""From attenuation to a film: scatter, focus, quantum noise, and each scanner's processing."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from ovcf.synthetic.surroundings import blur, enlarge


class Scanner(NamedTuple):
    """An imaging system. Lengths in mm."""

    name: str
    mm_per_px: float
    focus: float  # blur
    scatter: float  # share of the detected light
    noise: float  # relative quantum noise at the film's mean exposure
    flatten: float  # share of the broad contrast taken out by processing
    local: float  # gain on detail of about a centimetre
    sharpen: float  # edge enhancement
    gamma: float
    shutter: bool  # black borders outside the collimation


SCANNERS = (
    Scanner("Synthetic CR A", 0.42, 0.38, 0.42, 0.016, 0.50, 0.5, 0.5, 1.0, False),
    Scanner("Synthetic DR B", 0.40, 0.24, 0.30, 0.012, 0.64, 0.7, 0.6, 1.1, True),
    Scanner("Synthetic DR C", 0.45, 0.30, 0.35, 0.013, 0.63, 0.2, 0.3, 0.9, True),
)


def expose(attenuation: NDArray, scanner: Scanner, rng: np.random.Generator, *, mirrored: bool = False) -> Any:
    """Return the film that a scanner makes of an attenuation map.

    Parameters
    ----------
    attenuation : float array (h, w)
        Natural log units; bone is high.
    scanner : Scanner
    rng : numpy Generator
        Exposure, collimation and noise of this patient.
    mirrored : bool
        Turn the patient to face left; the lead letter stays readable.

    Returns
    -------
    uint8 array (h, w)
        Bone bright.
    """
    light = _detected(attenuation - np.median(attenuation), scanner, rng)
    film = -np.log(light)
    broad = _broad(film, 26 / scanner.mm_per_px)
    film += scanner.local * (film - _broad(film, 7 / scanner.mm_per_px)) - scanner.flatten * broad
    film += scanner.sharpen * (film - gaussian_filter(film, 1.3 / scanner.mm_per_px, truncate=2.5))
    # The window is set on the patient, not on the air behind.
    body = film[::3, ::3][attenuation[::3, ::3] > 2.0]
    low, high = np.quantile(body, (rng.uniform(0.04, 0.14), 0.997))
    tone = np.clip((film - low) / (high - low), -1, 1.6)
    tone = 0.10 * np.log1p(np.exp((tone + 0.08) / 0.10)) / 1.08  # soft toe
    tone = tone ** (scanner.gamma * rng.uniform(0.85, 1.2))
    grey = 250 * (1 - np.exp(-0.8 * tone)) / (1 - np.exp(-0.8)) * rng.uniform(0.86, 1.0)  # slow shoulder
    grey = grey[:, ::-1] if mirrored else grey
    return _collimate(np.clip(grey, 0, 255), scanner, rng).astype(np.uint8)


def _detected(attenuation, scanner, rng):
    """Return relative detected light: primary and scatter, blurred by the focus, with quantum noise."""
    primary = np.exp(-np.clip(attenuation, -3.5, 6)).astype(np.float32)
    primary = gaussian_filter(primary, scanner.focus / scanner.mm_per_px, truncate=3)
    scattered = _broad(primary, 28 / scanner.mm_per_px)
    light = (1 - scanner.scatter) * primary + scanner.scatter * scattered
    dose = float(np.exp(rng.normal(0, 0.55)))  # a patient's films share their grain
    grain = rng.standard_normal(light.shape, dtype=np.float32)
    noise = grain * scanner.noise * np.sqrt(np.maximum(light, 1e-3) / dose)
    return np.maximum(light + noise, 0.01)


def _broad(image, sigma):
    """Return the image blurred widely, computed at an eighth of its size."""
    h, w = image.shape
    small = Image.fromarray(image).resize((max(w // 8, 1), max(h // 8, 1)), Image.Resampling.BOX)
    return enlarge(gaussian_filter(np.asarray(small), sigma / 8, mode="nearest"), (h, w))


def _collimate(grey, scanner, rng):
    """Darken what lies outside a slightly turned rectangle, and put a lead letter by its edge."""
    h, w = grey.shape
    mask = Image.new("L", (w, h))
    inset = rng.uniform(0.0, 0.035, 4) * (w, h, w, h)
    turn = rng.normal(0, 0.006)
    left, top, right, bottom = inset[0], inset[1], w - inset[2], h - inset[3]
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    turned = [(x + turn * (y - h / 2), y - turn * (x - w / 2)) for x, y in corners]
    ImageDraw.Draw(mask).polygon(turned, fill=255)
    soft = gaussian_filter(np.asarray(mask, np.float32) / 255, 0.8 if scanner.shutter else 1.8, truncate=2.5)
    floor = 3.0 if scanner.shutter else 14.0
    return _letter(floor + (grey - floor) * soft, scanner, rng)


def _letter(grey, scanner, rng):
    """Put a lead L (left side to the detector) near an upper corner, a little askew, as technologists do."""
    h, w = grey.shape
    layer = Image.new("L", (w, h))
    size, turn = 9 / scanner.mm_per_px, rng.normal(0, 0.15)
    at = np.array([w * rng.choice((0.08, 0.88)), h * rng.uniform(0.05, 0.12)])
    along = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    strokes = np.array([(0, 0), (0, 1), (0.6, 1)]) * size @ along + at
    ImageDraw.Draw(layer).line([tuple(p) for p in strokes], fill=255, width=max(int(size / 6), 2))
    lead = blur(np.asarray(layer, np.float32) / 255, 0.7)
    return grey + (248 - grey) * lead * (rng.random() < 0.7)
