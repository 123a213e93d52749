"""One simulated patient: skeleton, findings, trunk, and the film a scanner makes of them."""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr

from ovcf.synthetic.anatomy import Body, Finding, build_spine
from ovcf.synthetic.bone import Bones, Canvas, add_vertebra
from ovcf.synthetic.exposure import Scanner, expose
from ovcf.synthetic.hospitals import HOSPITALS, Hospital
from ovcf.synthetic.surroundings import Trunk, abdomen, fractal, lungs, pelvis, ribs, soft_tissue
from ovcf.synthetic.weave import weave

OSSEOUS = 0.25  # attenuation of bone (natural log units) over which muscle no longer shows
WIDEST_SEPARATION = 4.2  # SD between the classes' scores at difficulty 0


class Effects(NamedTuple):
    """The true effect sizes of a cohort.

    difficulty : in [0, 1]; 1 leaves no difference between fresh and old; 0 separates their scores by 4.2 SD.
    patient_correlation : in [0, 1); intraclass correlation of the score within a patient, and how much patients' bones
        differ in texture.
    diaphragm : 0 or more; strength of its shadow over T10 to L1 (1 = usual, 0 = lungs that end without an edge).
    weave : 0 or more; SD (natural log units) of a pattern in the muscle around all vertebrae of a patient (`weave`). A
        network can know patients by it, so folds by patch leak. 0: none, since it makes films look like no patient's.
    """

    difficulty: float = 0.4
    patient_correlation: float = 0.5
    diaphragm: float = 1.0
    weave: float = 0.0

    @property
    def separation(self) -> Any:
        """Distance between the classes' mean scores, in SD of the score within a class."""
        return WIDEST_SEPARATION * (1 - self.difficulty)

    @property
    def ceiling(self) -> Any:
        """AUC of a reader who could see the scores themselves: Phi(separation / sqrt 2)."""
        return float(ndtr(self.separation / np.sqrt(2)))


class Place(NamedTuple):
    """Where mm lie on the written film."""

    canvas: Canvas
    mirrored: bool
    width: int

    def box(self, body: Body) -> Any:
        """Return a body's box (x0, y0, x1, y1) in pixels of the written film."""
        x0, y0, x1, y1 = body.box()
        scale = self.canvas.mm_per_px
        x0, x1 = (x0 - self.canvas.left) / scale, (x1 - self.canvas.left) / scale
        if self.mirrored:
            x0, x1 = self.width - x1, self.width - x0
        return x0, (y0 - self.canvas.top) / scale, x1, (y1 - self.canvas.top) / scale


class Portrait(NamedTuple):
    """A patient's film and what is true about it."""

    film: np.ndarray  # (h, w) uint8, bone bright
    place: Place
    scanner: Scanner
    bodies: list[Body]  # T2 to S3
    findings: dict[str, Finding]  # by level


def portray(
    person: Any, rows: Any, effects: Effects, rng: np.random.Generator, hospital: Hospital = HOSPITALS["A"]
) -> Any:
    """Make one patient.

    Parameters
    ----------
    person : dict
        age (years) and sex.
    rows : DataFrame
        The patient's vertebrae: level, label, normal_segment, normal_height.
    effects : Effects
    rng : numpy Generator
        This patient's own; nothing else decides what is drawn.
    hospital : Hospital
        Whose scanners make the film.

    Returns
    -------
    Portrait
    """
    findings = draw_findings(rows, effects, rng)
    scanner = hospital.scanners[rng.integers(len(hospital.scanners))]
    bodies = build_spine(findings, **_posture(person, rng))
    canvas = _place_film(bodies, list(findings), scanner.mm_per_px, hospital.spine_mm, rng)
    attenuation = _attenuate(canvas, bodies, effects, person, rng)
    mirrored = bool(rng.random() < hospital.facing_left)
    film = expose(attenuation, scanner, rng, mirrored=mirrored)
    return Portrait(film, Place(canvas, mirrored, film.shape[1]), scanner, bodies, findings)


def draw_findings(rows: Any, effects: Effects, rng: np.random.Generator) -> Any:
    """Draw what each labelled vertebra of a patient shows; the patient's part is shared by them all."""
    rho, shared = effects.patient_correlation, rng.standard_normal()
    habit, plain = tuple(rng.standard_normal(7)), np.exp(0.35 * rho**0.5 * rng.standard_normal())
    findings = {}
    for row in rows.itertuples():
        mean = effects.separation / 2 * (1 if row.label == "fresh" else -1)
        score = mean + rho**0.5 * shared + (1 - rho) ** 0.5 * rng.standard_normal()
        keeps_height = row.normal_segment or row.normal_height
        shown = plain * (0.35 if row.normal_segment else 1)
        findings[row.level] = Finding(score, not keeps_height, shown, habit, min(1.4 * rho, 0.99))
    return findings


