"""How large a cohort's pixels, films and vertebrae are: what tells the size of a pixel where a film does not say it."""

from typing import Any

import numpy as np
import pandas as pd

USUAL = 0.05  # share of the films from which on a size of pixels is one that films come in
FEWEST = 10  # films whose pixels have a known size; with fewer nothing is said
EVERY_FILM = 0.5  # share of the films that must say how large their pixels are


def sizes_of(patches: pd.DataFrame) -> dict[str, Any]:
    """Return what a cohort's films with a known size of pixels have in common.

    Returns
    -------
    dict
        `pixels_mm`: sizes of pixels that at least one film in twenty has, each with its share of the films;
        `width_mm`: of the boxes, and `height_mm`: of the films, each the median and the SD (ddof 1) of the logarithm.
        Empty where fewer than ten films, or less than half of them, say how large their pixels are, or none has boxes.
    """
    needed = ("x0", "x1", "mm_per_px", "image_height")
    if not set(needed) <= set(patches):
        return {}
    known = patches[(patches["mm_per_px"] > 0) & patches["x0"].notna()]
    films = known.drop_duplicates("image")
    if len(films) < max(FEWEST, EVERY_FILM * patches["image"].nunique()):
        return {}
    shares = films["mm_per_px"].astype(float).value_counts(normalize=True).sort_index()
    return {
        "pixels_mm": [[float(mm), float(share)] for mm, share in shares.items() if share >= USUAL],
        "width_mm": _spread((known["x1"] - known["x0"]) * known["mm_per_px"]),
        "height_mm": _spread(films["image_height"] * films["mm_per_px"]),
    }


def _spread(lengths: pd.Series) -> list[float]:
    lengths = lengths.to_numpy(float)
    return [float(np.median(lengths)), float(np.log(lengths).std(ddof=1))]
