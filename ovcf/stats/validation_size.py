"""How many patches and patients an external validation needs, for intervals of a stated width.

Four criteria, each solved for the number of independent patches, then multiplied by the design effect of patches that
come from the same patient. Riley et al. (2021), Stat. Med. 40: 4230-4251; Riley et al. (2024), BMJ 384: e074821.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtri

from ovcf.problems import InputError, Problem
from ovcf.stats.checks import ALIKE
from ovcf.stats.roc import auc

WIDTHS = {"observed over expected": 0.2, "calibration slope": 0.2, "AUC": 0.1, "net benefit": 0.2}
"""Widths of the 95 % intervals that are aimed at, as the cited papers propose them."""

DRAWS = 200_000  # of the linear predictor, where only its distribution is known


def design_effect(values: ArrayLike, patient: ArrayLike) -> float:
    """Return by how much patients' several patches inflate the variance of a mean: clustered over independent.

    variance of the mean over patients as clusters, divided by that of independent patches; at least 1 is not forced, as
    estimates vary. `values` (n,), such as the truth or the squared error; NaN where all values are equal.
    """
    values, codes = np.asarray(values, float), np.unique(np.asarray(patient), return_inverse=True)[1]
    centred = values - values.mean()
    patients = int(codes.max()) + 1
    clustered = patients / max(patients - 1, 1) * np.sum(np.bincount(codes, centred) ** 2)
    independent = values.size / max(values.size - 1, 1) * np.sum(centred**2)
    return float(clustered / independent) if independent > 0 else float("nan")


class Expected(NamedTuple):
    """What is expected of a model in the cohort that a validation is planned for."""

    prevalence: float  # share of fresh, in (0, 1)
    auc: float  # in (0.5, 1)
    linear_predictor: ArrayLike  # (n,) logit p, such as the development's out-of-fold ones
    sensitivity: float | None = None  # at `threshold`
    specificity: float | None = None
    threshold: float = 0.5


def validation_size(
    expected: Expected,
    *,
    deff: float = 1.0,
    patches_per_patient: float = 1.0,
    widths: dict[str, float] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Tabulate the size that each criterion asks for.

    - observed over expected: n = (1 - phi) / (phi SE^2), SE of ln(O/E) whose interval around O/E = 1 has the width;
    - calibration slope: n = I_a / (SE^2 (I_a I_b - I_ab^2)), with I the mean information of a logistic model that is
      right (intercept 0, slope 1) over the distribution of the linear predictor; left out where that is one value;
    - AUC: smallest n whose standard error by Newcombe's formula (2006, Stat. Med. 25: 559-573, method 4) is small
      enough;
    - net benefit, standardised, at `threshold`: n = (sens (1 - sens) / phi + w^2 spec (1 - spec) / (1 - phi) +
      w^2 (1 - spec)^2 / (phi (1 - phi))) / SE^2, w = (1 - phi) / phi  t / (1 - t). Left out without both rates.

    Parameters
    ----------
    expected : of the model in the new cohort.
    deff : design effect (`design_effect`); patches_per_patient : mean number.
    widths : of the intervals, by criterion, over `WIDTHS`; level : of the intervals.

    Returns
    -------
    DataFrame
        criterion, width, se, independent_patches, patches (times deff), patients, fresh; whole numbers rounded up. The
        largest row is the answer. Checked against `pmvalsampsize`.

    Raises
    ------
    InputError
        For values out of range, all at once.

    What it cannot see: cohorts whose case mix differs from the stated one.
    """
    _check(expected, deff, patches_per_patient)
    widths, z = WIDTHS | (widths or {}), float(ndtri((1 + level) / 2))
    prevalence, area, eta, *at = expected
    sensitivity, specificity, threshold = at
    eta = np.asarray(eta, float)
    needed = {
        "observed over expected": _observed_expected(prevalence, widths["observed over expected"], z),
        "calibration slope": _slope(eta, widths["calibration slope"], z) if np.ptp(eta) > ALIKE else None,
        "AUC": _area(prevalence, area, widths["AUC"], z),
    }
    if sensitivity is not None and specificity is not None:
        needed["net benefit"] = _benefit(prevalence, sensitivity, specificity, threshold, widths["net benefit"], z)
    needed = {name: (widths[name], *found) for name, found in needed.items() if found}
    return rows_of(needed, prevalence, deff, patches_per_patient)


def rows_of(
    needed: dict[str, tuple[float, float, int]], prevalence: float, deff: float, patches_per_patient: float
) -> pd.DataFrame:
    """Turn independent patches into patches, patients and fresh ones: the table of `validation_size`.

    Parameters
    ----------
    needed : criterion to (width, se, independent patches).
    """
    rows = []
    for criterion, (width, se, n) in needed.items():
        patches = math.ceil(n * deff - 1e-9)
        patients, fresh = (math.ceil(x - 1e-9) for x in (patches / patches_per_patient, patches * prevalence))
        rows.append((criterion, width, se, n, patches, patients, fresh))
    names = ["criterion", "width", "se", "independent_patches", "patches", "patients", "fresh"]
    return pd.DataFrame(rows, columns=names)


