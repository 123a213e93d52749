"""Folds of a set: matrices that together make up the set, and which way of splitting gives their sizes."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from .findings import CONTRADICTION, Ledger
from .matrices import LARGEST_N, Solutions, solve
from .paper import Paper, Set, Table
from .readings import Reading, readings_of, under

SPREAD = 0.25  # folds are first sought within this share of an even size
MOST_LISTED = 1_600  # matrices of one fold beyond which totals are not followed
MOST_TOTALS = 40_000


class Parts(NamedTuple):
    """Matrices of a table's folds (row path -> Solutions), sizes tried, and totals they can add up to.

    `totals`: set of (cases, positives) over all folds; empty when too many matrices fit to follow.
    """

    solutions: dict[str, Solutions]
    n: tuple[int, int]
    totals: set[tuple[int, int]]
    reading: Reading

    @property
    def fit(self) -> bool:
        """Tell whether every row has a matrix, or nothing could be tried."""
        return all(found.count for found in self.solutions.values())

    def room_for(self, path: str, total: tuple[int, int]) -> tuple[int, int]:
        """Cases that are left for one fold once the others have theirs."""
        if any(not found.complete or not found.count for other, found in self.solutions.items() if other != path):
            return self.n
        others = [sorted(n for n, _ in found.sizes) for other, found in self.solutions.items() if other != path]
        low, high = total[0] - sum(one[-1] for one in others), total[1] - sum(one[0] for one in others)
        return (max(low, 1), high) if high >= 1 else self.n

    def sizes(self) -> np.ndarray | None:
        """Return (positives, negatives) of each fold, int (k, 2), where all are unique."""
        if not self.solutions or not all(found.unique for found in self.solutions.values()):
            return None
        rows = np.array([found.matrices[0] for found in self.solutions.values()])
        return np.stack([rows[:, 0] + rows[:, 1], rows[:, 2] + rows[:, 3]], axis=1)


def parts_of(paper: Paper, table: Table) -> Parts:
    """Solve the single rows of a table whose rows are the folds of a set, under the first reading that fits all.

    Even folds are tried first; if a row has no matrix or the sizes cannot add up to the set's, all sizes are. Columns
    whose names say no class are also read as averages over both classes.
    """
    bare = [table.metrics[column] for column in table.bare()]
    readings = [one for one in readings_of(table.metrics.values(), bare) if one.honest]
    found = [_parts_under(paper, table, reading) for reading in readings[:1]]
    while not found[-1].fit and len(found) < len(readings):
        found.append(_parts_under(paper, table, readings[len(found)]))
    return found[-1] if found[-1].fit else found[0]


def _parts_under(paper: Paper, table: Table, reading: Reading) -> Parts:
    """Solve the folds under one reading of the columns."""
    rows = {row.path: under(reading, table.rates(row)) for row in table.singles()}
    total = paper.sets[table.folds_of].n
    if total is None or total[1] > LARGEST_N:
        return Parts({}, (0, 0), set(), reading)
    even = total[0] / len(rows), total[1] / len(rows)
    near = max(int(even[0] * (1 - SPREAD)), 1), int(np.ceil(even[1] * (1 + SPREAD)))
    solutions = {path: solve(rates, near, limit=MOST_LISTED) for path, rates in rows.items()}
    totals = _totals(list(solutions.values()), total[1])
    n = near
    if not all(found.count for found in solutions.values()) or (totals and not any(t[0] == total[0] for t in totals)):
        n = 1, total[1]  # uneven folds
        wide = {
            path: found if found.count else solve(rows[path], n, limit=MOST_LISTED) for path, found in solutions.items()
        }
        if all(found.count for found in wide.values()):  # every row can be: then all sizes count
            solutions = {path: solve(rates, n, limit=MOST_LISTED) for path, rates in rows.items()}
            totals = _totals(list(solutions.values()), total[1])
    return Parts(_that_add_up(solutions, total), n, totals, reading)


def _totals(solutions, largest) -> set[tuple[int, int]]:
    """Return all (cases, positives) that one matrix of each fold can add up to; empty if too many."""
    totals = {(0, 0)}
    for found in solutions:
        sizes = found.sizes
        if not found.complete or not sizes or len(sizes) * len(totals) > MOST_TOTALS * 10:
            return set()
        totals = {(a + n, b + p) for a, b in totals for n, p in sizes if a + n <= largest}
        if len(totals) > MOST_TOTALS:
            return set()
    return totals


def _that_add_up(solutions: dict[str, Solutions], total) -> dict[str, Solutions]:
    """Drop matrices whose size cannot be part of any way to add up to the whole."""
    if total[0] != total[1] or not all(found.complete and found.count for found in solutions.values()):
        return solutions
    sizes = {path: {n for n, _ in found.sizes} for path, found in solutions.items()}
    kept = {}
    for path, found in solutions.items():
        others = {0}
        for other, numbers in sizes.items():
            if other != path:
                others = {a + b for a in others for b in numbers if a + b <= total[0]}
        keep = np.array([total[0] - int(row.sum()) in others for row in found.matrices], dtype=bool)
        kept[path] = Solutions(found.matrices[keep], int(keep.sum())) if keep.any() else found
    return kept


# Which splitter?
# -------------------------------------------------------------------------------------------------

SPLITTERS = (
    "per class, remainders to the first folds",
    "stratified, whole folds even",
    "patients at random, equal patients a fold",
    "patients balanced by class (greedy)",
)


def split_chances(sizes: np.ndarray, patients: int | None, *, draws: int = 400, seed: int = 0) -> pd.DataFrame:
    """Compare fold sizes with known ways of splitting.

    Parameters
    ----------
    sizes : int (k, 2) positives and negatives of each fold
    patients : number of patients the cases come from (None: only the ways that know no patients)

    Returns
    -------
    DataFrame splitter, chance (of exactly this multiset of fold sizes), even (of every class differing by at
    most 1 between folds, as here or not), draws. Ways without chance give 0 or 1. The number of cases a
    patient is simulated: everyone has one, the rest fall to patients at random, and a patient's cases tend to
    one class (beta, 1/2 and 1/2).

    The stratified way is scikit-learn's StratifiedKFold (classes dealt out in turn); the greedy one is the
    rule of its StratifiedGroupKFold.
    """
    target, (positive, negative) = _sorted(sizes), sizes.sum(axis=0)
    k = len(sizes)
    exact = {
        SPLITTERS[0]: np.stack([_even(positive, k), _even(negative, k)], axis=1),
        SPLITTERS[1]: _dealt(positive, negative, k),
    }
    rows = [(name, float(_sorted(made) == target), float(_is_even(made)), 1) for name, made in exact.items()]
    if patients and k <= patients <= positive + negative:
        rng = np.random.default_rng(np.random.SeedSequence([seed, patients, k]))
        people = _patients(rng, int(positive), int(negative), patients, draws)
        for name, split in ((SPLITTERS[2], _at_random), (SPLITTERS[3], _greedy)):
            made = split(rng, people, k)
            hits = np.mean([_sorted(one) == target for one in made])
            rows.append((name, float(hits), float(np.mean([_is_even(one) for one in made])), draws))
    return pd.DataFrame(rows, columns=["splitter", "chance", "even", "draws"])


def _sorted(sizes) -> list:
    return sorted(map(tuple, np.asarray(sizes).tolist()))


def _is_even(sizes) -> bool:
    return bool((np.ptp(sizes, axis=0) <= 1).all())


def _even(total, k):
    """Deal a class into k parts, the first ones larger by 1."""
    return np.full(k, total // k) + (np.arange(k) < total % k)


def _dealt(positive, negative, k):
    """Sizes of scikit-learn's StratifiedKFold: all cases in a row by class, every k-th to the same fold."""
    classes = np.repeat([1, 0], [positive, negative])
    made = [[(classes[fold::k] == 1).sum(), (classes[fold::k] == 0).sum()] for fold in range(k)]
    return np.array(made)


