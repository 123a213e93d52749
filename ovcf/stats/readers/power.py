"""How many readers and cases a comparison of two treatments needs, from the components of a pilot study."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import chi2, f, ncf, nct, ncx2, norm, t

from ovcf.problems import InputError, Problem
from ovcf.stats.readers.components import GENERALISES, NOTHING, Components, variance_components

NEEDED = ("var_tr", "error", "cov1", "cov2", "cov3")
MOST_CASES = 100_000  # no study reads more


def power_grid(
    components: Components | dict, readers: Sequence[int] = (3, 5, 8, 10, 15),
    cases: Sequence[int] = (40, 80, 120, 160, 240), effect: float | Sequence[float] = 0.05, *,
    pilot_cases: int | None = None, generalisation: str | Sequence[str] = "random", alpha: float = 0.05,
    margin: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Predict the power of a two-treatment study for every number of readers and cases.

    The covariances of n cases are those of the pilot's n* times n* / n. With S = var(TR) and, scaled so,
    e = Error - Cov1 and d = max(Cov2 - Cov3, 0), r readers and a true difference D:

    * `random`: noncentral F with r D^2 / 2 / (S + e + (r-1) d), df2 = (r-1) ((S + e + (r-1) d) / (S + e -
      d))^2;
    * `fixed_readers`: noncentral chi2 with r D^2 / 2 / (e + (r-1) d);
    * `fixed_cases`: noncentral F with r D^2 / 2 / (S + e - d), df2 = r - 1.

    A negative estimate of var(TR) counts as nought, and `note` says so: the pilot saw no such variance, a study may.
    With a `margin` the question is non-inferiority: that the interval of the difference lies above -margin, one-sided
    at alpha / 2, where the true difference is `effect`: noncentral t (or normal) at (effect + margin) over the
    standard error. The mix of classes is taken to stay the pilot's.

    Parameters
    ----------
    components : Components or dict
        From `or_components`, or with var_tr, error, cov1, cov2, cov3 (then `pilot_cases` too).
    readers, cases : sequences of int
    effect : float or sequence of float
        True difference of the figure of merit between the treatments.
    pilot_cases : int, optional
        Cases (or patients, where they were the units) behind the components.
    generalisation : str or sequence
        random, fixed_readers, fixed_cases.
    margin : float, optional
        The loss that would still be accepted, > 0: power of the test of non-inferiority.

    Returns
    -------
    DataFrame: generalisation, effect, readers, cases, noncentrality, df2 (NaN for chi2), power, margin (NaN without),
    note.

    Raises
    ------
    InputError
        For missing or impossible components, a pilot without spread, fewer than two readers where readers vary, no
        cases, a difference that is no number or beyond 2 (kappa's range), or a margin that is not positive.

    Hillis, Obuchowski & Berbaum 2011, Acad Radiol 18:129 (their Eqs. for OR input). Checked against RJafroc's
    `SsPowerGivenJK` on Van Dyke in all three generalisations (0.80541995, 0.80091813, 0.80496663), and by
    simulation.

    What it cannot see: how uncertain the components of a small pilot are; its answers are guesses from them.
    """
    parts, pilot_cases = _parts(components, pilot_cases)
    kinds = [generalisation] if isinstance(generalisation, str) else list(generalisation)
    unknown = [kind for kind in kinds if kind not in GENERALISES]
    if unknown:
        allowed = ", ".join(GENERALISES)
        raise InputError(Problem("generalisation", "unknown", found=unknown[0], allowed=allowed))
    _check_sizes(np.atleast_1d(effect), margin)
    if min(readers) < 2 or min(cases) < 2:
        raise InputError(Problem("design", "a study needs two readers and two cases"))
    rows = []
    for kind in kinds:
        for size in np.atleast_1d(effect):
            for r in readers:
                for n in cases:
                    about = (kind, float(size), int(r), int(n))
                    rows.append((*about, *_power(parts, pilot_cases / n, r, size, kind, alpha, margin)))
    names = ["generalisation", "effect", "readers", "cases", "noncentrality", "df2", "power"]
    low = f"var(TR) was estimated at {parts['var_tr']:.3g} and counts as 0" if parts["var_tr"] < 0 else ""
    return pd.DataFrame(rows, columns=names).assign(margin=np.nan if margin is None else margin, note=low)


