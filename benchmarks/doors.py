"""Random manifests in every dialect, and random boxes drawn at another size: read alike, landing where they should.

    python benchmarks/doors.py --tables 500 --boxes 2000

The tests run a few of each. The status is 1, and the case shown, where a manifest is read unlike the plain one or a
box lands with an IoU of 0.99 or less.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from ovcf.cohort.columns import MANIFEST, held
from ovcf.cohort.manifest import read_cohort
from ovcf.intake.annotators import box_iou
from ovcf.intake.importers import ImportOptions, import_annotations
from ovcf.words import BOX, LABELS, LEVELS

EACH = ImportOptions(one_patient_per_film=True)

# -- random manifests in all dialects ----------------------------------------------------------------------

HEADINGS = {
    "as documented": str,
    "capitals": str.upper,
    "blanks": lambda name: f" {name.replace('_', ' ').title()} ",
    "R": lambda name: name.replace("_", "."),
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")
NOTHING = ("", "NA", "NaN", "-", "#N/A")
NUMBERS = [name for name, column in MANIFEST.items() if column.kind == "number" and name not in BOX]
NAMES = st.text(st.characters(codec="cp1252", categories=("L", "N"), include_characters="_ .;'\""), min_size=1)
NAMES = NAMES.map(str.strip).filter(held)


@st.composite
def rows(draw):
    """Rows of a manifest as they are meant: names, numbers (None missing), words."""
    count = draw(st.integers(2, 5))
    table = []
    for k in range(count):
        row = {"patch_id": f"{k:03d}", "patient_id": draw(NAMES), "image": "a.png", "label": LABELS[k % 2]}
        row["level"] = draw(st.sampled_from(("", *LEVELS)))
        row |= {"x0": 0.5, "y0": 10 * k + 0.25, "x1": 40, "y1": 10 * k + 8.5}
        for name in NUMBERS:
            low, high = MANIFEST[name].low, MANIFEST[name].high
            inside = st.integers(int(max(low, 0)), int(min(high, 10_000))).map(float)
            row[name] = draw(st.none() | inside | inside.map(lambda value: max(value - 0.25, 1.0)))
        row |= {"sex": draw(st.sampled_from(("", "female", "male"))), "normal_height": draw(st.booleans())}
        table.append(row)
    return pd.DataFrame(table)


@st.composite
def dialects(draw):
    """A way to save a table; no program writes empty cells at line ends and lines longer than the header."""
    separator, row_names = draw(st.sampled_from(",;\t|")), draw(st.sampled_from(("", "with", "without")))
    return {
        "separator": separator,
        "comma": draw(st.booleans()),
        "end": draw(st.sampled_from(("\n", "\r\n"))),
        "encoding": draw(st.sampled_from(ENCODINGS)),
        "headings": draw(st.sampled_from(sorted(HEADINGS))),
        "nothing": draw(st.sampled_from(NOTHING)),
        "row_names": row_names,  # with a heading or without one, as R writes them
        "trailing": 0 if row_names == "without" else draw(st.integers(0, 3)),
        "sep_line": draw(st.booleans()),
        "blank_line": draw(st.booleans()),
    }


def saved(table, dialect) -> bytes:
    """Write a table as a program of that dialect would."""
    mark = "," if dialect["comma"] else "."

    def text(value):
        if value is None or (isinstance(value, float) and np.isnan(value)) or value == "":
            return dialect["nothing"]
        if isinstance(value, bool):
            return str(value).upper()
        value = repr(value).replace(".", mark) if isinstance(value, float) else str(value)
        quote = dialect["separator"] in value or '"' in value
        return '"' + value.replace('"', '""') + '"' if quote else value

    names, ends = [HEADINGS[dialect["headings"]](name) for name in table], [""] * dialect["trailing"]
    lines = [names + ends]
    for k, row in enumerate(table.itertuples(index=False), start=1):
        start = [str(k)] if dialect["row_names"] else []
        lines.append([*start, *map(text, row), *ends])
    if dialect["row_names"] == "with":
        lines[0] = ['""', *lines[0]]
    texts = [dialect["separator"].join(cells) for cells in lines]
    texts = texts[:1] + [""] * dialect["blank_line"] + texts[1:]
    texts = [f"sep={dialect['separator']}"] * dialect["sep_line"] + texts
    return (dialect["end"].join(texts) + dialect["end"]).encode(dialect["encoding"])


def workbook(table, path):
    """Write a table as a spreadsheet program would: numbers as numbers, ids as text."""
    book = openpyxl.Workbook()
    book.active.append(list(table))
    for row in table.itertuples(index=False):
        book.active.append([None if value in ("", None) or value != value else value for value in row])
    book.create_sheet("empty")
    book.save(path)


def check_alike(folder, table, dialect):
    """Every dialect of a manifest is read as the plain one."""
    if not (folder / "a.png").exists():
        Image.fromarray(np.zeros((100, 60), np.uint8)).save(folder / "a.png")
    plain = {**dict.fromkeys(dialect, ""), "separator": ",", "end": "\n", "encoding": "utf-8"}
    plain |= {"headings": "as documented", "trailing": 0, "sep_line": False, "blank_line": False}
    (folder / "plain.csv").write_bytes(saved(table, plain))
    (folder / "other.csv").write_bytes(saved(table, dialect))
    workbook(table, folder / "book.xlsx")
    expected = read_cohort(folder / "plain.csv", workers=1).patches
    for name in ("other.csv", "book.xlsx"):
        pd.testing.assert_frame_equal(read_cohort(folder / name, workers=1).patches, expected, check_dtype=True)
    for name in MANIFEST:  # typed whatever stood in them: what is read cannot stop a run later
        if name in expected and MANIFEST[name].kind == "number":
            assert expected[name].dtype == float
    assert expected["patient_id"].tolist() == table["patient_id"].tolist()


# -- boxes drawn at another size ---------------------------------------------------------------------------


def film(path, width=200, height=300):
    """Write a grey film."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width), 90, np.uint8)).save(path, format="PNG")


