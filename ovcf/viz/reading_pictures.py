"""What a reader sees of a case: the patch in its true proportions, or the whole film with the vertebra marked."""

from functools import cached_property
from typing import Any

import numpy as np

from ovcf.reading.designs import shows_film
from ovcf.reading.session import Case
from ovcf.viz.detail import box_of, reader_patch
from ovcf.viz.image_data import jpeg_bytes, png_bytes, to_uint8

PATCH_EDGE = 640  # px of the longer edge, cut from the film at full resolution
FILM_EDGE = 3000  # px of the longer edge that travel to the page
SMALL_EDGE = 224  # px of the longer edge beside the map


class Pictures:
    """Pictures of a run's cases for its readers."""

    def __init__(self, study: Any) -> None:
        self._study = study
        self._patches = study.patches.reset_index(drop=True)

    @cached_property
    def _images(self) -> np.ndarray:
        return self._study.images()

    def row(self, patch_id: str) -> dict:
        """Return a patch's row of the run's table, with its number as `row`."""
        at = int((self._patches["patch_id"].astype(str) == patch_id).to_numpy().argmax())
        return self._patches.iloc[at].to_dict() | {"row": at}

    def of(self, case: Case) -> tuple[bytes, dict]:
        """Return a case's picture, and of a film where the vertebra is: `box` in film px, `scale` film px a px."""
        row = self.row(case.patch_id)
        box = box_of(row)
        if not shows_film(case.session) or box is None:
            return png_bytes(reader_patch(self._study, row, PATCH_EDGE)), {"scale": 1.0}
        pixels = self._study.film(row["patch_id"]).pixels
        longest = max(pixels.shape)
        marked = dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))
        picture = jpeg_bytes(to_uint8(pixels), longest=FILM_EDGE, quality=95)
        return picture, {"scale": longest / min(longest, FILM_EDGE), "box": marked}

    def small_patch(self, row: dict) -> tuple[bytes, float]:
        """Return the patch to lay a map over, and its width by its height."""
        patch = reader_patch(self._study, row, SMALL_EDGE)
        return png_bytes(patch), patch.shape[1] / patch.shape[0]

    def seen_by_network(self, row: dict) -> np.ndarray:
        """Return the patch as the network sees it, uint8 (s, s)."""
        return self._images[row["row"]]
