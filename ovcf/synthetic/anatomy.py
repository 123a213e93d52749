"""The shape of a synthetic thoracolumbar spine in mm: bodies, curvature, fractures and signs of their age.

Film coordinates: x points forward (anterior), y points down, both in mm. A body has its own frame, turned by
`tilt` (positive = front edge down), with its origin at the centre of the unfractured body.

Fresh and old differ through one number per vertebra, `score`: fresh ~ N(+d/2, 1), old ~ N(-d/2, 1). All signs
are drawn from the score and never from the label, so no reader of the films can beat an AUC of Phi(d / sqrt
2). The noise in the score is shared within a patient: its intraclass correlation is the cohort's
`patient_correlation`.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

# level: (height, depth, width, disc below, tilt in degrees), mm. Typical adult values.
BODIES = {
    "T2": (18.0, 21.0, 30.0, 4.0, 33.0),
    "T3": (18.5, 23.5, 29.0, 3.8, 28.0),
    "T4": (19.3, 26.0, 29.0, 3.8, 23.0),
    "T5": (20.0, 28.0, 29.5, 4.0, 18.0),
    "T6": (20.7, 29.0, 30.5, 4.2, 13.0),
    "T7": (21.3, 30.0, 31.5, 4.4, 8.0),
    "T8": (21.9, 31.0, 32.5, 4.7, 3.0),
    "T9": (22.6, 31.6, 34.0, 5.0, -2.0),
    "T10": (23.5, 32.0, 36.0, 5.4, -7.0),
    "T11": (24.4, 32.3, 38.5, 6.0, -11.0),
    "T12": (25.6, 32.8, 40.5, 6.8, -13.5),
    "L1": (26.8, 33.5, 42.0, 7.8, -14.0),
    "L2": (27.7, 34.3, 43.5, 9.0, -10.5),
    "L3": (28.2, 35.0, 45.5, 10.2, -3.0),
    "L4": (28.2, 35.6, 48.0, 11.0, 6.0),
    "L5": (28.0, 36.0, 51.0, 10.0, 19.0),
    "S1": (27.0, 33.0, 52.0, 1.5, 40.0),
    "S2": (23.0, 24.0, 48.0, 1.0, 50.0),
    "S3": (20.0, 18.0, 42.0, 1.0, 62.0),
}
SPINE = tuple(BODIES)


class Signs(NamedTuple):
    """How strongly a body shows what the paper names; 0 is absent, 1 is plain."""

    band: float = 0.0  # dense impaction band beneath the broken endplate (fresh)
    line: float = 0.0  # fracture line through the body (fresh)
    step: float = 0.0  # step of the anterior cortex (fresh), mm
    gap: float = 0.0  # interruption of the endplate (fresh)
    sclerosis: float = 0.0  # thick bright endplates (old)
    osteophyte: float = 0.0  # beaks at the anterior corners (old), mm
    smooth: float = 0.0  # remodelled, rounded contours (old)


class Body(NamedTuple):
    """One vertebra as it stands: place, size and how it has collapsed. Lengths in mm, angles in radians."""

    level: str
    x: float
    y: float
    tilt: float
    height: float
    depth: float
    width: float
    loss_upper: tuple[float, float, float]  # height lost at the upper endplate: back, middle, front
    loss_lower: tuple[float, float, float]
    cup: float  # depth of the normal endplate's concavity
    waist: float  # depth of the concavity of the front wall
    signs: Signs

    def upper(self, u: NDArray | float) -> Any:
        """Return y of the upper endplate (body frame) at u in [-1 back, 1 front]."""
        return -self.height / 2 + np.maximum(_through(self.loss_upper, u), 0) + self.cup * (1 - u**2)

    def lower(self, u: NDArray | float) -> Any:
        """Return y of the lower endplate (body frame) at u in [-1 back, 1 front]."""
        return self.height / 2 - np.maximum(_through(self.loss_lower, u), 0) - self.cup * (1 - u**2)

    def heights(self) -> Any:
        """Return the body's height at back, middle and front, as a reader would measure them."""
        u = np.array([-0.92, 0.0, 0.92])
        return self.lower(u) - self.upper(u)

    def front(self, v: NDArray) -> Any:
        """Return x of the front wall at v in [-1 top, 1 bottom]."""
        s = self.signs
        beak = s.osteophyte * (np.exp(-(v + 1) / 0.22) + 0.8 * np.exp(-(1 - v) / 0.22))
        buckle = s.step / (1 + np.exp((v + 0.35) / 0.05)) * np.clip(1.4 + v, 0.4, 1)
        return self.depth / 2 - self.waist * (1 - v**2) + beak + buckle

    def back(self, v: NDArray) -> Any:
        """Return x of the back wall at v in [-1 top, 1 bottom]."""
        return -self.depth / 2 + 0.45 * self.waist * (1 - v**2)

    def to_film(self, x: NDArray, y: NDArray) -> Any:
        """Carry points of the body's frame to the film, mm."""
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        return self.x + x * cos - y * sin, self.y + x * sin + y * cos

    def box(self) -> Any:
        """Return (x0, y0, x1, y1) on the film, mm: the tight box of the outline, beaks included."""
        u = np.linspace(-1, 1, 41)
        x = np.concatenate([u * self.depth / 2, u * self.depth / 2, self.front(u), self.back(u)])
        side = np.interp(u, (-1, 1), (self.upper(1.0), self.lower(1.0)))
        rear = np.interp(u, (-1, 1), (self.upper(-1.0), self.lower(-1.0)))
        x, y = self.to_film(x, np.concatenate([self.upper(u), self.lower(u), side, rear]))
        return x.min(), y.min(), x.max(), y.max()


