"""Tables for the eye: rounding, intervals, the paper beneath ours, hostile text."""

import numpy as np
import pandas as pd

from ovcf.tables.show import beside_paper, mean_sd, number, p_value, percent, show, with_interval


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
    assert plain(mean_sd(0.756949, 0.0208)) == "75.69 ± 2.08"
    assert plain(mean_sd(0.5, np.nan)) == "50.00 ± not defined"


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


def test_a_wide_table_is_set_smaller_and_a_folded_one_can_be_opened():
    table = pd.DataFrame([[1] * 9])
    assert 'class="dataframe wide"' in show(table)._repr_html_()
    assert 'class="dataframe"' in show(table[[0]])._repr_html_()
    assert show(table, "<9 checks>", folded=True)._repr_html_().startswith("<details><summary>&lt;9 checks&gt;")
