"""Own case: a film of one's own, boxes drawn on it, and what the final model says.

The numbers are `ovcf.predict.ask`'s, as those of `ovcf predict`; the page only shows them.
"""

import json
import shlex
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ovcf import predict
from ovcf.files import digest
from ovcf.predict.films import MISMATCH, among
from ovcf.problems import InputError
from ovcf.scratch import Scratch
from ovcf.viz.gallery import network_name
from ovcf.viz.image_data import png_bytes, thumbnail
from ovcf.viz.maps import draw_map
from ovcf.viz.sheet import sheet_html
from ovcf.viz.widget import VIEWER, Asked, script, style
from ovcf.words import rounded

FILM_EDGE = 2048  # px of the longer edge that travel to the page, 16 bits deep
SIMILAR = 5  # patches of the run beside an answer
LARGEST_UPLOAD = 512 * 2**20


class OwnCase(Asked):
    """Ask the final model of a run about vertebrae of one film.

    Parameters
    ----------
    run : path
        Run folder with `model/`.
    model : callable, optional
        Returns the loaded model; by default it is loaded when first asked.
    study : Study, optional
        For pictures of similar patches, and to know the run's own films; without it patches are named only.
    """

    _esm = script("common.js", *VIEWER, "own_answer.js", "own_boxes.js", "own_size.js", "own_case.js")
    _css = style("base.css", "own_case.css")
    takes_buffers = ("piece",)

    def __init__(self, run: str | Path, *, model: Any | None = None, study: Any | None = None) -> None:
        super().__init__()
        self.run, self.study = Path(run), study
        self._model = model or (lambda: predict.load_model(run))
        # uploads live in a folder that goes with the kernel, under names that come from no one
        self._folder = Scratch("case")
        self._uploads = {}
        self.film, self.path, self.name, self.known = None, None, "", False
        self.answers = []

    def answer_hello(self) -> Any:
        """What the model was trained on, before anything is asked of it."""
        card = self._card()
        if card is None:
            return {"trained_on": "", "synthetic": False, "problem": "This run holds no final model."}, []
        words = predict.trained_on(card)
        return {"trained_on": f"{network_name(card['network'])}. {words}", "synthetic": bool(card.get("synthetic"))}, []

    def _card(self) -> dict | None:
        """The model's card, without the model: torch takes seconds."""
        try:
            return json.loads((self.run / "model" / "card.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

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
        self.known, self.answers = self._is_synthetic(path), []
        pixels, scale = reduced(film.pixels)
        height, width = film.pixels.shape
        mm, card = film.mm_per_px, self._card() or {}
        stranger = bool(card.get("synthetic")) and not self.known
        return {
            "name": name,
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "scale": scale,
            "film_width": width,
            "film_height": height,
            "mm_per_px": mm if mm == mm else None,
            "spacing": f"{rounded(mm, 3)} mm ({film.spacing_origin})" if mm == mm else "unknown",
            "notes": list(film.notes),
            "mismatch": f"{MISMATCH[0].upper()}{MISMATCH[1:]}." if stranger else "",
        }, [pixels.astype("<u2").tobytes()]

    def _is_synthetic(self, path: Path) -> bool:
        """Whether the film was drawn by this software: it lies in such a cohort, or is a copy of one of the run's."""
        if predict.drawn_here(path):
            return True
        if self.study is None or not self.study.synthetic:
            return False
        try:
            root = self.study.films_root
        except (OSError, ValueError):  # films drawn by this software that are drawn no more
            return False
        return among(path, (root / image for image in self.study.patches["image"].unique()))

    # Asking ---------------------------------------------------------------------------------------------

    def answer_predict(
        self,
        boxes: Sequence[Sequence[float]],
        mm_per_px: float | None = None,
        flip: bool = False,
        accept: bool = False,
    ) -> Any:
        """The model's answers for boxes of the loaded film, with what the network sees and similar patches."""
        if self.film is None:
            raise ValueError("load a film first")
        model = self._loaded()
        how = {"mm_per_px": mm_per_px, "flip": bool(flip), "known": self.known}
        predict.refuse_mismatch(model.card, self.name, known=self.known, accepted=bool(accept))
        prepared, answers = predict.ask(self.film, boxes, model, **how)
        sha256 = digest(self.path)
        self.answers = [answer | {"film": self.name, "film_sha256": sha256} for answer in answers]
        command = self._command(boxes, mm_per_px, flip, accept)
        shown = [self._shown(one, answer, model) for one, answer in zip(prepared, self.answers, strict=True)]
        return {
            "answers": [values | {"command": command} for values, _ in shown],
        }, [picture for _, pictures in shown for picture in pictures]

    def _shown(self, prepared: predict.Prepared, answer: dict, model: Any) -> tuple[dict, list[bytes]]:
        """An answer as the page shows it; its patch, its map and thumbnails of similar patches."""
        near = model.similar(prepared.patch, SIMILAR)
        whose = f"By {network_name(model.network)}, the final model."
        picture, note = draw_map(model, prepared.patch, answer["called"], whose)
        more = {
            "network_name": network_name(answer["network"]),
            "similar": near[["patch_id", "label", "level", "distance"]].to_dict("records"),
            "map_note": note,
            "research": answer["research_use_only"],
        }
        return answer | more, [png_bytes(prepared.patch), picture, *self._thumbnails(near)]

    def answer_sheet(self, number: int) -> Any:
        """One of the last answers as a page to save or print, with film, box and map."""
        if not 0 <= int(number) < len(self.answers):
            raise ValueError("ask the model first")
        html = sheet_html(self.film, [self.answers[int(number)]], self._loaded())
        return {"html": html, "name": f"ovcf-answer-{_plain(self.name)}-{int(number) + 1}.html"}, []

    def _loaded(self) -> Any:
        return self._model() or predict.load_model(self.run)

    def _thumbnails(self, near) -> list[bytes]:
        if self.study is None:
            return [png_bytes(np.zeros((2, 2), np.uint8))] * len(near)
        position = {patch_id: i for i, patch_id in enumerate(self.study.patches["patch_id"])}
        return [thumbnail(self._images[position[p]]) for p in near["patch_id"]]

    @cached_property
    def _images(self):
        return self.study.images()

    def _command(self, boxes, mm_per_px, flip, accept) -> str:
        uploaded = self._folder.path in self.path.parents
        words = [f"ovcf predict {shlex.quote(str(self.name if uploaded else self.path))}"]
        words += ["--box " + ",".join(f"{v:g}" for v in box) for box in boxes]
        words += [f"--mm-per-px {mm_per_px!r}"] if mm_per_px is not None else []
        words += ["--flip"] * bool(flip) + [predict.ACCEPT] * bool(accept)
        return " ".join([*words, f"--run {shlex.quote(str(self.run))}"])


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


def _plain(name: str) -> str:
    """A film's name as part of another file's name."""
    return "".join(c if c.isalnum() else "-" for c in Path(name).stem)[:60] or "film"