def cases_needed(
    components: Components | dict, readers: int, effect: float, *, power: float = 0.8, pilot_cases: int | None = None,
    generalisation: str = "random", alpha: float = 0.05, margin: float | None = None,
) -> int | None:  # fmt: skip
    """Return the fewest cases that reach a power with so many readers; None where `MOST_CASES` do not.

    Parameters as `power_grid`. Checked against RJafroc's `SsSampleSizeKGivenJ` (Van Dyke, 6 readers: 251
    cases).
    """
    _check_sizes([effect], margin)
    parts, pilot_cases = _parts(components, pilot_cases)

    def reaches(n):
        return _power(parts, pilot_cases / n, readers, effect, generalisation, alpha, margin)[-1] >= power

    low, high = 1, MOST_CASES
    if not reaches(MOST_CASES):
        return None
    while high - low > 1:  # more cases never hurt, so halve
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def _check_sizes(effects, margin):
    """Refuse differences and margins that no metric can have."""
    problems = [
        Problem("effect", "no difference that a metric can have", found=f"{size:g}", allowed="a number from -2 to 2")
        for size in effects
        if not abs(size) <= 2
    ]
    if margin is not None and not margin > 0:
        problems.append(Problem("margin", "the margin must be positive", found=str(margin)))
    if problems:
        raise InputError(problems)


def _parts(components, pilot_cases):
    if not isinstance(components, dict) and components.nested:
        message = (
            "power needs a pilot whose readers read under both treatments: a split-plot leaves no var(TR) and Cov1"
        )
        raise InputError(Problem("components", message))
    given = components if isinstance(components, dict) else variance_components(components)
    pilot_cases = pilot_cases or (None if isinstance(components, dict) else components.units)
    missing = [name for name in NEEDED if not np.isfinite(given.get(name, np.nan))]
    missing += [] if pilot_cases else ["pilot_cases"]
    if missing:
        message = f"power needs {', '.join(missing)} of a pilot with several readers"
        raise InputError(Problem("components", message))
    parts = {name: float(given[name]) for name in NEEDED}
    if parts["error"] - parts["cov1"] - max(parts["cov2"] - parts["cov3"], 0) < NOTHING:
        message = "the pilot's readers answer as one, or no case moves their difference: no size follows from it"
        raise InputError(Problem("components", message))
    return parts, pilot_cases


def _power(parts, scale, r, effect, kind, alpha, margin=None):
    """Return noncentrality, df2 and power."""
    between = max(parts["var_tr"], 0.0)
    own, shared = scale * (parts["error"] - parts["cov1"]), scale * max(parts["cov2"] - parts["cov3"], 0.0)
    if kind == "fixed_readers":
        total, df2 = own + (r - 1) * shared, np.inf
    else:
        interaction = between + own - shared  # what MS(TR) estimates
        total = interaction + (r * shared if kind == "random" else 0.0)
        df2 = (r - 1) * (total / interaction) ** 2
    if margin is not None:
        shift = (effect + margin) / np.sqrt(2 / r * total)
        power = norm.sf(norm.isf(alpha / 2) - shift) if df2 == np.inf else nct.sf(t.isf(alpha / 2, df2), df2, shift)
        return shift, df2 if df2 < np.inf else np.nan, float(power)
    noncentrality = r * effect**2 / 2 / total
    if df2 == np.inf:
        return noncentrality, np.nan, float(ncx2.sf(chi2.isf(alpha, 1), 1, noncentrality))
    # scipy's noncentral F is no distribution at a noncentrality of nought
    power = ncf.sf(f.isf(alpha, 1, df2), 1, df2, noncentrality) if noncentrality > 0 else alpha
    return noncentrality, df2, float(power)
