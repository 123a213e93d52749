"""Films for an annotator's page: read in the background before they are wanted, 16 bits deep at their own size."""

from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ovcf.cohort.films import read_film
from ovcf.words import rounded

FILM_EDGE = 4096  # px of the longer edge that travel to the page
KEPT = 4  # films in memory, each of up to 25 MB
SMALL_EDGE = 1500  # px of the longer edge of the copy by which boxes are proposed


class ShownFilm(NamedTuple):
    """A film as it travels: greys (16 bits, little-endian), size of what travels, film px for each of its px."""

    greys: bytes
    width: int
    height: int
    scale: float
    small: NDArray[np.float32]  # every `every`-th pixel
    every: int
    notes: tuple[str, ...]
    spacing: str

    @property
    def values(self) -> dict[str, Any]:
        """What a page is told with the greys."""
        about = {"notes": list(self.notes), "spacing": self.spacing}
        return {"ready": True, "width": self.width, "height": self.height, "scale": self.scale} | about


class Films:
    """The last few films, and those on their way."""

    def __init__(self) -> None:
        # half a second, not at the first proposal; not in a thread, where imports can wait for one another for ever
        import_module("skimage.feature")
        self._pool = ThreadPoolExecutor(1)
        self._films: OrderedDict[Path, Future] = OrderedDict()

    def ask(self, path: Path) -> ShownFilm | None:
        """Return a film that is there, else begin to read it and return None.

        Raises InputError for a film that cannot be read.
        """
        if path not in self._films:
            self._films[path] = self._pool.submit(shown_film, path)
        self._films.move_to_end(path)
        while len(self._films) > KEPT:
            self._films.popitem(last=False)[1].cancel()
        film = self._films[path]
        return film.result() if film.done() else None

    def small(self, path: Path) -> tuple[NDArray[np.float32], int] | None:
        """Return a film's small copy and its step, None where it is not there (yet)."""
        film = self._films.get(path)
        if film is None or not film.done() or film.exception() is not None:
            return None
        return film.result().small, film.result().every


def shown_film(path: Path) -> ShownFilm:
    """Read a film as an annotator sees it; whole steps keep a box on the page a box on the film."""
    film = read_film(path)
    step, every = (-(-max(film.pixels.shape) // edge) for edge in (FILM_EDGE, SMALL_EDGE))
    pixels = np.clip(film.pixels[::step, ::step], 0, 1)
    greys = np.round(pixels * 65535).astype("<u2")
    known = film.mm_per_px == film.mm_per_px
    spacing = f"{rounded(film.mm_per_px, 3)} mm a px ({film.spacing_origin})" if known else "size of a pixel unknown"
    small = np.ascontiguousarray(film.pixels[::every, ::every])
    height, width = greys.shape
    return ShownFilm(greys.tobytes(), width, height, float(step), small, every, film.notes, spacing)
