"""Reporting checklists filled in from a run: what it answers, what a person must, what does not apply.

Items are data (`*.yaml`: number as in the guideline, topic in our own words); answers are functions of the run. A
checklist says what is reported where, and judges nothing.
"""

from importlib.resources import files
from string import ascii_lowercase
from typing import NamedTuple

import yaml

from ovcf.report.manuscript.answers import ANSWERS
from ovcf.report.manuscript.facts import Facts, Unknown

NAMES = ("claim_2024", "stard_ai", "tripod_ai")
ANSWERED, PERSON, NONE = "answered", "needs a human", "not applicable"


class Item(NamedTuple):
    """An item of a guideline: its number there, its topic, and whence its answer: a function, a question, a reason."""

    item: str
    topic: str
    answer: str = ""
    ask: str = ""
    none: str = ""


class Checklist(NamedTuple):
    """A guideline."""

    name: str
    source: str
    items: tuple[Item, ...]

    @property
    def size(self) -> str:
        """How long it is, as its authors count: `44 items`; `40 items in 48 rows` where some have parts (15a, 15b)."""
        whole, rows = len({item.item.rstrip(ascii_lowercase) for item in self.items}), len(self.items)
        return f"{whole} items" if whole == rows else f"{whole} items in {rows} rows"


class Filled(NamedTuple):
    """An item with what a run has for it; `numbers`: how many of its numbers the answer holds."""

    item: str
    topic: str
    status: str
    text: str
    place: str
    numbers: int


def read_checklist(name: str) -> Checklist:
    """Read one of `NAMES` from the package."""
    text = files("ovcf.report.manuscript").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    stored = yaml.safe_load(text)
    return Checklist(stored["name"], stored["source"], tuple(Item(**item) for item in stored["items"]))


def fill(checklist: Checklist, facts: Facts) -> list[Filled]:
    """Answer each item from a run; what it cannot say is put to a person, with the item's question."""
    return [_filled(item, facts) for item in checklist.items]


def _filled(item: Item, facts: Facts) -> Filled:
    if item.answer:
        answering, before = ANSWERS[item.answer], len(facts.cited)
        try:
            text = answering.text(facts)
        except Unknown:
            del facts.cited[before:]
        else:
            return Filled(item.item, item.topic, ANSWERED, text, answering.place, len(facts.cited) - before)
    if item.none:
        return Filled(item.item, item.topic, NONE, item.none, "", 0)
    question = item.ask or f"What is there to say of this? ({item.topic.lower()})"
    return Filled(item.item, item.topic, PERSON, question, "", 0)
