"""A paper's table as CSV: one row a printed row, one column a printed column; no YAML needed.

The first column names the rows. `table`, `kind`, `over`, `n`, `positive` and `negative` say what a row is; every other
heading is a metric, in the words that papers use ("Sensitivity (%)", "PPV", "F1-score"). `TEMPLATE` shows all of it.
"""

import csv
import io
import re
from pathlib import Path

from ovcf.problems import InputError, Problem

from .checked import LARGEST, Map, Sequence, Text, mark
from .paper import Paper
from .reading import ROW_KINDS, Reader
from .scores import METRICS

TEMPLATE = """\
row,table,kind,over,n,positive,negative,accuracy,sensitivity,specificity,ppv,npv,f1,auc
Reader 1,Table 1,single,,200,90,110,81.5,80.0,82.7 (91/110),79.1,83.5,79.6,
Reader 2,Table 1,single,,200,90,110,77.0,NA,79.1,,,,
Model,Table 1,single,,200,90,110,86.0 [80.5-90.1],85.6,86.4,83.7,88.0,84.6,0.91 (0.87-0.95)
All folds,Table 2,mean,5,500,240,260,79.4 ± 0.9,78.3 ± 3.5,80.4 ± 1.6,,,,0.85 ± 0.02
"""
HEADS = ("table", "kind", "over", "n", "positive", "negative")
SYNONYMS = {
    "acc": "accuracy", "sens": "sensitivity", "recall of positives": "sensitivity", "tpr": "sensitivity",
    "spec": "specificity", "tnr": "specificity", "positive predictive value": "ppv", "precision": "precision",
    "negative predictive value": "npv", "f1 score": "f1", "f measure": "f1", "f score": "f1", "auroc": "auc",
    "roc auc": "auc", "auc roc": "auc", "area under the curve": "auc", "matthews correlation coefficient": "mcc",
    "cohen's kappa": "kappa", "cohens kappa": "kappa", "balanced acc": "balanced_accuracy",
    "balanced accuracy": "balanced_accuracy", "youden index": "youden", "youden's j": "youden", "j": "youden",
    "lr+": "lr_positive", "lr-": "lr_negative", "lr−": "lr_negative", "diagnostic odds ratio": "dor",
    "macro f1": "f1_macro", "weighted f1": "f1_weighted", "macro precision": "precision_macro",
    "macro recall": "recall_macro", "f2 score": "f2", "false positive rate": "fpr", "false negative rate": "fnr",
}  # fmt: skip


def read_csv(path: Path | str) -> Paper:
    """Read one or several printed tables from CSV (comma, semicolon or tab; UTF-8, also as Excel writes it).

    Raises InputError with the line of every problem: cells that are no printed numbers, headings used twice, rows whose
    number of cells is not that of the headings.
    """
    path = Path(path)
    lines = _lines(path)
    heads, rows = lines[0][1], lines[1:]
    if not rows or len(heads) < 2:
        raise InputError(Problem("csv", "no table: headings and at least one row are needed", path.name, 1))
    names = [_name(head) for head in heads]
    _check_shape(path, names, heads, rows)
    tables: dict[str, list] = {}
    for line, cells in rows:
        row = dict(zip(names, cells, strict=True))
        tables.setdefault(row.get("table", "").strip() or "Table 1", []).append((line, row, cells[0].strip()))
    reader = Reader(path.name)
    metrics = [i for i, name in enumerate(names) if i and name not in HEADS]
    parts = [_table(reader, name, part, names, heads, metrics) for name, part in tables.items()]
    sets = mark({name: found for _, own in parts for name, found in own.items()})
    tree = Map(paper=mark({"title": path.stem}), sets=sets, tables=Sequence(table for table, _ in parts))
    return reader.paper(tree)


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """Rows of the file with their line numbers, empty ones left out."""
    if not path.is_file():
        raise InputError(Problem("missing_file", "there is no such file", str(path)))
    if path.stat().st_size > LARGEST:
        raise InputError(Problem("too_large", f"larger than {LARGEST:,} bytes", path.name))
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        message = f"not readable as UTF-8 text: {error}"
        raise InputError(Problem("encoding", message, path.name, allowed="in Excel: save as CSV UTF-8")) from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        found = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise InputError(Problem("csv", f"not CSV: {error}", path.name, reader.line_num)) from None
    return found or [(1, [])]


def _name(head: str) -> str:
    """Canonical name of a heading: units and brackets go, synonyms are known; what nobody knows stays as it is."""
    plain = re.sub(r"\(.*?\)|\[.*?\]|%", "", head).strip().lower().replace("_", " ").replace("-", " ").strip()
    plain = "lr-" if head.strip().lower().startswith(("lr-", "lr−")) else " ".join(plain.split()).rstrip(".:")
    under = plain.replace(" ", "_")
    return SYNONYMS.get(plain) or (under if under in METRICS or under in HEADS else head.strip())


def _check_shape(path: Path, names: list[str], heads: list[str], rows) -> None:
    """Complain of headings that mean the same, and of rows with too few or too many cells."""
    problems = [
        Problem("csv", "two headings mean the same", path.name, 1, head, name)
        for i, (name, head) in enumerate(zip(names, heads, strict=True))
        if i and name in names[1:i]
    ]
    problems += [
        Problem("csv", "as many cells as headings", path.name, line, None, str(len(cells)), str(len(heads)))
        for line, cells in rows
        if len(cells) != len(heads)
    ]
    if problems:
        raise InputError(problems)


def _table(reader: Reader, name: str, part, names, heads, metrics) -> tuple[Map, dict]:
    """One table in the form of the YAML, and the sets of cases that its rows of means are taken over."""
    used = [i for i in metrics if any(row[names[i]].strip() for _, row, _ in part)]
    table, rows, sets = Map(), Map(), {}
    table.line = part[0][0]
    for line, row, title in part:
        if title in rows:
            reader.complain(line, f"{name}: two rows have this name", names[0], title)
        fields = Map(values=Sequence(_text(row[names[i]], line) for i in used))
        for key in ("n", "positive", "negative", "over", "kind"):
            if row.get(key, "").strip():
                fields[key] = _text(row[key], line)
        fields.line = fields["values"].line = line
        rows[title] = fields
        kind = str(fields.get("kind", "single"))
        if kind not in ROW_KINDS:
            continue
        if kind == "mean" and {"positive", "negative"} <= fields.keys():
            sets[f"cases of {name}"] = {key: str(fields.pop(key)) for key in ("positive", "negative")}
            fields.pop("n", None)
    table |= {"name": _text(name, table.line), "rows": rows}
    table["columns"] = Sequence(_text(names[i], 1) for i in used)
    table["headings"] = Sequence(_text(heads[i].strip(), 1) for i in used)
    if sets:
        table["folds_of"] = _text(f"cases of {name}", table.line)
    return table, sets


def _text(value: str, line: int) -> Text:
    text = Text(value.strip())
    text.line = line
    return text
