"""Executed notebooks -> one self-contained page: no code, a table of contents, nothing asked of the network."""

import json
import logging
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pandas as pd
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader, pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from ovcf.files import write_text
from ovcf.problems import InputError, Problem
from ovcf.report.brief import brief
from ovcf.report.ledger import write_ledger
from ovcf.report.numbering import number_all
from ovcf.viz.gallery import SCRIPT, SCRIPT_SHA256

TEMPLATES = Path(__file__).parent / "templates"
SOURCES = ("src", "srcset", "poster", "background", "data", "action", "formaction")
FORBIDDEN = "script link meta base iframe object embed".split()


class ReportExporter(HTMLExporter):
    """A notebook's prose and outputs as bare HTML; widgets, scripts and progress bars stay behind."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            template_name="ovcf",
            extra_template_basedirs=[str(TEMPLATES)],
            exclude_input=True,
            exclude_input_prompt=True,
            exclude_output_prompt=True,
            exclude_anchor_links=True,
            embed_images=True,
            **options,
        )

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Markdown to HTML with equations drawn as SVG."""
        return MarkdownWithMath(renderer=EquationRenderer(escape=False, exclude_anchor_links=True)).render(source)


class EquationRenderer(IPythonRenderer):
    """Draw `$...$` and `$$...$$` as SVG with the LaTeX as its label."""

    def inline_math(self, body: str) -> str:
        return equation(body, inline=True)

    def block_math(self, body: str) -> str:
        return f'<div class="equation">{equation(body, inline=False)}</div>'


def equation(latex: str, *, inline: bool) -> str:
    """Return an SVG of a LaTeX formula that sits on the text's baseline."""
    import ziamath

    ziamath.config.svg2 = False  # paths only: symbols' ids would clash between formulas of one page
    drawn = ziamath.Latex(latex.strip(), inline=inline, size=16)
    node = drawn.svgxml()
    if inline:
        node.set("style", f"vertical-align: {drawn.getyofst():.2f}px")
    node.set("role", "img")
    node.set("aria-label", latex.strip())
    return ElementTree.tostring(node, encoding="unicode")


def write_page(run: Path, record: dict, names: list[str]) -> Path:
    """Write `report.html` of a run from what its notebooks hold, complete or not, and the ledger of its numbers."""
    notebooks = executed(run, names)
    page = render_page(record, notebooks, brief(run, record))
    write_text(run / "report.html", page)
    write_ledger(run, page, notebooks)
    return run / "report.html"


def executed(run: Path, names: list[str]) -> dict[str, nbformat.NotebookNode]:
    """Read the executed notebooks of a run by name, without those that were not begun."""
    paths = {name: run / "notebooks" / f"{name}.ipynb" for name in names}
    return {name: nbformat.read(path, as_version=4) for name, path in paths.items() if path.is_file()}


def render_page(record: dict, notebooks: dict[str, nbformat.NotebookNode], answers: pd.DataFrame) -> str:
    """Return the page of a run: its record (run.json), its notebooks with their outputs, and its brief."""
    sections = [_section(notebook, name) for name, notebook in notebooks.items()]
    number_all(section["soup"] for section in sections)
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            record=record,
            sections=[section | {"html": str(section["soup"])} for section in sections],
            answers=answers.to_dict("records"),
            columns=list(answers.columns[:-1]),
            css=(TEMPLATES / "page.css").read_text(encoding="utf-8"),
            script=SCRIPT,
            script_hash=SCRIPT_SHA256,
            parameters=json.dumps(record["parameters"], indent=2, ensure_ascii=False),
        )
    )


def write_pdf(run: Path) -> Path:
    """Print a run's `report.html` to `report.pdf` beside it (WeasyPrint: no browser, nothing fetched).

    Raises InputError where the run has no report yet.
    """
    import weasyprint

    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # it reports what paper cannot do, such as scrolling
    source, target = run / "report.html", run / "report.pdf"
    if not source.is_file():
        raise InputError(Problem("missing_file", "this run has no report yet", str(source)))
    partial = target.with_suffix(".pdf.part")
    weasyprint.HTML(filename=str(source)).write_pdf(str(partial), pdf_tags=True)
    os.replace(partial, target)
    return target


def _section(notebook: nbformat.NotebookNode, name: str) -> dict:
    """Return one notebook's HTML, title and headings for the table of contents; each output knows its cell."""
    for number, cell in enumerate(notebook.cells):
        cell.metadata["number"] = number
    body, _ = ReportExporter().from_notebook_node(without_widgets(notebook))
    soup = clean(BeautifulSoup(body, "html.parser"))
    describe_pictures(soup)
    headings = []
    for heading in soup.find_all(re.compile("^h[1-3]$")):
        text = heading.get_text(" ", strip=True)
        heading["id"] = f"{name}-{re.sub(r'[^a-z0-9]+', '-', text.lower()).strip('-')}"
        headings.append({"level": int(heading.name[1]), "id": heading["id"], "text": text})
    return {"name": name, "soup": soup, "headings": headings}


def describe_pictures(soup: BeautifulSoup) -> None:
    """Give each picture without a description the name of its section: the table beside it holds what it shows."""
    for picture in soup.find_all("img", alt=""):
        heading = picture.find_previous(re.compile("^h[1-3]$"))
        picture["alt"] = f"Figure: {heading.get_text(' ', strip=True)}" if heading else "Figure"


def without_widgets(notebook: Any) -> Any:
    """Drop outputs that need a kernel; else their plain-text stand-ins would be printed."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if not any("widget-view" in kind for kind in o.get("data", {}))]
    return notebook


def clean(soup: BeautifulSoup) -> BeautifulSoup:
    """Drop everything that could run or ask for something: scripts, metas, links, handlers, outside addresses."""
    for node in soup.select(", ".join(FORBIDDEN)):
        node.decompose()
    for node in soup.find_all(True):
        for name, value in list(node.attrs.items()):
            outside = name in SOURCES and not _is_inside(value)
            if name.startswith("on") or outside or "javascript:" in str(value).lower():
                del node[name]
    return soup


def _is_inside(value) -> bool:
    return str(value).strip().lower().startswith("data:image/")


def environment() -> Environment:
    """The pages' templates; every value put into them is escaped."""
    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
