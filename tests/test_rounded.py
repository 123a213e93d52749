"""A number is printed the same way wherever it stands: one function writes it, whatever its last bits are."""

import ast
import math
import re
from pathlib import Path

import numpy as np
import pytest

from ovcf.report.ledger import read_ledger
from ovcf.words import rounded

ROOT = Path(__file__).parents[1]
ROOMS = (
    "figures",
    "tables",
    "sentences",
    "report",
    "predict",
    "viz",
    "stats/readers",
    "intake/check",
    "models/card.py",
)
OTHERS = {
    "ovcf/report/export.py",  # a formula's place on the page, in CSS
    "ovcf/intake/check/identity.py",  # an age cut from two dates: whole years stand before the point
}


@pytest.mark.parametrize(
    "number, decimals, text",
    [
        (0.4875, 3, "0.488"),  # as a binary number just below
        (np.float32(0.4375), 3, "0.438"),
        (0.0625, 3, "0.063"),  # exactly half: Python's format goes to the even digit, JavaScript's up
        (0.125, 2, "0.13"),
        (-0.0625, 3, "-0.063"),
        (1e-9, 3, "0.000"),
        (-1e-9, 3, "0.000"),
        (-0.0004, 3, "0.000"),
        (69.25, 1, "69.3"),
        (1234.5, 0, "1235"),
        (99.95, 1, "100.0"),
        (math.nan, 3, "nan"),
        (math.inf, 1, "inf"),
    ],
)
def test_a_number_is_written_as_it_reads(number, decimals, text):
    assert rounded(number, decimals) == text


@pytest.mark.parametrize("positives, negatives", [(20, 20), (19, 21), (8, 25)])
def test_an_auc_has_one_print_whatever_way_it_was_computed(positives, negatives):
    pairs = positives * negatives
    for wins in np.arange(0, pairs + 0.5, 0.5):
        ways = (
            wins / pairs,
            1 - (pairs - wins) / pairs,
            0.5 + (wins - pairs / 2) / pairs,
            sum([wins / positives / negatives / 3] * 3),
            np.nextafter(wins / pairs, 2),
            np.nextafter(wins / pairs, -1),
        )
        assert len({rounded(way, 3) for way in ways}) == 1


def test_other_numbers_are_rounded_as_ever(rng):
    for number in rng.normal(0, 50, 2000):
        assert float(rounded(number, 2)) == pytest.approx(number, abs=0.005000001)


def formats(path: Path) -> list[str]:
    """Places where a module writes decimals by a format of its own."""
    tree, found = ast.parse(path.read_text(encoding="utf-8")), []
    for node in ast.walk(tree):
        spec = ast.unparse(node.format_spec) if isinstance(node, ast.FormattedValue) and node.format_spec else ""
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if re.search(r"\.[1-9{].*[f%]", spec) or re.search(r"\{[^{}]*:\.[1-9][f%]\}|^%?\.[1-9][f%]$", text):
            found.append(f"{path.relative_to(ROOT)}, line {node.lineno}")
    return found


def test_what_prints_writes_its_decimals_with_the_one_function():
    paths = [
        p for room in ROOMS for p in ([ROOT / "ovcf" / room] if "." in room else (ROOT / "ovcf" / room).rglob("*.py"))
    ]
    own = [place for path in paths for place in formats(path) if place.partition(",")[0] not in OTHERS]
    assert own == []


def test_a_format_of_its_own_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    path = tmp_path / "one.py"
    for line in (
        'x = f"{a:.3f}"',
        'x = f"{a:.1%}"',
        'x = "{:.2f}".format(a)',
        'x = f"{a:.{d}f}"',
        'x = format(a, ".3f")',
    ):
        path.write_text(line)
        assert formats(path), line


def test_pages_write_no_decimals_of_their_own():
    scripts = sorted((ROOT / "ovcf/viz/static").glob("*.js"))
    said = [p.name for p in scripts for line in p.read_text(encoding="utf-8").splitlines() if "toFixed" in line]
    assert said == ["common.js"]  # in its `rounded`
    for template in (ROOT / "ovcf").rglob("*.j2"):
        shown = re.sub(r'style="[^"]*"', "", template.read_text(encoding="utf-8"))  # a place on the page is no number
        assert not re.search(r"%\.\d+[f%]|round\(", shown), template.name


def test_a_stored_number_is_printed_one_way_on_the_page(finished):
    """Of the ledger: prints of one cell of a table, each in its unit; the paper's own digits may be alike by chance."""
    prints = {}
    for entry in read_ledger(finished):
        computed = re.fullmatch(r"-?\d+\.\d{6,}", entry.value)  # a shorter one is given, not computed
        said = len(entry.number.strip("-0.").replace(".", "")) > 1  # 0.0 is like too many numbers
        if computed and said and "paper" not in str(entry.place).lower():
            prints.setdefault((entry.table, entry.row, entry.column, entry.value), set()).add(entry.number.lstrip("-"))
    assert len(prints) > 300
    unlike = {}
    for (*cell, value), texts in prints.items():
        for unit in (1, 100):
            same = {
                t for t in texts if abs(float(t) - abs(float(value)) * unit) <= 0.6 * 10 ** -len(t.partition(".")[2])
            }
            if len(same) > 1:
                unlike[*cell] = same
    assert unlike == {}
