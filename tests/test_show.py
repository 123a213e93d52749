"""Tables for the eye: rounding, intervals, the paper beneath ours, hostile text."""

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from ovcf.tables.show import (
    COLUMNS,
    Shown,
    beside_paper,
    brackets,
    column_words,
    heading,
    mean_sd,
    number,
    one_cell,
    p_said,
    p_value,
    percent,
    plus_minus,
    printed_p,
    show,
    value,
    with_interval,
    with_intervals,
)


def plain(text):
    return text.replace("\u00a0", " ")


def test_rounding_is_for_display_only():
    table = pd.DataFrame({"a": [0.123456]})
    assert "0.123" in show(table)._repr_html_()
    assert table.a[0] == 0.123456


def test_formats():
    assert percent(0.7569) == "75.7" and percent(np.nan) == "–"
    assert plain(p_value(0.0004)) == "< 0.001" and p_value(0.0512) == "0.051"
    assert number(2)(1.239) == "1.24" and number(2)(40.0) == "40"
    assert plain(with_interval(0.8, 0.7, 0.9, metric="auc")) == "0.800 [0.700, 0.900]"
    assert plain(with_interval(0.8, 0.7, 0.9)) == "80.0 [70.0, 90.0]"
    assert plain(with_interval(0.8, np.nan, 0.9)) == "80.0 [undefined]"
    assert plain(mean_sd(0.756949, 0.0208)) == "75.7 ± 2.1"
    assert plain(mean_sd(0.5, np.nan)) == "50.0 ± not defined"


def test_the_paper_stands_beneath_ours():
    ours = pd.DataFrame({"AUC": ["0.8"], "F1": ["0.7"]}, index=["ResNet101"])
    printed = pd.DataFrame({"AUC": ["0.796 ± 0.028"]}, index=["ResNet101"])
    joined = beside_paper(ours, printed)
    assert list(joined.index) == [("ResNet101", "ours"), ("ResNet101", "paper")]
    assert plain(joined.loc[("ResNet101", "paper"), "AUC"]) == "0.796 ± 0.028"
    assert joined.loc[("ResNet101", "paper"), "F1"] == "–"


def test_text_of_a_manifest_is_escaped_everywhere():
    bad = "<script>alert(1)</script>"
    html = show(pd.DataFrame({bad: [bad]}, index=[bad]), bad, index=True)._repr_html_()
    assert "<script" not in html and html.count("&lt;script&gt;") == 4


def test_columns_of_words_stand_left_numbers_right():
    table = pd.DataFrame({"name": ["AlexNet", None], "auc": [0.5, np.nan], "p": ["< 0.001", "5 to 95"]})
    html = show(table)._repr_html_()
    assert '<td style="text-align: left">AlexNet</td>' in html and '<td style="text-align: left">–</td>' in html
    assert "<td>0.500</td>" in html and "<td>–</td>" in html
    assert "<td>&lt; 0.001</td>" in html and "<td>5 to 95</td>" in html


def test_truth_values_and_gaps_are_said_in_words():
    table = pd.DataFrame({"fits": [True, False], "tp": pd.array([3, None], dtype="Int64")})
    html = show(table)._repr_html_()
    assert "yes" in html and "no" in html and "–" in html and "NA" not in html


@pytest.mark.parametrize("where", ["column", "index"])
@pytest.mark.parametrize("folded", [False, True])
def test_rates_and_areas_stand_apart_so_that_a_column_has_one_unit(where, folded):
    rows = {"of": ["Accuracy (%)", "AUC", "F1 old (%)"], "here": ["75.0", "0.800", "70.0"]}
    table = pd.DataFrame(rows) if where == "column" else pd.DataFrame(rows).set_index("of")
    html = show(table, "Caption", index=where == "index", name="mine", folded=folded)._repr_html_()
    rates, areas = BeautifulSoup(html, "html.parser").select("table")
    assert "75.0" in rates.text and "70.0" in rates.text and "0.800" in areas.text and "75.0" not in areas.text
    assert rates["data-name"] == "mine" and "data-name" not in areas.attrs
    assert areas.caption.text == "The same of the AUC" and html.count("Caption") == 1
    assert all("here" in part.thead.text for part in (rates, areas))


