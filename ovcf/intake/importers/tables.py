"""Formats that are tables: VinDr-SpineXR (one CSV for all films) and BUU-LSPINE (one CSV a film)."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ovcf.intake.importers.rows import Box, Naming
from ovcf.intake.importers.sources import ImageIndex, number, read_rows
from ovcf.problems import InputError, Problem

VINDR_COLUMNS = ("image_id", "lesion_type", "xmin", "ymin", "xmax", "ymax")
VINDR_VERTEBRA = "vertebral collapse"  # the only finding of the set that outlines a fractured vertebra
BUU_ROWS = tuple(f"L{level}{plate}" for level in range(1, 6) for plate in ("sup", "inf")) + ("S1sup",)
# 0012-F-067Y1: subject, sex, age in years, view (0 frontal, 1 lateral)
BUU_PATIENT = r"^(?P<patient>[^-]+)(?:-(?P<sex>[FMfm])-(?P<age>\d{1,3})Y)?"


def read_vindr(source: Path, images: ImageIndex, names: Naming) -> Iterator[Box | Problem]:
    """Yield the boxes of VinDr-SpineXR's annotation table (columns image_id, lesion_type, xmin .. ymax,
    rad_id).

    Only "Vertebral collapse" is taken, and categories the user has mapped; the others outline discs,
    osteophytes or metal. The counts of what was left out come as one Problem of kind `other_findings`.
    """
    wanted = {VINDR_VERTEBRA, *names.labels, *names.levels}
    files = [source] if source.is_file() else sorted(source.rglob("*.csv"))
    others: Counter = Counter()
    for file in files:
        try:
            yield from _vindr_file(file, images, wanted, others, named=source.is_file() or len(files) == 1)
        except InputError as error:
            yield from error.problems
    if others:
        kinds = ", ".join(f"{kind} ({n})" for kind, n in others.most_common(12))
        yield Problem("other_findings", f"{sum(others.values())} rows of other findings left out: {kinds}", str(source))


def _vindr_file(file: Path, images: ImageIndex, wanted: set, others: Counter, named: bool) -> Iterator[Box | Problem]:
    """Boxes of one table; a table without the columns is reported only where the user meant it."""
    lines = read_rows(file)
    header = [cell.lower() for cell in next(lines, (1, []))[1]]
    if missing := [name for name in VINDR_COLUMNS if name not in header]:
        if named:
            yield Problem(
                "missing_column",
                f"not VinDr-SpineXR: no column {', '.join(missing)}",
                str(file),
                1,
                found=", ".join(header)[:200],
                allowed=", ".join(VINDR_COLUMNS),
            )
        return
    for row, cells in lines:
        if len(cells) != len(header):
            yield Problem("bad_line", f"{len(cells)} cells where the header has {len(header)}", str(file), row)
            continue
        record = dict(zip(header, cells, strict=True))
        if record["lesion_type"].lower() not in wanted:
            others[record["lesion_type"][:40]] += 1
            continue
        try:
            corners = [number(record[key]) for key in VINDR_COLUMNS[2:]]
            image = images.find(record["image_id"], file)
        except ValueError as error:  # InputError, the missing image, is a ValueError too
            problems = getattr(error, "problems", [Problem("bad_line", str(error))])
            yield from (problem._replace(file=str(file), row=row) for problem in problems)
            continue
        more = {key: record[key] for key in ("rad_id", "study_id") if key in record}
        yield Box(image, record["lesion_type"], *corners, str(file), row, more)


def read_buu(source: Path, images: ImageIndex) -> Iterator[Box | Problem]:
    """Yield the upright box around each lumbar vertebra of BUU-LSPINE's lateral films.

    A film's CSV has no header; its lines are the end plates L1sup, L1inf .. L5inf, S1sup as x1, y1, x2, y2
    and perhaps a flag of slipping, which is kept as `listhesis`. A vertebra whose two plates cannot both be
    read is reported, the others are taken. Where the source has a folder `LA`, the frontal films beside it
    are left alone.
    """
    files = [source] if source.is_file() else sorted(source.rglob("*.csv"))
    lateral = [path for path in files if path.parent.name.upper() == "LA"]
    for file in lateral or files:
        try:
            image, plates, lines = images.find(file.stem, file), {}, {}
            for name, (row, cells) in zip(BUU_ROWS, read_rows(file), strict=False):
                lines[name] = row
                try:
                    plates[name] = _plate(cells)
                except ValueError as error:
                    yield Problem(
                        "bad_line",
                        f"end plate {name}: {error}",
                        str(file),
                        row,
                        found=", ".join(cells)[:80],
                        allowed="x1, y1, x2, y2 and perhaps a flag",
                    )
        except InputError as error:
            yield from error.problems
            continue
        if len(lines) < len(BUU_ROWS) - 1:
            yield Problem("missing_lines", f"{len(lines)} end plates where L1 to L5 have 10", str(file))
        yield from _buu_boxes(plates, lines, image, file)


def _plate(cells: list[str]) -> tuple[list[float], str]:
    """The four coordinates of an end plate, and its flag."""
    cells = cells[:-1] if cells and not cells[-1] else cells  # a comma at the end of the line
    if len(cells) not in (4, 5):
        raise ValueError(f"{len(cells)} values")
    return [number(cell) for cell in cells[:4]], cells[4] if len(cells) == 5 else ""


def _buu_boxes(plates: dict, lines: dict, image: Path, file: Path) -> Iterator[Box]:
    """The box around both end plates of each vertebra that has both."""
    for level in ("L1", "L2", "L3", "L4", "L5"):
        if f"{level}sup" in plates and f"{level}inf" in plates:
            (upper, flag), (lower, _) = plates[f"{level}sup"], plates[f"{level}inf"]
            xs, ys = upper[0::2] + lower[0::2], upper[1::2] + lower[1::2]
            yield Box(
                image, level, min(xs), min(ys), max(xs), max(ys), str(file), lines[f"{level}sup"], {"listhesis": flag}
            )
