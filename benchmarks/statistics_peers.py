"""Intervals and tests of AUCs beside scikit-learn, MLstatkit and confidenceinterval.

    python benchmarks/statistics_peers.py [--scores 720 100000] [--rounds 3] [--json FILE]

DeLong's interval of one AUC, DeLong's test of two, and the percentile bootstrap of an AUC. Every peer takes patches as
independent and knows no clusters; so do ours in these rows, but for those that say "by patient" (two scores a patient).
Where the method is the same the largest difference of the values is said. A peer's bootstrap is timed with fewer
replicates (`--replicates`) and multiplied up to 1,000, and the row says so. Simulated scores.
"""

import argparse
import contextlib
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from turns import beside, in_turns, keep, lacking, seconds_of, show

from ovcf.stats.analytic import clustered_auc_interval, delong_interval
from ovcf.stats.bootstrap import bootstrap, percentile_interval, weighted_auc
from ovcf.stats.compare import z_interval
from ovcf.stats.roc import clustered_delong, delong

try:
    import MLstatkit
except ModuleNotFoundError:
    MLstatkit = None
try:
    import confidenceinterval
except ModuleNotFoundError:
    confidenceinterval = None

REPLICATES = 1000


# ---------------------------------------------------------------- the same work by each
def our_test(truth: np.ndarray, scores: np.ndarray, areas_of: Callable = delong) -> dict[str, float]:
    """Test two AUCs (rows of scores) against each other."""
    areas = areas_of(truth, scores)
    (a, b), v = areas.auc, areas.covariance
    return z_interval(a - b, v[0, 0] + v[1, 1] - 2 * v[0, 1], 0.95)


def our_bootstrap(truth: np.ndarray, scores: np.ndarray, patient: np.ndarray, replicates: int) -> np.ndarray:
    """Percentile interval of an AUC over patients."""
    area = weighted_auc(truth.astype(bool), scores, patient)
    return percentile_interval(bootstrap(area, patient.max() + 1, replicates=replicates))


def plain_bootstrap(truth: np.ndarray, scores: np.ndarray, replicates: int) -> np.ndarray:
    """The same interval as one writes it with numpy and scikit-learn."""
    rng, n = np.random.default_rng(0), len(truth)
    drawn = (rng.integers(0, n, n) for _ in range(replicates))
    return np.quantile([roc_auc_score(truth[i], scores[i]) for i in drawn], [0.025, 0.975])


def mlstatkit_bootstrap(truth: np.ndarray, scores: np.ndarray, replicates: int) -> np.ndarray:
    """MLstatkit's interval, without its progress bar."""
    with contextlib.redirect_stderr(io.StringIO()):
        return np.array(MLstatkit.Bootstrapping(truth, scores, "roc_auc", n_bootstraps=replicates)[1:])


def confidenceinterval_bootstrap(truth: np.ndarray, scores: np.ndarray, replicates: int) -> np.ndarray:
    """The interval of confidenceinterval, by percentiles."""
    options = {"n_resamples": replicates, "random_state": np.random.RandomState(0)}
    return np.array(confidenceinterval.roc_auc_score(truth, scores, 0.95, "bootstrap_percentile", **options)[1])


def compared(what: str, ours: Callable, peers: dict[str, tuple], rounds: int) -> list[dict]:
    """Rows of one piece of work: each peer is (its call, what the seconds are multiplied by, note)."""
    jobs = {"ours": partial(seconds_of, ours)} | {name: partial(seconds_of, call) for name, (call, *_) in peers.items()}
    least = in_turns(jobs, rounds)
    rows = []
    for name, (_, times, note) in peers.items():
        rows.append(beside(what, least["ours"], name, least[name] * times, note=note))
    return rows


def apart(ours: object, theirs: object) -> str:
    """Words for the largest difference of two answers by one method."""
    return f"values differ by at most {np.max(np.abs(np.subtract(ours, theirs))):.1e}"


