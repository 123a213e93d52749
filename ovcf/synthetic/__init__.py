"""Synthetic films of the paper's cohort and simulated readers. Nothing here comes from a patient or a person, and says so."""

from ovcf.synthetic.making import DRAWING, synthesise
from ovcf.synthetic.phantom import Effects

__all__ = ["DRAWING", "Effects", "synthesise"]
