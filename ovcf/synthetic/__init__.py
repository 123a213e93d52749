"""Synthetic films of the paper's cohort. Nothing here comes from a patient; everything made from it says so."""

from ovcf.synthetic.making import DRAWING, synthesise
from ovcf.synthetic.phantom import Effects

__all__ = ["DRAWING", "Effects", "synthesise"]
