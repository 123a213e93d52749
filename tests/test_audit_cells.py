"""Cells as papers print them, and what stands behind a rate: right answers of cases, an interval."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from ovcf.audit import CONTRADICTION, UNLIKELY, audit
from ovcf.audit.cells import intervals_of
from ovcf.audit.printed import is_blank, parse
from ovcf.audit.simulate import build


@pytest.mark.parametrize(
    ("text", "digits", "of", "ends"),
    [
        ("0.99 [0.95, 1.00]", "0.99", None, ("0.95", "1.00")),
        ("93.8 (30/32)", "93.8", (30, 32), None),
        ("30/32 (93.8)", "93.8", (30, 32), None),
        ("1,012/1,110 (91.2)", "91.2", (1012, 1110), None),
        ("30 (93.8%)", "93.8", (30, None), None),
        ("0.887 (0.884-0.889)", "0.887", None, ("0.884", "0.889")),
        ("93.8 (30/32) [80.0–98.0]", "93.8", (30, 32), ("80.0", "98.0")),
        ("93.8 (95% CI: 80.1, 98.0)", "93.8", None, ("80.1", "98.0")),
        ("0.91 (0.89 to 0.93)†", "0.91", None, ("0.89", "0.93")),
        ("95,2 (93,1; 97,0)", "95.2", None, ("93.1", "97.0")),
        ("95·2", "95.2", None, None),
        ("95,2", "95.2", None, None),
        ("95.2*", "95.2", None, None),
    ],
)
def test_cells_of_rates(text, digits, of, ends):
    printed = parse(text, rate=True)
    assert (printed.digits, printed.of, printed.ends) == (digits, of, ends)


def test_a_comma_parts_thousands_of_counts_and_decimals_of_rates():
    assert parse("1,110").value == 1110 and parse("0,887").digits == "0.887"
    assert parse("1,110", rate=True).digits == "1.110"


@pytest.mark.parametrize("text", ["NA", "n/a", "-", "–", "", "NR", "not reported"])
def test_blanks(text):
    assert is_blank(text) and parse(text) is None


@pytest.mark.parametrize(("hits", "cases"), [(30, 32), (0, 10), (7, 40), (25, 25)])
def test_intervals_are_those_of_statsmodels(hits, cases):
    ours = {one.method: one for one in intervals_of(hits, cases)}
    names = {"Wilson": "wilson", "Clopper-Pearson": "beta", "Wald": "normal", "Agresti-Coull": "agresti_coull"}
    for name, method in names.items():
        low, high = proportion_confint(hits, cases, method=method)
        assert max(min(ours[name].low, 1), 0) == pytest.approx(low, abs=1e-9), name
        assert max(min(ours[name].high, 1), 0) == pytest.approx(high, abs=1e-9), name


def one_cell(text, column="sensitivity", **head):
    """Audit one cell of a row on 32 positive and 40 negative cases."""
    sets = {"test": {"n": "72", "positive": "32", "negative": "40"}}
    table = {"name": "T", "cases": "test", "columns": [column], "rows": {"Model": [text]}} | head
    return audit(build({"sets": sets, "tables": [table]}), simulate=False)


def kinds(result, severity=CONTRADICTION):
    return {one.kind for one in result.findings if one.severity == severity}


def test_right_answers_that_do_not_give_the_rate():
    assert "count" in kinds(one_cell("90.0 (30/32)"))
    assert not kinds(one_cell("93.8 (30/32)"))


def test_a_rate_out_of_fewer_cases_than_the_class_has():
    assert "denominator" in kinds(one_cell("96.8 (30/31)"), UNLIKELY)


def test_an_interval_without_its_number_and_one_too_narrow():
    assert "interval" in kinds(one_cell("93.8 [94.0, 99.0]"))
    assert "interval" in kinds(one_cell("93.8 [91.0, 96.0]"), UNLIKELY)


@pytest.mark.parametrize("method", ["Wilson", "Clopper-Pearson", "Wald", "Jeffreys"])
def test_which_method_an_interval_could_be_by(method):
    one = next(one for one in intervals_of(28, 32) if one.method == method)
    result = one_cell(f"87.5 [{100 * one.low:.1f}, {100 * min(one.high, 1):.1f}]", intervals=method)
    assert method in result.intervals.could_be[0] and not kinds(result)
    other = "Wald" if method != "Wald" else "Wilson"
    result = one_cell(f"87.5 [{100 * one.low:.1f}, {100 * min(one.high, 1):.1f}]", intervals=other)
    assert "interval" in kinds(result)


@pytest.mark.parametrize(("column", "text"), [("sensitivity", "101.2"), ("auc", "-0.2"), ("mcc", "-120")])
def test_what_lies_outside_of_its_range(column, text):
    assert "range" in kinds(one_cell(text, column, unit="percent"))
