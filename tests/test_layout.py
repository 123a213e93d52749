"""How a notebook is taken apart and laid out, on the page and on paper."""

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ovcf.problems import InputError
from ovcf.report.layout import lay_out, title_of
from ovcf.report.numbering import number_all
from ovcf.report.paper import HELD_LETTERS, HELD_TABLE, TYPE, on_paper, write_pdf
from ovcf.report.parts import APPENDIX, METHODS, RESULTS, blocks

SHOWN = [new_output("display_data", data={"text/html": "<table><caption>c</caption></table>"})]
GROUPED = (
    '<div class="output"><table><caption>Table 2</caption><thead><tr><th></th><th></th><th>AUC</th></tr></thead><tbody>'
    '<tr><th rowspan="2">AlexNet</th><th>ours</th><td>0.7</td></tr><tr><th>paper</th><td>0.8</td></tr>'
    "<tr><th>VGG16</th><th>ours</th><td>0.6</td></tr></tbody></table></div>"
)


def tagged(cell, *tags):
    cell.metadata["tags"] = list(tags)
    return cell


def test_cells_go_where_their_tags_say():
    cells = [
        new_markdown_cell("# 3 Comparison\n\n**Question.** Which?\n\n**Reads** files. **Writes** files."),
        tagged(new_markdown_cell("## Training\n\nBy descent."), "methods"),
        new_code_cell("x", outputs=SHOWN),
        tagged(new_code_cell("y", outputs=SHOWN), "folded"),
        tagged(new_markdown_cell("Edit this."), "notebook"),
        new_code_cell("silent"),
    ]
    found = blocks(new_notebook(cells=cells), "03_model_comparison")
    assert [(b.part, b.folded, len(b.cells)) for b in found] == [
        (RESULTS, False, 1), (METHODS, False, 1), (RESULTS, False, 1), (RESULTS, True, 1)
    ]  # fmt: skip
    assert "Reads" not in found[0].cells[0].source and "Which?" in found[0].cells[0].source
    assert [cell.metadata["number"] for block in found for cell in block.cells] == [0, 1, 2, 3]


@pytest.mark.parametrize("name, part", [("02_preprocessing", METHODS), ("06_published_audit", APPENDIX)])
def test_two_notebooks_hold_no_results(name, part):
    assert blocks(new_notebook(cells=[new_markdown_cell("# 2 T")]), name)[0].part == part


def laid_out(html, **how):
    soup = BeautifulSoup(html, "html.parser")
    lay_out(soup, "03_x", **{"folded": False, **how})
    return soup


def test_headings_go_one_down_and_lose_the_notebooks_number():
    soup = laid_out("<h1>3 Model comparison</h1><h2>Tests between networks</h2>")
    assert soup.h2.get_text() == "Model comparison"
    assert soup.h3["id"] == "03_x-tests-between-networks"


def test_rows_of_a_label_share_a_body_and_phones_get_a_row_of_it():
    soup = laid_out(GROUPED)
    assert [len(body.find_all("td")) for body in soup.find_all("tbody")] == [2, 1]
    assert [row.get_text(strip=True) for row in soup.select(".group-row")] == ["AlexNet", "VGG16"]
    region = soup.select_one(".scroll")
    assert region["tabindex"] == "0" and region.caption.get_text() == "Table 2"


def test_a_folded_block_lies_beneath_its_heading_or_its_caption():
    soup = laid_out("<h2>More</h2><p>words</p>", folded=True)
    assert soup.details.summary.h3.get_text() == "More" and "words" in soup.details.get_text()
    soup = laid_out('<p>seen</p><div class="output"><table><caption>Long</caption></table></div>', folded=True)
    assert soup.details.summary.get_text() == "Long" and soup.details.caption is None
    assert soup.p.find_parent("details") is None


FIGURE = (
    '<div class="output"><figure data-name="ages"><img width="400" src=""/>'
    "<figcaption>(a) Ages of patients by sex; (b) levels. Mine.</figcaption></figure></div>"
)


def test_a_folded_figure_is_opened_by_one_click_on_what_it_shows():
    soup = laid_out(FIGURE, folded=True)
    number_all([soup])
    assert len(soup.find_all("details")) == 1
    assert soup.summary.get_text() == "Figure S1.\u00a0Ages of patients by sex"
    assert soup.figcaption.get_text().startswith("Figure S1.\u00a0(a) Ages")


