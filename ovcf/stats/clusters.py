"""How sure an estimate is when patients, not patches, are the independent units, and few of them carry it.

The plain sum of squares over patients is too small where one patient holds much of the data, since the
estimate lies near that patient, and it jumps about where few patients count. Everything here takes sums per
patient, so that one cohort (K,) or many at once (cohorts, K) go through the same lines; the constants were
set on the grid of `benchmarks/coverage_grid.py`, which shows what they reach.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST = 5
"""Patients a class below which nothing is said of the sampling of patients."""
FEW_EFFECTIVE, MUCH = 30, 0.1
"""Effective patients below which, and one patient's share of the patches above which, an interval is warned of."""
USUAL = 0.3
"""The correlation within patients by which patients are weighted when theirs is estimated."""
CAUTIOUS, FAMILIES = 0.45, 5
"""The correlation that the estimated one is drawn towards, as if so many patients had shown it."""
BELIEVED = 2
"""Effective patients with several patches, beyond the first, at which the sum of squares is half believed."""
SQUARES = 1.2
"""Degrees of freedom of a sum of squares for each effective one of its terms: 1 if they are alike, 3 if normal."""


class Spread(NamedTuple):
    """Variance of an estimate over patients, the degrees of freedom behind it, effective patients, largest share."""

    variance: Floats
    df: Floats
    effective: Floats
    largest: Floats


def effective_patients(size: Floats) -> Floats:
    """Return how many patients of equal size would weigh as these do: (sum x)^2 / sum x^2 (Kish 1965).

    Parameters
    ----------
    size : (..., K) patches, or weight, of each patient.

    Returns
    -------
    (...) between 1 and the number of patients that have any; 0 where none has.
    """
    squares = np.sum(size**2, axis=-1)
    return np.divide(np.sum(size, axis=-1) ** 2, squares, out=np.zeros_like(squares), where=squares > 0)


def ratio_spread(residual: Floats, enlarged: Floats, squares: Floats, count: Floats, size: Floats) -> Spread:
    """Estimate the variance of a ratio of sums, or of a mean of such ratios, over patients.

    Two estimates, since each fails in its own way. One takes patches of one patient as equally correlated: the
    mean product of residuals over pairs, patients weighted by what their pairs tell (Karlin, Cameron & Williams
    1981, PNAS 78: 2664-2668), drawn towards `CAUTIOUS` as by `FAMILIES` patients more, between 0 and 1. The
    other enlarges each patient's squared residual by the patient's share h of the denominator, 1 / (1 - h) (CR2;
    Bell & McCaffrey 2002, Surv. Methodol. 28: 169-181). Where it is larger, it counts as far as it is believed:
    (k - 1) / (k - 1 + `BELIEVED`) for k effective patients with several patches, since one large patient's square
    is a single draw. Degrees of freedom: the geometric mean of patients and effective patients, each less one,
    or those of the sum of squares where fewer, over the share of the variance that clustering adds; the rest, as
    for any proportion, is known from the estimate.

    Parameters
    ----------
    residual : (..., K) sums per patient of the patches' terms, sum to zero.
    enlarged : (..., K) the same with each term over sqrt(1 - h).
    squares : (..., K) sums of the squared terms. count : (..., K) patches that have a term.
    size : (..., K) share of the denominator, any scale.

    Returns
    -------
    Spread of (...) arrays. Checked by coverage (`benchmarks/coverage_grid.py`) and against a literal version.
    """
    base, patches = squares.sum(axis=-1), count.sum(axis=-1)
    pairs = count * (count - 1)
    told = np.where(pairs > 0, 1 / (2 * USUAL**2 + 2 / np.maximum(pairs, 1)), 0.0)
    product = (residual**2 - squares) / np.maximum(pairs, 1)
    alone = base / np.maximum(patches, 1)
    shared = np.sum(told * product, axis=-1) + FAMILIES * CAUTIOUS * alone
    shared = np.clip(shared / (told.sum(axis=-1) + FAMILIES), 0, alone)
    effective, patients = effective_patients(size), (size > 0).sum(axis=-1)
    model = (base + shared * pairs.sum(axis=-1)) / np.maximum(1 - 1 / np.maximum(effective, 1), 1e-3)
    several = np.maximum(effective_patients(pairs) - 1, 0)
    believed = np.where(pairs.sum(axis=-1) > 0, several / (several + BELIEVED), 1.0)
    variance = model + believed * np.maximum(np.sum(enlarged**2, axis=-1) - model, 0)
    added = 1 - np.divide(base, variance, out=np.ones_like(variance), where=variance > 0)
    df = np.sqrt(np.maximum(patients - 1, 1) * np.maximum(effective - 1, 1))
    df = np.minimum(df, df_of_squares(enlarged) / np.maximum(believed, 1e-6)) / np.maximum(added, 0.05)
    return Spread(variance, df, effective, largest_share(size))


def area_spread(enlarged: Floats, fresh: Floats, old: Floats) -> Spread:
    """Estimate the variance of an AUC, or of a mean of AUCs, over patients.

    The sum of squares of patients' influences, each class's part over sqrt(1 - h), h the patient's share of that
    class (CR2, as in `ratio_spread`). It stands in for the factors I / (I - 1) of Obuchowski (1997), to which it
    tends where patients are many and alike. Degrees of freedom: the geometric mean of patients and effective
    patients, each less one, of the class that has fewer, or those of the sum of squares where fewer, since near an
    AUC of 1 a few patients make all of it. `effective` and `largest` are those of the class that is worse off.

    Parameters
    ----------
    enlarged : (..., K) influences of the patients, so enlarged. fresh, old : (..., K) patches of each class.
    """
    patients = np.minimum((fresh > 0).sum(axis=-1), (old > 0).sum(axis=-1))
    effective = np.minimum(effective_patients(fresh), effective_patients(old))
    most = np.sqrt(np.maximum(patients - 1, 1) * np.maximum(effective - 1, 1))
    df, largest = np.minimum(df_of_squares(enlarged), most), np.maximum(largest_share(fresh), largest_share(old))
    return Spread(np.sum(enlarged**2, axis=-1), df, effective, largest)


def df_of_squares(terms: Floats) -> Floats:
    """Degrees of freedom (...) of a sum of squares of terms (..., K): `SQUARES` for each effective one, at least 2.

    (sum x^2)^2 / sum x^4 counts the terms that carry the sum; infinite where all are 0 and nothing is estimated.
    """
    carried = effective_patients(terms**2)
    return np.where(carried > 0, np.maximum(SQUARES * carried, 2), np.inf)


def largest_share(size: Floats) -> Floats:
    """Share (...) of the largest patient in the sizes (..., K) of all; 0 where there are none."""
    total = np.sum(size, axis=-1)
    return np.divide(np.max(size, axis=-1), total, out=np.zeros_like(total), where=total > 0)


def left(share: Floats) -> Floats:
    """Return 1 - h of patients' shares h, never less than a hundredth: a patient who is alone leaves nothing."""
    return np.maximum(1 - share, 0.01)
