"""How a run's tables are read: ids and names stay text."""

from pathlib import Path

import pandas as pd

TEXT_COLUMNS = (
    "patch_id patient_id level label image sex region network split reader session answer time "
    "weights trainable spacing_origin"
).split()


def read_table(path: Path) -> pd.DataFrame:
    """Read one of the run's tables: ids and names stay text (leading zeros too), an empty text is ""."""
    header = pd.read_csv(path, nrows=0).columns
    text = [c for c in header if c in TEXT_COLUMNS or c.endswith("_label")]
    table = pd.read_csv(path, dtype=dict.fromkeys(text, str))
    table[text] = table[text].fillna("")
    return table
