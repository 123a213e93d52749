"""Read a cohort: a manifest and its films, or folders of ready patches; every problem at once."""

import json
import math
import os
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

import pandas as pd

from ovcf.cohort.columns import MANIFEST, SPACING_MM, STUDIES, held
from ovcf.cohort.films import FilmHeader, check_film, read_header
from ovcf.cohort.films.decoder import workers_may_die
from ovcf.cohort.ready import read_ready_patches
from ovcf.cohort.row_checks import NUMBER, check_boxes, check_ids, check_sizes, check_twice, with_their_box
from ovcf.cohort.rows import Cells
from ovcf.cohort.table_file import read_table
from ovcf.problems import InputError, Problem
from ovcf.words import LABELS, region_of_level

FILMS_A_BATCH = 32
HEADERS_A_BATCH = 1024  # of films whose header is read alone; for fewer a worker takes longer to begin than it saves
MOST_SETTINGS = 16 * 2**20  # bytes of cohort.json
REQUIRED = ("patch_id", "patient_id", "image", "label")
ALWAYS = tuple(MANIFEST)[: tuple(MANIFEST).index("region") + 1]  # in every table of patches, given or not
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
    data, root = Path(data), root_of(data)
    if data.is_dir() and not (data / "manifest.csv").is_file():
        source = data
        table, notes = read_ready_patches(data)
    else:
        source = data / "manifest.csv" if data.is_dir() else data
        table, notes = read_table(source, MANIFEST, required=REQUIRED)
    cells = Cells(table, source, MANIFEST)
    check = check_film if check_pixels else read_header
    patches, headers = _checked(cells, root, allow_outside, check, workers)
    kept, left_out = with_their_box(cells, patches)
    notes = [*notes, *(f"column {name} is not read from a manifest" for name in OURS if name in table)]
    notes += [f"{len(left_out)} rows left out: {left_out[0]}"] if left_out else []
    lines = None if source.is_dir() else tuple(table["row"][kept])
    settings = _settings(root / "cohort.json")
    patches = _finished(patches[kept].reset_index(drop=True), headers)
    synthetic = settings.get("synthetic") is True
    return Cohort(patches, root, source, synthetic, _studies(root), settings, tuple(notes), lines, left_out)


def root_of(data: str | Path) -> Path:
    """Return the folder that the paths of a cohort's films start from: its own, or its manifest's."""
    return Path(data) if Path(data).is_dir() else Path(data).parent


def _checked(cells: Cells, root: Path, allow_outside: bool, check, workers: int | None):
    """Return the patches table and the film headers by image, or raise all that is wrong with either."""
    patches = _values(cells)
    patches["image"] = _paths(cells, root, allow_outside)
    headers = _film_headers(cells, root, patches["image"], check, workers)
    check_ids(cells)
    check_boxes(cells, patches, headers)
    check_sizes(cells, patches, headers)
    check_twice(cells, patches)
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
    size = HEADERS_A_BATCH if check is read_header else FILMS_A_BATCH
    batches = [unique[start : start + size] for start in range(0, len(unique), size)]
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
