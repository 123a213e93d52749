"""What a manuscript needs of a run: every number has its source, every table is LaTeX, every figure a file."""

import csv
import re

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from click.testing import CliRunner

from ovcf.cli import main
from ovcf.files import digest
from ovcf.report.manuscript.facts import PARAMETERS, RECORD, Facts, Unknown
from ovcf.report.manuscript.latex import caption_of, escaped, table_as_latex
from ovcf.report.manuscript.paragraphs import methods, results
from ovcf.report.printed import numbers

CONSTANTS = {"95", "1", "-1"}  # the level of every interval, the slope that is right, the scale of the patches


def soup(html):
    return BeautifulSoup(html, "html.parser")


# Facts -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def facts(tmp_path):
    (tmp_path / "tables").mkdir()
    table = pd.DataFrame(
        {"metric": ["auc", "accuracy"], "estimate": [0.79123, 0.5], "low": [0.7, None], "high": [0.9, 0.6]}
    )
    table.to_csv(tmp_path / "tables" / "found.csv", index=False)
    return Facts(tmp_path, {"parameters": {"threshold": 0.50, "networks": ["a", "b"]}, "ovcf": "0.1.0"})


def test_a_number_is_taken_with_its_cell(facts, tmp_path):
    assert facts.estimate("found", "auc") == "0.791 (95 % interval 0.700 to 0.900)"
    first, low, _ = facts.cited
    assert (first.number, first.table, first.row, first.column, first.value) == (
        "0.791",
        "found",
        "1",
        "estimate",
        "0.79123",
    )
    assert low.column == "low" and first.digest == digest(tmp_path / "tables" / "found.csv")
    assert facts.number("found", "high", "{:.1f}".format, metric="accuracy") == "0.6" and facts.cited[-1].row == "2"


def test_what_is_not_there_is_unknown(facts):
    for ask in (
        lambda: facts.rows("missing"),
        lambda: facts.rows("found", metric="brier"),
        lambda: facts.rows("found", unknown="x"),
        lambda: facts.number("found", "low", metric="accuracy"),
        lambda: facts.number("found", "nothing"),
        lambda: facts.recorded("python"),
    ):
        with pytest.raises(Unknown):
            ask()
    assert not facts.cited


def test_parameters_and_versions_have_their_source_too(facts):
    assert facts.parameter("threshold") == "0.5" and facts.parameter("networks") == "a, b"
    assert facts.recorded("ovcf") == "0.1.0" and facts.counted(1234, "found", "row") == "1,234"
    assert [cited.table for cited in facts.cited] == [PARAMETERS, PARAMETERS, RECORD, "found"]


# Paragraphs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [methods, results])
def test_each_number_of_a_paragraph_was_taken_from_the_run(finished, write):
    facts = Facts(finished)
    text = write(facts)
    taken = {number for cited in facts.cited for number in numbers(cited.number)}
    assert set(numbers(text)) - taken <= CONSTANTS and len(text) > 400
    for cited in facts.cited:
        if cited.table not in (PARAMETERS, RECORD) and cited.row != "count":
            stored = pd.read_csv(finished / "tables" / f"{cited.table}.csv", dtype=str, keep_default_na=False)
            assert float(stored[cited.column].iloc[int(cited.row) - 1]) == float(cited.value)


def test_what_is_simulated_or_synthetic_is_said(finished):
    facts = Facts(finished)
    assert "simulated reader" in methods(facts) and "Films drawn by this software" in methods(facts)
    assert "simulated readers" in results(facts) and "second synthetic hospital" in results(facts)


def test_a_run_without_tables_has_short_paragraphs(tmp_path, finished):
    bare = Facts(tmp_path, {"parameters": Facts(finished).parameters})
    assert results(bare) == "" and "Stochastic gradient descent" in methods(bare)
    assert all(cited.table == PARAMETERS for cited in bare.cited)


# LaTeX -----------------------------------------------------------------------------------------------------------


def test_nothing_of_a_text_is_obeyed():
    assert escaped(r"50 % & $x_1$ {#} \a ~ ^") == (
        r"50 \% \& \$x\_1\$ \{\#\} \textbackslash{}a \textasciitilde{} \textasciicircum{}"
    )
    assert escaped("0.8\u00a0±\u00a00.1 – <") == r"0.8~$\pm$~0.1 -- \textless{}"


