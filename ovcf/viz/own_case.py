"""Own case: a film of one's own, a box drawn on it, and what the final model says.

The number is `ovcf.predict.predict_case`'s; the page only shows it.
"""

import shlex
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ovcf import predict
from ovcf.problems import InputError
from ovcf.scratch import Scratch
from ovcf.viz.gallery import network_name
from ovcf.viz.image_data import png_bytes, thumbnail
from ovcf.viz.maps import draw_map
from ovcf.viz.widget import VIEWER, Asked, script, style

FILM_EDGE = 2048  # px of the longer edge that travel to the page, 16 bits deep
LARGEST_UPLOAD = 512 * 2**20


class OwnCase(Asked):
    """Ask the final model of a run about one vertebra.

    Parameters
    ----------
    run : path
        Run folder with `model/`.
    model : callable, optional
        Returns the loaded model; by default it is loaded when first asked.
    study : Study, optional
        For pictures of similar patches; without it they are named only.
    """

    _esm = script("common.js", *VIEWER, "own_answer.js", "own_case.js")
    _css = style("base.css", "own_case.css")
    takes_buffers = ("piece",)

    def __init__(self, run: str | Path, *, model: Any | None = None, study: Any | None = None) -> None:
        super().__init__()
        self.run, self.study = Path(run), study
        self._model = model or (lambda: predict.load_model(run))
        # uploads live in a folder that goes with the kernel, under names that come from no one
        self._folder = Scratch("case")
        self._uploads = {}
        self.film, self.path, self.name = None, None, ""

    # Loading --------------------------------------------------------------------------------------------

    def answer_upload(self, name: str, size: int) -> Any:
        """Begin an upload; its pieces follow."""
        if not 0 < int(size) <= LARGEST_UPLOAD:
            raise ValueError(f"a film of {size} bytes cannot be taken; at most {LARGEST_UPLOAD}")
        number = str(len(self._uploads))
        path = self._folder.path / f"film{number}{_suffix(name)}"
        path.touch()
        self._uploads[number] = (path, str(name)[:200], int(size))
        return {"upload": number}, []

    def answer_piece(self, upload: str, at: int, buffers: Sequence[Any]) -> Any:
        """Write one piece of an upload at its place."""
        path, _, size = self._uploads[str(upload)]
        piece = bytes(buffers[0])
        if at < 0 or at + len(piece) > size:
            raise ValueError("a piece of the upload lies outside the file")
        with path.open("r+b") as file:
            file.seek(at)
            file.write(piece)
        return {}, []

    def answer_uploaded(self, upload: str) -> Any:
        """Read an uploaded film once all its pieces are there."""
        path, name, size = self._uploads[str(upload)]
        if path.stat().st_size != size:
            raise ValueError("the upload is not complete; load the film again")
        try:
            return self._load(path, name)
        except InputError as error:  # the user knows the film by its own name
            raise ValueError(str(error).replace(str(path), name)) from error

    def answer_path(self, path: str) -> Any:
        """Read a film where the program runs."""
        return self._load(Path(path).expanduser(), Path(path).name)

    def _load(self, path, name):
        from ovcf.cohort.films import read_film

        film = read_film(path)
        self.film, self.path, self.name = film, path, name
        pixels, scale = reduced(film.pixels)
        height, width = film.pixels.shape
        mm = film.mm_per_px
        return {
            "name": name,
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "scale": scale,
            "film_width": width,
            "film_height": height,
            "spacing": f"{mm:.3f} mm ({film.spacing_origin})" if mm == mm else "unknown (margin in px)",
            "notes": list(film.notes),
        }, [pixels.astype("<u2").tobytes()]

    # Asking ---------------------------------------------------------------------------------------------

    def answer_predict(self, box: Sequence[float]) -> Any:
        """The model's answer for a box of the loaded film, with what the network sees and similar patches."""
        if self.film is None:
            raise ValueError("load a film first")
        model = self._model() or predict.load_model(self.run)
        prepared = predict.prepare_case(self.film, box, model)
        answer = predict.answer_for(prepared, model)
        near = model.similar(prepared.patch, 5)
        whose = f"By {network_name(model.network)}, the final model."
        picture, note = draw_map(model, prepared.patch, answer["called"], whose)
        answer |= {
            "network_name": network_name(answer["network"]),
            "similar": near[["patch_id", "label", "level", "distance"]].to_dict("records"),
            "map_note": note,
            "alike": f"Distance to the training patches {answer['distance']:.2f}: not unusual.",
            "research": answer["research_use_only"],
            "command": self._command(prepared.box),
        }
        thumbs = self._thumbnails(near)
        return answer, [png_bytes(prepared.patch), picture, *thumbs]

    def _thumbnails(self, near) -> list[bytes]:
        if self.study is None:
            return [png_bytes(np.zeros((2, 2), np.uint8))] * len(near)
        position = {patch_id: i for i, patch_id in enumerate(self.study.patches["patch_id"])}
        return [thumbnail(self._images[position[p]]) for p in near["patch_id"]]

    @cached_property
    def _images(self):
        return self.study.images()

    def _command(self, box) -> str:
        uploaded = self._folder.path in self.path.parents
        shown = self.name if uploaded else self.path
        box = ",".join(f"{v:g}" for v in box)
        return f"ovcf predict {shlex.quote(str(shown))} --box {box} --run {shlex.quote(str(self.run))}"


def reduced(pixels: np.ndarray) -> tuple[np.ndarray, float]:
    """Grey values as 16 bits (0 to 65535), the longer edge at most `FILM_EDGE` px, and film px per sent px.

    Whole steps: every n-th pixel keeps the scale exact, so that a box on the page is a box on the film.
    """
    step = -(-max(pixels.shape) // FILM_EDGE)
    grey = np.clip(pixels[::step, ::step], 0, 1) * 65535
    return np.round(grey).astype(np.uint16), float(step)


def _suffix(name) -> str:
    """The ending of an uploaded name if it is a plain one (DICOM files are told from pictures by content)."""
    suffix = Path(str(name)).suffix.lower()
    return suffix if suffix[1:].isalnum() and len(suffix) <= 6 else ""
