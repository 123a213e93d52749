"""How often each reader-study test finds a difference where there is none, and how wide its intervals are.

    python benchmarks/reader_type_one.py [--studies 1000] [--seed 0] [--out FILE.csv]

Null studies of 5 readers, 2 treatments and 40 or 120 cases (half of them fresh) from the four structures of
Roe & Metz (1997) at AUC 0.86: high or low correlation of the data (first letter) and variance of the readers
(second). Under them both readers and cases vary, so the test for random readers and cases should reject 5 %
(3.5-6.5 % in a thousand studies); the other two ask about fewer things and reject more often here: the table
shows what it costs to read them as if they spoke for new readers and cases. The last rows give each of those
two its own null: readers who are all alike, and treatments that no case responds to differently. Structure HL
also comes in other designs: 10 % of readings missing at random, each treatment with its own half of the cases, and
a split-plot in which half of ten or of four readers read each treatment. Simulated data only.
"""

import argparse

import numpy as np
import pandas as pd

from ovcf.stats.readers.components import GENERALISES, components_of
from ovcf.stats.readers.covariance import figures_of_merit, merit_covariance
from ovcf.stats.readers.mrmc import compare_treatments
from ovcf.synthetic.readers import Variances, roe_metz

HIGH, LOW = Variances(c=0.3, tc=0.3, rc=0.2, error=0.2), Variances(c=0.1, tc=0.1, rc=0.2, error=0.6)
WIDE, NARROW = {"r": 0.03, "tr": 0.03}, {"r": 0.0055, "tr": 0.0055}
STRUCTURES = {
    "HL": HIGH._replace(**NARROW),
    "HH": HIGH._replace(**WIDE),
    "LL": LOW._replace(**NARROW),
    "LH": LOW._replace(**WIDE),
}
# each generalisation's own null, where what it holds fixed does not vary
READERS_ALIKE = HIGH._replace(r=0.0, tr=0.0)
CASES_ALIKE = HIGH._replace(**WIDE, tc=0.0, error=0.5)
THRESHOLD = 0.75  # half-way between the classes, for sensitivity and specificity
ANALYSES = (("auc", "jackknife"), ("auc", "delong"), ("auc", "unbiased"), ("sensitivity", "jackknife"))


def with_gaps(ratings, truth, rng):
    """Tenth of the readings lost at random."""
    return np.where(rng.random(ratings.shape) < 0.1, np.nan, ratings)


def nested_cases(ratings, truth, rng):
    """Every other case of each class belongs to the first treatment, the others to the second."""
    own = np.empty(truth.size, bool)
    for y in (True, False):
        own[truth == y] = np.arange((truth == y).sum()) % 2 == 0
    return np.stack([np.where(own, ratings[0], np.nan), np.where(own, np.nan, ratings[1])])


def split_plot(ratings, truth, rng):
    """The first half of the readers reads the first treatment, the others the second."""
    first = np.arange(ratings.shape[1]) < ratings.shape[1] // 2
    return np.stack([np.where(first[:, None], ratings[0], np.nan), np.where(first[:, None], np.nan, ratings[1])])


DESIGNS = {  # what becomes of the crossed readings, and of how many readers
    "10 % missing": (with_gaps, 5),
    "cases nested": (nested_cases, 5),
    "split-plot": (split_plot, 10),
    "split-plot, two readers each": (split_plot, 4),
}


def study_rows(ratings, truth, analyses=ANALYSES) -> list[dict]:
    """Analyse one study: metric, covariance, generalisation, rejected, width of the interval, narrower than for fixed
    readers."""
    treatments, readers, n = ratings.shape
    rows = []
    for metric, covariance in analyses:
        called = np.where(np.isnan(ratings), np.nan, ratings >= THRESHOLD)
        scores = ratings if metric == "auc" else called
        curves = scores.reshape(treatments * readers, n)
        theta = figures_of_merit(curves, truth, metric).reshape(treatments, readers)
        absent = np.isnan(ratings).all(axis=2)
        parts = components_of(theta, merit_covariance(curves, truth, metric, covariance), n, absent)
        entries = {name: compare_treatments(parts, ["a", "b"], name)[0] for name in GENERALISES}
        fixed = entries["fixed_readers"]["high"] - entries["fixed_readers"]["low"]
        for generalisation, entry in entries.items():
            rows.append({
                "metric": metric, "covariance": covariance, "generalisation": generalisation,
                "rejected": entry["p"] < 0.05, "width": entry["high"] - entry["low"],
                "narrower": entry["high"] - entry["low"] < fixed,
            })  # fmt: skip
    return rows


def null_studies(
    structure, variances, cases, studies, seed, analyses=ANALYSES, *, design=None, readers=5
) -> pd.DataFrame:
    """Analyse null studies: one row a metric, covariance and generalisation, with the share rejected."""
    rows = []
    for number in range(studies):
        # each structure has its own draws, so that chance does not push all rows the same way
        rng = np.random.default_rng(np.random.SeedSequence([seed, cases, number, *structure.encode()]))
        ratings, truth = roe_metz(rng, variances, readers=readers, cases=(cases // 2, cases // 2))
        ratings = ratings if design is None else design(ratings, truth, rng)
        rows += study_rows(ratings, truth, analyses)
    by = ["metric", "covariance", "generalisation"]
    table = (
        pd.DataFrame(rows)
        .groupby(by, sort=False)
        .agg(type_one_error=("rejected", "mean"), mean_width=("width", "mean"), narrower=("narrower", "mean"))
    )
    return table.reset_index().assign(structure=structure, cases=cases, studies=studies)


def run(studies=1000, seed=0) -> pd.DataFrame:
    """Return the whole table."""
    tables = []
    for cases in (40, 120):
        for name, parameters in STRUCTURES.items():
            tables.append(null_studies(name, parameters, cases, studies, seed))
        for name, parameters, own in (
            ("HL, readers alike", READERS_ALIKE, "fixed_readers"),
            ("HH, no treatment x case", CASES_ALIKE, "fixed_cases"),
        ):
            table = null_studies(name, parameters, cases, studies, seed, ANALYSES[:1])
            tables.append(table[table["generalisation"] == own])
        for name, (design, readers) in DESIGNS.items():
            options = {"design": design, "readers": readers, "analyses": ANALYSES[:3]}
            table = null_studies(f"HL, {name}", STRUCTURES["HL"], cases, studies, seed, **options)
            tables.append(table[table["generalisation"] == "random"])
    table = pd.concat(tables, ignore_index=True)
    # two standard errors of chance about the nominal 5 %
    table["chance"] = 2 * np.sqrt(0.05 * 0.95 / studies)
    front = ["structure", "cases", "metric", "covariance", "generalisation", "type_one_error"]
    return table[[*front, "mean_width", "narrower", "studies", "chance"]]


def main():
    """Print the table, and write it where asked."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="write the table here as CSV")
    arguments = parser.parse_args()
    table = run(arguments.studies, arguments.seed)
    print(table.round(4).to_string(index=False))
    if arguments.out:
        table.to_csv(arguments.out, index=False)


if __name__ == "__main__":
    main()
