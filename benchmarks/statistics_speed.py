"""Time the patient bootstrap and DeLong beside scikit-learn, in one run on one machine.

    python benchmarks/statistics_speed.py [--repeats 5]

- 10,000 patient bootstrap replicates of every metric of Table 2 on 720 patches of 405 patients: must be under
  1 s. The peer repeats the rows of drawn patients and calls scikit-learn, for fewer replicates, scaled up.
- DeLong's AUC and variance on 1,000,000 scores: must be under 2 s. The peer is roc_auc_score, the area alone.
- Every interval of notebooks 03 and 04 on 72,000 patches of 40,500 patients and two networks: must be under 60 s in
  all, on two cores, and the process under 1 GB (`--large` runs this alone, so that the memory is its own).

Each is timed several times; the median decides, the fastest and slowest stand beside it. Simulated data.
"""

import argparse
import resource
import time

import numpy as np
import pandas as pd
from sklearn import metrics as sk

from ovcf.stats import calibration, thresholds
from ovcf.stats.bootstrap import bootstrap_metrics, patient_weights
from ovcf.stats.by_patient import patient_results, widths_with_more
from ovcf.stats.compare import compare_networks
from ovcf.stats.intervals import fold_intervals
from ovcf.stats.leakage import price_of_leakage
from ovcf.stats.prevalence import at_prevalence
from ovcf.stats.roc import clustered_delong, delong
from ovcf.stats.simulate import Design, simulate_predictions
from ovcf.stats.summaries import fold_means, known_subgroups, network_intervals

REPLICATES, PEER_REPLICATES, MILLION = 10_000, 50, 1_000_000


def timed(call, repeats) -> tuple[float, float, float]:
    """Median, fastest and slowest of `repeats` runs, in seconds, after one that warms up."""
    call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), min(seconds), max(seconds)


def peer_bootstrap(truth, scores, patient, replicates, areas_only=False):
    """Bootstrap as one would write it with scikit-learn."""
    rows = [np.flatnonzero(patient == k) for k in range(patient.max() + 1)]
    (weights,) = patient_weights(len(rows), replicates)
    for drawn in weights.astype(int):
        index = np.concatenate([np.tile(r, w) for r, w in zip(rows, drawn, strict=True)])
        t, s = truth[index], scores[index]
        sk.roc_auc_score(t, s)
        if not areas_only:
            called = s >= 0.5
            sk.accuracy_score(t, called)
            sk.precision_recall_fscore_support(t, called, labels=[1, 0])


def bootstrap_rows(repeats) -> list[dict]:
    """Ours and scikit-learn's time for 10,000 replicates."""
    data = simulate_predictions(seed=1)
    arrays = [data[c].to_numpy() for c in ("truth", "p_fresh", "patient_id")]
    scale = REPLICATES / PEER_REPLICATES
    ours = timed(lambda: bootstrap_metrics(*arrays, replicates=REPLICATES), repeats)
    every = timed(lambda: peer_bootstrap(*arrays, PEER_REPLICATES), repeats)
    areas = timed(lambda: peer_bootstrap(*arrays, PEER_REPLICATES, areas_only=True), repeats)
    what = f"{REPLICATES:,} patient bootstrap replicates, 720 patches"
    return [
        _row(what, "ovcf, all 8 metrics", ours, ours, limit=1.0),
        _row(what, f"scikit-learn, all 8 metrics (x{scale:.0f})", np.multiply(every, scale), ours),
        _row(what, f"scikit-learn, AUC alone (x{scale:.0f})", np.multiply(areas, scale), ours),
    ]


def delong_rows(repeats) -> list[dict]:
    """Ours and scikit-learn's time for a million scores."""
    rng = np.random.default_rng(2)
    truth = rng.random(MILLION) < 0.5
    scores, patient = truth + rng.normal(size=MILLION), rng.integers(0, MILLION // 2, MILLION)
    what = f"DeLong on {MILLION:,} scores"
    ours = timed(lambda: delong(truth, scores), repeats)
    clustered = timed(lambda: clustered_delong(truth, scores, patient), repeats)
    theirs = timed(lambda: sk.roc_auc_score(truth, scores), repeats)
    return [
        _row(what, "ovcf, AUC and variance", ours, ours, limit=2.0),
        _row(what, "ovcf, clustered by 500,000 patients", clustered, ours),
        _row(what, "scikit-learn, AUC alone", theirs, ours),
    ]


def large_rows(patients=40_500, patches=72_000) -> list[dict]:
    """Seconds of each group of intervals that the report prints, run once, and the memory of the process after it."""
    both = simulate_predictions(Design(patients, patches, auc=(0.8, 0.78)), seed=1)
    one = both[both["network"] == "simulated 1"]
    levels = np.random.default_rng(0).choice(["T8", "T12", "L3"], len(one))
    cohort = one[["patch_id"]].assign(level=levels, sex=np.where(np.arange(len(one)) % 2, "female", "male"))
    scored = one["truth"], one["p_fresh"], one["patient_id"]
    other = one.assign(split="patch", p_fresh=one["p_fresh"] * 0.9)
    calls = {
        "Table 2, means over folds": lambda: fold_means(both),
        "pooled intervals": lambda: network_intervals(both),
        "Table 3, every fold": lambda: fold_intervals(one),
        "comparisons of networks": lambda: compare_networks(both),
        "reliability": lambda: calibration.reliability_curve(*scored),
        "calibration": lambda: calibration.calibration_table(*scored),
        "decision curve": lambda: calibration.decision_curve(*scored),
        "operating points": lambda: thresholds.operating_points(one),
        "subgroups": lambda: known_subgroups(one, cohort),
        "price of leakage": lambda: price_of_leakage(one, other),
        "predictive values": lambda: at_prevalence(one),
        "patients": lambda: patient_results(one),
        "widths with more patients": lambda: widths_with_more(one),
    }
    rows = []
    for name, call in calls.items():
        start = time.perf_counter()
        call()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3  # of the process so far
        rows.append({"what": f"{name}, {patches:,} patches", "seconds": time.perf_counter() - start, "peak_mb": peak})
    return rows


def print_large(rows) -> bool:
    """Print `large_rows` and whether both limits are kept."""
    table = pd.DataFrame(rows)
    total, peak = table["seconds"].sum(), table["peak_mb"].max()
    print(table.to_string(index=False, float_format="{:.1f}".format))
    print(f"in all {total:.1f} s (limit 60), {peak:.0f} MB (limit 1,000)")
    return total < 60 and peak < 1000


def _row(what, who, seconds, ours, limit=np.nan):
    median, fastest, slowest = seconds
    return {
        "what": what,
        "who": who,
        "median_s": median,
        "fastest_s": fastest,
        "slowest_s": slowest,
        "times_ours": median / ours[0],
        "limit_s": limit,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--large", action="store_true", help="only the intervals of 72,000 patches")
    options = parser.parse_args()
    if options.large:
        raise SystemExit(not print_large(large_rows()))
    repeats = options.repeats
    table = pd.DataFrame(bootstrap_rows(repeats) + delong_rows(repeats))
    print(table.to_string(index=False, float_format="{:.3f}".format, na_rep=""))
    late = table[table["median_s"] > table["limit_s"]]
    print("every limit is kept" if late.empty else f"too slow: {', '.join(late['who'])}")
    raise SystemExit(not late.empty)


if __name__ == "__main__":
    main()
