"""A printed number: its digits, and every exact value that could have been printed so.

A number is never turned into a float for a decision. "57.14" stands for all values from 57.135 to 57.145,
both ends included, so that rounding half up and half to even are accepted alike; "55" for 54.5 to 55.5.
Cells are read as papers print them: `75.1 ± 2.6`, `24(1)`, `93.8 (30/32)`, `0.99 [0.95, 1.00]`, `95,2`, `95·2*`.
"""

import re
from fractions import Fraction
from typing import NamedTuple

NUMBER = r"[+\-−]?(?:\d{1,3}(?:,\d{3})+(?:[.·]\d+)?|\d+[.,·]\d+|\d+\.?|[.·]\d+)"
MARKS = r"(?:\s*(?:[*†‡§¶#]+|(?<=\d)[a-d]\b))?"  # footnotes: they carry no number
PRINTED = re.compile(
    rf"^\s*(?:(?:p\s*)?(?P<relation>[<>=≤≥])\s*)?(?P<value>{NUMBER})\s*(?P<percent>%)?{MARKS}"
    rf"(?:\s*(?:/|of)\s*(?P<cases>{NUMBER}))?{MARKS}"
    rf"(?:\s*(?:±|\+/-|\+-)\s*(?P<sd>{NUMBER})\s*%?)?{MARKS}"
    rf"(?P<brackets>(?:\s*[(\[][^()\[\]]*[)\]]{MARKS}){{0,2}})"
    rf"(?:\s*[<>]\s*{NUMBER})?\s*$",  # "0.664 > 0.05": the printed value, then what it was held against
    re.IGNORECASE,
)
CI = r"(?:(?P<level>\d\d(?:\.\d+)?)\s*%?\s*(?:CI|confidence interval)?\s*[:,]?\s+|CI\s*:?\s*)?"
ENDS = re.compile(
    rf"^{CI}(?P<low>{NUMBER})\s*%?\s*(?:–|—|-|to|,|;)\s*(?P<high>{NUMBER})\s*%?$",
    re.IGNORECASE,
)
ALONE = re.compile(rf"^(?P<sd>SD\s*=?\s*)?(?P<value>{NUMBER})\s*(?P<percent>%)?$", re.IGNORECASE)
RATIO = re.compile(rf"^(?:n\s*=\s*)?(?P<hits>{NUMBER})\s*(?:/|of)\s*(?P<cases>{NUMBER})$", re.IGNORECASE)
BLANKS = ("", "-", "–", "—", "na", "n/a", "n.a.", "nr", "n.r.", "nan", "not reported", "not available", "/")
LONGEST, FINEST = 12, 9  # characters, and digits after the point: what is longer was not printed in a table


class Interval(NamedTuple):
    """Exact closed interval [low, high] of the values that a printed number can stand for."""

    low: Fraction
    high: Fraction

    def holds(self, value: Fraction | float) -> bool:
        """Tell whether a value lies in it."""
        return self.low <= value <= self.high

    def meets(self, other: "Interval") -> bool:
        """Tell whether both have a value in common."""
        return self.low <= other.high and other.low <= self.high

    def scaled(self, factor: Fraction | int) -> "Interval":
        """Return it with both ends multiplied by a positive factor."""
        return Interval(self.low * factor, self.high * factor)


class Printed(NamedTuple):
    """One printed number: text, value, the ± that follows and the number in brackets, as printed.

    `relation` is "<" or ">" for a bound such as "< 0.001", else "". `ends`: a printed interval's digits; `of`: right
    answers and cases where a cell says 30/32 (None where only one is said). `cut`: read as if further digits may
    have been cut off. `scaled`: printed as a fraction among percentages; the digits are those of the percentage.
    """

    text: str
    digits: str
    sd_digits: str | None = None
    bracket_digits: str | None = None
    relation: str = ""
    ends: tuple[str, str] | None = None
    level: str = "95"
    of: tuple[int, int | None] | None = None
    cut: bool = False
    scaled: bool = False

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
        return interval_of(self.digits, truncated or self.cut)

    def sd_interval(self, truncated: bool = False) -> Interval:
        """Values that print as the ±'s digits."""
        return interval_of(self.sd_digits or "0", truncated or self.cut)

    def end_intervals(self) -> tuple[Interval, Interval] | None:
        """Values that print as the two ends of a printed interval."""
        return self.ends and (interval_of(self.ends[0], self.cut), interval_of(self.ends[1], self.cut))


