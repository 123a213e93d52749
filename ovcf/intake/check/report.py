"""A check's findings: a table for the terminal, JSON, and one HTML page that asks the network for nothing.

What each kind of finding means and what to do about it stands here too.
"""

import base64
import io
import json
import textwrap
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ovcf.files import write_text
from ovcf.intake.check import Findings
from ovcf.problems import Problem
from ovcf.words import rounded

SHOWN = 200  # findings of a kind listed in the page; the JSON holds all
PRINTED = {"error": 20, "warning": 1}  # of a kind, in the terminal: an error is to be mended, a warning to be looked at


KINDS = {
    "missing_label": (
        "Label missing",
        "Fill the column `label` with fresh or old; an importer leaves it empty where its source has none.",
    ),
    "duplicate_patch": ("Same patch twice", "It counts twice in training and in the results. Keep one."),
    "duplicate_patch_across_patients": (
        "Same patch under two patients",
        "Folds by patient cannot keep the two apart, so a test fold holds what was trained on. Find out whose it is.",
    ),
    "near_duplicate_patch": (
        "Nearly the same patch",
        "Exported, resized or mirrored again, or a box drawn twice. Keep one.",
    ),
    "near_duplicate_patch_across_patients": (
        "Nearly the same patch under two patients",
        "Look at the pictures: if they are one film, one patient has two ids and folds leak.",
    ),
    "same_film_two_patients": (
        "One film, two patients",
        "Give both the same patient_id; otherwise folds leak.",
    ),
    "duplicate_film": (
        "Same film twice",
        "One patient's film under two names: harmless for folds by patient, but it counts twice.",
    ),
    "blank_patch": ("Blank patch", "Nothing to see here; the box or the film is wrong."),
    "dark_patch": ("Dark patch", "Nearly black: a wrong window, an inverted film or a box off the spine."),
    "bright_patch": ("Bright patch", "Nearly white: a wrong window, an inverted film or metal."),
    "blurred_patch": (
        "Blurred patch",
        "Motion, heavy compression or enlargement. If one class is blurred more often, a network learns that.",
    ),
    "tiny_patch": (
        "Tiny patch",
        "Enlarged several times for the network; check that the film is at full size.",
    ),
    "odd_film": (
        "Film at odds with its header",
        "It is read as the message says. Ask where it was exported, and give `mm_per_px` where the size is meant.",
    ),
    "spacing_unknown": (
        "Pixel spacing known for some only",
        "Margins in mm and margins in pixels are not the same crop. Give mm_per_px for all, or for none.",
    ),
    "spacing_outlier": (
        "Unusual pixel spacing",
        "A typing mistake, another unit, or a film resized after export.",
    ),
    "size_in_mm": ("Impossible size in mm", "Box and spacing do not fit together."),
    "identifying_fields": ("Header identifies the patient", "Run `ovcf deidentify` before the films travel."),
    "burned_in_text": (
        "Text in the pixels",
        "Look at it: a name or a date must be painted over (`ovcf deidentify` can, with --mask), and any text differs "
        "between hospitals.",
    ),
    "age_differs": ("Several ages for one patient", "Two studies years apart, or two patients under one id."),
    "sex_differs": ("Two sexes for one patient", "Two patients under one id, or a typing mistake."),
    "odd_age": ("Unlikely age", "The study's patients are 60 or older."),
    "patients_with_both_classes": (
        "Patients with fresh and old",
        "No fault, but a split by patch puts the same bones on both sides. Use split: patient.",
    ),
    "rare_class": ("One class is rare", "Judge by AUC and by recall of the rarer class."),
    "uneven_level": (
        "A level that tells the label",
        "A network that recognises the level scores well without seeing a fracture.",
    ),
    "label_shortcut": (
        "A shortcut to the label",
        "Something other than the fracture predicts the label. Balance it, "
        "stratify by it, or report results within its groups.",
    ),
    "excluded_patient": (
        "Excluded, but in the cohort",
        "studies.csv says this patient does not meet the criteria.",
    ),
    "patient_not_in_studies": ("Not in studies.csv", "Figure 1 cannot count this patient."),
    "label_against_both": ("Label against both annotators", "A typing mistake, or a decision worth a note."),
    "header_patient": (
        "Header and manifest name different patients",
        "One patient under two ids leaks between folds; two under one id count as one. Find out who is who.",
    ),
    "alike_ids": (
        "Ids that a spreadsheet or a typist may have changed",
        "A spreadsheet drops leading zeros and rounds long numbers. Two ids of one patient leak between folds.",
    ),
    "level_twice": (
        "One level twice on a film",
        "Two vertebrae cannot be one level: a typing mistake, or one vertebra outlined by two readers.",
    ),
    "overlapping_boxes": (
        "Boxes that overlap",
        "One vertebra outlined twice counts twice. Keep one; `ovcf import --keep-reader` chooses by reader.",
    ),
    "forgotten_box": (
        "Box forgotten",
        "Give the box: other vertebrae of this film have one, so the whole film is no patch, and the row is left out.",
    ),
    "low_agreement": ("Annotators agree little", "The label's own reliability limits any accuracy."),
}
"""Of each kind of finding its title, then one or two sentences on what to do."""


def as_text(findings: Findings, width: int = 110) -> str:
    """The summary and the factors that matter, for a terminal."""
    lines = [_heading(findings)]
    lines += ["Synthetic cohort: drawn by software."] if findings.counts.get("synthetic") else []
    for severity, problems in (("error", findings.errors), ("warning", findings.warnings)):
        for kind, n in Counter(problem.kind for problem in problems).items():
            lines.append(f"{severity.upper():8}{n:6}  {title(kind)}")
            lines += _printed([p for p in problems if p.kind == kind], PRINTED[severity], findings, width)
    lines += [f"note: {note}" for note in findings.notes]
    if not findings.errors and not findings.warnings:
        lines.append("Nothing wrong or suspicious was found.")
    if len(table := findings.tables.get("factors", pd.DataFrame())):
        lines += ["", "What predicts the label by itself (AUC, 95 % interval by patients; * suspicious):"]
        lines += [
            f"{'*' if row.suspicious else ' '} {row.factor[:40]:40} {rounded(row.auc, 3)} "
            f"({rounded(row.low, 3)} to {rounded(row.high, 3)})  {row.direction[:44]}"
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


def write_check(findings: Findings, folder: str | Path) -> tuple[Path, Path]:
    """Write check.html and check.json into a folder; return both paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / "check.html", folder / "check.json"
    # a file name may hold bytes that are no letters
    write_text(data, json.dumps(findings.as_dict(), indent=2, ensure_ascii=False), errors="backslashreplace")
    write_text(page, as_html(findings), errors="backslashreplace")
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
            "auc": rounded(row.auc, 3),
            "interval": f"{rounded(row.low, 3)} to {rounded(row.high, 3)}",
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
                [rounded(value, 3) if isinstance(value, float) else str(value) for value in row]
                for row in table.itertuples(index=False)
            ]
            plain.append({"name": name.capitalize(), "header": list(table.columns), "rows": cells})
    return plain


def _png(thumb: np.ndarray) -> str:
    """A thumbnail as text for an img element."""
    stream = io.BytesIO()
    Image.fromarray(thumb).save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def title(kind: str) -> str:
    """The title of a kind; kinds without one (errors of the reader) are their own words."""
    return KINDS[kind][0] if kind in KINDS else kind.replace("_", " ").capitalize()


def advice(kind: str) -> str:
    """What to do about it, or nothing."""
    return KINDS[kind][1] if kind in KINDS else ""
