"""A copy of a cohort without names and dates, whole or not at all."""

from ovcf.intake.deidentify.film import CleanFilm, deidentify_film
from ovcf.intake.deidentify.rules import Rules, parse_masks
from ovcf.intake.deidentify.whole import Deidentified, deidentify

__all__ = ["CleanFilm", "Deidentified", "Rules", "deidentify", "deidentify_film", "parse_masks"]
