"""A copy of a cohort without names and dates, whole or not at all."""

from ovcf.intake.deidentify.whole import Deidentified, deidentify, deidentify_film

__all__ = ["Deidentified", "deidentify", "deidentify_film"]