@pytest.mark.parametrize(
    ("caption", "title"),
    [
        ("AUC by subgroup; bar: 95 %.", "AUC by subgroup"),
        ("Flow from patients to results (STARD). Numbers", "Flow from patients to results"),
        ("5 films drawn at random (mine). Box", "5 films drawn at random"),
        ("What is shown.", "What is shown"),
    ],
)
def test_a_figures_title_is_the_beginning_of_its_caption(caption, title):
    assert title_of(caption) == title


def table_of(rows, columns, letters):
    cells = "".join("<td>%s</td>" % ("x" * letters) for _ in range(columns))
    head = "".join(f"<th>c{i}</th>" for i in range(columns))
    body = f"<tr>{cells}</tr>" * rows
    return f'<div class="output"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


@pytest.mark.parametrize(
    ("rows", "columns", "letters", "stacked"),
    [(3, 4, 30, True), (9, 4, 30, False), (3, 7, 30, False), (3, 4, 5, False)],
)
def test_a_small_table_of_long_cells_is_stacked_on_a_phone(rows, columns, letters, stacked):
    soup = laid_out(table_of(rows, columns, letters))
    assert ("stack" in (soup.table.get("class") or [])) == stacked
    assert [cell.get("data-label") for cell in soup.select("tbody tr:first-child td")] == (
        [None, "c1", "c2", "c3"] if stacked else [None] * columns
    )


def test_on_paper_a_caption_stands_above_its_table_and_a_note_leads_to_nothing():
    note = GROUPED.replace("</table>", '</table><p class="note">of the first</p>')
    soup = BeautifulSoup(on_paper(f"<main>{laid_out(note)}{laid_out(GROUPED)}{FIGURE}</main>", "reader"), "html.parser")
    assert soup.caption is None and [p.get_text() for p in soup.select("p.caption")] == ["Table 2"] * 2
    assert [t["aria-labelledby"] for t in soup.find_all("table")] == [p["id"] for p in soup.select("p.caption")]
    assert soup.select(".leads") == []
    assert soup.img["style"] == f"width: {400 * TYPE:.0f}px"


PAGE = (
    '<body><nav>contents</nav><main><section class="part" id="results"><h1>Results</h1><h2>A</h2>'
    f'<details class="fold"><summary>Long table</summary>{GROUPED}</details><p>said</p></section>'
    '<section class="part" id="methods"><details class="kept"><summary><h2>Training</h2></summary><p>how</p></details>'
    "</section></main></body>"
)


def test_the_readers_edition_names_what_it_leaves_out():
    soup = BeautifulSoup(on_paper(PAGE, "reader"), "html.parser")
    assert "0.7" not in soup.get_text() and "contents" not in soup.get_text()
    assert [item.get_text() for item in soup.select(".left-out li")] == ["Long table"]
    assert soup.select_one("#methods > h2").get_text() == "Training" and "how" in soup.get_text()


def test_the_full_edition_moves_it_to_the_appendix():
    soup = BeautifulSoup(on_paper(PAGE, "full"), "html.parser")
    assert "0.7" in soup.find(id="appendix").get_text() and soup.find("details") is None
    link = soup.select_one("#results a.moved")
    assert soup.find(id=link["href"][1:]).h3.get_text() == "Long table"


def test_a_long_group_repeats_its_label_in_each_row():
    rows = "".join(f"<tr><th>r{i}</th><td>{i}</td></tr>" for i in range(HELD_TABLE))
    first = f'<tr><th rowspan="{HELD_TABLE + 1}">Group</th><th>r</th><td>0</td></tr>'
    page = str(laid_out(f'<div class="output"><table><tbody>{first}{rows}</tbody></table></div>'))
    soup = BeautifulSoup(on_paper(page, "reader"), "html.parser")
    assert {row.th.get_text() for row in soup.find_all("tr")} == {"Group"}
    short = BeautifulSoup(on_paper(str(laid_out(GROUPED)), "reader"), "html.parser")
    assert [body["class"] for body in short.find_all("tbody")] == [["held"], ["held"]]


