"""A page printed as PDF (WeasyPrint: no browser, nothing fetched), in the edition for readers or in full.

What lies folded on the page has no place among the results on paper: the full edition prints it in the appendix, the
readers' edition names it.
"""

import logging
import os
import re
from copy import copy
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from ovcf.problems import InputError, Problem
from ovcf.processes import only_new_garbage
from ovcf.report.layout import FOLD, GROUP_ROW, HEADINGS, KEPT
from ovcf.report.page import FULL, READER

HELD = 4  # rows of one label that a table over several pages keeps on one; of longer groups each row says its label
HELD_TABLE, HELD_LETTERS = 30, 4000  # most rows and letters of a table that is kept on one page
SENTENCE = 40  # letters of a group's label that is broken into lines
TYPE = 0.72  # of a figure's size on a screen, so that all have the same type: 6 points
SHORT = re.compile(r"(?:(?:Table|Figure) \S+\s+)?.+?(?=[;:\[(]|\. |$)")  # of a caption: number, and what it is of
DENSE = 8  # columns of a table that is set in the smallest type


@only_new_garbage()
def write_pdf(run: Path, out: Path | None = None, edition: str = READER) -> Path:
    """Print a run's `report.html` as PDF.

    Parameters
    ----------
    run : folder of the run.
    out : file; `report.pdf` in the run by default.
    edition : "reader" or "full".

    Raises InputError where the run has no report yet, or has its PDF already and no other file is named.
    """
    import weasyprint

    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # it reports what paper cannot do, such as scrolling
    source, target = run / "report.html", out or run / "report.pdf"
    if not source.is_file():
        raise InputError(Problem("missing_file", "this run has no report yet", str(source)))
    if out is None and target.exists():
        words = "this run has its PDF, and a finished run does not change: name another file with --out"
        raise InputError(Problem("has_pdf", words, str(target)))
    page = on_paper(source.read_text(encoding="utf-8"), edition)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    weasyprint.HTML(string=page, base_url=None).write_pdf(str(partial), pdf_tags=True, presentational_hints=True)
    os.replace(partial, target)
    return target


def on_paper(page: str, edition: str) -> str:
    """Return a page as it is printed: folds in the appendix or only named, groups of rows held together."""
    soup = BeautifulSoup(page, "html.parser")
    for node in soup.select(f"nav, script, .skip, .{GROUP_ROW}"):
        node.decompose()
    for kept in soup.select(f"details.{KEPT}"):
        kept.summary.unwrap()
        kept.unwrap()
    folds = [fold for fold in soup.select(f"details.{FOLD}") if fold.find_parent("details") is None]
    appendix = soup.find(id="appendix") or _new_appendix(soup)
    if edition == FULL:
        for number, fold in enumerate(folds):
            _move(soup, fold, number, appendix)
    else:
        _name_only(soup, folds, appendix)
    for wrapper in soup.select("[data-cell], .output"):
        if not wrapper.decomposed and not wrapper.get_text(strip=True) and not wrapper.find("img"):
            wrapper.decompose()
    for table in soup.find_all("table"):
        _hold_groups(soup, table)
    for picture in soup.select("figure img[width]"):
        picture["style"] = f"width: {TYPE * float(str(picture['width'])):.0f}px"
    for lead in soup.select("p:not(.note), h1, h2, h3, h4"):
        for node in _leading(lead):
            node["class"] = [*_classes(node), "leads"]
    for number, table in enumerate(soup.find_all("table")):
        _lift_caption(soup, table, f"caption-{number}")
    return str(soup)


def _new_appendix(soup: BeautifulSoup) -> Tag:
    appendix, heading = soup.new_tag("section", attrs={"class": "part", "id": "appendix"}), soup.new_tag("h1")
    heading.string = "Appendix"
    appendix.append(heading)
    (soup.main or soup).append(appendix)
    return appendix


