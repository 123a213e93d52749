"""Whether a model has anything to say about a film: one of synthetic films has nothing to say about a patient's."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ovcf.files import digest
from ovcf.problems import InputError, Problem

ACCEPT = "--accept-synthetic-model"
MISMATCH = "the model was trained on synthetic films only, and this film is none of them: its number would say nothing"
FOLDERS_UP = 3  # from a film to the cohort it may belong to


def drawn_here(film: Path) -> bool:
    """Whether a film lies in a cohort that this software drew (its cohort.json says so)."""
    for folder in list(Path(film).absolute().parents)[:FOLDERS_UP]:
        try:
            return json.loads((folder / "cohort.json").read_text(encoding="utf-8")).get("synthetic") is True
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError):
            return False
    return False


def among(film: Path, films: Iterable[Path]) -> bool:
    """Whether a file is byte for byte one of others; only those of its size are read."""
    film = Path(film)
    size, alike = film.stat().st_size, []
    for other in films:
        try:
            alike += [other] if Path(other).stat().st_size == size else []
        except OSError:
            continue
    return bool(alike) and digest(film) in {digest(Path(other)) for other in alike}


def refuse_mismatch(card: Mapping[str, Any], film: str, *, known: bool, accepted: bool) -> None:
    """Raise InputError where a model of synthetic films is asked about a film that is none, unless that is accepted.

    `known` says that the film is a synthetic one.
    """
    if card.get("synthetic") and not known and not accepted:
        raise InputError(
            Problem("synthetic_model", MISMATCH, film, allowed=f"{ACCEPT} to have the number all the same")
        )
