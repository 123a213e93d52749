"""A notebook's prose and outputs as bare HTML: equations drawn, nothing that runs or asks for anything outside."""

import re
from functools import cache
from typing import Any
from xml.etree import ElementTree

import nbformat
from bs4 import BeautifulSoup
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from ovcf.report.templating import TEMPLATES

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
        return f'<div class="equation" tabindex="0">{equation(body, inline=False)}</div>'


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


def exported(cells: list[nbformat.NotebookNode]) -> BeautifulSoup:
    """Return some cells of an executed notebook as clean HTML; each output knows its cell."""
    body, _ = _exporter().from_notebook_node(nbformat.v4.new_notebook(cells=cells))
    return clean(BeautifulSoup(body, "html.parser"))


@cache
def _exporter() -> ReportExporter:
    return ReportExporter()  # its templates are read once


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


def _is_inside(value: Any) -> bool:
    return str(value).strip().lower().startswith("data:image/")


def slug(text: str) -> str:
    """Make a heading a part of an address: `Calibration and decision curve` is `calibration-and-decision-curve`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
