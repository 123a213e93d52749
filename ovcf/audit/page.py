"""One page about one paper, in a referee's words: self-contained, without script, under a strict policy."""

import base64
import hashlib
from datetime import date
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from ovcf.files import write_text

from .findings import CONTRADICTION, NOTE, SEVERITIES, UNDECIDED, UNLIKELY, Audit
from .paper import Paper

SECTIONS = (
    (CONTRADICTION, "What cannot be", "Printed numbers that cannot all be right, whatever was done."),
    (
        UNLIKELY,
        "What is unlikely",
        "Possible, but hardly by the stated method, or only with digits cut off.",
    ),
    (UNDECIDED, "What cannot be decided", "What the printed numbers leave open, and what would decide it."),
    (NOTE, "Worth knowing", "No error: which average, divisor or test the numbers fit, and what follows from them."),
)


def write_page(paper: Paper, result: Audit, path: Path) -> Path:
    """Write the page; everything in it is text of the file and of the findings, escaped. Returns its path.

    Raises OSError where the file cannot be written; a page that stood there is then left as it was.
    """
    path = Path(path)
    write_text(path, page_of(paper, result))
    return path


def page_of(paper: Paper, result: Audit) -> str:
    """Return the page as HTML: it asks for nothing, and its policy allows its one style sheet by digest only."""
    folder = PackageLoader("ovcf.audit", ".")
    loader = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    style = loader.get_template("page.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    sections = [
        (title, lead, [one for one in result.findings if one.severity == severity])
        for severity, title, lead in SECTIONS
    ]
    held = result.checks[~result.checks["outcome"].isin(SEVERITIES)]
    return loader.get_template("page.html.j2").render(
        title=result.title,
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        sections=sections,
        matrices=_matrices(result),
        tables=[_printed(table) for table in paper.tables.values()],
        held=held[["place", "check", "outcome"]].itertuples(index=False),
        held_count=len(held),
        positive=paper.positive,
        negative=paper.negative,
        today=date.today().isoformat(),
    )


def _matrices(result: Audit) -> list[tuple]:
    """Rows of the table of matrices: of a row that several fit, only how many."""
    by_row: dict[str, list] = {}
    for found in result.matrices:
        by_row.setdefault(found.path, []).append(found)
    return [
        (some[0].table, some[0].row, some[0].matrix if len(some) == 1 else None, _basis(some))
        for some in by_row.values()
    ]


def _basis(some: list) -> str:
    """How a matrix was had, in words."""
    if len(some) > 1:
        return f"{len(some)} matrices fit"
    one = some[0]
    text = f"repaired: {one.repaired}" if one.repaired else "the only one" if one.unique else "not the only one"
    return f"{text}; read: {one.reading}" if one.reading else text


def _printed(table) -> tuple[str, list[str], list[tuple[str, list[str]]]]:
    """A table as it was read: name, headings, rows of printed strings."""
    rows = [
        (row.name, [row.cells[column].printed.text if column in row.cells else "" for column in table.columns])
        for row in table.rows.values()
    ]
    return f"{table.name}{'. ' + table.title if table.title else ''}", table.headings, rows
