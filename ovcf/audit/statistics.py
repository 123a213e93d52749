"""Printed test statistics, recomputed: t, F, chi-square, z and r with their degrees of freedom and p.

As the program statcheck does (Nuijten and others 2016): the statistic stands for all values that round to it, and p
must be printable for one of them. A p that is half of the two-sided one is said to be one-sided.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from scipy import stats

from .findings import CONTRADICTION, NOTE, Ledger
from .paper import Entry, Paper
from .printed import Printed, interval_of, parse

VALUE = r"[-−+]?(?:\d+[.,]?\d*|[.,]\d+)"
PATTERN = re.compile(
    rf"(?P<name>t|F|z|r|χ2|χ²|chi2|chi-?square|X2|X²)\s*"
    rf"(?:\(\s*(?P<df>{VALUE})\s*(?:[,;]\s*(?:N\s*=\s*)?(?P<df2>{VALUE}))?\s*\))?\s*"
    rf"=\s*(?P<value>{VALUE})\s*[,;]?\s*p\s*(?P<relation>[<>=≤≥])\s*(?P<p>{VALUE})",
    re.IGNORECASE,
)
ALPHA = 0.05
EXAMPLE = "t(28) = 2.20, p = .036; F(2, 45) = 3.10, p = .055; χ2(1) = 4.02, p < .05; z = 1.96, p = .050"


class Statistic(NamedTuple):
    """A printed test: `kind` t, F, z, r or chi2; degrees of freedom; the statistic and its p as printed."""

    kind: str
    df: tuple[str, ...]
    value: str
    p: Printed


def read_statistic(text: str) -> Statistic | None:
    """Read a test as journals print it (`EXAMPLE`); None when it is none, or its degrees of freedom are missing."""
    found = PATTERN.search(text)
    if found is None:
        return None
    name = found["name"]
    kind = {"f": "F", "t": "t", "z": "z", "r": "r"}.get(name.lower(), "chi2")
    df = tuple(_point(part) for part in (found["df"], found["df2"]) if part)
    df = df[:1] if kind == "chi2" else df  # the second number is the sample
    p = parse(f"{found['relation']} {_point(found['p'])}")
    if p is None or len(df) != {"z": 0, "F": 2}.get(kind, 1):
        return None
    return Statistic(kind, df, _point(found["value"]), p)


def p_interval(test: Statistic, sides: int = 2) -> tuple[float, float]:
    """Lowest and highest p that the printed digits of the statistic and its degrees of freedom allow."""
    value = interval_of(test.value)
    least = 0.0 if value.low <= 0 <= value.high else float(min(abs(value.low), abs(value.high)))
    most = float(max(abs(value.low), abs(value.high)))
    freedoms = [[float(end) for end in interval_of(df)] if "." in df else [float(df)] for df in test.df]
    ps = [P_OF[test.kind](size, *df) for size in (least, most) for df in _corners(freedoms)]
    share = sides / 2 if test.kind in ("t", "z", "r") else 1.0
    return min(ps) * share, max(ps) * share


def check_statistics(paper: Paper, ledger: Ledger) -> None:
    """Recompute every printed test of the text.

    What it cannot see: whether the test suits the data, or its statistic was computed rightly from them.
    """
    for entry in paper.statistics:
        _check(ledger, entry, read_statistic(str(entry["printed"])))


def _check(ledger: Ledger, entry: Entry, test: Statistic) -> None:
    """Hold one printed p against its statistic."""
    text, place = str(entry["printed"]), str(entry["place"] or "the text")
    if wrong := cannot_be(test):
        return ledger.find("statistic", CONTRADICTION, place, text, wrong, f"{text}: {wrong}.")
    sides = int(str(entry["tails"] or 2))
    low, high = p_interval(test, sides)
    if prints_as(test.p, low, high):
        return ledger.holds("printed test", place, text)
    shown = f"{_p(low)}" if _p(low) == _p(high) else f"{_p(low)} to {_p(high)}"
    other = p_interval(test, 3 - sides)
    if test.kind in ("t", "z", "r") and prints_as(test.p, *other):
        side = "one-sided" if sides == 2 else "two-sided"
        message = f"{text}: that is the {side} p. The other is {shown}; which was meant is not said."
        return ledger.find("p-sides", NOTE, place, test.p.text, shown, message)
    message = f"{text}: this statistic with these degrees of freedom gives p = {shown}."
    level = float(test.p.value)
    called = level < ALPHA or (level <= ALPHA and test.p.relation == "<")
    if (low > ALPHA and called) or (high < ALPHA and not called):
        message += f" The two lie on different sides of {ALPHA}."
    ledger.find("statistic", CONTRADICTION, place, text, f"p = {shown}", message)


def cannot_be(test: Statistic) -> str:
    """Say what no test of its kind prints, whatever its p: "" where there is nothing."""
    value, p = interval_of(test.value), test.p.interval()
    if any(float(df) <= 0 for df in test.df):
        return "degrees of freedom are above 0"
    if test.kind in ("F", "chi2") and value.high < 0:
        return "this statistic is never below 0"
    if test.kind == "r" and (value.low > 1 or value.high < -1):
        return "a correlation lies between -1 and 1"
    return "a p lies between 0 and 1" if p.low > 1 or p.high < 0 else ""


def prints_as(p: Printed, low: float, high: float) -> bool:
    """Tell whether some p in [low, high] could be printed so; "< 0.001" is a bound."""
    if p.relation:
        return low < float(p.value) if p.relation == "<" else high > float(p.value)
    interval = p.interval()
    return low <= float(interval.high) and high >= float(interval.low)


def _point(text: str) -> str:
    return text.replace("−", "-").replace(",", ".").replace("+", "")


def _corners(freedoms: list[list[float]]) -> list[tuple[float, ...]]:
    if not freedoms:
        return [()]
    return [(one, *rest) for one in freedoms[0] for rest in _corners(freedoms[1:])]


def _p(value: float) -> str:
    return f"{value:.1e}" if value < 0.0005 else f"{value:.3f}"


def _of_r(r: float, df: float) -> float:
    """Two-sided p of a correlation with df = n - 2."""
    return 0.0 if r >= 1 else float(2 * stats.t.sf(r * (df / (1 - r * r)) ** 0.5, df))


P_OF: dict[str, Callable[..., float]] = {
    "t": lambda value, df: float(2 * stats.t.sf(value, df)),
    "z": lambda value: float(2 * stats.norm.sf(value)),
    "F": lambda value, one, two: float(stats.f.sf(value, one, two)),
    "chi2": lambda value, df: float(stats.chi2.sf(value, df)),
    "r": _of_r,
}
