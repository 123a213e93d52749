"""Figures of the audit: what is drawn is what stands in the tables."""

import pytest

from ovcf.audit import audit, f1_limits, recovered_rates
from ovcf.audit.published import published_paper
from ovcf.figures import audit as forensic_figures


@pytest.fixture(scope="module")
def result():
    return audit(simulate=False)


@pytest.fixture
def axes():
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot.subplots(1, 5)[1]


def test_one_mark_a_finding(result, axes):
    ax = forensic_figures.findings_by_place(result.findings_table(), axes[0])
    assert sum(len(marks.get_offsets()) for marks in ax.collections) == len(result.findings)


def test_bars_are_rows_explained(result, axes):
    ax = forensic_figures.reading_ranks(result.readings, axes[0])
    assert sorted(bar.get_width() for bar in ax.patches) == sorted(result.readings.explained)


def test_tiles_hold_the_counts(result, axes):
    table = result.matrices_table()
    forensic_figures.matrix_tiles(table[table.table == "Table 3"], axes)
    assert [text.get_text() for text in axes[0].texts] == ["47", "25", "8", "65"]


def test_rows_run_downwards_and_ranges_are_bars(result, axes):
    rates = recovered_rates(4, result=result)
    single = rates[~rates.printed_sensitivity.str.contains("±")]
    ax = forensic_figures.printed_and_recovered(single, axes[0])
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    assert len(ax.get_yticklabels()) == 5


def test_mcnemar_ranges_span_the_bounds(result, axes):
    ax = forensic_figures.mcnemar_ranges(result.bounds, axes[0])
    first = ax.lines[0].get_xdata()
    assert tuple(first) == (result.bounds.smallest_p[0], result.bounds.largest_p[0])


def test_the_impossible_f1_is_named(axes):
    ax = forensic_figures.f1_limits(f1_limits(published_paper()), axes[0])
    assert "AlexNet, fresh" in [text.get_text() for text in ax.texts]
