"""Vertebrae of one film by a run's final model: the one road behind the page and `ovcf predict`.

Research use only. The answer is a research model's, not a diagnosis.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ovcf.predict.answer import BINARY, RESEARCH, answer_for, describe, trained_on
from ovcf.predict.boxes import check_box, parse_box
from ovcf.predict.cutting import Prepared, prepare_case
from ovcf.predict.films import ACCEPT, drawn_here, refuse_mismatch
from ovcf.predict.spacing import check_spacing
from ovcf.problems import InputError, Problem
from ovcf.run_folder.fixed import read_fixed
from ovcf.run_folder.places import is_run

__all__ = [
    "ACCEPT", "BINARY", "RESEARCH", "Prepared", "answer_for", "ask", "check_box", "check_spacing", "describe",
    "drawn_here", "load_model", "parse_box", "predict_case", "predict_cases", "prepare_case", "refuse_mismatch",
    "trained_on",
]  # fmt: skip


def predict_case(film_path: str | Path, box: Sequence[float], run: str | Path, **how: Any) -> dict:
    """Ask a run's final model about one vertebra; see `predict_cases`."""
    return predict_cases(film_path, [box], run, **how)[0]


def predict_cases(
    film_path: str | Path,
    boxes: Sequence[Sequence[float]],
    run: str | Path,
    *,
    model: Any | None = None,
    mm_per_px: float | None = None,
    flip: bool = False,
    accept_synthetic: bool = False,
) -> list[dict]:
    """Ask a run's final model about vertebrae of one film.

    Parameters
    ----------
    film_path : path
        PNG, JPEG, TIFF or DICOM.
    boxes : sequence of four numbers each
        x0, y0, x1, y1 in px of the film as it is stored, tightly around one vertebral body.
    run : path
        Run folder with `model/`, or a bundle.
    model : FinalModel, optional
        Already loaded, from the same run.
    mm_per_px : float, optional
        Size of a pixel; counts before the film's own.
    flip : bool
        Turn the patches left to right, for a film that faces the other way.
    accept_synthetic : bool
        Go on where the model was trained on synthetic films and the film is not one.

    Returns
    -------
    list of dict, in the order of the boxes
        `p_fresh`, `low` and `high` (smallest and largest probability by the final model and those of the folds),
        `called` (fresh from `called_from` on, the run's threshold), `margin_range` (None, or lowest and highest
        P(fresh) over the margins of training where the size of a pixel is unknown: `p_fresh`, `low` and `high` are then
        means over those that fit), `likely_mm_per_px` (sizes of a pixel that fit, and their shares), `distance` and
        `unlike` (far from the training patches), `warning` (that, a blank, dark or bright box, a model of synthetic
        films), `calibration` (a sentence), `binary` (what cannot come out), `trained_on`, `digest` and `network` of the
        model, `film`, `film_sha256`, `box`, `flip`, `margin_px`, `margin_from`, `mm_per_px`, `spacing_origin`, `notes`,
        `synthetic` (trained on synthetic films) and `research_use_only`.

    Raises
    ------
    InputError
        For an unreadable film, a box that is not one or lies outside, a size no pixel has, a run without a model, and
        a film the model has nothing to say about (unless accepted).
    """
    from ovcf.cohort.films import read_film
    from ovcf.files import digest

    model = model or load_model(run)
    film = read_film(film_path)  # first: what is no film has no other fault
    known = drawn_here(Path(film_path))
    refuse_mismatch(model.card, str(film_path), known=known, accepted=accept_synthetic)
    for box in boxes:
        check_box(box, film.pixels.shape, str(film_path))
    _, answers = ask(film, boxes, model, mm_per_px=mm_per_px, flip=flip, known=known)
    named = {"film": str(film_path), "film_sha256": digest(Path(film_path))}
    return [named | answer for answer in answers]


def ask(
    film: Any, boxes: Sequence[Sequence[float]], model: Any, *, mm_per_px: float | None, flip: bool, known: bool
) -> tuple[list[Prepared], list[dict]]:
    """Cut boxes out of a film that was read and ask a loaded model about each; see `predict_cases`.

    `known` is False for a film that a model of synthetic films has nothing to say about.
    """
    prepared = [prepare_case(film, box, model, mm_per_px=mm_per_px, flip=flip) for box in boxes]
    return prepared, [answer_for(one, model, known=known) for one in prepared]


def load_model(run: str | Path) -> Any:
    """The final model of a run, or of a bundle (a file); InputError when there is none.

    It calls a patch fresh from the run's threshold on.
    """
    from ovcf.models.bundle import open_bundle
    from ovcf.models.final import load_final

    path, of_run = Path(run), {}
    if path.is_file():
        model, about = open_bundle(path)
        of_run = about["parameters"]
    else:
        if not (path / "model").is_dir():
            raise InputError(Problem("no_model", "this run has no final model; make it with ovcf run", str(run)))
        model = load_final(path / "model")
        of_run = read_fixed(path)[0] if is_run(path) else {}
    model.called_from = of_run.get("threshold", model.called_from)  # a card of an older run does not say it
    return model
