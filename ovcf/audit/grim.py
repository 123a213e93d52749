"""Means and SDs of whole numbers: can n of them have a printed mean (GRIM) and SD (GRIMMER)?

Brown and Heathers (2017), The GRIM test; Anaya (2016), The GRIMMER test. The sum of n whole numbers is whole, the sum
of their squares is whole, has the sum's parity, and lies between that of the most even and of the most uneven
numbers. Where they are few enough, the sums of squares that n numbers can reach are also listed one by one.
"""

import math
from fractions import Fraction

import numpy as np

from .findings import CONTRADICTION, Ledger
from .paper import Fact, Paper
from .printed import Interval

MOST_SUMS, MOST_STEPS = 2_000, 3_000_000
WORD = 4_096  # bits that are shifted in about one step's time


def mean_possible(mean: Interval, n: int, items: int = 1) -> bool:
    """GRIM: tell whether a mean over n answers of `items` whole numbers each can print so."""
    return bool(_sums(mean, n, items))


def sd_possible(
    mean: Interval,
    sd: Interval,
    n: int,
    items: int = 1,
    least: Fraction | None = None,
    most: Fraction | None = None,
    divisors: tuple[int, ...] = (0, 1),
) -> bool:
    """GRIMMER: tell whether n answers of `items` whole numbers each can have this mean and SD.

    `least`, `most`: bounds of one answer; `divisors`: ddof that the SD may have.
    """
    sums = _sums(mean, n, items)
    if len(sums) > MOST_SUMS or n < 2:
        return bool(sums)
    ends = tuple(None if end is None else end * items for end in (least, most))
    return any(_squares_possible(total, sd.scaled(items), n, ends, divisors) for total in sums)


def check_whole_numbers(paper: Paper, ledger: Ledger) -> None:
    """Hold every fact that is a mean of whole numbers (it says `n`) against GRIM and GRIMMER.

    What it cannot see: a mean of so many people that any printed digits can be had.
    """
    for fact in paper.facts.values():
        if fact.n and fact.printed is not None and not fact.printed.relation:
            _check(ledger, fact)


def _check(ledger: Ledger, fact: Fact) -> None:
    """Check one mean, and its SD where one is printed."""
    mean, n = fact.printed.interval(), fact.n
    units = f"{n} whole numbers" if fact.items == 1 else f"{n} averages of {fact.items} whole numbers"
    if not mean_possible(mean, n, fact.items):
        parts = n * fact.items
        near = [Fraction(math.floor(mean.low * parts), parts), Fraction(math.ceil(mean.high * parts), parts)]
        shown = " or ".join(f"{float(value):.{fact.printed.decimals + 1}f}" for value in near)
        message = f"No {units} have a mean of {fact.printed.digits}; the nearest are {shown}."
        return ledger.find("whole-mean", CONTRADICTION, fact.place, fact.text, shown, message)
    if fact.printed.sd is None or sd_possible(mean, fact.printed.sd_interval(), n, fact.items, fact.least, fact.most):
        return ledger.holds("mean of whole numbers", fact.place, fact.name)
    message = (
        f"No {units} with a mean of {fact.printed.digits} have an SD of {fact.printed.sd_digits}, under either divisor."
    )
    ledger.find("whole-sd", CONTRADICTION, fact.place, fact.text, "none", message)


def _sums(mean: Interval, n: int, items: int) -> range:
    """Whole sums that give a mean."""
    parts = n * items
    return range(math.ceil(mean.low * parts), math.floor(mean.high * parts) + 1)


def _squares_possible(total: int, sd: Interval, n: int, ends, divisors) -> bool:
    """Tell whether n whole numbers with this sum have a sum of squares that gives the SD."""
    low_square, high_square = max(sd.low, Fraction(0)) ** 2, sd.high**2
    for divisor in divisors:
        window = [square * (n - divisor) + Fraction(total**2, n) for square in (low_square, high_square)]
        squares = np.arange(math.ceil(window[0]), math.floor(window[1]) + 1)
        squares = squares[(squares - total) % 2 == 0]
        if len(squares) and _reachable(total, n, squares, ends):
            return True
    return False


def _reachable(total: int, n: int, squares: np.ndarray, ends) -> bool:
    """Tell whether one of these sums of squares can be had: within its ends, and listed where that is quick."""
    even, rest = divmod(total, n)
    low = [None if end is None else math.ceil(end) for end in ends[:1]][0]
    high = [None if end is None else math.floor(end) for end in ends[1:]][0]
    if (low is not None and even < low) or (high is not None and even + (rest > 0) > high):
        return False
    smallest = n * even**2 + rest * (2 * even + 1)
    squares = squares[squares >= smallest]
    if low is not None and high is not None:
        squares = squares[squares <= _largest_square(total, n, low, high)]
    return bool(len(squares)) and _listed(total, n, squares, low, high)


def _largest_square(total: int, n: int, low: int, high: int) -> int:
    """Largest sum of squares of n whole numbers in [low, high] with this sum: as many at the ends as possible."""
    if high == low:
        return n * low**2
    top, rest = divmod(total - n * low, high - low)
    one = [] if top == n else [low + rest]
    return top * high**2 + sum(value**2 for value in one) + (n - top - len(one)) * low**2


def _listed(total: int, n: int, squares: np.ndarray, low, high) -> bool:
    """List the (sum, sum of squares) that n numbers reach, about their mean; True where that would be too many."""
    middle = round(total / n)
    aims = {int(square) - 2 * middle * total + n * middle**2 for square in squares}  # of deviations from `middle`
    most, goal = max(aims), total - n * middle
    reach = math.isqrt(most)
    steps = [d for d in range(-reach, reach + 1)
             if (low is None or middle + d >= low) and (high is None or middle + d <= high)]  # fmt: skip
    states, work = {0: 1}, 0  # sum of deviations -> bits: which sums of squares go with it
    within = (1 << most + 1) - 1
    for left in range(n - 1, -1, -1):
        work += len(states) * len(steps) * (1 + most // WORD)
        if work > MOST_STEPS:
            return True
        after: dict[int, int] = {}
        for total_so_far, reached in states.items():
            for d in steps:
                if (goal - total_so_far - d) ** 2 <= left * most:
                    shifted = reached << d * d & within
                    if shifted:
                        after[total_so_far + d] = after.get(total_so_far + d, 0) | shifted
        states = after
    return any(states.get(goal, 0) >> q & 1 for q in aims)
