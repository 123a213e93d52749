"""Who is in a synthetic cohort: Table 1's vertebrae dealt to patients, their ages, and who is excluded.

No picture is made here. Everything is decided by one generator, so a seed fixes the roster however many
workers render it.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ovcf.synthetic.hospitals import HOSPITALS, Hospital
from ovcf.words import LEVELS

# Table 1 of the paper: vertebrae per level from T5 to L5. The old counts include the normal segments.
TABLE1_FRESH = (3, 13, 11, 22, 17, 16, 33, 71, 75, 45, 29, 21, 8)
TABLE1_OLD = (3, 12, 17, 24, 18, 13, 34, 61, 57, 41, 30, 31, 15)
# The parentheses of Table 1 (T8 1, T11 1, T12 2, L1 3, L2 2, L3 1, L4 1) sum to 11; the text says nine. The
# table is followed, since it alone says at which levels they lie.
TABLE1_NORMAL = (0, 0, 0, 1, 0, 0, 1, 2, 3, 2, 1, 1, 0)

PAPER_PATIENTS, PAPER_COLLECTED, PAPER_FEMALE, PAPER_NORMAL_HEIGHT = 405, 557, 290, 11
AGE_LOW, AGE_HIGH, AGE_MEAN = 60.0, 98.0, 75.0
MOST_VERTEBRAE = 6
MIXED = 0.12  # weight of patients whose first vertebra is of the other class

# How 152 excluded patients divide over the four criteria is in a drawing we do not have: these are our own.
EXCLUDED = {
    "metastasis or haematological malignancy": 46,
    "radiograph unavailable or inadequate": 33,
    "MRI unavailable": 42,
    "more than a week between radiograph and MRI": 31,
}


def shares(weights: Any, total: int) -> NDArray:
    """Divide `total` into whole parts proportional to `weights` (largest remainders)."""
    exact = np.asarray(weights, float) / np.sum(weights) * total
    parts = np.floor(exact).astype(int)
    parts[np.argsort(-(exact - parts), kind="stable")[: total - parts.sum()]] += 1
    return parts


def table1_vertebrae(patients: int = PAPER_PATIENTS, hospital: Hospital = HOSPITALS["A"]) -> Any:
    """Return the vertebrae to be had, one row each: level, label, normal_segment, normal_height.

    For 405 patients the counts are Table 1's to the vertebra; for other cohorts they keep its proportions.

    Parameters
    ----------
    patients : int
        Size of the cohort. Vertebrae number 720 / 405 times as many.
    hospital : Hospital
        Whose mix of levels and classes; the counts above hold for A, another's keep its own proportions.

    Returns
    -------
    DataFrame
        Fresh first, then old, from T5 to L5. `normal_height` is filled by `roster`, which draws them.
    """
    whole = patients == PAPER_PATIENTS and hospital.name == "A"
    total = 720 if whole else round(patients * 720 / PAPER_PATIENTS)
    mix = (sum(TABLE1_FRESH), sum(TABLE1_OLD)) if hospital.fresh is None else (hospital.fresh, 1 - hospital.fresh)
    n_fresh, n_old = shares(mix, total)
    rows = []
    for label, table, n in (("fresh", TABLE1_FRESH, n_fresh), ("old", TABLE1_OLD, n_old)):
        counts = shares(hospital.level_weights(table), n)
        n_normal = round(sum(TABLE1_NORMAL) * n / sum(TABLE1_OLD)) if label == "old" else 0
        normals = np.minimum(shares(TABLE1_NORMAL, n_normal), counts)
        for level, count, normal in zip(LEVELS, counts, normals, strict=True):
            rows += [(level, label, i < normal) for i in range(count)]
    return pd.DataFrame(rows, columns=["level", "label", "normal_segment"])


def deal_vertebrae(vertebrae: Any, patients: int, rng: np.random.Generator, mixed: float = MIXED) -> Any:
    """Deal vertebrae to patients: everyone gets one, the rest go where they fit anatomically.

    A patient never gets a level twice, nor more than six. A vertebra prefers patients who have a
    neighbouring level (fractures cluster) and, weakly, patients of its own class: those of the other weigh `mixed` of
    these, and at 0 every patient has vertebrae of one class.

    Returns
    -------
    int array (n,)
        Patient index of every row of `vertebrae`.
    """
    index = {level: i for i, level in enumerate(LEVELS)}
    level = vertebrae.level.map(index).to_numpy()
    fresh = (vertebrae.label == "fresh").to_numpy()
    # First vertebrae alternate between the classes, so that even a dozen patients can be split into folds.
    order = np.concatenate([rng.permutation(np.flatnonzero(fresh)), rng.permutation(np.flatnonzero(~fresh))])
    order = order[np.argsort(_interleaved(fresh.sum(), (~fresh).sum()), kind="stable")]
    owner = np.full(len(vertebrae), -1)
    owner[order[:patients]] = rng.permutation(patients)
    has = np.zeros((patients, len(LEVELS)), bool)
    has[owner[order[:patients]], level[order[:patients]]] = True
    is_fresh = np.zeros(patients)
    is_fresh[owner[order[:patients]]] = np.where(fresh[order[:patients]], 1, -1)
    for row in rng.permutation(order[patients:]):
        gap = np.where(has, np.abs(np.arange(len(LEVELS)) - level[row]), 99).min(axis=1)
        own = is_fresh == (1 if fresh[row] else -1)
        weight = np.exp(-gap / 2.0) * np.where(own, 1.0, mixed) + 1e-4 * (own | (mixed > 0))
        weight[has[:, level[row]] | (has.sum(axis=1) >= MOST_VERTEBRAE)] = 0
        owner[row] = rng.choice(patients, p=weight / weight.sum())
        has[owner[row], level[row]] = True
    return owner


def _interleaved(n_first, n_second):
    """Return sort keys that spread two blocks of the given sizes evenly through each other."""
    return np.concatenate([(np.arange(n) + 0.5) / n for n in (n_first, n_second)])


def draw_ages(n: int, rng: np.random.Generator) -> NDArray:
    """Draw ages: mean 75 within the inclusion bound of 60 and a plausible oldest of 98 years.

    The paper prints 75 +- 14 beside an inclusion age of 60. With a mean of 75 on [60, 98] no density that
    falls with age can have an SD above 12.4 (the extreme is a spike at 60 and a uniform rest), so 14 is out
    of reach. The exponential truncated to [60, 98] is the least committed choice; its SD is 10.5. Quantiles
    are taken at evenly spaced levels, so even a small cohort has the mean, then shuffled.

    Returns
    -------
    float array (n,)
        Whole years.
    """
    span = AGE_HIGH - AGE_LOW
    rate = _rate_of_mean((AGE_MEAN - AGE_LOW) / span)
    level = (np.arange(n) + 0.5) / n
    years = AGE_LOW - span / rate * np.log1p(-level * -np.expm1(-rate))
    return rng.permutation(np.round(years))


def _rate_of_mean(mean):
    """Return the rate of an exponential truncated to [0, 1] with the given mean (below a half)."""
    low, high = 1e-6, 50.0
    for _ in range(80):
        rate = (low + high) / 2
        low, high = (rate, high) if 1 / rate - 1 / np.expm1(rate) > mean else (low, rate)
    return rate


def roster(patients: int, seed: int, hospital: Hospital = HOSPITALS["A"], mixed: float = MIXED) -> Any:
    """Return two tables: the cohort's vertebrae (one row each) and its patients; `mixed` as in `deal_vertebrae`.

    Returns
    -------
    vertebrae : DataFrame
        patient (index), level, label, normal_segment, normal_height; sorted by patient and level.
    people : DataFrame
        patient_id, age, sex; row i is patient i.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1, *hospital.stream]))
    vertebrae = table1_vertebrae(patients, hospital)
    vertebrae["normal_height"] = False
    fresh = np.flatnonzero(vertebrae.label == "fresh")
    n_normal = round(PAPER_NORMAL_HEIGHT * len(fresh) / sum(TABLE1_FRESH))
    vertebrae.loc[rng.choice(fresh, n_normal, replace=False), "normal_height"] = True
    vertebrae["patient"] = deal_vertebrae(vertebrae, patients, rng, mixed)
    vertebrae["rank"] = vertebrae.level.map(LEVELS.index)
    vertebrae = vertebrae.sort_values(["patient", "rank"], ignore_index=True).drop(columns="rank")
    n_female = round(PAPER_FEMALE * patients / PAPER_PATIENTS)
    people = pd.DataFrame(
        {
            "patient_id": [f"{hospital.prefix}{i + 1:04d}" for i in range(patients)],
            "age": draw_ages(patients, rng),
            "sex": rng.permutation(["female"] * n_female + ["male"] * (patients - n_female)),
        }
    )
    return vertebrae, people


