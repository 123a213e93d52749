"""One pass over the films of a cohort: the facts about each film and each patch that a check needs.

Every film is opened once, by one of the workers; what comes back is small (numbers, 64-bit hashes and a 64 x
64 thumbnail a patch), so memory stays flat however many films there are.
"""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from ovcf.cohort.crop import crop_slices
from ovcf.cohort.films import read_film, read_header
from ovcf.cohort.films.greys import Odd
from ovcf.intake.check.burned_in import text_lines
from ovcf.intake.check.identity import header_facts
from ovcf.problems import InputError, Problem
from ovcf.processes import end_with_parent
from ovcf.progress import bar
from ovcf.words import BOX

THUMB = 64  # px; side of the thumbnails that near-duplicates are verified on
MODEL = 112  # px; the scale blur is judged at, about what a network sees
FILMS_A_WORKER = 16


class Places(NamedTuple):
    """Where each row of the patches table stands: the manifest and its line numbers (None for folders)."""

    table: pd.DataFrame
    file: Path
    lines: tuple[int, ...] | None

    def problem(
        self,
        kind: str,
        place: int,
        message: str,
        column: str | None = None,
        found: object | None = None,
        allowed: str | None = None,
    ) -> Problem:
        """A problem about the patch in that place."""
        row = self.lines[place] if self.lines else None
        file = str(self.file if self.lines else self.table["image"].iloc[place])
        patch = str(self.table["patch_id"].iloc[place])
        return Problem(kind, f"{patch}: {message}", file, row, column, found, allowed, patch)


def places_of(cohort: Any) -> Places:
    """The places of a cohort's patches; a cohort of ready patches in folders has no lines."""
    return Places(cohort.patches.reset_index(drop=True), cohort.source, cohort.lines)


class Facts(NamedTuple):
    """What was seen in one pass.

    `films` has a row a film (index: image), `patches` a row a patch in the cohort's order, `film_thumbs` and
    `patch_thumbs` uint8 (n, 64, 64) in the same orders; `problems` films that could not be read.
    """

    films: pd.DataFrame
    patches: pd.DataFrame
    film_thumbs: np.ndarray
    patch_thumbs: np.ndarray
    problems: list[Problem]


def gather(cohort: Any, *, workers: int | None = None, progress: bool = True) -> Facts:
    """Read every film of a cohort once.

    Parameters
    ----------
    cohort : Cohort
        As `read_cohort` returns it.
    workers : int, optional
        Processes; None for all cores.
    """
    from joblib import Parallel, cpu_count, delayed

    jobs = _jobs(cohort.patches)
    workers = max(1, min(workers or cpu_count(), len(jobs) // FILMS_A_WORKER))
    run = Parallel(n_jobs=workers, return_as="generator", batch_size=8 if workers > 1 else 1)
    results = run(delayed(_film)(str(cohort.root), image, boxes) for image, boxes in jobs)
    films, film_thumbs, patches, problems = [], [], {}, []
    for film, thumb, found, wrong in bar(results, total=len(jobs), desc="Films", unit="film", show=progress):
        films.append(film)
        film_thumbs.append(thumb)
        patches.update(found)
        problems += wrong
    rows = [patches[place] for place in range(len(cohort.patches))]
    return Facts(
        pd.DataFrame(films).set_index("image"),
        pd.DataFrame([facts for facts, _ in rows]),
        np.stack(film_thumbs),
        np.stack([thumb for _, thumb in rows]),
        problems,
    )


def _jobs(patches: pd.DataFrame) -> list[tuple[str, list]]:
    """Each image with its boxes and their places in the table."""
    jobs: dict[str, list] = {}
    boxes = patches[list(BOX)].to_numpy(float)
    for place, (image, box) in enumerate(zip(patches["image"], boxes, strict=True)):
        jobs.setdefault(image, []).append((place, box))
    return list(jobs.items())


def _film(root: str, image: str, boxes: list) -> tuple[dict, np.ndarray, dict, list[Problem]]:
    """Facts of one film and the patches on it; a film that cannot be read yields none, and the reason."""
    end_with_parent()
    path = Path(root) / image
    try:
        film, header = read_film(path), read_header(path)
    except InputError as error:
        blank = np.zeros((THUMB, THUMB), np.uint8)
        return {"image": image}, blank, {place: ({}, blank) for place, _ in boxes}, list(error.problems)
    greys, thumb = film.pixels, thumbnail(film.pixels)
    facts = {
        "image": image,
        "width": greys.shape[1],
        "height": greys.shape[0],
        "kind": header.kind,
        "bits": film.bits,
        "bytes": path.stat().st_size,
        "file_digest": _digest(path.read_bytes()),
        "pixel_digest": _digest(greys),
        "mm_per_px": film.mm_per_px,
        "spacing_origin": film.spacing_origin,
        "mean": float(greys.mean()),
        "sd": float(greys.std()),
        "hash": phash(thumb),
        "odd": "; ".join(note for note in film.notes if isinstance(note, Odd)),
        "text_lines": text_lines(greys, film.padding),
        **header_facts(path),
    }
    return facts, thumb, {place: _patch(greys, box) for place, box in boxes}, []


def _patch(greys: np.ndarray, box: np.ndarray) -> tuple[dict, np.ndarray]:
    """Facts of one patch, cut without margin, and its thumbnail."""
    ready = bool(np.isnan(box).any())
    crop = greys if ready else greys[crop_slices(greys.shape, box, 0.0)]
    thumb = thumbnail(crop)
    low, high = np.percentile(crop, [1, 99])
    return {
        "ready": ready,
        "width": crop.shape[1],
        "height": crop.shape[0],
        "mean": float(crop.mean()),
        "spread": float(high - low),
        "clipped": float(np.mean((crop <= 0) | (crop >= 1))),
        "detail": detail(crop),
        "digest": _digest(crop),
        "hash": phash(thumb),
        "hash_mirrored": phash(thumb[:, ::-1]),
        "hash_turned": phash(thumb[::-1]),
    }, thumb


def thumbnail(greys: np.ndarray) -> np.ndarray:
    """The greys at 64 x 64 as uint8, 1st to 99th percentile: a different exposure must not hide a copy."""
    small = np.asarray(Image.fromarray(np.asarray(greys, np.float32)).resize((THUMB, THUMB), Image.Resampling.BOX))
    low, high = np.percentile(small, [1, 99])
    return (np.clip((small - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)


def phash(thumb: np.ndarray) -> np.uint64:
    """The 64-bit perceptual hash (ImageHash's pHash: signs of the low frequencies against their median)."""
    import imagehash

    bits = imagehash.phash(Image.fromarray(np.ascontiguousarray(thumb))).hash
    return np.packbits(bits.ravel()).view(np.uint64)[0]


def detail(crop: np.ndarray) -> float:
    """Share of a patch's variance that lies in its finest structure at the network's scale; small means
    blurred.

    The variance of the Laplacian (Pech-Pacheco et al. 2000) over the variance of the greys, so that contrast
    and exposure cancel; 0 for a blank patch.
    """
    from scipy.ndimage import laplace

    image = Image.fromarray(np.asarray(crop, np.float32)).resize((MODEL, MODEL), Image.Resampling.BILINEAR)
    greys = np.asarray(image)
    variance = float(greys.var())
    return float(laplace(greys).var()) / variance if variance > 1e-8 else 0.0


def _digest(data) -> str:
    """16 bytes that are equal only for equal data (greys with their shape)."""
    shape = str(getattr(data, "shape", "")).encode()
    return hashlib.blake2b(shape + (data if isinstance(data, bytes) else data.tobytes()), digest_size=16).hexdigest()
