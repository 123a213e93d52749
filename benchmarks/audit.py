"""How often the audit of published tables is wrong: honest papers, one planted fault of each kind, and time.

Run: python benchmarks/audit.py [--papers 1000] [--workers 2]
"""

import argparse
import time
from collections import Counter

import numpy as np
from joblib import Parallel, delayed
from planting import FAULTS, planted_paper

from ovcf.audit.audit import audit
from ovcf.audit.findings import CONTRADICTION, NOTE, UNLIKELY
from ovcf.audit.matrices import solve
from ovcf.audit.printed import interval_of
from ovcf.audit.simulate import build, finish, honest_paper

HONEST = "honest"


def findings_of(kind: str, seed: int) -> list[tuple[str, str]]:
    """Audit one simulated paper; (kind of finding, severity) of each."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, list([HONEST, *FAULTS]).index(kind)]))
    tree = finish(honest_paper(rng)[0]) if kind == HONEST else planted_paper(kind, rng)
    result = audit(build(tree), simulate=False)
    return [(finding.id.rpartition("-")[0], finding.severity) for finding in result.findings]


def detected(found) -> bool:
    """A fault counts as seen by a contradiction, something very unlikely, or the note on a ±'s divisor."""
    return any(severity != NOTE or name == "divisor" for name, severity in found)


def rates(papers: int, workers: int, kinds=(HONEST, *FAULTS)) -> None:
    """Print false alarms on honest papers and the detection rate of each kind of fault."""
    for kind in kinds:
        start = time.perf_counter()
        found = Parallel(n_jobs=workers)(delayed(findings_of)(kind, seed) for seed in range(papers))
        each = 1000 * (time.perf_counter() - start) * workers / papers
        if kind == HONEST:
            wrong = {severity: sum(any(s == severity for _, s in one) for one in found)
                     for severity in (CONTRADICTION, UNLIKELY)}  # fmt: skip
            names = Counter(name for one in found for name, severity in one if severity != NOTE)
            print(f"{papers} honest papers: {wrong}, kinds {dict(names)}  ({each:.0f} ms a paper)")
        else:
            seen = np.mean([detected(one) for one in found])
            names = Counter(name for one in found for name in {n for n, s in one if s != NOTE or n == "divisor"})
            print(f"{kind:45s} {seen:7.1%}  ({each:.0f} ms a paper; by {dict(names.most_common(4))})")


def timings() -> None:
    """Print times of the solver and of the paper's audit."""
    printed = {"accuracy": "77.24", "recall_positive": "85.45", "recall_negative": "72.22"}
    exact = {metric: interval_of(text) for metric, text in printed.items()}
    exact = {metric: type(one)(one.low / 100, one.high / 100) for metric, one in exact.items()}
    for n in (40, 720, 5000, (1, 5000)):
        start = time.perf_counter()
        count = solve(exact, n).count
        print(f"solver, n = {n}: {count} matrices, {1000 * (time.perf_counter() - start):.1f} ms")
    for _ in range(3):
        start = time.perf_counter()
        audit()
        print(f"audit of the paper: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--papers", type=int, default=1000)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--kinds", nargs="*", help="only kinds whose name holds one of these words")
    given = arguments.parse_args()
    chosen = [kind for kind in (HONEST, *FAULTS) if not given.kinds or any(word in kind for word in given.kinds)]
    if not given.kinds:
        timings()
    rates(given.papers, given.workers, chosen)