def _move(soup: BeautifulSoup, fold: Tag, number: int, appendix: Tag) -> None:
    """Put what a fold holds into the appendix, and a reference where it was; in the appendix itself it stays."""
    heading = fold.summary.find(HEADINGS)
    if heading is None:
        heading = soup.new_tag("h4")
        heading.extend(node.extract() for node in list(fold.summary.contents))
    heading.extract()
    fold.summary.decompose()
    part = soup.new_tag("div", attrs={"id": f"fold-{number}"})
    inside = fold.find_parent(id="appendix") is not None
    if inside:
        fold.insert_before(part)
    else:
        link = soup.new_tag("a", attrs={"href": f"#fold-{number}", "class": "moved"})
        link.string = heading.get_text(" ", strip=True)
        line = soup.new_tag("p")
        line.append("Appendix: ")
        line.append(link)
        fold.insert_before(line)
        heading.name = "h3"
        appendix.append(part)
    part.append(heading)
    part.extend(node.extract() for node in list(fold.contents))
    for within in part.find_all("details"):  # a fold within a fold
        if within.summary.find(HEADINGS) is None:
            within.summary.name = "h4"
        else:
            within.summary.unwrap()
        within.unwrap()
    fold.decompose()


def _name_only(soup: BeautifulSoup, folds: list[Tag], appendix: Tag) -> None:
    """Drop the folds and name them at the end of the appendix."""
    names = soup.new_tag("ul", attrs={"class": "left-out"})
    for fold in folds:
        item = soup.new_tag("li")
        item.string = SHORT.match(fold.summary.get_text(" ", strip=True)).group().rstrip()
        names.append(item)
        fold.decompose()
    heading, words = soup.new_tag("h2"), soup.new_tag("p")
    heading.string = "In the full edition"
    words.string = (
        "These lie folded on the page report.html and are printed by the full edition; tables lie as CSV too."
    )
    appendix.extend([heading, words, names])


def _hold_groups(soup: BeautifulSoup, table: Tag) -> None:
    """Keep the rows of one label on one page; where they are too many, let each row say its label."""
    columns = max((len(row.find_all(["th", "td"])) for row in table.find_all("tr")), default=0)
    if columns >= DENSE:
        table["class"] = [*_classes(table), "dense"]
    whole = len(table.find_all("tr")) <= HELD_TABLE and len(table.get_text()) <= HELD_LETTERS
    if whole:
        table["class"] = [*_classes(table), "held"]
    for label in table.select("th.group"):
        if len(label.get_text(" ", strip=True)) > SENTENCE:
            label["class"] = [*_classes(label), "sentence"]
    for body in table.find_all("tbody"):
        rows = body.find_all("tr", recursive=False)
        if rows and rows[0].th is not None and "group" in _classes(rows[0].th):
            body["class"] = "held"
            if len(rows) > HELD and not whole:
                del body["class"]
                _repeat_labels(rows)


def _repeat_labels(rows: list[Tag]) -> None:
    """Let each row say what it shares with the rows above: a cell over several rows is not broken well over pages."""
    spanning: dict[int, tuple[Tag, int]] = {}  # by column: the cell, and how many rows it still covers
    for row in rows:
        for column, (cell, more) in sorted(spanning.items()):
            own = row.find_all(["th", "td"], recursive=False)
            row.insert(row.index(own[column]) if column < len(own) else len(row.contents), copy(cell))
            spanning[column] = cell, more - 1
        spanning = {column: (cell, more) for column, (cell, more) in spanning.items() if more}
        for column, cell in enumerate(row.find_all(["th", "td"], recursive=False)):
            if more := int(cell.attrs.pop("rowspan", 1)) - 1:
                spanning[column] = cell, more


def _lift_caption(soup: BeautifulSoup, table: Tag, name: str) -> None:
    """Set a caption above its table, whose width it would be broken to; the label of the table names it."""
    if table.caption is None:
        return
    above = soup.new_tag("p", attrs={"class": "caption", "id": name})
    above.extend(node.extract() for node in list(table.caption.contents))
    table.caption.decompose()
    table["aria-labelledby"] = name
    table.insert_before(above)


def _leading(node: Tag) -> list[Tag]:
    """A heading or paragraph that is followed by what it speaks of, and the wrappers that it ends; else nothing.

    A wrapper that goes on behind it may be broken from what follows: held too, a page would be left half empty.
    """
    ended, following = [node], node.find_next_sibling()
    while following is None and ended[-1].parent is not None and ended[-1].parent.name == "div":
        ended.append(ended[-1].parent)
        following = ended[-1].find_next_sibling()
    return ended if following is not None and _opens_with_what_it_shows(following) else []


def _opens_with_what_it_shows(node: Tag) -> bool:
    """Whether the first thing in a node is a figure or a table."""
    while node is not None and node.name not in ("figure", "table"):
        node = node.find(True, recursive=False)
    return node is not None


def _classes(node: Tag) -> list[str]:
    found = node.get("class") or []
    return found.split() if isinstance(found, str) else list(found)