def _through(values, u):
    """Evaluate the parabola through three values at u = -1, 0, 1."""
    back, middle, front = values
    return back * (u * u - u) / 2 + middle * (1 - u * u) + front * (u * u + u) / 2


class Finding(NamedTuple):
    """What is so about one labelled vertebra, before it is drawn."""

    score: float  # positive looks fresh, negative looks old
    compressed: bool = True  # False: keeps its height (normal segments, occult fractures)
    plain: float = 1.0  # how plainly it shows anything
    habit: tuple[float, ...] = (0.0,) * 7  # the patient's normal deviates: which signs their bones show
    share: float = 0.0  # part of the variance of the signs that the habit makes


def draw_signs(finding: Any, rng: np.random.Generator) -> Any:
    """Draw the signs of a fracture's age from its score.

    Which signs appear, and how much, varies at random; `share` of that variance is the patient's own habit,
    so a patient's vertebrae resemble one another.

    Parameters
    ----------
    finding : Finding
    rng : numpy Generator

    Returns
    -------
    Signs
    """
    fresh = 1 / (1 + np.exp(-1.6 * finding.score))
    own = np.sqrt(1 - finding.share) * rng.standard_normal((2, 7))
    presence, amount = np.sqrt(finding.share) * np.array([finding.habit, np.roll(finding.habit, 3)]) + own
    wanted = np.concatenate([np.full(4, 0.2 + 0.76 * fresh), np.full(3, 0.96 - 0.76 * fresh)])
    shown = ndtr(presence) < wanted
    strength = finding.plain * np.exp(0.4 * amount) * np.where(np.arange(7) < 4, fresh, 1 - fresh)
    band, line, step, gap, sclerosis, beak, smooth = (1.25 * strength * shown).tolist()
    step, beak = min(2.4 * step, 4.5), min(3.6 * beak, 8.0)
    return Signs(band, line, step, min(gap, 1.0), sclerosis, beak, min(smooth, 1.0))


