"""Answers about one film as one page to save or print: film with its boxes, patches with their maps, every caution.

Self-contained and without script, under a policy that lets it ask nobody for anything.
"""

import base64
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from ovcf.files import write_text
from ovcf.predict import RESEARCH, prepare_case
from ovcf.predict.answer import sided
from ovcf.viz.gallery import network_name
from ovcf.viz.image_data import data_uri, jpeg_bytes, png_bytes
from ovcf.viz.maps import draw_map
from ovcf.words import rounded

FILM_EDGE = 1000  # px of the longer edge on the page
FACTS = {
    "film": "Film",
    "film_sha256": "SHA-256 of the film",
    "size": "Size of the film, px",
    "box": "Box (x0 y0 x1 y1, px of the film)",
    "flip": "Turned left to right",
    "mm_per_px": "Size of a pixel, mm",
    "spacing_origin": "Said by",
    "margin_px": "Margin, px",
    "margin_from": "Margin by",
    "digest": "Model",
}


def write_sheet(path: Path, film: Any, answers: list[dict], model: Any) -> Path:
    """Write the page of answers about one film.

    Parameters
    ----------
    path : file to write
    film : path of the film, or a film already read
    answers : of `ovcf.predict.predict_cases`
    model : FinalModel that gave them

    Raises
    ------
    OSError : where the file cannot be written.
    """
    write_text(Path(path), sheet_html(film, answers, model))
    return Path(path)


def sheet_html(film: Any, answers: list[dict], model: Any) -> str:
    """Return the page of answers about one film as HTML."""
    from ovcf.cohort.films import read_film

    film = film if hasattr(film, "pixels") else read_film(film)
    loader = Environment(loader=PackageLoader("ovcf.viz", "."), autoescape=True, undefined=StrictUndefined)
    loader.filters["rounded"] = rounded
    style = loader.get_template("sheet.css").render()
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    height, width = film.pixels.shape
    return loader.get_template("sheet.html.j2").render(
        policy=f"default-src 'none'; img-src data:; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'",
        style=style,
        research=RESEARCH,
        network=network_name(model.network),
        width=width,
        height=height,
        line=max(width, height) / 400,
        picture=data_uri(jpeg_bytes(film.pixels, longest=FILM_EDGE)),
        cases=[_case(film, answer, model) for answer in answers],
    )


def _case(film: Any, answer: dict, model: Any) -> dict:
    """What the page shows of one answer."""
    prepared = prepare_case(film, answer["box"], model, mm_per_px=answer["mm_per_px"], flip=answer["flip"])
    colours, note = draw_map(model, prepared.patch, answer["called"], f"By {network_name(model.network)}.")
    height, width = film.pixels.shape
    known = answer | {"size": f"{width} x {height}", "flip": "yes" if answer["flip"] else "no"}
    facts = [(title, _words(known.get(name))) for name, title in FACTS.items() if known.get(name) is not None]
    x0, y0, x1, y1 = answer["box"]
    place = {"x": x0, "y": y0, "w": x1 - x0, "h": y1 - y0}
    pictures = {"patch": data_uri(png_bytes(prepared.patch)), "map": data_uri(colours)}
    words = {"p_words": sided(answer["p_fresh"], answer["called_from"], 3), "map_note": note}
    return answer | pictures | words | {"place": place, "facts": facts}


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return " ".join(f"{v:g}" for v in value) if isinstance(value, (list, tuple, np.ndarray)) else str(value)