def _patients(rng, positive, negative, patients, draws):
    """Draw patients: int (draws, patients, 2) positives and negatives of each, with the given totals."""
    total = positive + negative
    people = np.zeros((draws, patients, 2), dtype=np.int64)
    for draw in range(draws):
        owner = np.concatenate([np.arange(patients), rng.integers(0, patients, total - patients)])
        leaning = rng.beta(0.5, 0.5, patients)[owner] + rng.normal(0, 1e-9, total)
        order = np.argsort(-(leaning + rng.uniform(-0.5, 0.5, total)))
        np.add.at(people[draw], (owner[order[:positive]], 0), 1)
        np.add.at(people[draw], (owner[order[positive:]], 1), 1)
    return people


def _at_random(rng, people, k):
    """Give each fold as many patients as any other, at random; int (draws, k, 2)."""
    draws, patients, _ = people.shape
    fold = rng.permuted(np.tile(np.arange(patients) % k, (draws, 1)), axis=1)
    return np.stack([(people * (fold == j)[:, :, None]).sum(axis=1) for j in range(k)], axis=1)


def _greedy(rng, people, k):
    """Give patients to folds one by one, the most lopsided first, each where the classes stay most even."""
    draws, patients, _ = people.shape
    order = rng.permuted(np.tile(np.arange(patients), (draws, 1)), axis=1)
    people = np.take_along_axis(people, order[:, :, None], axis=1)
    lopsided = np.argsort(-people.std(axis=2), axis=1, kind="stable")
    people = np.take_along_axis(people, lopsided[:, :, None], axis=1)
    totals, made = people.sum(axis=1)[:, None, :], np.zeros((draws, k, 2))
    for step in range(patients):
        scores = np.empty((draws, k))
        for j in range(k):
            trial = made.copy()
            trial[:, j] += people[:, step]
            scores[:, j] = (trial / totals).std(axis=1).mean(axis=1) + 1e-9 * trial[:, j].sum(axis=1)
        made[np.arange(draws), scores.argmin(axis=1)] += people[:, step]
    return made.astype(np.int64)


