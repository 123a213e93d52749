"""Which cell of which table a printed number was written from."""

import nbformat.v4 as nbf
import pandas as pd
import pytest

from ovcf.report.ledger import entries, read_ledger, write_ledger
from ovcf.report.printed import Place, Printed, printed
from ovcf.report.sources import Sources


@pytest.fixture
def run(tmp_path):
    """A run folder with one table of two networks, saved by cell 1 of a notebook."""
    (tmp_path / "tables").mkdir()
    table = pd.DataFrame(
        {
            "network": ["alexnet", "alexnet", "efficientnet_lite0", "efficientnet_lite0"],
            "metric": ["auc", "recall_fresh"] * 2,
            "estimate": [0.7191, 0.5, 0.7191, 0.612],
            "low": [0.680, 0.401, 0.681, 0.501],
            "folds": [5, 5, 5, 5],
        }
    )
    table.to_csv(tmp_path / "tables" / "table2.csv", index=False)
    return tmp_path


@pytest.fixture
def notebooks():
    cells = [nbf.new_markdown_cell("# Two"), nbf.new_code_cell('study.save_table("table2", table)')]
    return {"03_model_comparison": nbf.new_notebook(cells=cells)}


def place(row, column, cell="1"):
    return Place("03_model_comparison", cell, "", "Table 2", row, column)


@pytest.mark.parametrize(
    "number, where, expected",
    [
        ("0.719", place("AlexNet", "AUC"), (0, "estimate")),
        ("0.719", place("EfficientNet-Lite0", "AUC"), (2, "estimate")),
        ("61.2", place("EfficientNet-Lite0", "Recall fresh = sensitivity (%)"), (3, "estimate")),
        ("0.719", place("GoogLeNet", "F1 old"), None),  # two rows could be meant
        ("0.613", place("EfficientNet-Lite0", "Recall fresh (%)"), None),  # nothing rounds to it
        ("5.00", place("AlexNet", "AUC"), None),  # a whole number of the table is printed without decimals
        ("0.719", place("AlexNet", "AUC", cell="0"), None),  # before anything was saved
    ],
)
def test_a_number_belongs_to_the_row_that_is_about_the_same(run, notebooks, number, where, expected):
    cell = Sources(run, notebooks).find(number, Printed(where, number))
    assert (cell and (cell.row, cell.table.columns[cell.column])) == expected


def test_an_interval_stands_in_the_row_of_its_estimate(run, notebooks):
    sources = Sources(run, notebooks)
    text = Printed(place("AlexNet", "AUC"), "0.719 [0.680, 0.757]")
    estimate = sources.find("0.719", text)
    low = sources.find("0.680", text, estimate)
    assert (low.row, low.table.columns[low.column]) == (0, "low")


def test_a_ledger_is_read_as_it_was_written(run, notebooks):
    page = """<section data-notebook="03_model_comparison"><div data-cell="1"><table>
    <caption>Table 2</caption><thead><tr><th></th>
    <th>AUC</th></tr></thead><tbody><tr><th>AlexNet</th><td>0.719 [0.680, 0.757]</td></tr></tbody></table></div>
    </section>"""
    write_ledger(run, page, notebooks)
    kept = read_ledger(run)
    assert kept == list(entries(printed(page), Sources(run, notebooks)))
    assert [(entry.number, entry.table, entry.row, entry.column, entry.value) for entry in kept][1:3] == [
        ("0.719", "table2", "1", "estimate", "0.7191"),
        ("0.680", "table2", "1", "low", "0.68"),
    ]
