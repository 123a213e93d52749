"""How often the default 95 % intervals hold the truth, from 30 patients to 405, however the patches fall on them.

    python benchmarks/coverage_grid.py [--cohorts 2000] [--correlation 0.3] [--workers 2] [--out FILE.csv]

Grid: 30, 100, 405 patients x AUC .6, .8, .97 x 6, 30, 50 % of patches fresh x patients with one to three patches
each, one of them with 50, ten of them with 20. Intervals: every metric of Table 2 and the means over five folds,
by the formulas that `metric_intervals` uses, on all cohorts of a cell at once. A patch is called fresh where its
probability reaches the prevalence. `correlation` is that of labels and of scores within a patient, on the normal
scale beneath them (0.3; the other design of this package has 0.6, which is harder). A cohort counts where the
interval is estimable (`ovcf.stats.intervals.enough`), a cell where half of its cohorts do. Between 93 and 98 %
is asked of a cell and metric; those beyond are listed, and with them whether the note that the report prints
would stand there. Chance moves an honest 95 % by 1.0 point either way with 2,000 cohorts. Simulated data only.
"""

import argparse
from itertools import product

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal

from ovcf.stats.analytic import area_ends, metric_ratios, proportion_ends, quantile_t
from ovcf.stats.clusters import area_spread, left, ratio_spread
from ovcf.stats.intervals import beware, enough
from ovcf.stats.simulate import Design, true_metrics

PATIENTS, AREAS, SHARES, KINDS = (
    (30, 100, 405),
    (0.6, 0.8, 0.97),
    (0.06, 0.3, 0.5),
    ("1-3", "one of 50", "ten of 20"),
)
FOLDS = 5


def sizes_of(patients: int, kind: str) -> np.ndarray:
    """Patches of each patient (K,): one, two, three in turn, and the large ones in front."""
    sizes = 1 + np.arange(patients) % 3
    sizes[: {"1-3": 0, "one of 50": 1, "ten of 20": 10}[kind]] = {"one of 50": 50}.get(kind, 20)
    return sizes


def draw(sizes, area, share, correlation, cohorts, rng):
    """Patient of each patch (n,), truth (cohorts, n) and score (cohorts, n), called fresh at or above 0."""
    patient = np.repeat(np.arange(sizes.size), sizes)

    def correlated():
        common = rng.normal(size=(cohorts, sizes.size))[:, patient]
        return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rng.normal(size=(cohorts, patient.size))

    truth = correlated() < ndtri(share)
    return patient, truth, np.sqrt(2) * ndtri(area) * (truth - 0.5) + correlated()


def true_area(sizes, area, share, correlation) -> float:
    """AUC over all pairs of such a cohort: pairs within a patient share what the patient's scores have in common."""
    c = ndtri(share)
    mixed = share - multivariate_normal([0, 0], [[1, correlation], [correlation, 1]]).cdf([c, c])
    within = np.sum(sizes * (sizes - 1)) * mixed
    between = (sizes.sum() ** 2 - np.sum(sizes**2)) * share * (1 - share)
    own = ndtr(np.sqrt(2) * ndtri(area) / np.sqrt(2 * (1 - correlation)))
    return (within * own + between * area) / (within + between)


def sums(values, patient):
    """Sum (cohorts, n) within patients, who stand in order: (cohorts, K)."""
    return np.add.reduceat(np.asarray(values, float), np.searchsorted(patient, np.unique(patient)), axis=1)


def ratio_ends(above, below, patient, fold):
    """Ends (cohorts,) of the interval of a ratio, or of the mean of the folds' ratios; NaN where all are 0/0."""
    members = [fold == f for f in np.unique(fold)]
    totals = np.stack([below[:, of].sum(axis=1) for of in members])  # (folds, cohorts)
    used = (totals > 0).sum(axis=0)
    parts, shares = np.zeros((5, len(above), np.unique(patient).size)), np.zeros(len(above))
    for of, total in zip(members, totals, strict=True):
        a, b, weight = above[:, of], below[:, of], np.where(total > 0, 1 / np.maximum(total, 1), 0)[:, None]
        p = a.sum(axis=1) * weight[:, 0]
        terms = (a - p[:, None] * b) * weight / np.maximum(used, 1)[:, None]
        names = np.unique(patient[of])
        own = [sums(v, patient[of]) for v in (terms, terms**2, b > 0, b * weight)]
        residual, squares, count, size = own
        for k, values in enumerate((residual, residual / np.sqrt(left(size)), squares, count, size)):
            parts[k][:, names] += values
        shares += p / np.maximum(used, 1)
    low, high = proportion_ends(shares, spread := ratio_spread(*parts))
    return np.where(used > 0, low, np.nan), np.where(used > 0, high, np.nan), spread, shares


