"""Simulated readers with known truth: they drive the demonstration and test the methods. Never real people.

Each reader sees, for a case of class y (1 fresh, 0 old), the decision variable
    x = (2y - 1) a / 2 - c + sqrt(rho) case + sqrt(1 - rho) own,
with ability a (the d' of signal detection), criterion c, and standard normal parts: one shared by all readers
(what makes a case hard for everyone), one of their own. The answer is fresh where x > 0; |x| gives the
confidence. With the model's output at hand, x grows by trust times the model's log-odds (in units of their
mean size).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit
from scipy.stats import norm

from ovcf.problems import InputError, Problem

# |x| of a standard normal falls into the five steps of confidence equally often
_STEPS = norm.ppf([0.6, 0.7, 0.8, 0.9])
COLUMNS = ("reader", "session", "order", "patch_id", "patient_id", "truth", "answer", "confidence", "seconds",
           "time", "model_p_fresh")  # fmt: skip
_DAYS_BETWEEN = 3  # section 4: the second reading came three days later


def select_cases(patches: pd.DataFrame, predictions: pd.DataFrame, n: int = 40, seed: int = 0) -> pd.DataFrame:
    """Draw the cases of a reader study at random, in proportion to the classes.

    Parameters
    ----------
    patches : DataFrame
        With patch_id, patient_id; whatever else it holds is carried along.
    predictions : DataFrame
        Of one network and one split: one row a patch with patch_id, truth, p_fresh.
    n : int
        Cases to draw; the paper's 40 by default.
    seed : int

    Returns
    -------
    DataFrame (n rows): patch_id, patient_id, truth, p_fresh, further columns of `patches`, in random order.

    Raises
    ------
    InputError
        When a patch has several predictions (several networks or splits) or there are fewer than n patches,
        or n is too small to hold both classes.
    """
    if predictions["patch_id"].duplicated().any():
        again = predictions.loc[predictions["patch_id"].duplicated(), "patch_id"].iloc[0]
        message = "several predictions of one patch: choose one network, split and seed first"
        raise InputError(Problem("duplicate", message, column="patch_id", found=str(again)))
    both = predictions[["patch_id", "truth", "p_fresh"]].merge(
        patches.drop(columns=["truth", "p_fresh"], errors="ignore"), on="patch_id", validate="one_to_one"
    )
    fresh = round(n * (both["truth"] == 1).mean())
    have = (both["truth"] == 1).sum(), (both["truth"] == 0).sum()
    if not (0 < fresh < n and fresh <= have[0] and n - fresh <= have[1]):
        message = f"cannot draw {n} cases of both classes from {have[0]} fresh and {have[1]} old patches"
        raise InputError(Problem("too_few", message))
    rng = np.random.default_rng(np.random.SeedSequence([seed, 40]))
    sizes = ((1, fresh), (0, n - fresh))
    rows = [rng.choice(np.flatnonzero(both["truth"] == y), size, replace=False) for y, size in sizes]
    front = ["patch_id", "patient_id", "truth", "p_fresh"]
    chosen = both.iloc[rng.permutation(np.concatenate(rows))].reset_index(drop=True)
    return chosen[front + [c for c in chosen if c not in front]]


class Readers(NamedTuple):
    """How simulated readers are.

    The defaults give accuracies like the printed ones of Tables 4 and 5 (unaided about 0.55, aided about
    0.67) when the model is right on about three cases in four.

    ability, ability_sd : float
        Mean and spread over readers of d' (accuracy is about Phi(d' / 2)).
    criterion_sd : float
        Spread over readers of the criterion c (positive: calls fresh less often).
    reader_case_correlation : float in [0, 1]
        rho: how much of a case's difficulty all readers share.
    patient_correlation : float in [0, 1]
        Share of the common part that patches of one patient have together.
    memory : float in [0, 1]
        Correlation of a reader's own part between the sessions.
    trust, trust_sd : float
        Mean and spread over readers of the weight given to the model; 0 ignores it.
    """

    ability: float = 0.25
    ability_sd: float = 0.15
    criterion_sd: float = 0.1
    reader_case_correlation: float = 0.3
    patient_correlation: float = 0.0
    memory: float = 0.5
    trust: float = 0.7
    trust_sd: float = 0.15


LIKE_TABLE_4 = Readers()  # see `Readers`


def simulate_readings(
    cases: pd.DataFrame, who: Readers = LIKE_TABLE_4, *, readers: int = 5, n_cases: int | None = None, seed: int = 0
) -> pd.DataFrame:
    """Let simulated readers read cases twice: unaided, then with the model's output.

    Parameters
    ----------
    cases : DataFrame
        patch_id, patient_id, truth (1 fresh / 0 old), p_fresh of the model, in any order.
    who : Readers
        How they are.
    readers : int
    n_cases : int, optional
        Draw that many of the cases (see `select_cases`); by default all are read.
    seed : int

    Returns
    -------
    DataFrame, the `readings` table: reader ("Simulated reader 1" ...), session, order, patch_id, patient_id,
    truth, answer, confidence (1-5), seconds, time, model_p_fresh (NaN unaided). `attrs["simulation"]` holds
    the parameters and, for each reader, ability, criterion, trust, and the sensitivity, specificity, accuracy
    and AUC they imply unaided, in the population, and the accuracy they imply aided, on these cases.

    Checked by recovery: averaged over many seeds, the rates meet the stored truth.
    """
    cases = _checked(cases) if n_cases is None else select_cases(cases, cases, n_cases, seed)
    rng = np.random.default_rng(np.random.SeedSequence([seed, 41]))
    abilities = rng.normal(who.ability, who.ability_sd, readers)
    criteria = rng.normal(0, who.criterion_sd, readers)
    trusts = np.maximum(rng.normal(who.trust, who.trust_sd, readers), 0)  # nobody turns the model's word round
    means = (2 * cases["truth"].to_numpy() - 1) * abilities[:, None] / 2 - criteria[:, None]  # (r, n)
    model = _log_odds(cases["p_fresh"].to_numpy(float))
    noise = _correlated_noise(cases, readers, who, rng)
    tables = []
    for session, shift, part in (("unaided", 0, noise[0]), ("aided", trusts[:, None] * model, noise[1])):
        x = means + shift + part
        names = [f"Simulated reader {j + 1}" for j in range(readers)]
        tables += [_as_readings(cases, row, name, session, rng) for row, name in zip(x, names, strict=True)]
    out = pd.concat(tables, ignore_index=True)
    out.attrs["simulation"] = {
        "simulated": True, "seed": seed, "reader_case_correlation": who.reader_case_correlation,
        "patient_correlation": who.patient_correlation, "memory": who.memory, "ability": who.ability,
        "trust": who.trust,
        "readers": _implied(abilities, criteria, trusts, means + trusts[:, None] * model, cases["truth"]),
    }  # fmt: skip
    return out


class Variances(NamedTuple):
    """Variances of Roe and Metz' parts; by default their structure of high data correlation and low reader variance."""

    r: float = 0.0055
    tr: float = 0.0055
    c: float = 0.3
    tc: float = 0.3
    rc: float = 0.2
    error: float = 0.2


