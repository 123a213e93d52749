"""An executed notebook taken apart for the page: what stands among the results, the methods, the appendix, or nowhere.

Tags of a cell say where it goes: `notebook` is for whoever runs the notebook and is not in the report, `methods` and
`limitations` go to those parts, `folded` is read by few and lies folded beneath its heading or caption.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import nbformat

RESULTS, LIMITATIONS, METHODS, APPENDIX = PARTS = ("results", "limitations", "methods", "appendix")
"""The parts of a report, in their order; the names are tags of cells too."""

HOME = {"02_preprocessing": METHODS, "06_published_audit": APPENDIX}
"""Part of the notebooks that hold no results of the run."""

UNSEEN, FOLDED = "notebook", "folded"
HEADING = re.compile(r"^#{1,4} ", re.MULTILINE)
FOR_WHO_RUNS = re.compile(r"^\*\*Reads\*\*.*$\n*", re.MULTILINE)  # files read and written


class Block(NamedTuple):
    """Cells of one notebook that stand together in one part; a folded block opens when its heading is clicked."""

    part: str
    folded: bool
    cells: list[nbformat.NotebookNode]


def blocks(notebook: nbformat.NotebookNode, name: str) -> list[Block]:
    """Take an executed notebook apart.

    Parameters
    ----------
    notebook : its cells get their number as metadata and lose what is for whoever runs it.
    name : of the notebook, which says where a cell without a tag belongs.
    """
    found: list[Block] = []
    for cell in _seen(without_widgets(numbered(notebook))):
        tags = cell.metadata.get("tags", [])
        part = next((tag for tag in tags if tag in PARTS), HOME.get(name, RESULTS))
        folded = FOLDED in tags
        begins = cell.cell_type == "markdown" and HEADING.search(cell.source) is not None
        last = found[-1] if found else None
        if last is None or (last.part, last.folded) != (part, folded) or (begins and (folded or part == METHODS)):
            found.append(Block(part, folded, []))
        found[-1].cells.append(cell)
    return found


def numbered(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Write each cell's number into its metadata: what is printed points at it."""
    for number, cell in enumerate(notebook.cells):
        cell.metadata["number"] = number
    return notebook


def without_widgets(notebook: Any) -> Any:
    """Drop outputs that need a kernel; else their plain-text stand-ins would be printed."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if not any("widget-view" in kind for kind in o.get("data", {}))]
    return notebook


def _seen(notebook: nbformat.NotebookNode) -> Iterator[nbformat.NotebookNode]:
    """The cells that a reader of the report sees, without what is said to whoever runs the notebook."""
    for cell in notebook.cells:
        if UNSEEN in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            cell = nbformat.from_dict({**cell, "source": FOR_WHO_RUNS.sub("", cell.source).strip()})
            if cell.source:
                yield cell
        elif cell.get("outputs"):
            yield cell