def auc_ends(truth, score, patient, fold):
    """Ends (cohorts,) of the interval of the AUC, or of the mean of the folds' AUCs."""
    total, used, area = np.zeros((3, len(truth), np.unique(patient).size)), np.zeros(len(truth)), np.zeros(len(truth))
    for of in (fold == f for f in np.unique(fold)):
        t, names = truth[:, of], np.unique(patient[of])
        both = t.any(axis=1) & ~t.all(axis=1)
        mean, below, above = placed(t, score[:, of])
        fresh, old = sums(t, patient[of]), sums(~t, patient[of])
        with np.errstate(invalid="ignore", divide="ignore"):
            m, n = fresh.sum(axis=1, keepdims=True), old.sum(axis=1, keepdims=True)
            parts = ((below, m, fresh), (above, n, old))
            enlarged = sum(sums(v, patient[of]) / all / np.sqrt(left(own / all)) for v, all, own in parts)
        for k, values in enumerate((enlarged, fresh, old)):
            total[k][:, names] += np.where(both[:, None], values, 0)
        area, used = area + np.where(both, mean, 0), used + both
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = area_spread(total[0] / used[:, None], total[1], total[2])
        area = area / used
        ends = area_ends(area, spread.variance, quantile_t(spread.df, 0.95), spread.effective)
    return *ends, spread, area


def placed(truth, score):
    """AUC (cohorts,) and deviations of placements, (cohorts, n) each: of fresh patches, of old ones, else 0."""
    rank = score.argsort(axis=1).argsort(axis=1) + 1.0  # scores have no ties
    own = np.where(truth, np.where(truth, score, np.inf).argsort(axis=1).argsort(axis=1), 0) + 1.0
    other = np.where(truth, 0, np.where(truth, np.inf, score).argsort(axis=1).argsort(axis=1)) + 1.0
    m, n = truth.sum(axis=1, keepdims=True), (~truth).sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        below, above = (rank - own) / n, 1 - (rank - other) / m
        mean = np.where(truth, below, 0).sum(axis=1) / m[:, 0]
    gaps = (np.where(of, v - mean[:, None], 0) for of, v in ((truth, below), (~truth, above)))
    return mean, *gaps


def one_cell(patients, area, share, kind, cohorts, correlation, seed) -> list[dict]:
    """Coverage of every interval in one cell."""
    rng = np.random.default_rng([seed, patients, round(100 * area), round(100 * share), KINDS.index(kind)])
    sizes = sizes_of(patients, kind)
    patient, truth, score = draw(sizes, area, share, correlation, cohorts, rng)
    fold = rng.permutation(np.arange(patients) % FOLDS)[patient]
    true = true_metrics(Design(auc=(area,), prevalence=share), share)
    rows, about = [], {"patients": patients, "kind": kind, "auc": area, "prevalence": share}
    for name, of_fold in (("pooled", np.zeros_like(fold)), ("mean of folds", fold)):
        each = np.stack(  # (folds, 2, cohorts): fewest patients of a class
            [[(sums(y[:, of_fold == f], patient[of_fold == f]) > 0).sum(axis=1) for y in (truth, ~truth)]
             for f in np.unique(of_fold)]
        )  # fmt: skip
        members = [np.unique(patient[of_fold == f]) for f in np.unique(of_fold)]
        true["auc"] = np.mean([true_area(sizes[of], area, share, correlation) for of in members])
        ends = {m: ratio_ends(a, b, patient, of_fold) for m, (a, b) in metric_ratios(truth, score >= 0).items()}
        ends["auc"] = auc_ends(truth, score, patient, of_fold)
        for metric, (low, high, spread, value) in ends.items():
            ok = enough(metric, each[:, 0].min(axis=0), each[:, 1].min(axis=0)) & ~np.isnan(low)
            inside = (low <= true[metric]) & (true[metric] <= high)
            noted = beware(metric, spread.effective, spread.largest, value)
            rows.append({**about, "average": name, "metric": metric, "estimable": ok.mean(),
                         "coverage": inside[ok].mean() if ok.any() else np.nan, "zero_width": (high <= low)[ok].sum(),
                         "width": (high - low)[ok].mean() if ok.any() else np.nan,
                         "warned": noted[ok].mean() if ok.any() else np.nan})  # fmt: skip
    return rows


def grid(cohorts=2000, correlation=0.3, seed=0, workers=1, patients=PATIENTS) -> pd.DataFrame:
    """Coverage by cell, average and metric; `counts` where half of the cohorts are estimable."""
    cells = product(patients, AREAS, SHARES, KINDS)
    jobs = (delayed(one_cell)(*cell, cohorts, correlation, seed) for cell in cells)
    table = pd.DataFrame([row for rows in Parallel(n_jobs=workers)(jobs) for row in rows])
    counts = table["estimable"] >= 0.5
    return table.assign(counts=counts, holds=table["coverage"].between(0.93, 0.98) | ~counts, cohorts=cohorts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cohorts", type=int, default=2000)
    parser.add_argument("--correlation", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", help="also write the table as CSV")
    options = parser.parse_args()
    table = grid(options.cohorts, options.correlation, options.seed, options.workers)
    counted = table[table["counts"]]
    beyond = counted[~counted["holds"]]
    print(f"Simulated, {options.cohorts} cohorts a cell, correlation {options.correlation:g} within patients\n")
    summary = counted.groupby(["average", "metric"], sort=False).agg(
        cells=("holds", "size"), hold=("holds", "sum"), least=("coverage", "min"), most=("coverage", "max")
    )
    print(summary.round(3).to_string())
    print(f"\n{len(counted)} cells and metrics count; {len(beyond)} ({len(beyond) / len(counted):.1%}) beyond 93-98 %")
    print(f"intervals of zero width: {counted['zero_width'].sum()}")
    print(beyond.drop(columns=["counts", "holds", "cohorts", "zero_width"]).round(3).to_string(index=False))
    if options.out:
        table.to_csv(options.out, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
