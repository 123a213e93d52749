"""A study companion: fresh or old vertebral fractures on lateral spine radiographs. Research use only."""

__version__ = "0.1.0"
