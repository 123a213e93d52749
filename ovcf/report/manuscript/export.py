"""Everything a manuscript needs of a finished run, in one folder: tables, figures, paragraphs, checklists, cards."""

import csv
import io
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from bs4 import BeautifulSoup

from ovcf.files import write_text
from ovcf.problems import InputError, Problem
from ovcf.report.manuscript.cards import data_sheet, model_card
from ovcf.report.manuscript.checklists import NAMES, Checklist, Filled, fill, read_checklist
from ovcf.report.manuscript.facts import Cited, Facts
from ovcf.report.manuscript.latex import caption_of, table_as_latex
from ovcf.report.manuscript.limitations import limitations
from ovcf.report.manuscript.paragraphs import methods, results
from ovcf.report.templating import environment
from ovcf.run_folder import read_record
from ovcf.run_folder.figures import FORMATS

SOURCES = "sources.csv"
TEXTS = {"methods": methods, "results": results, "model_card": model_card, "data_sheet": data_sheet}


def export(run: Path, out: Path) -> Path:
    """Write a finished run's manuscript files into a folder; the run is only read.

    Parameters
    ----------
    run : folder of a complete run.
    out : folder, new or empty or of an earlier export. It holds `tables/*.csv` (values) and `*.tex` (as printed),
        `figures/*` with `captions.md`, `methods.md`, `results.md`, `limitations.md`, `model_card.md`, `data_sheet.md`,
        `checklists.html`, a copy of the report that the checklists link to, and `sources.csv`: where each number of the
        texts was taken from.

    Raises
    ------
    InputError : where there is no complete run, or the folder holds something else.
    """
    record = read_record(run)
    page = run / "report.html"
    if record.get("status") != "complete" or not page.is_file():
        raise InputError(Problem("run", "holds no complete run with a report", str(run)))
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / SOURCES).is_file())):
        raise InputError(Problem("not_empty", "this folder holds something else; name a new one", str(out)))
    for folder in ("tables", "figures"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    shutil.copyfile(page, out / "report.html")
    _write_tables(run, out / "tables", soup)
    _write_figures(run, out / "figures", soup)
    _write_texts(Facts(run, record), out, {str(node["id"]) for node in soup.find_all(id=True)})
    return out


def _write_tables(run: Path, folder: Path, soup: BeautifulSoup) -> None:
    """Copy every table of values, and write each printed one that has a name as LaTeX."""
    for path in sorted((run / "tables").glob("*.csv")):
        shutil.copyfile(path, folder / path.name)
    for table in soup.select("table[data-name]"):
        name = str(table["data-name"])
        below = table.find_next_sibling(class_="note")
        note = below.get_text(" ", strip=True) if below else ""
        write_text(folder / f"{name}.tex", table_as_latex(table, caption_of(table), f"tab:{name}", note))


def _write_figures(run: Path, folder: Path, soup: BeautifulSoup) -> None:
    """Copy every figure in its formats, and list the captions by name."""
    for kind in FORMATS:
        for path in sorted((run / "figures").glob(f"*.{kind}")):
            shutil.copyfile(path, folder / path.name)
    lines = []
    for figure in soup.select("figure[data-name]"):
        caption = figure.figcaption.get_text() if figure.figcaption else ""
        lines.append(f"- `{figure['data-name']}`: {' '.join(caption.split())}")
    write_text(folder / "captions.md", "\n".join(["# Captions", "", *lines, ""]))


def _write_texts(facts: Facts, out: Path, places: set[str]) -> None:
    """Write paragraphs, limitations, cards and checklists, and where each of their numbers was taken from."""
    taken: list[tuple[str, Cited]] = []

    def keep(name: str) -> None:
        taken.extend((name, cited) for cited in facts.cited)
        facts.cited.clear()

    for name, write in TEXTS.items():
        write_text(out / f"{name}.md", write(facts).rstrip("\n") + "\n")
        keep(f"{name}.md")
    write_text(out / "limitations.md", "\n".join(f"- {text}" for text in limitations(facts)) + "\n")
    keep("limitations.md")
    filled = []
    for name in NAMES:
        checklist = read_checklist(name)
        filled.append((checklist, fill(checklist, facts)))
        keep(f"checklists.html, {checklist.name}")
    write_text(out / "checklists.html", checklists_page(filled, facts, places))
    write_text(out / "checklists.json", json.dumps(_as_json(filled), indent=1, ensure_ascii=False))
    _write_sources(out / SOURCES, taken)


def checklists_page(filled: Iterable[tuple[Checklist, list[Filled]]], facts: Facts, places: set[str]) -> str:
    """Return the checklists as one page; an answer links to its place in `report.html` where the page has it."""
    template = environment().get_template("checklists.html.j2")
    return template.render(filled=list(filled), data=facts.record.get("data", ""), places=places)


def _as_json(filled: Iterable[tuple[Checklist, list[Filled]]]) -> dict:
    return {checklist.name: [item._asdict() for item in items] for checklist, items in filled}


def _write_sources(path: Path, taken: list[tuple[str, Cited]]) -> None:
    lines = io.StringIO()
    rows = csv.writer(lines, lineterminator="\n")
    rows.writerow(["text", *Cited._fields])
    rows.writerows([name, *cited] for name, cited in taken)
    write_text(path, lines.getvalue())
