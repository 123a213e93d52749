"""Figures: each draws a given table on an ax and hands the ax back."""
