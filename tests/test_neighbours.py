"""The published neighbours hold what their sources say, and say what is only cited."""

import re

import pytest

from ovcf.audit.neighbours import COLUMNS, neighbours, sentence_on_lateral_films


def test_every_result_stands_once_with_its_source():
    table = neighbours()
    assert list(table.columns) == COLUMNS and (table != "").all(axis=None)
    values = table.set_index(["study", "setting"]).value
    assert values["Chen 2022", "lateral views"] == "0.83" and values["Chen 2022", "all views"] == "0.80"
    assert values["Xu 2023", "an expert without the model"] == "0.707"
    assert values["Chen 2025", "prospective test"] == "0.87"


@pytest.mark.parametrize(("study", "cited"), [("Chen 2025", True), ("Chen 2022", False), ("Xu 2023", False)])
def test_what_is_only_cited_says_so(study, cited):
    rows = neighbours().query("study == @study")
    assert rows.source.str.contains("as cited by the paper").eq(cited).all()


def test_what_the_paper_says_is_the_papers(shared):
    paper = re.sub(r"\s+", " ", (shared / "paper" / "paper.md").read_text())
    quoted = re.search("“(.*)”", sentence_on_lateral_films())[1]
    assert quoted in paper
    for value in ("0.96", "0.87", "74%"):
        assert value in paper


def test_the_sentence_stands_beside_a_lateral_result():
    assert "Chen 2022" in sentence_on_lateral_films() and "lateral views by themselves" in sentence_on_lateral_films()
