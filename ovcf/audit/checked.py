"""Checked reading of marked YAML: lists, mappings, choices, numbers; every problem is noted at its line."""

from fractions import Fraction

from ovcf.problems import Problem

from .marks import Map, Sequence, Text
from .printed import parse

LARGEST_N = 1_000_000


class Fields:
    """Hands out parts of marked YAML in the form that is wanted and collects problems on the way."""

    def __init__(self, file: str):
        self.file = file
        self.problems: list[Problem] = []

    def complain(self, part, message, column=None, found=None, allowed=None):
        """Note one problem at the line of a part."""
        line = part if isinstance(part, int) else getattr(part, "line", None)
        found = None if found is None else str(found)[:80]
        self.problems.append(Problem("published", message, self.file, line, column, found, allowed))

    def known(self, part, keys, what):
        """Complain of unknown keys."""
        for key in part:
            if key not in keys:
                line = getattr(part[key], "line", getattr(part, "line", None))
                self.complain(line, f"{what}: unknown name", None, key, ", ".join(keys))

    def is_map(self, part, what, keys) -> bool:
        if not isinstance(part, Map):
            self.complain(part, f"{what} is not a mapping of names to values", None, part)
            return False
        self.known(part, keys, what)
        return True

    def mapping(self, part, key) -> Map:
        value = part.get(key, Map())
        if not isinstance(value, Map):
            self.complain(value, f"{key} is not a mapping of names to values", key, value)
        return value if isinstance(value, Map) else Map()

    def sequence(self, part, key) -> Sequence:
        value = part.get(key, Sequence())
        if not isinstance(value, Sequence):
            self.complain(value, f"{key} is not a list", key, value)
        return value if isinstance(value, Sequence) else Sequence()

    def choice(self, part, key, allowed, default) -> str:
        value = part.get(key, default)
        if value not in allowed:
            self.complain(value, f"{key} is none of the known", key, value, ", ".join(allowed))
        return str(value)

    def number(self, part, key) -> Fraction | None:
        if key not in part:
            return None
        printed = parse(part[key]) if isinstance(part[key], Text) else None
        if printed is None:
            self.complain(part[key], f"{key} is not a number", key, part[key])
        return printed and printed.value

    def whole(self, part, key) -> int | None:
        value = self.number(part, key)
        if value is not None and (value.denominator != 1 or not 0 <= value <= LARGEST_N):
            self.complain(part[key], f"{key} is not a whole number", key, part[key], f"0 to {LARGEST_N:,}")
            return None
        return None if value is None else int(value)

    def range_of(self, part, key) -> tuple[int, int] | None:
        """Read 40, or [100, 200] for a range."""
        if not isinstance(part.get(key), Sequence):
            value = self.whole(part, key)
            return None if value is None else (value, value)
        ends = [self.whole(Map(end=end), "end") for end in part[key]]
        if len(ends) != 2 or None in ends or ends[0] > ends[1]:
            self.complain(part[key], f"{key} is not a range", key, list(part[key]), "a number or [low, high]")
            return None
        return ends[0], ends[1]
