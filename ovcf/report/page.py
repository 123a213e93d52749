"""Executed notebooks -> one self-contained page in a paper's order: no code, nothing asked of the network.

The brief, the results, their limitations, the methods, the appendix. A page has two editions with the same texts and
numbers: for readers what few look at is folded, in the full edition it lies open.
"""

import json
from pathlib import Path
from typing import NamedTuple

import nbformat
import pandas as pd

from ovcf.files import write_text
from ovcf.report import layout
from ovcf.report.brief import brief
from ovcf.report.export import exported
from ovcf.report.ledger import write_ledger
from ovcf.report.parts import PARTS, Block, blocks
from ovcf.report.templating import environment, style
from ovcf.viz.gallery import SCRIPT, SCRIPT_SHA256

READER, FULL = EDITIONS = ("reader", "full")


class Section(NamedTuple):
    """What one notebook brings to one part of the page."""

    notebook: str
    id: str  # the notebook's name where it is at home; "" elsewhere
    html: str
    headings: list[dict]


def write_page(run: Path, record: dict, names: list[str], edition: str = READER) -> Path:
    """Write `report.html` of a run from what its notebooks hold, complete or not, and the ledger of its numbers."""
    notebooks = executed(run, names)
    page = render_page(record, notebooks, brief(run, record), edition)
    write_text(run / "report.html", page)
    write_ledger(run, page, notebooks)
    return run / "report.html"


def executed(run: Path, names: list[str]) -> dict[str, nbformat.NotebookNode]:
    """Read the executed notebooks of a run by name, without those that were not begun."""
    paths = {name: run / "notebooks" / f"{name}.ipynb" for name in names}
    return {name: nbformat.read(path, as_version=4) for name, path in paths.items() if path.is_file()}


def render_page(
    record: dict, notebooks: dict[str, nbformat.NotebookNode], answers: pd.DataFrame, edition: str = READER
) -> str:
    """Return the page of a run: its record (run.json), its notebooks with their outputs, and its brief."""
    page = (
        environment()
        .get_template("page.html.j2")
        .render(
            record=record,
            parts=parts_of(notebooks),
            answers=answers.to_dict("records"),
            columns=list(answers.columns[:3]),
            css=style("page"),
            paper=style("paper"),
            script=SCRIPT,
            script_hash=SCRIPT_SHA256,
            parameters=json.dumps(record["parameters"], indent=2, ensure_ascii=False),
        )
    )
    return unfolded(page) if edition == FULL else page


def unfolded(page: str) -> str:
    """Return the full edition of a reader's page: everything that is folded lies open."""
    return page.replace('<details class="fold">', '<details class="fold" open="">')


def parts_of(notebooks: dict[str, nbformat.NotebookNode]) -> dict[str, list[Section]]:
    """Take notebooks apart and lay out what stands in each part of the page; figures are counted in its order."""
    taken = {name: blocks(notebook, name) for name, notebook in notebooks.items()}
    parts, figures, at_home = {}, 0, set()
    for part in PARTS:
        parts[part] = []
        for name, found in taken.items():
            mine = [block for block in found if block.part == part]
            if mine:
                section, figures = _section(name, mine, figures, at_home)
                parts[part].append(section)
    return parts


def _section(name: str, mine: list[Block], figures: int, at_home: set[str]) -> tuple[Section, int]:
    """Lay out a notebook's blocks of one part; count on the figures."""
    html, headings = [], []
    for block in mine:
        soup = exported(block.cells)
        layout.lay_out(soup, name, folded=block.folded)
        layout.describe_pictures(soup, name)
        figures = layout.number_figures(soup, figures)
        headings += layout.contents(soup)
        html.append(str(soup))
    section = Section(name, "" if name in at_home else name, "\n".join(html), headings)
    at_home.add(name)
    return section, figures
