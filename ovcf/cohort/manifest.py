"""Read a cohort: a manifest and its films, or folders of ready patches; every problem at once."""

import json
import math
import os
import re
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

import numpy as np
import pandas as pd

from ovcf.cohort.columns import MANIFEST, SPACING_MM, STUDIES, held
from ovcf.cohort.films import FilmHeader, check_film, read_header
from ovcf.cohort.films.decoder import workers_may_die
from ovcf.cohort.ready import read_ready_patches
from ovcf.cohort.rows import Cells
from ovcf.cohort.table_file import read_table
from ovcf.problems import InputError, Problem
from ovcf.words import BOX, LABELS, region_of_level

FILMS_A_BATCH = 32
BORDER = 0.5  # px by which a box may pass the film's border: rounding, not a mistake
MOST_SETTINGS = 16 * 2**20  # bytes of cohort.json
ID_LENGTH = 200
REQUIRED = ("patch_id", "patient_id", "image", "label")
ALWAYS = tuple(MANIFEST)[: tuple(MANIFEST).index("region") + 1]  # in every table of patches, given or not
NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,17})?([eE][+-]?\d{1,2})?", re.ASCII)
OURS = ("image_width", "image_height", "image_kind", "spacing_origin", "fold")  # filled here or by the run


class Cohort(NamedTuple):
    """A cohort as read.

    `patches` has one row a vertebra (columns in data/README.md); `root` is what image paths are relative to;
    `studies` is the table behind Figure 1 (cells as text) or None; `settings` is what cohort.json says;
    `notes` are remarks on how it was read; `lines` are the patches' lines in the manifest, None for folders;
    `left_out` says of each row that is in the manifest and not in `patches` why.
    """

    patches: pd.DataFrame
    root: Path
    source: Path
    synthetic: bool = False
    studies: pd.DataFrame | None = None
    settings: dict | None = None
    notes: tuple[str, ...] = ()
    lines: tuple[int, ...] | None = None
    left_out: tuple[Problem, ...] = ()


def read_cohort(
    data: str | Path, *, allow_outside: bool = False, check_pixels: bool = True, workers: int | None = None
) -> Cohort:
    """Read a cohort and check all of it.

    Parameters
    ----------
    data
        A manifest CSV; a folder with manifest.csv; or a folder with `fresh/` and `old/` of ready patches.
    allow_outside
        Accept image paths that leave the manifest's folder (absolute, `..`, or by a symbolic link).
    check_pixels
        Prove that every film's pixels are whole; False reads headers only, for a cohort that passed before.
    workers
        Processes that check the films; None for all cores.

    Returns
    -------
    Cohort

    Raises
    ------
    InputError
        Holding every problem of the table and of its films, each with file, row and column.
    """
    data = Path(data)
    if data.is_dir() and not (data / "manifest.csv").is_file():
        source = root = data
        table, notes = read_ready_patches(data)
    else:
        source = data / "manifest.csv" if data.is_dir() else data
        root = source.parent
        table, notes = read_table(source, MANIFEST, required=REQUIRED)
    cells = Cells(table, source, MANIFEST)
    check = check_film if check_pixels else read_header
    patches, headers = _checked(cells, root, allow_outside, check, workers)
    kept, left_out = _with_their_box(cells, patches)
    notes = [*notes, *(f"column {name} is not read from a manifest" for name in OURS if name in table)]
    notes += [f"{len(left_out)} rows left out: {left_out[0]}"] if left_out else []
    lines = None if source.is_dir() else tuple(table["row"][kept])
    settings = _settings(root / "cohort.json")
    patches = _finished(patches[kept].reset_index(drop=True), headers)
    synthetic = settings.get("synthetic") is True
    return Cohort(patches, root, source, synthetic, _studies(root), settings, tuple(notes), lines, left_out)


