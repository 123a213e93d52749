"""Formats that are tables: VinDr-SpineXR (one CSV for all films) and BUU-LSPINE (one CSV a film)."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ovcf.cohort.columns import NAME, PIXELS, TEXT, Column
from ovcf.cohort.table_file import read_sheet, read_sound_lines
from ovcf.intake.importers.boxes import Box, around
from ovcf.intake.importers.images import ImageIndex, folder_said
from ovcf.intake.importers.sources import number
from ovcf.problems import InputError, Problem

VINDR: dict[str, Column] = {
    "image_id": NAME,
    "lesion_type": NAME,
    **dict.fromkeys(("xmin", "ymin", "xmax", "ymax"), PIXELS),
    "rad_id": TEXT,
}
_REQUIRED = tuple(VINDR)[:6]
VINDR_VERTEBRA = "vertebral collapse"  # the only finding of the set that outlines a fractured vertebra
BUU_ROWS = tuple(f"L{level}{plate}" for level in range(1, 6) for plate in ("sup", "inf")) + ("S1sup",)


def read_vindr(source: Path, images: ImageIndex, options: Any) -> Iterator[Box | Problem]:
    """Yield the boxes of VinDr-SpineXR's annotation table (columns image_id, lesion_type, xmin .. ymax,
    rad_id).

    Only "Vertebral collapse" is taken, and categories the user has mapped; the others outline discs,
    osteophytes or metal. The counts of what was left out come as one Problem of kind `other_findings`.
    """
    wanted = {VINDR_VERTEBRA, *map(str.lower, options.label_map), *map(str.lower, options.levels)}
    files = [source] if source.is_file() else sorted(source.rglob("*.csv"))
    others: Counter = Counter()
    for file in files:
        try:
            table, _, unfit = read_sound_lines(file, VINDR, required=_REQUIRED)
        except InputError as error:  # a table of something else is no mistake where a folder was given
            yield from error.problems if source.is_file() or len(files) == 1 else []
            continue
        yield from unfit
        yield from _vindr_boxes(table, file, images, wanted, others)
    if others:
        kinds = ", ".join(f"{kind} ({n})" for kind, n in others.most_common(12))
        yield Problem("other_findings", f"{sum(others.values())} rows of other findings left out: {kinds}", str(source))


def _vindr_boxes(table, file: Path, images: ImageIndex, wanted: set[str], others: Counter) -> Iterator[Box | Problem]:
    """Boxes of one table; what is no vertebra is counted in `others`."""
    for record in table.to_dict(orient="records"):
        row = record.pop("row")
        if record["lesion_type"].lower() not in wanted:
            others[record["lesion_type"][:40]] += 1
            continue
        try:
            corners = [number(record[key]) for key in _REQUIRED[2:]]
            image = images.find(record["image_id"], file)
        except ValueError as error:  # InputError, the missing image, is a ValueError too
            problems = getattr(error, "problems", [Problem("bad_line", str(error))])
            yield from (problem._replace(file=str(file), row=row) for problem in problems)
            continue
        more = {key: value for key, value in record.items() if key not in _REQUIRED and key not in _OURS}
        said = folder_said(record["image_id"])
        yield Box(image, record["lesion_type"], *corners, str(file), row, more, said=said)


_OURS = {"patch_id", "level", "label", "image", "x0", "y0", "x1", "y1", "mm_per_px", "category"}


def read_buu(source: Path, images: ImageIndex, options: Any = None) -> Iterator[Box | Problem]:
    """Yield the upright box around each lumbar vertebra of BUU-LSPINE's lateral films.

    A film's CSV has no header; its lines are the end plates L1sup, L1inf .. L5inf, S1sup as x1, y1, x2, y2
    and perhaps a flag of slipping, which is kept as `listhesis`; the ends of both plates are kept as `corners`, around
    the body from the upper plate's first point. A vertebra whose two plates cannot both be read is reported, the others
    are taken. Where the source has a folder `LA`, the frontal films beside it
    are left alone.
    """
    files = [source] if source.is_file() else sorted(source.rglob("*.csv"))
    lateral = [path for path in files if path.parent.name.upper() == "LA"]
    for file in lateral or files:
        try:
            image, sheet = images.find(file.stem, file), read_sheet(file)
        except InputError as error:
            yield from error.problems
            continue
        plates, lines = {}, {}
        for name, (row, cells) in zip(BUU_ROWS, sheet.lines, strict=False):
            lines[name] = row
            try:
                plates[name] = _plate(cells, sheet.separator)
            except ValueError as error:
                found, allowed = ", ".join(cells)[:80], "x1, y1, x2, y2 and perhaps a flag"
                yield Problem("bad_line", f"end plate {name}: {error}", str(file), row, None, found, allowed)
        if len(lines) < len(BUU_ROWS) - 1:
            yield Problem("missing_lines", f"{len(lines)} end plates where L1 to L5 have 10", str(file))
        yield from _buu_boxes(plates, lines, image, file)


def _plate(cells: list[str], separator: str) -> tuple[list[float], str]:
    """The four coordinates of an end plate, and its flag; commas are decimal where something else separates."""
    cells = cells[:-1] if cells and not cells[-1] else cells  # a comma at the end of the line
    if len(cells) not in (4, 5):
        raise ValueError(f"{len(cells)} values")
    pointed = cells if separator == "," else [cell.replace(",", ".") for cell in cells]
    return [number(cell) for cell in pointed[:4]], cells[4] if len(cells) == 5 else ""


def _buu_boxes(plates: dict, lines: dict, image: Path, file: Path) -> Iterator[Box]:
    """The box around both end plates of each vertebra that has both."""
    for level in ("L1", "L2", "L3", "L4", "L5"):
        if f"{level}sup" in plates and f"{level}inf" in plates:
            (upper, flag), (lower, _) = plates[f"{level}sup"], plates[f"{level}inf"]
            corners = around([upper[:2], upper[2:], lower[:2], lower[2:]])
            outline = " ".join(f"{value:g}" for value in (*upper, *lower[2:], *lower[:2]))
            more = {"listhesis": flag, "corners": outline}
            yield Box(image, level, *corners, str(file), lines[f"{level}sup"], more)
