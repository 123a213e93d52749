"""The report's printed tables as LaTeX: the cells as they are read on the page, with booktabs' rules."""

import re

from bs4 import Tag

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "\u00a0": "~",
    "±": r"$\pm$",
    "–": "--",
    "−": "$-$",
    "×": r"$\times$",
}
NEEDS = "% \\usepackage{booktabs,multirow,textcomp}; \\usepackage[T1]{fontenc}; UTF-8\n"


def escaped(text: str) -> str:
    """Write a text so that LaTeX prints it and obeys none of it."""
    return "".join(SPECIAL.get(letter, letter) for letter in text)


def table_as_latex(table: Tag, caption: str, label: str) -> str:
    """Write an HTML table as a LaTeX one: spanning cells as multicolumn and multirow, words left and numbers right.

    Parameters
    ----------
    table : of the page, with thead and tbody.
    caption : as the page has it, without its number: LaTeX numbers by itself.
    label : for `\\ref`.
    """
    heads, body = ([row for row in part.find_all("tr")] if part else [] for part in (table.thead, table.tbody))
    width = max((sum(_span(cell, "colspan") for cell in _cells(row)) for row in heads + body), default=0)
    lines = [
        rf"\caption{{{escaped(caption)}}}",
        rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{{_columns(body, width)}}}",
        r"\toprule",
    ]
    lines += [*_rows(heads, width), r"\midrule", *_rows(body, width), r"\bottomrule", r"\end{tabular}"]
    return NEEDS + "\n".join([r"\begin{table}", r"\centering", *lines, r"\end{table}"]) + "\n"


def caption_of(table: Tag) -> str:
    """The caption of a table, or of the fold it is in, without its number."""
    folded = table.find_parent("details")
    node = table.caption or (folded.summary if folded else None)
    if node is None:
        return ""
    return " ".join(
        "".join(text for text in node.find_all(string=True) if text.parent.get("class") != ["number"]).split()
    )


def _cells(row: Tag) -> list[Tag]:
    return row.find_all(["th", "td"])


def _span(cell: Tag, name: str) -> int:
    return int(cell.get(name, 1))


def _text(cell: Tag) -> str:
    return escaped(re.sub("[ \n]+", " ", cell.get_text(" ")).strip(" "))


def _columns(body: list[Tag], width: int) -> str:
    """l for a column of words, r for one of numbers, by the first row that fills all columns."""
    for row in body:
        cells = _cells(row)
        if len(cells) == width:
            return "".join("l" if cell.name == "th" or "left" in cell.get("style", "") else "r" for cell in cells)
    return "l" * width


def _rows(rows: list[Tag], width: int) -> list[str]:
    """Lines of cells; a cell that spans rows leaves gaps in those beneath it."""
    lines, open_below = [], [0] * width
    for row in rows:
        place, texts, cells = 0, [], iter(_cells(row))
        while place < width:
            if open_below[place]:
                open_below[place] -= 1
                texts.append("")
                place += 1
                continue
            cell = next(cells, None)
            if cell is None:
                texts.append("")
                place += 1
                continue
            across, down = _span(cell, "colspan"), _span(cell, "rowspan")
            texts.append(_spanning(_text(cell), across, down))
            for column in range(place, min(place + across, width)):
                open_below[column] = down - 1
            place += across
        lines.append(" & ".join(texts) + r" \\")
    return lines


def _spanning(text: str, across: int, down: int) -> str:
    text = rf"\multirow{{{down}}}{{*}}{{{text}}}" if down > 1 else text
    return rf"\multicolumn{{{across}}}{{c}}{{{text}}}" if across > 1 else text
