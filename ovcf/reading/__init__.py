"""Blinded readings without any page: the plan, who reads, the journals, and what they add up to."""
