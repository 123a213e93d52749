"""Cohorts of predictions whose every metric is known, with patches clustered in patients.

They serve to measure how often intervals hold the truth (`benchmarks/coverage.py`) and to test calibration.
No image is made: labels and scores are drawn. Everything from here is simulated, and the network's name says so.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtr, ndtri

from ovcf.problems import InputError, Problem


class Design(NamedTuple):
    """A simulated cohort and its networks.

    patients, patches : counts; each patient has one patch and the rest fall on patients unequally (geometric
        sizes).
    auc : one per network, in (0.5, 1).
    prevalence : share of fresh patches.
    label_correlation, score_correlation : between patches of one patient, on the normal scale beneath labels and
        scores.
    network_correlation : between networks' scores of one patch, given its truth.
    folds : patients are dealt to folds.
    """

    patients: int = 405
    patches: int = 720
    auc: tuple[float, ...] = (0.8,)
    prevalence: float = 0.5
    label_correlation: float = 0.6
    score_correlation: float = 0.6
    network_correlation: float = 0.5
    folds: int = 5


def simulate_predictions(design: Design | None = None, seed: int | np.random.SeedSequence = 0) -> pd.DataFrame:
    """Draw a predictions table.

    A patch is fresh where a normal variable falls below Phi^-1(prevalence); its score is d (truth - 1/2) plus
    a standard normal, with d = sqrt(2) Phi^-1(AUC), and logit p_fresh = d score + logit(prevalence), which is
    the calibrated probability of this model. Both normal variables have a part shared within the patient.

    Parameters
    ----------
    design : Design ; seed : int or SeedSequence.

    Returns
    -------
    DataFrame
        The predictions table (network, split, fold, patch_id, patient_id, truth, p_fresh); networks are
        called "simulated 1", "simulated 2", ...; `patches` rows for each. Checked against `true_metrics`.

    Raises
    ------
    InputError
        A design that cannot be: fewer patches than patients, shares or correlations out of range.
    """
    design = _checked(design or Design())
    rng = np.random.default_rng(seed)
    patient = _patients(design, rng)
    truth = _correlated(rng, patient, design.label_correlation) < ndtri(design.prevalence)
    common = _correlated(rng, patient, design.score_correlation)
    folds = rng.permutation(design.patients) % design.folds + 1
    shared, tables = np.sqrt(design.network_correlation), []
    for k, area in enumerate(design.auc, 1):
        own = _correlated(rng, patient, design.score_correlation)
        d = np.sqrt(2) * ndtri(area)
        score = d * (truth - 0.5) + shared * common + np.sqrt(1 - shared**2) * own
        tables.append(
            pd.DataFrame(
                {
                    "network": f"simulated {k}",
                    "split": "patient",
                    "fold": folds[patient],
                    "patch_id": np.arange(patient.size),
                    "patient_id": patient,
                    "truth": truth.astype(int),
                    "p_fresh": expit(d * score + logit(design.prevalence)),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def true_metrics(design: Design | None = None, threshold: float = 0.5, network: int = 1) -> dict[str, float]:
    """Compute what each metric of Table 2 is for a network of a design, in a cohort without end.

    With the threshold at c on the score's scale: recall_fresh Phi(d/2 - c), recall_old Phi(d/2 + c), and the
    others by Bayes from the prevalence. Patches of one patient are compared too in an AUC of a finite cohort;
    with hundreds of patients they are too few to matter. Checked against a simulated cohort of a million
    patches.

    Returns
    -------
    dict
        The metrics of `ovcf.stats.rates.METRICS`, and auc_fold_mean, which equals auc.
    """
    design = _checked(design or Design())
    area, share = design.auc[network - 1], design.prevalence
    d = np.sqrt(2) * ndtri(area)
    c = (logit(threshold) - logit(share)) / d
    fresh, old = ndtr(d / 2 - c), ndtr(d / 2 + c)
    tp, fn, tn, fp = share * fresh, share * (1 - fresh), (1 - share) * old, (1 - share) * (1 - old)
    return {
        "accuracy": tp + tn,
        "precision_fresh": tp / (tp + fp),
        "precision_old": tn / (tn + fn),
        "recall_fresh": fresh,
        "recall_old": old,
        "f1_fresh": 2 * tp / (2 * tp + fp + fn),
        "f1_old": 2 * tn / (2 * tn + fp + fn),
        "auc": area,
        "auc_fold_mean": area,
    }


def _patients(design, rng):
    """Patient of each patch (n,): everyone once, the rest in proportion to exponential weights."""
    weights = rng.exponential(size=design.patients)
    extra = rng.multinomial(design.patches - design.patients, weights / weights.sum())
    return np.repeat(np.arange(design.patients), 1 + extra)


def _correlated(rng, patient, correlation):
    """Standard normals (n,) that share a part within the patient."""
    between, within = rng.normal(size=patient.max() + 1), rng.normal(size=patient.size)
    return np.sqrt(correlation) * between[patient] + np.sqrt(1 - correlation) * within


def _checked(design):
    """Hand back a design that can be, or refuse it with all that is wrong."""
    correlations = ("label_correlation", "score_correlation", "network_correlation")
    problems = [
        Problem(
            "design",
            "a correlation must lie between 0 and 1",
            column=name,
            found=str(getattr(design, name)),
            allowed="0 to 1",
        )
        for name in correlations
        if not 0 <= getattr(design, name) <= 1
    ]
    problems += [
        Problem("design", "an AUC must lie between 0.5 and 1, ends excluded", column="auc", found=str(area))
        for area in design.auc
        if not 0.5 < area < 1
    ]
    if not 0 < design.prevalence < 1:
        problems.append(
            Problem(
                "design",
                "the prevalence must lie between 0 and 1, ends excluded",
                column="prevalence",
                found=str(design.prevalence),
            )
        )
    if not 1 < design.patients <= design.patches:
        found = f"{design.patches} patches of {design.patients} patients"
        problems.append(
            Problem("design", "two patients are needed, and a patch or more of each", column="patches", found=found)
        )
    if problems:
        raise InputError(problems)
    return design
