"""What a run answers to the items of a checklist: one function a subject, each with where the report says it.

A function returns its sentence and raises `Unknown` where the run cannot say: the item's question is then put to a
person. Checklists (`*.yaml`) name the functions; several items share one.
"""

from ovcf.report.manuscript.answers import data, model, results  # noqa: F401 - each enters its answers
from ovcf.report.manuscript.answers.registry import ANSWERS, Answering

__all__ = ["ANSWERS", "Answering"]
