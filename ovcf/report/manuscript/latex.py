"""The report's printed tables as LaTeX: the cells as they are read on the page, with booktabs' rules."""

import re

from bs4 import Tag

from ovcf.report.layout import GROUP_ROW

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
NEEDS = "% \\usepackage{booktabs,multirow,longtable,graphicx,textcomp}; \\usepackage[T1]{fontenc}; UTF-8\n"
PAGE = 40  # rows from which a table goes over several pages
NARROW = 6  # columns from which a table is shrunk to the width of the text
SENTENCE = 45  # letters from which a column is set in lines


def escaped(text: str) -> str:
    """Write a text so that LaTeX prints it and obeys none of it."""
    return "".join(SPECIAL.get(letter, letter) for letter in text)


def table_as_latex(table: Tag, caption: str, label: str, note: str = "") -> str:
    """Write an HTML table as a LaTeX one: spanning cells as multicolumn and multirow, words left and numbers right.

    Parameters
    ----------
    table : of the page, with thead and tbody.
    caption : as the page has it, without its number: LaTeX numbers by itself.
    label : for `\\ref`.
    note : stands beneath the table.
    """
    heads, body = ([row for row in table.select(f"{part} > tr:not(.{GROUP_ROW})")] for part in ("thead", "tbody"))
    width = max((sum(_span(cell, "colspan") for cell in _cells(row)) for row in heads + body), default=0)
    columns, named = _columns(body, width), [rf"\caption{{{escaped(caption)}}}", rf"\label{{{label}}}"]
    head, rows = [r"\toprule", *_rows(heads, width), r"\midrule"], [*_rows(body, width), r"\bottomrule"]
    below = [rf"\par\footnotesize {escaped(note)}"] if note else []
    if len(body) > PAGE:
        named[-1] += r" \\"
        lines = [rf"\begin{{longtable}}{{{columns}}}", *named, *head, r"\endhead", *rows, r"\end{longtable}", *below]
        return NEEDS + "\n".join(lines) + "\n"
    cells = [rf"\begin{{tabular}}{{{columns}}}", *head, *rows, r"\end{tabular}"]
    if width > NARROW:
        cells = [r"\resizebox{\linewidth}{!}{%", *cells, "}"]
    return NEEDS + "\n".join([r"\begin{table}", r"\centering", *named, *cells, *below, r"\end{table}"]) + "\n"


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
    """l for a column of words, r for one of numbers, by the first row that fills all columns; p for sentences."""
    whole = [cells for row in body if len(cells := _cells(row)) == width]
    if not whole:
        return "l" * width
    words = ["l" if cell.name == "th" or "left" in cell.get("style", "") else "r" for cell in whole[0]]
    longest = [max(len(cells[place].get_text()) for cells in whole) for place in range(width)]
    lines = r"p{.35\linewidth}"
    return "".join(lines if n > SENTENCE else kind for kind, n in zip(words, longest, strict=True))


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
