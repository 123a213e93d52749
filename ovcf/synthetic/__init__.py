"""Synthetic films of the paper's cohort, and simulated readers. None is of a person; all says so."""

from ovcf.synthetic.making import kept_cohort, synthesise
from ovcf.synthetic.phantom import Effects

__all__ = ["Effects", "kept_cohort", "synthesise"]
