"""Run the notebooks in order and join what they show into one page."""

from ovcf.report.run import RunFailed, run_study

__all__ = ["RunFailed", "run_study"]