def studies(people: pd.DataFrame, seed: int, hospital: Hospital = HOSPITALS["A"]) -> pd.DataFrame:
    """Return everyone collected, included and not: the table behind Figure 1.

    Each excluded patient fails the criterion named in `exclusion` and none listed before it in `EXCLUDED`;
    like real ones, some fail a later criterion as well. 557 rows for a cohort of 405.

    Returns
    -------
    DataFrame
        patient_id, age, sex, metastasis_or_haematological, radiograph_adequate, mri_available,
        days_between_radiograph_and_mri (NaN without MRI), exclusion ("" for the included).
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 2, *hospital.stream]))
    n_excluded = round(len(people) * (PAPER_COLLECTED / PAPER_PATIENTS - 1))
    reasons = [""] * len(people)
    for reason, n in zip(EXCLUDED, shares(list(EXCLUDED.values()), n_excluded), strict=True):
        reasons += [reason] * n
    extra = pd.DataFrame(
        {
            "patient_id": [f"{hospital.excluded_prefix}{i + 1:04d}" for i in range(n_excluded)],
            "age": draw_ages(n_excluded, rng) if n_excluded else [],
            "sex": np.where(rng.random(n_excluded) < PAPER_FEMALE / PAPER_PATIENTS, "female", "male"),
        }
    )
    table = pd.concat([people[["patient_id", "age", "sex"]], extra], ignore_index=True)
    number = np.array([["", *EXCLUDED].index(reason) for reason in reasons])
    also = (number > 0)[:, None] & (rng.random((len(table), 4)) < 0.08)
    fails = np.stack([(number == i + 1) | (also[:, i] & (number < i + 1)) for i in range(4)], axis=1)
    days = np.where(fails[:, 3], rng.integers(8, 60, len(table)), rng.integers(0, 8, len(table)))
    table["metastasis_or_haematological"] = fails[:, 0]
    table["radiograph_adequate"] = ~fails[:, 1]
    table["mri_available"] = ~fails[:, 2]
    table["days_between_radiograph_and_mri"] = np.where(fails[:, 2], np.nan, days)
    table["exclusion"] = reasons
    return table.iloc[rng.permutation(len(table))].reset_index(drop=True)
