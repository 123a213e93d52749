"""Find numbers of a paper by path: "Table 1 / * / fresh", "Table 1 / * / old ()", "facts / layer *"."""

from fractions import Fraction
from typing import NamedTuple

from .paper import Paper, pattern


class Found(NamedTuple):
    """One number that a path led to."""

    place: str
    text: str
    value: Fraction


def numbers_at(paper: Paper, path: str) -> list[Found]:
    """Return the numbers that a path names, in printed order.

    A path of one table row without `*` may name any row; `*` leaves out totals, means and p-values.
    """
    parts = [part.strip() for part in str(path).split(" / ")]
    if parts[0] == "facts" and len(parts) == 2:
        wanted = pattern(parts[1])
        facts = [fact for fact in paper.facts.values() if wanted(fact.name) and fact.value is not None]
        return [Found(fact.place, fact.text, fact.value) for fact in facts]
    if len(parts) != 3:
        return []
    bracket, column = parts[2].endswith("()"), paper.column(parts[0], parts[2].removesuffix("()").strip())
    found = []
    for row in paper.rows(path):
        if ("*" in parts[1] and row.kind not in ("single", "part")) or column not in row.cells:
            continue
        printed = row.cells[column].printed
        place = paper.tables[row.table].place_of(row.name, column)
        found.append(Found(place, printed.text, printed.bracket if bracket else printed.value))
    return found