def draw_losses(score: float, height: float, rng: np.random.Generator) -> Any:
    """Draw how a body has collapsed: height lost (mm) at back, middle and front of both endplates."""
    loss = float(np.clip(0.33 - 0.05 * score + 0.11 * rng.standard_normal(), 0.1, 0.62)) * height
    kind = rng.choice(3, p=(0.51, 0.34, 0.15))  # wedge (51 % in the paper's introduction), biconcave, crush
    profile = ((0.05, 0.55, 1.0), (0.15, 1.0, 0.45), (0.75, 1.0, 0.95))[kind]
    profile = np.clip(np.array(profile) + 0.08 * rng.standard_normal(3), 0, 1.1) * loss
    upper = (0.85, 0.55, 0.65)[kind] + 0.1 * rng.standard_normal()
    if rng.random() < 0.2:  # a fifth break at the lower endplate instead
        upper = 1 - upper
    upper = float(np.clip(upper, 0.0, 1.0))
    return tuple((profile * upper).tolist()), tuple((profile * (1 - upper)).tolist())


def build_spine(
    fractures: Any,
    *,
    scale: float,
    kyphosis: float,
    lordosis: float,
    disc: float,
    wear: float,
    rng: np.random.Generator,
) -> Any:
    """Stack the bodies from the sacrum upward.

    Parameters
    ----------
    fractures : dict of level to Finding
        The patient's labelled vertebrae; all others are intact.
    scale : float
        Size of this skeleton against `BODIES`.
    kyphosis, lordosis : float
        Multipliers of the thoracic and lumbar tilts.
    disc : float
        Multiplier of disc heights.
    wear : float
        Degenerative beaks (mm) that all bodies of this patient have.
    rng : numpy Generator

    Returns
    -------
    list of Body
        From T2 to S3. Wedged bodies tip everything above them forward, as they do in life.
    """
    bodies, x, y, forward, below = [], 0.0, 0.0, 0.0, None
    for level in reversed(SPINE):
        height, depth, width, gap, degrees = BODIES[level]
        size = float(scale * (1 + 0.015 * rng.standard_normal()))
        bend = lordosis if level[0] in "LS" else kyphosis
        tilt = np.deg2rad(degrees * bend + 1.2 * rng.standard_normal()) + forward
        body = _draw_body(level, (height * size, depth * size, width * size), fractures, wear, rng)
        reach = _reach(body.loss_lower, body.height)
        if below is not None:
            space = gap * scale * disc * np.clip(1 + 0.15 * rng.standard_normal(), 0.5, 1.5)
            for angle, step in ((below.tilt, _reach(below.loss_upper, below.height) + space / 2),
                                (tilt, space / 2 + reach)):  # fmt: skip
                x, y = x + np.sin(angle) * step, y - np.cos(angle) * step
        body = body._replace(x=float(x), y=float(y), tilt=float(tilt))
        back, _, front = body.heights()
        forward += 0.5 * np.arctan2(back - front, body.depth) * (level in fractures)
        bodies, below = [body, *bodies], body
    return bodies


def _reach(loss, height):
    """Distance from a body's origin to its endplate, allowing for collapse: where the next disc begins."""
    return height / 2 - sum(loss) / 3


def _draw_body(level, size, fractures, wear, rng):
    """Draw one body, not yet placed."""
    height, depth, width = size
    loss = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    beak = wear * float(rng.gamma(2.0, 0.5))
    signs = Signs(osteophyte=beak)
    cup = height * np.clip(0.05 + 0.025 * rng.standard_normal(), 0.01, 0.11)
    finding = fractures.get(level)
    if finding is not None:
        signs = draw_signs(finding, rng)
        signs = signs._replace(osteophyte=max(signs.osteophyte, beak))
        if finding.compressed:
            loss = draw_losses(finding.score, height, rng)
    waist = depth * np.clip(0.058 + 0.015 * rng.standard_normal(), 0.02, 0.09)
    return Body(level, 0.0, 0.0, 0.0, height, depth, width, *loss, float(cup), float(waist), signs)
