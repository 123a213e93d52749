"""How many patches and patients the making of a model needs, as far as that can be said beforehand.

Two things are asked of a development cohort. Knowing how good the model is, out of fold, asks for the same intervals as
a validation (`ovcf.stats.validation_size`). Fitting asks for more the more is fitted, and only for regressions is it
known how much: Riley et al. (2019), Stat. Med. 38: 1276-1296; Riley et al. (2020), BMJ 368: m441. Events per parameter
say nothing of a convolutional network, whose parameters are many, shared, started elsewhere and held back by
augmentation, decay and early stopping; the criteria apply to what is fitted on top of it.
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import entr, expit, ndtri

from ovcf.problems import InputError, Problem
from ovcf.stats.checks import one_network
from ovcf.stats.validation_size import Expected, expected_of, normal_linear_predictor, rows_of, validation_size

SHRINKAGE, OPTIMISM, SHARE, ERROR = 0.9, 0.05, 0.05, 0.05
"""Least shrinkage, most optimism of Nagelkerke's R^2, half-width of the prevalence's interval, mean absolute error."""
MOST_FOR_ERROR = 30  # parameters for which the formula of the mean absolute error was made
KNOWING = "knowing, out of fold, how good it is"
FITTED = {2: "fitting intercept and slope anew", 10: "fitting ten terms beside it (age, sex, region and the like)"}


def development_size(
    expected: Expected, parameters: int, *, deff: float = 1.0, patches_per_patient: float = 1.0, level: float = 0.95
) -> pd.DataFrame:
    """Tabulate the size that each criterion asks for, to fit a logistic regression of so many parameters.

    With P parameters, prevalence phi and R^2 of Cox and Snell, which a model with this AUC and normal linear predictors
    has (Riley & Van Calster 2021, Stat. Med. 40: 859-864):

    - shrinkage: n = P / ((S - 1) ln(1 - R^2 / S)), S = `SHRINKAGE`;
    - optimism: the same with S = R^2 / (R^2 + `OPTIMISM` max R^2), max R^2 = 1 - exp(2 ln L0 / n);
    - prevalence: n = (z / `SHARE`)^2 phi (1 - phi);
    - absolute error of probabilities, to 30 parameters: n = exp((-0.508 + 0.259 ln phi + 0.504 ln P - ln `ERROR`) /
      0.544), phi the rarer class (van Smeden et al. 2019, Stat. Methods Med. Res. 28: 2455-2474).

    Parameters
    ----------
    expected : of the model; its prevalence and AUC are used. parameters : that are fitted, without the intercept.
    deff, patches_per_patient, level : as in `validation_size`.

    Returns
    -------
    DataFrame of the columns of `validation_size`; `width` is what is aimed at, `se` NaN where no interval is. Checked
    against `pmsampsize`.

    Raises
    ------
    InputError
        No parameter, or values that `validation_size` refuses.

    What it cannot see: nonlinear terms and interactions that are tried and not counted.
    """
    if parameters < 1:
        raise InputError(Problem("size", "nothing is fitted", None, None, "parameters", str(parameters), "1 or more"))
    phi, z = expected.prevalence, float(ndtri((1 + level) / 2))
    explained, most = explained_variation(phi, expected.auc)
    needed = {
        "shrinkage": (SHRINKAGE, np.nan, _shrunk(parameters, SHRINKAGE, explained)),
        "optimism of R²": (OPTIMISM, np.nan, _shrunk(parameters, explained / (explained + OPTIMISM * most), explained)),
        "prevalence": (2 * SHARE, SHARE / z, math.ceil((z / SHARE) ** 2 * phi * (1 - phi))),
    }
    if parameters <= MOST_FOR_ERROR:
        log_n = -0.508 + 0.259 * math.log(min(phi, 1 - phi)) + 0.504 * math.log(parameters) - math.log(ERROR)
        needed["absolute error"] = (ERROR, np.nan, math.ceil(math.exp(log_n / 0.544)))
    return rows_of(needed, phi, deff, patches_per_patient)


def development_sizes(
    predictions: pd.DataFrame, *, threshold: float = 0.5, parameters: Sequence[int] = tuple(FITTED)
) -> pd.DataFrame:
    """Tabulate both: for knowing how good the model is, and for fitting so many parameters on top of it.

    Parameters
    ----------
    predictions : DataFrame, predictions of one network under one split: what is expected is what was found here.

    Returns
    -------
    DataFrame: purpose, then the columns of `validation_size`.

    What it cannot see: what `validation_size` and `development_size` cannot, and that what was found here is uncertain.
    """
    data = one_network(predictions)
    about = expected_of(data.truth, data.scores, data.patient, threshold)
    tables = [validation_size(**about).assign(purpose=KNOWING)]
    tables += [
        development_size(parameters=many, **about).assign(purpose=FITTED.get(many, f"fitting {many} parameters"))
        for many in parameters
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[["purpose", *(column for column in table if column != "purpose")]]


def explained_variation(prevalence: float, auc: float) -> tuple[float, float]:
    """Return Cox and Snell's R^2 of a calibrated model with this AUC, and the largest that the prevalence allows."""
    p = expit(normal_linear_predictor(prevalence, auc))
    none = entr(prevalence) + entr(1 - prevalence)  # -ln L of one patch without a model, in the mean
    left = float(np.mean(entr(p) + entr(1 - p)))
    return 1 - math.exp(-2 * (none - left)), 1 - math.exp(-2 * none)


def _shrunk(parameters: int, shrinkage: float, explained: float) -> int:
    """Return the size at which so many parameters are shrunk by no more than this."""
    return math.ceil(parameters / ((shrinkage - 1) * math.log(1 - explained / shrinkage)))
