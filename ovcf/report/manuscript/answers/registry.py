"""The answers of a run to the items of checklists, by name, each with where the report says it."""

from collections.abc import Callable
from typing import NamedTuple

from ovcf.report.manuscript.facts import Facts


class Answering(NamedTuple):
    """What makes an answer of a run, and the id of the place in the report that it points to."""

    text: Callable[[Facts], str]
    place: str


ANSWERS: dict[str, Answering] = {}


def answers(place: str) -> Callable[[Callable[[Facts], str]], Callable[[Facts], str]]:
    """Enter a function under its name, with the place that its answer points to."""

    def enter(function: Callable[[Facts], str]) -> Callable[[Facts], str]:
        ANSWERS[function.__name__] = Answering(function, place)
        return function

    return enter