def coco(*entries, size=(200, 300), name="f.png", category="L1"):
    """A COCO file of one film and one category."""
    image = {"id": 1, "file_name": name} | (dict(zip(("width", "height"), size, strict=True)) if size else {})
    entries = [{"image_id": 1, "category_id": 1} | entry for entry in entries]
    return json.dumps({"images": [image], "categories": [{"id": 1, "name": category}], "annotations": entries})


def labelme(*shapes, **more):
    return json.dumps({"shapes": [{"label": "L1"} | shape for shape in shapes], "imagePath": "f.png"} | more)


def voc(width, height, x0=10, y0=15, x1=50, y1=60):
    """A Pascal VOC file of one film and one box."""
    size = f"<size><width>{width}</width><height>{height}</height></size>"
    corners = f"<xmin>{x0}</xmin><ymin>{y0}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
    box = f"<object><name>L1</name><bndbox>{corners}</bndbox></object>"
    return f"<annotation><filename>f.png</filename>{size}{box}</annotation>"


DRAWN = {
    "coco": ("a.json", lambda w, h: coco({"bbox": [10, 15, 40, 45]}, size=(w, h))),
    "labelme": ("f.json", lambda w, h: labelme(
        {"shape_type": "rectangle", "points": [[10, 15], [50, 60]]}, imageWidth=w, imageHeight=h)),
    "voc": ("f.xml", voc),
}  # fmt: skip
DRAWINGS = (  # the film's size, the annotation's scale, a box as shares of the film, the format
    st.tuples(st.integers(64, 900), st.integers(64, 900)),
    st.floats(0.2, 4),
    st.tuples(*[st.floats(0, 0.85)] * 2, *[st.floats(0.08, 0.15)] * 2),
    st.sampled_from(sorted(DRAWN)),
)


def landed(folder, size, scale, place, form) -> float:
    """Draw a box of a film at another size, import it, and return its IoU with the box meant."""
    (width, height), (x, y, wide, high) = size, place
    film(folder / "f.png", width, height)
    drawn = round(width * scale), round(height * scale)
    meant = np.array([x, y, x + wide, y + high]) * ([width, height] * 2)
    x0, y0, x1, y1 = (np.array([x, y, x + wide, y + high]) * (drawn * 2)).tolist()
    content = {
        "coco": ("a.json", coco({"bbox": [x0, y0, x1 - x0, y1 - y0]}, size=drawn)),
        "labelme": ("a.json", labelme({"shape_type": "rectangle", "points": [[x0, y0], [x1, y1]]},
                                      imageWidth=drawn[0], imageHeight=drawn[1])),
        "voc": ("a.xml", voc(*drawn, x0, y0, x1, y1)),
    }[form]  # fmt: skip
    (folder / content[0]).write_text(content[1])
    result = import_annotations(form, folder / content[0], folder / "manifest.csv", EACH)
    return float(box_iou(meant[None], result.patches[list(BOX)].to_numpy())[0])


def main() -> int:
    """Run both and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tables", type=int, default=500)
    parser.add_argument("--boxes", type=int, default=2000)
    options = parser.parse_args()
    quiet = {"deadline": None, "database": None, "phases": [Phase.generate], "suppress_health_check": list(HealthCheck)}
    counts, ious = [0, 0], []
    with tempfile.TemporaryDirectory(prefix="doors-") as name:

        @settings(max_examples=options.tables, **quiet)
        @given(table=rows(), dialect=dialects())
        def tables(table, dialect):
            check_alike(Path(name), table, dialect)
            counts[0] += 1

        @settings(max_examples=options.boxes, **quiet)
        @given(*DRAWINGS)
        def boxes(size, scale, place, form):
            ious.append(landed(Path(name), size, scale, place, form))
            assert ious[-1] > 0.99, (size, scale, place, form)

        tables()
        print(f"{counts[0]} manifests, each read alike from the plain table, a dialect and a workbook")
        boxes()
        print(f"{len(ious)} boxes drawn at another size; least IoU {min(ious):.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
