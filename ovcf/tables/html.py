"""A table of texts as HTML: headings and rows that belong together span, every text is escaped."""

from collections.abc import Iterator, Sequence
from html import escape

import pandas as pd

TEXT_ONLY = "tex2jax_ignore mathjax_ignore"
"""Classes by which JupyterLab's MathJax leaves a table alone: a $ in somebody's id is text."""


def table_html(
    table: pd.DataFrame,
    caption: str = "",
    *,
    index: bool = False,
    classes: Sequence[str] = (),
    styles: Sequence[str] | None = None,
    name: str = "",
) -> str:
    """Write a table whose cells are texts already.

    Parameters
    ----------
    table : DataFrame; columns and index may have several levels, of which neighbours that are alike share a cell.
    caption : stands in the table's own caption; none where it is empty.
    index : whether the index stands to the left.
    classes : of the table, behind `dataframe`.
    styles : CSS of each column's cells and, where the heading is of one level, of its heading; "" for none.
    name : by which the table is known (`data-name`).
    """
    styles = list(styles or [""] * table.shape[1])
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    head = "\n".join(f"<tr>{''.join(row)}</tr>" for row in _headings(table, index, styles))
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in _rows(table, index, styles))
    names = " ".join(["dataframe", *classes, TEXT_ONLY])
    known = f' data-name="{escape(name)}"' if name else ""
    return f'<table class="{names}"{known}>{title}\n<thead>\n{head}\n</thead>\n<tbody>\n{body}\n</tbody>\n</table>'


def _headings(table: pd.DataFrame, index: bool, styles: list[str]) -> Iterator[list[str]]:
    """The cells of each row of headings."""
    names = [str(name or "") for name in table.index.names] if index else []
    single = table.columns.nlevels == 1
    for level in range(table.columns.nlevels):
        last = level == table.columns.nlevels - 1
        cells = [_cell("th", name, scope="col") if name and last else "<th></th>" for name in names]
        for place, span in _spans(_keys(table.columns, level)):
            style = styles[place] if single else "text-align: center" * (span > 1)
            cells.append(_cell("th", _keys(table.columns, level)[place][-1], style, scope="col", colspan=span))
        yield cells


def _rows(table: pd.DataFrame, index: bool, styles: list[str]) -> Iterator[list[str]]:
    """The cells of each row of the body; a level of the index stands once for the rows that share it."""
    starts = [dict(_spans(_keys(table.index, level))) for level in range(table.index.nlevels * index)]
    keys = [key if isinstance(key, tuple) else (key,) for key in table.index]
    for place, (key, values) in enumerate(zip(keys, table.itertuples(index=False, name=None), strict=True)):
        cells = [
            _cell("th", key[level], scope="row", rowspan=spans[place])
            for level, spans in enumerate(starts)
            if place in spans
        ]
        yield cells + [_cell("td", value, style) for value, style in zip(values, styles, strict=True)]


def _keys(axis: pd.Index, level: int) -> list[tuple]:
    """The first levels of an axis, up to and with one of them."""
    last = level == axis.nlevels - 1
    found = [key if isinstance(key, tuple) else (key,) for key in axis]
    # cells of the last level stand by themselves, were two of them alike by chance
    return [(*key[: level + 1],) if not last else (place, *key) for place, key in enumerate(found)]


def _spans(keys: list[tuple]) -> Iterator[tuple[int, int]]:
    """Runs of neighbours that are alike: (where one starts, how long it is)."""
    start = 0
    for place in range(1, len(keys) + 1):
        if place == len(keys) or keys[place] != keys[start]:
            yield start, place - start
            start = place


def _cell(tag: str, text: object, style: str = "", **attributes: object) -> str:
    """One cell; a span of one and an empty style are not written."""
    named = {name: value for name, value in attributes.items() if value != 1}
    named |= {"style": style} if style else {}
    written = "".join(f' {name}="{escape(str(value))}"' for name, value in named.items())
    return f"<{tag}{written}>{escape(str(text))}</{tag}>"