def test_in_a_long_group_each_row_says_all_that_it_shares():
    lines = ['<tr><th class="group" rowspan="40">Q</th><th rowspan="38">A</th><td rowspan="2">x</td><td>0</td></tr>']
    lines += ["<tr><td>1</td></tr>", *(f"<tr><td>y</td><td>{i}</td></tr>" for i in range(2, 38))]
    lines += ["<tr><th>B</th><td>z</td><td>38</td></tr>", "<tr><th>C</th><td>z</td><td>39</td></tr>"]
    soup = BeautifulSoup(
        on_paper(f"<main><table><tbody>{''.join(lines)}</tbody></table></main>", "full"), "html.parser"
    )
    rows = [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in soup.find_all("tr")]
    assert rows[:3] == [["Q", "A", "x", "0"], ["Q", "A", "x", "1"], ["Q", "A", "y", "2"]]
    assert rows[-2:] == [["Q", "B", "z", "38"], ["Q", "C", "z", "39"]]
    assert all(row[:2] == ["Q", "A"] and len(row) == 4 for row in rows[:38]) and not soup.select("[rowspan]")


def test_a_fold_within_a_fold_is_a_heading_on_paper():
    inner = '<details class="fold"><summary>Table S4. Many</summary><table><tr><td>7</td></tr></table></details>'
    page = f'<main><details class="fold"><summary><h3>Two</h3></summary>{inner}</details></main>'
    soup = BeautifulSoup(on_paper(page, "full"), "html.parser")
    assert soup.find(["details", "summary"]) is None and soup.h4.get_text() == "Table S4. Many"
    assert "leads" in soup.h4["class"]  # it stays with its table


def test_a_folded_table_scrolls_by_itself_and_one_alone_in_its_output():
    folded = GROUPED.replace("<table", "<details><summary>All</summary><table").replace(
        "</table>", "</table></details>"
    )
    for html, region in ((GROUPED, "output"), (folded, "details")):
        soup = laid_out(html)
        scrolled = soup.select(".scroll")
        assert len(scrolled) == 1 and scrolled[0]["tabindex"] == "0"
        assert ("output" in scrolled[0]["class"]) == (region == "output")
        assert region == "output" or (scrolled[0].parent.name == "details" and not scrolled[0].find("summary"))


def test_only_a_wrapper_that_ends_with_a_lead_holds_to_what_follows():
    shown = "<p>Why.</p><table><tr><td>7</td></tr></table><p>More.</p>"
    folds = [f'<details class="fold"><summary><h3>{n}</h3></summary>{shown}</details>' for n in "AB"]
    soup = BeautifulSoup(on_paper(f"<main><div>{''.join(folds)}</div></main>", "full"), "html.parser")
    assert [node.name for node in soup.select(".leads")] == ["p", "p"]  # pages may part the folds
    soup = BeautifulSoup(on_paper(f"<main><div><h3>A</h3></div>{FIGURE}</main>", "full"), "html.parser")
    assert [node.name for node in soup.select(".leads")] == ["div", "h3"]


def test_a_table_of_many_words_may_break_and_a_sentence_for_a_label_is_broken_into_lines():
    def set_as(cell, label="AlexNet"):
        page = f'<main><table><tbody><tr><th class="group" rowspan="2">{label}</th><td>{cell}</td></tr>'
        return BeautifulSoup(on_paper(page + "<tr><td>1</td></tr></tbody></table></main>", "full"), "html.parser")

    few, many, said = set_as("0.7"), set_as("long " * HELD_LETTERS), set_as("0.7", "Would these networks differ " * 3)
    assert "held" in few.table["class"] and "held" not in many.table.get("class", [])
    assert "sentence" not in few.th["class"] and "sentence" in said.th["class"]


def test_a_pdf_that_is_there_stays_and_another_goes_where_it_is_told(tmp_path):
    (tmp_path / "report.html").write_text("<h1 id='a'>Title</h1>")
    first = write_pdf(tmp_path).read_bytes()
    with pytest.raises(InputError, match="--out"):
        write_pdf(tmp_path, edition="full")
    assert (tmp_path / "report.pdf").read_bytes() == first
    other = write_pdf(tmp_path, tmp_path / "else" / "full.pdf", "full")
    assert other.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("caption", "name"),
    [
        ("Table S22. Calibration of the probabilities", "Table S22. Calibration of the probabilities"),
        ("Table S24. By subgroup; called fresh from 0.5 on; p: test", "Table S24. By subgroup"),
        ("Figure S6. Probabilities of fresh (pooled). Two panels", "Figure S6. Probabilities of fresh"),
        ("All parameters", "All parameters"),
    ],
)
def test_what_the_readers_edition_leaves_out_is_named_shortly(caption, name):
    page = f'<main><details class="fold"><summary>{caption}</summary><p>x</p></details></main>'
    assert [item.get_text() for item in BeautifulSoup(on_paper(page, "reader"), "html.parser")("li")] == [name]
