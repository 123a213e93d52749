"""Tables as HTML: what belongs together spans, every text is escaped."""

import pandas as pd
from bs4 import BeautifulSoup

from ovcf.tables.html import table_html


def rows(html):
    """Each row as its cells: (tag, text, attributes but for the style)."""
    found = BeautifulSoup(html, "html.parser").find_all("tr")
    return [
        [(c.name, c.get_text(), {k: v for k, v in c.attrs.items() if k != "style"}) for c in row.find_all(["th", "td"])]
        for row in found
    ]


def test_one_heading_and_no_index():
    table = pd.DataFrame({"a": ["1", "2"], "b<": ["x", "&"]}, index=["r", "s"])
    assert rows(table_html(table)) == [
        [("th", "a", {"scope": "col"}), ("th", "b<", {"scope": "col"})],
        [("td", "1", {}), ("td", "x", {})],
        [("td", "2", {}), ("td", "&", {})],
    ]


def test_headings_and_rows_that_are_alike_share_a_cell():
    columns = pd.MultiIndex.from_product([["fresh", "old"], ["ours", "paper"]])
    index = pd.MultiIndex.from_tuples([("A", "x"), ("A", "x"), ("B", "x")])
    table = pd.DataFrame([list("abcd"), list("efgh"), list("ijkl")], index=index, columns=columns)
    col, row = {"scope": "col"}, {"scope": "row"}
    assert rows(table_html(table, index=True)) == [
        [("th", "", {})] * 2 + [("th", "fresh", {**col, "colspan": "2"}), ("th", "old", {**col, "colspan": "2"})],
        [("th", "", {})] * 2 + [("th", name, col) for name in ["ours", "paper"] * 2],
        [("th", "A", {**row, "rowspan": "2"}), ("th", "x", row), *(("td", c, {}) for c in "abcd")],
        [("th", "x", row), *(("td", c, {}) for c in "efgh")],
        [("th", "B", row), ("th", "x", row), *(("td", c, {}) for c in "ijkl")],
    ]


def test_names_of_the_index_stand_in_the_last_row_of_headings():
    columns = pd.MultiIndex.from_tuples([("fresh", "ours"), ("fresh", "paper")])
    table = pd.DataFrame([["1", "2"]], index=pd.Index(["x"], name="level"), columns=columns)
    first, second, _ = rows(table_html(table, index=True))
    assert first[0] == ("th", "", {}) and second[0] == ("th", "level", {"scope": "col"})


def test_alike_below_different_headings_stay_apart():
    index = pd.MultiIndex.from_tuples([("A", "x", "1"), ("B", "x", "2")])
    html = table_html(pd.DataFrame({"v": ["p", "q"]}, index=index), index=True)
    assert [len(row) for row in rows(html)] == [4, 4, 4] and "rowspan" not in html


def test_styles_are_of_cells_and_of_single_headings():
    table = pd.DataFrame([["1", "2"]], columns=["a", "b"])
    html = table_html(table, styles=["text-align: left", ""])
    assert html.count('style="text-align: left"') == 2  # heading and cell
    double = pd.DataFrame([["1", "2"]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))
    assert (
        table_html(double, styles=["text-align: left", ""]).count("style=") == 2
    )  # the cell, and the heading that spans: centred


def test_caption_and_classes():
    table = pd.DataFrame([["1"]])
    assert table_html(table).startswith('<table class="dataframe tex2jax_ignore mathjax_ignore">\n<thead>')
    named = table_html(table, "<x>", classes=["wide"])
    assert named.startswith(
        '<table class="dataframe wide tex2jax_ignore mathjax_ignore"><caption>&lt;x&gt;</caption>\n<thead>'
    )


def test_a_table_without_rows_has_its_headings():
    assert rows(table_html(pd.DataFrame(columns=["a"]))) == [[("th", "a", {"scope": "col"})]]
    assert rows(table_html(pd.DataFrame(columns=["a"]), index=True))[0][0] == ("th", "", {})