def test_what_is_neither_rate_nor_area_is_not_called_the_auc():
    table = pd.DataFrame({"metric": ["Accuracy (%)", "kappa", "AUC"], "here": ["75.0", "0.500", "0.800"]})
    parts = BeautifulSoup(show(table, "Caption")._repr_html_(), "html.parser").select("table")
    captions = [part.caption.text for part in parts]
    assert captions == ["Caption", "The same of the other measures", "The same of the AUC"]
    assert "kappa" in parts[1].text and "kappa" not in parts[2].text


@pytest.mark.parametrize("rows", [["Accuracy (%)", "F1 old (%)"], ["AUC", "AUC, mean of folds"], ["age", "scanner"]])
def test_rows_of_one_unit_stand_together(rows):
    assert show(pd.DataFrame({"of": rows, "here": 1}))._repr_html_().count("<table") == 1


def test_a_wide_table_is_set_smaller_and_a_folded_one_can_be_opened():
    table = pd.DataFrame([[1] * 9])
    assert 'class="dataframe wide ' in show(table)._repr_html_()
    assert 'class="dataframe tex2jax_ignore ' in show(table[[0]])._repr_html_()  # a $ in an id is text
    assert show(table, "<9 checks>", folded=True)._repr_html_().startswith("<details><summary>&lt;9 checks&gt;")


def test_what_a_metric_is_called_and_how_it_is_written():
    assert heading("accuracy") == "Accuracy (%)" and heading("accuracy", unit=", points") == "Accuracy, points"
    assert heading("auc") == "AUC" and heading("auc_fold_mean") == "AUC, mean of folds" and heading("mine") == "mine"
    assert value(0.12345, "accuracy") == "12.3" and value(0.12345, "auc") == "0.123" and value(0.5, "mine") == "50.0"
    assert plain(plus_minus("1", 0.01234)) == "1 ± 1.2" and plain(plus_minus("1", 0.01234, "auc")) == "1 ± 0.012"
    assert brackets(0.1, np.nan) == "[undefined]" and plain(brackets(0.1, 0.25, "auc")) == "[0.100, 0.250]"
    assert mean_sd(np.nan, 0.1) == "–" and with_interval(np.nan, 0.1, 0.2) == "–"


def test_intervals_of_a_table_are_written_by_their_metric():
    table = pd.DataFrame(
        {"metric": ["auc", "accuracy"], "estimate": [0.5, 0.25], "low": [0.4, 0.2], "high": [0.6, 0.3]}
    )
    assert list(map(plain, with_intervals(table))) == ["0.500 [0.400, 0.600]", "25.0 [20.0, 30.0]"]
    assert list(map(plain, with_intervals(table, "low", metric="auc")))[1] == "0.200 [0.200, 0.300]"


def test_numbers_keep_as_many_decimals_as_say_something():
    table = pd.DataFrame({"n_of": [3, 4], "x": [0.5, 2.0], "p": [0.0001, 0.04]})
    html = show(table, formats={"p": p_value})._repr_html_()
    cells = [td.split("</td>")[0] for td in html.split("<td>")[1:]]
    assert list(map(plain, cells)) == ["3", "0.500", "&lt; 0.001", "4", "2", "0.040"]
    assert ">n of</th>" in html
    assert number(3)(1.0) == "1.000" and number(3)(-2.0) == "-2" and number(1)(np.nan) == "–"
    assert percent(np.nan) == p_value(np.nan) == "–" and p_value(0.001) == "0.001"


def test_columns_are_said_in_words_each_in_its_own():
    known = {
        "p_holm": "p (Holm)", "p_superiority": "p, different", "p_noninferiority": "p, not worse by the margin",
        "auc": "AUC", "iou": "overlap of boxes (IoU)", "tp": "fresh called fresh", "fn": "fresh called old",
        "tn": "old called old", "fp": "old called fresh", "df": "degrees of freedom", "k": "rows",
        "sd0": "SD, divisor n", "sd1": "SD, divisor n - 1", "ddof": "divisor n less", "n": "vertebrae",
        "ppv": "PPV", "npv": "NPV",
    }  # fmt: skip
    assert known.items() <= COLUMNS.items()


@pytest.mark.parametrize("column", ["p", "p_holm", "p, of the level", "p (Holm)"])
def test_a_column_of_p_is_written_as_p_without_being_told(column):
    assert "&lt; 0.001" in plain(show(pd.DataFrame({column: [0.0004]}))._repr_html_())
    assert "&lt; 0.001" not in plain(show(pd.DataFrame({"points": [0.0004], "df": [0.0004]}))._repr_html_())


