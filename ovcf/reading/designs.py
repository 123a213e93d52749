"""Designs of a reader study: which reader reads which case under which arm in which period.

An arm says whether the model's answer is beside the case (`unaided`, `aided`, or `both`: first without it, then at once
with it) and what is shown: the patch alone, or with `-film` the whole film with the vertebra marked.
"""

from typing import NamedTuple

from ovcf.problems import InputError, Problem
from ovcf.words import ARMS, DESIGNS

AIDS: dict[str, tuple[str, ...]] = {"unaided": ("unaided",), "aided": ("aided",), "both": ("unaided", "aided")}
FILM = "-film"  # what the name of an arm and of its sessions adds where the whole film is shown
TRAINING = "training"


class Step(NamedTuple):
    """One question of a design: a case under a session, the `order`-th (from 1) case of its period."""

    patch_id: str
    session: str
    order: int


def sessions_of(arm: str) -> tuple[str, ...]:
    """Return the sessions of an arm: what the analysis calls treatments."""
    film = FILM if arm.endswith(FILM) else ""
    return tuple(session + film for session in AIDS[arm.removesuffix(FILM)])


def is_aided(session: str) -> bool:
    """Whether a session shows the model's answer."""
    return session.removesuffix(FILM) == "aided"


def shows_film(session: str) -> bool:
    """Whether a session shows the whole film."""
    return session.endswith(FILM)


def check_arms(arms: tuple[str, ...]) -> list[Problem]:
    """Return what is wrong with the arms of a study: unknown ones, none, and a session that two of them hold."""
    unknown = [Problem("arm", "unknown arm", found=str(a), allowed=", ".join(ARMS)) for a in arms if a not in ARMS]
    if unknown or not arms:
        return unknown or [Problem("arm", "a study has one arm at least", allowed=", ".join(ARMS))]
    sessions = [session for arm in arms for session in sessions_of(arm)]
    twice = sorted({session for session in sessions if sessions.count(session) > 1})
    return [Problem("arm", f"two arms would ask each case {session}", found=", ".join(arms)) for session in twice]


def balanced_latin_square(k: int) -> list[list[int]]:
    """Return the orders of k treatments in which each stands in each place, and after each other one, equally often.

    k rows for an even k, 2k for an odd one. Williams (1949), Australian Journal of Scientific Research A 2:149-168.
    """
    first = [0]
    for i in range(1, k):
        first.append((i + 1) // 2 if i % 2 else k - i // 2)
    rows = [[(place + shift) % k for place in first] for shift in range(k)]
    return rows if k % 2 == 0 or k == 1 else rows + [row[::-1] for row in rows]


def arm_of(arms: tuple[str, ...], design: str, rank: int, case: int, period: int) -> str:
    """Return the arm under which a reader reads a case in a period.

    Parameters
    ----------
    rank : the reader's place in the roster, from 0; without meaning in a fixed design.
    case : the case's place in the plan, from 0. Cases are listed class by class, so each class is dealt evenly.
    period : from 1.

    `fixed`: all cases under the first arm, then all under the second. `crossover`: reader and case together choose the
    row of the balanced Latin square, so in each period a reader sees every arm, and a case every arm over the readers.
    """
    if design == "fixed":
        return arms[period - 1]
    square = balanced_latin_square(len(arms))
    return arms[square[(rank + case) % len(square)][period - 1]]


def check_design(design: str, readers: int) -> None:
    """Refuse an unknown design, and a crossover without a roster, whose order deals the square's rows to readers."""
    if design not in DESIGNS:
        raise InputError(Problem("design", "unknown design", found=str(design), allowed=", ".join(DESIGNS)))
    if design == "crossover" and not readers:
        words = "a crossover deals its orders to named readers: name them with --reader"
        raise InputError(Problem("design", words))
