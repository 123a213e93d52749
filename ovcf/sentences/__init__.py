"""Sentences of the report that hold for some runs and not for others, each with the condition under which it is true.

A topic is a tuple of sentences of which exactly one holds for any run; `said` finds it. Prose that stands in a notebook
is true of every run; whatever depends on a parameter, a design or a result is a sentence here.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Sentence(NamedTuple):
    """A sentence and when it is true; both take the same facts."""

    when: Callable[..., bool]
    says: Callable[..., str]


Topic = Sequence[Sentence]


def said(topic: Topic, *facts: Any) -> str:
    """Return the sentence of a topic that is true of the facts.

    Raises
    ------
    LookupError
        Where none is true, or several are: the topic has a hole, or contradicts itself.
    """
    true = [sentence for sentence in topic if sentence.when(*facts)]
    if len(true) != 1:
        raise LookupError(f"{len(true)} sentences of one topic hold for {facts}")
    return true[0].says(*facts)


class Said:
    """A sentence as Jupyter and the report show it: a paragraph."""

    def __init__(self, *sentences: str) -> None:
        self.text = " ".join(sentence for sentence in sentences if sentence)

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(self.text)}</p>"

    def __repr__(self) -> str:
        return self.text