def _checked(cells: Cells, root: Path, allow_outside: bool, check, workers: int | None):
    """Return the patches table and the film headers by image, or raise all that is wrong with either."""
    patches = _values(cells)
    patches["image"] = _paths(cells, root, allow_outside)
    headers = _film_headers(cells, root, patches["image"], check, workers)
    _check_ids(cells)
    _check_boxes(cells, patches, headers)
    _check_sizes(cells, patches, headers)
    _check_twice(cells, patches)
    if not len(patches):
        cells.add("empty", "no row stands below the header", None)
    for label in LABELS:
        if (patches["label"] != "").any() and not (patches["label"] == label).any():
            cells.add("one_class", f"no row is labelled {label}: a study needs both classes", None, "label")
    if cells.problems:
        raise InputError(sorted(cells.problems, key=lambda problem: problem.row or 0))
    return patches, headers


def _values(cells: Cells) -> pd.DataFrame:
    """Turn cells into the columns of the patches table; problems stay in `cells`."""
    values = {name: cells.values(name) for name in MANIFEST if name in ALWAYS or name in cells.table}
    values["mm_per_px"] = _spacings(cells, values["mm_per_px"])
    values["region"] = [
        region or region_of_level(level) for region, level in zip(values["region"], values["level"], strict=True)
    ]
    extra = [name for name in cells.table if name not in (*values, *OURS, "row")]
    return pd.DataFrame(values | {name: _as_it_came(name, cells.column(name)) for name in extra})


def _spacings(cells: Cells, values: list[float]) -> list[float]:
    """Return the spacings given, nan where none is or it is 0; within the limits that hold for headers too."""
    for (row, cell), value in zip(cells.rows("mm_per_px"), values, strict=True):
        if 0 < value < SPACING_MM[0]:
            allowed = cells.columns["mm_per_px"].allowed
            cells.add("number", "not a number this column can hold", row, "mm_per_px", cell, allowed)
    return [value or math.nan for value in values]


def _as_it_came(name: str, column: list[str]) -> list:
    """Return a further column as numbers where all its cells are or are missing, else as text; 007 stays text."""
    filled = [cell for cell in column if held(cell)]
    if name.lower().endswith("id") or not filled or not all(map(NUMBER.fullmatch, filled)):
        return column
    return [float(cell) if held(cell) else math.nan for cell in column]


def _paths(cells: Cells, root: Path, allow_outside: bool) -> list[str]:
    """Return image paths relative to the root with forward slashes, accents as on disk; refuse those that leave it."""
    inside, found = root.resolve(), {}
    for row, cell in cells.rows("image"):
        path = cell.replace("\\", "/")
        if cell and cell not in found:
            found[cell] = _on_disk(PurePosixPath(path).as_posix(), root)
            if not allow_outside and _leaves(path, root, inside):
                found[cell] = ""
        if cell and not found[cell]:
            cells.add(
                "path_outside",
                "the path leaves the manifest's folder (--allow-outside accepts it)",
                row,
                "image",
                cell,
                "a path below the folder of the manifest",
            )
    return [found.get(cell, "") for cell in cells.column("image")]


def _on_disk(path: str, root: Path) -> str:
    """Return a path with its accents stored as the file's name has them: as one letter (NFC) or two (NFD)."""
    if path.isascii():
        return path
    spellings = (path, *(unicodedata.normalize(form, path) for form in ("NFC", "NFD")))
    return next((spelling for spelling in spellings if os.path.lexists(root / spelling)), path)


def _leaves(path: str, root: Path, inside: Path) -> bool:
    """Whether a path leads out of the folder: absolute, by `..`, or through a symbolic link."""
    if PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive or ".." in PurePosixPath(path).parts:
        return True
    try:
        return not (root / path).resolve().is_relative_to(inside)
    except (OSError, ValueError, RuntimeError):  # a loop of links, a zero byte: reading it will say so
        return False


