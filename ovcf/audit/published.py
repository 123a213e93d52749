"""The paper's own numbers as DataFrames, to print beside ours.

The file is `data/published/paper.yaml` of a checkout, which travels in the wheel; the variable OVCF_PUBLISHED names
another folder and comes first.
"""

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ovcf.problems import InputError, Problem
from ovcf.shipped import shipped

if TYPE_CHECKING:
    from ovcf.audit.findings import Audit
    from ovcf.audit.paper import Paper

COLUMNS = ["table", "row", "kind", "column", "heading", "printed", "value", "sd", "bracket", "unit", "place"]


def published_folder() -> Path:
    """Return the folder that holds the paper's numbers: $OVCF_PUBLISHED, else what travels with the package.

    Raises InputError where a folder was named that does not hold them.
    """
    named = os.environ.get("OVCF_PUBLISHED")
    folder = Path(named) if named else shipped("published")
    if not (folder / "paper.yaml").is_file():
        raise InputError(Problem("missing_file", "holds no paper.yaml", str(folder), column="OVCF_PUBLISHED"))
    return folder


@cache
def published_paper() -> "Paper":
    """Read the paper's numbers once; an `ovcf.audit.paper.Paper`."""
    from ovcf.audit.reading import read_paper

    return read_paper(published_folder() / "paper.yaml")


@cache
def audited_paper() -> "Audit":
    """Audit the paper's numbers once, without what takes random draws; an `ovcf.audit.findings.Audit`, to be read."""
    from ovcf.audit.audit import audit

    return audit(published_paper(), simulate=False)


def paper_table(number: int | str | None = None) -> pd.DataFrame:
    """Return a table of the paper, tidy: one row a printed number.

    Parameters
    ----------
    number : 1 to 5 or "Table 3"; None for all tables

    Returns
    -------
    DataFrame with table, row, kind (single, mean, p, part, total), column (metric with its class, as
    `precision_fresh`), heading (as printed), printed (as printed, "75.69 ± 2.08"), value and sd (floats;
    percentages stay percentages), bracket (the number in parentheses), unit ("%" or ""), place.
    """
    paper = published_paper()
    if number is None:
        return table_frame(paper, list(paper.tables))
    name = str(number) if str(number) in paper.tables else f"Table {number}"
    if name not in paper.tables:
        allowed = ", ".join(paper.tables)
        raise InputError(Problem("table", "the paper has no such table", found=str(number), allowed=allowed))
    return table_frame(paper, [name])


def table_frame(paper: "Paper", names: Iterable[str]) -> pd.DataFrame:
    """Return tables of any `Paper` as one tidy DataFrame (columns: see `paper_table`)."""
    found = []
    for table in (paper.tables[name] for name in names):
        for row in table.rows.values():
            for column, cell in row.cells.items():
                sd = None if cell.printed.sd is None else float(cell.printed.sd)
                percent = table.kind != "counts" and row.kind != "p" and table.unit_of(column) == 100
                heading = table.headings[table.columns.index(column)]
                found.append(
                    (
                        table.name,
                        row.name,
                        row.kind,
                        column,
                        heading,
                        cell.printed.text,
                        float(cell.printed.value),
                        sd,
                        float(cell.printed.bracket),
                        "%" if percent else "",
                        table.place_of(row.name, column),
                    )
                )
    return pd.DataFrame(found, columns=COLUMNS).astype({"sd": float})


def paper_wide(number: int | str, *, kinds: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Return a table as it is printed: rows by columns, printed strings, "" where nothing is printed.

    `kinds` : of rows to keep (`paper_table` names them); None for all.
    """
    tidy = paper_table(number)
    tidy = tidy[tidy["kind"].isin(kinds)] if kinds else tidy
    wide = tidy.pivot(index="row", columns="column", values="printed")
    return wide.reindex(index=tidy["row"].unique(), columns=tidy["column"].unique()).fillna("")


def paper_facts() -> pd.DataFrame:
    """Return the numbers of the text and abstract: name, printed, value, unit, place; repeated results last."""
    from ovcf.audit.printed import parse

    paper = published_paper()
    rows = [(f.name, f.text, float(f.value), f.unit, f.place) for f in paper.facts.values()]
    for entry in paper.statements:
        for column, text in entry["values"].items():
            name = f"{column} of {entry['of']}"
            rows.append((name, str(text), float(parse(text).value), "", str(entry["place"])))
    return pd.DataFrame(rows, columns=["name", "printed", "value", "unit", "place"])