HIGH_LOW = Variances()  # correlation of the data, variance of the readers


def roe_metz(
    rng: np.random.Generator,
    variances: Variances = HIGH_LOW,
    *,
    readers: int = 5,
    cases: tuple[int, int] = (20, 20),
    mu: float = 1.5,
    shift: float = 0.0,
) -> tuple[NDArray, NDArray]:
    """Simulate one two-treatment reader study from the model of Roe & Metz (1997, Acad Radiol 4:298).

    X_ijkt = mu_t + tau_it + R_jt + C_kt + (tau R)_ijt + (tau C)_ikt + (RC)_jkt + E_ijkt, independent normal
    parts, for treatment i, reader j, case k and truth t (mu_0 = 0). Case variances sum to one; `shift` is
    added to the positives of the first treatment, so 0 is the null. The AUC is Phi(mu / sqrt(2 + 2 (var_r + var_tr)))
    in the population.

    Parameters
    ----------
    rng : numpy Generator
    variances : Variances
    readers : int
    cases : (int, int)
        Negatives and positives.

    Returns
    -------
    ratings (2, readers, n), truth (n,) bool
    """
    negatives, positives = cases
    truth = np.repeat([False, True], [negatives, positives])
    n, r = truth.size, readers

    def part(variance, *shape):
        return rng.normal(0, np.sqrt(variance), shape)

    of_reader = part(variances.r, 1, r, 2) + part(variances.tr, 2, r, 2)  # one draw a class
    x = of_reader[:, :, truth.astype(int)] + part(variances.c, 1, 1, n) + part(variances.tc, 2, 1, n)
    x = x + part(variances.rc, 1, r, n) + part(variances.error, 2, r, n) + mu * truth
    x[0, :, truth] += shift
    return x, truth


