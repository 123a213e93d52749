"""From films to patches: crop a box with its margin, equalise, resize; a whole cohort into one array."""

import hashlib
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from ovcf.cohort.films import read_film
from ovcf.cohort.films.decoder import workers_may_die
from ovcf.files import check_room, kept, seal
from ovcf.problems import InputError, Problem
from ovcf.processes import end_with_parent
from ovcf.progress import bar
from ovcf.words import BOX

RECIPE = 2  # raise when the same inputs would give other pixels
FILMS_A_WORKER = 8  # with fewer films for each, the work is done before the workers have started
EQUALISATIONS = ("histogram", "clahe", "none")
# "none" still stretches linearly, as a reader would by hand; without tails a lead marker would set the range.
TAILS = (0.5, 99.5)  # percentiles of the crop
NEIGHBOUR = 1.3  # heights of a body that one body and its disc take along the spine
MARGIN_PERCENTILES = (5, 25, 50, 75, 95)  # of a cohort's margins
SIDEWAYS = 0.25  # widths of a body by which a neighbour may stand aside, on either side


class Preparation(NamedTuple):
    """How patches are prepared: see `crop_patch`; `margin_px` holds where a film's spacing is unknown.

    context : 0: the vertebra alone; 1: with one body on either side (`with_context`).
    """

    size: int
    margin_mm: float
    margin_px: float
    equalisation: str
    context: int = 0

    def as_dict(self) -> dict[str, Any]:
        """What the digest of prepared patches holds; without a context, the file keeps the name it had before."""
        return {name: value for name, value in self._asdict().items() if name != "context" or value}


def prepare_patches(
    cohort: Any, how: Preparation, out: Path, *, workers: int | None = None, progress: bool = True
) -> np.ndarray:
    """Crop all patches of a cohort, in the order of its table.

    Parameters
    ----------
    cohort
        What `read_cohort` returns.
    how
        Size, margins, equalisation, context.
    out
        Folder of the array. The file's name holds a digest of the films (path, size, time), boxes, spacing,
        parameters and recipe, so what was prepared once is opened, not made again.
    workers
        Processes; None for all cores.

    Returns
    -------
    uint8 memmap (n, size, size), read-only

    Raises
    ------
    InputError
        Naming every film that could not be read and the patches on it.
    """
    return prepare_each(cohort, [how], out, workers=workers, progress=progress)[0]


def prepare_each(
    cohort: Any, ways: Sequence[Preparation], out: Path, *, workers: int | None = None, progress: bool = True
) -> list[np.ndarray]:
    """Crop all patches of a cohort in several ways, and read each film once for all of them.

    Returns the arrays of `prepare_patches`, which says what goes in and is raised, in the order of `ways`.
    """
    targets = {}
    for how in ways:
        _check_parameters(how)
        name = f"patches-{how.equalisation}-{how.size}-{preparation_digest(cohort, **how.as_dict())}.npy"
        targets[how] = Path(out) / name
    if missing := {how: target for how, target in targets.items() if not kept(target)}:
        _make(cohort, missing, workers, progress)
    return [np.load(targets[how], mmap_mode="r") for how in ways]


def _make(cohort: Any, targets: dict[Preparation, Path], workers: int | None, progress: bool) -> None:
    """Fill arrays beside their places and put them there when whole."""
    folder = next(iter(targets.values())).parent
    folder.mkdir(parents=True, exist_ok=True)
    check_room(folder, sum(len(cohort.patches) * how.size**2 for how in targets), "patches")
    arrays = {how: target.with_name(f"{target.name}.{os.getpid()}.tmp") for how, target in targets.items()}
    try:
        for how, array in arrays.items():  # workers open them again by name
            np.lib.format.open_memmap(array, "w+", np.uint8, (len(cohort.patches), how.size, how.size))
        _fill(cohort, arrays, workers, progress)
        for how, target in targets.items():
            os.replace(arrays[how], target)
            seal(target)
    finally:
        for array in arrays.values():
            array.unlink(missing_ok=True)


def preparation_digest(cohort: Any, **parameters: Any) -> str:
    """Return 16 hex digits that change when any pixel of the prepared patches could."""
    digest = hashlib.blake2b(json.dumps([RECIPE, parameters], sort_keys=True).encode(), digest_size=8)
    patches = cohort.patches
    for image in patches["image"].unique():
        stat = _stat(Path(cohort.root) / image)
        digest.update(json.dumps([image, stat]).encode())
    boxes = patches[[*BOX, "mm_per_px"]].to_numpy(dtype=float)
    digest.update(json.dumps(patches["image"].tolist()).encode())
    digest.update(np.where(np.isnan(boxes), -1e300, boxes).tobytes())
    return digest.hexdigest()


