"""Run the notebooks in order and join what they show into one page."""

from ovcf.report.run import RunFailed, Terminated, prepare_study, run_study

__all__ = ["RunFailed", "Terminated", "prepare_study", "run_study"]