def _posture(person, rng):
    """Draw size, curvature and wear of a skeleton by sex and age."""
    aged = (person["age"] - 75) / 10
    return {
        "scale": (0.965 if person["sex"] == "female" else 1.06) * (1 + 0.035 * rng.standard_normal()),
        "kyphosis": float(np.clip(1.1 + 0.1 * aged + 0.2 * rng.standard_normal(), 0.5, 1.8)),
        "lordosis": float(np.clip(1.0 - 0.05 * aged + 0.2 * rng.standard_normal(), 0.4, 1.5)),
        "disc": float(np.clip(0.9 - 0.06 * aged + 0.12 * rng.standard_normal(), 0.5, 1.2)),
        "wear": float(np.clip(0.8 + 0.3 * aged, 0.2, 2) * rng.gamma(2, 0.5)),
        "rng": rng,
    }


def _place_film(bodies, levels, mm_per_px, spine_mm, rng):
    """Return an empty canvas over all of a patient's levels, their neighbours and some more."""
    names = [body.level for body in bodies]
    at = sorted(names.index(level) for level in levels)
    first, last = bodies[at[0] - 1], bodies[at[-1] + 1]
    top, bottom = first.y - 0.8 * first.height, last.y + 0.8 * last.height
    spare = max(rng.uniform(*spine_mm) - (bottom - top), 8)
    share = rng.uniform(0.3, 0.7)
    low, high = bodies[1].y, bodies[-3].y + 35
    top = min(max(top - share * spare, low), max(high - (bottom - top) - spare, low))
    bottom = max(bottom, top + (last.y - first.y) + 0.8 * (first.height + last.height) + spare)
    bottom = min(bottom, max(high, last.y + 0.8 * last.height))
    seen = [body for body in bodies if top < body.y < bottom]
    left = min(body.x - body.depth / 2 for body in seen) - rng.uniform(48, 70)
    right = max(body.x + body.depth / 2 for body in seen) + rng.uniform(45, 75)
    shape = [int(np.ceil(n / mm_per_px)) for n in (bottom - top, right - left)]
    return Canvas(np.zeros(shape, np.float32), float(left), float(top), mm_per_px)


def _attenuate(canvas, bodies, effects, person, rng):
    """Return the attenuation of everything between focus and detector, (h, w)."""
    shape = canvas.pixels.shape
    varied = 0.35 + effects.patient_correlation
    bones = _draw_bones(person, varied, rng)
    trunk = _trunk(bodies, effects, person, rng)
    spine = np.array([(body.x, body.y) for body in bodies])
    centre = canvas.top + canvas.mm_per_px * shape[0] * rng.uniform(0.4, 0.6)
    for body in bodies:
        add_vertebra(canvas, body, bones, centre, rng)
    total = canvas.pixels + soft_tissue(shape, canvas, spine, trunk, rng)
    total += lungs(shape, canvas, spine, trunk, rng)
    total += ribs(shape, canvas, bodies, rng)
    total += abdomen(shape, canvas, spine, trunk, rng)
    total += pelvis(shape, canvas, bodies[-3], rng)
    if effects.weave:  # by a generator of its own: all else is drawn as without it
        beside = np.clip(1 - canvas.pixels / OSSEOUS, 0, 1)
        total += effects.weave * beside * weave(shape, canvas.mm_per_px, rng.spawn(1)[0])
    return total


def _draw_bones(person, varied, rng):
    """Draw a patient's bones; `varied` widens the differences between patients, so that bones betray them."""
    thinned = -0.012 * (person["age"] - 75) + 0.3 * varied * rng.standard_normal()
    return Bones(
        density=float(np.exp(thinned)),
        striation=float(np.clip(0.085 * np.exp(0.65 * varied * rng.standard_normal()), 0.015, 0.26)),
        cortex=float(np.clip(0.75 + 0.28 * varied * rng.standard_normal(), 0.35, 1.4)),
        roll=float(2.6 * rng.standard_normal()),
        texture=_trabeculae(varied, rng),
    )


def _trabeculae(varied, rng):
    """Return a patient's marrow texture: fine noise drawn out along the spine by a patient's own amount."""
    stretch = float(np.clip(3.6 * np.exp(0.6 * varied * rng.standard_normal()), 1.2, 9))
    noise = rng.standard_normal((160, 160)).astype(np.float32)
    spectrum = np.fft.rfft2(noise)
    fy, fx = np.fft.fftfreq(160)[:, None], np.fft.rfftfreq(160)[None, :]
    radius = np.hypot(fy * stretch, fx)
    texture = np.fft.irfft2(spectrum * np.exp(-((radius / 0.3) ** 2)) / (0.04 + radius) ** 0.6, s=(160, 160))
    coarse = fractal((160, 160), rng, (10, 24))
    texture = texture / texture.std() + 0.6 * coarse
    return (texture / texture.std()).astype(np.float32)


def _trunk(bodies, effects, person, rng):
    """Draw a patient's trunk."""
    place = {body.level: body.y for body in bodies}
    build = np.exp(0.12 * rng.standard_normal())
    return Trunk(breadth=float(275 * build), front=float(120 * build), rear=float(rng.uniform(72, 95)),
                 diaphragm=float(rng.uniform(place["T12"], place["L2"])), overlay=effects.diaphragm,
                 gas=float(rng.gamma(2, 0.5)), calcified=float(rng.gamma(0.8, 0.8)))  # fmt: skip