def test_a_table_with_spanning_cells():
    html = (
        '<table data-name="t"><caption><span class="number">Table 1. </span>A &amp; b</caption>'
        '<thead><tr><th></th><th></th><th colspan="2">both</th></tr>'
        "<tr><th>a</th><th>b</th><th>c</th><th>d</th></tr></thead><tbody>"
        '<tr><th rowspan="2">x_1</th><th>ours</th><td style="text-align: left">w</td><td>1</td></tr>'
        "<tr><th>paper</th><td>v</td><td>2</td></tr></tbody></table>"
    )
    table = soup(html).table
    assert caption_of(table) == "A & b"
    lines = table_as_latex(table, caption_of(table), "tab:t").splitlines()
    assert lines[1:] == [
        r"\begin{table}",
        r"\centering",
        r"\caption{A \& b}",
        r"\label{tab:t}",
        r"\begin{tabular}{lllr}",
        r"\toprule",
        r" &  & \multicolumn{2}{c}{both} \\",
        r"a & b & c & d \\",
        r"\midrule",
        r"\multirow{2}{*}{x\_1} & ours & w & 1 \\",
        r" & paper & v & 2 \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def test_every_group_of_rows_is_exported_once():
    """Groups lie in bodies of their own on the page, each with a row of its label for phones."""
    groups = "".join(
        f'<tbody><tr class="group-row"><th colspan="3">{name}</th></tr><tr><th class="group" rowspan="2">{name}</th>'
        "<th>ours</th><td>1</td></tr><tr><th>paper</th><td>2</td></tr></tbody>"
        for name in ("a", "b", "c")
    )
    table = soup(f"<table><thead><tr><th></th><th></th><th>n</th></tr></thead>{groups}</table>").table
    lines = table_as_latex(table, "c", "tab:t", "Of 3 & more.").splitlines()
    assert [line for line in lines if "multirow" in line and "&" in line] == [
        rf"\multirow{{2}}{{*}}{{{name}}} & ours & 1 \\" for name in "abc"
    ]
    assert sum("paper & 2" in line for line in lines) == 3 and lines[-2] == r"\par\footnotesize Of 3 \& more."


def test_a_wide_table_is_shrunk_a_long_one_broken_and_a_sentence_set_in_lines():
    def of(rows, columns, text="x"):
        row = f"<tr>{f'<td>{text}</td>' * columns}</tr>"
        head = f"<tr>{'<th>h</th>' * columns}</tr>"
        return table_as_latex(soup(f"<table><thead>{head}</thead><tbody>{row * rows}</tbody></table>").table, "c", "l")

    assert r"\resizebox{\linewidth}" in of(2, 7) and "resizebox" not in of(2, 6)
    assert r"\begin{longtable}{rr}" in of(41, 2) and r"\endhead" in of(41, 2) and "longtable}{" not in of(40, 2)
    assert r"{p{.35\linewidth}p{.35\linewidth}}" in of(2, 2, "word " * 10)


def test_a_folded_table_has_the_caption_of_its_fold():
    folded = soup("<details><summary><span class='number'>Table S1. </span>long</summary><table></table></details>")
    assert caption_of(folded.table) == "long" and caption_of(soup("<table></table>").table) == ""


# Export ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(finished, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "manuscript"
    answer = CliRunner().invoke(main, ["export", str(finished), "--out", str(out)])
    assert answer.exit_code == 0, answer.output
    return out


def test_every_table_and_figure_is_there(finished, exported):
    for folder in ("tables", "figures"):
        for path in (finished / folder).iterdir():
            assert (exported / folder / path.name).read_bytes() == path.read_bytes()
    page = soup((finished / "report.html").read_text())
    names = [str(table["data-name"]) for table in page.select("table[data-name]")]
    assert len(names) == len(set(names)) > 25 and {"table1", "table2", "table3", "table4", "table5"} <= set(names)
    for name in names:
        text = (exported / "tables" / f"{name}.tex").read_text()
        rows = len(page.select(f"table[data-name={name}] tr:not(.group-row)")) + text.count(r"\begin{longtable}")
        assert text.count(" \\\\\n") == rows and not re.search(r"(?<!\\)[&]nbsp", text)
    figures = [str(figure["data-name"]) for figure in page.select("figure[data-name]")]
    stems = {path.stem for path in (exported / "figures").glob("*.pdf")}
    assert len(figures) == len(set(figures)) > 15
    assert all(name in stems or f"{name}_a" in stems for name in figures)
    captions = (exported / "figures" / "captions.md").read_text()
    assert all(f"`{name}`" in captions for name in figures)


def test_every_figure_has_words_of_its_own(finished):
    images = soup((finished / "report.html").read_text()).select("figure[data-name] img")
    words = [image["alt"] for image in images]
    assert len(images) > 25 and all(len(alt) > 20 for alt in words) and len(set(words)) == len(words)


def test_every_number_of_the_texts_is_in_the_sources(exported):
    with open(exported / "sources.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for name in ("methods.md", "results.md", "model_card.md", "data_sheet.md", "limitations.md"):
        taken = {number for row in rows if row["text"] == name for number in numbers(row["number"])}
        left = set(numbers((exported / name).read_text())) - taken
        assert left <= CONSTANTS | {"8", "5", "2"}, (name, left)


def test_cards_and_checklists_are_written(exported):
    card = (exported / "model_card.md").read_text()
    for heading in ("## Intended use", "## Subgroups", "## Calibration", "## Limits"):
        assert heading in card
    assert "Research use only" in card and "# Data sheet: synthetic cohort" in (exported / "data_sheet.md").read_text()
    page = soup((exported / "checklists.html").read_text())
    places = {node["id"] for node in soup((exported / "report.html").read_text()).find_all(id=True)}
    linked = {a["href"].partition("#")[2] for a in page.find_all("a")} - {""}
    assert linked <= places and len(linked) > 15


def test_a_folder_of_something_else_is_refused(finished, exported, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    answer = CliRunner().invoke(main, ["export", str(finished), "--out", str(tmp_path)])
    assert answer.exit_code == 2 and "holds something else" in answer.output
    assert CliRunner().invoke(main, ["export", str(finished), "--out", str(exported)]).exit_code == 0  # again
    answer = CliRunner().invoke(main, ["export", str(tmp_path), "--out", str(tmp_path / "new")])
    assert answer.exit_code == 2 and "no complete run" in answer.output
