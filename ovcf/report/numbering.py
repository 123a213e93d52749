"""Numbers of tables and figures, given where a page is put together: a notebook by itself does not know them.

A thing that the paper has too is numbered as there (`table2` is Table 2, `figure4` Figure 4), all others in the order
of the page: Table S1, Figure S1.
"""

import re
from collections import Counter
from collections.abc import Iterable

from bs4 import BeautifulSoup, Tag

from ovcf.report.layout import OF_FIGURE

OF_THE_PAPER = re.compile(r"^(table[1-5]|figure[1-4])$")
KINDS = {"table": "Table", "figure": "Figure"}


def number_all(soups: Iterable[BeautifulSoup]) -> dict[str, str]:
    """Put its number before the caption of each table and figure with a name, in the order given; return them by name.

    Each gets an `id` too, `table-<name>` or `figure-<name>`, to be linked to.
    """
    counts, given = Counter(), {}
    for soup in soups:
        for node in soup.select("table[data-name], figure[data-name]"):
            name, kind = str(node["data-name"]), KINDS[node.name]
            if OF_THE_PAPER.match(name):
                said = f"{kind} {name[-1]}"
            else:
                counts[kind] += 1
                said = f"{kind} S{counts[kind]}"
            given[f"{node.name}-{name}"] = said
            node["id"] = f"{node.name}-{name}"
            _say(soup, node, said)
    return given


def _say(soup: BeautifulSoup, node: Tag, said: str) -> None:
    """Write the number where the caption begins, and in what is clicked where that names a figure or is the caption."""
    folded = node.find_parent("details")
    caption = node.select_one("caption > span") or node.find(["caption", "figcaption"]) or (folded and folded.summary)
    title = folded.select_one(f"summary.{OF_FIGURE}") if folded and node.name == "figure" else None
    for place in filter(None, (title, caption)):
        strong = soup.new_tag("span", attrs={"class": "number"})
        strong.string = f"{said}.\u00a0"  # a plain space at the end of a span can be lost in the layout
        place.insert(0, strong)