def parse(text: str, rate: bool = False, unit: int = 100) -> Printed | None:
    """Read a cell as papers print it; None when it is not a number.

    `rate`: the number is a rate, so a comma is a decimal comma (95,2) and never parts thousands (1,110). `unit`: 100
    or 1, what a cell that only says 30/32 is worth.
    A comparison after the value ("> 0.05") is the author's remark about it and is not read as a bound.
    """
    found = PRINTED.match(text)
    parts = _brackets(found["brackets"], rate) if found else None
    if found is None or parts is None:
        return None
    value, cases, sd = (_digits(found[name], rate) for name in ("value", "cases", "sd"))
    sd, of, bracket = sd or parts.get("sd"), parts.get("of"), parts.get("bracket")
    if cases:  # 30/32 (93.8): the ratio first, the rate behind it
        of, value, bracket = _whole(_digits(found["value"], False), _digits(found["cases"], False)), bracket or "", None
        value = value or (show(unit * Fraction(*of), 6) if of else "")
    elif parts.get("percent") and not found["percent"] and "." not in value and bracket:  # 30 (93.8%)
        of, value, bracket = (int(value), None), bracket, None
    digits = [part for part in (value, sd, bracket, *(parts.get("ends") or ())) if part is not None]
    if not value or any(len(part) > LONGEST or decimals_of(part) > FINEST for part in digits):
        return None
    relation = (found["relation"] or "").replace("=", "").replace("≤", "<").replace("≥", ">")
    return Printed(text.strip(), value, sd, bracket, relation, parts.get("ends"), parts.get("level") or "95", of)


def bracket_as_sd(printed: Printed) -> Printed:
    """Read `79.2 (1.3)` of a mean as 79.2 ± 1.3."""
    if printed.sd_digits is not None or printed.bracket_digits is None or printed.of is not None:
        return printed
    return printed._replace(sd_digits=printed.bracket_digits, bracket_digits=None)


def is_blank(text: str) -> bool:
    """Tell whether a cell says that nothing was printed: a dash, NA, nothing."""
    return text.strip().lower() in BLANKS


def is_ratio(text: str) -> bool:
    """Tell whether a cell says 30/32 and nothing else."""
    return RATIO.match(text.strip()) is not None


def _digits(token: str | None, rate: bool) -> str | None:
    """Write a number with a point and without marks of thousands."""
    if token is None:
        return None
    token = token.replace("−", "-").replace("·", ".").replace("+", "")
    whole = token.lstrip("-")
    thousands = not rate and not whole.startswith("0,") and re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", whole)
    return token.replace(",", "") if thousands or "." in token else token.replace(",", ".", 1)


def _brackets(text: str, rate: bool) -> dict | None:
    """Read what stands in brackets: an interval, right answers of cases, or one number; None if it is neither."""
    found: dict = {}
    for content in re.findall(r"[(\[]([^()\[\]]*)[)\]]", text):
        content = content.strip()
        whole = [content] if ENDS.match(content) and not RATIO.match(content.partition(";")[0].strip()) else None
        for part in whole or content.split(";"):
            read = _bracket(part.strip(), rate)
            if read is None:
                return None
            found |= read
    return found


def _bracket(part: str, rate: bool) -> dict | None:
    """Read one thing in brackets."""
    if ratio := RATIO.match(part):
        of = _whole(_digits(ratio["hits"], False), _digits(ratio["cases"], False))
        return {"of": of} if of else None
    if re.fullmatch(r"\d+,\d{3}", part) and rate:  # [93,100]: two whole numbers, not one of thousands
        return {"ends": tuple(part.split(","))}
    if alone := ALONE.match(part):
        name = "sd" if alone["sd"] else "bracket"
        return {name: _digits(alone["value"], rate)} | ({"percent": True} if alone["percent"] else {})
    if ends := ENDS.match(part):
        low, high = _digits(ends["low"], rate), _digits(ends["high"], rate)
        return {"ends": (low, high), "level": ends["level"]}
    return None


def without_points(digits: str) -> str:
    """Take out points that part thousands (1.110): a count has no three digits after a point."""
    return digits.replace(".", "") if re.fullmatch(r"[1-9]\d{0,2}(\.\d{3})+", digits) else digits


def _whole(hits: str | None, cases: str | None) -> tuple[int, int] | None:
    """Read a pair of whole numbers, hits at most cases."""
    hits, cases = hits and without_points(hits), cases and without_points(cases)
    if not (hits and cases and hits.isdigit() and cases.isdigit() and max(len(hits), len(cases)) < LONGEST):
        return None
    return (int(hits), int(cases)) if int(cases) else None


def decimals_of(digits: str) -> int:
    """Count the digits after the point."""
    return len(digits.partition(".")[2])


def interval_of(digits: str, truncated: bool = False) -> Interval:
    """Exact interval of the values that print as `digits` (see the module's text); cut off means towards zero."""
    value, step = Fraction(digits), Fraction(1, 10 ** decimals_of(digits))
    below = step if truncated and value < 0 else step / 2
    return Interval(value - below, value + (step if truncated and value >= 0 else step / 2))


def show(value: Fraction | float, decimals: int = 2) -> str:
    """Print an exact or float value with `decimals` digits, half up, as tables do."""
    scaled = Fraction(value) * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    text = f"{abs(whole):0{decimals + 1}d}"
    body = f"{text[:-decimals]}.{text[-decimals:]}" if decimals else text
    return f"-{body}" if whole < 0 else body
