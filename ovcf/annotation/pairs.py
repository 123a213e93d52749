"""Two annotators' marks of one film put together: which are of one vertebra, and where the two differ.

Nothing is decided here. What differs is named, and goes to the joint session.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ovcf.annotation.journal import History, Standing
from ovcf.annotation.marks import Mark
from ovcf.annotation.work import Work
from ovcf.intake.annotators import IOU_JOINT_REVIEW, box_iou
from ovcf.words import LEVELS

ONE_VERTEBRA = 0.2  # IoU from which two boxes may outline one vertebra; neighbours hardly overlap


class Pair(NamedTuple):
    """One vertebra of a film as two annotators have it; None where one has no mark of it."""

    film: str
    patient_id: str
    names: tuple[str, str]  # of the marks, "" where there is none
    a: Mark | None
    b: Mark | None
    iou: float  # nan where one mark is missing

    @property
    def key(self) -> str:
        """What the joint session calls it."""
        return " | ".join((self.film, *self.names))

    @property
    def differences(self) -> tuple[str, ...]:
        """In what the two differ, as the paper's joint review wants to know; none where they agree."""
        if self.a is None or self.b is None:
            return ("marked by one",)
        pairs = {
            "level": (self.a.level, self.b.level),
            "label": (self.a.label, self.b.label),
            "normal taken as old": (self.a.on_purpose, self.b.on_purpose),
        }
        found = [name for name, (one, other) in pairs.items() if one != other]
        return (*found, *["box"] * (self.iou < IOU_JOINT_REVIEW))

    @property
    def is_complete(self) -> bool:
        """Whether both marks say level and label."""
        return bool(self.a and self.b and self.a.is_complete and self.b.is_complete)


class FilmPair(NamedTuple):
    """A film as two annotators have it."""

    film: str
    patient_id: str
    pairs: tuple[Pair, ...]
    exclusions: tuple[str, str]
    is_done: tuple[bool, bool]

    @property
    def differs(self) -> bool:
        """Whether the two leave it out for other reasons, or one of them keeps it."""
        return all(self.is_done) and self.exclusions[0] != self.exclusions[1]


def pair_up(work: Work, one: Mapping[str, History], other: Mapping[str, History]) -> list[FilmPair]:
    """Return every film of the list with the two annotators' marks put together."""
    films = []
    for film in work.films:
        a, b = one[film.film].now, other[film.film].now
        pairs = pair_marks(film.film, film.patient_id, a, b)
        films.append(FilmPair(film.film, film.patient_id, pairs, (a.exclusion, b.exclusion), (a.is_done, b.is_done)))
    return films


def pair_marks(film: str, patient: str, one: Standing, other: Standing) -> tuple[Pair, ...]:
    """Return the vertebrae of a film from above downwards; marks are paired so that their boxes overlap most in all."""
    from scipy.optimize import linear_sum_assignment

    names, marks = zip(*((list(s.marks), list(s.marks.values())) for s in (one, other)), strict=True)
    a, b = (np.array([mark.box for mark in of], float).reshape(-1, 4) for of in marks)
    overlap = np.array([box_iou(np.tile(box, (len(b), 1)), b) for box in a]).reshape(len(a), len(b))
    paired = [(i, j) for i, j in zip(*linear_sum_assignment(-overlap), strict=True) if overlap[i, j] >= ONE_VERTEBRA]
    alone_a = sorted(set(range(len(a))) - {i for i, _ in paired})
    alone_b = sorted(set(range(len(b))) - {j for _, j in paired})
    places = [*paired, *((i, None) for i in alone_a), *((None, j) for j in alone_b)]
    found = []
    for i, j in places:
        (name_a, mark_a), (name_b, mark_b) = (
            ("", None) if at is None else (names[k][at], marks[k][at]) for k, at in enumerate((i, j))
        )
        iou = float(overlap[i, j]) if mark_a and mark_b else float("nan")
        found.append(Pair(film, patient, (name_a, name_b), mark_a, mark_b, iou))
    return tuple(sorted(found, key=lambda pair: (pair.a or pair.b).y0 + (pair.a or pair.b).y1))


def shift_of(pairs: Sequence[Pair]) -> int:
    """Return by how many levels the second annotator counts below (+) or above (-) the first on a film; 0 for none.

    A shift is one difference that more than half of the paired vertebrae have.
    """
    both = [pair for pair in pairs if pair.a and pair.b and pair.a.level in LEVELS and pair.b.level in LEVELS]
    apart = [LEVELS.index(pair.b.level) - LEVELS.index(pair.a.level) for pair in both]
    found = {by for by in apart if by and 2 * apart.count(by) > len(apart)}
    return next(iter(found), 0)
