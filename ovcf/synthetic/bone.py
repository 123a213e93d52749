"""X-ray shadow of one vertebra: attenuation (natural log units) added to a film, from smooth distance fields.

Each part is a path length through something: marrow bone through an oval cross-section, a cortex met at a
grazing angle (bright edges), endplates seen slightly from above or below (a flat ring, not a line). Nothing
is drawn as an outline, and every edge is a ramp of about the pixel's width, so no staircase appears.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from ovcf.synthetic.anatomy import Body

# Attenuation beyond the soft tissue displaced, per mm at about 80 kV after filtering by the body.
MARROW, CORTEX, PLATE = 0.0125, 0.085, 0.020
SOURCE_MM = 1150.0  # focus to spine: how fast endplates open away from the central ray


class Bones(NamedTuple):
    """What this patient's bones are like."""

    density: float  # of marrow bone, 1 = usual for the age
    striation: float  # of the vertical trabeculae left by osteoporosis
    cortex: float  # thickness, mm
    roll: float  # degrees by which the patient lies off the true lateral
    texture: np.ndarray  # (h, w) float32 of unit variance, fine noise stretched along the spine


class Canvas(NamedTuple):
    """A film being made: attenuation (h, w) and where its pixels are."""

    pixels: np.ndarray
    left: float
    top: float
    mm_per_px: float

    def window(self, x0: float, y0: float, x1: float, y1: float) -> Any:
        """Return (slices, x, y) of the pixels inside a box in mm; x and y are open grids in mm."""
        h, w = self.pixels.shape
        c0, r0 = (int(np.floor((a - b) / self.mm_per_px)) for a, b in ((x0, self.left), (y0, self.top)))
        c1, r1 = (int(np.ceil((a - b) / self.mm_per_px)) for a, b in ((x1, self.left), (y1, self.top)))
        rows, columns = (slice(max(a, 0), min(max(b, 0), n)) for a, b, n in ((r0, r1, h), (c0, c1, w)))
        x = self.left + (np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5) * self.mm_per_px
        y = self.top + (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * self.mm_per_px
        return (rows, columns), x[None, :], y[:, None]


def add_vertebra(canvas: Any, body: Body, bones: Bones, centre_y: float, rng: np.random.Generator) -> Any:
    """Add a vertebra's shadow to the canvas.

    Parameters
    ----------
    canvas : Canvas
        Changed in place.
    body : Body
    bones : Bones
    centre_y : float
        Height of the central ray, mm: endplates far from it are seen obliquely.
    rng : numpy Generator
    """
    reach = 0.75 * body.height + 12
    x0, y0, x1, y1 = body.x - body.depth, body.y - reach, body.x + body.depth, body.y + reach
    where, x, y = canvas.window(x0, y0, x1, y1)
    if canvas.pixels[where].size:
        lx, ly = _into_frame(body, x, y)
        opening = body.width * ((body.y - centre_y) / SOURCE_MM + math.tan(math.radians(bones.roll)))
        canvas.pixels[where] += body_shadow(body, bones, lx, ly, opening, canvas.mm_per_px, rng)
    rear, low = -body.depth / 2 - 47, 1.35 * body.height + 4
    high, fore = -0.75 * body.height - 5, 6 - body.depth / 2
    xs, ys = body.to_film(np.array([rear, fore, rear, fore]), np.array([high, high, low, low]))
    where, x, y = canvas.window(xs.min(), ys.min(), xs.max(), ys.max())
    if canvas.pixels[where].size:
        lx, ly = _into_frame(body, x, y)
        canvas.pixels[where] += arch_shadow(body, bones, lx, ly, rng)


def _into_frame(body, x, y):
    """Carry film coordinates (open grids, mm) to the body's frame; returns full (h, w) float32 grids."""
    cos, sin = np.float32(np.cos(body.tilt)), np.float32(np.sin(body.tilt))
    dx, dy = (x - body.x).astype(np.float32), (y - body.y).astype(np.float32)
    return dx * cos + dy * sin, dy * cos - dx * sin


def body_shadow(
    body: Body, bones: Bones, lx: NDArray, ly: NDArray, opening: Any, blur: float, rng: np.random.Generator
) -> Any:
    """Return the attenuation of the vertebral body on a grid in its own frame.

    Parameters
    ----------
    lx, ly : float32 arrays (h, w)
        Position in the body's frame, mm.
    opening : float
        Distance (mm) between the near and far rim of an endplate as projected.
    blur : float
        Softness of edges, mm.

    Returns
    -------
    float32 array (h, w)
    """
    u = np.clip(lx / (body.depth / 2), -1.15, 1.15)
    wobble = _wobble(rng, 7, 0.35 + 0.25 * body.signs.gap)(u)
    upper, lower = body.upper(u) + wobble, body.lower(u) + _wobble(rng, 7, 0.3)(u)
    v = np.clip(2 * (ly - upper) / np.maximum(lower - upper, 2.0) - 1, -1.3, 1.3)
    front = body.front(v) + _wobble(rng, 9, 0.3)(v) - lx
    back = lx - body.back(v) - _wobble(rng, 9, 0.2)(v)
    top, bottom = ly - upper, lower - ly
    inside = _soft_min((front, back, top, bottom), 1.7 + 1.0 * body.signs.smooth)
    fill = 1 / (1 + np.exp(-np.clip(inside / max(0.4, 0.7 * blur), -30, 30)))
    path = body.width * _cross_section(u)
    texture = _texture(bones, lx, ly, rng)
    marrow = MARROW * bones.density * path * fill * (1 + bones.striation * texture)
    marrow *= 1 + _impaction(body, u, top, bottom, lx, ly, rng)
    plates = _endplates(body, bones, u, top, bottom, path, opening, blur, rng)
    return (marrow + fill * _walls(body, bones, front, back, v) + plates).astype(np.float32)


def _cross_section(u):
    """Relative path through a body's oval section at u: widest a little behind the middle, flat behind."""
    ahead = np.sqrt(np.clip(1 - ((u + 0.2) / 1.22) ** 2, 0, 1))
    behind = 1 - 0.35 * np.clip((-0.2 - u) / 0.8, 0, 1) ** 2
    return np.where(u > -0.2, ahead, behind)


def _soft_min(fields, radius):
    """Smooth minimum of distance fields: an inner distance with corners rounded by about `radius` mm."""
    low = np.minimum.reduce(fields)
    return low - radius * np.log(sum(np.exp((low - field) / radius) for field in fields)) + radius * 0.35


def _wobble(rng, knots, size):
    """Return a smooth random function on [-1.3, 1.3] with the given SD: no edge of a body is clean."""
    grid = np.linspace(-1.3, 1.3, 40)
    at = np.linspace(-1.3, 1.3, knots)
    values = size * rng.standard_normal(knots)
    weights = np.exp(-0.5 * ((grid[:, None] - at) / (2.6 / knots)) ** 2)
    smooth = weights @ values / np.sqrt((weights**2).sum(1))
    fine = np.interp(np.linspace(-1.3, 1.3, 1041), grid, smooth).astype(np.float32)
    return lambda t: fine[np.clip((t + 1.3) * 400, 0, 1040).astype(np.int32)]  # a look-up: called often


def _texture(bones, lx, ly, rng):
    """Trabecular texture of unit variance in the body's frame: a random piece of the patient's own."""
    h, w = bones.texture.shape
    at = np.stack([ly / 0.42 + rng.uniform(0, h), lx / 0.42 + rng.uniform(0, w)])
    return map_coordinates(bones.texture, at, order=1, mode="grid-wrap")


def _walls(body, bones, front, back, v):
    """Front and back cortex met at a grazing angle: a bright edge that fades inwards as 1 / sqrt(depth)."""
    thick = bones.cortex * (1 + 0.5 * body.signs.smooth)
    broken = 1 - 0.8 * min(body.signs.step, 1.2) * np.exp(-(((v + 0.35) / 0.13) ** 2))
    shell = [np.sqrt(np.clip(d, 0, None)) - np.sqrt(np.clip(d - thick, 0, None)) for d in (front, back)]
    return CORTEX * math.sqrt(body.width) * (0.45 * shell[0] * broken + 0.31 * shell[1])


def _endplates(body, bones, u, top, bottom, path, opening, blur, rng):
    """Both endplates as flat rings: near and far rims that part away from the central ray, a cupped floor."""
    s, total = body.signs, 0.0
    thick = 0.5 * bones.cortex + 0.15 + 0.5 * s.sclerosis
    sigma = math.hypot(thick * 0.55, 0.5 * blur)
    reach = 1 / (1 + np.exp((np.abs(u) - 0.985) / 0.02))
    half = 0.5 * abs(opening) * np.sqrt(np.clip(1 - u**2, 0, 1))
    for depth, upper in ((top, True), (bottom, False)):
        hole = _gap(s.gap if upper else 0.3 * s.gap, u, rng)
        uneven = np.clip(1 + _wobble(rng, 15, 0.3)(u), 0.25, 1.8) * (0.7 + 0.3 * u**2)
        rim = np.clip(0.55 * body.cup * (1 - u**2), 0, None)
        lines = ((depth + rim - half, 0.38), (depth + rim + half, 0.3), (depth - 0.4, 0.42))
        ring = sum(w * np.exp(-0.5 * (d / sigma) ** 2) for d, w in lines)
        fade = np.exp(-np.clip(depth, 0, None) / (1.2 + 1.5 * s.sclerosis))
        dense = 0.30 * s.sclerosis * fade * (depth > -0.6)
        total = total + (ring * (1 + 0.3 * s.sclerosis) * uneven * hole + dense) * reach
    return PLATE * path * total * (0.6 + 0.4 * bones.density)


def _gap(amount, u, rng):
    """Fraction of an endplate left at u: a fresh break interrupts it over a few mm."""
    at, wide = rng.uniform(-0.2, 0.75), rng.uniform(0.08, 0.2)
    return 1 - 0.85 * min(amount, 1.0) * np.exp(-(((u - at) / wide) ** 2))


def _impaction(body, u, top, bottom, lx, ly, rng):
    """Relative change of marrow density: impaction band beneath the broken endplate, and fracture line."""
    s = body.signs
    broken_above = sum(body.loss_upper) >= sum(body.loss_lower)
    depth = (top if broken_above else bottom) - 3.2 - 1.2 * rng.standard_normal() + _wobble(rng, 6, 0.7)(u)
    span = 1 / (1 + np.exp(-(u - rng.uniform(-0.9, -0.2)) / 0.15))
    band = 0.48 * s.band * np.exp(-0.5 * (depth / rng.uniform(1.3, 2.3)) ** 2) * span
    slope, cut = rng.normal(-0.1, 0.25), rng.uniform(-0.3, 0.1) * body.height
    off = ly - cut - slope * lx + _wobble(rng, 13, 0.9)(u)
    faint = np.clip(0.6 + _wobble(rng, 15, 0.5)(u), 0, 1.3)
    faint = faint / (1 + np.exp(-(u - rng.uniform(-0.4, 0.5)) / 0.12))  # it starts at the front
    # dark, with a dense lip below
    line = np.exp(-0.5 * (off / 0.5) ** 2) - 0.5 * np.exp(-0.5 * ((off - 1.3) / 0.7) ** 2)
    return band - 0.36 * s.line * line * faint


def arch_shadow(body: Body, bones: Bones, lx: NDArray, ly: NDArray, rng: np.random.Generator) -> Any:
    """Return the attenuation of pedicles, facets, laminae and the spinous process, left and right apart."""
    h, d = body.height, body.depth
    lumbar = body.level[0] in "LS"
    uneven = _wobble(rng, 17, 0.75)
    rough = float(np.abs(uneven(np.linspace(-1.3, 1.3, 4001))).max())
    total = np.zeros(lx.shape)
    for side in (-1, 1):
        shift = side * (0.9 + 0.5 * abs(bones.roll)) + 0.4 * rng.standard_normal()
        parts = _arch_parts(h, d, lumbar, rng)
        near = _around(parts, lx, ly - shift, 2 * rough)
        x, y = lx[near], ly[near]
        field = np.minimum.reduce([_capsule(x, y - shift, *part) for part in parts])
        field = field + uneven(x / 14 + side) + uneven(y / 14)
        total[near] += 0.5 * _solid(field, 0.46 if lumbar else 0.40, 0.22)
    root = (-d / 2 - 16, 0.2 * h)
    if lumbar:
        blade = ((*root, -d / 2 - 33, 0.36 * h, 5.0, 8.0), (*root, -d / 2 - 30, 0.62 * h, 5.0, 5.0))
    else:
        blade = ((*root, -d / 2 - 22, 0.7 * h, 4.5, 3.5),
                 (-d / 2 - 22, 0.7 * h, -d / 2 - 31, 1.2 * h, 3.5, 2.2))  # fmt: skip
    near = _around(blade, lx, ly, 2.5 * rough)
    x, y = lx[near], ly[near]
    field = np.minimum.reduce([_capsule(x, y, *part) for part in blade])
    total[near] += _solid(field + uneven(y / 11) + 1.5 * uneven(x / 30 + 1), 0.17, 0.01)
    return total * (0.55 + 0.45 * bones.density)


def _arch_parts(h, d, lumbar, rng):
    """Return capsules (x0, y0, x1, y1, r0, r1) of one side: pedicle, upper and lower facet, pars."""
    back, jitter = -d / 2, 0.6 * rng.standard_normal(4)
    r = 1.0 if lumbar else 0.8
    return (
        (back + 1, -0.2 * h, back - 10, -0.22 * h + jitter[0], 0.19 * h, 0.15 * h),
        (back - 9, -0.2 * h, back - 7.5 + jitter[1], -0.72 * h, 4.2 * r, 3.2 * r),
        (back - 10, -0.1 * h, back - 14 + jitter[2], 0.45 * h, 4.2 * r, 3.8 * r),
        (back - 14, 0.45 * h, back - 13.5 + jitter[3], 0.92 * h, 4.0 * r, 3.0 * r),
    )


def _around(capsules, x, y, reach):
    """Slices of a grid outside which it is farther than `reach` from all capsules: there `_solid` is 0."""
    x0, y0, x1, y1, r0, r1 = np.array(capsules, float).T
    r = np.maximum(r0, r1) + reach
    within = (x > (np.minimum(x0, x1) - r).min()) & (x < (np.maximum(x0, x1) + r).max())
    within &= (y > (np.minimum(y0, y1) - r).min()) & (y < (np.maximum(y0, y1) + r).max())
    held = (np.flatnonzero(within.any(axis=axis)) for axis in (1, 0))
    return tuple(slice(at[0], at[-1] + 1) if at.size else slice(0, 0) for at in held)


def _capsule(x, y, x0, y0, x1, y1, r0, r1):
    """Signed distance to a tapered capsule: negative inside."""
    ax, ay = x1 - x0, y1 - y0
    t = np.clip(((x - x0) * ax + (y - y0) * ay) / (ax * ax + ay * ay), 0, 1)
    dx, dy = x - x0 - t * ax, y - y0 - t * ay
    return np.sqrt(dx * dx + dy * dy) - (r0 + (r1 - r0) * t)


def _solid(field, marrow, cortex):
    """Attenuation of a rounded bone from its signed distance: bright grazing edge, fuller middle."""
    depth = np.clip(-field, 0, None)
    edge = 1 / (1 + np.exp(np.clip(field / 0.55, -30, 30)))
    shell = np.sqrt(depth + 0.05) - np.sqrt(np.clip(depth - 0.9, 0, None) + 0.05)
    return marrow * (1 - np.exp(-depth / 3.2)) + cortex * edge * shell