def _checked(cases):
    problems = [
        Problem("columns", "column missing", column=c)
        for c in ("patch_id", "patient_id", "truth", "p_fresh")
        if c not in cases
    ]
    if not problems and not cases["p_fresh"].between(0, 1).all():
        row = int(np.flatnonzero(~cases["p_fresh"].between(0, 1))[0])
        found = str(cases["p_fresh"].iloc[row])
        problems.append(Problem("range", "not a probability", None, row + 2, "p_fresh", found, "0 to 1"))
    if problems:
        raise InputError(problems)
    return cases.reset_index(drop=True)


def _log_odds(p):
    odds = logit(np.clip(p, 0.001, 0.999))
    return odds / max(np.abs(odds).mean(), 1e-9)  # readers get used to how loudly a model speaks


def _correlated_noise(cases, readers, who, rng):
    """Return the random part of x in both sessions, (2, r, n)."""
    rho, patient_rho, memory = who.reader_case_correlation, who.patient_correlation, who.memory
    patient = pd.factorize(cases["patient_id"])[0]
    common = np.sqrt(patient_rho) * rng.normal(size=patient.max() + 1)[patient]
    common = common + np.sqrt(1 - patient_rho) * rng.normal(size=len(cases))
    own = rng.normal(size=(3, readers, len(cases)))  # kept in memory; new in each session
    own = np.sqrt(memory) * own[0] + np.sqrt(1 - memory) * own[1:]
    return np.sqrt(rho) * common + np.sqrt(1 - rho) * own


def _as_readings(cases, x, reader, session, rng):
    order = rng.permutation(len(cases))
    confidence = 1 + np.searchsorted(_STEPS, np.abs(x))
    seconds = np.exp(rng.normal(np.log(14), 0.4, len(cases))) * (1.3 - 0.1 * confidence)
    table = cases[["patch_id", "patient_id", "truth"]].assign(
        reader=reader, session=session, answer=np.where(x > 0, "fresh", "old"), confidence=confidence,
        seconds=seconds, model_p_fresh=cases["p_fresh"] if session == "aided" else np.nan,
    ).iloc[order].assign(order=np.arange(1, len(cases) + 1))  # fmt: skip
    # an invented clock: a fixed start and the time each reading took
    start = pd.Timestamp("2000-01-01T09:00:00") + pd.Timedelta(days=_DAYS_BETWEEN * (session == "aided"))
    clock = start + pd.to_timedelta(table["seconds"].cumsum(), unit="s")
    table = table.assign(time=clock.dt.strftime("%Y-%m-%dT%H:%M:%S"), seconds=table["seconds"].round(1))
    return table[list(COLUMNS)]


def _implied(abilities, criteria, trusts, aided_means, truth):
    right = norm.cdf(np.where(np.asarray(truth) == 1, 1, -1) * aided_means).mean(axis=1)
    rows = []
    for j, (a, c, w) in enumerate(zip(abilities, criteria, trusts, strict=True)):
        sensitivity, specificity = norm.cdf(a / 2 - c), norm.cdf(a / 2 + c)
        rows.append({
            "reader": f"Simulated reader {j + 1}", "ability": a, "criterion": c, "trust": w,
            "sensitivity": sensitivity, "specificity": specificity,
            "accuracy": (sensitivity + specificity) / 2, "auc": norm.cdf(a / np.sqrt(2)),
            "accuracy_aided": right[j],
        })  # fmt: skip
    return [{k: v if isinstance(v, str) else float(v) for k, v in row.items()} for row in rows]
