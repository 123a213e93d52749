"""Radiographs as files: PNG, JPEG, TIFF and DICOM read as greys with bone bright, or refused by name."""

from ovcf.cohort.films.greys import MAX_PIXELS, Film, FilmHeader
from ovcf.cohort.films.reading import check_film, film_kind, read_film, read_header

__all__ = ["MAX_PIXELS", "Film", "FilmHeader", "check_film", "film_kind", "read_film", "read_header"]
