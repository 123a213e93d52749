"""Small annotated cohorts for the tests: films drawn at random, annotators who say what they are told."""

import numpy as np
from PIL import Image

from ovcf.annotation.journal import Annotator
from ovcf.annotation.work import Source, prepare_work

LEVELS = ("T11", "T12", "L1", "L2")
LABELS = ("fresh", "old", "normal", "old")


def make_films(folder, count=3, size=(200, 400), seed=0):
    """Write 16-bit PNG films named 01.png ... below a folder, and return it."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        pixels = rng.integers(0, 65535, size[::-1], dtype=np.uint16)
        Image.fromarray(pixels).save(folder / f"{number:02d}.png", compress_level=0)
    return folder


def begin(folder, count=3, **source):
    """Return a work list of new films, each another patient's, and the cohort's folder."""
    cohort = folder / "cohort"
    films = make_films(cohort / "films", count)
    return prepare_work(films, cohort, Source(**({"one_patient_per_film": True} | source))), cohort


def box(place, dx=0.0, dy=0.0):
    """Return a body's box, the `place`-th from above."""
    return {"x0": 60.0 + dx, "y0": 40.0 + 60 * place + dy, "x1": 110.0 + dx, "y1": 80.0 + 60 * place + dy}


def annotate(work, cohort, name, films=None, *, labels=LABELS, levels=LEVELS, dx=0.0, done=True):
    """Let an annotator mark four bodies on each film, and call the films done; returns the annotator."""
    one = Annotator(work, name, cohort)
    for film in films or [film.film for film in work.films]:
        for place, (level, label) in enumerate(zip(levels, labels, strict=True)):
            one.keep(film, "mark", mark=f"{name}{place}", level=level, label=label, **box(place, dx))
        if done:
            one.keep(film, "film", done=True)
    return one