def expected_of(truth: ArrayLike, p: ArrayLike, patient: ArrayLike, threshold: float) -> dict[str, Any]:
    """Return what `validation_size` is told where the next cohort is expected to be like this one.

    An AUC is taken as 0.51 to 0.999 and a rate as 0.001 to 0.999, since no size is defined at chance or where nothing
    goes wrong; a design effect below 1 as 1.

    Parameters
    ----------
    truth, p, patient : (n,), True = fresh, p its probability. threshold : called fresh at or above it.
    """
    fresh, p = np.asarray(truth, bool), np.asarray(p, float)
    called = {"sensitivity": p[fresh] >= threshold, "specificity": p[~fresh] < threshold}
    at = {name: float(np.clip(right.mean(), 0.001, 0.999)) for name, right in called.items()}
    area = float(np.clip(auc(fresh, p), 0.51, 0.999))
    expected = Expected(float(fresh.mean()), area, logit(np.clip(p, 1e-6, 1 - 1e-6)), **at, threshold=threshold)
    return {
        "expected": expected,
        "deff": max(1.0, design_effect((p - fresh) ** 2, patient)),
        "patches_per_patient": fresh.size / np.unique(np.asarray(patient)).size,
    }


def normal_linear_predictor(prevalence: float, auc: float, *, seed: int = 0) -> np.ndarray:
    """Draw linear predictors (200,000,) of a calibrated model with this prevalence and AUC, normal within classes.

    Within the classes normal with one variance s^2 and means s^2 apart: AUC = Phi(s / sqrt 2), and the model is right.
    """
    rng = np.random.default_rng(seed)
    spread = math.sqrt(2) * float(ndtri(auc))
    fresh = rng.random(DRAWS) < prevalence
    centre = math.log(prevalence / (1 - prevalence))
    return centre + spread**2 * (fresh - 0.5) + spread * rng.standard_normal(DRAWS)


def _observed_expected(phi: float, width: float, z: float) -> tuple[float, int]:
    """The standard error of ln(O/E) whose interval around 1, exp(-z SE) to exp(z SE), has the width."""
    se = brentq(lambda s: math.exp(z * s) - math.exp(-z * s) - width, 1e-9, 5)
    return se, math.ceil((1 - phi) / (phi * se**2))


def _slope(eta: np.ndarray, width: float, z: float) -> tuple[float, int]:
    """Fisher information of intercept and slope, averaged over the linear predictor."""
    p = expit(eta)
    weight = p * (1 - p)
    a, ab, b = weight.mean(), (weight * eta).mean(), (weight * eta**2).mean()
    se = width / (2 * z)
    return se, math.ceil(a / (se**2 * (a * b - ab**2)))


def _area(phi: float, auc: float, width: float, z: float) -> tuple[float, int]:
    """The smallest n that Newcombe's standard error allows, by bisection: it falls as n grows."""
    se = width / (2 * z)
    low, high = 2, 10_000_000
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _newcombe(middle, phi, auc) <= se else (middle + 1, high)
    return se, low


def _newcombe(n: int, phi: float, c: float) -> float:
    """Standard error of an AUC c of n patches of which a share phi is fresh."""
    half = n / 2 - 1
    spread = 1 + half * (1 - c) / (2 - c) + half * c / (1 + c)
    return math.sqrt(c * (1 - c) * spread / (n**2 * phi * (1 - phi)))


def _benefit(phi: float, sens: float, spec: float, t: float, width: float, z: float) -> tuple[float, int]:
    """Standardised net benefit at one threshold."""
    w, se = (1 - phi) / phi * t / (1 - t), width / (2 * z)
    variance = (
        sens * (1 - sens) / phi + w**2 * spec * (1 - spec) / (1 - phi) + w**2 * (1 - spec) ** 2 / (phi * (1 - phi))
    )
    return se, math.ceil(variance / se**2)


def _check(expected: Expected, deff: float, patches: float) -> None:
    """Refuse what no size can be computed from, all at once."""
    limits = (
        ("prevalence", 0 < expected.prevalence < 1, expected.prevalence, "above 0 and below 1"),
        ("auc", 0.5 < expected.auc < 1, expected.auc, "above 0.5 and below 1"),
        ("deff", deff > 0, deff, "above 0"),
        ("patches_per_patient", patches >= 1, patches, "1 or more"),
        ("threshold", 0 < expected.threshold < 1, expected.threshold, "above 0 and below 1"),
    )
    wrong = [
        Problem("size", f"{name} is out of range", column=name, found=str(value), allowed=allowed)
        for name, fine, value, allowed in limits
        if not fine
    ]
    if wrong:
        raise InputError(wrong)
