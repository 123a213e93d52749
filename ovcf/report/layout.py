"""How outputs stand on the page: headings one step down, tables that scroll and keep their labels, folds, figures."""

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup, Tag

from ovcf.report.export import slug

HEADINGS = re.compile("^h[1-4]$")
OWN_NUMBER = re.compile(r"^\d+\s+")  # of a notebook, which says nothing in the report's order
FOLD, KEPT = "fold", "kept"  # classes of what lies folded on the page; the second is printed by both editions
OF_FIGURE = "of-figure"  # class of a summary that is the title of the figure beneath it
PANEL = re.compile(r"^\([a-z]\) ")
MOST = 4  # rows, and columns, of a table that is stacked on a phone
SHORT = 20  # letters of a row's label that stands on one line on a phone
LONG = 72  # letters from which a row of it is too long for one line there
GROUP_ROW = "group-row"  # class of a row of labels that only narrow screens show


def lay_out(soup: BeautifulSoup, name: str, *, folded: bool, kept: bool = False) -> None:
    """Lay out a block of a notebook, in place.

    Parameters
    ----------
    soup : of the block, as `export.exported` gives it.
    name : of the notebook; ids of headings begin with it.
    folded : whether all of it lies beneath its heading, or else beneath the caption of what it shows.
    kept : whether it is folded on the page only, and both editions print it where it stands.
    """
    step_down(soup, name)
    for table in soup.find_all("table"):
        set_table(soup, table)
    describe_pictures(soup, name)
    for panels in soup.select(".panels"):
        if panels.select_one("img + img"):
            panels["tabindex"] = "0"  # side by side they scroll on a phone
    for details in soup.find_all("details", class_=False):  # of a long table
        details["class"] = [FOLD]
    if folded or kept:
        fold(soup, FOLD if folded else KEPT)


def step_down(soup: BeautifulSoup, name: str) -> None:
    """Put each heading one level below the part's and give it its id."""
    for heading in soup.find_all(HEADINGS):
        level = int(heading.name[1])
        if level == 1 and heading.string:
            heading.string.replace_with(OWN_NUMBER.sub("", heading.string))
        heading["id"] = f"{name}-{slug(heading.get_text(' ', strip=True))}"
        heading.name = f"h{level + 1}"


def fold(soup: BeautifulSoup, kind: str = FOLD) -> None:
    """Put a block beneath its heading, or each of its tables and figures beneath its caption."""
    heading = soup.find(HEADINGS)
    if heading is not None:
        details, summary = soup.new_tag("details", attrs={"class": kind}), soup.new_tag("summary")
        rest = [node for node in list(soup.contents) if node is not heading]
        details.append(summary)
        summary.append(heading.extract())
        details.extend(node.extract() for node in rest)
        soup.append(details)
    if heading is not None or kind == KEPT:
        return
    for shown in soup.select(".output, figure"):
        if shown.find_parent(["details", "figure"]) is None:  # a figure's output holds it, and is folded already
            _fold_one(soup, shown)


def _fold_one(soup: BeautifulSoup, shown: Tag) -> None:
    caption = shown.find(["caption", "figcaption"])
    if caption is None or shown.find("details"):
        return
    details, summary = soup.new_tag("details", attrs={"class": FOLD}), soup.new_tag("summary")
    figure = shown.find("figure") or (shown if shown.name == "figure" else None)
    if figure is None:
        summary.append(caption.get_text(" ", strip=True))
        caption.decompose()
    else:
        summary["class"] = [OF_FIGURE]
        summary.append(title_of(caption.get_text(" ", strip=True)))
    shown.wrap(details)
    details.insert(0, summary)


def title_of(caption: str) -> str:
    """Return what a figure shows, the first words of its caption: `(a) Ages by sex; (b) ...` is `Ages by sex`."""
    return re.split(r"[.;:] | \(|[.;:]$", PANEL.sub("", caption))[0]


def set_table(soup: BeautifulSoup, table: Tag) -> None:
    """Let a table scroll by itself and be scrolled by key; rows of one label hold together and repeat it on phones."""
    region, within = table.find_parent(class_="output"), table.find_parent("details")
    if within is not None and region in within.parents:  # else a closed fold would show the shadow of what it hides
        region = table.wrap(soup.new_tag("div", attrs={"class": []}))
    if region is not None:
        region["class"] = [*region["class"], "scroll"]
        region["tabindex"] = "0"
    if table.caption is not None:
        words = soup.new_tag("span")
        words.extend(node.extract() for node in list(table.caption.contents))
        table.caption.append(words)
    _stack(table)
    for body in table.find_all("tbody"):
        if any(label.get("rowspan") for label in body.find_all("th")):
            _part_groups(soup, body)
    for label in table.select("tbody th:not(.group)"):
        if len(label.get_text()) <= SHORT:
            label["class"] = [*label.get("class", []), "short"]


def _stack(table: Tag) -> None:
    """Let a small table of long cells stand cell by cell on a phone, each behind the name of its column."""
    head, rows = table.select("thead tr"), [row.find_all(["th", "td"]) for row in table.select("tbody tr")]
    lines = ["  ".join(cell.get_text() for cell in row) for row in rows]
    if len(head) != 1 or len(rows) > MOST or max(map(len, lines), default=0) < LONG:
        return
    names = [cell.get_text(" ", strip=True) for cell in head[0].find_all("th")]
    if len(names) > MOST or any(len(row) != len(names) for row in rows):
        return
    table["class"] = [*table.get("class", []), "stack"]
    for row in rows:
        for cell, name in zip(row[1:], names[1:], strict=True):
            cell["data-label"] = name


def _part_groups(soup: BeautifulSoup, body: Tag) -> None:
    """Give the rows of each first label a body of their own, and a row of that label for narrow screens."""
    table, width = body.parent, max(len(row.find_all(["th", "td"])) for row in body.find_all("tr"))
    for rows in _groups(body):
        own = soup.new_tag("tbody")
        label = rows[0].th
        head = soup.new_tag("th", attrs={"colspan": str(width), "scope": "rowgroup"})
        head.append(label.get_text(" ", strip=True))
        line = soup.new_tag("tr", attrs={"class": GROUP_ROW, "aria-hidden": "true"})
        line.append(head)
        label["class"] = ["group"]
        own.append(line)
        own.extend(row.extract() for row in rows)
        table.append(own)
    body.decompose()


def _groups(body: Tag) -> Iterator[list[Tag]]:
    """Rows that share their first label."""
    rows = body.find_all("tr")
    start = 0
    while start < len(rows):
        label = rows[start].find("th")
        span = int(label.get("rowspan", 1)) if label is not None else 1
        yield rows[start : start + span]
        start += span


def describe_pictures(soup: BeautifulSoup, section: str) -> None:
    """Give each picture without a description the name of its section: the table beside it holds what it shows."""
    for picture in soup.find_all("img", alt=""):
        heading = picture.find_previous(HEADINGS)
        picture["alt"] = f"Figure: {heading.get_text(' ', strip=True) if heading else section}"


def contents(soup: BeautifulSoup, deepest: int = 3) -> list[dict]:
    """List the headings of a block for the contents: level, id, text."""
    found = [heading for heading in soup.find_all(HEADINGS) if int(heading.name[1]) <= deepest]
    return [{"level": int(h.name[1]), "id": h["id"], "text": h.get_text(" ", strip=True)} for h in found]
