"""Rows of means over folds whose sizes are not printed: even folds first, then every way to deal the cases."""

from itertools import permutations, product

import numpy as np

from .fold_rows import IMPOSSIBLE, OPEN, POSSIBLE, Sizes, Verdict, check_folds, vectors_of
from .targets import Target

SMALL = 60  # cases of all folds of which all sizes of folds are tried


def even_sizes(positives: int, negatives: int, folds: int) -> list[Sizes]:
    """Sizes of stratified folds: each class dealt evenly, its remainder in any of the folds."""
    rest = positives % folds, negatives % folds
    found = []
    for both in range(max(0, sum(rest) - folds), min(rest) + 1):  # folds that hold a remainder of both classes
        extra = [(1, 1)] * both + [(1, 0)] * (rest[0] - both) + [(0, 1)] * (rest[1] - both)
        extra += [(0, 0)] * (folds - len(extra))
        found.append(tuple((positives // folds + a, negatives // folds + b) for a, b in extra))
    return found


def all_sizes(
    positives: int, negatives: int, folds: int, targets: dict[str, Target], most: int = 3_000
) -> list[Sizes] | None:
    """Every way to deal both classes into folds that hold some of each; None if there are more than `most`.

    Left out are dealings of one class that its recall rules out by itself.
    """
    parts = []
    for total, metric in ((positives, "recall_positive"), (negatives, "recall_negative")):
        ways = _partitions(total, folds, most)
        if ways is None:
            return None
        parts.append([way for way in ways if _can(way, targets.get(metric))])
    found = set()
    for first, second in product(*parts):
        if folds > 4 or len(found) > most:
            return None
        found |= {tuple(sorted(zip(first, order, strict=True))) for order in permutations(second)}
    return sorted(found)


def _can(counts: tuple[int, ...], wanted: Target | None) -> bool:
    """Tell whether a class dealt so can have its recall."""
    if wanted is None:
        return True
    vectors, complete = vectors_of(np.array(counts), wanted)
    return len(vectors) > 0 or not complete


def _partitions(total: int, parts: int, most: int, largest: int | None = None) -> list[tuple[int, ...]] | None:
    """Ways to write a total as so many falling whole numbers of at least 1."""
    if parts == 1:
        return [(total,)] if 1 <= total <= (largest or total) else []
    found: list[tuple[int, ...]] = []
    for first in range(min(total - parts + 1, largest or total), 0, -1):
        rest = _partitions(total - first, parts - 1, most, first)
        if rest is None or len(found) + len(rest) > most:
            return None
        found += [(first, *one) for one in rest]
    return found


def check_any_folds(positives: int, negatives: int, folds: int, targets: dict[str, Target]) -> Verdict:
    """Decide whether some folds of unknown sizes can give a row.

    Even folds are tried first. If none fits, all sizes are where they can be listed; else the answer is open.
    """
    for sizes in even_sizes(positives, negatives, folds):
        verdict = check_folds(sizes, targets)
        if verdict.answer != IMPOSSIBLE:
            return verdict
    every = all_sizes(positives, negatives, folds, targets) if positives + negatives <= SMALL else None
    if every is None:
        return Verdict(OPEN, even=True)
    open_ones = False
    for sizes in every:
        verdict = check_folds(sizes, targets)
        if verdict.answer == POSSIBLE:
            return verdict
        open_ones |= verdict.answer == OPEN
    return Verdict(OPEN) if open_ones else Verdict(IMPOSSIBLE, tuple(targets))
