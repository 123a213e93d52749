"""A printed number: its digits, and every exact value that could have been printed so.

A number is never turned into a float for a decision. "57.14" stands for all values from 57.135 to 57.145,
both ends included, so that rounding half up and half to even are accepted alike; "55" for 54.5 to 55.5.
"""

import re
from fractions import Fraction
from typing import NamedTuple

NUMBER = r"[+\-−]?(?:\d+\.?\d*|\.\d+)"
PRINTED = re.compile(
    rf"^\s*(?:(?:p\s*)?(?P<relation>[<>=≤≥])\s*)?(?P<value>{NUMBER})\s*%?"
    rf"(?:\s*(?:±|\+/-)\s*(?P<sd>{NUMBER})\s*%?)?"
    rf"(?:\s*\(\s*(?P<bracket>{NUMBER})\s*\))?"
    rf"(?:\s*[<>]\s*{NUMBER})?\s*$",  # "0.664 > 0.05": the printed value, then what it was held against
    re.IGNORECASE,
)
LONGEST, FINEST = 12, 9  # characters, and digits after the point: what is longer was not printed in a table


class Interval(NamedTuple):
    """Exact closed interval [low, high] of the values that a printed number can stand for."""

    low: Fraction
    high: Fraction

    def holds(self, value) -> bool:
        return self.low <= value <= self.high

    def meets(self, other) -> bool:
        return self.low <= other.high and other.low <= self.high

    def scaled(self, factor) -> "Interval":
        return Interval(self.low * factor, self.high * factor)


class Printed(NamedTuple):
    """One printed number: text, value, the ± that follows and the number in brackets, as printed.

    `relation` is "<" or ">" for a bound such as "< 0.001", else "".
    """

    text: str
    digits: str
    sd_digits: str | None = None
    bracket_digits: str | None = None
    relation: str = ""

    @property
    def value(self) -> Fraction:
        return Fraction(self.digits)

    @property
    def sd(self) -> Fraction | None:
        return None if self.sd_digits is None else Fraction(self.sd_digits)

    @property
    def bracket(self) -> Fraction:
        """The number in brackets, 0 where none is printed."""
        return Fraction(self.bracket_digits or 0)

    @property
    def decimals(self) -> int:
        return decimals_of(self.digits)

    def interval(self, truncated: bool = False) -> Interval:
        """Values that print as `digits`; with `truncated`, also those whose further digits were cut off."""
        return interval_of(self.digits, truncated)

    def sd_interval(self, truncated: bool = False) -> Interval:
        return interval_of(self.sd_digits, truncated)


def parse(text: str) -> Printed | None:
    """Read "52.5", "75.13 ± 2.62", "24(1)", "< 0.001" or "0.664 > 0.05"; None when it is not a number.

    A comparison after the value ("> 0.05") is the author's remark about it and is not read as a bound.
    """
    found = PRINTED.match(text)
    parts = [group or "" for group in found.groups()] if found else []
    if found is None or any(len(part) > LONGEST or decimals_of(part) > FINEST for part in parts):
        return None
    digits = [None if part is None else part.replace("−", "-") for part in found.group("value", "sd", "bracket")]
    relation = (found["relation"] or "").replace("=", "").replace("≤", "<").replace("≥", ">")
    return Printed(text.strip(), digits[0], digits[1], digits[2], relation)


def decimals_of(digits: str) -> int:
    """Count the digits after the point."""
    return len(digits.partition(".")[2])


def interval_of(digits: str, truncated: bool = False) -> Interval:
    """Exact interval of the values that print as `digits` (see the module's text)."""
    value, step = Fraction(digits), Fraction(1, 10 ** decimals_of(digits))
    return Interval(value - step / 2, value + (step if truncated else step / 2))


def show(value, decimals: int = 2) -> str:
    """Print an exact or float value with `decimals` digits, half up, as tables do."""
    scaled = Fraction(value) * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    text = f"{abs(whole):0{decimals + 1}d}"
    body = f"{text[:-decimals]}.{text[-decimals:]}" if decimals else text
    return f"-{body}" if whole < 0 else body
