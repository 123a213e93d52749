"""What a report prints: every piece of text of the page with its place, and the numbers in it.

A place is said as a reader would point at it: notebook and cell, heading, caption, row and column. Pictures count as
their digest; what scripts show later (`data-` attributes) and what is read aloud (alternative texts) count as text.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from bs4 import BeautifulSoup, NavigableString, Tag
from bs4.element import PreformattedString

NUMBER = re.compile(r"(?<!\w)[-+−]?\d+(?:[.,:]\d+)*(?:e[-+]?\d+)?")
SPOKEN = ("alt", "aria-label")
PLACES = ("data-notebook", "data-cell", "data-name", "data-label")  # say where and what something is, and are not shown
SILENT = ("script", "style", "svg")
PICTURE = "picture, SHA-256 "
HEADINGS = ("h1", "h2", "h3", "h4", "h5")
CAPTIONS = {"table": "caption", "details": "summary"}  # what a table, or what is folded, is headed by
REPEATED = "group-row"  # class of a row of labels that stand in the table already


class Place(NamedTuple):
    """Where on the page a text stands; what does not apply is empty."""

    notebook: str = ""
    cell: str = ""  # of the executed notebook, counted from 0
    heading: str = ""
    caption: str = ""
    row: str = ""
    column: str = ""

    def __str__(self) -> str:
        cell = f"{self.notebook}, cell {self.cell}" if self.cell else self.notebook
        return "; ".join(part for part in (cell, self.caption or self.heading, self.row, self.column) if part)


class Printed(NamedTuple):
    """One piece of text and where it stands."""

    place: Place
    text: str

    @property
    def is_picture(self) -> bool:
        """Whether this is the digest of a picture."""
        return self.text.startswith(PICTURE)


def printed(html: str) -> list[Printed]:
    """List every piece of text of a report's page, in its order.

    Parameters
    ----------
    html : of a page as `ovcf.report.page` writes it.

    Returns
    -------
    list of Printed
        White space is made plain; a picture is the SHA-256 of its address.
    """
    soup = BeautifulSoup(html, "html.parser")
    found, heading, cells, captions = [], "", {}, {}
    for node in soup.descendants:
        if isinstance(node, Tag) and node.name == "table":
            cells |= _labels(node)
        if isinstance(node, Tag) and node.name in CAPTIONS:
            words = node.find(CAPTIONS[node.name])
            captions[id(node)] = plain(words.get_text(" ")) if words else ""
        if isinstance(node, Tag) and node.name in HEADINGS:
            heading = plain(node.get_text(" "))
        if any(parent.name in SILENT or REPEATED in (parent.get("class") or ()) for parent in node.parents):
            continue
        texts = list(_texts(node))
        if texts:
            place = _place(node, heading, cells, captions)
            found += [Printed(place, text) for text in texts]
    return found


def numbers(text: str) -> list[str]:
    """Return the numbers of a text as they are printed: `75.7`, `-0.001`, `1,234`, `12:30`; not the digits of an id."""
    return NUMBER.findall(text)


def plain(text: str) -> str:
    """Make every run of white space one space."""
    return " ".join(str(text).split())


def _texts(node) -> Iterator[str]:
    """The texts that a node brings by itself."""
    if isinstance(node, NavigableString):
        if not isinstance(node, PreformattedString) and plain(node):
            yield plain(node)
        return
    for name, value in node.attrs.items():
        if name in SPOKEN or (name.startswith("data-") and name not in PLACES):
            yield plain(value)
    if node.name == "img":
        yield f"{PICTURE}{hashlib.sha256(str(node.get('src')).encode()).hexdigest()}"


def _place(node, heading: str, cells: dict, captions: dict[int, str]) -> Place:
    """Notebook and cell from the wrappers, row and column from the table."""
    notebook = cell = caption = row = column = ""
    for parent in [node, *node.parents]:
        if not isinstance(parent, Tag):
            continue
        if id(parent) in cells:
            row, column = cells[id(parent)]
        if parent.name == "li" and parent.b:  # a tile of the gallery is headed by its patch
            row = plain(parent.b.get_text())
        caption = caption or captions.get(id(parent), "")
        cell = cell or parent.get("data-cell", "")
        notebook = notebook or parent.get("data-notebook", "")
    return Place(notebook, cell, heading, caption, row, column)


def _labels(table: Tag) -> dict[int, tuple[str, str]]:
    """Row and column of each cell of a table, by the cell's identity; spanning cells name all they span."""
    grid, labels, heads = {}, {}, []
    lines = [line for line in table.find_all("tr") if REPEATED not in (line.get("class") or ())]
    for y, line in enumerate(lines):
        x = 0
        for cell in line.find_all(["th", "td"]):
            while (y, x) in grid:
                x += 1
            for dy in range(int(cell.get("rowspan", 1))):
                for dx in range(int(cell.get("colspan", 1))):
                    grid[y + dy, x + dx] = cell
        if line.parent.name == "thead":
            heads.append(y)
    width = 1 + max((x for _, x in grid), default=-1)
    columns = [_joined(grid.get((y, x)) for y in heads) for x in range(width)]
    for y in range(len(lines)):
        cells = [grid[y, x] for x in range(width) if (y, x) in grid]
        names = [cell for cell in cells if cell.name == "th"] or cells[:1]
        row = "" if y in heads else _joined(names)
        for x in range(width):
            if (y, x) in grid:
                labels.setdefault(id(grid[y, x]), (row, columns[x]))
    return labels


def _joined(cells) -> str:
    """Their texts, each once."""
    texts = [plain(cell.get_text(" ")) for cell in cells if cell is not None]
    return " / ".join(dict.fromkeys(text for text in texts if text))
