"""Run the notebooks in order and join what they show into one page."""

from ovcf.report.run import RunFailed, Terminated, run_study

__all__ = ["RunFailed", "Terminated", "run_study"]