def _film_headers(cells: Cells, root: Path, images: pd.Series, check, workers: int | None) -> dict:
    """Check every film once, on all cores; return the headers (FilmHeader) of the good ones by image."""
    from joblib import Parallel, cpu_count, delayed

    rows: dict[str, list[int]] = {}
    for row, image in zip(cells.table["row"].tolist(), images, strict=True):
        rows.setdefault(image, []).append(row)
    rows.pop("", None)
    unique = list(rows)
    batches = [unique[start : start + FILMS_A_BATCH] for start in range(0, len(unique), FILMS_A_BATCH)]
    run = Parallel(n_jobs=max(1, min(workers or cpu_count(), len(batches) // 2)))
    with workers_may_die(root):
        checked = run(delayed(_check_batch)(str(root), batch, check) for batch in batches)
    headers = {}
    for image, result in (pair for pairs in checked for pair in pairs):
        if isinstance(result, FilmHeader):
            headers[image] = result
        else:
            also = f" (also rows {', '.join(map(str, rows[image][1:]))})" if rows[image][1:] else ""
            cells.add(
                result.kind, f"{image}: {result.message}{also}", rows[image][0], "image", result.found, result.allowed
            )
    return headers


def _check_batch(root: str, images: list[str], check) -> list[tuple[str, FilmHeader | Problem]]:
    """Check some films in one process; a film's first problem is enough."""
    results = []
    for image in images:
        try:
            results.append((image, check(Path(root) / image)))
        except InputError as error:
            results.append((image, error.problems[0]))
    return results


def _check_ids(cells: Cells) -> None:
    """Ids are unique, of moderate length and can be printed."""
    seen: dict[str, int] = {}
    for row, cell in cells.rows("patch_id"):
        if cell in seen:
            cells.add("duplicate_patch", f"this patch_id stands in row {seen[cell]} as well", row, "patch_id", cell)
        elif cell:
            seen[cell] = row
    for name in ("patch_id", "patient_id"):
        for row, cell in cells.rows(name):
            if len(cell) > ID_LENGTH or not cell.isprintable():
                cells.add(
                    "bad_id",
                    "an id must be printable and short",
                    row,
                    name,
                    cell[:ID_LENGTH],
                    f"at most {ID_LENGTH} characters",
                )


def _check_boxes(cells: Cells, patches: pd.DataFrame, headers: dict[str, FilmHeader]) -> None:
    """Boxes are whole, have an area and lie on their film."""
    filled = list(zip(*(cells.column(name) for name in BOX), strict=True))
    boxes = patches[list(BOX)].to_numpy(dtype=float)
    rows = cells.table["row"].tolist()
    for row, texts, box, image in zip(rows, filled, boxes.tolist(), patches["image"], strict=True):
        if any(texts) and not all(texts):
            cells.add(
                "partial_box",
                "a box needs all four coordinates or none",
                row,
                ", ".join(name for name, text in zip(BOX, texts, strict=True) if not text),
                ", ".join(text or "(empty)" for text in texts),
            )
        if any(map(math.isnan, box)):
            continue
        x0, y0, x1, y1 = box
        shown = f"{x0:g}, {y0:g}, {x1:g}, {y1:g}"
        if x1 - x0 < 1 or y1 - y0 < 1:
            cells.add(
                "zero_area_box",
                "the box has no area",
                row,
                "x0, y0, x1, y1",
                shown,
                "x1 > x0 and y1 > y0, by 1 px or more",
            )
        header = headers.get(image)
        if header and (min(x0, y0) < -BORDER or x1 > header.width + BORDER or y1 > header.height + BORDER):
            cells.add(
                "box_outside",
                "the box leaves the image",
                row,
                "x0, y0, x1, y1",
                shown,
                f"x 0 to {header.width}, y 0 to {header.height}",
            )


def _check_sizes(cells: Cells, patches: pd.DataFrame, headers: dict[str, FilmHeader]) -> None:
    """A manifest that says how large its films are speaks of these films: boxes drawn at another size miss."""
    stated = {name: cells.column(name) for name in ("image_width", "image_height")}
    for k, (row, image) in enumerate(zip(cells.table["row"].tolist(), patches["image"], strict=True)):
        for name, side in (("image_width", "width"), ("image_height", "height")):
            cell, header = held(stated[name][k]), headers.get(image)
            if header and NUMBER.fullmatch(cell) and float(cell) != getattr(header, side):
                message = f"the film's {side} is another: its boxes were drawn at another size, or on another film"
                cells.add("other_size", message, row, name, cell, f"{getattr(header, side)} px")


def _with_their_box(cells: Cells, patches: pd.DataFrame) -> tuple[np.ndarray, tuple[Problem, ...]]:
    """Return which rows are patches (bool), and the others: without a box on a film whose other rows have one.

    An empty box means that the picture is a ready patch. On a film with boxes it means that one was forgotten, and
    the whole film as a patch would be a vertebra like no other.
    """
    without = patches[list(BOX)].isna().all(axis=1)
    forgotten = (without & ~without.groupby(patches["image"]).transform("all")).to_numpy(dtype=bool)
    message = "no box, though other rows of this film have one: not a patch until it has"
    left_out = tuple(
        Problem("forgotten_box", f"{patch_id}: {message}", str(cells.path), row, ", ".join(BOX))
        for patch_id, row in zip(patches["patch_id"][forgotten], cells.table["row"][forgotten], strict=True)
    )
    return ~forgotten, left_out


def _check_twice(cells: Cells, patches: pd.DataFrame) -> None:
    """The same box of the same film may be listed once."""
    seen: dict[tuple, int] = {}
    empty = [tuple(not cell for cell in cells.column(name)) for name in BOX]
    unread = (patches[list(BOX)].isna().to_numpy() & ~np.array(empty, dtype=bool).T).any(axis=1)
    keys = zip(patches["image"], *(patches[name].fillna(-1e9) for name in BOX), strict=True)
    for row, key, skip in zip(cells.table["row"].tolist(), keys, unread.tolist(), strict=True):
        if not key[0] or skip:  # what could not be read is no twin of anything
            continue
        if key in seen:
            cells.add("listed_twice", f"the same image and box as in row {seen[key]}", row, "image", key[0])
        else:
            seen[key] = row


def _finished(patches: pd.DataFrame, headers: dict[str, FilmHeader]) -> pd.DataFrame:
    """Add what the films' headers know: size, kind, and spacing where the manifest has none."""
    films = [headers[image] for image in patches["image"]]
    given = patches["mm_per_px"].notna()
    spacing = pd.Series([film.mm_per_px for film in films], dtype=float)
    patches["mm_per_px"] = patches["mm_per_px"].fillna(spacing)
    origins = pd.Series([film.spacing_origin for film in films], dtype=object)
    patches["spacing_origin"] = origins.mask(given, "manifest")
    patches["image_width"] = [film.width for film in films]
    patches["image_height"] = [film.height for film in films]
    patches["image_kind"] = [film.kind for film in films]
    return patches


def _settings(path: Path) -> dict:
    """Return cohort.json, which says how a cohort was made; an empty dict where there is none."""
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > MOST_SETTINGS:
            raise ValueError("larger than any settings")
        settings = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(settings, dict):
            raise ValueError("not a JSON object")
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(Problem("settings", f"cannot be read: {error}", str(path))) from error
    return settings


def _studies(root: Path) -> pd.DataFrame | None:
    """Return studies.csv beside the manifest, cells as text that can be read as their columns want; None without."""
    path = root / "studies.csv"
    if not path.is_file():
        return None
    table, _ = read_table(path, STUDIES, required=("patient_id",))
    cells = Cells(table, path, STUDIES)
    for name in table.columns.intersection(list(STUDIES)):
        cells.values(name)
    if cells.problems:
        raise InputError(cells.problems)
    return table.drop(columns="row")
