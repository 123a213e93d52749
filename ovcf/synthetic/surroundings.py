"""What lies over and around a synthetic spine: trunk, lungs, diaphragm, ribs, bowel, aorta, pelvis.

All functions return attenuation (natural log units) for a whole film, to be added to the bones. Broad things
are made at a third of the resolution and enlarged; only edges that are sharp on a real film are drawn at full
size.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

SOFT, LUNG = 0.0195, 0.0060  # per mm, about 80 kV, scatter included elsewhere
AIR = 58.0  # lung on one side of the spine, mm
COARSE = 3


class Trunk(NamedTuple):
    """What this patient's trunk is like, lengths in mm."""

    breadth: float  # left to right
    front: float  # spine to belly
    rear: float  # spine to the skin of the back
    diaphragm: float  # y of the domes' posterior roots on the film
    overlay: float  # strength of the diaphragm's shadow, 1 = usual
    gas: float  # amount of bowel gas
    calcified: float  # aortic wall calcification


def soft_tissue(shape: tuple[int, int], canvas: Any, spine: Any, trunk: Any, rng: np.random.Generator) -> NDArray:
    """Return the trunk's attenuation: denser abdomen below the domes, dark lung above, skin behind.

    Parameters
    ----------
    shape : (h, w)
    canvas : Canvas
        Gives the pixels' place in mm.
    spine : float array (n, 2)
        (x, y) of the bodies' centres from top to bottom, mm.
    trunk : Trunk

    Returns
    -------
    float32 array (h, w)
    """
    h, w = shape
    step = canvas.mm_per_px * COARSE
    y = canvas.top + (np.arange(-(-h // COARSE)) + 0.5) * step
    x = canvas.left + (np.arange(-(-w // COARSE)) + 0.5) * step
    forward = x[None, :] - _axis(y, spine)[:, None]
    seat = 1 + np.clip((y - spine[-5, 1]) / 60, 0, 1.5)[:, None]  # the back swells below L4
    forward = np.where(forward < 0, forward / seat, forward)
    across = _breadth(forward, trunk) * (1 + 0.02 * fractal(forward.shape, rng, (14, 28, 56)))
    muscle = 14 * np.exp(-(((forward + 48) / 20) ** 2))  # erector spinae, thick on both sides
    bowel = 0.05 * fractal((h // 2 + 1, w // 2 + 1), rng, (8, 15, 30))
    clutter = 0.03 * fractal((h // 2 + 1, w // 2 + 1), rng, (3, 7, 16, 36))  # fat planes, muscle
    belly = _edge(forward - 26, 8) * _edge(y[:, None] - trunk.diaphragm - 20, 15)
    loops = enlarge(bowel, shape) * enlarge(belly, shape) + enlarge(clutter, shape)
    return enlarge(SOFT * (across + muscle), shape) + loops


def _axis(y, spine):
    """Return x of the trunk's axis at heights y: it follows the spine's bends only in part, as skin does."""
    straight = np.polyval(np.polyfit(spine[:-2, 1], spine[:-2, 0], 2), np.clip(y, spine[0, 1], spine[-3, 1]))
    return 0.35 * np.interp(y, spine[:-2, 1], spine[:-2, 0]) + 0.65 * straight


def _breadth(forward, trunk):
    """Left-to-right thickness of the trunk at a distance in front of the spine, mm."""
    middle = (trunk.front - trunk.rear) / 2
    half = (trunk.front + trunk.rear) / 2
    return trunk.breadth * np.clip(1 - np.abs((forward - middle) / half) ** 2.6, 0, 1) ** 0.5


def lungs(shape: tuple[int, int], canvas: Any, spine: Any, trunk: Any, rng: np.random.Generator) -> NDArray:
    """Return the (negative) attenuation of air: lungs above two diaphragm domes, with vessels and a heart.

    Below a dome's edge the organs under it come in as the chord of a sphere, 2 sqrt(2 R depth): a crisp edge
    that deepens slowly, which is what crosses T10 to L1 on a lateral film. `trunk.overlay` scales that chord.
    """
    h, w = shape
    y = (canvas.top + (np.arange(h, dtype=np.float32) + 0.5) * canvas.mm_per_px)[:, None]
    x = (canvas.left + (np.arange(w, dtype=np.float32) + 0.5) * canvas.mm_per_px)[None, :]
    forward = x - np.interp(y, spine[:, 1], spine[:, 0]).astype(np.float32)
    air = np.zeros(shape, np.float32)
    for side in (-1, 1):
        depth = y - dome(forward[h // 2], trunk.diaphragm + side * rng.uniform(3, 11), rng)[None, :]
        chord = 2 * np.sqrt(2 * 75 * np.clip(depth + 0.6 * _ripple(shape, rng), 0, 40))
        edgeless = max(1 - trunk.overlay, 0) * np.clip(depth + 60, 0, 120) / 120 * AIR
        air += np.clip(AIR - trunk.overlay * chord - edgeless, 0, AIR)
    wall = _edge(forward + trunk.rear - 24, 4)
    near_spine = 1 - 0.32 * np.exp(-((forward / 24) ** 2))
    beside_heart = ((forward - 95) / 42) ** 2 + ((y - trunk.diaphragm + 60) / 60) ** 2
    heart = 1 - 0.55 * np.exp(-beside_heart)
    open_air = wall * near_spine * heart * air / (2 * AIR)
    haze = 1 + 0.03 * enlarge(fractal((h // 4 + 1, w // 4 + 1), rng, (3, 7, 16)), shape)
    return open_air * (_vessels(shape, canvas, spine, trunk, rng) - (SOFT - LUNG) * 2 * AIR * haze)


def _vessels(shape, canvas, spine, trunk, rng):
    """Return the attenuation of lung vessels: thin branches that wander away from the hilum."""
    layer = Image.new("F", shape[::-1])
    draw = ImageDraw.Draw(layer)
    hilum = np.array([np.interp(trunk.diaphragm - 120, spine[:, 1], spine[:, 0]) + 62, trunk.diaphragm - 120])
    for _ in range(70):
        angle, at, wide = rng.uniform(0, 2 * np.pi), hilum + rng.normal(0, 14, 2), rng.uniform(1.5, 5.0)
        for _ in range(rng.integers(4, 9)):
            angle += rng.normal(0, 0.35)
            to = at + rng.uniform(8, 20) * np.array([np.cos(angle), np.sin(angle)])
            ends = [tuple((p - (canvas.left, canvas.top)) / canvas.mm_per_px) for p in (at, to)]
            draw.line(ends, fill=0.045 * wide, width=max(int(wide / canvas.mm_per_px), 1))
            at, wide = to, wide * 0.8
    return blur(np.asarray(layer), 0.8 / canvas.mm_per_px)


def dome(forward: Any, root: Any, rng: np.random.Generator) -> NDArray:
    """Return y of a diaphragm dome at distances in front of the spine: high in front, low behind."""
    peak, height = rng.uniform(45, 90), rng.uniform(22, 58)
    fall = rng.uniform(0.1, 0.5) * np.clip(-forward, 0, 60)
    return root - height * np.exp(-(((forward - peak) / rng.uniform(45, 75)) ** 2)) + fall


def _ripple(shape, rng):
    """A slow unevenness so that a dome's edge is no mathematical curve."""
    return enlarge(fractal((shape[0] // 16 + 2, shape[1] // 16 + 2), rng, (3, 6)), shape)


def _edge(distance, width):
    """Smooth step from 0 to 1 as a distance (mm) grows through zero."""
    return 1 / (1 + np.exp(-np.clip(distance / width, -30, 30)))


def ribs(shape: tuple[int, int], canvas: Any, bodies: Any, rng: np.random.Generator, strength: float = 1.0) -> NDArray:
    """Return the attenuation of both sides' ribs: tubes that run back, turn, and cross the spine."""
    total = np.zeros(shape, np.float32)
    thoracic = [body for body in bodies if body.level[0] == "T"]
    for side in (0.97, 1.04):  # the side far from the detector is larger
        layer = Image.new("F", shape[::-1])
        draw = ImageDraw.Draw(layer)
        for body in thoracic:
            _draw_rib(draw, canvas, body, side, rng)
        total += blur(np.asarray(layer), 0.55 / canvas.mm_per_px)
    return strength * total


def _draw_rib(draw, canvas, body, side, rng):
    """Draw one rib as nested strokes, cortex outside and marrow inside; floating ribs are short."""
    number = int(body.level[1:])
    length = 1.0 if number < 11 else (0.45, 0.25)[number - 11]
    drop, dense = side * rng.uniform(0.8, 1.15), rng.uniform(0.45, 0.8)
    points = np.array([(-body.depth * 0.45, -body.height * 0.42), (-30, -body.height * 0.62), (-52, 8),
                       (-38, 42 * drop), (10, 78 * drop), (62, 108 * drop), (110, 122 * drop)])  # fmt: skip
    curve = _bezier(points * (side, 1), 40)[: int(40 * length) + 1]
    pixels = (curve + (body.x - canvas.left, body.y - canvas.top)) / canvas.mm_per_px
    wide = (7.5 if number < 11 else 5.5) * rng.uniform(0.85, 1.15) / canvas.mm_per_px
    line = [tuple(point) for point in _on_film(pixels, canvas.pixels.shape, wide).tolist()]
    if len(line) < 2:
        return  # beside the film
    for width, value in ((wide, 0.26), (wide - 2.6 / canvas.mm_per_px, 0.15), (wide * 0.3, 0.13)):
        draw.line(line, fill=dense * value, width=max(int(round(width)), 1), joint="curve")


def _on_film(points, shape, wide):
    """The points (x, y) of a stroke from the first to the last whose line, so wide, may touch a film (h, w)."""
    far = wide + np.abs(np.diff(points, axis=0)).max()
    at = np.flatnonzero(((points > -far) & (points < far + np.array(shape[::-1]))).all(axis=1))
    return points[at[0] : at[-1] + 1] if at.size else points[:0]


def _bezier(points, n):
    """Return n + 1 points of the Bezier curve with the given control points."""
    t = np.linspace(0, 1, n + 1)[:, None, None]
    points = np.broadcast_to(points, (n + 1, *points.shape)).astype(float)
    while points.shape[1] > 1:
        points = points[:, :-1] * (1 - t) + points[:, 1:] * t
    return points[:, 0]


def abdomen(shape: tuple[int, int], canvas: Any, spine: Any, trunk: Any, rng: np.random.Generator) -> NDArray:
    """Return bowel gas (negative, in front of the lumbar spine) and flecks of aortic calcification."""
    h, w = shape
    scale = canvas.mm_per_px
    layer = Image.new("F", (w, h))
    draw = ImageDraw.Draw(layer)
    for _ in range(rng.poisson(7 * trunk.gas)):
        at = rng.uniform(trunk.diaphragm + 45, spine[-3, 1] + 60)
        x = np.interp(at, spine[:, 1], spine[:, 0]) + rng.uniform(38, 120)
        depth, middle = -rng.uniform(0.1, 0.4), np.array([x - canvas.left, at - canvas.top]) / scale
        for _ in range(rng.integers(3, 8)):  # a loop of bowel is several pockets in a row
            size = rng.uniform(3, 11, 2) / scale
            draw.ellipse([*(middle - size), *(middle + size)], fill=depth * rng.uniform(0.6, 1.2))
            middle = middle + rng.normal(0, 8, 2) / scale
    gas = blur(np.asarray(layer), 2.0 / scale)
    return gas + _calcification(shape, canvas, spine, trunk, rng)


def _calcification(shape, canvas, spine, trunk, rng):
    """Return flecks along the two walls of the abdominal aorta, in front of L2 to L4."""
    layer = Image.new("F", shape[::-1])
    draw = ImageDraw.Draw(layer)
    low, high = spine[-7, 1], spine[-4, 1]
    for wall in (26.0, 44.0):
        for _ in range(rng.poisson(9 * trunk.calcified)):
            y = rng.uniform(low, high)
            x = np.interp(y, spine[:, 1], spine[:, 0]) + wall + rng.normal(0, 1.2)
            steps = np.cumsum(rng.normal((0.1, 1.5), 0.5, (rng.integers(2, 6), 2)), axis=0)
            points = (steps + (x - canvas.left, y - canvas.top)) / canvas.mm_per_px
            width = int(rng.integers(1, 4))
            draw.line([tuple(point) for point in points], fill=rng.uniform(0.1, 0.3), width=width)
    return blur(np.asarray(layer), 0.45 / canvas.mm_per_px)


def pelvis(shape: tuple[int, int], canvas: Any, sacrum: Any, rng: np.random.Generator) -> NDArray:
    """Return the iliac wings that lie over L5 and the sacrum: two broad shadows with bright crests."""
    total = np.zeros(shape, np.float32)
    for _ in range(2):
        shift = rng.normal(0, 5, (6, 2)) + rng.normal(0, 5, 2)
        points = np.array([(-62, 60), (-58, -5), (-20, -38), (22, -30), (48, 5), (40, 70)]) + shift
        curve = _bezier(points, 40) + (sacrum.x, sacrum.y)
        pixels = [tuple((p - (canvas.left, canvas.top)) / canvas.mm_per_px) for p in curve]
        layer = Image.new("F", shape[::-1])
        draw = ImageDraw.Draw(layer)
        draw.polygon(pixels, fill=0.12)
        draw.line(pixels, fill=0.2, width=max(int(2.2 / canvas.mm_per_px), 1), joint="curve")
        total += blur(np.asarray(layer), 0.9 / canvas.mm_per_px)
    return total


def fractal(shape: tuple[int, int], rng: np.random.Generator, periods: Any) -> NDArray:
    """Return noise of unit variance summed over scales, each smooth over `period` pixels."""
    total = np.zeros(shape, np.float32)
    for period in periods:
        small = rng.standard_normal([max(n // period, 1) + 3 for n in shape]).astype(np.float32)
        total += enlarge(small, (shape[0] + period, shape[1] + period))[: shape[0], : shape[1]]
    return total / np.float32(max(total.std(), 1e-6))


def blur(layer: NDArray, sigma: float) -> NDArray:
    """Return a drawing blurred by a Gaussian (pixels), working only on the part that holds anything."""
    rows, columns = (np.flatnonzero(layer.any(axis=axis)) for axis in (1, 0))
    out = np.zeros_like(layer)
    if rows.size:
        pad = int(3 * sigma) + 2
        top, left = max(rows[0] - pad, 0), max(columns[0] - pad, 0)
        part = slice(top, rows[-1] + pad), slice(left, columns[-1] + pad)
        out[part] = gaussian_filter(layer[part], sigma, truncate=2.7)
    return out


def enlarge(small: NDArray, shape: tuple[int, int]) -> NDArray:
    """Return an array enlarged smoothly (bicubic) to `shape`."""
    image = Image.fromarray(np.ascontiguousarray(small, np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