# Class totals that the folds add up to
# --------------------------------------------------------------------------------------------------------------


def check_totals(paper: Paper, ledger: Ledger, table: Table, cases: Set, parts: Parts) -> None:
    """Compare the totals that folds add up to with the printed ones.

    What it cannot see: folds that were exchanged, or wrong counts that cancel out in the sum.
    """
    sizes = {n for n, _ in parts.totals}
    n = cases.n[0] if cases.n and cases.n[0] == cases.n[1] else None
    if n is not None and n not in sizes:
        shown = ", ".join(str(size) for size in sorted(sizes)[:3])
        message = f"The folds' matrices add up to {shown} cases, not to the {n} that are printed ({cases.place})."
        return ledger.find("class-totals", CONTRADICTION, table.place, n, shown, message, table.singles())
    totals = {positive for size, positive in parts.totals if n in (None, size)}
    if cases.positive is None or cases.positive in totals:
        return ledger.holds("class totals", table.place, "the folds add up to the printed class totals")
    positive = min(totals, key=lambda total: abs(total - cases.positive))
    implied = f"{positive} {paper.positive} and {n - positive} {paper.negative}" if n else f"{positive}"
    printed = f"{cases.positive} {paper.positive} and {cases.negative} {paper.negative}"
    message = f"The matrices of the {len(parts.solutions)} rows add up to {implied}, where {printed} are printed"
    if cases.negative in totals:
        message += (
            f": the same two numbers the other way round. Either the two classes' columns of {table.name} or "
            "the two totals stand under each other's heading."
        )
    message += "" if message.endswith(".") else f" ({cases.place})."
    place = f"{table.place}; {cases.place}"
    ledger.find("class-totals", CONTRADICTION, place, printed, implied, message, table.singles())
