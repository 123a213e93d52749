"""How often the audit of published tables is wrong: honest papers, one planted fault of each kind, fold tables, time.

Of four kinds some papers cannot be told from honest ones, since an honest paper prints the same digits; an oracle
(`decidable.py`) says which, and the rate among the others is printed too.

Run: python benchmarks/audit.py [--papers 2000] [--planted 200] [--tables 1000] [--small 500] [--kinds WORD ...]
"""

import argparse
import time
import warnings
from collections import Counter

import numpy as np
import styles
from decidable import ORACLES, honest_twin
from fold_tables import beside_everything, beside_mlscorecheck
from joblib import Parallel, delayed
from planting import FAULTS, planted_paper, planted_tree

from ovcf.audit.audit import audit
from ovcf.audit.findings import CONTRADICTION, NOTE, UNDECIDED, UNLIKELY
from ovcf.audit.matrices import solve
from ovcf.audit.printed import interval_of
from ovcf.audit.simulate import build, finish, honest_paper

HONEST = {
    "honest, in all styles of printing": lambda rng: styles.styled(rng)[0],
    "honest, folds and readers": lambda rng: finish(honest_paper(rng)[0]),
}
PLANTED = {kind: lambda rng, kind=kind: planted_paper(kind, rng) for kind in FAULTS}
PLANTED |= {kind: lambda rng, kind=kind: styles.styled_with(kind, rng) for kind in styles.FAULTS}


def findings_of(kind: str, seed: int) -> list[tuple[str, str]]:
    """Audit one simulated paper; (kind of finding, severity) of each."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng([seed, list(HONEST | PLANTED).index(kind)])
    result = audit(build((HONEST | PLANTED)[kind](rng)), simulate=False)
    return [(finding.kind, finding.severity) for finding in result.findings]


def seen_and_decidable(kind: str, seed: int) -> tuple[bool, bool | None]:
    """Audit one paper with a fault that not every paper shows: was it seen, and has it an honest twin?"""
    rng = np.random.default_rng([seed, list(HONEST | PLANTED).index(kind)])
    twin = honest_twin(kind, *planted_tree(kind, rng))
    return detected(findings_of(kind, seed)), twin


def detected(found: list[tuple[str, str]]) -> bool:
    """A fault counts as seen by a contradiction, something very unlikely, or the note on a ±'s divisor."""
    return any(severity not in (NOTE, UNDECIDED) or name == "divisor" for name, severity in found)


def rates(kind: str, papers: int, workers: int) -> None:
    """Print false alarms on honest papers, or how often a kind of fault is seen."""
    start = time.perf_counter()
    found = Parallel(n_jobs=workers)(delayed(findings_of)(kind, seed) for seed in range(papers))
    each = 1000 * (time.perf_counter() - start) * workers / papers
    names = Counter(
        name for one in found for name in {n for n, s in one if s not in (NOTE, UNDECIDED) or n == "divisor"}
    )
    if kind in HONEST:
        wrong = {s: sum(any(severity == s for _, severity in one) for one in found) for s in (CONTRADICTION, UNLIKELY)}
        print(f"{papers} papers, {kind}: {wrong}, kinds {dict(names)}  ({each:.0f} ms a paper)", flush=True)
    else:
        seen = np.mean([detected(one) for one in found])
        if kind in ORACLES:
            _among_decidable(kind, papers, workers)
        print(f"{kind:45s} {seen:7.1%} of {papers}  ({each:.0f} ms; by {dict(names.most_common(4))})", flush=True)


def _among_decidable(kind: str, papers: int, workers: int) -> None:
    """Print how often a fault is seen where no honest paper prints the same digits (or none was found)."""
    found = Counter(Parallel(n_jobs=workers)(delayed(seen_and_decidable)(kind, seed) for seed in range(papers)))
    twins = sum(n for (_, twin), n in found.items() if twin)
    seen, open_ones = found[True, False] + found[True, None], found[True, None] + found[False, None]
    rest = papers - twins
    print(f"{kind:45s} {seen / max(rest, 1):7.1%} of the {rest} that no honest paper prints alike ({open_ones} of them "
          f"searched at random), {found[True, True]} of {twins} others", flush=True)  # fmt: skip


def fold_tables(tables: int, small: int, workers: int) -> None:
    """Print how verdicts on rows over folds compare with mlscorecheck's and with trying everything."""
    found = Counter(Parallel(n_jobs=workers)(delayed(beside_mlscorecheck)(seed) for seed in range(tables)))
    print(f"{tables} rows without ±, (possible by ours, by mlscorecheck): {dict(found)}", flush=True)
    for unknown in (False, True):
        found = Counter(Parallel(n_jobs=workers)(delayed(beside_everything)(seed, unknown) for seed in range(small)))
        sizes = "unknown" if unknown else "known"
        print(f"{small} small rows with ±, {sizes} fold sizes, (ours, all tried): {dict(found)}", flush=True)


def timings() -> None:
    """Print times of the solver and of the paper's audit."""
    printed = {"accuracy": "77.24", "recall_positive": "85.45", "recall_negative": "72.22"}
    exact = {metric: interval_of(text) for metric, text in printed.items()}
    exact = {metric: type(one)(one.low / 100, one.high / 100) for metric, one in exact.items()}
    for n in (40, 720, 5000, (1, 5000)):
        start = time.perf_counter()
        count = solve(exact, n).count
        print(f"solver, n = {n}: {count} matrices, {1000 * (time.perf_counter() - start):.1f} ms")
    start = time.perf_counter()
    audit()
    print(f"audit of the paper: {time.perf_counter() - start:.2f} s", flush=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--papers", type=int, default=2000, help="honest papers of each style")
    arguments.add_argument("--planted", type=int, default=200, help="papers with each kind of fault")
    arguments.add_argument("--tables", type=int, default=1000)
    arguments.add_argument("--small", type=int, default=500)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--kinds", nargs="*", help="only kinds whose name holds one of these words")
    given = arguments.parse_args()
    if not given.kinds:
        timings()
        fold_tables(given.tables, given.small, given.workers)
    for kind in HONEST | PLANTED:
        if not given.kinds or any(word in kind for word in given.kinds):
            rates(kind, given.papers if kind in HONEST else given.planted, given.workers)
