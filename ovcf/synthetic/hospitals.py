"""The two hospitals of the synthetic cohorts: the paper's, and another one to validate a model in.

The second differs in what differs between hospitals: scanners and their processing, which way patients face, how
closely the beam is collimated, which levels are filmed, how many fractures are fresh. The signs of fresh and old are
drawn by the same rules in both.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ovcf.synthetic.exposure import SCANNERS, Scanner


class Hospital(NamedTuple):
    """Where a synthetic cohort comes from."""

    name: str
    prefix: str  # of its patients' ids
    excluded_prefix: str  # of those who were collected and not included
    patch_prefix: str
    scanners: tuple[Scanner, ...]
    fresh: float | None  # share of the vertebrae; None: Table 1's
    downward: float  # by how much each level down the spine is filmed more often, as a log rate; 0: Table 1's levels
    facing_left: float  # share of films
    spine_mm: tuple[float, float]  # how much of the spine a film shows at least
    stream: tuple[int, ...]  # what sets its random draws apart from the other's with the same seed
    drawing: int  # of its films; raise when the same seed would give other films

    def level_weights(self, counts: tuple[int, ...]) -> NDArray[np.float64]:
        """Return how often each level from T5 to L5 occurs here, from the counts of Table 1."""
        weights = np.asarray(counts, float)
        return weights * np.exp(self.downward * np.arange(len(counts))) if self.downward else weights


HOSPITALS = {
    "A": Hospital("A", "P", "X", "S", SCANNERS, None, 0.0, 0.75, (300, 360), (), 1),
    "B": Hospital(
        "B",
        "Q",
        "XQ",
        "R",
        (
            Scanner("Synthetic CR D", 0.50, 0.52, 0.55, 0.026, 0.34, 0.3, 0.2, 0.75, False),
            Scanner("Synthetic DR E", 0.36, 0.20, 0.26, 0.018, 0.70, 0.9, 1.0, 1.25, True),
        ),
        fresh=0.35,
        downward=0.12,
        facing_left=0.3,
        spine_mm=(150, 200),
        stream=(2,),
        drawing=2,
    ),
}
"""By name: A stands for the paper's cohort, B for another hospital's."""
