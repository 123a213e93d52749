"""Patches as tensors, networks, training, the final model and its explanation: torch lives here only.

Nothing is imported here, so `import ovcf.models` costs nothing; `ovcf.models.catalogue` is free of torch too.
"""
