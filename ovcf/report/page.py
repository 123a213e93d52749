"""Executed notebooks -> one self-contained page in a paper's order: no code, nothing asked of the network.

The brief, the results, their limitations, the methods, the appendix. A page has two editions with the same texts and
numbers: for readers what few look at is folded, in the full edition it lies open.
"""

import json
from pathlib import Path
from typing import NamedTuple

import nbformat
import pandas as pd
from bs4 import BeautifulSoup

from ovcf.files import write_text
from ovcf.processes import only_new_garbage
from ovcf.report import layout
from ovcf.report.brief import brief
from ovcf.report.export import exported
from ovcf.report.ledger import write_ledger
from ovcf.report.numbering import number_all
from ovcf.report.parts import METHODS, PARTS, Block, blocks
from ovcf.report.templating import environment, style
from ovcf.viz.gallery import SCRIPT, SCRIPT_SHA256

READER, FULL = EDITIONS = ("reader", "full")


class Section(NamedTuple):
    """What one notebook brings to one part of the page."""

    notebook: str
    id: str  # the notebook's name where it is at home; "" elsewhere
    blocks: list[BeautifulSoup]

    @property
    def html(self) -> str:
        """Its blocks as they stand on the page."""
        return "\n".join(str(block) for block in self.blocks)

    @property
    def headings(self) -> list[dict]:
        """Its headings for the contents."""
        return [heading for block in self.blocks for heading in layout.contents(block)]


@only_new_garbage()
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
    return unfolded(page) if record.get("edition") == FULL else page


def unfolded(page: str) -> str:
    """Return the full edition of a reader's page: everything that is folded lies open."""
    for kind in (layout.FOLD, layout.KEPT):
        page = page.replace(f'<details class="{kind}">', f'<details class="{kind}" open="">')
    return page


def parts_of(notebooks: dict[str, nbformat.NotebookNode]) -> dict[str, list[Section]]:
    """Take notebooks apart, lay out what stands in each part of the page, and number tables and figures."""
    taken = {name: blocks(notebook, name) for name, notebook in notebooks.items()}
    parts, at_home = {}, set()
    for part in PARTS:
        mine = {name: [block for block in found if block.part == part] for name, found in taken.items()}
        parts[part] = [
            Section(name, "" if name in at_home else name, [_laid_out(block, name) for block in found])
            for name, found in mine.items()
            if found
        ]
        at_home |= {section.notebook for section in parts[part]}
    number_all(block for sections in parts.values() for section in sections for block in section.blocks)
    return parts


def _laid_out(block: Block, name: str) -> BeautifulSoup:
    soup = exported(block.cells)
    layout.lay_out(soup, name, folded=block.folded, kept=block.part == METHODS)
    return soup
