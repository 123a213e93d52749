"""The report page: equations and images inside, nothing that runs or asks for anything outside."""

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ovcf.problems import InputError
from ovcf.report.export import clean, equation
from ovcf.report.page import write_page
from ovcf.report.paper import write_pdf

RECORD = {
    "status": "complete",
    "profile": "demo",
    "data": 'cohort <script>alert("data")</script>',
    "synthetic": True,
    "started": "2026-01-01T00:00:00+00:00",
    "finished": "2026-01-01T00:01:00+00:00",
    "ovcf": "0",
    "python": "3.11",
    "machine": "a machine",
    "peak_memory_mb": 1,
    "parameters": {"run": "</pre><script>1</script>"},
    "notebooks": {"01_dataset": 1.0},
}
HOSTILE = (
    '<p onclick="evil()">x</p><script>evil()</script><meta http-equiv="refresh" content="0;url=http://e.example">'
    '<img src="http://e.example/a.png"><iframe src="http://e.example"></iframe><link href="http://e.example">'
    '<a href="javascript:evil()">y</a><form action="http://e.example"><input></form>'
)


@pytest.fixture
def page(tmp_path):
    """The parsed report of a run whose only notebook shows hostile HTML, an equation, a widget and a figure."""
    data = {"text/html": HOSTILE}
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "Browser()"}
    cells = [
        new_markdown_cell("# One\n\n## Two $x^2$\n\n$$ \\frac{a}{b} $$"),
        new_code_cell("secret = 1", outputs=[new_output("display_data", data=data)]),
        new_code_cell("t", outputs=[new_output("execute_result", data={"text/plain": "the last value"})]),
        new_code_cell("w", outputs=[new_output("display_data", data=widget)]),
        new_code_cell(
            "e",
            outputs=[
                new_output("stream", name="stderr", text="epoch 1"),
                new_output("error", ename="ValueError", evalue="<b>bad</b>", traceback=[]),
            ],
        ),
    ]
    (tmp_path / "notebooks").mkdir()
    nbformat.write(new_notebook(cells=cells), tmp_path / "notebooks" / "01_dataset.ipynb")
    path = write_page(tmp_path, RECORD, ["01_dataset", "02_missing"])
    return BeautifulSoup(path.read_text(), "html.parser")


def test_policy_is_the_first_thing_in_the_head(page):
    first = page.head.find(True)
    assert first["http-equiv"] == "Content-Security-Policy"
    assert "default-src 'none'" in first["content"] and "'sha256-" in first["content"]


def test_only_the_gallery_script_runs(page):
    assert len(page.find_all("script")) == 1
    assert not page.select("iframe, link, object, embed, base, [action]")
    assert not [node for node in page.find_all(True) for name in node.attrs if name.startswith("on")]


def test_nothing_points_outside(page):
    assert all(image["src"].startswith("data:") for image in page.find_all("img") if image.has_attr("src"))
    assert not [a for a in page.find_all("a") if "javascript" in a.get("href", "")]


def test_code_widgets_and_progress_stay_behind(page):
    text = page.main.get_text()
    assert "secret" not in text and "Browser()" not in text and "epoch 1" not in text
    assert "the last value" in text
    assert "ValueError: <b>bad</b>" in text  # escaped, shown as text


def test_equations_are_drawings_with_their_latex_as_label(page):
    labels = [svg["aria-label"] for svg in page.find_all("svg")]
    assert "\\frac{a}{b}" in labels and "x^2" in labels


def test_contents_lists_the_headings(page):
    links = {a["href"] for a in page.nav.find_all("a")}
    ids = {"#" + node["id"] for node in page.find_all(id=True)}
    assert links <= ids and len(links) >= 3


def test_label_and_parameters_are_escaped(page):
    assert 'cohort <script>alert("data")</script>' in page.find(class_="subtitle").get_text()
    assert "</pre><script>1</script>" in page.find(id="how-this-was-made").pre.get_text()


def test_failed_run_says_where(tmp_path):
    failed = RECORD | {"status": "failed", "failed": {"notebook": "03", "cell": 4, "error": "no weights"}}
    text = write_page(tmp_path, failed, []).read_text()
    assert "This run failed." in text and "03, cell 4: no weights" in text


def test_clean_keeps_pictures_inside():
    soup = clean(BeautifulSoup('<img src="data:image/png;base64,AA=="><svg onload="x()"></svg>', "html.parser"))
    assert soup.img["src"].startswith("data:image/png") and not soup.svg.attrs


def test_inline_equation_sits_on_the_line():
    assert "vertical-align" in equation("x_1", inline=True)
    assert "vertical-align" not in equation("x_1", inline=False)


def test_pdf_has_the_title_and_asks_for_nothing(tmp_path):
    with pytest.raises(InputError, match="no report yet"):
        write_pdf(tmp_path)
    write_page(tmp_path, RECORD, [])
    assert write_pdf(tmp_path).read_bytes().startswith(b"%PDF")
