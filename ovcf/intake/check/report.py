"""A check's findings: a table for the terminal, JSON, and one HTML page that asks the network for nothing."""

import base64
import io
import json
import os
import tempfile
import textwrap
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ovcf.intake.check import Findings
from ovcf.intake.check.kinds import advice, title
from ovcf.problems import Problem

SHOWN = 200  # findings of a kind listed in the page; the JSON holds all
PRINTED = {"error": 20, "warning": 1}  # of a kind, in the terminal: an error is to be mended, a warning to be looked at


def as_text(findings: Findings, width: int = 110) -> str:
    """The summary and the factors that matter, for a terminal."""
    lines = [_heading(findings)]
    lines += ["Synthetic cohort: drawn by software."] if findings.counts.get("synthetic") else []
    for severity, problems in (("error", findings.errors), ("warning", findings.warnings)):
        for kind, n in Counter(problem.kind for problem in problems).items():
            lines.append(f"{severity.upper():8}{n:6}  {title(kind)}")
            lines += _printed([p for p in problems if p.kind == kind], PRINTED[severity], findings, width)
    if not findings.errors and not findings.warnings:
        lines.append("Nothing wrong or suspicious was found.")
    if len(table := findings.tables.get("factors", pd.DataFrame())):
        lines += ["", "What predicts the label by itself (AUC, 95 % interval by patients; * suspicious):"]
        lines += [
            f"{'*' if row.suspicious else ' '} {row.factor[:40]:40} {row.auc:.2f} "
            f"({row.low:.2f} to {row.high:.2f})  {row.direction[:44]}"
            for row in table.head(8).itertuples()
        ]
    return "\n".join(lines)


def _printed(problems: list[Problem], most: int, findings: Findings, width: int) -> list[str]:
    """Lines of a kind's problems, each with its place, and how many more there are."""
    room = {"initial_indent": " " * 16, "subsequent_indent": " " * 18, "max_lines": 3}
    lines = [line for p in problems[:most] for line in textwrap.wrap(str(_near(p, findings)), width, **room)]
    more = len(problems) - most
    return [*lines, *([f"{' ' * 16}and {more} more, in check.html and check.json"] if more > 0 else [])]


def _heading(findings: Findings) -> str:
    """What was looked at."""
    counts = findings.counts
    if not counts:
        return findings.data
    return (
        f"{findings.data}: {counts['patches']} patches ({counts['fresh']} fresh, {counts['old']} old), "
        f"{counts['patients']} patients, {counts['films']} films"
    )


def _near(problem: Problem, findings: Findings) -> Problem:
    """The problem with its file as seen from the data's folder."""
    if not problem.file:
        return problem
    folder = Path(findings.data) if Path(findings.data).is_dir() else Path(findings.data).parent
    file = Path(problem.file)
    return problem._replace(file=str(file.relative_to(folder)) if file.is_relative_to(folder) else problem.file)


def write_check(findings: Findings, folder) -> tuple[Path, Path]:
    """Write check.html and check.json into a folder; return both paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / "check.html", folder / "check.json"
    _write(data, json.dumps(findings.as_dict(), indent=2, ensure_ascii=False))
    _write(page, as_html(findings))
    return page, data


def as_html(findings: Findings) -> str:
    """The page: no script, no request, every text from the data escaped."""
    from jinja2 import Environment, FileSystemLoader

    shelf = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return shelf.get_template("report.html.j2").render(
        findings=findings,
        errors=_kinds(findings.errors, findings),
        warnings=_kinds(findings.warnings, findings),
        factors=_bars(findings.tables.get("factors")),
        tables=_plain_tables(findings),
    )


def _kinds(problems: list[Problem], findings: Findings) -> list[dict]:
    """Findings by kind, each with its title, advice, entries and pictures."""
    counts = Counter(problem.kind for problem in problems)
    return [
        {
            "title": title(kind),
            "advice": advice(kind),
            "n": n,
            "entries": [_near(problem, findings) for problem in problems if problem.kind == kind][:SHOWN],
            "pictures": [
                (caption, [_png(thumb) for thumb in thumbs]) for caption, thumbs in findings.pictures.get(kind, [])
            ],
        }
        for kind, n in counts.items()
    ]


def _bars(table: pd.DataFrame | None) -> list[dict]:
    """Each factor with its numbers and where its interval lies on a scale of AUC 0 to 1, in percent."""
    if table is None:
        return []
    return [
        {
            "name": row.factor,
            "kind": row.kind,
            "n": row.n,
            "missing": row.missing,
            "auc": f"{row.auc:.2f}",
            "interval": f"{row.low:.2f} to {row.high:.2f}",
            "direction": row.direction,
            "suspicious": row.suspicious,
            "at": 100 * row.auc,
            "from": 100 * np.nan_to_num(row.low),
            "wide": 100 * np.nan_to_num(row.high - row.low),
        }
        for row in table.itertuples()
    ]


def _plain_tables(findings: Findings) -> list[dict]:
    """The other tables, as header and cells of text."""
    plain = []
    for name, table in findings.tables.items():
        if name != "factors" and len(table):
            if name == "classes by level":
                table = table.rename(index={"": "unknown"}).reset_index(names="level")
            cells = [
                [f"{value:.3f}" if isinstance(value, float) else str(value) for value in row]
                for row in table.itertuples(index=False)
            ]
            plain.append({"name": name.capitalize(), "header": list(table.columns), "rows": cells})
    return plain


def _png(thumb: np.ndarray) -> str:
    """A thumbnail as text for an img element."""
    stream = io.BytesIO()
    Image.fromarray(thumb).save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def _write(path: Path, text: str) -> None:
    """Write a file in one step."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
