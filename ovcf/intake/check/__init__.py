"""Look a cohort over before an hour is spent: errors, and warnings that a reviewer would raise."""

from ovcf.intake.check.survey import Findings, check

__all__ = ["Findings", "check"]
