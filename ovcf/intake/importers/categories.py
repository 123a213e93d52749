"""What a category's words say: a level, a label, or that it is no vertebra; two that disagree say nothing."""

import re
from typing import NamedTuple

from ovcf.problems import InputError, Problem
from ovcf.words import LABELS, LEVELS

_VERTEBRA = re.compile(r"(C|TH|T|D|L|S)0?(\d{1,2})", re.IGNORECASE)
# T12-L1, L4/L5, L4/5: what lies between two vertebrae, or two of them
_RANGE = re.compile(
    r"(?<![a-z0-9])(?:c|th?|d|l)0?(\d{1,2})\s*[-/+~\N{EN DASH}\N{EM DASH}]\s*(?:c|th?|d|l|s)?0?(\d{1,2})(?![0-9])", re.I
)
_NEGATIONS = set(
    "no non not never none without neither nor negative neg false absent excluded exclude ruled denied isnt "
    "nicht kein keine keinen ohne sin pas sans".split()
)
_SAYS_NO = re.compile(
    rf"\b(?:{'|'.join(LABELS)})\s*[:=]\s*(?:0|n|f)\b|n[\N{{RIGHT SINGLE QUOTATION MARK}}']t\b", re.IGNORECASE
)
_UNSURE = set("possible possibly probable probably suspected suspicious uncertain unsure unclear maybe likely".split())
_NO_VERTEBRA = {"disc", "disk", "discus", "ivd", "bandscheibe"}


class Naming(NamedTuple):
    """How the user says that categories become levels and labels (categories in small letters)."""

    levels: dict[str, str]
    labels: dict[str, str]


class Category(NamedTuple):
    """What a category says: level and label ("" where it says none), and what makes it doubtful ("" nothing).

    `doubt` is "negation", "unsure", "two labels" (then there is no label), "two levels" or "disc" (then it is no
    vertebra).
    """

    level: str
    label: str
    doubt: str = ""


def naming(levels: dict[str, str] | None, labels: dict[str, str] | None) -> Naming:
    """Check the user's maps; all that is wrong with them at once."""
    levels = {key.lower(): value.upper() for key, value in (levels or {}).items()}
    labels = {key.lower(): value.lower() for key, value in (labels or {}).items()}
    problems = [
        Problem(f"unknown_{what}", f"category {key!r} cannot be this {what}", found=value, allowed=", ".join(words))
        for what, mapped, words in (("level", levels, LEVELS), ("label", labels, LABELS))
        for key, value in mapped.items()
        if value not in words
    ]
    if problems:
        raise InputError(problems)
    return Naming(levels, labels)


def vertebra(token: str) -> str:
    """Return the level a word names, spelt our way ("Th12", "D12", "t12" -> "T12"), or "" where it names none."""
    match = _VERTEBRA.fullmatch(token)
    if not match:
        return ""
    part = match[1].upper().replace("TH", "T").replace("D", "T")
    return f"{part}{int(match[2])}"


def read_category(category: str, names: Naming) -> Category:
    """Return what a category says: the user's maps first, then its words ("L1", "T12_fresh").

    A negation ("not fresh"), a doubt ("fresh?") or two class words ("fresh/old") give no label; two levels, a range
    of them ("L4/5") or the word disc name no vertebra. A category the user has mapped says what the map says.
    """
    key = category.lower()
    words = [word for word in re.split(r"[\s_\-:/,.;+|=?()\[\]~\N{EN DASH}\N{EM DASH}]+", key) if word]
    levels = list(dict.fromkeys(filter(None, map(vertebra, words))))
    labels = [label for label in LABELS if label in words]
    doubt = ""
    if key not in names.labels and labels:
        doubt = _doubt(key, words, labels)
    label = names.labels.get(key, "" if doubt or not labels else labels[0])
    if key in names.levels:
        return Category(names.levels[key], label, doubt)
    if len(levels) > 1 or _ranges(category):
        return Category("", "", "two levels")
    if _NO_VERTEBRA & set(words):
        return Category("", "", "disc")
    return Category(levels[0] if levels else "", label, doubt)


def _doubt(key: str, words: list[str], labels: list[str]) -> str:
    """Return why the class words of a category are no label, "" where they are."""
    if _NEGATIONS & set(words) or _SAYS_NO.search(key):
        return "negation"
    if len(labels) > 1:
        return "two labels"
    return "unsure" if _UNSURE & set(words) or "?" in key else ""


def _ranges(category: str) -> bool:
    """Whether a category names a range of two levels; L1-1 is the first box of L1."""
    return any(match[1] != match[2] for match in _RANGE.finditer(category))
