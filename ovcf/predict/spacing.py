"""The size of a pixel where nobody says it: which of training's sizes fit the film's height and the box's width.

A vertebral body is so many mm wide, its height changes when it collapses; films come in few sizes, and detectors in
few sizes of pixels. A film's height counts only where it agrees with the box: one that was cut or scaled does not.
"""

import math
from collections.abc import Mapping
from typing import Any

from ovcf.cohort.columns import SPACING_MM
from ovcf.problems import InputError, Problem

GIVEN = "given by hand"
FITS = 2.0  # standard deviations within which two lengths agree
LEAST = 0.01  # share from which on a size is asked about


def likely_sizes(sizes: Mapping[str, Any], width_px: float, height_px: float) -> list[tuple[float, float]]:
    """Return the sizes of pixels that training's films had and that fit, with their shares; the likeliest first.

    Parameters
    ----------
    sizes : of training's films (`ovcf.cohort.sizes.sizes_of`)
    width_px : of the box
    height_px : of the film

    Returns
    -------
    list of (mm, share), the shares adding up to 1; empty where no size of training's fits.

    Notes
    -----
    Bayes' rule: each size's share of training's films, times how likely the lengths are if it is the film's, as
    lognormal with training's medians and SDs.
    """
    if not sizes or not sizes["pixels_mm"]:
        return []
    middle, spread = _implied(sizes["width_mm"], width_px)
    by_film, film_spread = _implied(sizes["height_mm"], height_px)
    if abs(by_film - middle) <= FITS * math.hypot(spread, film_spread):
        precision = spread**-2 + film_spread**-2
        middle, spread = (middle / spread**2 + by_film / film_spread**2) / precision, precision**-0.5
    off = {mm: abs(math.log(mm) - middle) / spread for mm, _ in sizes["pixels_mm"]}
    if min(off.values()) > FITS:
        return []
    fit = {mm: share * math.exp(-(off[mm] ** 2) / 2) for mm, share in sizes["pixels_mm"]}
    fit = {mm: weight for mm, weight in fit.items() if weight >= LEAST * sum(fit.values())}
    total = sum(fit.values())
    return sorted(((mm, weight / total) for mm, weight in fit.items()), key=lambda size: -size[1])


def _implied(lengths_mm: tuple[float, float], px: float) -> tuple[float, float]:
    """The logarithm of the size of a pixel that one length gives, and its SD."""
    median, spread = lengths_mm
    return math.log(median / px), max(spread, 1e-3)


def with_spacing(film: Any, mm_per_px: float | None) -> Any:
    """Return a film with a size of its pixels that was given; as it was where none is."""
    if mm_per_px is None:
        return film
    return film._replace(mm_per_px=check_spacing(mm_per_px), spacing_origin=GIVEN)


def check_spacing(mm_per_px: float) -> float:
    """Return the size of a pixel if a radiograph can have it; InputError otherwise."""
    low, high = SPACING_MM
    if not (math.isfinite(mm_per_px) and low <= mm_per_px <= high):
        words = "no radiograph has pixels of this size"
        raise InputError(
            Problem("spacing", words, None, None, "--mm-per-px", f"{mm_per_px:g}", f"{low:g} to {high:g} mm")
        )
    return float(mm_per_px)