def test_an_empty_table_has_no_sentence_to_make_room_for():
    assert "min-width" not in show(pd.DataFrame({"a": []}))._repr_html_()


def test_a_long_sentence_has_room():
    table = pd.DataFrame({"short": ["word"], "long": ["word " * 18]})  # 90 letters: not yet a sentence
    assert "min-width" not in show(table)._repr_html_()
    html = show(table.assign(long="word " * 18 + "."))._repr_html_()
    assert html.count("text-align: left; min-width: 26em") == 2 and html.count('"text-align: left"') == 2


def test_the_papers_rows_without_a_partner_are_kept():
    ours = pd.DataFrame({"AUC": ["0.8"], "F1": [None]}, index=["a"])
    printed = pd.DataFrame({"AUC": ["", "0.7"]}, index=["a", "b"])
    joined = beside_paper(ours, printed)
    assert joined.index.tolist() == [("a", "ours"), ("a", "paper"), ("b", "paper")]
    assert joined.to_numpy().tolist() == [["0.8", "–"], ["–", "–"], ["0.7", "–"]]


def test_text_for_a_terminal_and_a_folded_table():
    shown = show(pd.DataFrame({"a_b": [1]}, index=["r"]), "cap", index=True)
    gap = repr(show(pd.DataFrame({"n": [1], "m": [None]}))) + repr(Shown(pd.DataFrame({"n": [np.nan]}), "", False))
    assert gap.count("–") == 2 and "NaN" not in gap
    assert repr(shown).splitlines()[0] == "cap" and "a b" in repr(shown) and "r" in repr(shown)
    assert "r" not in repr(show(pd.DataFrame({"n": [1]}, index=["r"]), "")).split()
    folded = show(pd.DataFrame({"n": [1]}), "cap", folded=True)._repr_html_()
    assert folded == f"<details><summary>cap</summary>{show(pd.DataFrame({'n': [1]}))._repr_html_()}</details>"


def test_headings_of_two_levels_stay_as_they_are():
    columns = pd.MultiIndex.from_tuples([("a_b", "c_d")], names=["x", "y"])
    html = show(pd.DataFrame([[1]], columns=columns))._repr_html_()
    assert "a_b" in html and "c_d" in html and ">x<" not in html


def test_a_p_beside_an_estimate_says_what_it_is():
    assert (p_said(0.04), p_said(0.0004)) == ("p\u00a0=\u00a00.040", "p\u00a0<\u00a00.001")


def test_a_table_without_rows_is_a_sentence():
    empty = show(pd.DataFrame({"n": []}), "Found <here>", name="mine")._repr_html_()
    assert empty == "<p>Found &lt;here&gt;: none.</p>"


def test_the_papers_p_is_said_where_it_prints_one():
    table = pd.DataFrame(
        {
            "kind": ["single", "p", "p", "p"],
            "column": ["accuracy", "precision_fresh", "auc", "f1_fresh"],
            "printed": ["1", "< 0.001", "", "0.2 > 0.05"],
        }
    )
    assert printed_p(table) == "The paper's p: precision < 0.001; F1 0.2 > 0.05."
    assert printed_p(table.head(1)) == ""


def test_an_estimate_and_its_interval_share_a_cell():
    table = pd.DataFrame(
        {"n": [1, 2, 3], "x": [0.5, 1.25, np.nan], "low": [0.25, np.nan, 0.0], "high": [1.0, np.nan, 1.0]}
    )
    shown = one_cell(table, "x", "x [95 %]", 2)
    assert list(shown) == ["n", "x [95 %]"]
    assert list(map(plain, shown["x [95 %]"])) == [
        "0.50 [0.25, 1.00]",
        "1.25",
        "–",
    ]


def test_columns_are_called_in_words_and_a_name_keeps_its_number():
    table = pd.DataFrame(
        {"p_holm": [0.0004], "auc": [0.5], "tp": [3], "df": [11.36], "place": ["Table 2, Fold 1 of 5"]}
    )
    html = show(table, name="mine", note="<b>")._repr_html_()
    assert [column_words(name) for name in ("p_holm", "auc", "tp", "my_own")] == [
        "p (Holm)",
        "AUC",
        "fresh called fresh",
        "my own",
    ]
    assert "&lt;\u00a00.001" in html and ">11.4<" in html and "Table\u00a02, Fold\u00a01 of 5" in html
    assert 'data-name="mine"' in html and html.endswith('<p class="note">&lt;b&gt;</p>')