def _stat(path: Path) -> list[int]:
    try:
        stat = path.stat()
    except OSError:
        return []  # reading it will say what is wrong
    return [stat.st_size, stat.st_mtime_ns]


def _check_parameters(how: Preparation) -> None:
    """Refuse parameters that make no patch, all at once."""
    problems = []
    limits = {"size": (8, 2048), "margin_mm": (0, 100), "margin_px": (0, 1000)}
    for name, (least, most) in limits.items():
        value = getattr(how, name)
        kinds = int if name == "size" else int | float
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            problems += [Problem("parameter", f"{name} out of range", found=str(value), allowed=f"{least} to {most}")]
    if how.equalisation not in EQUALISATIONS:
        problems += [
            Problem("parameter", "unknown equalisation", found=str(how.equalisation), allowed=", ".join(EQUALISATIONS))
        ]
    if problems:
        raise InputError(problems)


def _fill(cohort: Any, arrays: dict[Preparation, Path], workers: int | None, progress: bool) -> None:
    """Crop film by film, each by one worker that writes its rows itself."""
    from joblib import Parallel, cpu_count, delayed

    films = _films(cohort.patches)
    workers = max(1, min(workers or cpu_count(), len(films) // FILMS_A_WORKER))
    run = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=4 if workers > 1 else 1)
    jobs = (delayed(_crop_film)(str(Path(cohort.root) / image), rows, arrays) for image, rows in films)
    problems = []
    names = ", ".join(dict.fromkeys(how.equalisation for how in arrays))
    shown = bar(total=len(films), desc=f"Patches ({names})", unit="film", show=progress)
    with shown, workers_may_die(cohort.root):
        for found in run(jobs):
            problems += found
            shown.update()
    if problems:
        raise InputError(sorted(problems, key=lambda problem: str(problem.file)))


def _films(patches: pd.DataFrame) -> list[tuple[str, list[tuple]]]:
    """Group rows by film: (image, [(row, patch_id, box, spacing), ...])."""
    films: dict[str, list[tuple]] = {}
    columns = [patches[name].tolist() for name in ("image", "patch_id", *BOX, "mm_per_px")]
    for row, (image, patch_id, *box, mm_per_px) in enumerate(zip(*columns, strict=True)):
        films.setdefault(image, []).append((row, patch_id, box, mm_per_px))
    return list(films.items())


def _crop_film(film: str, rows: list[tuple], arrays: dict[Preparation, Path]) -> list[Problem]:
    """Read one film and write its patches into their rows; return what is wrong with it."""
    end_with_parent()
    try:
        pixels = read_film(film).pixels
    except InputError as error:
        ids = ", ".join(str(row[1]) for row in rows)
        return [problem._replace(message=f"{problem.message} (patches: {ids})") for problem in error.problems]
    for how, array in arrays.items():
        patches = np.load(array, mmap_mode="r+")  # (n, size, size); one film a row: writes never meet
        for row, _, box, mm_per_px in rows:
            patches[row] = cut_vertebra(pixels, box, mm_per_px, how)
    return []


def cut_vertebra(pixels: np.ndarray, box: Sequence[float], mm_per_px: float, how: Preparation) -> np.ndarray:
    """Cut one vertebra out of a film as a cohort's patches are prepared: uint8 (size, size); see `crop_patch`."""
    margin = margin_in_px(mm_per_px, how.margin_mm, how.margin_px)
    box = with_context(box, how.context)
    return crop_patch(pixels, box, margin_px=margin, size=how.size, equalisation=how.equalisation)


def crop_patch(pixels: np.ndarray, box: Any, *, margin_px: float, size: int, equalisation: str) -> np.ndarray:
    """Cut one vertebra out of a film, equalise it and bring it to `size` x `size`.

    The margin is clipped at the film's border: nothing is invented there, and a padded rim would enter the
    histogram. Equalisation comes before resizing, so it sees every pixel of the crop once. The aspect is not
    kept (the paper resizes all slices to 224 x 224). Resizing averages over the pixels it merges (Pillow's
    BILINEAR, the filter of torchvision's recipes), so a large crop does not alias.

    Parameters
    ----------
    pixels
        Film (height, width) in [0, 1].
    box
        x0, y0, x1, y1 in px, x to the right and y down; a pixel covers [i, i + 1), so the whole film is
        0, 0, width, height. None or nan: the film is a ready patch and is taken whole, without margin.

    Returns
    -------
    uint8 array (size, size)
    """
    if box is not None and not np.isnan(np.asarray(box, dtype=float)).any():
        rows, columns = crop_slices(pixels.shape, box, margin_px)
        pixels = pixels[rows, columns]
    greys = equalise(pixels, equalisation).astype(np.float32)
    resized = Image.fromarray(greys, mode="F").resize((size, size), Image.Resampling.BILINEAR)
    return np.clip(np.rint(np.asarray(resized) * 255), 0, 255).astype(np.uint8)


def crop_slices(shape: tuple[int, int], box: Any, margin_px: float) -> tuple[slice, slice]:
    """Return the rows and columns of a box with its margin, whole pixels, clipped at the film's border."""
    height, width = shape
    x0, y0, x1, y1 = map(float, box)
    spans = []
    for low, high, length in ((y0, y1, height), (x0, x1, width)):
        start = min(max(math.floor(low - margin_px), 0), length - 1)
        spans.append(slice(start, max(min(math.ceil(high + margin_px), length), start + 1)))
    return spans[0], spans[1]


def with_context(box: Sequence[float], context: int) -> tuple[float, ...]:
    """Return a box that holds `context` bodies above and below too; 0 leaves it as it is.

    A neighbour and the disc before it take `NEIGHBOUR` times the body's own height, and as much room to the sides as
    the curve of the spine needs; what lies outside the film is cut off later.
    """
    x0, y0, x1, y1 = map(float, box)
    up, aside = context * NEIGHBOUR * (y1 - y0), context * SIDEWAYS * (x1 - x0)
    return x0 - aside, y0 - up, x1 + aside, y1 + up


def margin_in_px(mm_per_px: float, margin_mm: float, margin_px: float) -> float:
    """Return the margin in px: `margin_mm` where the spacing is known, else `margin_px`."""
    known = mm_per_px is not None and math.isfinite(mm_per_px) and mm_per_px > 0
    return margin_mm / mm_per_px if known else float(margin_px)


def margins_of_width(patches: pd.DataFrame, margin_mm: float, margin_px: float) -> list[float]:
    """Return how wide the margins of a cohort are, as shares of the boxes' width at `MARGIN_PERCENTILES`.

    The median stands in the middle; an empty list where no patch has a box.
    """
    if "x0" not in patches or not (boxed := patches.dropna(subset=["x0"])).shape[0]:
        return []
    spacings = boxed["mm_per_px"] if "mm_per_px" in boxed else [math.nan] * len(boxed)
    margins = np.array([margin_in_px(mm, margin_mm, margin_px) for mm in spacings])
    return np.percentile(margins / (boxed["x1"] - boxed["x0"]).to_numpy(float), MARGIN_PERCENTILES).tolist()


def equalise(patch: np.ndarray, how: str) -> np.ndarray:
    """Return a patch's greys in [0, 1] after equalisation.

    "histogram" is global (the paper names no variant): each grey becomes the share of pixels no brighter (scikit-image,
    `equalize_hist`, 256 bins). "clahe" does so in tiles of a quarter with limited contrast
    (`equalize_adapthist`, clip limit 0.02). "none" stretches linearly, 0.5th to 99.5th percentile.
    A blank patch becomes mid-grey.
    """
    if how not in EQUALISATIONS:
        raise InputError(
            Problem("equalisation", "unknown equalisation", found=str(how), allowed=", ".join(EQUALISATIONS))
        )
    if patch.max() <= patch.min():
        return np.full(patch.shape, 0.5, dtype=np.float32)
    if how == "none":
        low, high = np.percentile(patch, TAILS)
        if high <= low:
            low, high = patch.min(), patch.max()
        return np.clip((patch - low) / (high - low), 0, 1)
    from skimage import exposure

    if how == "clahe":
        # In scikit-image's tiles of an eighth a crop has too few pixels for its clip limit: bright areas go
        # white.
        tile = [max(8, side // 4) for side in patch.shape]
        greys = np.clip(patch, 0, 1).astype(np.float64)
        return exposure.equalize_adapthist(greys, kernel_size=tile, clip_limit=0.02)
    return exposure.equalize_hist(patch)