# ---------------------------------------------------------------- the parts
def interval_rows(truth: np.ndarray, a: np.ndarray, patient: np.ndarray, rounds: int) -> list[dict]:
    """DeLong's interval of one AUC."""
    what, name = f"AUC with DeLong's interval, {len(truth):,} scores", "confidenceinterval"
    found = delong_interval(truth, a)
    peers = {
        "scikit-learn, the AUC alone": (partial(roc_auc_score, truth, a), 1, apart(found[0], roc_auc_score(truth, a)))
    }
    if confidenceinterval:
        call = partial(confidenceinterval.roc_auc_score, truth, a)
        peers[name] = call, 1, apart(found[1:3], call()[1])
    rows = compared(what, partial(delong_interval, truth, a), peers, rounds)
    if not confidenceinterval:
        return [*rows, lacking(what, name)]
    note = {name: (peers[name][0], 1, f"{name} takes the scores of one patient as independent")}
    return rows + compared(f"{what}, ours by patient", partial(clustered_auc_interval, truth, a, patient), note, rounds)


def test_rows(truth: np.ndarray, both: np.ndarray, patient: np.ndarray, rounds: int) -> list[dict]:
    """DeLong's test of two AUCs."""
    what = f"DeLong's test of two AUCs, {len(truth):,} scores"
    if not MLstatkit:
        return [lacking(what, "MLstatkit")]
    theirs, ours = partial(MLstatkit.Delong_test, truth, *both), our_test(truth, both)
    z, p = theirs()[:2]
    peers = {"MLstatkit": (theirs, 1, apart((abs(ours["statistic"]), ours["p"]), (abs(z), p)) + " (z and p)")}
    rows = compared(what, partial(our_test, truth, both), peers, rounds)
    peers = {"MLstatkit": (theirs, 1, "MLstatkit takes the scores of one patient as independent")}
    by_patient = partial(our_test, truth, both, partial(clustered_delong, patient=patient))
    return rows + compared(f"{what}, ours by patient", by_patient, peers, rounds)


def bootstrap_rows(truth: np.ndarray, a: np.ndarray, patient: np.ndarray, rounds: int, few: int) -> list[dict]:
    """Percentile bootstrap of an AUC; the peers' with few replicates, multiplied up."""
    what = f"AUC, {REPLICATES:,} bootstrap replicates, {len(truth):,} scores"
    peers = {"scikit-learn and numpy": partial(plain_bootstrap, truth, a, few)}
    if MLstatkit:
        peers["MLstatkit"] = partial(mlstatkit_bootstrap, truth, a, few)
    if confidenceinterval:
        peers["confidenceinterval"] = partial(confidenceinterval_bootstrap, truth, a, few)
    note = f"{few} replicates timed, times {REPLICATES / few:g}" if few < REPLICATES else ""
    timed = {name: (call, REPLICATES / few, note) for name, call in peers.items()}
    alone = np.arange(len(truth))
    rows = compared(what, partial(our_bootstrap, truth, a, alone, REPLICATES), timed, rounds)
    by_patient = partial(our_bootstrap, truth, a, patient, REPLICATES)
    first = {"scikit-learn and numpy": timed["scikit-learn and numpy"]}
    rows += compared(f"{what}, ours by patient", by_patient, first, rounds)
    found = {"MLstatkit": MLstatkit, "confidenceinterval": confidenceinterval}
    return rows + [lacking(what, name) for name, package in found.items() if not package]


def main() -> None:
    """Print a line a comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=int, nargs="+", default=[720, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--replicates", type=int, default=20, help="of the peers, more than 10,000 scores; else 10 times"
    )
    parser.add_argument("--json", type=Path, help="where to keep the rows")
    options = parser.parse_args()
    rows: list[dict] = []
    for n in options.scores:
        rng = np.random.default_rng(n)
        truth, patient = np.arange(n) % 2, np.arange(n) // 2  # a patient has one of each
        both = truth + rng.normal(size=n) + rng.normal(scale=[[0.5], [0.8]], size=(2, n))
        few = options.replicates * (10 if n <= 10_000 else 1)
        rows += show(interval_rows(truth, both[0], patient, options.rounds))
        rows += show(test_rows(truth, both, patient, options.rounds))
        rows += show(bootstrap_rows(truth, both[0], patient, max(options.rounds - 2, 1), few))
    keep(rows, options.json)


if __name__ == "__main__":
    main()
